"""Use the reset that the chip has: subtract for zero, or zero for subtract.

Approximate, and no bound is known beyond one spike: the charge over threshold at a spike
is kept instead of dropped (or dropped instead of kept).
"""

from __future__ import annotations

from nir_io.graph import IF, LIF, CubaLIF, Graph
from nir_io.settings import Reset
from rewrite_rules.rule import Proposal, Refusal, Rule, Unbounded
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target

WORDS = {"zero": "to v_reset (hard)", "subtract": "by subtraction (soft)"}


class ResetKind(Rule):
    """The other kind of reset where the target lacks the file's."""

    name = "reset-kind"
    stages = (Neuronal.FORM,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        wanted = target.semantics.reset
        if not isinstance(node, IF | LIF | CubaLIF) or wanted in target.resets:
            return None
        other: Reset = "subtract" if wanted == "zero" else "zero"
        if other not in target.resets:
            return Refusal(self.name, at, f"{target.family} has neither kind of reset")
        because = (
            f"the network resets {WORDS[wanted]}, {target.family} only {WORDS[other]}: the charge "
            f"above threshold at each spike is {'kept' if other == 'subtract' else 'lost'}"
        )
        says = f"'{at}': reset {WORDS[other]} instead of {WORDS[wanted]}"
        return Proposal(self.name, (at,), (node,), Unbounded(because), says, reset=other)


RULE = ResetKind()
