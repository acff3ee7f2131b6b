"""Runs cases in lava-nc's CPU simulator. Started with Lava's own Python (3.10).

    python vendor_lava.py CASES.npz RESULTS.npz

Result: {"seconds": ..., "layers": {name: {"s", "u", "v", ...: (step, neuron)}}}. A case with
"bare" set keeps spikes only, and is timed without start-up: from its second step on.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cases
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.atrlif.process import ATRLIF
from lava.proc.conv.process import Conv
from lava.proc.dense.process import DelayDense, Dense
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF, LIFReset
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

SIGN = {
    "mixed": SignMode.MIXED,
    "excitatory": SignMode.EXCITATORY,
    "inhibitory": SignMode.INHIBITORY,
}
VARIABLES = {"lif": ("u", "v"), "atrlif": ("i", "v", "theta", "r")}


def layer(case: dict[str, Any]) -> Any:
    shape = tuple(case["shape"])
    arrays = {
        key: case[key].reshape(shape)
        for key in ("bias_mant", "bias_exp", "v", "r")
        if case.get(key) is not None
    }
    if case["kind"] == "atrlif":
        parts = {key: case[key] / 4096 for key in ("delta_i", "delta_v", "delta_theta", "delta_r")}
        if case.get("u") is not None:
            arrays["i"] = case["u"].reshape(shape)
        return ATRLIF(
            shape=shape,
            theta_0=case["theta_0"],
            theta=case["theta_0"],
            theta_step=case["theta_step"],
            **parts,
            **arrays,
        )
    if case.get("u") is not None:
        arrays["u"] = case["u"].reshape(shape)
    values = {key: case[key] for key in ("du", "dv", "vth")}
    if case.get("reset_interval"):
        return LIFReset(
            shape=shape,
            reset_interval=case["reset_interval"],
            reset_offset=case["reset_offset"],
            **values,
            **arrays,
        )
    return LIF(shape=shape, **values, **arrays)


def connection(case: dict[str, Any]) -> Any:
    bits = 24 if case["graded"] else 0
    if case["kind"] == "conv":
        return Conv(
            weight=case["kernel"],
            input_shape=tuple(case["shape"]),
            stride=tuple(case["stride"]),
            padding=tuple(case["padding"]),
            dilation=tuple(case["dilation"]),
            groups=case["groups"],
            num_message_bits=bits,
        )
    options = {
        "weight_exp": case["weight_exp"],
        "num_weight_bits": case["weight_bits"],
        "num_message_bits": bits,
    }
    if case["sign_mode"]:
        options["sign_mode"] = SIGN[case["sign_mode"]]
    sparse = case["kind"] == "sparse"
    weights = csr_matrix(case["weights"]) if sparse else case["weights"]
    if case["delays"] is None:
        return (Sparse if sparse else Dense)(weights=weights, **options)
    delays = case["delays"]
    if sparse:
        # Where there is no weight there is no delay to store either.
        delays = csr_matrix(np.where(case["weights"] != 0, delays, 0))
    return (DelaySparse if sparse else DelayDense)(weights=weights, delays=delays, **options)


def join(source: Any, target: Any) -> None:
    """Connect ports; maps are flat in memory order where a shape differs."""
    if tuple(source.shape) != tuple(target.shape):
        source = source.reshape(tuple(target.shape))
    source.connect(target)


def run(case: dict[str, Any]) -> dict[str, Any]:
    steps = case["steps"]
    layers = {entry["name"]: layer(entry) for entry in case["layers"]}
    kinds = {entry["name"]: entry["kind"] for entry in case["layers"]}
    outputs = {name: process.s_out for name, process in layers.items()}
    for name, data in case["inputs"].items():
        outputs[name] = Source(data=np.ascontiguousarray(np.moveaxis(data, 0, -1), np.int32)).s_out
    for entry in case["connections"]:
        process = connection(entry)
        join(outputs[entry["source"]], process.s_in)
        join(process.a_out, layers[entry["target"]].a_in)
    sinks = {}
    watches: dict[tuple[str, str], tuple[Any, Any, str]] = {}
    for name, process in layers.items():
        sinks[name] = Sink(shape=process.s_out.shape, buffer=steps)
        process.s_out.connect(sinks[name].a_in)
        for variable in () if case.get("bare") else VARIABLES[kinds[name]]:
            monitor = Monitor()
            monitor.probe(getattr(process, variable), steps)
            watches[name, variable] = (monitor, process, variable)
    first = next(iter(layers.values()))
    settings = Loihi2SimCfg(select_tag="fixed_pt")
    started = time.perf_counter()
    try:
        if case.get("bare"):
            first.run(condition=RunSteps(num_steps=1), run_cfg=settings)
            started = time.perf_counter()
            first.run(condition=RunSteps(num_steps=steps - 1), run_cfg=settings)
        else:
            first.run(condition=RunSteps(num_steps=steps), run_cfg=settings)
        seconds = time.perf_counter() - started
        result = {}
        for name in layers:
            flat = np.asarray(sinks[name].data.get()).reshape(-1, steps).T
            result[name] = {"s": flat.astype(np.uint8)}
        for (name, variable), (monitor, process, var) in watches.items():
            seen = monitor.get_data()[process.name][var]
            key = "u" if variable == "i" else variable
            result[name][key] = np.asarray(seen).reshape(steps, -1).astype(np.int64)
    finally:
        first.stop()
    return {"seconds": seconds, "layers": result}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    given = cases.read(Path(sys.argv[1]))
    cases.write(Path(sys.argv[2]), [run(case) for case in given])
