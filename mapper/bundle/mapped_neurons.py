"""What a chip's neurons compute, as NIR nodes in threshold units.

    s <- a s + x;   v <- b v + s + leak;   spike where v > 1 (+ v_reset);   reset

a, b and leak are the decoded integers of the bundle. A NIR node follows that rule when its
time constants give a and b under the network's semantics and its gains undo what the
discretisation multiplies the input by. States start at 0, as NIR's do: a hard reset keeps
its v_reset (in threshold units) instead of a first membrane.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from mapper.bundle.integers.draft import Quantized
from mapper.emulate.decoder import Decoder
from mapper.problem.network import Population
from mapper.solving.outcome import Placed
from nir_io.graph import IF, LI, LIF, Array, CubaLI, CubaLIF, I, Neuron, Shape, Threshold, frozen
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import discretise

# NIR has no time constant of 0 (forgets at once) nor of infinity (never): a decay is kept
# this far from both ends. Powers of two, so that gains undo it without rounding.
NEARLY_GONE = 2.0**-40
NEARLY_KEPT = 1.0 - 2.0**-20


class Base(TypedDict):
    """What every node has."""

    name: str
    shape_in: Shape
    shape_out: Shape
    origin: tuple[str, ...]


class Spike(TypedDict):
    """What a node that spikes has."""

    v_threshold: Array
    v_reset: Array


class Leaky(TypedDict):
    """What a node with a leak has."""

    r: Array
    v_leak: Array


class Slow(TypedDict):
    """What a node with a synapse has."""

    tau_syn: Array
    tau_mem: Array
    w_in: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rates:
    """Per neuron, C order: decays of current and membrane, what a step adds to v, thresholds.

    `height`: what a spike needs above v_reset: 1, but for chips whose membrane rests higher.
    """

    syn_decay: Array
    mem_decay: Array
    leak: Array
    height: Array


def rates(quantized: Quantized, decoder: Decoder, population: Population) -> Rates:
    """The decays and leaks that the stored integers stand for."""
    cells = decoder.cells(decoder.bundle.populations[population.name])
    n = population.size
    leak = np.broadcast_to(quantized.floats.get((population.name, "leak"), np.zeros(n)), (n,))
    height = quantized.floats.get((population.name, "threshold"), np.ones(n))
    return Rates(syn_decay=cells.syn_decay, mem_decay=cells.mem_decay, leak=leak, height=height)


def neuron(
    placed: Placed, population: Population, found: Rates, shape: Shape, semantics: Semantics
) -> tuple[Neuron, Array]:
    """The population's node in `shape`, and the constant that its input must add instead.

    NIR gives IF, I and Threshold no leak; where a step adds something to them, it is
    returned, one value a neuron, and belongs into the bias of what projects to it.
    """
    form = placed.chosen[population.name].form.neuron
    d, n = form.dynamics, population.size
    base: Base = {
        "name": population.name,
        "shape_in": shape,
        "shape_out": shape,
        "origin": form.node.origin or (form.node.name,),
    }
    reset = np.zeros(n)
    if d.spiking and form.reset == "zero":
        reset = np.ravel(d.v_reset / (d.threshold - d.v_reset))
    threshold = frozen(np.reshape(found.height + reset, shape))
    spike: Spike = {"v_threshold": threshold, "v_reset": frozen(np.reshape(reset, shape))}
    one = frozen(np.ones(shape))
    synapse, leaky = bool(np.any(found.syn_decay)), bool(np.any(found.mem_decay < 1.0))
    leak = found.leak + (1.0 - found.mem_decay) * reset
    if isinstance(form.node, Threshold):
        return Threshold(**base, threshold=threshold), leak
    if not synapse and not leaky:
        node = IF(**base, r=one, **spike) if d.spiking else I(**base, r=one)
        return _scaled(node, semantics), leak
    tau = frozen(np.reshape(time_constant(found.mem_decay, semantics), shape))
    nothing = frozen(np.zeros(shape))
    params: Leaky = {"r": one, "v_leak": nothing}
    if synapse:
        tau_syn = frozen(np.reshape(time_constant(found.syn_decay, semantics), shape))
        slow: Slow = {"tau_syn": tau_syn, "tau_mem": tau, "w_in": one}
        node = (
            CubaLIF(**base, **params, **slow, **spike)
            if d.spiking
            else CubaLI(**base, **params, **slow)
        )
    elif d.spiking:
        node = LIF(**base, **params, tau=tau, **spike)
    else:
        node = LI(**base, **params, tau=tau)
    node = _scaled(node, semantics)
    share = np.ravel(1.0 - discretise(node, semantics).mem_decay)
    return replace(node, v_leak=frozen(np.reshape(leak / share, shape))), np.zeros(n)


def time_constant(decay: Array, semantics: Semantics) -> Array:
    """The time constant, in the unit of file_dt, that leaves `decay` of a state a step."""
    kept = np.clip(decay, NEARLY_GONE, NEARLY_KEPT)
    dt = semantics.file_dt or 1.0
    if semantics.discretization == "exponential":
        return dt / -np.log(kept)
    return dt / (1.0 - kept)


def _scaled(node: Neuron, semantics: Semantics) -> Neuron:
    """`node` with r and w_in such that an input of 1 adds 1."""
    d = discretise(node, semantics)
    if isinstance(node, CubaLIF | CubaLI):
        syn, mem = np.reshape(d.syn_gain, d.shape), np.reshape(d.mem_gain, d.shape)
        return replace(node, w_in=frozen(1.0 / syn), r=frozen(1.0 / mem))
    assert isinstance(node, IF | I | LIF | LI)
    return replace(node, r=frozen(1.0 / np.reshape(d.mem_gain, d.shape)))
