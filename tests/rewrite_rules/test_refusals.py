"""Each refusal of an exact rule, by its reason and its numbers; and where a rule passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nir_io.graph import Graph, Node, frozen
from rewrite_rules import rule_named
from rewrite_rules.rule import Refusal
from rewrite_rules.target import Target
from tests.rewrite_rules.networks import (
    DT,
    TARGET,
    affine,
    average,
    chain,
    conv,
    delay,
    flatten,
    integrator,
    li,
    linear,
    net,
    pool,
    scale,
    sink,
    source,
)

MAP = (2, 6, 6)
TIGHT = replace(TARGET, max_dense_entries=20)


def forked(first: Node, second: Node) -> Graph:
    """first feeds second and an output of its own."""
    return net(
        source(first.shape_in),
        first,
        second,
        sink(second.shape_out),
        sink(first.shape_out, "aside"),
        edges=f"in>{first.name} {first.name}>{second.name} {first.name}>aside {second.name}>out",
    )


def summed(first: Node, second: Node) -> Graph:
    """second sums first and another input."""
    return net(
        source(first.shape_in),
        source(second.shape_in, "more"),
        first,
        second,
        sink(second.shape_out),
        edges=f"in>{first.name} {first.name}>{second.name} more>{second.name} {second.name}>out",
    )


def twice(node: Node) -> Graph:
    """in feeds out directly and through node."""
    return net(
        source(node.shape_in),
        node,
        sink(node.shape_out),
        edges=f"in>{node.name} in>out {node.name}>out",
    )


FEEDS, SUMS = "feeds 2 nodes; folding needs exactly 1", "sums 2 inputs; folding needs exactly 1"
S, T = scale("s", (3,)), scale("t", (3,))
FC = linear("fc", 3, 2)
C = conv("c", MAP, 3, (3, 3))

REFUSALS: list[tuple[str, Graph, str, Target, str]] = [
    (
        "drop-zero-bias",
        chain(affine("fc", 3, 2)),
        "fc",
        TARGET,
        "2 of 2 biases are not 0 (largest ",
    ),
    ("merge-scales", forked(S, T), "s", TARGET, FEEDS),
    ("merge-scales", summed(S, T), "s", TARGET, SUMS),
    ("fold-scale-into-linear", forked(S, FC), "s", TARGET, FEEDS),
    ("fold-scale-into-linear", summed(S, FC), "s", TARGET, SUMS),
    ("fold-scale-into-affine", forked(S, affine("fc", 3, 2)), "s", TARGET, FEEDS),
    ("fold-scale-into-affine", summed(affine("fc", 3, 2), scale("s", (2,))), "s", TARGET, SUMS),
    (
        "fold-scale-into-conv",
        chain(scale("s", MAP), C),
        "s",
        TARGET,
        "'s' has different factors within 2 of 2 channels; a kernel is shared over the map",
    ),
    ("fold-linear-chain", forked(FC, linear("b", 2, 2)), "fc", TARGET, FEEDS),
    ("fold-linear-chain", summed(FC, linear("b", 2, 2)), "fc", TARGET, SUMS),
    (
        "fold-linear-chain",
        chain(linear("a", 7, 1), linear("b", 1, 3)),
        "a",
        TIGHT,
        "'a' and 'b' together are 21 weights; at most 20",
    ),
    ("fold-conv-chain", forked(C, conv("d", (3, 4, 4), 1, (2, 2))), "c", TARGET, FEEDS),
    (
        "fold-conv-chain",
        chain(C, conv("d", (3, 4, 4), 3, (2, 2), groups=3)),
        "c",
        TARGET,
        "they have 1 and 3 groups",
    ),
    (
        "fold-conv-chain",
        chain(C, conv("d", (3, 4, 4), 1, (2, 2), padding=(1, 0, 0, 0))),
        "c",
        TARGET,
        "'d' is padded in y, where one window of 'c' further on would still meet 2 entries",
    ),
    (
        "fold-conv-chain",
        chain(conv("c", MAP, 3, (1, 1)), conv("d", (3, 6, 6), 1, (2, 2), padding=(1, 0, 0, 0))),
        "c",
        TARGET,
        "'d' is padded, and the bias of 'c' would reach the padding",
    ),
    (
        "fold-conv-chain",
        chain(C, conv("d", (3, 4, 4), 1, (2, 2))),
        "c",
        TIGHT,
        "together they are 32 weights; at most 20",
    ),
    (
        "fold-conv-chain",
        chain(C, conv("d", (4, 3, 4), 1, (2, 2))),
        "c",
        TARGET,
        "'d' reads the map (3, 4, 4) of 'c' as (4, 3, 4)",
    ),
    ("merge-pools", forked(pool("p", MAP), pool("q", (2, 3, 3))), "p", TARGET, FEEDS),
    (
        "merge-pools",
        chain(pool("p", MAP, (2, 2), (1, 1)), pool("q", (2, 5, 5))),
        "p",
        TARGET,
        "its kernel (2, 2) is not its stride (1, 1)",
    ),
    (
        "merge-pools",
        chain(pool("p", MAP), pool("q", (2, 3, 3), padding=(1, 0))),
        "p",
        TARGET,
        "the paddings are (0, 0) and (1, 0), not 0",
    ),
    (
        "groups-to-dense",
        chain(conv("c", MAP, 2, (3, 3), groups=2)),
        "c",
        TIGHT,
        "without its 2 groups 'c' has 36 weights; at most 20",
    ),
    (
        "dilation-to-dense",
        chain(conv("c", MAP, 1, (2, 2), dilation=(3, 3))),
        "c",
        TIGHT,
        "without its dilation 'c' has 32 weights; at most 20",
    ),
    (
        "square-kernel",
        chain(conv("c", MAP, 3, (2, 3), padding=(0, 0, 1, 1))),
        "c",
        TARGET,
        "its kernel is 2x3; 1 more in y cannot be shared between both sides, and the map of 6",
    ),
    (
        "square-kernel",
        chain(conv("c", MAP, 3, (2, 3), dilation=(2, 1))),
        "c",
        TARGET,
        "its dilation is (2, 1); write it out first",
    ),
    (
        "pool-into-kernel",
        chain(pool("p", (2, 7, 7)), conv("c", (2, 3, 3), 1, (2, 2), padding=(0, 1, 0, 0))),
        "p",
        TARGET,
        "'c' is padded in y, where one window of 'p' further on would still cover 1 entries",
    ),
    (
        "pool-into-kernel",
        chain(
            pool("p", MAP, (3, 3), (2, 2)), conv("c", (2, 2, 2), 1, (2, 2), padding=(1, 0, 0, 0))
        ),
        "p",
        TARGET,
        "would still cover 1 entries",
    ),
    (
        "pool-into-kernel",
        chain(pool("p", MAP), flatten("f", (2, 3, 3)), linear("fc", 18, 1)),
        "p",
        TIGHT,
        "without 'p' 'fc' has 72 weights; at most 20",
    ),
    (
        "pool-into-kernel",
        forked(pool("p", MAP), conv("c", (2, 3, 3), 1, (2, 2))),
        "p",
        TARGET,
        "'p' and its readers are not a chain",
    ),
    ("pool-into-producer", forked(C, pool("p", (3, 4, 4))), "p", TARGET, FEEDS),
    (
        "pool-into-producer",
        chain(C, pool("p", (3, 4, 4), padding=(1, 0))),
        "p",
        TARGET,
        "its padding is (1, 0), not 0",
    ),
    (
        "conv-to-linear",
        chain(C),
        "c",
        TIGHT,
        "written out 'c' has 48 x 72 = 3456 weights; at most 20",
    ),
    (
        "linear-to-conv",
        net(source((1, 1, 2, 3)), linear("fc", 6, 1), sink((1,)), edges="in>fc fc>out"),
        "fc",
        TARGET,
        "its input is not (channels, y, x), (channels, x) or (n,)",
    ),
    (
        "linear-to-conv",
        net(
            source((6,)),
            source((2, 3), "more"),
            linear("fc", 6, 1),
            sink((1,)),
            edges="in>fc more>fc fc>out",
        ),
        "fc",
        TARGET,
        "its inputs have 2 different shapes",
    ),
    (
        "drop-flatten",
        twice(flatten("f", (3,))),
        "f",
        TARGET,
        "'in' feeds 'out' directly too; without 'f' one edge would be lost",
    ),
    ("move-flatten", forked(scale("s", MAP), flatten("f", MAP)), "f", TARGET, FEEDS),
    ("move-scale", forked(scale("s", MAP), pool("p", MAP)), "p", TARGET, FEEDS),
    (
        "move-scale",
        chain(scale("s", MAP), pool("p", MAP)),
        "p",
        TARGET,
        "'s' has different factors within a channel (",
    ),
    ("merge-delays", summed(delay("d", (3,), 1), delay("e", (3,), 1)), "d", TARGET, SUMS),
    (
        "drop-zero-delay",
        chain(delay("d", (3,), [0, 1, 0])),
        "d",
        TARGET,
        "1 of 3 delays are not 0",
    ),
    ("drop-zero-delay", twice(delay("d", (3,), 0)), "d", TARGET, "'in' feeds 'out' directly too"),
    ("move-delay", forked(FC, delay("d", (2,), 1)), "d", TARGET, FEEDS),
    (
        "move-delay",
        chain(affine("fc", 3, 2), delay("d", (2,), 1)),
        "d",
        TARGET,
        "'fc' has a bias, which would act before the delay has passed",
    ),
    (
        "move-delay",
        chain(FC, delay("d", (2,), [1, 2])),
        "d",
        TARGET,
        "its delays differ (0.001 to 0.002), and 'fc' mixes its inputs",
    ),
    (
        "remove-unreachable",
        net(source((2,)), li("clock", (2,)), sink((2,)), edges="in>out clock>out"),
        "clock",
        TARGET,
        "no input reaches 'clock', but a bias, a v_leak or a threshold drives it",
    ),
    (
        "dead-rows",
        chain(linear("fc", 3, 50), li("n", (2, 5, 5)), pool("p", (2, 5, 5))),
        "n",
        TARGET,
        "1 of 5 rows and 1 of 5 columns are unused, but 'fc' is not a convolution for 'n' alone",
    ),
    (
        "dead-rows",
        chain(
            conv("c", (1, 7, 7), 1, (2, 2), dilation=(2, 2)),
            li("n", (1, 5, 5)),
            pool("p", (1, 5, 5)),
        ),
        "n",
        TARGET,
        "but 'c' has dilation (2, 2)",
    ),
]


@pytest.mark.parametrize(
    ("name", "graph", "at", "target", "because"),
    REFUSALS,
    ids=[f"{r[0]}-{r[4][:40]}" for r in REFUSALS],
)
def test_a_refusal_names_its_reason_and_its_numbers(
    name: str, graph: Graph, at: str, target: Target, because: str
) -> None:
    answer = rule_named(name).propose(graph, at, target)
    assert isinstance(answer, Refusal), answer
    assert (answer.rule, answer.at) == (name, at)
    assert because in answer.because


PASSES: list[tuple[str, Graph, str]] = [
    ("split-shared-linear", chain(FC), "fc"),
    ("split-sum", chain(FC), "fc"),
    ("split-sum", net(source((2,)), li("n", (2,)), sink((2,)), edges="in>n n>n n>out"), "n"),
    ("merge-pools", chain(average("p", MAP, (2, 2)), pool("q", (2, 3, 3))), "p"),
    ("pool-to-conv", chain(average("p", MAP, (2, 2))), "p"),
    ("pool-into-kernel", chain(average("p", MAP, (2, 2)), conv("c", (2, 3, 3), 1, (2, 2))), "p"),
    ("avgpool-to-sumpool", chain(pool("p", MAP)), "p"),
    ("square-kernel", chain(C), "c"),
    ("dilation-to-dense", chain(C), "c"),
    ("groups-to-dense", chain(C), "c"),
    ("drop-flatten", chain(pool("p", MAP), flatten("f", (2, 3, 3))), "f"),
    ("identity-weights", chain(FC, li("n", (2,))), "fc"),
    ("identity-weights", chain(C, flatten("f", (3, 4, 4)), li("n", (48,))), "f"),
    ("identity-weights", chain(FC), "in"),
    ("remove-unreachable", chain(FC), "fc"),
    ("dead-rows", chain(C, li("n", (3, 4, 4)), pool("p", (3, 4, 4))), "n"),
    ("dead-rows", chain(C, li("n", (3, 4, 4))), "n"),
    ("move-delay", chain(delay("d", (3,), 1)), "d"),
]


@pytest.mark.parametrize(("name", "graph", "at"), PASSES, ids=[p[0] for p in PASSES])
def test_a_rule_passes_where_there_is_nothing_to_do(name: str, graph: Graph, at: str) -> None:
    assert rule_named(name).propose(graph, at, TARGET) is None


def test_a_threshold_of_zero_is_not_silent() -> None:
    for threshold, gone in ((0.0, False), (0.5, True)):
        graph = net(
            source((2,)),
            integrator("n", (2,), threshold),
            sink((2,)),
            edges="in>out n>out",
        )
        answer = rule_named("remove-unreachable").propose(graph, "n", TARGET)
        assert isinstance(answer, Refusal) is not gone


def test_a_small_delay_is_not_dropped_as_zero() -> None:
    small = replace(delay("d", (1,), 0), delay=frozen(np.array([0.2 * DT])))
    assert isinstance(rule_named("drop-zero-delay").propose(chain(small), "d", TARGET), Refusal)
