"""Folding a Scale into the weights before or behind it: the common part of three rules."""

from __future__ import annotations

from collections.abc import Callable

from nir_io.graph import Array, Graph, Node, Scale
from rewrite_rules.linear_nodes import next_in_chain, previous_in_chain, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal

Fold = Callable[[Node, Array], Node | str]


def fold_scale(
    rule: str, graph: Graph, at: str, kinds: tuple[type[Node], ...], before: Fold, behind: Fold
) -> Proposal | Refusal | None:
    """Fold Scale `at` into the node of `kinds` that reads it, else into the one it reads.

    `before(node, scale)` gives the node that scales its input first, `behind` the one that
    scales its output; a sentence says why there is none.
    """
    scale = graph.nodes[at]
    if not isinstance(scale, Scale):
        return None
    refusal: Refusal | None = None
    for readers, chain, fold in (
        (graph.after(at), next_in_chain, before),
        (graph.before(at), previous_in_chain, behind),
    ):
        ends = [name for name in readers if isinstance(graph.nodes[name], kinds)]
        if not ends:
            continue
        pair = (at, ends[0]) if fold is before else (ends[0], at)
        node = chain(graph, at)
        if node is None:
            refusal = refusal or Refusal(rule, at, why_no_chain(graph, *pair))
            continue
        new = fold(node, scale.scale)
        if isinstance(new, str):
            refusal = refusal or Refusal(rule, at, new)
            continue
        says = f"'{at}' is folded into the weights of '{node.name}'"
        return Proposal(rule, pair, (new,), Exact(), says)
    return refusal
