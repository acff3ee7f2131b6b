"""A dense node as a convolution whose kernel covers the whole map.

    y_o = sum_cyx W[o, (c, y, x)] m[c, y, x]  ==  conv(w, m) with w = W as (out, c, y, x)

Exact. The map is that of a Flatten in front, or of whatever else sends (channels, y, x); a
population of n in one dimension is n channels of 1x1.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import Affine, Conv2d, Flatten, Graph, Shape, frozen
from rewrite_rules.linear_nodes import DENSE, previous_in_chain, size, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target


class LinearToConv(Rule):
    """Linear and Affine, with the Flatten in front of them."""

    name = "linear-to-conv"
    stages = (Alternative.DENSE_AS_CONVOLUTION,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, DENSE):
            return None
        chain, origin = (at,), stands_for(node)
        shapes = {graph.nodes[a].shape_out for a in graph.before(at)}
        flat = previous_in_chain(graph, at)
        if isinstance(flat, Flatten):
            chain, origin = (flat.name, at), stands_for(flat, node)
            shapes = {flat.shape_in}
        if len(shapes) != 1:
            return Refusal(self.name, at, f"its inputs have {len(shapes)} different shapes")
        shape = _as_map(shapes.pop())
        if shape is None or size(shape) != node.weight.shape[1]:
            return Refusal(
                self.name, at, "its input is not (channels, y, x), (channels, x) or (n,)"
            )
        out = node.weight.shape[0]
        conv = Conv2d(
            name=at,
            shape_in=shape,
            shape_out=(out, 1, 1),
            origin=origin,
            weight=frozen(node.weight.reshape(out, *shape)),
            bias=node.bias if isinstance(node, Affine) else frozen(np.zeros(out)),
            stride=(1, 1),
            padding=(0, 0, 0, 0),
            dilation=(1, 1),
            groups=1,
        )
        says = (
            f"'{at}' becomes a convolution whose kernel of {shape[1]}x{shape[2]} is its whole map"
        )
        return Proposal(self.name, chain, (conv,), Exact(), says)


def _as_map(shape: Shape) -> tuple[int, int, int] | None:
    """`shape` as (channels, y, x); None where it has more dimensions."""
    match shape:
        case (channels,):
            return channels, 1, 1
        case (channels, x):
            return channels, x, 1
        case (channels, y, x):
            return channels, y, x
        case _:
            return None


RULE = LinearToConv()
