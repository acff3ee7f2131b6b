"""Give a LIF a synapse: LIF -> CubaLIF with the shortest synaptic time constant there is.

    v += k (v_leak - v + r i)   ~   s += k_s (i - s);  v += k (v_leak - v + r s)

Approximate: the charge of a spike is the same, but it arrives smeared over 1/k_s steps.
For chips whose every neuron has a synaptic current (Xylo: chips' fact sheet, section 1).
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import LIF, Graph, frozen
from rewrite_rules.neurons import as_cuba, compare
from rewrite_rules.rule import Proposal, Refusal, Rule
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target


class LifToCubalif(Rule):
    """LIF to CubaLIF on targets without a LIF of their own."""

    name = "lif-to-cubalif"
    stages = (Neuronal.FORM,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, LIF) or "LIF" in target.neurons or "CubaLIF" not in target.neurons:
            return None
        dash = max(target.dash[0], 1)
        decay = frozen(np.broadcast_to(1.0 - 2.0**-dash, node.shape_out))
        new = as_cuba(node, decay, target.semantics)
        because = f"each spike's charge arrives spread over about {2**dash} steps"
        keeps = compare(node, new, target.semantics, because)
        says = (
            f"'{at}': LIF becomes CubaLIF with the shortest synapse of {target.family}, "
            f"{2**dash} steps"
        )
        return Proposal(self.name, (at,), (new,), keeps, says)


RULE = LifToCubalif()
