"""A neuron as the update rule that it follows once a time step is chosen.

    s <- syn_decay s + syn_gain x            (x: summed input of the step, bias included)
    v <- mem_decay v + mem_gain s + leak
    spike where v > threshold (or >=); then v = v_reset, or v -= threshold

NIR (docs/primitives) gives the differential equations; `forward-euler` puts k = dt/tau,
`exponential` k = 1 - exp(-dt/tau). I and IF are per step: dt does not enter (docs/architecture.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nir_io.errors import BadInput
from nir_io.graph import IF, LI, LIF, Array, CubaLI, CubaLIF, I, Neuron, Shape, Threshold, frozen
from nir_io.semantics import Semantics

ROUNDING = 2.0**-22  # of dt / tau: files hold time constants as float32
UNSTABLE = 2.0  # dt / tau from which |1 - dt / tau| is no decay


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dynamics:
    """Arrays have the population's shape; `syn_decay` is zero where there is no synapse.

    `has_synapse` says whether the model keeps a synaptic state; `spiking` whether it has
    a threshold (the arrays `threshold` and `v_reset` are then meaningful).
    """

    shape: Shape
    has_synapse: bool
    spiking: bool
    syn_decay: Array
    syn_gain: Array
    mem_decay: Array
    mem_gain: Array
    leak: Array
    threshold: Array
    v_reset: Array

    @property
    def gain(self) -> Array:
        """What one unit of input adds to v in the step of its arrival."""
        return self.syn_gain * self.mem_gain

    @property
    def steady(self) -> Array:
        """The membrane's change per step that a constant input of 1 adds in the long run."""
        return self.gain / np.maximum(1.0 - self.syn_decay, 1e-300)


def step_share(tau: Array, semantics: Semantics, name: str) -> Array:
    """k of the update rule, per neuron. Raises BadInput where forward Euler is unstable.

    A state is multiplied by 1 - k: dt = tau forgets it within a step, dt between tau and
    2 tau turns its sign at every step, and is stable too.
    """
    if semantics.file_dt is None:
        raise BadInput([f"'{name}' has a time constant, but no time step is known; pass --file-dt"])
    ratio = semantics.file_dt / tau
    ratio = np.where(np.abs(ratio - 1.0) < ROUNDING, 1.0, ratio)
    if semantics.discretization == "exponential":
        return 1.0 - np.exp(-ratio)
    if np.any(ratio >= UNSTABLE):
        worst = float(np.min(tau))
        raise BadInput(
            [
                f"'{name}': the time step {semantics.file_dt:g} s is not below twice its time "
                f"constant {worst:g} s: forward Euler would not decay; was the file written for "
                "another step, or another --discretization?"
            ]
        )
    return ratio


def discretise(node: Neuron, semantics: Semantics) -> Dynamics:
    """The update rule of `node` under `semantics`. Raises BadInput as `step_share` does."""
    one, zero = np.ones(node.shape_out), np.zeros(node.shape_out)
    has_synapse, spiking = False, True
    a, syn_gain, b, mem_gain, leak = zero, one, zero, one, zero
    threshold, v_reset = one, zero
    match node:
        case Threshold():
            threshold = node.threshold
        case IF() | I():
            b, mem_gain = one, node.r
        case LIF() | LI():
            k = step_share(node.tau, semantics, node.name)
            b, mem_gain, leak = 1.0 - k, k * node.r, k * node.v_leak
        case CubaLIF() | CubaLI():
            has_synapse = True
            k = step_share(node.tau_syn, semantics, node.name)
            a, syn_gain = 1.0 - k, k * node.w_in
            k = step_share(node.tau_mem, semantics, node.name)
            b, mem_gain, leak = 1.0 - k, k * node.r, k * node.v_leak
        case _:
            raise TypeError(f"{node.kind} is not a neuron")
    if isinstance(node, IF | LIF | CubaLIF):
        threshold, v_reset = node.v_threshold, node.v_reset
    elif not isinstance(node, Threshold):
        spiking = False
    if semantics.order == "input-then-leak" and not isinstance(node, Threshold):
        mem_gain = mem_gain * b
    arrays = (a, syn_gain, b, mem_gain, leak, threshold, v_reset)
    a, syn_gain, b, mem_gain, leak, threshold, v_reset = map(frozen, arrays)
    return Dynamics(
        shape=node.shape_out,
        has_synapse=has_synapse,
        spiking=spiking,
        syn_decay=a,
        syn_gain=syn_gain,
        mem_decay=b,
        mem_gain=mem_gain,
        leak=leak,
        threshold=threshold,
        v_reset=v_reset,
    )
