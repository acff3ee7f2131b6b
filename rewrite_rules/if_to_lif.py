"""Give an IF the longest leak that the target has: IF -> LIF.

    v += r i   ~   v += k (r/k i - v), k as small as the target's grid allows

Approximate; the error grows with the run length, so one must be stated.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import IF, LIF, Graph, frozen
from rewrite_rules.neurons import compare, tau_for
from rewrite_rules.rule import Proposal, Refusal, Rule
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target


class IfToLif(Rule):
    """IF to LIF on targets that only have leaky neurons."""

    name = "if-to-lif"
    stages = (Neuronal.FORM,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, IF) or "IF" in target.neurons:
            return None
        if not {"LIF", "CubaLIF"} & target.neurons:
            return None
        k = 2.0 ** -target.dash[2]
        decay = frozen(np.broadcast_to(1.0 - k, node.shape_out))
        new = LIF(
            name=node.name,
            shape_in=node.shape_in,
            shape_out=node.shape_out,
            origin=node.origin,
            tau=tau_for(decay, target.semantics),
            r=frozen(node.r / k),
            v_leak=frozen(np.broadcast_to(0.0, node.shape_out)),
            v_threshold=node.v_threshold,
            v_reset=node.v_reset,
        )
        keeps = compare(node, new, target.semantics, f"the membrane leaks {k:.2g} of itself a step")
        says = f"'{at}': IF becomes LIF with the longest membrane of {target.family}, 1/{k:g} steps"
        return Proposal(self.name, (at,), (new,), keeps, says.replace("1/", f"{1 / k:.0f} = 1/"))


RULE = IfToLif()
