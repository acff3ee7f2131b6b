"""Fold a sum pooling into the weights behind it.

Convolution, per axis, with w the kernel (dilation written out, size k'), S its stride, P its
padding, and p, s, q the pooling's kernel, stride and padding:

    kernel K = s (k' - 1) + p,  K[s i + j] += w[i] for j < p;  stride s S;  padding q + s P

For p = s and q = 0 that repeats each entry p times. Exact unless a window of the convolution
reaches over the edge of the pooled map where the pooling, one window further, would still
have met the map: a padded convolution behind an overlapping or truncating pooling.

Dense, through a Flatten: each weight is given to every entry of its window. Exact always.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Affine, Array, Conv2d, Flatten, Graph, Linear, Node, SumPool2d, frozen
from rewrite_rules.linear_nodes import (
    DENSE,
    fresh,
    is_sum_pool,
    next_in_chain,
    other_map,
    size,
    stands_for,
)
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative, Normal
from rewrite_rules.target import Target
from rewrite_rules.windows import after, along, compose, met_outside, spread_taps


class PoolIntoKernel(Rule):
    """SumPool2d in front of a Conv2d (unless the target pools by it itself) or a dense node."""

    name = "pool-into-kernel"
    stages = (Normal.POOL, Alternative.POOLS)
    after = ("split-pool",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the pooling."""
        pool = graph.nodes[at]
        if not isinstance(pool, SumPool2d) or not is_sum_pool(pool):
            return None
        chain = [at]
        reader = next_in_chain(graph, at)
        if isinstance(reader, Flatten):
            chain.append(reader.name)
            reader = next_in_chain(graph, reader.name)
        if reader is None:
            return Refusal(self.name, at, f"'{chain[-1]}' and its readers are not a chain")
        new: tuple[Node, ...] | str | None = None
        if isinstance(reader, Conv2d):
            new = None if native(pool, target) else into_conv(pool, reader)
        if isinstance(reader, DENSE):
            new = _into_dense(graph, pool, reader, target)
        if new is None:
            return None
        if isinstance(new, str):
            return Refusal(self.name, at, new)
        says = f"'{at}' is folded into the weights of '{reader.name}'"
        return Proposal(self.name, (*chain, reader.name), new, Exact(), says)


def native(pool: SumPool2d, target: Target) -> bool:
    """Whether the target pools by it on the way to a projection."""
    sides = {*pool.kernel_size, *pool.stride}
    return len(sides) == 1 and not any(pool.padding) and sides <= set(target.pool_sizes)


def into_conv(pool: SumPool2d, conv: Conv2d) -> tuple[Node, ...] | str:
    """The convolution with the pooling in its kernel, or why there is none."""
    other = other_map(pool, conv)
    if other:
        return other
    both = [(along(pool, axis), along(conv, axis)) for axis in (0, 1)]
    for axis, (inner, outer) in enumerate(both):
        met = met_outside(inner, outer)
        if met:
            return (
                f"'{conv.name}' is padded in {'yx'[axis]}, where one window of '{pool.name}' further "
                f"on would still cover {met} entries of the map; only zeros may be there"
            )
    y, x = (compose(inner, outer) for inner, outer in both)
    old = spread_taps(conv)
    weight = np.zeros((*old.shape[:2], y.kernel, x.kernel))
    (sy, sx), (ky, kx) = pool.stride, old.shape[2:]
    for i, j in np.ndindex(*pool.kernel_size):
        weight[:, :, i : i + sy * (ky - 1) + 1 : sy, j : j + sx * (kx - 1) + 1 : sx] += old
    whole = replace(
        conv,
        shape_in=pool.shape_in,
        origin=stands_for(pool, conv),
        weight=frozen(weight),
        stride=(y.stride, x.stride),
        padding=(y.before, after(y), x.before, after(x)),
        dilation=(1, 1),
    )
    return (whole,)


def _into_dense(
    graph: Graph, pool: SumPool2d, node: Linear | Affine, target: Target
) -> tuple[Node, ...] | str:
    entries = node.weight.shape[0] * size(pool.shape_in)
    if entries > target.max_dense_entries:
        return (
            f"without '{pool.name}' '{node.name}' has {entries} weights; at most "
            f"{target.max_dense_entries} are written out as one matrix"
        )
    flat = Flatten(
        name=fresh(graph, f"{pool.name}@flatten"),
        shape_in=pool.shape_in,
        shape_out=(size(pool.shape_in),),
        origin=stands_for(pool),
        start_dim=0,
        end_dim=-1,
    )
    weight = frozen(_unpooled(node.weight, pool).reshape(len(node.weight), -1))
    whole = replace(node, shape_in=flat.shape_out, weight=weight, origin=stands_for(pool, node))
    return flat, whole


def _unpooled(weight: Array, pool: SumPool2d) -> Array:
    """(out, channel, y, x) of the map before pooling, from weights (out, pooled)."""
    channels, out_y, out_x = pool.shape_out
    _, high, wide = pool.shape_in
    (ky, kx), (sy, sx), (py, px) = pool.kernel_size, pool.stride, pool.padding
    maps = weight.reshape(len(weight), channels, out_y, out_x)
    room = (max(high + 2 * py, (out_y - 1) * sy + ky), max(wide + 2 * px, (out_x - 1) * sx + kx))
    spread = np.zeros((len(weight), channels, *room))
    for y, x in np.ndindex(ky, kx):
        spread[:, :, y : y + sy * (out_y - 1) + 1 : sy, x : x + sx * (out_x - 1) + 1 : sx] += maps
    return spread[:, :, py : py + high, px : px + wide]


RULE = PoolIntoKernel()
