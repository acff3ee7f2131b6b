"""ODIN: magnitudes 0..7 and thresholds 1..255, both of each neuron by a scale of its own.

A spike is fired at v >= threshold. So a network that compares with '>' gets one unit more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.bundle.integers.dial import NOTHING, Chosen, Dial
from mapper.bundle.integers.draft import Arrays, Quantized, Stored, loss
from mapper.bundle.integers.units import unit, weights
from mapper.solving.outcome import Placed


def dials(placed: Placed) -> tuple[Dial, ...]:
    """There is nothing to choose: every neuron has the scale that loses least."""
    return ()


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """Weights and thresholds of every population."""
    question = placed.question
    most, top = (int(question.profile.limit(k).value) for k in ("weight_max", "threshold_max"))
    above = int(question.semantics.comparison == ">")
    arrays = Arrays()
    populations: dict[str, Stored] = {}
    projections: dict[str, Stored] = {}
    floats: dict[tuple[str, str], Any] = {}
    for population in question.network.populations:
        name, form = population.name, placed.chosen[population.name].form
        gain = unit(population, form.neuron).gain
        wanted = {p.id: weights(p, gain) for p in form.projections}
        every = np.concatenate([np.zeros((population.size, 0)), *wanted.values()], axis=1)
        scale = np.array([best_scale(row, most, top - above) for row in every], dtype=np.float64)
        for p in form.projections:
            exact = wanted[p.id] * scale[:, None]
            kept = np.clip(np.rint(exact), -most, most)
            clipped = int(np.count_nonzero(np.abs(exact) > most + 0.5))
            error = loss(wanted[p.id], kept / scale[:, None], clipped)
            stored = arrays.add(kept.astype(np.int8), f"weights of '{p.id}'", error)
            projections[p.id] = Stored(params={"weight": stored})
            floats[(p.id, "weight")] = kept / scale[:, None]
        populations[name] = Stored(
            scale=arrays.add(scale, f"scale of '{name}'"),
            params={
                "threshold": arrays.add((scale + above).astype(np.uint8), f"threshold of '{name}'")
            },
        )
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections=projections,
        alarms=(),
        floats=floats,
    )


def best_scale(row: NDArray[np.float64], most: int, top: int) -> int:
    """The whole number of units a threshold, 1..top, by which the weights lose least.

    row: a neuron's weights in thresholds. The largest of equally good ones.
    """
    tried = np.arange(1, top + 1)
    exact = np.abs(row)[None, :] * tried[:, None]
    off = (np.minimum(np.rint(exact), most) / tried[:, None] - np.abs(row)) ** 2
    total = np.round(off.sum(axis=1), 12)
    return int(tried[total == total.min()].max())
