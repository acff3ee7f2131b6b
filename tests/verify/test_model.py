"""`verify --model`: the bundle is of that model, and mapped.nir holds its integers."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import h5py
import numpy as np
import pytest

from mapper.verify import verify
from tests.verify.draft import Draft, nir_bytes
from tests.verify.test_mutations import (
    BUNDLES,
    CHAIN,
    CONV,
    LOIHI,
    S2,
    SPLIT,
    XYLO,
    Build,
    made,
    manifest,
    population,
)

MODEL = b"any bytes will do: a model is compared by its hash"
NAMED = [build for build in BUNDLES if made(build).nodes]


def faults(draft: Draft, folder: Path, model: bytes = MODEL, **more: str) -> list[str]:
    """Faults of a bundle when its model is at hand."""
    file = folder.with_suffix(".model")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(model)
    draft.manifest["model"]["sha256"] = hashlib.sha256(MODEL).hexdigest()
    checked = verify(draft.save(folder), model=file, fingerprint=more.get("fingerprint"))
    found = [finding.fault for finding in checked.findings]
    assert "checker-failed" not in found, checked.findings
    return found


def test_most_bundles_name_their_nodes() -> None:
    assert len(NAMED) >= 9


@pytest.mark.parametrize("build", NAMED, ids=lambda build: build.__name__)
def test_a_bundle_of_its_model_is_accepted(build: Build, tmp_path: Path) -> None:
    assert faults(made(build), tmp_path / "bundle") == []


def test_another_model_is_found(tmp_path: Path) -> None:
    assert faults(made(LOIHI), tmp_path / "bundle", MODEL + b"!") == ["model"]


def test_the_fingerprint_decides_where_it_is_known(tmp_path: Path) -> None:
    """The same network saved anew has other bytes and the same fingerprint."""
    other = MODEL + b"!"
    assert faults(made(LOIHI), tmp_path / "same", other, fingerprint="ab" * 32) == []
    assert faults(made(LOIHI), tmp_path / "other", fingerprint="cd" * 32) == ["model"]


def test_a_missing_model_is_found(tmp_path: Path) -> None:
    draft = made(LOIHI)
    folder = draft.save(tmp_path / "bundle")
    assert [f.fault for f in verify(folder, model=tmp_path / "none").findings] == ["model"]
    draft.manifest["model"]["sha256"] = "0" * 64
    folder = draft.save(tmp_path / "bundle")
    assert [f.fault for f in verify(folder, model=tmp_path / "none").findings] == ["model"]


@pytest.mark.parametrize("build", NAMED, ids=lambda build: build.__name__)
def test_every_weight_of_mapped_nir_is_compared(build: Build, tmp_path: Path) -> None:
    """One weight half a unit off, in each node in turn."""
    for name in made(build).nodes:
        draft = made(build)
        values = np.array(draft.nodes[name], dtype=np.float64)
        spot = np.unravel_index(np.argmax(np.abs(values)), values.shape)
        values[spot] *= 1.02
        draft.nodes[name] = values
        assert faults(draft, tmp_path / "bundle") == ["mapped"]


@pytest.mark.parametrize(
    ("build", "spoil"),
    [
        (LOIHI, population("hid", "scale", 65536 + 64)),
        (S2, population("hid", "scale", 90.6)),
        (CHAIN, population("c1", "scale", 101.0)),
        (XYLO, manifest("pools", "weight_shift_in", to=5)),
        (XYLO, manifest("pools", "weight_shift_rec", to=5)),
        (CONV, lambda d: d.projection("in->c1")["params"].update(exponent=2)),
        (SPLIT, lambda d: d.nodes.update({"c1-c2": d.nodes["c1-c2"][:, ::-1]})),
    ],
)
def test_units_are_compared(build: Build, spoil: object, tmp_path: Path) -> None:
    draft = made(build)
    spoil(draft)  # pyright: ignore[reportCallIssue]
    assert "mapped" in faults(draft, tmp_path / "bundle")


def test_nodes_that_are_missing_or_unnamed_are_found(tmp_path: Path) -> None:
    draft = made(LOIHI)
    draft.nodes.popitem()
    assert faults(draft, tmp_path / "missing") == ["mapped"]
    draft = made(LOIHI)
    for row in draft.manifest["projections"]:
        row["node"] = None
    assert faults(draft, tmp_path / "unnamed") == ["mapped"]
    draft = made(LOIHI)
    draft.projection("in->hid")["node"] = "in-hid/../in-hid"
    assert faults(draft, tmp_path / "path") == ["mapped"]


@pytest.mark.parametrize("kind", ["no hdf5", "soft link", "float32", "shape", "text", "external"])
def test_a_hostile_mapped_nir_is_found(kind: str, tmp_path: Path) -> None:
    draft = made(LOIHI)
    name = draft.projection("in->hid")["node"]
    out = io.BytesIO(nir_bytes(draft.nodes))
    with h5py.File(out, "r+") as file:
        node = file[f"node/nodes/{name}"]
        values = node["weight"][()]
        if kind != "no hdf5":
            del node["weight"]
        match kind:
            case "soft link":
                node["other"] = values
                node["weight"] = h5py.SoftLink(f"/node/nodes/{name}/other")
            case "float32":
                node["weight"] = values.astype(np.float32)
            case "shape":
                node["weight"] = values.T
            case "text":
                node["weight"] = "not a number"
            case "external":
                node["weight"] = h5py.ExternalLink("other.h5", "/weight")
            case _:
                pass
    draft.extra["mapped.nir"] = b"not HDF5" if kind == "no hdf5" else out.getvalue()
    assert faults(draft, tmp_path / "bundle") == ["mapped"]
