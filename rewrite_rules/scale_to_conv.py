"""A Scale as a 1x1 convolution: y_c = s_c x_c.

Exact where the scale is the same over each channel's map; a convolution shares its kernel
over the map.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import Conv2d, Graph, Scale, frozen
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target


class ScaleToConv(Rule):
    """Scale as a diagonal 1x1 Conv2d."""

    name = "scale-to-conv"
    stages = (Alternative.SCALE_AS_CONVOLUTION,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Scale):
            return None
        if len(node.shape_out) == 2 or len(node.shape_out) > 3:
            return Refusal(
                self.name, at, f"its shape {node.shape_out} is not (channels, y, x) or (n,)"
            )
        channels = next(iter(node.shape_out), 1)
        flat = np.asarray(node.scale).reshape(channels, -1)
        if np.any(flat != flat[:, :1]):
            return Refusal(
                self.name,
                at,
                f"its factors differ within a channel ({flat.min():.3g} to {flat.max():.3g})",
            )
        ends = node.shape_out[1:]
        shape = (channels, *(1,) * (2 - len(ends)), *ends)
        conv = Conv2d(
            name=node.name,
            shape_in=shape,
            shape_out=shape,
            origin=node.origin or (node.name,),
            weight=frozen(np.diag(flat[:, 0])[:, :, None, None]),
            bias=frozen(np.zeros(channels)),
            stride=(1, 1),
            padding=(0, 0, 0, 0),
            dilation=(1, 1),
            groups=1,
        )
        return Proposal(
            self.name, (at,), (conv,), Exact(), f"'{at}': the scale becomes a 1x1 convolution"
        )


RULE = ScaleToConv()
