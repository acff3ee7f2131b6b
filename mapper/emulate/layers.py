"""The nodes without a state as functions of arrays (row, *shape), in floating point.

A row is a sample at a step. Convolutions are matrix products over unfolded windows, cut
into pieces that fit a cache. Rows without any event are not computed: a layer's answer to
silence is the same for all of them.
"""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nir_io.arrays import Floats, FloatType
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

Layer = Callable[[Floats], Floats]

UNFOLDED = 2**18  # numbers in a piece of unfolded windows: 1 to 2 MB
# Nanoseconds a number, to choose between windows and events; they decide nothing else.
COPY, MULTIPLY, SCATTER, FIND, SPREAD = 1.0, 0.1, 8.0, 0.5, 4.0


def layer(node: Node, dtype: FloatType) -> Layer:
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
            convolution = _convolution(node, dtype)
            return lambda x: convolution(x).reshape(len(x), *node.shape_out)
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


def _dense(node: Linear | Affine, dtype: FloatType) -> Layer:
    weight = np.ascontiguousarray(node.weight.T, dtype=dtype)
    bias = node.bias.astype(dtype) if isinstance(node, Affine) and node.bias.any() else None

    def of(x: Floats) -> Floats:
        out = x.reshape(len(x), -1) @ weight
        if bias is not None:
            out += bias
        return out.reshape(len(x), *node.shape_out)

    return of


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """A Conv2d, or a Conv1d on maps of height 1.

    kernel: (feature, channel of the group, ky, kx); frame: (channel, y, x) of the input;
    out: (feature, y, x); padding: (top, bottom, left, right).
    """

    kernel: Floats
    bias: Floats
    frame: tuple[int, int, int]
    out: tuple[int, int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    groups: int

    def __call__(self, x: Floats) -> Floats:
        """(row, *frame) to (row, *out), by whichever way is quicker for these rows."""
        x = x.reshape(len(x), *self.frame)
        features, _, ky, kx = self.kernel.shape
        places = self.out[1] * self.out[2]
        reach = ky * kx * features / self.groups / (self.stride[0] * self.stride[1])
        by_window = len(x) * places * self.frame[0] * ky * kx
        by_window *= COPY + MULTIPLY * features / self.groups
        by_event = np.count_nonzero(x) * reach * SCATTER + x.size * FIND
        by_event += len(x) * features * places * SPREAD
        compute, size = self._by_window, self.frame[0] * ky * kx * places
        if by_event < by_window:
            compute, size = self._by_event, features * places
        piece = max(1, UNFOLDED // size)
        out = np.empty((len(x), *self.out), x.dtype)
        for start in range(0, len(x), piece):
            out[start : start + piece] = compute(x[start : start + piece])
        if self.bias.any():
            out += self.bias[:, None, None]
        return out

    def _by_window(self, x: Floats) -> Floats:
        """A matrix product with every window."""
        channels, height, width = self.frame
        top, bottom, left, right = self.padding
        if any(self.padding):
            padded = np.zeros(
                (len(x), channels, height + top + bottom, width + left + right), x.dtype
            )
            padded[:, :, top : top + height, left : left + width] = x
            x = padded
        n, c, y, z = x.strides
        windows = np.lib.stride_tricks.as_strided(
            x,
            (len(x), channels, *self.kernel.shape[2:], *self.out[1:]),
            (
                n,
                c,
                y * self.dilation[0],
                z * self.dilation[1],
                y * self.stride[0],
                z * self.stride[1],
            ),
            writeable=False,
        )
        columns = windows.reshape(len(x), self.groups, -1, self.out[1] * self.out[2])
        weight = self.kernel.reshape(self.groups, len(self.kernel) // self.groups, -1)
        return np.matmul(weight, columns).reshape(len(x), *self.out)

    def _by_event(self, x: Floats) -> Floats:
        """Each event adds its column of the kernel to the places that it reaches."""
        features, per_group, ky, kx = self.kernel.shape
        _, out_y, out_x = self.out
        at = np.flatnonzero(x != 0)
        value = x.ravel()[at]
        row, channel, y, z = np.unravel_index(at, x.shape)
        share = np.arange(features // self.groups)
        first = channel // per_group * len(share)
        columns = np.moveaxis(self.kernel, 0, -1)  # (channel of the group, ky, kx, feature)
        columns = columns.reshape(per_group, ky, kx, self.groups, len(share))
        where: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        what: list[Floats] = [np.empty(0, x.dtype)]
        for i, j in np.ndindex(ky, kx):
            to_y, off_y = np.divmod(y + self.padding[0] - i * self.dilation[0], self.stride[0])
            to_x, off_x = np.divmod(z + self.padding[2] - j * self.dilation[1], self.stride[1])
            hit = (off_y == 0) & (off_x == 0)
            hit &= (to_y >= 0) & (to_y < out_y) & (to_x >= 0) & (to_x < out_x)
            place = (row[hit] * out_y + to_y[hit]) * out_x + to_x[hit]
            where.append(((place * features + first[hit])[:, None] + share).ravel())
            own = columns[channel[hit] % per_group, i, j, channel[hit] // per_group]
            what.append((own * value[hit, None]).ravel())
        size = len(x) * out_y * out_x * features
        total = np.bincount(np.concatenate(where), np.concatenate(what), size).astype(x.dtype)
        return np.moveaxis(total.reshape(len(x), out_y, out_x, features), -1, 1)


def _convolution(node: Conv1d | Conv2d, dtype: FloatType) -> _Convolution:
    if isinstance(node, Conv2d):
        channels, height, width = node.shape_in
        return _Convolution(
            kernel=np.ascontiguousarray(node.weight, dtype=dtype),
            bias=node.bias.astype(dtype),
            frame=(channels, height, width),
            out=(node.shape_out[0], node.shape_out[1], node.shape_out[2]),
            stride=node.stride,
            dilation=node.dilation,
            padding=node.padding,
            groups=node.groups,
        )
    return _Convolution(
        kernel=np.ascontiguousarray(node.weight[:, :, None, :], dtype=dtype),
        bias=node.bias.astype(dtype),
        frame=(node.shape_in[0], 1, node.shape_in[1]),
        out=(node.shape_out[0], 1, node.shape_out[1]),
        stride=(1, node.stride),
        dilation=(1, node.dilation),
        padding=(0, 0, *node.padding),
        groups=node.groups,
    )


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
