"""Runs cases in xylosim (core 1 or 2). Started with the Python of its own environment.

    python vendor_xylosim.py CASES.npz RESULTS.npz

Result: {"seconds": ..., "hidden": {"s", "i1", ["i2"], "v"}, "output": {"s", "i1", "v"}},
each (step, neuron).
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cases
import numpy as np


def synapses(core: Any, weights: Any, keep: list[Any]) -> list[list[Any]]:
    """One list a source. The layer keeps bare pointers, so `keep` holds the objects."""
    lists = []
    for row in weights:
        entries = [
            core.XyloSynapse(int(target), int(synapse), int(row[target, synapse]))
            for target, synapse in zip(*np.nonzero(row), strict=True)
        ]
        keep.extend(entries)
        lists.append(entries)
    return lists


def run(case: dict[str, Any]) -> dict[str, Any]:
    core = importlib.import_module(f"xylosim.v{case['core']}")
    keep: list[Any] = []
    hidden, count = case["dash_syn"].shape
    w_in = np.zeros((len(case["weights_in"]), hidden, count), int)
    w_in[:, : case["weights_in"].shape[1]] = case["weights_in"]
    rec = (
        np.zeros((hidden, hidden, count), int)
        if case["weights_rec"] is None
        else case["weights_rec"]
    )
    w_out = np.zeros((hidden, len(case["threshold_out"]), 1), int)
    w_out[hidden - len(case["weights_out"]) :, :, 0] = case["weights_out"]
    aliases = [[] for _ in range(hidden)]
    if case["aliases"] is not None:
        aliases = [[int(target)] if target >= 0 else [] for target in case["aliases"]]
    options: dict[str, Any] = {}
    if case["core"] == 2:
        bias = np.zeros(hidden, int) if case["bias"] is None else case["bias"]
        bias_out = np.zeros(w_out.shape[1], int) if case["bias_out"] is None else case["bias_out"]
        options = {
            "has_bias": bool(bias.any() or bias_out.any()),
            "bias": bias.tolist(),
            "bias_out": bias_out.tolist(),
        }
    layer = core.XyloLayer(
        synapses_in=synapses(core, w_in, keep),
        synapses_rec=synapses(core, rec, keep),
        synapses_out=synapses(core, w_out, keep),
        aliases=aliases,
        threshold=case["threshold"].tolist(),
        threshold_out=case["threshold_out"].tolist(),
        weight_shift_inp=case["weight_shift_in"],
        weight_shift_rec=case["weight_shift_rec"],
        weight_shift_out=case["weight_shift_out"],
        dash_mem=case["dash_mem"].tolist(),
        dash_mem_out=case["dash_mem_out"].tolist(),
        dash_syns=case["dash_syn"].tolist(),
        dash_syns_out=case["dash_syn_out"][:, None].tolist(),
        name="case",
        **options,
    )
    raster = case["inputs"].tolist()
    started = time.perf_counter()
    out = layer.evolve(raster)
    seconds = time.perf_counter() - started
    result = {
        "hidden": {
            "s": layer.rec_recurrent_spikes,
            "v": layer.rec_v_mem,
            "i1": layer.rec_i_syn,
            **({"i2": layer.rec_i_syn2} if count == 2 else {}),
        },
        "output": {"s": out, "v": layer.rec_v_mem_out, "i1": layer.rec_i_syn_out},
    }
    named: dict[str, Any] = {"seconds": seconds}
    for pool, values in result.items():
        # Spikes come by step, states by neuron.
        named[pool] = {
            key: np.array(value) if key == "s" else np.array(value).T
            for key, value in values.items()
        }
    return named


if __name__ == "__main__":
    given = cases.read(Path(sys.argv[1]))
    cases.write(Path(sys.argv[2]), [run(case) for case in given])
