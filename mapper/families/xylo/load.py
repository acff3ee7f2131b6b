"""A Xylo bundle as the emulator's network: one matrix each for input, recurrence, output."""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import ProjectionRow, relay_in
from mapper.families.xylo import emulate as xylo
from nir_io.arrays import AnyArray as Array


def run(
    bundle: Loaded,
    rasters: Mapping[str, Array],
    steps: int,
    states: tuple[str, ...],
    seed: int | None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(spikes, membranes) by population; a relayed one is read at its output neurons.

    seed: not used, the chip steps in time.
    """
    channels = bundle.manifest["pools"]["channels"]
    samples = len(next(iter(rasters.values())))
    events = np.zeros((samples, steps, channels), dtype=np.int64)
    for name, raster in rasters.items():
        at = bundle.inputs[name]["offset"]
        events[:, :, at : at + raster.shape[2]] = raster
    for row in bundle.manifest["contract"]["constant_inputs"]:
        events[:, row["from_step"] :, row["channel"]] = row["count"]
    record = xylo.run(network_of(bundle), events, states=("hidden", "output") if states else ())
    spikes: dict[str, Array] = {}
    membranes: dict[str, Array] = {}
    for name, row in bundle.populations.items():
        pool = "hidden" if "hidden_ids" in row["params"] else "output"
        ids = np.ravel(bundle.param(row, f"{pool}_ids"))
        spikes[name] = record.spikes[pool][:, :, ids]
        if "relay" in row["params"]:
            spikes[f"relay:{name}"] = record.spikes["output"][
                :, :, np.ravel(bundle.param(row, "output_ids"))
            ]
        if name in states:
            membranes[name] = record.states[pool]["v"][:, :, ids]
    return spikes, membranes


def network_of(bundle: Loaded) -> xylo.Network:
    """The arrays of the vendor's specification."""
    pools = bundle.manifest["pools"]
    hidden, outputs, channels = pools["hidden"], pools["outputs"], pools["channels"]
    two = any("weight_2" in row["params"] for row in bundle.manifest["projections"])
    synapses = 2 if two else 1
    w_in = np.zeros((channels, hidden, synapses), dtype=np.int64)
    w_rec = np.zeros((hidden, hidden, synapses), dtype=np.int64)
    w_out = np.zeros((hidden, outputs), dtype=np.int64)
    per = {
        key: np.zeros(hidden, dtype=np.int64)
        for key in ("dash_mem", "dash_syn", "threshold", "bias")
    }
    out = {key: np.zeros(outputs, dtype=np.int64) for key in per}
    for row in bundle.populations.values():
        table, key = (per, "hidden_ids") if "hidden_ids" in row["params"] else (out, "output_ids")
        ids = np.ravel(bundle.param(row, key))
        for name in per:
            table[name][ids] = np.ravel(bundle.param(row, name))
        relay = relay_in(row["params"])
        if relay is not None:
            ends = np.ravel(bundle.param(row, "output_ids"))
            w_out[ids, ends] = relay["weight"]
            out["dash_mem"][ends] = relay["dash_mem"]
            out["dash_syn"][ends] = relay["dash_syn"]
            out["threshold"][ends] = relay["threshold"]
    for row in bundle.manifest["projections"]:
        _add(bundle, row, w_in, w_rec, w_out)
    return xylo.Network(
        weights_in=w_in,
        weights_rec=w_rec,
        weights_out=w_out,
        dash_mem=per["dash_mem"],
        dash_syn=np.repeat(per["dash_syn"][:, None], synapses, axis=1),
        dash_mem_out=out["dash_mem"],
        dash_syn_out=out["dash_syn"],
        threshold=per["threshold"],
        threshold_out=out["threshold"],
        bias=per["bias"],
        bias_out=out["bias"],
        weight_shift_in=pools["weight_shift_in"],
        weight_shift_rec=pools["weight_shift_rec"],
        weight_shift_out=pools["weight_shift_out"],
    )


def _add(bundle: Loaded, row: ProjectionRow, w_in: Array, w_rec: Array, w_out: Array) -> None:
    """Puts a projection's weights where its source and target ids say."""
    target = bundle.populations[row["target"]]
    source = row["source"]
    first = bundle.param(row, "weight").astype(np.int64).T
    second = bundle.param(row, "weight_2") if "weight_2" in row["params"] else None
    if "hidden_ids" not in target["params"]:
        rows = np.ravel(bundle.param(bundle.populations[source], "hidden_ids"))
        w_out[np.ix_(rows, np.ravel(bundle.param(target, "output_ids")))] += first
        return
    columns = np.ravel(bundle.param(target, "hidden_ids"))
    if source.startswith("bias:") and source not in bundle.populations:
        constant = bundle.manifest["contract"]["constant_inputs"]
        rows = np.array([c["channel"] for c in constant if c["population"] == row["target"]])
        matrix = w_in
    elif source in bundle.inputs:
        rows = bundle.inputs[source]["offset"] + np.arange(first.shape[0])
        matrix = w_in
    else:
        rows = np.ravel(bundle.param(bundle.populations[source], "hidden_ids"))
        matrix = w_rec
    at = np.ix_(rows, columns)
    matrix[(*at, 0)] += first
    if second is not None:
        matrix[(*at, 1)] += second.astype(np.int64).T
