"""Rules on windows, over random kernels, strides, paddings, dilations, groups and maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from nir_io.graph import Conv2d, Graph, Node, SumPool2d
from rewrite_rules import fold_conv_chain, pool_into_kernel, rule_named
from rewrite_rules.rule import Proposal, Refusal, apply
from rewrite_rules.windows import Windows, after, compose, positions
from tests.rewrite_rules.networks import TARGET, agree, chain, li
from tests.rewrite_rules.random_networks import Rng, conv, pool, some

TRIES = 60


def size(rng: Rng) -> tuple[int, int, int]:
    return some(rng, 1, 2), some(rng, 2, 7), some(rng, 2, 7)


def two(first: Callable[..., Node], second: Callable[..., Node]) -> Callable[[Rng], Graph]:
    def make(rng: Rng) -> Graph:
        one = first(rng, "a", size(rng))
        return chain(one, second(rng, "b", one.shape_out))

    return make


def crossing(rng: Rng) -> Graph:
    """A convolution, a neuron and a pooling."""
    one = conv(rng, "a", size(rng))
    return chain(one, li("n", one.shape_out), pool(rng, "b", one.shape_out))


MAKERS: dict[str, tuple[Callable[[Rng], Graph], str]] = {
    "square-kernel": (lambda rng: chain(conv(rng, "a", size(rng))), "a"),
    "dilation-to-dense": (lambda rng: chain(conv(rng, "a", size(rng))), "a"),
    "groups-to-dense": (lambda rng: chain(conv(rng, "a", size(rng))), "a"),
    "conv-to-linear": (lambda rng: chain(conv(rng, "a", size(rng))), "a"),
    "pool-to-conv": (lambda rng: chain(pool(rng, "a", size(rng))), "a"),
    "merge-pools": (two(pool, pool), "a"),
    "pool-into-kernel": (two(pool, conv), "a"),
    "pool-into-producer": (two(conv, pool), "b"),
    "fold-conv-chain": (two(conv, conv), "a"),
    "dead-rows": (crossing, "n"),
}
REFUSE = {
    "square-kernel",
    "merge-pools",
    "pool-into-kernel",
    "pool-into-producer",
    "fold-conv-chain",
}


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_proposed_computes_the_same_for_any_geometry(name: str) -> None:
    make, at = MAKERS[name]
    seen: Counter[str] = Counter()
    for seed in range(TRIES):
        graph = make(np.random.default_rng(seed))
        answer = rule_named(name).propose(graph, at, TARGET)
        seen[type(answer).__name__] += 1
        if isinstance(answer, Proposal):
            assert agree(graph, apply(graph, answer), steps=1), f"seed {seed}"
            for node in answer.use:
                consistent(node)
    assert seen["Proposal"] >= 3, seen
    assert (seen["Refusal"] > 0) or name not in REFUSE, seen


def consistent(node: Node) -> None:
    """The shape that a node gives is the one that its windows count."""
    if isinstance(node, Conv2d):
        padding = node.padding
        kernel = [(node.weight.shape[2 + a] - 1) * node.dilation[a] + 1 for a in (0, 1)]
        assert node.weight.shape[:2] == (node.shape_out[0], node.shape_in[0] // node.groups)
    elif isinstance(node, SumPool2d):
        padding = tuple(p for p in node.padding for _ in (0, 1))
        kernel = list(node.kernel_size)
    else:
        return
    for axis in (0, 1):
        fit = positions(
            node.shape_in[1 + axis],
            kernel[axis],
            node.stride[axis],
            *padding[2 * axis : 2 * axis + 2],
        )
        assert fit == node.shape_out[1 + axis]


@pytest.mark.parametrize("module", [pool_into_kernel, fold_conv_chain])
def test_without_the_look_at_the_border_folding_would_be_wrong(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused because the border would be met is really not the same."""
    make, at = MAKERS[module.RULE.name]
    graphs = [make(np.random.default_rng(seed)) for seed in range(4 * TRIES)]
    answers = [module.RULE.propose(graph, at, TARGET) for graph in graphs]
    refused = [
        graph
        for graph, answer in zip(graphs, answers, strict=True)
        if isinstance(answer, Refusal) and "one window of" in answer.because
    ]
    monkeypatch.setattr(module, "met_outside", lambda inner, outer: 0)
    forced = [(graph, module.RULE.propose(graph, at, TARGET)) for graph in refused]
    folded = [(g, answer) for g, answer in forced if isinstance(answer, Proposal)]
    wrong = [1 for graph, answer in folded if not agree(graph, apply(graph, answer), steps=1)]
    assert len(folded) >= 10
    assert len(wrong) >= 0.9 * len(folded)  # a weight of 0 at the border may hide it


def test_composed_windows_see_what_the_two_in_turn_see() -> None:
    inner, outer = Windows(20, 3, 2, 1, 10), Windows(10, 4, 3, 0, 3)
    both = compose(inner, outer)
    for place in range(outer.count):
        middle = [place * outer.stride + j - outer.before for j in range(outer.kernel)]
        seen = {m * inner.stride + i - inner.before for m in middle for i in range(inner.kernel)}
        first = place * both.stride - both.before
        assert (min(seen), max(seen)) == (first, first + both.kernel - 1)
    assert positions(20, both.kernel, both.stride, both.before, after(both)) == outer.count
