"""Bundles built by hand from docs/bundle.md, and written with their hashes."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EXACT = None
ROUNDED = {"max": 0.01, "rms": 0.005, "clipped": 0}
SEMANTICS = {
    "file_dt": 0.001,
    "chip_dt": 0.001,
    "discretization": "forward-euler",
    "reset": "zero",
    "comparison": ">",
    "order": "leak-then-input",
    "spikes": "one",
    "v_min": None,
    "input_kind": "spikes",
    "steps": None,
    "reset_timing": "same-step",
    "origins": {"reset": "option"},
}


@dataclass(slots=True)
class Draft:
    """A bundle in the making: its manifest, arrays, and the nodes of its mapped.nir."""

    manifest: dict[str, Any]
    arrays: dict[str, Array] = field(default_factory=dict)
    nodes: dict[str, Array] = field(default_factory=dict)
    extra: dict[str, bytes] = field(default_factory=dict)

    def copied(self) -> Draft:
        """A copy that can be spoilt."""
        return copy.deepcopy(self)

    def ref(self, values: Any, kind: str, what: str = "values", error: Any = EXACT) -> str:
        """A new array of that dtype."""
        name = f"a{len(self.arrays):03d}"
        self.put(name, np.array(values, dtype=kind))
        self.manifest["arrays"][name] |= {"what": what, "error": error}
        return name

    def put(self, ref: str, values: Array) -> None:
        """Replace an array, and what the manifest says of its shape and dtype."""
        self.arrays[ref] = np.ascontiguousarray(values)
        row = self.manifest["arrays"].setdefault(ref, {})
        row |= {"shape": list(values.shape), "dtype": values.dtype.name}

    def population(self, name: str) -> dict[str, Any]:
        """The manifest's row of a population."""
        return next(p for p in self.manifest["populations"] if p["name"] == name)

    def projection(self, name: str) -> dict[str, Any]:
        """The manifest's row of a projection."""
        return next(p for p in self.manifest["projections"] if p["id"] == name)

    def slices(self, name: str) -> list[dict[str, Any]]:
        """The manifest's slices of a population."""
        return [s for s in self.manifest["slices"] if s["population"] == name]

    def poke(self, row: dict[str, Any], key: str, index: Any, value: int | float) -> None:
        """Change one entry of the array that a row's param names."""
        ref = row["params"][key]
        values = self.arrays[ref].copy()
        values[index] = value
        self.put(ref, values)

    def cores(self) -> int:
        """Cores in use."""
        both = self.manifest["slices"] + self.manifest["helpers"]
        return len({(entry["chip"], entry["core"]) for entry in both})

    def files(self) -> dict[str, bytes]:
        """Every file but the manifest."""
        return {
            "arrays.npz": packed(self.arrays),
            "mapped.nir": nir_bytes(self.nodes),
            "expected.npz": packed({"a000": np.zeros((1, 1), np.uint8)}),
            "report.txt": b"fits\n",
            **self.extra,
        }

    def save(self, folder: Path) -> Path:
        """Write it, with the hashes as they should be."""
        folder.mkdir(parents=True, exist_ok=True)
        data = self.files()
        hashes = {name: hashlib.sha256(body).hexdigest() for name, body in data.items()}
        manifest = {**self.manifest, "files": self.manifest.get("files") or hashes}
        for name, body in data.items():
            (folder / name).write_bytes(body)
        (folder / "manifest.json").write_text(json.dumps(manifest, sort_keys=True))
        return folder


def packed(arrays: dict[str, Array], method: int = zipfile.ZIP_STORED) -> bytes:
    """An .npz of the arrays."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in sorted(arrays):
            body = io.BytesIO()
            np.lib.format.write_array(body, arrays[name], allow_pickle=True)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), body.getvalue(), method)
    return out.getvalue()


def nir_bytes(nodes: dict[str, Array]) -> bytes:
    """An HDF5 file with the weights of some nodes where NIR has them."""
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        group = file.create_group("node/nodes")
        for name, values in nodes.items():
            group.create_group(name).create_dataset("weight", data=np.asarray(values, np.float64))
    return out.getvalue()


def profile_hash(device: str) -> str:
    """SHA-256 of a shipped profile's file."""
    data = (files("device_profiles") / "chips" / f"{device}.toml").read_bytes()
    return hashlib.sha256(data).hexdigest()


def start(device: str, family: str, inputs: dict[str, tuple[int, ...]]) -> Draft:
    """A bundle for a device with nothing in it but its inputs."""
    at = 0
    rows: list[dict[str, Any]] = []
    for name in sorted(inputs):
        rows.append({"name": name, "shape": list(inputs[name]), "offset": at})
        at += int(np.prod(inputs[name]))
    binding = "binding" if family in ("speck", "xylo") else "advisory"
    return Draft(
        {
            "schema": "nirmap-bundle-2",
            "versions": {"nirmap": "0.1.0", "nir": "1.0.8", "numpy": "2", "ortools": "9"},
            "device": {
                "name": device,
                "family": family,
                "profile": profile_hash(device),
                "chips": 1,
            },
            "model": {"fingerprint": "ab" * 32, "sha256": None, "neurons": 0, "nodes": []},
            "semantics": copy.deepcopy(SEMANTICS),
            "settings": {"chips": 1, "entry": "host", "max_error": 0.1, "objective": ["cores"]},
            "result": {
                "objectives": [{"name": "cores", "value": 3, "bound": 3}],
                "proven": True,
                "cores": 0,
                "placement": binding,
            },
            "assumptions": [{"id": "A1", "says": "weights = 8 bits", "source": "a table"}],
            "arrays": {},
            "inputs": rows,
            "outputs": [],
            "populations": [],
            "projections": [],
            "slices": [],
            "helpers": [],
            "links": [],
            "pools": {},
            "host": [],
            "contract": {
                "input_kind": "spikes",
                "max_count": 1,
                "reset_between_samples": "state",
                "slow_clock_hz": None,
                "constant_inputs": [],
                "decode": "count",
            },
            "alarms": [],
            "behaviour": None,
            "witness": None,
            "cost": None,
            "tuned_from": None,
        }
    )


def add_population(draft: Draft, name: str, shape: tuple[int, ...], **row: Any) -> None:
    """A population; `row` holds what differs from a plain hard-reset LIF without a bias."""
    draft.manifest["populations"].append(
        {
            "name": name,
            "shape": list(shape),
            "kind": "LIF",
            "origin": [name],
            "device_model": "LIF",
            "reset": "zero",
            "bias": "none",
            "latency": 1,
            "error": 0.0,
            "role": "",
            "copies": 1,
            "rewrites": [{"rule": "fold-scale", "says": "folded", "keeps": "exact", "bound": None}],
            "node": name,
            "scale": 1.0,
            "params": {},
            **row,
        }
    )
    draft.manifest["model"]["neurons"] += int(np.prod(shape))


def add_projection(draft: Draft, source: str, target: str, **row: Any) -> None:
    """A dense projection without delay."""
    name = f"{source}->{target}"
    draft.manifest["projections"].append(
        {
            "id": name,
            "source": source,
            "target": target,
            "form": "dense",
            "pool": None,
            "delay": 0,
            "origin": [],
            "rewrites": [],
            "node": None,
            "params": {},
            **row,
        }
    )


def add_slice(draft: Draft, name: str, box: Any, core: int, copy: int = 0, **demand: int) -> None:
    """A slice on chip 0."""
    draft.manifest["slices"].append(
        {
            "population": name,
            "box": [list(edge) for edge in box],
            "chip": 0,
            "core": core,
            "copy": copy,
            "demand": demand,
        }
    )
    draft.manifest["result"]["cores"] = draft.cores()


def add_helper(draft: Draft, role: str, name: str, core: int) -> None:
    """A helper on chip 0."""
    draft.manifest["helpers"].append({"role": role, "population": name, "chip": 0, "core": core})
    draft.manifest["result"]["cores"] = draft.cores()


def add_output(
    draft: Draft, name: str, shape: Any, population: Any, latency: int, read: str = "spikes"
) -> None:
    """A graph output."""
    draft.manifest["outputs"].append(
        {
            "name": name,
            "shape": list(shape),
            "population": population,
            "latency": latency,
            "read": read,
        }
    )


def add_link(draft: Draft, source: int, port: int, target: int, shift: int, pool: int = 1) -> None:
    """A destination of a Speck core."""
    draft.manifest["links"].append(
        {"source": source, "port": port, "target": target, "pool": pool, "shift": shift}
    )


def numbers(shape: tuple[int, ...], low: int, high: int, step: int = 1) -> Array:
    """Integers low..high in steps, in order and again, never 0."""
    values = np.array([v for v in range(low, high + 1, step) if v])
    return np.resize(values, shape)
