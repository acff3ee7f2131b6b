"""Arithmetic of windows that slide over a map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nir_io.graph import Array, Conv2d, SumPool2d


@dataclass(frozen=True, slots=True)
class Windows:
    """Along one axis: `count` windows of `kernel` entries on `length`, `before` zeros in front."""

    length: int
    kernel: int
    stride: int
    before: int
    count: int


def along(node: Conv2d | SumPool2d, axis: int) -> Windows:
    """The windows of `node` along y (0) or x (1), dilation counted into the kernel."""
    length, count, stride = node.shape_in[1 + axis], node.shape_out[1 + axis], node.stride[axis]
    if isinstance(node, SumPool2d):
        return Windows(length, node.kernel_size[axis], stride, node.padding[axis], count)
    kernel = (node.weight.shape[2 + axis] - 1) * node.dilation[axis] + 1
    return Windows(length, kernel, stride, node.padding[2 * axis], count)


def compose(inner: Windows, outer: Windows) -> Windows:
    """Windows of `outer` over the results of `inner`, as windows over what `inner` sees."""
    return Windows(
        length=inner.length,
        kernel=inner.stride * (outer.kernel - 1) + inner.kernel,
        stride=inner.stride * outer.stride,
        before=inner.before + inner.stride * outer.before,
        count=outer.count,
    )


def met_outside(inner: Windows, outer: Windows) -> int:
    """Entries that `inner` would meet, one window off its results, where `outer` is padded.

    `compose` is exact where this is 0: only zeros may lie where `outer` expects zeros.
    """
    met = 0
    if outer.before:
        met = inner.kernel - inner.stride - inner.before
    last = (outer.count - 1) * outer.stride + outer.kernel - 1 - outer.before
    if last >= inner.count:
        met = max(met, inner.length - inner.count * inner.stride + inner.before)
    return max(met, 0)


def after(windows: Windows) -> int:
    """The least padding behind with which that many windows fit."""
    end = (windows.count - 1) * windows.stride + windows.kernel
    return max(0, end - windows.length - windows.before)


def positions(length: int, kernel: int, stride: int, before: int, behind: int) -> int:
    """How many windows fit on `length` entries with padding."""
    return (length + before + behind - kernel) // stride + 1


def spread_taps(node: Conv2d) -> Array:
    """The kernel of `node` with its dilation written out as zeros."""
    dy, dx = node.dilation
    *channels, ky, kx = node.weight.shape
    weight = np.zeros((*channels, (ky - 1) * dy + 1, (kx - 1) * dx + 1))
    weight[:, :, ::dy, ::dx] = node.weight
    return weight
