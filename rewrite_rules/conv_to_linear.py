"""Write a convolution out as a matrix.

    W[(o, y, x), (c, y s + i d - p, x s + j d - p)] = w[o, c, i, j]

Exact: entries over the edge of the map are zeros of the padding. Refused above the target's
`max_dense_entries`. Where the map comes in more than one dimension a Flatten goes in front.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nir_io.graph import Array, Conv2d, Flatten, Graph, Node
from rewrite_rules.linear_nodes import bias_of, dense, fresh, size, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative, Normal
from rewrite_rules.target import Target

Index = NDArray[np.int64]


class ConvToLinear(Rule):
    """Conv2d as Linear or Affine."""

    name = "conv-to-linear"
    stages = (Normal.CONVOLUTION, Alternative.MATRIX)
    after = ("pool-to-conv",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Conv2d):
            return None
        rows, columns = size(node.shape_out), size(node.shape_in)
        if rows * columns > target.max_dense_entries:
            return Refusal(
                self.name,
                at,
                f"written out '{at}' has {rows} x {columns} = {rows * columns} weights; at most "
                f"{target.max_dense_entries} are written out as one matrix",
            )
        origin = stands_for(node)
        use: tuple[Node, ...] = (dense(at, unrolled(node), bias_of(node), origin),)
        if any(len(graph.nodes[a].shape_out) > 1 for a in graph.before(at)):
            flat = Flatten(
                name=fresh(graph, f"{at}@flatten"),
                shape_in=node.shape_in,
                shape_out=(columns,),
                origin=origin,
                start_dim=0,
                end_dim=-1,
            )
            use = (flat, *use)
        says = f"'{at}': the convolution is written out as a matrix of {rows} x {columns}"
        return Proposal(self.name, (at,), use, Exact(), says)


def unrolled(node: Conv2d) -> Array:
    """The matrix (out, in) of a Conv2d, both flattened in C order."""
    (features, out_y, out_x), (channels, high, wide) = node.shape_out, node.shape_in
    each_out, each_in = features // node.groups, channels // node.groups
    matrix = np.zeros((features, out_y, out_x, channels, high, wide))
    for i, j in np.ndindex(*node.weight.shape[2:]):
        y, from_y = _reached(out_y, node.stride[0], i * node.dilation[0] - node.padding[0], high)
        x, from_x = _reached(out_x, node.stride[1], j * node.dilation[1] - node.padding[2], wide)
        at = (slice(None), y[:, None], x, slice(None), from_y[:, None], from_x)
        for group in range(node.groups):
            out = slice(group * each_out, (group + 1) * each_out)
            block = matrix[out, :, :, group * each_in : (group + 1) * each_in]
            block[at] = node.weight[out, :, i, j]  # on (place y, place x, feature, channel)
    return matrix.reshape(features * out_y * out_x, channels * high * wide)


def _reached(count: int, stride: int, offset: int, length: int) -> tuple[Index, Index]:
    """Places whose window has this tap on the map, and the entries that it meets there."""
    place = np.arange(count)
    entry = place * stride + offset
    on = (entry >= 0) & (entry < length)
    return place[on], entry[on]


RULE = ConvToLinear()
