"""Merge two Delays in a row: their delays add up. Exact.

A delay acts in whole steps. Where rounding the sum would differ from the sum of the rounded
delays, the merged delay is the latter times the time step.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Delay, Graph, frozen
from rewrite_rules.linear_nodes import next_in_chain, stands_for, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target


class MergeDelays(Rule):
    """Delay behind Delay."""

    name = "merge-delays"
    stages = (Normal.ANYWHERE,)
    after = ("drop-zero-delay",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the first of the two."""
        first = graph.nodes[at]
        seconds = [b for b in graph.after(at) if isinstance(graph.nodes[b], Delay)]
        if not isinstance(first, Delay) or not seconds:
            return None
        second = next_in_chain(graph, at)
        if not isinstance(second, Delay):
            return Refusal(self.name, at, why_no_chain(graph, at, seconds[0]))
        dt = target.semantics.file_dt or 1.0
        delays = (first.delay.reshape(second.shape_out), second.delay)
        steps = sum(np.rint(delay / dt) for delay in delays)
        total = delays[0] + delays[1]
        total = np.where(np.rint(total / dt) == steps, total, steps * dt)
        merged = replace(second, delay=frozen(total), origin=stands_for(first, second))
        says = f"'{at}' and '{second.name}' become one Delay"
        return Proposal(self.name, (at, second.name), (merged,), Exact(), says)


RULE = MergeDelays()
