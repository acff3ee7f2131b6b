"""Drop a Flatten that computes nothing and stands in the way.

Exact: a Flatten leaves values and their order (C order) as they are, and the ends of an edge
may differ in shape. It stays where it says how a map becomes the input of a dense node: right
behind a neuron, an Input, a Delay or a pooling, in front of dense weights or a population.
"""

from __future__ import annotations

from nir_io.graph import Delay, Flatten, Graph, Input, Neuron, Output, Scale, SumPool2d
from rewrite_rules.linear_nodes import DENSE, joins_twice
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target

FROM = (Input, Neuron, Delay, SumPool2d)
TO = (*DENSE, Scale, Neuron, Output)


class DropFlatten(Rule):
    """Flatten of what is flat, behind weights, or in front of a map's own node."""

    name = "drop-flatten"
    stages = (Normal.ANYWHERE,)
    after = ("move-flatten",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Flatten):
            return None
        ends = (
            all(isinstance(graph.nodes[a], FROM) for a in graph.before(at)),
            all(isinstance(graph.nodes[b], TO) for b in graph.after(at)),
        )
        if all(ends) and node.shape_in != node.shape_out:
            return None
        if not graph.before(at) or not graph.after(at):
            return None
        twice = joins_twice(graph, at)
        if twice:
            a, b = twice
            return Refusal(
                self.name,
                at,
                f"'{a}' feeds '{b}' directly too; without '{at}' one edge would be lost",
            )
        says = f"'{at}' is dropped: it changes no value and no order"
        return Proposal(self.name, (at,), (), Exact(), says)


RULE = DropFlatten()
