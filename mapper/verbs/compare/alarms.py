"""Signs that a network does not do on the chip what it does in the ideal: said on first screens.

With data they are looked for on the data (`compare`), without on seeded random events, on
which both the emulator and the ideal network are run once (`map`, `check`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mapper.bundle.integers.draft import Quantized
from mapper.bundle.integers.units import unit, weights
from mapper.emulate.bundle import Run, emulate
from mapper.emulate.loaded import Loaded
from mapper.problem.traits import Traits
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray as Array
from nir_io.graph import Conv2d, Graph

SAMPLES, STEPS, DENSITY = 2, 60, 0.2  # of random events, where no data are given
BUSY = 100  # events a step at most, however many channels there are
LARGEST = 2**20  # numbers of all neurons in a step beyond which no trial is run
FEW, MANY = 0.1, 2.0  # share of the ideal's spikes below and above which a population is told
LEAST = 20  # spikes that must be there for a ratio to mean something
FULL = 0.01  # share of a population's steps at the end of its range that is told
TRIAL = f"on {STEPS} steps of random events"
LOOKED_AT = 4  # samples whose states are looked at


def without_data(
    placed: Placed, quantized: Quantized, bundle: Loaded, graph: Graph, run: Run
) -> Iterator[str]:
    """Alarms of a mapping: rounding that leaves nothing, and a trial on random events.

    graph: as the file has it; run: the family's emulator.
    """
    yield from of_weights(placed, quantized)
    channels = sum(bundle.size(name) for name in bundle.inputs)
    neurons = sum(bundle.size(name) for name in bundle.populations)
    if (channels + neurons) * SAMPLES > LARGEST:
        return
    from mapper.verbs.compare.causes import ideal_run

    chance = min(DENSITY, BUSY / max(channels, 1))
    raster = (np.random.default_rng(0).random((SAMPLES, STEPS, channels)) < chance).astype(np.uint8)
    # stepped in time: in which order random events come says nothing of the user's data
    traits = placed.question.traits
    ideal = ideal_run(placed, bundle, graph, raster)
    chip = emulate(bundle, raster, run, seed=None, states=bounded(bundle, traits))
    for name, spikes in ideal.populations.items():
        yield from of_spikes(name, int(spikes.sum()), int(chip.populations[name].sum()), TRIAL)
    yield from of_states(chip.states, traits, TRIAL)


def of_weights(placed: Placed, quantized: Quantized) -> Iterator[str]:
    """Neurons (of convolutions: channels) all of whose weights became 0."""
    for population in placed.question.network.populations:
        name, form = population.name, placed.chosen[population.name].form
        gain = unit(population, form.neuron).gain
        heard, kept = np.zeros(0, bool), np.zeros(0, bool)
        for projection in form.projections:
            stored = quantized.floats.get((projection.id, "weight"))
            stored = quantized.floats.get((name, "kernel")) if stored is None else stored
            if stored is None:
                continue
            wanted = weights(projection, gain)
            a, b = (np.any(np.reshape(w, (len(w), -1)), axis=1) for w in (wanted, stored))
            if len(a) != len(b) or (heard.size and len(heard) != len(a)):
                continue
            heard, kept = (a | heard, b | kept) if heard.size else (a, b)
        gone = int(np.count_nonzero(heard & ~kept))
        if gone:
            conv = any(isinstance(p.weight, Conv2d) for p in form.projections)
            what = "channels" if conv else "neurons"
            yield (
                f"'{name}': all weights of {gone:,} of {heard.size:,} {what} are too small for the "
                "chip's integers and became 0"
            )


def of_spikes(name: str, ideal: int, chip: int, on: str) -> Iterator[str]:
    """Silence and bursts of a population; `on`: the data, in words."""
    if ideal >= LEAST and chip == 0:
        yield f"'{name}' is silent on the chip: {ideal:,} spikes in the ideal network, none there ({on})"
    elif ideal >= LEAST and chip < FEW * ideal:
        yield (
            f"'{name}' nearly falls silent on the chip: {chip:,} spikes, {ideal:,} in the ideal "
            f"network ({on})"
        )
    elif chip >= LEAST and chip > MANY * max(ideal, 1):
        times = f"{chip / ideal:.3g} times the {ideal:,}" if ideal else "none"
        yield f"'{name}' bursts on the chip: {chip:,} spikes, {times} of the ideal network ({on})"


def bounded(bundle: Loaded, traits: Traits) -> tuple[str, ...]:
    """Populations whose membranes may stand at an end of a range that is known; else none."""
    return () if traits.membrane is None else tuple(bundle.populations)


def of_states(states: Mapping[str, Array], traits: Traits, on: str) -> Iterator[str]:
    """Membranes that stand at an end of their range. states: (sample, step, neuron), in the
    chip's integers, of the populations that are `bounded`.
    """
    if traits.membrane is None:
        return
    lowest, highest = traits.membrane
    for name, v in states.items():
        low, high = float(np.mean(v <= lowest)), float(np.mean(v >= highest))
        if low + high > FULL:
            yield (
                f"'{name}' saturates: its membrane stands at the {'lower' if low > high else 'upper'} "
                f"end of its range in {100 * max(low, high):.2g} % of the steps of its neurons ({on})"
            )
