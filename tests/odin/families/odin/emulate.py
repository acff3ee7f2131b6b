"""ODIN event by event: a spike adds or takes its row's weights, neuron after neuron.

    v <- min(v + w, 255)  or  max(v - w, 0);   spike and v <- 0 where v >= threshold

(lif_neuron_state.v). Spikes wait in one queue; those of a step are gone before the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

import numpy as np

from device_profiles.profile import Profile
from mapper.emulate.decoder import Array
from mapper.emulate.fans import Load, Rate
from mapper.emulate.loaded import Loaded

STATE = 255


def run(
    bundle: Loaded,
    rasters: Mapping[str, Array],
    steps: int,
    states: tuple[str, ...],
    seed: int | None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(spikes, membranes at the end of each step) by population: (sample, step, neuron).

    seed: of the order of a step's events; None: input after input, channel after channel.
    """
    at, size = {}, 0
    for name in (*bundle.inputs, *bundle.populations):
        at[name] = slice(size, size + bundle.size(name))
        size += bundle.size(name)
    weight = np.zeros((size, size), np.int64)  # (source, target)
    for row in bundle.manifest["projections"]:
        weight[at[row["source"]], at[row["target"]]] = bundle.param(row, "weight").T
    threshold = np.full(size, STATE + 1)
    for name, row in bundle.populations.items():
        threshold[at[name]] = bundle.param(row, "threshold")
    samples = len(next(iter(rasters.values())))
    fired = np.zeros((samples, steps, size), np.int64)
    kept = np.zeros((samples, steps, size), np.int64)
    for sample in range(samples):
        rng = None if seed is None else np.random.default_rng([seed, sample])
        v = np.zeros(size, np.int64)
        for step in range(steps):
            counts = np.zeros(size, np.int64)
            for name, raster in rasters.items():
                counts[at[name]] = raster[sample, step]
            events = np.repeat(np.arange(size), counts)
            if rng is not None:
                rng.shuffle(events)
            queue = deque(events.tolist())
            while queue:
                v = np.clip(v + weight[queue.popleft()], 0, STATE)
                spikes = np.flatnonzero(v >= threshold)
                v[spikes] = 0
                fired[sample, step, spikes] += 1
                queue.extend(spikes.tolist())
            kept[sample, step] = v
    spikes_of = {name: fired[:, :, at[name]] for name in bundle.populations}
    return spikes_of, {name: kept[:, :, at[name]].astype(np.float64) for name in states}


def rates(bundle: Loaded, profile: Profile, load: Load, dt: float) -> Iterator[Rate]:
    """Clock cycles of the busiest step; what clock there is, is the user's."""
    number = profile.limit("cycles_per_event")
    events = [load.of("events", name) for name in bundle.populations]
    mean, peak = (sum(row[i] for row in events) * float(number.value) for i in (0, 1))
    yield Rate(
        what="clock that real time needs",
        where="core",
        mean=mean / dt / 1e6,
        peak=peak / dt / 1e6,
        limit=None,
        unit="MHz",
        source=number.source,
        confidence=number.confidence,
    )
