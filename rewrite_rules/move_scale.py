"""Move a Scale behind the pooling that it feeds: pool(s * x) == s * pool(x).

Exact where the scale is the same all over each channel's map. Behind it the Scale can be
folded into the weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Graph, Scale, SumPool2d, frozen
from rewrite_rules.linear_nodes import per_channel, previous_in_chain, stands_for, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class MoveScale(Rule):
    """Scale in front of a SumPool2d or AvgPool2d."""

    name = "move-scale"
    stages = (Normal.ANYWHERE,)
    after = ("merge-pools",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the pooling."""
        pool = graph.nodes[at]
        scales = [a for a in graph.before(at) if isinstance(graph.nodes[a], Scale)]
        if not isinstance(pool, SumPool2d) or not scales:
            return None
        scale = previous_in_chain(graph, at)
        if not isinstance(scale, Scale):
            return Refusal(self.name, at, why_no_chain(graph, scales[0], at))
        factors = per_channel(scale.scale, pool.shape_in)
        if factors is None:
            least, most = float(scale.scale.min()), float(scale.scale.max())
            return Refusal(
                self.name,
                at,
                f"'{scale.name}' has different factors within a channel ({least:g} to {most:g})",
            )
        behind = replace(
            scale,
            shape_in=pool.shape_out,
            shape_out=pool.shape_out,
            scale=frozen(np.broadcast_to(factors[:, None, None], pool.shape_out)),
            origin=stands_for(scale),
        )
        says = f"'{scale.name}' moves behind '{at}'"
        return Proposal(self.name, (scale.name, at), (pool, behind), Exact(), says)


RULE = MoveScale()
