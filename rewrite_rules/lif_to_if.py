"""Drop the leak: LIF -> IF with r_IF = k r, the kick of one spike unchanged.

    v += k (v_leak - v + r i)   ~   v += k r i  (+ k v_leak each step, as a bias)

Approximate: an integrator never forgets. The membrane-response error over a stated run
is large unless the run is short against tau.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import IF, LIF, Graph, frozen
from rewrite_rules.dynamics import step_share
from rewrite_rules.neurons import compare
from rewrite_rules.rule import Proposal, Refusal, Rule, Unbounded, Within
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target


class LifToIf(Rule):
    """LIF to IF on targets that have no exponential leak."""

    name = "lif-to-if"
    stages = (Neuronal.FORM,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, LIF) or {"LIF", "CubaLIF"} & target.neurons:
            return None
        if "IF" not in target.neurons:
            return None
        if np.any(node.v_leak != 0.0):
            most = float(np.max(np.abs(node.v_leak)))
            return Refusal(
                self.name, at, f"v_leak is up to {most:g}, not 0; an IF has no rest to leak to"
            )
        k = step_share(node.tau, target.semantics, at)
        new = IF(
            name=node.name,
            shape_in=node.shape_in,
            shape_out=node.shape_out,
            origin=node.origin,
            r=frozen(k * node.r),
            v_threshold=node.v_threshold,
            v_reset=node.v_reset,
        )
        slowest = float(np.max(1.0 / k))
        because = (
            f"{target.family} has no exponential leak: its IF would keep for ever what this LIF "
            f"forgets with a time constant of {slowest:.3g} steps"
        )
        keeps = compare(node, new, target.semantics, because)
        if isinstance(keeps, Within) and keeps.bound > 1.0:
            keeps = Unbounded(because)
        says = f"'{at}': the leak of the LIF (time constant {slowest:.3g} steps) is dropped"
        return Proposal(self.name, (at,), (new,), keeps, says)


RULE = LifToIf()
