"""Sum pooling as a depthwise convolution of ones. Exact, for any stride, overlap and padding."""

from __future__ import annotations

import numpy as np

from nir_io.graph import Conv2d, Graph, SumPool2d, frozen
from rewrite_rules.linear_nodes import is_sum_pool, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative, Normal
from rewrite_rules.target import Target


class PoolToConv(Rule):
    """Every SumPool2d."""

    name = "pool-to-conv"
    stages = (Normal.POOL, Alternative.MATRIX)
    after = ("pool-into-kernel",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, SumPool2d) or not is_sum_pool(node):
            return None
        (py, px), channels = node.padding, node.shape_in[0]
        conv = Conv2d(
            name=at,
            shape_in=node.shape_in,
            shape_out=node.shape_out,
            origin=stands_for(node),
            weight=frozen(np.ones((channels, 1, *node.kernel_size))),
            bias=frozen(np.zeros(channels)),
            stride=node.stride,
            padding=(py, py, px, px),
            dilation=(1, 1),
            groups=channels,
        )
        says = f"'{at}': pooling of {node.kernel_size} becomes a depthwise convolution of ones"
        return Proposal(self.name, (at,), (conv,), Exact(), says)


RULE = PoolToConv()
