"""Average pooling as sum pooling and a Scale: mean over n entries == sum / n. Exact."""

from __future__ import annotations

import numpy as np

from nir_io.graph import AvgPool2d, Graph, Scale, SumPool2d, frozen
from rewrite_rules.linear_nodes import fresh, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class AvgpoolToSumpool(Rule):
    """AvgPool2d (padding counts as entries of the mean)."""

    name = "avgpool-to-sumpool"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, AvgPool2d):
            return None
        area = node.kernel_size[0] * node.kernel_size[1]
        pool = SumPool2d(
            name=at,
            shape_in=node.shape_in,
            shape_out=node.shape_out,
            origin=stands_for(node),
            kernel_size=node.kernel_size,
            stride=node.stride,
            padding=node.padding,
        )
        scale = Scale(
            name=fresh(graph, f"{at}@scale"),
            shape_in=node.shape_out,
            shape_out=node.shape_out,
            origin=stands_for(node),
            scale=frozen(np.broadcast_to(1.0 / area, node.shape_out)),
        )
        says = f"'{at}': the mean of {area} entries is their sum times 1/{area}"
        return Proposal(self.name, (at,), (pool, scale), Exact(), says)


RULE = AvgpoolToSumpool()
