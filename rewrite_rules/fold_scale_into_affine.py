"""Fold a Scale into the Affine before or behind it.

    W (s * x) + b  ==  (W diag(s)) x + b        s * (W x + b)  ==  (diag(s) W) x + s * b

Exact. The two must be a chain: their common edge is all that leaves one and enters the other.
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import Affine, Array, Graph, Node, frozen
from rewrite_rules.folding import fold_scale
from rewrite_rules.linear_nodes import stands_for
from rewrite_rules.rule import Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class FoldScaleIntoAffine(Rule):
    """Scale next to an Affine."""

    name = "fold-scale-into-affine"
    stages = (Normal.ANYWHERE,)
    after = ("fold-scale-into-linear",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        scaled = graph.nodes[at]

        def before(node: Node, scale: Array) -> Node:
            assert isinstance(node, Affine)
            weight = frozen(node.weight * scale.reshape(1, -1))
            return replace(node, weight=weight, origin=stands_for(scaled, node))

        def behind(node: Node, scale: Array) -> Node:
            assert isinstance(node, Affine)
            return replace(
                node,
                weight=frozen(node.weight * scale.reshape(-1, 1)),
                bias=frozen(node.bias * scale.reshape(-1)),
                origin=stands_for(node, scaled),
            )

        return fold_scale(self.name, graph, at, (Affine,), before, behind)


RULE = FoldScaleIntoAffine()
