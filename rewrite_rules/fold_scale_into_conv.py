"""Fold a Scale into the convolution before or behind it.

    conv(w, s * x)  ==  conv(w', x),  w'[o, c] = s[c] w[o, c]
    s * (conv(w, x) + b)  ==  conv(w', x) + s b,  w'[o, c] = s[o] w[o, c]

Exact where the scale is the same all over each channel's map (zero padding stays zero): the
kernel is shared over the map.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Array, Conv1d, Conv2d, Graph, Node, Shape, frozen
from rewrite_rules.folding import fold_scale
from rewrite_rules.linear_nodes import per_channel, stands_for
from rewrite_rules.rule import Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class FoldScaleIntoConv(Rule):
    """Scale next to a Conv1d or Conv2d."""

    name = "fold-scale-into-conv"
    stages = (Normal.ANYWHERE,)
    after = ("fold-scale-into-affine",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        scaled = graph.nodes[at]

        def before(node: Node, scale: Array) -> Node | str:
            assert isinstance(node, Conv1d | Conv2d)
            factors = per_channel(scale, node.shape_in)
            if factors is None:
                return _differ(at, scale, node.shape_in)
            # (output, channel of its group): each group of outputs sees its own channels
            seen = np.repeat(
                factors.reshape(node.groups, -1), len(node.weight) // node.groups, axis=0
            )
            spread = seen.reshape(*seen.shape, *[1] * (node.weight.ndim - 2))
            return replace(
                node, weight=frozen(node.weight * spread), origin=stands_for(scaled, node)
            )

        def behind(node: Node, scale: Array) -> Node | str:
            assert isinstance(node, Conv1d | Conv2d)
            factors = per_channel(scale, node.shape_out)
            if factors is None:
                return _differ(at, scale, node.shape_out)
            spread = factors.reshape(-1, *[1] * (node.weight.ndim - 1))
            return replace(
                node,
                weight=frozen(node.weight * spread),
                bias=frozen(node.bias * factors),
                origin=stands_for(node, scaled),
            )

        return fold_scale(self.name, graph, at, (Conv1d, Conv2d), before, behind)


def _differ(at: str, scale: Array, shape: Shape) -> str:
    flat = scale.reshape(shape[0], -1)
    many = int(np.count_nonzero(np.any(flat != flat[:, :1], axis=1)))
    return (
        f"'{at}' has different factors within {many} of {shape[0]} channels; a kernel is "
        "shared over the map"
    )


RULE = FoldScaleIntoConv()
