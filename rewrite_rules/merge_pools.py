"""Merge two poolings in a row into one.

    SumPool(k2, stride s2) of SumPool(k1, stride k1)  ==  SumPool(k1 k2, stride k1 s2)

Exact where the windows of the first do not overlap and neither is padded. The same holds for
averages.
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import Graph, SumPool2d
from rewrite_rules.linear_nodes import next_in_chain, other_map, stands_for, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class MergePools(Rule):
    """SumPool2d behind SumPool2d, or AvgPool2d behind AvgPool2d."""

    name = "merge-pools"
    stages = (Normal.ANYWHERE,)
    after = ("avgpool-to-sumpool",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the first of the two."""
        first = graph.nodes[at]
        seconds = [b for b in graph.after(at) if type(graph.nodes[b]) is type(first)]
        if not isinstance(first, SumPool2d) or not seconds:
            return None
        second = next_in_chain(graph, at)
        if not isinstance(second, SumPool2d):
            return Refusal(self.name, at, why_no_chain(graph, at, seconds[0]))
        other = other_map(first, second)
        if other:
            return Refusal(self.name, at, other)
        if first.kernel_size != first.stride:
            return Refusal(
                self.name, at, f"its kernel {first.kernel_size} is not its stride {first.stride}"
            )
        if any(first.padding) or any(second.padding):
            return Refusal(
                self.name, at, f"the paddings are {first.padding} and {second.padding}, not 0"
            )
        (ky, kx), (ly, lx), (sy, sx) = first.kernel_size, second.kernel_size, second.stride
        merged = replace(
            second,
            shape_in=first.shape_in,
            kernel_size=(ky * ly, kx * lx),
            stride=(ky * sy, kx * sx),
            origin=stands_for(first, second),
        )
        says = f"'{at}' and '{second.name}' become one pooling of {ky * ly}x{kx * lx}"
        return Proposal(self.name, (at, second.name), (merged,), Exact(), says)


RULE = MergePools()
