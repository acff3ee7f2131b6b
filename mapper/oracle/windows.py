"""One axis of a convolution behind a sum pooling, place by place.

Output i of m looks, through tap t of k (dilated by d), at pooled entry i S + t d - A, which is
the sum of `pool` entries of the map. In entries of the map, tap and entry lie at the offset
(t d - A) pool + q from i S pool. Nothing is taken from a formula for folded kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from mapper.problem.network import Projection
from nir_io.graph import Conv2d, Flatten, Scale, Shape, SumPool2d


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """`length` entries of the map, `count` outputs `stride` entries apart, offsets of all taps.

    `clean`: what a tap must not see (padding, a rest that fills no window) is off the map.
    """

    length: int
    count: int
    stride: int
    offsets: frozenset[int]
    clean: bool


def axes(projection: Projection, chip_pool: int) -> tuple[Axis, Axis] | None:
    """(y, x) of a projection of maps after the chip has pooled by `chip_pool`.

    None where it is no convolution, nor dense onto one position, or the pooling cannot be
    cut that way.
    """
    pool = (1, 1)
    for node in projection.nodes:
        if isinstance(node, SumPool2d):
            if any(node.padding) or node.stride != node.kernel_size:
                return None
            pool = node.kernel_size
    if any(p % chip_pool for p in pool):
        return None
    _, high, wide = as_map(projection.source_shape)
    rest = (pool[0] // chip_pool, pool[1] // chip_pool)
    lengths = (high // chip_pool, wide // chip_pool)
    conv = projection.weight
    if isinstance(conv, Conv2d):
        top, _, left, _ = conv.padding
        rows = zip(
            lengths,
            rest,
            conv.weight.shape[2:],
            conv.dilation,
            conv.stride,
            (top, left),
            conv.shape_out[1:],
            strict=True,
        )
        y, x = (_axis(*row) for row in rows)
        return y, x
    if conv is None or isinstance(conv, Scale):
        if pool != (1, 1) and any(isinstance(node, Flatten) for node in projection.nodes):
            return None
        y, x = (_axis(n, r, 1, 1, 1, 0, n // r) for n, r in zip(lengths, rest, strict=True))
        return y, x
    y, x = (_axis(n, r, n // r, 1, 1, 0, 1) for n, r in zip(lengths, rest, strict=True))
    return y, x


def as_map(shape: Shape) -> tuple[int, int, int]:
    """A shape as (channels, y, x)."""
    channels, *rest = shape
    high, wide = (1, *rest) if len(rest) == 1 else (*rest, 1, 1)[:2]
    return channels, high, wide


def _axis(
    length: int, pool: int, taps: int, dilation: int, stride: int, before: int, count: int
) -> Axis:
    pooled, step = length // pool, stride * pool
    offsets: set[int] = set()
    clean = True
    for i, t in product(range(count), range(taps)):
        entry = i * stride + t * dilation - before
        for q in range(pool):
            offset = (t * dilation - before) * pool + q
            offsets.add(offset)
            clean &= (0 <= entry < pooled) == (0 <= i * step + offset < length)
    return Axis(length=length, count=count, stride=step, offsets=frozenset(offsets), clean=clean)


def holds(axis: Axis, kernel: int, padding: int, stride: int) -> bool:
    """Whether a plain axis with that kernel, padding on both sides and stride does the same."""
    if not axis.clean or (axis.count > 1 and stride != axis.stride):
        return False
    if (axis.length + 2 * padding - kernel) // stride + 1 != axis.count:
        return False
    return all(0 <= offset + padding < kernel for offset in axis.offsets)
