"""Conv1d as a Conv2d on maps of width 1. Exact.

The map (channels, x) is read as (channels, x, 1): the same values in the same order.
"""

from __future__ import annotations

from nir_io.graph import Conv1d, Conv2d, Graph, frozen
from rewrite_rules.linear_nodes import stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class Conv1dToConv2d(Rule):
    """Every Conv1d."""

    name = "conv1d-to-conv2d"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Conv1d):
            return None
        conv = Conv2d(
            name=at,
            shape_in=(*node.shape_in, 1),
            shape_out=(*node.shape_out, 1),
            origin=stands_for(node),
            weight=frozen(node.weight[:, :, :, None]),
            bias=node.bias,
            stride=(node.stride, 1),
            padding=(*node.padding, 0, 0),
            dilation=(node.dilation, 1),
            groups=node.groups,
        )
        says = f"'{at}': the 1-D convolution is done on maps of width 1"
        return Proposal(self.name, (at,), (conv,), Exact(), says)


RULE = Conv1dToConv2d()
