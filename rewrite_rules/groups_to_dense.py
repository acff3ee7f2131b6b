"""A grouped convolution as one whose kernel is zero between groups. Exact.

w'[o, c] = w[o, c - first channel of o's group] within the group, 0 elsewhere
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Conv1d, Conv2d, Graph, frozen
from rewrite_rules.linear_nodes import stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class GroupsToDense(Rule):
    """Conv1d and Conv2d with groups > 1."""

    name = "groups-to-dense"
    stages = (Normal.ANYWHERE, Normal.GROUPS)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Conv1d | Conv2d) or node.groups == 1:
            return None
        features, per_group = node.weight.shape[:2]
        entries = node.weight.size * node.groups
        if entries > target.max_dense_entries:
            return Refusal(
                self.name,
                at,
                f"without its {node.groups} groups '{at}' has {entries} weights; at most "
                f"{target.max_dense_entries} are written out",
            )
        weight = np.zeros((features, per_group * node.groups, *node.weight.shape[2:]))
        each = features // node.groups
        for group in range(node.groups):
            out = slice(group * each, (group + 1) * each)
            weight[out, group * per_group : (group + 1) * per_group] = node.weight[out]
        whole = replace(node, weight=frozen(weight), groups=1, origin=stands_for(node))
        says = f"'{at}': {node.groups} groups become one kernel with zeros between them"
        return Proposal(self.name, (at,), (whole,), Exact(), says)


RULE = GroupsToDense()
