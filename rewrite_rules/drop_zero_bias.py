"""Drop a bias of zeros: Affine -> Linear.

W x + 0  ==  W x
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import Affine, Graph
from rewrite_rules.linear_nodes import dense, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class DropZeroBias(Rule):
    """Affine without a bias is Linear."""

    name = "drop-zero-bias"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Affine):
            return None
        some = int(np.count_nonzero(node.bias))
        if some:
            most = float(np.max(np.abs(node.bias)))
            return Refusal(
                self.name, at, f"{some} of {node.bias.size} biases are not 0 (largest {most:g})"
            )
        linear = dense(at, node.weight, None, stands_for(node))
        says = f"'{at}': its {node.bias.size} biases are all 0 and are dropped"
        return Proposal(self.name, (at,), (linear,), Exact(), says)


RULE = DropZeroBias()
