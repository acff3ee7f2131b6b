"""Speck stepped in time: the view that simulators such as sinabs have of it.

All events of a step are summed before the comparison, and a neuron may spike several times
in a step. The chip does neither; what differs from `speck.run_events` is the loss by event
order and by several spikes a step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from mapper.emulate.exact import correlation
from mapper.emulate.record import Record
from mapper.families.speck.emulate import Core, Network
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

MOST = 2**16 - 1  # spikes of a neuron in a step
CHUNK = 2**22  # numbers in a raster of one chunk of samples


def run_steps(
    network: Network,
    raster: Array,
    *,
    tick_every: int | None = None,
    record: Collection[str] | None = None,
) -> Record:
    """The same network stepped in time: a step's events are summed before the comparison.

        v += sum + bias;  n = floor(v / threshold) spikes, v -= n threshold  (`subtract`)
                          n = 1 where v >= threshold, there v = 0            (`zero`)
        v = max(v, lower)

    raster: counts (sample, step, channel, y, x). A core hears its sources in the same step.
    record: cores whose spikes are kept, as (sample, step, neuron); all if None.
    """
    if raster.ndim != 5 or raster.shape[2:] != network.shape:
        raise BadInput([f"a raster {raster.shape}; needed: sample, step, {network.shape}"])
    samples, steps = raster.shape[:2]
    keep = [core.name for core in network.cores] if record is None else list(record)
    sizes = {core.name: int(np.prod(core.out_shape)) for core in network.cores}
    spikes = {name: np.zeros((samples, steps, sizes[name]), np.uint16) for name in keep}
    widest = max([int(np.prod(network.shape)), *sizes.values()])
    chunk = max(1, CHUNK // (widest * max(steps, 1)))
    for low in range(0, samples, chunk):
        part = slice(low, min(low + chunk, samples))
        # (step, sample, y, x, channel): a step is one piece of memory, as is a pixel.
        given = np.ascontiguousarray(raster[part].transpose(1, 0, 3, 4, 2))
        heard: dict[str | None, Array] = {None: given}
        for core in network.order():
            heard[core.name] = _step_spikes(core, _step_sums(network, core, heard), tick_every)
            if core.name in spikes:
                ordered = heard[core.name].transpose(1, 0, 4, 2, 3)
                spikes[core.name][part] = ordered.reshape(*ordered.shape[:2], -1)
    return Record(spikes)


def _step_sums(network: Network, core: Core, heard: Mapping[str | None, Array]) -> Array:
    """Weighted events: (step, sample, y, x, feature)."""
    channels, height, width = core.shape
    leading = heard[None].shape[:2]
    merged = np.zeros((*leading, height, width, channels), np.int32)
    for name, shape, destination in network.links():
        if destination.core != core.name:
            continue
        first, last = destination.sent(shape[0])
        pool, shift = destination.pool, destination.shift
        features = slice(shift, shift + last - first)
        maps = heard[name][:, :, : height * pool, : width * pool, first:last]
        for row in range(min(pool, maps.shape[2])):
            for column in range(min(pool, maps.shape[3])):
                some = maps[:, :, row::pool, column::pool]
                merged[:, :, : some.shape[2], : some.shape[3], features] += some
    tall, wide = core.padding
    correlate, out = correlation(
        core.kernel.transpose(2, 3, 1, 0),
        (height, width, channels),
        core.stride,
        ((tall, tall), (wide, wide)),
        int(merged.max(initial=1)),
    )
    return correlate(merged.reshape(leading[0] * leading[1], -1)).reshape(*leading, *out)


def _step_spikes(core: Core, sums: Array, tick_every: int | None) -> Array:
    """Integrate and fire over (step, sample, y, x, feature)."""
    v = np.zeros(sums.shape[1:])
    if core.initial is not None:
        v[:] = core.initial.transpose(1, 2, 0)
    bias = core.bias if tick_every is not None else None
    counts = np.zeros(sums.shape, np.uint16)
    for now in range(len(sums)):
        if bias is not None and tick_every is not None and now % tick_every == 0:
            v += bias
        v += sums[now]
        over = np.nonzero(v >= core.threshold)
        if core.reset == "zero":
            counts[now][over] = 1
            v[over] = 0
        else:
            fired = v[over] // core.threshold
            if fired.max(initial=0) > MOST:
                raise BadInput(
                    [
                        f"core '{core.name}': {int(fired.max())} spikes of a neuron in one step; "
                        f"{MOST} can be counted. Its threshold, {core.threshold}, is too low"
                    ]
                )
            counts[now][over] = fired
            v[over] -= fired * core.threshold
        np.maximum(v, core.lower, out=v)
    return counts
