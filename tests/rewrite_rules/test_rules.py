"""Each exact rule fires on its smallest graph, and the graph still computes the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pytest

from nir_io.graph import Conv2d, Delay, Graph, Linear, Scale, SumPool2d, frozen
from nir_io.order import late_edges
from rewrite_rules import rule_named, rules, rules_of
from rewrite_rules.rule import Exact, Proposal, apply
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target
from tests.rewrite_rules.networks import (
    DT,
    TARGET,
    affine,
    agree,
    average,
    chain,
    conv,
    conv1d,
    cuba,
    delay,
    flatten,
    integrator,
    li,
    linear,
    net,
    numbers,
    pool,
    scale,
    sink,
    source,
    spoilt,
)


@dataclass(frozen=True)
class Case:
    """A graph, the node to look at, and the kinds of the nodes that come instead."""

    graph: Graph
    at: str
    kinds: tuple[str, ...]
    target: Target = TARGET


def no_bias(n: int, m: int) -> Linear:
    return replace(affine("fc", n, m), bias=frozen(np.zeros(m)))


MAP = (2, 6, 6)
CASES: MappingProxyType[str, Case] = MappingProxyType(
    {
        "drop-zero-bias": Case(chain(no_bias(3, 2)), "fc", ("Linear",)),
        "split-shared-linear": Case(
            net(
                source((3,)),
                affine("fc", 3, 2),
                li("a", (2,)),
                cuba("b", (2,)),
                sink((2,)),
                edges="in>fc fc>a fc>b a>out b>out",
            ),
            "fc",
            ("Affine", "Affine"),
        ),
        "split-sum": Case(
            net(
                source((3,), "x"),
                source((3,), "y"),
                affine("fc", 3, 2),
                sink((2,)),
                edges="x>fc y>fc fc>out",
            ),
            "fc",
            ("Affine", "Linear"),
        ),
        "merge-scales": Case(chain(scale("s", (3,)), scale("t", (3,))), "s", ("Scale",)),
        "fold-scale-into-linear": Case(
            chain(scale("s", (3,)), linear("fc", 3, 2)), "s", ("Linear",)
        ),
        "fold-scale-into-affine": Case(
            chain(affine("fc", 3, 2), scale("s", (2,))), "s", ("Affine",)
        ),
        "fold-scale-into-conv": Case(
            chain(scale("s", MAP, by="channel"), conv("c", MAP, 4, (3, 3), groups=2)),
            "s",
            ("Conv2d",),
        ),
        "fold-linear-chain": Case(
            chain(affine("a", 3, 4), flatten("f", (2, 2)), affine("b", 4, 2, seed=1)),
            "a",
            ("Affine",),
        ),
        "fold-conv-chain": Case(
            chain(
                conv("a", (2, 9, 9), 3, (3, 2), (2, 1), (1, 0, 2, 1)),
                conv("b", (3, 4, 11), 2, (2, 3), (1, 2), dilation=(1, 2)),
            ),
            "a",
            ("Conv2d",),
        ),
        "merge-pools": Case(
            chain(pool("p", (2, 9, 9)), pool("q", (2, 4, 4), (3, 3), (1, 1))), "p", ("SumPool2d",)
        ),
        "avgpool-to-sumpool": Case(chain(average("p", MAP, (3, 2))), "p", ("SumPool2d", "Scale")),
        "conv1d-to-conv2d": Case(chain(conv1d("c", (2, 7), 3, 3)), "c", ("Conv2d",)),
        "groups-to-dense": Case(chain(conv("c", MAP, 4, (3, 3), groups=2)), "c", ("Conv2d",)),
        "dilation-to-dense": Case(
            chain(conv("c", MAP, 3, (2, 3), dilation=(3, 2))), "c", ("Conv2d",)
        ),
        "square-kernel": Case(
            chain(conv("c", MAP, 3, (1, 3), padding=(0, 0, 1, 1))), "c", ("Conv2d",)
        ),
        "pool-into-kernel": Case(
            chain(pool("p", MAP), conv("c", (2, 3, 3), 3, (2, 2), padding=(1, 1, 1, 1))),
            "p",
            ("Conv2d",),
        ),
        "pool-into-producer": Case(
            chain(
                conv("c", MAP, 3, (3, 3), padding=(1, 1, 1, 1)),
                pool("p", (3, 6, 6), (3, 2), (2, 2)),
            ),
            "p",
            ("Conv2d",),
        ),
        "pool-to-conv": Case(chain(pool("p", MAP, (3, 2), (2, 1), (1, 0))), "p", ("Conv2d",)),
        "conv-to-linear": Case(
            chain(conv("c", MAP, 4, (3, 2), (2, 1), (1, 0, 2, 1), (2, 1), groups=2)),
            "c",
            ("Flatten", "Affine"),
        ),
        "linear-to-conv": Case(
            chain(flatten("f", (2, 3, 4)), affine("fc", 24, 5)), "fc", ("Conv2d",)
        ),
        "drop-flatten": Case(chain(conv("c", MAP, 1, (6, 6)), flatten("f", (1, 1, 1))), "f", ()),
        "move-flatten": Case(chain(scale("s", MAP), flatten("f", MAP)), "f", ("Flatten", "Scale")),
        "move-scale": Case(
            chain(scale("s", MAP, by="channel"), pool("p", MAP)), "p", ("SumPool2d", "Scale")
        ),
        "merge-delays": Case(
            chain(delay("d", (3,), [0, 1, 2]), delay("e", (3,), 2)), "d", ("Delay",)
        ),
        "drop-zero-delay": Case(chain(linear("fc", 3, 3), delay("d", (3,), 0)), "d", ()),
        "move-delay": Case(
            chain(linear("fc", 3, 2), delay("d", (2,), 2)), "d", ("Delay", "Linear")
        ),
        "identity-weights": Case(chain(pool("p", MAP), li("n", (2, 3, 3))), "p", ("Scale",)),
        "remove-unreachable": Case(
            net(
                source((2,)),
                linear("fc", 2, 2),
                linear("lost", 2, 5),
                li("end", (5,)),
                linear("unheard", 3, 2),
                sink((2,)),
                edges="in>fc fc>out in>lost lost>end unheard>out",
            ),
            "end",
            (),
        ),
        "dead-rows": Case(
            chain(
                conv("c", (1, 7, 8), 2, (3, 3), padding=(1, 1, 1, 1)),
                li("n", (2, 7, 8)),
                pool("p", (2, 7, 8)),
            ),
            "n",
            ("Conv2d", "LI", "SumPool2d"),
        ),
        "even-padding": Case(
            chain(conv("c", MAP, 3, (3, 3), padding=(0, 1, 2, 1))), "c", ("Conv2d",)
        ),
        "scale-to-conv": Case(chain(scale("s", MAP, by="channel")), "s", ("Conv2d",)),
        "split-pool": Case(
            chain(pool("p", (2, 12, 12), (6, 6)), conv("c", (2, 2, 2), 3, (2, 2))),
            "p",
            ("SumPool2d", "Conv2d"),
            replace(TARGET, pool_sizes=(1, 2, 4)),
        ),
    }
)


def test_no_exact_rule_is_without_a_case() -> None:
    """The rules on neurons, which approximate, have tests of their own."""
    approximate = {one.name for one in rules_of(*Neuronal)}
    assert {one.name for one in rules()} - approximate == set(CASES)


def test_rules_are_found_by_listing_the_folder_and_by_name() -> None:
    names = [one.name for one in rules()]
    assert len(names) == len(set(names)) >= len(CASES)
    assert rule_named("split-sum").name == "split-sum"
    with pytest.raises(KeyError, match=r"no rule 'split-hair'; there are: .*split-sum"):
        rule_named("split-hair")


def proposed(case: Case, name: str) -> Proposal:
    answer = rule_named(name).propose(case.graph, case.at, case.target)
    assert isinstance(answer, Proposal), answer
    return answer


@pytest.mark.parametrize("name", CASES)
def test_the_rule_fires_on_its_smallest_graph_and_keeps_the_numbers(name: str) -> None:
    case = CASES[name]
    proposal = proposed(case, name)
    assert proposal.keeps == Exact() and proposal.rule == name
    assert tuple(node.kind for node in proposal.use) == case.kinds
    assert f"'{case.at}'" in proposal.says
    after = apply(case.graph, proposal)
    replaced = set(proposal.instead_of) - {node.name for node in proposal.use}
    assert not replaced & set(after.nodes)
    assert agree(case.graph, after)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"remove-unreachable"}))
def test_a_deliberately_wrong_rewrite_is_noticed(name: str) -> None:
    case = CASES[name]
    assert not agree(case.graph, apply(case.graph, spoilt(proposed(case, name))))


def test_removing_a_node_that_matters_is_noticed() -> None:
    case = CASES["remove-unreachable"]
    proposal = proposed(case, "remove-unreachable")
    assert proposal.instead_of == ("end", "lost", "unheard")
    wrong = replace(proposal, instead_of=("fc",))
    assert not agree(case.graph, apply(case.graph, wrong))


@pytest.mark.parametrize("name", sorted(set(CASES) - {"identity-weights", "remove-unreachable"}))
def test_new_nodes_stand_for_the_nodes_that_they_replace(name: str) -> None:
    """The union of the origins replaced is that of the new ones (or they are gone)."""
    case = CASES[name]
    named = {n: replace(node, origin=(f"file/{n}",)) for n, node in case.graph.nodes.items()}
    graph = replace(case.graph, nodes=MappingProxyType(named))
    proposal = proposed(replace(case, graph=graph), name)
    before = {origin for name in proposal.instead_of for origin in graph.nodes[name].origin}
    after = {origin for node in proposal.use for origin in node.origin}
    assert after == before or not proposal.use


def both_sides(first: Graph, second: Graph, name: str, at: str) -> None:
    for graph in (first, second):
        answer = rule_named(name).propose(graph, at, TARGET)
        assert isinstance(answer, Proposal)
        assert agree(graph, apply(graph, answer))


def test_a_scale_is_folded_from_either_side() -> None:
    s, t = scale("s", (3,)), scale("s", (2,))
    both_sides(
        chain(s, linear("fc", 3, 2)), chain(linear("fc", 3, 2), t), "fold-scale-into-linear", "s"
    )
    both_sides(
        chain(s, affine("fc", 3, 2)), chain(affine("fc", 3, 2), t), "fold-scale-into-affine", "s"
    )
    c = conv("c", MAP, 4, (3, 3), groups=2)
    both_sides(
        chain(scale("s", MAP, by="channel"), c),
        chain(c, scale("s", c.shape_out, by="channel")),
        "fold-scale-into-conv",
        "s",
    )


def test_a_pool_is_folded_into_dense_weights_behind_a_flatten() -> None:
    for before in (pool("p", (2, 7, 6), (3, 2)), pool("p", MAP, (3, 3), (2, 1), (1, 1))):
        n = int(np.prod(before.shape_out))
        graph = chain(before, flatten("f", before.shape_out), affine("fc", n, 3))
        answer = rule_named("pool-into-kernel").propose(graph, "p", TARGET)
        assert isinstance(answer, Proposal)
        assert [node.kind for node in answer.use] == ["Flatten", "Affine"]
        assert agree(graph, apply(graph, answer))


def test_a_pool_of_the_chip_stays_in_front_of_a_convolution() -> None:
    graph = CASES["pool-into-kernel"].graph
    chip = replace(TARGET, pool_sizes=(1, 2, 4))
    assert rule_named("pool-into-kernel").propose(graph, "p", chip) is None


def test_repeating_the_kernel_is_what_folding_a_pool_does() -> None:
    """Each entry k x k times, stride * k, padding * k (loihi2 and speck fact sheets)."""
    case = CASES["pool-into-kernel"]
    (folded,) = proposed(case, "pool-into-kernel").use
    old = case.graph.nodes["c"]
    assert isinstance(folded, Conv2d) and isinstance(old, Conv2d)
    assert np.array_equal(folded.weight, old.weight.repeat(2, axis=2).repeat(2, axis=3))
    assert folded.stride == (2, 2) and folded.padding == (2, 2, 2, 2)


def test_dead_rows_leave_a_map_that_is_used_whole() -> None:
    case = CASES["dead-rows"]
    kernel, neuron, reader = proposed(case, "dead-rows").use
    assert isinstance(kernel, Conv2d) and isinstance(reader, SumPool2d)
    assert neuron.shape_out == kernel.shape_out == reader.shape_in == (2, 6, 8)
    assert kernel.weight.shape == (2, 1, 4, 3) and kernel.padding == (1, 1, 1, 1)


def shared_recurrence() -> Graph:
    """One matrix is read by the neuron that feeds it (a loop) and by another one (none)."""
    return net(
        source((2,)),
        li("a", (2,)),
        linear("w", 2, 2),
        cuba("b", (2,)),
        sink((2,)),
        edges="in>a in>w a>w w>a w>b a>out b>out",
    )


def test_a_copy_outside_the_loop_keeps_the_delay_of_the_loop() -> None:
    graph = shared_recurrence()
    assert late_edges(graph) == {("a", "w")}
    proposal = proposed(Case(graph, "w", ()), "split-shared-linear")
    (extra,) = [node for node in proposal.use if isinstance(node, Delay)]
    assert np.all(extra.delay == DT)
    after = apply(graph, proposal)
    assert after.after("a") == ("out", "w@a", extra.name)
    assert agree(graph, after)
    without = replace(extra, delay=frozen(np.zeros(2)))
    wrong = replace(proposal, use=(*(n for n in proposal.use if n is not extra), without))
    assert not agree(graph, apply(graph, wrong))


def test_names_that_are_taken_are_not_taken_again() -> None:
    case = CASES["split-sum"]
    taken = replace(linear("fc@x", 2, 2), name="fc@x")
    graph = net(*case.graph.nodes.values(), taken, edges="x>fc y>fc fc>fc@x fc@x>out")
    proposal = proposed(Case(graph, "fc", ()), "split-sum")
    assert [node.name for node in proposal.use] == ["fc@x'", "fc@y"]
    assert agree(graph, apply(graph, proposal))


def test_silent_nodes_go_and_driven_ones_stay() -> None:
    ring = [integrator("p", (2,)), linear("w", 2, 2), integrator("q", (2,))]
    graph = net(
        source((2,)),
        linear("fc", 2, 2),
        *ring,
        li("clock", (2,)),
        sink((2,)),
        edges="in>fc fc>out p>w w>q q>p q>out clock>out",
    )
    proposal = proposed(Case(graph, "p", ()), "remove-unreachable")
    assert proposal.instead_of == ("p", "q", "w")
    assert agree(graph, apply(graph, proposal))


def test_identity_weights_fit_every_unweighted_reader() -> None:
    graph = net(
        source((4,)),
        li("a", (4,)),
        li("b", (2, 2)),
        linear("fc", 4, 4),
        sink((4,)),
        edges="in>a a>b a>fc fc>b a>a b>out",
    )
    proposal = proposed(Case(graph, "a", ()), "identity-weights")
    assert [(n.name, n.shape_out) for n in proposal.use] == [("a@a", (4,)), ("a@b", (2, 2))]
    assert all(isinstance(n, Scale) and np.all(n.scale == 1.0) for n in proposal.use)
    after = apply(graph, proposal)
    assert after.after("a") == ("a@a", "a@b", "fc") and agree(graph, after)


def test_several_proposals_are_carried_out_at_once() -> None:
    graph = net(
        source((3,)),
        no_bias(3, 2),
        li("n", (2,)),
        scale("s", (2,)),
        scale("t", (2,)),
        sink((2,)),
        edges="in>fc fc>n n>s s>t t>out",
    )
    first = proposed(Case(graph, "fc", ()), "drop-zero-bias")
    second = proposed(Case(graph, "s", ()), "merge-scales")
    after = apply(graph, first, second)
    assert [node.kind for node in after.nodes.values()] == [
        "Linear",
        "Input",
        "LI",
        "Output",
        "Scale",
    ]
    assert agree(graph, after)


def test_a_replaced_neuron_keeps_its_own_loop() -> None:
    graph = net(source((2,)), li("n", (2,)), sink((2,)), edges="in>n n>n n>out")
    other = Proposal("any", ("n",), (cuba("m", (2,)),), Exact(), "")
    assert set(apply(graph, other).edges) == {("in", "m"), ("m", "m"), ("m", "out")}


def test_merged_delays_act_as_the_two_did_though_rounding_differs() -> None:
    first = Delay(name="d", shape_in=(1,), shape_out=(1,), delay=frozen([1.4 * DT]))
    graph = chain(first, replace(first, name="e"))
    proposal = proposed(Case(graph, "d", ()), "merge-delays")
    (merged,) = proposal.use
    assert isinstance(merged, Delay) and merged.delay[0] == pytest.approx(2 * DT)
    assert agree(graph, apply(graph, proposal))


def test_dense_weights_on_a_population_become_one_by_one_kernels() -> None:
    graph = chain(linear("fc", 3, 2))
    (kernel,) = proposed(Case(graph, "fc", ()), "linear-to-conv").use
    assert isinstance(kernel, Conv2d)
    assert kernel.shape_in == (3, 1, 1) and kernel.weight.shape == (2, 3, 1, 1)
    assert np.array_equal(kernel.weight.ravel(), numbers(2, 3).ravel())
