"""Fold a sum pooling into the convolution in front of it.

    kernel K = k' + (p - 1) S, stride S s, K[j S + i] += w[i] for j < p     (per axis)

with w the kernel (dilation written out, size k'), S its stride, p and s the pooling's kernel
and stride; the bias counts once per pooled entry. Exact where the pooling is not padded.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Conv2d, Graph, SumPool2d, frozen
from rewrite_rules.linear_nodes import (
    is_sum_pool,
    other_map,
    previous_in_chain,
    stands_for,
    why_no_chain,
)
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target
from rewrite_rules.windows import spread_taps


class PoolIntoProducer(Rule):
    """SumPool2d right behind a Conv2d, without a neuron between them."""

    name = "pool-into-producer"
    stages = (Normal.ANYWHERE,)
    after = ("merge-pools",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the pooling."""
        pool = graph.nodes[at]
        if not isinstance(pool, SumPool2d) or not is_sum_pool(pool):
            return None
        convs = [a for a in graph.before(at) if isinstance(graph.nodes[a], Conv2d)]
        if not convs:
            return None
        conv = previous_in_chain(graph, at)
        if not isinstance(conv, Conv2d):
            return Refusal(self.name, at, why_no_chain(graph, convs[0], at))
        other = other_map(conv, pool)
        if other:
            return Refusal(self.name, at, other)
        if any(pool.padding):
            return Refusal(self.name, at, f"its padding is {pool.padding}, not 0")
        old = spread_taps(conv)
        (py, px), (sy, sx) = pool.kernel_size, conv.stride
        ky, kx = old.shape[2:]
        high, wide = ky + (py - 1) * sy, kx + (px - 1) * sx
        weight = np.zeros((*old.shape[:2], high, wide))
        for y, x in np.ndindex(py, px):
            weight[:, :, y * sy : y * sy + ky, x * sx : x * sx + kx] += old
        whole = replace(
            conv,
            shape_out=pool.shape_out,
            origin=stands_for(conv, pool),
            weight=frozen(weight),
            bias=frozen(conv.bias * (py * px)),
            stride=(sy * pool.stride[0], sx * pool.stride[1]),
            dilation=(1, 1),
        )
        says = f"'{at}' is folded into the kernel of '{conv.name}', which becomes {high}x{wide}"
        return Proposal(self.name, (conv.name, at), (whole,), Exact(), says)


RULE = PoolIntoProducer()
