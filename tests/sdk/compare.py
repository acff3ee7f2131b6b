"""Emulators beside the vendors' simulators, number by number."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mapper.families.loihi2 import emulate as loihi2
from mapper.families.speck import steps as speck_steps
from mapper.families.xylo import emulate as xylo
from tests.sdk import loihi2_networks, sinabs_networks, xylo_networks

Case = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What was compared. `differing`: where the first difference of a network lies."""

    networks: int = 0
    values: int = 0
    spikes: int = 0
    vendor_seconds: float = 0.0
    emulator_seconds: float = 0.0
    differing: list[str] = field(default_factory=list[str])
    kinds: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, label: str, pairs: dict[str, tuple[Any, Any]], seconds: tuple[float, float]):
        """One network: name -> (emulator's, vendor's); `s` at a name's end marks spikes."""
        self.networks += 1
        self.vendor_seconds += seconds[0]
        self.emulator_seconds += seconds[1]
        said = None
        for name, (mine, theirs) in pairs.items():
            self.values += theirs.size
            if name.endswith(".s"):
                self.spikes += int(theirs.sum())
            if said is None and not np.array_equal(mine, theirs):
                same = mine.shape == theirs.shape
                at = np.argwhere(mine != theirs)[0].tolist() if same else mine.shape
                said = f"{label}: {name} at (step, neuron) {at}"
        if said is not None:
            self.differing.append(said)

    def count(self, kinds: set[str]) -> None:
        """Kinds of network, for the report."""
        for kind in kinds:
            self.kinds[kind] = self.kinds.get(kind, 0) + 1


def loihi2_pairs(case: Case, result: Case, module: Any = loihi2) -> dict[str, tuple[Any, Any]]:
    """All spikes and states of all layers: (emulator's, Lava's)."""
    network = loihi2_networks.network(case, module)
    inputs = {name: data[None] for name, data in case["inputs"].items()}
    names = [layer["name"] for layer in case["layers"]]
    found = module.run(network, inputs, states=names)
    return _paired(found, {name: result["layers"][name] for name in names})


def _paired(found: Any, results: dict[str, Case]) -> dict[str, tuple[Any, Any]]:
    """Layer.variable -> (the first sample of `found`, the vendor's)."""
    return {
        f"{name}.{key}": (
            found.spikes[name][0] if key == "s" else found.states[name][key][0],
            value,
        )
        for name, values in results.items()
        for key, value in values.items()
    }


def xylo_pairs(case: Case, result: Case, module: Any = xylo) -> dict[str, tuple[Any, Any]]:
    """All spikes and states of both pools: (emulator's, xylosim's)."""
    network = xylo_networks.network(case, module)
    found = module.run(network, case["inputs"][None], states=("hidden", "output"))
    return _paired(found, {pool: result[pool] for pool in ("hidden", "output")})


def speck_pairs(case: Case, result: Case) -> dict[str, tuple[Any, Any]]:
    """All spikes of all cores: (emulator's step view, sinabs')."""
    found = speck_steps.run_steps(sinabs_networks.network(case), case["raster"])
    return {
        f"c{index}.s": (found.spikes[f"c{index}"], spikes.reshape(*spikes.shape[:2], -1))
        for index, spikes in enumerate(result["layers"])
    }


def loihi2_kinds(case: Case) -> set[str]:
    """What a network has in it."""
    ends = [(c["source"], c["target"]) for c in case["connections"]]
    kinds = {c["kind"] for c in case["connections"]} | {n["kind"] for n in case["layers"]}
    marks = {
        "recurrent": any(s != "x" and s >= t for s, t in ends),
        "delays": any(c.get("delays") is not None for c in case["connections"]),
        "graded": any(c["graded"] for c in case["connections"]),
        "bias": any(n.get("bias_mant") is not None for n in case["layers"]),
        "reset interval": any(n.get("reset_interval") for n in case["layers"]),
    }
    return kinds | {name for name, there in marks.items() if there}


def xylo_kinds(case: Case, result: Case) -> set[str]:
    """What a network has in it."""
    states = [result["hidden"][key] for key in ("v", "i1")]
    marks = {
        f"core {case['core']}": True,
        "two synapses": case["dash_syn"].shape[1] == 2,
        "bias": any(case[key] is not None for key in ("bias", "bias_out")),
        "aliases": case["aliases"] is not None,
        "saturated": any(bool(((s == 32767) | (s == -32768)).any()) for s in states),
        "windows": len(case["weights_out"]) < len(case["threshold"]),
    }
    return {name for name, there in marks.items() if there}


def timed(
    pairs: Any, case: Case, result: Case
) -> tuple[dict[str, tuple[Any, Any]], tuple[float, float]]:
    """Pairs, and the seconds that the vendor and the emulator took."""
    started = time.perf_counter()
    found = pairs(case, result)
    return found, (result["seconds"], time.perf_counter() - started)
