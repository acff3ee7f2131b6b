"""Copy a node without a state for each of the inputs that it sums.

    W (x1 + x2) + b  ==  (W x1 + b) + W x2

Exact. The bias stays with the first input in name order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Affine, Conv1d, Conv2d, Graph, Node, frozen
from rewrite_rules.linear_nodes import LINEAR, dense, fresh, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Canonical
from rewrite_rules.target import Target


class SplitSum(Rule):
    """A linear node with k inputs becomes k nodes, '<name>@<input>'."""

    name = "split-sum"
    stages = (Canonical.PATHS,)
    after = ("split-shared-linear",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        sources = graph.before(at)
        if not isinstance(node, LINEAR) or len(sources) < 2:
            return None
        names = [fresh(graph, f"{at}@{source}") for source in sources]
        use = [replace(node, name=names[0], origin=stands_for(node))]
        use += [_without_bias(node, name) for name in names[1:]]
        edges = list(zip(sources, names, strict=True))
        edges += [(name, reader) for name in names for reader in graph.after(at)]
        says = f"'{at}' is copied for each of the {len(sources)} inputs that it sums"
        return Proposal(self.name, (at,), tuple(use), Exact(), says, edges=tuple(edges))


def _without_bias(node: Node, name: str) -> Node:
    if isinstance(node, Affine):
        return dense(name, node.weight, None, stands_for(node))
    if isinstance(node, Conv1d | Conv2d):
        none = frozen(np.zeros_like(node.bias))
        return replace(node, name=name, bias=none, origin=stands_for(node))
    return replace(node, name=name, origin=stands_for(node))


RULE = SplitSum()
