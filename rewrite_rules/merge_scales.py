"""Merge two Scales in a row: t * (s * x) == (t s) * x. Exact."""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import Graph, Scale, frozen
from rewrite_rules.linear_nodes import next_in_chain, stands_for, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class MergeScales(Rule):
    """Scale behind Scale."""

    name = "merge-scales"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the first of the two."""
        first = graph.nodes[at]
        seconds = [b for b in graph.after(at) if isinstance(graph.nodes[b], Scale)]
        if not isinstance(first, Scale) or not seconds:
            return None
        second = next_in_chain(graph, at)
        if not isinstance(second, Scale):
            return Refusal(self.name, at, why_no_chain(graph, at, seconds[0]))
        merged = replace(
            second,
            scale=frozen(first.scale.reshape(second.shape_out) * second.scale),
            origin=stands_for(first, second),
        )
        says = f"'{at}' and '{second.name}' become one Scale"
        return Proposal(self.name, (at, second.name), (merged,), Exact(), says)


RULE = MergeScales()
