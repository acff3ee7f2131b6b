"""A Speck bundle as the emulator's cores: one core a population.

Parts of a split layer compute what the whole layer does (each channel its own), so the
emulator runs populations whole; `verify` holds the parts and links against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import inputs_in
from mapper.families.speck import emulate as speck
from mapper.families.speck.steps import run_steps
from nir_io.arrays import AnyArray as Array


def run(
    bundle: Loaded,
    rasters: Mapping[str, Array],
    steps: int,
    states: tuple[str, ...],
    seed: int | None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(spikes, nothing) by population: (sample, step, neuron).

    seed: of the order of a step's events; None: stepped in time instead, a step's events
    summed.
    """
    network = network_of(bundle)
    samples, (_, height, width) = len(next(iter(rasters.values()))), network.shape
    parts: list[Array] = []
    for name, raster in rasters.items():
        c, y, x = _map(bundle.shape(name))
        maps = raster.reshape(samples, steps, c, y, x)
        parts.append(np.pad(maps, ((0, 0), (0, 0), (0, 0), (0, height - y), (0, width - x))))
    raster = np.concatenate(parts, axis=2)
    biased = any(core.bias is not None for core in network.cores)
    tick = 1 if biased else None
    if seed is None:
        record = run_steps(network, raster, tick_every=tick)
        return dict(record.spikes), {}
    events = speck.run_events(network, speck.events_of(raster, seed), tick_every=tick, seed=seed)
    names = [core.name for core in network.cores]
    return dict(events.record(names).spikes), {}


def _map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    c, y, x = (*shape, 1, 1)[:3]
    return c, y, x


def network_of(bundle: Loaded) -> speck.Network:
    """Cores with their destinations, told from each population's table of inputs.

    Several graph inputs lie one behind the other in the channels of one map, the largest.
    """
    sent: dict[str, list[speck.Destination]] = {name: [] for name in bundle.populations}
    entries: list[speck.Destination] = []
    offsets: dict[str, int] = {}
    channels = 0
    for name in bundle.inputs:
        offsets[name] = channels
        channels += _map(bundle.shape(name))[0]
    for name, row in bundle.populations.items():
        for source in inputs_in(row["params"]):
            end = speck.Destination(core=name, pool=source["pool"], shift=source["offset"])
            if source["source"] in sent:
                sent[source["source"]].append(end)
                continue
            at = offsets[source["source"]]
            own = (at, at + _map(bundle.shape(source["source"]))[0])
            entries.append(replace(end, only=own))
    cores = tuple(_core(bundle, name, tuple(sent[name])) for name in bundle.populations)
    sides = [_map(bundle.shape(name))[1:] for name in bundle.inputs]
    height, width = (max(side[axis] for side in sides) for axis in (0, 1))
    return speck.Network(cores, tuple(entries), (channels, height, width))


def _core(bundle: Loaded, name: str, sent: tuple[speck.Destination, ...]) -> speck.Core:
    row = bundle.populations[name]
    top, _, left, _ = bundle.sizes(row, "padding")
    sy, sx = bundle.sizes(row, "stride")
    c, y, x = bundle.sizes(row, "input_shape")
    bias = bundle.param(row, "bias").astype(np.int64)
    shape = _map(tuple(row["shape"]))
    v_init = bundle.param(row, "v_init").astype(np.int64)
    return speck.Core(
        name=name,
        kernel=bundle.param(row, "kernel").astype(np.int64),
        shape=(c, y, x),
        threshold=int(bundle.param(row, "threshold_high")),
        lower=int(bundle.param(row, "threshold_low")),
        stride=(sy, sx),
        padding=(top, left),
        reset="subtract" if row["reset"] == "subtract" else "zero",
        bias=bias if bias.any() else None,
        initial=np.broadcast_to(v_init[:, None, None], shape) if v_init.any() else None,
        destinations=sent,
    )
