"""A dilated convolution as one with zeros between the taps. Exact.

kernel size k, dilation d  ->  kernel size (k - 1) d + 1
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import Conv2d, Graph, frozen
from rewrite_rules.linear_nodes import stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target
from rewrite_rules.windows import spread_taps


class DilationToDense(Rule):
    """Conv2d with a dilation."""

    name = "dilation-to-dense"
    stages = (Alternative.UNDILATED,)
    after = ("pool-into-kernel",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Conv2d) or node.dilation == (1, 1):
            return None
        weight = spread_taps(node)
        if weight.size > target.max_dense_entries:
            return Refusal(
                self.name,
                at,
                f"without its dilation '{at}' has {weight.size} weights; at most "
                f"{target.max_dense_entries} are written out",
            )
        whole = replace(node, weight=frozen(weight), dilation=(1, 1), origin=stands_for(node))
        (ky, kx), (by, bx) = weight.shape[2:], node.dilation
        says = f"'{at}': dilation {by}x{bx} becomes zeros in a kernel of {ky}x{kx}"
        return Proposal(self.name, (at,), (whole,), Exact(), says)


RULE = DilationToDense()
