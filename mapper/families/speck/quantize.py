"""Speck: int8 kernels with one scale a core, 16-bit thresholds and biases.

One scale a population, since its threshold is one number a core: threshold_high = scale.
A spike is fired at v >= threshold_high (profile, list `comparison`), so a network that
compares with '>' gets one unit more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mapper.bundle.integers.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.bundle.integers.draft import Arrays, Quantized, Stored, best_share, loss, scale_of
from mapper.bundle.integers.units import Unit, unit, weights
from mapper.families.speck.backend import chip_shape, merged
from mapper.families.speck.wiring import inputs_of
from mapper.problem.network import Population
from mapper.solving.offer.plans import NeuronForm
from mapper.solving.outcome import Placed
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


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """The merged kernel, thresholds and biases of every population."""
    question = placed.question
    profile, semantics = question.profile, question.semantics
    arrays = Arrays()
    populations: dict[str, Stored] = {}
    floats: dict[tuple[str, str], Any] = {}
    alarms: list[str] = []
    high, low = (int(profile.limit(k).value) for k in ("weight_max", "weight_min"))
    least, ceiling, floor = (
        int(profile.limit(k).value)
        for k in ("threshold_high_min", "threshold_high_max", "threshold_low_min")
    )
    bias_low, bias_high = (int(profile.limit(k).value) for k in ("bias_min", "bias_max"))
    state = 2 ** (int(profile.limit("state_bits").value) - 1)
    for population in question.network.populations:
        name = population.name
        form = placed.chosen[name].form
        u = unit(population, form.neuron)
        conv = _conv(placed, population)
        channels = conv.weight.shape[0]
        gain = read(chosen, "gain", name, 1.0)
        kept = read(chosen, "clip", name, best_share(conv.weight, high, PERCENTILES))
        scale = min(scale_of(conv.weight * gain, high, kept), float(ceiling))
        scale = float(max(1.0, np.rint(scale))) if scale > 64 else scale
        integers = np.clip(np.rint(conv.weight * gain * scale), low, high)
        clipped = int(np.count_nonzero(np.abs(conv.weight * gain * scale) > high + 0.5))
        threshold = int(np.rint(scale)) + (semantics.comparison == ">")
        threshold = min(max(threshold, least), ceiling)
        bias = u.bias.reshape(channels, -1)[:, 0] * scale
        stored = np.clip(np.rint(bias), bias_low, bias_high)
        if off := int(np.count_nonzero(stored != np.rint(bias))):
            alarms.append(f"'{name}': {off} biases exceed 16 bits and are clipped")
        wanted_start = np.rint(u.v_init.reshape(channels, -1)[:, 0] * scale)
        v_init = np.clip(wanted_start, floor, state - 1)  # below, the first event would lift it
        if late := int(np.count_nonzero(v_init != wanted_start)):
            alarms.append(
                f"'{name}': {late} first states are beyond what a core keeps and are clipped: their membranes start "
                f"up to {float(np.max(np.abs(v_init - wanted_start))) / scale:.3g} thresholds off"
            )
        kernel = arrays.add(
            integers.astype(np.int8),
            f"kernel of '{name}'",
            loss(conv.weight, integers / scale, clipped),
        )
        lowest = (
            floor if semantics.v_min is None else _lowest(form.neuron, u, semantics.v_min, scale)
        )
        table: list[dict[str, Any]] = []
        offset = 0
        for source, pool, count in inputs_of(question.network, placed.chosen, name):
            table.append({"source": source, "pool": pool, "channels": count, "offset": offset})
            offset += count
        populations[name] = Stored(
            scale=scale,
            params={
                "kernel": kernel,
                "threshold_high": threshold,
                "threshold_low": int(
                    np.clip(lowest, floor, int(profile.limit("threshold_low_max").value))
                ),
                "bias": arrays.add(
                    stored.astype(np.int16),
                    f"bias of '{name}'",
                    loss(bias / scale, stored / scale, off),
                ),
                "v_init": arrays.add(v_init.astype(np.int16), f"first state of '{name}'"),
                "stride": list(conv.stride),
                "padding": list(conv.padding),
                "inputs": table,
                "input_shape": [offset, *chip_shape(conv.shape_in)[1:]],
            },
        )
        floats[(name, "kernel")] = integers / scale
        floats[(name, "leak")] = u.leak
        floats[(name, "bias")] = stored / scale
        if int(np.max(integers, initial=0)) > threshold:
            alarms.append(
                f"'{name}': a weight ({int(np.max(integers))}) exceeds the threshold ({threshold}), and a core "
                "emits one spike per event: what is above it waits for the next event"
            )
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections={},
        alarms=tuple(alarms),
        floats=floats,
    )
