"""Fold a Scale into the Linear before or behind it.

    W (s * x)  ==  (W diag(s)) x        s * (W x)  ==  (diag(s) W) x

Exact. The two must be a chain: their common edge is all that leaves one and enters the other.
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import Array, Graph, Linear, Node, frozen
from rewrite_rules.folding import fold_scale
from rewrite_rules.linear_nodes import stands_for
from rewrite_rules.rule import Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class FoldScaleIntoLinear(Rule):
    """Scale next to a Linear."""

    name = "fold-scale-into-linear"
    stages = (Normal.ANYWHERE,)
    after = ("merge-scales",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        scaled = graph.nodes[at]

        def before(node: Node, scale: Array) -> Node:
            assert isinstance(node, Linear)
            weight = frozen(node.weight * scale.reshape(1, -1))
            return replace(node, weight=weight, origin=stands_for(scaled, node))

        def behind(node: Node, scale: Array) -> Node:
            assert isinstance(node, Linear)
            weight = frozen(node.weight * scale.reshape(-1, 1))
            return replace(node, weight=weight, origin=stands_for(node, scaled))

        return fold_scale(self.name, graph, at, (Linear,), before, behind)


RULE = FoldScaleIntoLinear()
