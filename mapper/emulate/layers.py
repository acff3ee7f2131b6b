"""The nodes without a state as functions of arrays (row, *shape), in floating point.

A row is a sample at a step. Convolutions are matrix products over unfolded windows, cut
into pieces that fit a cache. Rows without any event are not computed: a layer's answer to
silence is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nir_io.graph import (
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Flatten,
    Input,
    Linear,
    Node,
    Output,
    Scale,
    SumPool2d,
)

Floats = NDArray[np.floating[Any]]
Layer = Callable[[Floats], Floats]

UNFOLDED = 2**18  # numbers in a piece of unfolded windows: 1 to 2 MB


def layer(node: Node, dtype: Any) -> Layer:
    """What `node` does: (row, *shape_in) to (row, *shape_out). Raises TypeError for neurons."""
    match node:
        case Input() | Output() | Flatten():
            return lambda x: x.reshape(len(x), *node.shape_out)
        case Scale():
            scale = np.broadcast_to(node.scale, node.shape_out).astype(dtype)
            return lambda x: x * scale
        case Linear() | Affine():
            return _woken(node, _dense(node, dtype))
        case Conv1d() | Conv2d():
            return _woken(node, _convolution(node, dtype))
        case SumPool2d():
            return _pool(node)
        case _:
            raise TypeError(f"'{node.name}' ({node.kind}) has a state, or is not known here")


def _woken(node: Node, compute: Layer) -> Layer:
    """`compute` for the rows with an event; all others get the answer to silence."""

    def of(x: Floats) -> Floats:
        awake = x.reshape(len(x), -1).any(axis=1)
        if awake.all():
            return compute(x)
        out = np.empty((len(x), *node.shape_out), x.dtype)
        out[~awake] = compute(np.zeros((1, *node.shape_in), x.dtype))
        if awake.any():
            out[awake] = compute(x[awake])
        return out

    return of


def _dense(node: Linear | Affine, dtype: Any) -> Layer:
    weight = np.ascontiguousarray(node.weight.T, dtype=dtype)
    bias = node.bias.astype(dtype) if isinstance(node, Affine) and node.bias.any() else None

    def of(x: Floats) -> Floats:
        out = x.reshape(len(x), -1) @ weight
        if bias is not None:
            out += bias
        return out.reshape(len(x), *node.shape_out)

    return of


def _convolution(node: Conv1d | Conv2d, dtype: Any) -> Layer:
    """Conv1d is Conv2d on maps of height 1."""
    if isinstance(node, Conv1d):
        kernel = node.weight[:, :, None, :]
        stride, dilation = (1, node.stride), (1, node.dilation)
        padding = (0, 0, *node.padding)
        channels, (height, width) = node.shape_in[0], (1, node.shape_in[1])
        out_y, out_x = 1, node.shape_out[1]
    else:
        kernel, stride, dilation, padding = node.weight, node.stride, node.dilation, node.padding
        channels, height, width = node.shape_in
        _, out_y, out_x = node.shape_out
    features, _, ky, kx = kernel.shape
    top, bottom, left, right = padding
    groups = node.groups
    # (group, feature, channel * ky * kx)
    weight = np.ascontiguousarray(kernel.reshape(groups, features // groups, -1), dtype=dtype)
    bias = node.bias.astype(dtype)[:, None] if node.bias.any() else None
    piece = max(1, UNFOLDED // (channels * ky * kx * out_y * out_x))
    frame = (channels, height + top + bottom, width + left + right)

    def some(x: Floats) -> Floats:
        padded = x.reshape(len(x), channels, height, width)
        if any(padding):
            padded = np.zeros((len(x), *frame), x.dtype)
            padded[:, :, top : top + height, left : left + width] = x.reshape(
                len(x), channels, height, width
            )
        n, c, y, z = padded.strides
        windows = np.lib.stride_tricks.as_strided(
            padded,
            (len(x), channels, ky, kx, out_y, out_x),
            (n, c, y * dilation[0], z * dilation[1], y * stride[0], z * stride[1]),
            writeable=False,
        )
        columns = windows.reshape(len(x), groups, -1, out_y * out_x)
        out = np.matmul(weight, columns).reshape(len(x), features, -1)
        if bias is not None:
            out += bias
        return out.reshape(len(x), *node.shape_out)

    def of(x: Floats) -> Floats:
        if len(x) <= piece:
            return some(x)
        out = np.empty((len(x), *node.shape_out), x.dtype)
        for start in range(0, len(x), piece):
            out[start : start + piece] = some(x[start : start + piece])
        return out

    return of


def _pool(node: SumPool2d) -> Layer:
    (ky, kx), (sy, sx), (py, px) = node.kernel_size, node.stride, node.padding
    _, out_y, out_x = node.shape_out
    channels, height, width = node.shape_in

    def of(x: Floats) -> Floats:
        padded = x.reshape(len(x), channels, height, width)
        if py or px:
            padded = np.pad(padded, ((0, 0), (0, 0), (py, py), (px, px)))
        out = np.zeros((len(x), *node.shape_out), x.dtype)
        for y in range(ky):
            for z in range(kx):
                out += padded[
                    :, :, y : y + sy * (out_y - 1) + 1 : sy, z : z + sx * (out_x - 1) + 1 : sx
                ]
        if isinstance(node, AvgPool2d):
            out /= ky * kx
        return out

    return of
