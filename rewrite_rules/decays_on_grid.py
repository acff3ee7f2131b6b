"""Put decays on the bit-shift grid: 1 - dt/tau becomes 1 - 2^-n.

Approximate. Per neuron, the four neighbours (synapse down/up, membrane down/up) are
compared by their membrane-response error, and the best one is taken.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import Array, CubaLIF, Graph
from rewrite_rules.dynamics import discretise
from rewrite_rules.neurons import compare, with_decays
from rewrite_rules.response import Response, response_error
from rewrite_rules.rule import Proposal, Refusal, Rule
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target

ON_GRID = 1e-6  # decays nearer than this to the grid are rounding of the file's floats
FORGETS = 1.0 - 1e-5  # a slower decay has no error without a run length (rewrite_rules.response)


class DecaysOnGrid(Rule):
    """CubaLIF with the nearest decays that the target can shift by."""

    name = "decays-on-grid"
    stages = (Neuronal.FORM,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if target.decay_grid != "bit-shift" or not isinstance(node, CubaLIF):
            return None
        old = discretise(node, target.semantics)
        if on_grid(old.syn_decay, old.mem_decay, target):
            return None
        pairs = np.stack([old.syn_decay.ravel(), old.mem_decay.ravel()], axis=1)
        unique, back = np.unique(pairs, axis=0, return_inverse=True)
        best = _nearest(unique, target)
        syn, mem = (best[back.ravel(), i].reshape(node.shape_out) for i in (0, 1))
        new = with_decays(node, 1.0 - 2.0**-syn, 1.0 - 2.0**-mem, target.semantics)
        because = f"decays of {target.family} are 1 - 2^-n"
        keeps = compare(node, new, target.semantics, because)
        says = (
            f"'{at}': decays {_span(old.syn_decay)} (synapse) and {_span(old.mem_decay)} (membrane) "
            f"become {_span(1.0 - 2.0**-syn)} and {_span(1.0 - 2.0**-mem)}"
        )
        return Proposal(self.name, (at,), (new,), keeps, says)


def on_grid(syn_decay: Array, mem_decay: Array, target: Target) -> bool:
    """Whether every decay is 1 - 2^-n with n in the target's range."""
    low_syn, low_mem, high = target.dash
    for decay, low in ((syn_decay, low_syn), (mem_decay, low_mem)):
        dash = -np.log2(np.maximum(1.0 - decay, 2.0**-60))
        near = np.clip(np.round(dash), low, high)
        if np.any(np.abs(decay - (1.0 - 2.0**-near)) > ON_GRID):
            return False
    return True


def _nearest(pairs: Array, target: Target) -> Array:
    """Per row (decay of the synapse, of the membrane) the exponents n of the best neighbours."""
    low_syn, low_mem, high = target.dash
    syn, mem = pairs.T
    choices = np.stack(
        [
            np.stack([s, m], axis=1)
            for s in _neighbours(syn, low_syn, high)
            for m in _neighbours(mem, max(low_mem, 1), high)
        ]
    )
    steps = target.semantics.steps
    told = np.full(len(pairs), steps is not None) | (pairs.max(axis=1) < FORGETS)
    errors = np.zeros(choices.shape[:2])  # where none is told all are alike
    decays = 1.0 - 2.0 ** -choices[:, told]
    error = response_error(
        Response(syn[told], mem[told]), Response(decays[..., 0], decays[..., 1]), steps
    )
    if error is not None:
        errors[:, told] = error
    best = np.argmin(errors, axis=0)  # of equals the first: the shortest time constants
    return choices[best, np.arange(len(pairs))]


def _neighbours(decay: Array, low: int, high: int) -> tuple[Array, Array]:
    dash = -np.log2(np.maximum(1.0 - decay, 2.0**-60))
    return np.clip(np.floor(dash), low, high), np.clip(np.ceil(dash), low, high)


def _span(values: Array) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.3g}" if np.isclose(low, high, rtol=1e-4) else f"{low:.3g} to {high:.3g}"


RULE = DecaysOnGrid()
