"""Give a convolution a square kernel: zeros around the shorter side, padding to match.

Exact. The zeros go on both sides alike. An odd one out leaves the padding equal on both
sides only where the map has entries over that no window needs (the floor of the output size
absorbs it, chips' fact sheet speck 6.4); where it has none, a single window may take a stride of 2, and else the rule refuses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Conv2d, Graph, frozen
from rewrite_rules.linear_nodes import stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target
from rewrite_rules.windows import positions


class SquareKernel(Rule):
    """Conv2d with a kernel of unequal sides."""

    name = "square-kernel"
    stages = (Alternative.SQUARE_KERNEL,)
    after = ("even-padding",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Conv2d) or node.weight.shape[2] == node.weight.shape[3]:
            return None
        ky, kx = node.weight.shape[2:]
        if node.dilation != (1, 1):
            return Refusal(self.name, at, f"its dilation is {node.dilation}; write it out first")
        longest = max(ky, kx)
        tried = [_squared(node, side) for side in range(longest, longest + WIDER + 1)]
        found = next((done for done in tried if done is not None), None)
        if found is None:
            short = 0 if ky < kx else 1
            return Refusal(
                self.name,
                at,
                f"its kernel is {ky}x{kx}; {abs(ky - kx)} more in {'yx'[short]} cannot be shared "
                f"between both sides, and the map of {node.shape_in[1 + short]} leaves none over",
            )
        side, zeros, padding, stride = found
        top, bottom, left, right = padding
        square = replace(
            node,
            weight=frozen(np.pad(node.weight, [(0, 0), (0, 0), *zeros])),
            padding=(top, bottom, left, right),
            stride=(stride[0], stride[1]),
            origin=stands_for(node),
        )
        says = f"'{at}': its kernel of {ky}x{kx} becomes {side}x{side} with zeros"
        return Proposal(self.name, (at,), (square,), Exact(), says)


WIDER = 2  # a side longer than the longer one may share what that one cannot
Pair = tuple[int, int]


def _squared(node: Conv2d, side: int) -> tuple[int, list[Pair], list[int], list[int]] | None:
    """The side, zeros per axis, padding and stride of a square kernel, if there is one."""
    zeros: list[Pair] = []
    padding: list[int] = []
    stride = list(node.stride)
    for axis in (0, 1):
        more = side - node.weight.shape[2 + axis]
        found = _widen(node, axis, more)
        if found is None and node.shape_out[1 + axis] == 1:
            found, stride[axis] = _alone(node, axis, more), 2
        if found is None:
            return None
        zeros.append(found[0])
        padding += found[1]
    return side, zeros, padding, stride


def _widen(node: Conv2d, axis: int, more: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """`more` zeros before and behind the kernel, and the padding, along y (0) or x (1)."""
    before, after = node.padding[2 * axis : 2 * axis + 2]
    length, count = node.shape_in[1 + axis], node.shape_out[1 + axis]
    side, stride = node.weight.shape[2 + axis] + more, node.stride[axis]
    for front in sorted(range(more + 1), key=lambda front: abs(2 * front - more)):
        both = before + front
        if positions(length, side, stride, both, both) == count:
            return (front, more - front), (both, both)
    if before == after:
        return None
    half = more // 2
    return (half, more - half), (before + half, after + more - half)


def _alone(node: Conv2d, axis: int, more: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """As `_widen` for a single window: a stride of 2 jumps over the odd entry left over."""
    before, after = node.padding[2 * axis : 2 * axis + 2]
    if before != after:
        return None
    length, front = node.shape_in[1 + axis], (more + 1) // 2
    side, both = node.weight.shape[2 + axis] + more, before + front
    return (
        ((front, more - front), (both, both))
        if positions(length, side, 2, both, both) == 1
        else None
    )


RULE = SquareKernel()
