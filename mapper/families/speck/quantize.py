"""Speck: int8 kernels with one scale a core, 16-bit thresholds and biases.

One scale a population, since its threshold is one number a core: threshold_high = scale.
A spike is fired at v >= threshold_high (profile, list `comparison`), so a network that
compares with '>' gets one unit more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from device_profiles.profile import Profile
from mapper.bundle.integers.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.bundle.integers.draft import Arrays, Loss, Quantized, Stored, best_share, loss, scale_of
from mapper.bundle.integers.units import Unit, unit, weights
from mapper.emulate.manifest import MergedInput, Params
from mapper.families.speck.backend import chip_shape, merged
from mapper.families.speck.wiring import inputs_of
from mapper.problem.network import Population
from mapper.solving.offer.plans import NeuronForm
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray
from nir_io.graph import Conv2d, frozen

PERCENTILES = (100.0, 99.99, 99.9, 99.5)


def dials(placed: Placed) -> tuple[Dial, ...]:
    """Per population the percentile of the weights that is kept, and a gain of them."""
    high = int(placed.question.profile.limit("weight_max").value)
    found: list[Dial] = []
    for population in placed.question.network.populations:
        name = population.name
        kept = best_share(_conv(placed, population).weight, high, PERCENTILES)
        found += [dial("clip", name, PERCENTILES, kept), dial("gain", name, GAINS, 1.0)]
    return tuple(found)


def _conv(placed: Placed, population: Population) -> Conv2d:
    """The merged convolution in threshold units."""
    form = placed.chosen[population.name].form
    u = unit(population, form.neuron)
    scaled = tuple(
        replace(p, weight=replace(p.weight, weight=frozen(weights(p, u.gain))))
        for p in form.projections
    )
    conv = merged(scaled)
    assert isinstance(conv, Conv2d)
    return conv


def _lowest(neuron: NeuronForm, u: Unit, v_min: float, scale: float) -> int:
    """The network's lower bound on the chip, whose membrane is shifted by v_reset.

    v_min is in thresholds, the chip's units in heights. One number a core: where neurons differ,
    the lowest, for a membrane that stops too early fires too early.
    """
    d = neuron.dynamics
    height = d.threshold - d.v_reset if neuron.reset == "zero" else d.threshold
    bounds = v_min * np.ravel(d.threshold / height) + u.v_init
    return int(np.rint(float(np.min(bounds)) * scale))


@dataclass(frozen=True, slots=True)
class _Range:
    """What a core stores: ends of weights, thresholds, biases and states."""

    weight: tuple[int, int]
    threshold_high: tuple[int, int]
    threshold_low: tuple[int, int]
    bias: tuple[int, int]
    state: int  # membranes are below it

    @classmethod
    def of(cls, profile: Profile) -> _Range:
        """Of a chip's profile."""

        def ends(least: str, most: str) -> tuple[int, int]:
            return int(profile.limit(least).value), int(profile.limit(most).value)

        return cls(
            weight=ends("weight_min", "weight_max"),
            threshold_high=ends("threshold_high_min", "threshold_high_max"),
            threshold_low=ends("threshold_low_min", "threshold_low_max"),
            bias=ends("bias_min", "bias_max"),
            state=2 ** (int(profile.limit("state_bits").value) - 1),
        )


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """The merged kernel, thresholds and biases of every population."""
    ends = _Range.of(placed.question.profile)
    arrays = Arrays()
    populations: dict[str, Stored] = {}
    floats: dict[tuple[str, str], AnyArray] = {}
    alarms: list[str] = []
    for population in placed.question.network.populations:
        stored, values, said = _core(population, placed, chosen, ends, arrays)
        populations[population.name] = stored
        floats |= {(population.name, key): array for key, array in values.items()}
        alarms += said
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections={},
        alarms=tuple(alarms),
        floats=floats,
    )


def _core(
    population: Population, placed: Placed, chosen: Chosen, ends: _Range, arrays: Arrays
) -> tuple[Stored, dict[str, AnyArray], list[str]]:
    """A population as its core stores it, what the integers stand for, and alarms."""
    name, semantics = population.name, placed.question.semantics
    form = placed.chosen[name].form
    u = unit(population, form.neuron)
    conv = _conv(placed, population)
    (low, high), (floor, floor_most) = ends.weight, ends.threshold_low
    gain = read(chosen, "gain", name, 1.0)
    kept = read(chosen, "clip", name, best_share(conv.weight, high, PERCENTILES))
    scale = min(scale_of(conv.weight * gain, high, kept), float(ends.threshold_high[1]))
    scale = float(max(1.0, np.rint(scale))) if scale > 64 else scale
    wanted = conv.weight * gain * scale
    integers = np.clip(np.rint(wanted), low, high)
    clipped = int(np.count_nonzero(np.abs(wanted) > high + 0.5))
    threshold = int(np.rint(scale)) + (semantics.comparison == ">")
    threshold = min(max(threshold, ends.threshold_high[0]), ends.threshold_high[1])
    lowest = floor if semantics.v_min is None else _lowest(form.neuron, u, semantics.v_min, scale)
    bias, v_init, alarms = _constants(u, name, conv.weight.shape[0], scale, ends)
    kernel_error = loss(conv.weight, integers / scale, clipped)
    kernel = arrays.add(integers.astype(np.int8), f"kernel of '{name}'", kernel_error)
    table, channels = _table(placed, name)
    params: Params = {
        "kernel": kernel,
        "threshold_high": threshold,
        "threshold_low": int(np.clip(lowest, floor, floor_most)),
        "bias": arrays.add(bias.stored.astype(np.int16), f"bias of '{name}'", bias.loss(scale)),
        "v_init": arrays.add(v_init.astype(np.int16), f"first state of '{name}'"),
        "stride": list(conv.stride),
        "padding": list(conv.padding),
        "inputs": table,
        "input_shape": [channels, *chip_shape(conv.shape_in)[1:]],
    }
    largest = int(np.max(integers, initial=0))
    if largest > threshold:
        alarms.append(
            f"'{name}': a weight ({largest}) exceeds the threshold ({threshold}), and a core "
            "emits one spike per event: what is above it waits for the next event"
        )
    floats = {"kernel": integers / scale, "leak": u.leak, "bias": bias.stored / scale}
    return Stored(scale=scale, params=params), floats, alarms


@dataclass(frozen=True, slots=True, eq=False)
class _Bias:
    """Biases a channel as wanted and as stored, in units; how many were clipped."""

    wanted: AnyArray
    stored: AnyArray
    clipped: int

    def loss(self, scale: float) -> Loss:
        """In thresholds."""
        return loss(self.wanted / scale, self.stored / scale, self.clipped)


def _constants(
    u: Unit, name: str, channels: int, scale: float, ends: _Range
) -> tuple[_Bias, AnyArray, list[str]]:
    """Biases and first states, a channel each, and what is said of those that were clipped."""
    alarms: list[str] = []
    wanted = u.bias.reshape(channels, -1)[:, 0] * scale
    stored = np.clip(np.rint(wanted), *ends.bias)
    if off := int(np.count_nonzero(stored != np.rint(wanted))):
        alarms.append(f"'{name}': {off} biases exceed 16 bits and are clipped")
    start = np.rint(u.v_init.reshape(channels, -1)[:, 0] * scale)
    # below, the first event would lift it
    v_init = np.clip(start, ends.threshold_low[0], ends.state - 1)
    if late := int(np.count_nonzero(v_init != start)):
        alarms.append(
            f"'{name}': {late} first states are beyond what a core keeps and are clipped: their membranes start "
            f"up to {float(np.max(np.abs(v_init - start))) / scale:.3g} thresholds off"
        )
    return _Bias(wanted, stored, off), v_init, alarms


def _table(placed: Placed, name: str) -> tuple[list[MergedInput], int]:
    """What the channels of the merged kernel are, and how many."""
    table: list[MergedInput] = []
    offset = 0
    for source, pool, count in inputs_of(placed.question.network, placed.chosen, name):
        table.append({"source": source, "pool": pool, "channels": count, "offset": offset})
        offset += count
    return table, offset
