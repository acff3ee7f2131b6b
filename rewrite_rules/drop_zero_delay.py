"""Drop a Delay of zero. Exact."""

from __future__ import annotations

import numpy as np

from nir_io.graph import Delay, Graph
from rewrite_rules.linear_nodes import joins_twice
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class DropZeroDelay(Rule):
    """Delay whose every element is 0."""

    name = "drop-zero-delay"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Delay):
            return None
        some = int(np.count_nonzero(node.delay))
        if some:
            return Refusal(self.name, at, f"{some} of {node.delay.size} delays are not 0")
        twice = joins_twice(graph, at)
        if twice:
            a, b = twice
            return Refusal(
                self.name,
                at,
                f"'{a}' feeds '{b}' directly too; without '{at}' one edge would be lost",
            )
        return Proposal(self.name, (at,), (), Exact(), f"'{at}' delays by 0 and is dropped")


RULE = DropZeroDelay()
