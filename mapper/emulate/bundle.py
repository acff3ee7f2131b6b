"""Run a bundle on its family's integer emulator: what the chip computes, as far as is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from mapper.emulate.layers import layer
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import HostNode
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput
from nir_io.graph import KINDS, Node, frozen

RELAY_STEPS = 1  # a relay repeats its neuron over one connection


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Emulated:
    """What came out, latencies removed: step t is what the ideal network does in step t.

    outputs: Output -> (sample, step, value): spikes, or a read-out's membrane in units of
    the file; populations: name -> spikes (sample, step, neuron), in C order. states: membranes
    of the populations they were asked of, (sample, step, neuron), in the chip's integers and
    as the chip has them: step t is its own, latencies left in.
    """

    outputs: Mapping[str, Array]
    populations: Mapping[str, Array]
    states: Mapping[str, Array]

    def counts(self) -> Array:
        """Spikes (or summed values) over the run, outputs in order: (sample, value)."""
        return np.concatenate(
            [out.sum(axis=1, dtype=np.float64) for out in self.outputs.values()], axis=1
        )


class Run(Protocol):
    """A family's integer emulator on a bundle."""

    def __call__(
        self,
        bundle: Loaded,
        rasters: Mapping[str, Array],
        steps: int,
        states: tuple[str, ...],
        seed: int | None,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """(spikes, membranes) by population: (sample, step, neuron), neurons in C order.

        rasters: graph input -> (sample, step, channel) in C order, `steps` long; states:
        populations whose membranes are wanted; seed: of the order of a step's events where
        the chip takes them one by one, None: a step's events summed.
        """
        ...


def emulate(
    bundle: Loaded,
    raster: Array,
    run: Run,
    *,
    seed: int | None = 0,
    states: Collection[str] = (),
) -> Emulated:
    """The bundle on data.

    raster: integers (sample, step, channels...), graph inputs concatenated flat in name
    order. run: the family's emulator. seed: order of events on event-driven chips; None:
    stepped in time there. states: populations whose membranes are kept.
    Raises BadInput where the raster does not fit.
    """
    samples, steps = raster.shape[:2]
    flat = raster.reshape(samples, steps, -1)
    need = sum(bundle.size(name) for name in bundle.inputs)
    if flat.shape[2] != need:
        raise BadInput([f"the data have {flat.shape[2]} channels a step; the bundle reads {need}"])
    late = bundle.latency()
    longer = np.concatenate([flat, np.zeros((samples, late, need), dtype=flat.dtype)], axis=1)
    rasters = {
        name: longer[:, :, row["offset"] : row["offset"] + bundle.size(name)]
        for name, row in bundle.inputs.items()
    }
    read = read_as_membrane(bundle)
    wanted = tuple(dict.fromkeys((*read, *states)))
    spikes, membranes = run(bundle, rasters, steps + late, wanted, seed)
    kept = {name: membranes[name][:, :steps] for name in states}
    for name in read:
        scale = np.asarray(bundle.value(bundle.populations[name]["scale"]), dtype=np.float64)
        membranes[name] = membranes[name] / scale
    lags = {name: row["latency"] for name, row in bundle.populations.items()}
    return replace(settle(bundle, flat, spikes, membranes, lags), states=kept)


def read_as_membrane(bundle: Loaded) -> tuple[str, ...]:
    """Populations of which an output reads the membrane."""
    rows = bundle.manifest["outputs"]
    names = (row["population"] for row in rows if row["read"] == "v")
    return tuple(name for name in names if name is not None)


def settle(
    bundle: Loaded,
    flat: Array,
    spikes: Mapping[str, Array],
    membranes: Mapping[str, Array],
    lags: Mapping[str, int],
) -> Emulated:
    """What a run gave, with latencies removed and what the host computes.

    flat: the data (sample, step, channel); spikes, membranes (in units of the file): by
    population, (sample, step, neuron), with as many steps more as the latest is behind;
    lags: by how many steps each population is behind (0 where it is not told).
    """
    steps = flat.shape[1]
    populations = {
        name: _cut(spikes[name], lags.get(name, 0), steps) for name in bundle.populations
    }
    read_out = populations | {  # the host sees a relayed population by its relays alone
        name: _cut(found, bundle.populations[name]["latency"] + RELAY_STEPS, steps)
        for name in bundle.populations
        if (found := spikes.get(f"relay:{name}")) is not None
    }
    outputs: dict[str, Array] = {}
    for row in bundle.manifest["outputs"]:
        name = row["population"]
        if name is None:
            outputs[row["name"]] = _host(bundle, row["name"], read_out, flat)
            continue
        if row["read"] == "v":
            outputs[row["name"]] = _cut(membranes[name], lags.get(name, 0), steps)
        else:
            outputs[row["name"]] = read_out[name]
    return Emulated(outputs=outputs, populations=populations, states={})


def _cut(values: Array, late: int, steps: int) -> Array:
    return values[:, late : late + steps]


def _host(bundle: Loaded, output: str, populations: Mapping[str, Array], flat: Array) -> Array:
    """A host stage: linear nodes on the recorded spikes, then the read-out's integration."""
    stage = next(row for row in bundle.manifest["host"] if row["output"] == output)
    total: Array | None = None
    for path in stage["paths"]:
        source = path["source"]
        x = populations[source] if source in populations else _input(bundle, source, flat)
        samples, steps = x.shape[:2]
        x = x.reshape(samples * steps, *bundle.shape(source)).astype(np.float64)
        for row in path["stages"]:
            if row["kind"] == "Delay":
                delays = bundle.arrays[str(row["steps"])]
                late = _held(x.reshape(samples, steps, -1), delays)
                x = late.reshape(x.shape)
            else:
                x = layer(_node(bundle, row), np.float64)(x)
        x = x.reshape(samples, steps, -1)
        total = x if total is None else total + x
    assert total is not None
    neuron = stage["neuron"]
    if neuron is None:
        return total
    a, ka, b, kb, leak = (
        bundle.value(neuron[key])
        for key in ("syn_decay", "syn_gain", "mem_decay", "mem_gain", "leak")
    )
    s, v = np.zeros((len(total), total.shape[2])), np.zeros((len(total), total.shape[2]))
    out = np.empty_like(total)
    for t in range(total.shape[1]):
        s = a * s + ka * total[:, t]
        v = b * v + kb * s + leak
        out[:, t] = v
    return out


def _held(x: Array, delays: Array) -> Array:
    """(sample, step, value) with each value (value,) as many steps later; nothing before."""
    out = np.zeros_like(x)
    for late in np.unique(delays):
        steps, some = int(late), delays == late
        out[:, steps:, some] = x[:, : max(0, x.shape[1] - steps), some]
    return out


def _input(bundle: Loaded, name: str, flat: Array) -> Array:
    at = bundle.inputs[name]["offset"]
    return flat[:, :, at : at + bundle.size(name)]


def _node(bundle: Loaded, row: HostNode) -> Node:
    values: dict[str, object] = {"name": "host"}
    for key, value in row.items():
        if isinstance(value, str) and value in bundle.arrays:
            values[key] = frozen(bundle.arrays[value])
        elif key != "kind":
            values[key] = tuple(value) if isinstance(value, list) else value
    return _maker(str(row["kind"]))(**values)


def _maker(kind: str) -> Callable[..., Node]:
    return KINDS[kind]
