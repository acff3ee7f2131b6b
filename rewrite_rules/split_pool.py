"""Cut a sum-pooling into one that the chip has and a rest.

    SumPool(K) == SumPool(K / p) after SumPool(p), p the largest factor of the target
    that divides both sides of K

Exact. The rest can then be folded into the kernel behind it (pool-into-kernel).
"""

from __future__ import annotations

from dataclasses import replace

from nir_io.graph import AvgPool2d, Graph, SumPool2d
from rewrite_rules.rule import Exact, Proposal, Refusal
from rewrite_rules.target import Target


class SplitPool:
    """A pooling that the target lacks as two, the first of which it has."""

    name = "split-pool"
    level = "form"

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, SumPool2d) or isinstance(node, AvgPool2d):
            return None
        if node.kernel_size != node.stride or any(node.padding):
            return None
        ky, kx = node.kernel_size
        if ky == kx and ky in target.pool_sizes:
            return None
        factors = [p for p in target.pool_sizes if p > 1 and ky % p == 0 and kx % p == 0]
        if not factors:
            return None
        p = max(factors)
        middle = (node.shape_in[0], node.shape_in[1] // p, node.shape_in[2] // p)
        first = replace(
            node, name=f"{node.name}@{p}", kernel_size=(p, p), stride=(p, p), shape_out=middle
        )
        rest = replace(
            node,
            name=f"{node.name}@rest",
            kernel_size=(ky // p, kx // p),
            stride=(ky // p, kx // p),
            shape_in=middle,
        )
        says = f"'{at}': pooling by {ky}x{kx} is done as {p}x{p} and then {ky // p}x{kx // p}"
        return Proposal(self.name, (at,), (first, rest), Exact(), says)


RULE = SplitPool()
