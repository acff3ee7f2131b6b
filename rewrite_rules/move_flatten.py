"""Move a Flatten in front of the Scale that it follows: it is only another reading of the shape.

    flatten(s * x)  ==  flatten(s) * flatten(x)

Exact. Behind it the Scale can be folded into dense weights.
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import Flatten, Graph, Scale, frozen
from rewrite_rules.linear_nodes import previous_in_chain, stands_for, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class MoveFlatten(Rule):
    """Flatten behind a Scale."""

    name = "move-flatten"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the Flatten."""
        node = graph.nodes[at]
        scales = [a for a in graph.before(at) if isinstance(graph.nodes[a], Scale)]
        if not isinstance(node, Flatten) or not scales:
            return None
        scale = previous_in_chain(graph, at)
        if not isinstance(scale, Scale):
            return Refusal(self.name, at, why_no_chain(graph, scales[0], at))
        flat = replace(
            scale,
            shape_in=node.shape_out,
            shape_out=node.shape_out,
            scale=frozen(scale.scale.reshape(node.shape_out)),
            origin=stands_for(scale),
        )
        says = f"'{at}' moves in front of '{scale.name}'"
        return Proposal(self.name, (scale.name, at), (node, flat), Exact(), says)


RULE = MoveFlatten()
