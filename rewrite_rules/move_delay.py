"""Move a Delay in front of the node that it follows.

    delay(L x)  ==  L delay(x)

Exact where L has no bias (a bias would then act before the delay has passed) and where all
elements that L mixes are delayed alike; a Scale and a Flatten mix none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Array, Delay, Flatten, Graph, Node, Scale, frozen
from rewrite_rules.linear_nodes import (
    LINEAR,
    bias_of,
    previous_in_chain,
    size,
    stands_for,
    why_no_chain,
)
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class MoveDelay(Rule):
    """Delay behind any other node without a state."""

    name = "move-delay"
    stages = (Normal.ANYWHERE, Normal.DELAY)
    after = ("merge-delays",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the Delay."""
        delay = graph.nodes[at]
        if not isinstance(delay, Delay):
            return None
        sources = [graph.nodes[a] for a in graph.before(at)]
        linear = [a for a in sources if isinstance(a, LINEAR) and not isinstance(a, Delay)]
        if not linear:
            return None
        node = previous_in_chain(graph, at)
        if node is None:
            return Refusal(self.name, at, why_no_chain(graph, linear[0].name, at))
        if bias_of(node) is not None:
            return Refusal(
                self.name,
                at,
                f"'{node.name}' has a bias, which would act before the delay has passed",
            )
        before = _before(delay, node, target.semantics.file_dt or 1.0)
        if before is None:
            least, most = float(delay.delay.min()), float(delay.delay.max())
            return Refusal(
                self.name,
                at,
                f"its delays differ ({least:g} to {most:g}), and '{node.name}' mixes its inputs",
            )
        moved = replace(
            delay,
            shape_in=node.shape_in,
            shape_out=node.shape_in,
            delay=frozen(before),
            origin=stands_for(delay),
        )
        says = f"'{at}' moves in front of '{node.name}'"
        return Proposal(self.name, (node.name, at), (moved, node), Exact(), says)


def _before(delay: Delay, node: Node, dt: float) -> Array | None:
    """The delays in front of `node` (*shape_in); None where they depend on the output."""
    if isinstance(node, Scale | Flatten) and size(node.shape_in) == size(delay.shape_in):
        return delay.delay.reshape(node.shape_in)
    steps = np.rint(delay.delay / dt)
    if steps.size and np.any(steps != steps.flat[0]):
        return None
    return np.broadcast_to(delay.delay.flat[0] if steps.size else 0.0, node.shape_in)


RULE = MoveDelay()
