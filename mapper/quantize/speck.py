"""Speck: int8 kernels with one scale a core, 16-bit thresholds and biases.

One scale a population, since its threshold is one number a core: threshold_high = scale.
A spike is fired at v >= threshold_high (profile, list `comparison`), so a network that
compares with '>' gets one unit more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mapper.backends.speck import chip_shape, merged
from mapper.backends.speck_wiring import inputs_of
from mapper.network import Population
from mapper.outcome import Placed
from mapper.quantize.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.quantize.draft import Arrays, Quantized, best_share, loss, scale_of
from mapper.quantize.units import unit, weights
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


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """The merged kernel, thresholds and biases of every population."""
    question = placed.question
    profile, semantics = question.profile, question.semantics
    arrays = Arrays()
    populations: dict[str, dict[str, Any]] = {}
    floats: dict[tuple[str, str], Any] = {}
    alarms: list[str] = []
    high, low = (int(profile.limit(k).value) for k in ("weight_max", "weight_min"))
    ceiling, floor = (
        int(profile.limit(k).value) for k in ("threshold_high_max", "threshold_low_min")
    )
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
        bias = u.bias.reshape(channels, -1)[:, 0] * scale
        kernel = arrays.add(
            integers.astype(np.int8),
            f"kernel of '{name}'",
            loss(conv.weight, integers / scale, clipped),
        )
        lowest = floor if semantics.v_min is None else int(np.rint(semantics.v_min * scale))
        table: list[dict[str, Any]] = []
        offset = 0
        for source, pool, count in inputs_of(question.network, placed.chosen, name):
            table.append({"source": source, "pool": pool, "channels": count, "offset": offset})
            offset += count
        populations[name] = {
            "scale": scale,
            "params": {
                "kernel": kernel,
                "threshold_high": min(threshold, ceiling),
                "threshold_low": int(
                    np.clip(lowest, floor, int(profile.limit("threshold_low_max").value))
                ),
                "bias": arrays.add(
                    np.rint(bias).astype(np.int16),
                    f"bias of '{name}'",
                    loss(bias / scale, np.rint(bias) / scale),
                ),
                "v_init": arrays.add(
                    np.rint(u.v_init.reshape(channels, -1)[:, 0] * scale).astype(np.int16),
                    f"first state of '{name}'",
                ),
                "stride": list(conv.stride),
                "padding": list(conv.padding),
                "inputs": table,
                "input_shape": [offset, *chip_shape(conv.shape_in)[1:]],
            },
        }
        floats[(name, "kernel")] = integers / scale
        floats[(name, "leak")] = u.leak
        floats[(name, "bias")] = np.rint(bias) / scale
        if int(np.max(integers, initial=0)) > threshold:
            alarms.append(
                f"'{name}': a weight ({int(np.max(integers))}) exceeds the threshold ({threshold}), and a core "
                "emits one spike per event: what is above it waits for the next event"
            )
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections={},
        extra={},
        alarms=tuple(alarms),
        floats=floats,
    )
