"""A chosen form in threshold units: every neuron's threshold is 1, all gains are 1.

    s <- a s + x;   v <- b v + s + leak;   spike where v > 1;   v = 0, or v -= 1

Weights and biases are multiplied by gain / height, height = v_threshold - v_reset for a
hard reset (v is shifted by v_reset), v_threshold for a soft one. Exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapper.problem.network import Population
from mapper.solving.offer.plans import NeuronForm, ProjectionForm
from nir_io.graph import Array, Conv2d, Linear, Scale


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Unit:
    """Flat arrays, one entry a neuron in C order, all in threshold units per step.

    `bias` enters through the synapse, `leak` the membrane.
    """

    syn_decay: Array
    mem_decay: Array
    gain: Array
    bias: Array
    leak: Array
    v_init: Array

    def constant(self, through_synapse: Array | float = 0.0) -> Array:
        """leak + bias / (1 - syn_decay): what a membrane bias must be.

        `through_synapse`: the part of the bias that a source delivers, as it is stored; the
        membrane bias then carries what rounding left over.
        """
        rest = self.bias - through_synapse
        return self.leak + rest / np.maximum(1.0 - self.syn_decay, 1e-300)


def unit(population: Population, neuron: NeuronForm) -> Unit:
    """The population's neurons in threshold units; a read-out that never fires has height 1."""
    d = neuron.dynamics
    shifted = d.spiking and neuron.reset == "zero"
    height = (
        np.ones(d.shape) if not d.spiking else d.threshold - d.v_reset if shifted else d.threshold
    )
    gain = d.gain / height
    leak = d.leak - (1.0 - d.mem_decay) * d.v_reset if shifted else d.leak
    bias = np.zeros(d.shape) if population.bias is None else population.bias * gain
    v_init = -d.v_reset / height if shifted else np.zeros(d.shape)
    flat = (np.ravel(a) for a in (d.syn_decay, d.mem_decay, gain, bias, leak / height, v_init))
    syn, mem, gain, bias, leak, v_init = flat
    return Unit(syn_decay=syn, mem_decay=mem, gain=gain, bias=bias, leak=leak, v_init=v_init)


def first_membrane(u: Unit, constant: Array, lag: int) -> Array:
    """The membrane at chip step 0 that has become v_init when the input arrives, `lag` later.

    v <- b v + c for `lag` steps gives b^lag v + c (1 - b^lag) / (1 - b). Where so little
    remains of the start (b^lag < 1 %), v_init itself is as good.
    """
    kept = u.mem_decay**lag
    built = np.where(
        u.mem_decay < 1.0, (1.0 - kept) / np.maximum(1.0 - u.mem_decay, 1e-300), float(lag)
    )
    return np.where(kept > 0.01, (u.v_init - constant * built) / np.maximum(kept, 0.01), u.v_init)


def weights(form: ProjectionForm, gain: Array) -> Array:
    """Weights in threshold units: (out, in), (out, in, ky, kx) for a convolution."""
    node = form.weight
    match node:
        case Linear():
            return node.weight * gain[:, None]
        case Scale():
            return np.diag(np.ravel(node.scale) * gain)
        case Conv2d():
            channels = node.weight.shape[0]
            return node.weight * gain.reshape(channels, -1)[:, 0][:, None, None, None]
    raise TypeError(f"{type(node).__name__} has no weights")
