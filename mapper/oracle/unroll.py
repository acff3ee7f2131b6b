"""A projection written out entry by entry: what each source element adds to each neuron.

Each source element is sent alone through the nodes of the path; no formula for a kernel,
a stride or a pooling is used twice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.problem.network import Projection
from nir_io.graph import (
    Affine,
    Array,
    Conv2d,
    Delay,
    Flatten,
    Linear,
    Node,
    Scale,
    Shape,
    SumPool2d,
)


def size(shape: Shape) -> int:
    """Number of elements."""
    out = 1
    for n in shape:
        out *= n
    return out


def unrolled(projection: Projection) -> Array:
    """Weights (neurons, source elements), both in C order; delays do not show."""
    columns: list[Array] = []
    for element in range(size(projection.source_shape)):
        values = np.zeros(size(projection.source_shape))
        values[element] = 1.0
        for node in projection.nodes:
            values = through(node, values)
        columns.append(values)
    return np.stack(columns, axis=1)


def synapses(projection: Projection) -> NDArray[np.bool_]:
    """Where the weights are not zero: (neurons, source elements)."""
    return unrolled(projection) != 0.0


def through(node: Node, values: Array) -> Array:
    """The linear part of a node, flat in and flat out."""
    match node:
        case Delay() | Flatten():
            return values
        case Scale():
            return values * np.ravel(node.scale)
        case Linear() | Affine():
            return node.weight @ values
        case SumPool2d():
            return _pooled(node, values.reshape(node.shape_in))
        case Conv2d():
            return _convolved(node, values.reshape(node.shape_in))
        case _:
            raise TypeError(f"{node.kind} is not linear")


def _pooled(node: SumPool2d, field: Array) -> Array:
    out = np.zeros(node.shape_out)
    (ky, kx), (sy, sx), (py, px) = node.kernel_size, node.stride, node.padding
    for c, y, x in zip(*np.nonzero(field), strict=True):
        for i, j in np.ndindex(ky, kx):
            row, column = y + py - i, x + px - j
            if row % sy or column % sx:
                continue
            at = (row // sy, column // sx)
            if 0 <= at[0] < node.shape_out[1] and 0 <= at[1] < node.shape_out[2]:
                out[c, at[0], at[1]] += field[c, y, x]
    return out.ravel()


def _convolved(node: Conv2d, field: Array) -> Array:
    out = np.zeros(node.shape_out)
    top, _, left, _ = node.padding
    per_out, per_in = node.shape_out[0] // node.groups, node.shape_in[0] // node.groups
    for c, y, x in zip(*np.nonzero(field), strict=True):
        group = c // per_in
        features = slice(group * per_out, (group + 1) * per_out)
        for i, j in np.ndindex(*node.weight.shape[2:]):
            row = y + top - i * node.dilation[0]
            column = x + left - j * node.dilation[1]
            if row % node.stride[0] or column % node.stride[1]:
                continue
            at = (row // node.stride[0], column // node.stride[1])
            if 0 <= at[0] < node.shape_out[1] and 0 <= at[1] < node.shape_out[2]:
                weight = node.weight[features, c % per_in, i, j]
                out[features, at[0], at[1]] += weight * field[c, y, x]
    return out.ravel()
