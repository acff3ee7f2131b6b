"""A Loihi 2 bundle as the integer emulator's network.

A Lava LIF process has one decay each: a population of several is several layers. Maps run
in Lava's (x, y, channel) order; the bundle keeps C order, so rows and columns are moved.
"""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import PopulationRow, ProjectionRow
from mapper.families.loihi2 import emulate as loihi2
from nir_io.arrays import AnyArray as Array


def run(
    bundle: Loaded,
    rasters: Mapping[str, Array],
    steps: int,
    states: tuple[str, ...],
    seed: int | None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(spikes, membranes) by population: (sample, step, neuron), neurons in C order.

    rasters: graph input -> (sample, step, channel) in C order, `steps` long; seed: not used, the chip steps in time.
    """
    groups = {name: _groups(bundle, row) for name, row in bundle.populations.items()}
    layers = [
        _layer(bundle, name, i, group)
        for name, found in groups.items()
        for i, group in enumerate(found)
    ]
    samples = len(next(iter(rasters.values())))
    inputs = {name: raster[:, :, _order(bundle.shape(name))] for name, raster in rasters.items()}
    connections: list[loihi2.Dense | loihi2.Conv] = []
    for row in bundle.manifest["projections"]:
        source = row["source"]
        if source.startswith("bias:") and source not in bundle.populations:
            inputs[source] = bundle.constant(source, samples, steps)
        connections += _connections(bundle, row, groups)
    network = loihi2.Network(tuple(layers), tuple(connections))
    wanted = [f"{name}\0{i}" for name in states for i in range(len(groups[name]))]
    record = loihi2.run(network, inputs, states=wanted)
    spikes = {name: _joined(record.spikes, name, found) for name, found in groups.items()}
    traces = {layer: found["v"] for layer, found in record.states.items()}
    return spikes, {name: _joined(traces, name, groups[name]) for name in states}


def _order(shape: tuple[int, ...]) -> Array:
    """C-order index of each neuron in Lava's order."""
    index = np.arange(int(np.prod(shape)))
    return index.reshape(shape).T.ravel() if len(shape) > 1 else index


def _groups(bundle: Loaded, row: PopulationRow) -> list[Array]:
    """C-order indices of each layer's neurons, in the layer's order."""
    keys = ("delta_i", "delta_v") if row["device_model"] == "ATRLIF" else ("du", "dv")
    pairs = np.stack([np.ravel(bundle.param(row, key)) for key in keys], axis=1)
    order = _order(tuple(row["shape"]))
    _, group = np.unique(pairs[order], axis=0, return_inverse=True)
    group = np.ravel(group)
    return [order[group == g] for g in range(int(group.max(initial=0)) + 1)]


class Common(TypedDict):
    """What layers of both neuron models have."""

    name: str
    size: int
    bias_mant: Array
    bias_exp: Array
    v: Array


def _layer(bundle: Loaded, name: str, number: int, group: Array) -> loihi2.Lif | loihi2.AtrLif:
    row = bundle.populations[name]
    first = int(group[0])
    common: Common = {
        "name": f"{name}\0{number}",
        "size": group.size,
        "bias_mant": np.ravel(bundle.param(row, "bias_mant"))[group].astype(np.int32),
        "bias_exp": np.full(group.size, int(bundle.param(row, "bias_exp"))),
        "v": np.ravel(bundle.param(row, "v_init"))[group].astype(np.int32),
    }
    if row["device_model"] == "ATRLIF":
        leak = int(np.ravel(bundle.param(row, "delta_v"))[first])
        return loihi2.AtrLif(
            delta_i=int(np.ravel(bundle.param(row, "delta_i"))[first]),
            delta_v=leak,
            delta_r=leak,
            delta_theta=0,
            theta_0=int(bundle.param(row, "theta_0")),
            **common,
        )
    return loihi2.Lif(
        du=int(np.ravel(bundle.param(row, "du"))[first]),
        dv=int(np.ravel(bundle.param(row, "dv"))[first]),
        vth=int(bundle.param(row, "vth_mant")),
        **common,
    )


def _connections(
    bundle: Loaded, row: ProjectionRow, groups: Mapping[str, list[Array]]
) -> list[loihi2.Dense | loihi2.Conv]:
    source, target = row["source"], row["target"]
    exponent, bits = int(bundle.param(row, "exponent")), int(bundle.param(row, "bits"))
    if row["form"] == "conv":
        kernel = bundle.param(row, "kernel")
        top, _, left, _ = bundle.sizes(row, "padding")
        c, y, x = bundle.sizes(row, "input_shape")
        sy, sx = bundle.sizes(row, "stride")
        dy, dx = bundle.sizes(row, "dilation")
        return [
            loihi2.Conv(
                source=f"{source}\0{0}" if source in groups else source,
                target=f"{target}\0{0}",
                kernel=np.ascontiguousarray(kernel.transpose(0, 3, 2, 1)[:, ::-1, ::-1]),
                shape=(x, y, c),
                stride=(sx, sy),
                padding=(left, top),
                dilation=(dx, dy),
                weight_exp=exponent,
            )
        ]
    weight = bundle.param(row, "weight")
    delay = bundle.value(row["delay"])
    if source in groups:
        columns: list[tuple[str, Array]] = [
            (f"{source}\0{i}", group) for i, group in enumerate(groups[source])
        ]
    else:
        size = weight.shape[1]
        order = np.arange(size) if source.startswith("bias:") else _order(bundle.shape(source))
        columns = [(source, order)]
    out: list[loihi2.Dense | loihi2.Conv] = []
    for i, group in enumerate(groups[target]):
        for name, column in columns:
            part = weight[np.ix_(group, column)]
            steps = None
            if np.any(delay):
                steps = np.broadcast_to(
                    np.broadcast_to(delay, weight.shape[1:])[column], part.shape
                )
            out.append(
                loihi2.Dense(
                    source=name,
                    target=f"{target}\0{i}",
                    weights=part,
                    weight_exp=exponent,
                    weight_bits=bits,
                    sign_mode="mixed",
                    delays=steps,
                )
            )
    return out


def _joined(spikes: Mapping[str, Array], name: str, groups: list[Array]) -> Array:
    first = spikes[f"{name}\0{0}"]
    out = np.zeros((*first.shape[:2], sum(g.size for g in groups)), dtype=first.dtype)
    for i, group in enumerate(groups):
        out[:, :, group] = spikes[f"{name}\0{i}"]
    return out
