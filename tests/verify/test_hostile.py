"""Whatever lies in the folder, the checker answers with findings and never with an exception."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.verify import verify
from tests.verify.draft import Draft, packed
from tests.verify.test_mutations import BUNDLES, CHAIN, LOIHI, Build, made

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**53, 2**80, 1.5, -1e308, "", "a000", "a999", "../x", "\x1b[31m",
    "x" * 5000, "\ud800", [], {}, [[]], [0], [1, 1], [2**40, 2**40], [[0, 2**50]], {"a": "b"},
)  # fmt: skip


def faults(path: Path) -> list[str]:
    """Faults found in a bundle; the checker itself must not have failed."""
    checked = verify(path)
    found = [finding.fault for finding in checked.findings]
    assert "checker-failed" not in found, [f.says for f in checked.findings]
    assert all(f.says.isprintable() for f in checked.findings)
    return found


def texts(value: Any) -> list[str]:
    """Every text in a tree of JSON."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in texts(item)]


def another(value: Any, words: list[str], rng: random.Random) -> Any:
    """A value of the same type, so that it passes as JSON goes and is wrong in meaning."""
    match value:
        case bool():
            return not value
        case int():
            return rng.choice((value + 1, value - 1, 0, 1, 2, 7, 255, 2**31, 2**40))
        case float():
            return rng.choice((value / 2, -value, 0.0, 1e-300, 1e300))
        case str():
            return rng.choice(words)
        case list() if value:
            return rng.choice((value[1:], value + value[:1], value[::-1]))
        case _:
            return copy.deepcopy(rng.choice(ODD))


def spoil(tree: dict[str, Any], rng: random.Random) -> None:
    """Change one place somewhere in a tree of JSON."""
    value: Any = tree
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and rng.random() < 0.9:
            value = value[key]
            continue
        action = rng.random()
        if action < 0.05:
            del value[key]
        elif action < 0.15:
            value[key] = copy.deepcopy(rng.choice(ODD))
        else:
            value[key] = another(value[key], texts(tree), rng)
        return


@pytest.mark.parametrize("build", BUNDLES, ids=lambda build: build.__name__)
def test_odd_manifests_never_break_the_checker(build: Build, tmp_path: Path) -> None:
    rng = random.Random(build.__name__)
    folder = made(build).save(tmp_path / "bundle")
    sound = json.loads((folder / "manifest.json").read_text())
    parts = ("populations", "projections", "slices", "links", "helpers", "pools", "contract")
    seen: set[str] = set()
    for i in range(80):
        manifest = json.loads(json.dumps(sound))
        for _ in range(rng.choice((1, 1, 2, 3))):
            spoil(manifest if i % 4 == 0 else {key: manifest[key] for key in parts}, rng)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        seen.update(faults(folder))
    assert len(seen - {"schema"}) > 5, seen


@pytest.mark.parametrize("build", BUNDLES, ids=lambda build: build.__name__)
def test_odd_arrays_never_break_the_checker(build: Build, tmp_path: Path) -> None:
    """Each array in turn becomes another one that the manifest declares as it is."""
    rng = np.random.default_rng(len(build.__name__))
    for ref in list(made(build).arrays):
        draft = made(build)
        shape = draft.arrays[ref].shape
        others = (
            rng.integers(-(2**62), 2**62, shape),
            np.zeros((0,), np.int8),
            np.full(shape, np.nan, np.float32),
            np.zeros((1,) * 6, np.int8),
        )
        draft.put(ref, others[rng.integers(len(others))])
        faults(draft.save(tmp_path / "bundle"))


@pytest.mark.parametrize("name", ["arrays.npz", "manifest.json"])
def test_flipped_bytes_and_cut_files_are_found(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    sound = (made(LOIHI).save(tmp_path / "sound") / name).read_bytes()
    for i in range(60):
        data = bytearray(sound)
        if i % 3:
            for _ in range(rng.choice((1, 3, 20))):
                data[rng.randrange(len(data))] = rng.randrange(256)
        else:
            del data[rng.randrange(len(data)) :]
        draft = made(LOIHI)
        folder = tmp_path / "bundle"
        if name == "arrays.npz":  # hashed anew, so that the archive itself is looked at
            draft.extra[name] = bytes(data)
        draft.save(folder)
        if name == "manifest.json":
            (folder / name).write_bytes(bytes(data))
        faults(folder)


def test_a_changed_byte_in_any_file_is_found(tmp_path: Path) -> None:
    for name in made(LOIHI).files():
        folder = made(LOIHI).save(tmp_path / name)
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(bytes(data))
        assert "file-hash" in faults(folder)


@pytest.mark.parametrize("name", ["arrays.npz", "mapped.nir", "expected.npz", "report.txt"])
def test_a_missing_file_is_found(name: str, tmp_path: Path) -> None:
    folder = made(LOIHI).save(tmp_path / "bundle")
    (folder / name).unlink()
    assert faults(folder)[0] == "file-missing"
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"][name]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "file-missing" in faults(folder)


def test_foreign_files_links_and_folders_are_found(tmp_path: Path) -> None:
    folder = made(LOIHI).save(tmp_path / "bundle")
    (folder / "extra.txt").write_text("x")
    (folder / "\udcff\n").write_text("x")
    (folder / "inner").mkdir()
    assert faults(folder) == ["file-foreign"]
    other = made(LOIHI).save(tmp_path / "linked")
    (other / "report.txt").rename(tmp_path / "elsewhere")
    (other / "report.txt").symlink_to(tmp_path / "elsewhere")
    assert "file-foreign" in faults(other)
    pipe = made(LOIHI).save(tmp_path / "pipe")
    (pipe / "report.txt").unlink()
    os.mkfifo(pipe / "report.txt")
    assert "file-foreign" in faults(pipe)


def test_no_bundle_at_all_is_said_so(tmp_path: Path) -> None:
    assert faults(tmp_path / "nowhere") == ["bundle-missing"]
    assert faults(tmp_path) == ["file-missing"]
    (tmp_path / "file").write_text("x")
    assert faults(tmp_path / "file") == ["bundle-missing"]
    assert faults(Path("a\0b")) == ["bundle-missing"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{",
        b'{"schema": NaN}',
        b'{"schema": "nirmap-bundle-2", "schema": "nirmap-bundle-2"}',
        b"[" * 100_000,
        b'{"schema":' * 50_000,
        b'{"schema": ' + b"1" * 10_000 + b"}",
    ],
    ids=range(9),
)
def test_bad_json_is_found(text: bytes, tmp_path: Path) -> None:
    folder = made(LOIHI).save(tmp_path / "bundle")
    (folder / "manifest.json").write_bytes(text)
    assert faults(folder) == ["manifest-unreadable"]


def _archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _npy(header: bytes, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


HOSTILE = {
    "huge shape": _npy(b"{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999,), }\n"),
    "negative shape": _npy(b"{'descr': '<i4', 'fortran_order': False, 'shape': (-1,), }\n"),
    "objects": _npy(
        b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", pickle.dumps([1])
    ),
    "code": _npy(b"{'descr': __import__('os').system('true'), 'shape': (1,), }\n"),
    "deep": _npy(b"(" * 5000),
    "version 3": b"\x93NUMPY\x03\x00" + b"\0" * 20,
    "empty": b"",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_arrays_are_not_loaded(body: bytes, tmp_path: Path) -> None:
    draft = made(CHAIN)
    names = {f"{ref}.npy": body for ref in draft.arrays}
    draft.extra["arrays.npz"] = _archive(names)
    assert "arrays-unreadable" in faults(draft.save(tmp_path / "bundle"))


def test_a_bomb_is_not_inflated(tmp_path: Path) -> None:
    draft = made(CHAIN)
    body = _npy(b"{'descr': '|i1', 'fortran_order': False, 'shape': (33554432,), }\n", bytes(2**25))
    draft.extra["arrays.npz"] = _archive({"a000.npy": body}, zipfile.ZIP_DEFLATED)
    assert len(draft.extra["arrays.npz"]) < 2**17
    assert "arrays-unreadable" in faults(draft.save(tmp_path / "bundle"))


def test_many_findings_are_cut_short(tmp_path: Path) -> None:
    draft = made(LOIHI)
    for i in range(500):
        draft.manifest["outputs"].append(
            {"name": f"o{i}", "shape": [1], "population": "x", "latency": 0, "read": "spikes"}
        )
    found = verify(draft.save(tmp_path / "bundle")).findings
    assert len(found) == 201
    assert found[-1].fault == "more-findings"


def test_huge_declarations_cost_nothing(tmp_path: Path) -> None:
    """Sizes that only the manifest claims are not allocated."""
    draft = made(CHAIN)
    draft.population("c1")["shape"] = [2**30, 2**20, 2**20]
    assert "schema" in faults(draft.save(tmp_path / "bundle"))
    wide: Draft = made(LOIHI)
    wide.slices("hid")[0]["box"] = [[0, 2**50]]
    assert "partition" in faults(wide.save(tmp_path / "wide"))


def test_relays_in_a_lattice_are_not_walked_for_ever(tmp_path: Path) -> None:
    draft = made(CHAIN)
    for core in (2, 3, 4, 5, 6, 7):
        draft.manifest["helpers"].append(
            {"role": "relay", "population": "c1", "chip": 0, "core": core}
        )
        draft.manifest["links"] += [
            {"source": core, "port": port, "target": min(core + 1, 8), "pool": 1, "shift": 0}
            for port in range(200)
        ]
    assert "destinations" in faults(draft.save(tmp_path / "bundle"))


def test_the_archive_may_be_what_numpy_writes(tmp_path: Path) -> None:
    """numpy's own savez differs in its zip headers only."""
    draft = made(LOIHI)
    out = io.BytesIO()
    np.savez(out, **draft.arrays)  # pyright: ignore[reportArgumentType]
    draft.extra["arrays.npz"] = out.getvalue()
    assert faults(draft.save(tmp_path / "bundle")) == []
    assert packed(draft.arrays) != out.getvalue()
