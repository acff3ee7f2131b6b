"""Cut a sum-pooling into one that the chip has and a rest in the kernel behind it.

    conv(SumPool(K)) == conv'(SumPool(p)), p the largest factor of the target that divides
    both sides of K, and conv' the convolution with SumPool(K / p) folded in

Exact: SumPool(K) is SumPool(K / p) after SumPool(p); the rest folds as in
pool-into-kernel, whether the target has a pooling of that size or not.
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import AvgPool2d, Conv2d, Graph, SumPool2d
from rewrite_rules.pool_into_kernel import into_conv
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target


class SplitPool(Rule):
    """A pooling that the target lacks, in front of a convolution."""

    name = "split-pool"
    stages = (Alternative.POOLS,)
    after = ("linear-to-conv", "scale-to-conv")

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, SumPool2d) or isinstance(node, AvgPool2d):
            return None
        if node.kernel_size != node.stride or any(node.padding):
            return None
        ky, kx = node.kernel_size
        factors = [p for p in target.pool_sizes if p > 1 and ky % p == 0 and kx % p == 0]
        after = graph.after(at)
        conv = graph.nodes[after[0]] if len(after) == 1 else None
        if (ky == kx and ky in target.pool_sizes) or not factors or not isinstance(conv, Conv2d):
            return None
        p = max(factors)
        middle = (node.shape_in[0], node.shape_in[1] // p, node.shape_in[2] // p)
        first = replace(
            node, name=f"{node.name}@{p}", kernel_size=(p, p), stride=(p, p), shape_out=middle
        )
        side = (ky // p, kx // p)
        rest = replace(node, kernel_size=side, stride=side, shape_in=middle)
        folded = into_conv(rest, conv)
        if isinstance(folded, str):
            return Refusal(self.name, at, folded)
        says = (
            f"'{at}': pooling by {ky}x{kx} is done by {p}x{p} and, {side[0]}x{side[1]}, in the "
            f"kernel of '{conv.name}'"
        )
        return Proposal(self.name, (at, conv.name), (first, *folded), Exact(), says)


RULE = SplitPool()
