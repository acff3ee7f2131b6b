"""Rows survive a kill at any byte; the folder holds what was asked, sorted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapper.bundle.json import line
from mapper.verbs.batch.rank import order_of
from mapper.verbs.batch.row import SCHEMA, blank
from mapper.verbs.batch.store import RESULTS, TIMES, Store, put_aside, write_whole
from mapper.verbs.batch.summary import summary
from mapper.verbs.batch.words import fit_page
from nir_io.errors import BadInput


def row(model: str, device: str = "d", **more: Any) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "key": f"key of {model} {device}",
        "model": model,
        "sha256": "s",
        "fingerprint": "f",
        "device": device,
        "profile": "p",
        **blank("fits"),
        **more,
    }


def took(model: str, device: str = "d") -> dict[str, Any]:
    return {
        "model": model,
        "device": device,
        "key": f"key of {model} {device}",
        "seconds": 1.0,
        "read_seconds": 0.5,
        "worker_peak_mb": 100,
        "at": "2026-01-01T00:00:00Z",
    }


def fill(folder: Path, *models: str) -> None:
    with Store(folder) as store:
        for model in models:
            store.add(row(model), took(model))


def test_rows_stand_in_the_file_as_soon_as_they_are_added(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add(row("b"), took("b"))
        lines = (tmp_path / RESULTS).read_text().splitlines()
        assert [json.loads(line)["model"] for line in lines] == ["b"]


def test_rows_are_sorted_at_the_end_and_only_those_asked_for_stay(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for model in "cab":
            store.add(row(model), took(model))
        rows = store.finish([("a", "d"), ("c", "d")])
    assert [r["model"] for r in rows] == ["a", "c"]
    for name in (RESULTS, TIMES):
        lines = (tmp_path / name).read_text().splitlines()
        assert [json.loads(line)["model"] for line in lines] == ["a", "c"]


def test_a_file_cut_at_any_byte_keeps_its_whole_lines(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", "c")
    data = (tmp_path / RESULTS).read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    near = {end + shift for end in ends for shift in (-1, 0, 1)}
    for cut in sorted({0, len(data), *range(5, len(data), 31), *near} - {len(data) + 1}):
        (tmp_path / RESULTS).write_bytes(data[:cut])
        with Store(tmp_path) as store:
            assert len(store.rows) == sum(end <= cut for end in ends)
            store.add(row("z"), took("z"))
        lines = (tmp_path / RESULTS).read_bytes().split(b"\n")
        assert json.loads(lines[-2])["model"] == "z"


@pytest.mark.parametrize(
    "junk",
    [
        b"\xff\xfe\n",
        b"[1]\n",
        b'{"schema": "other"}\n',
        b"{}\n",
        b"\n",
        line({**row("a"), "model": ["a"]}).encode() + b"\n",  # no name
        line({key: value for key, value in row("z").items() if key != "loss"}).encode() + b"\n",
    ],
)
def test_lines_that_are_no_rows_are_dropped(tmp_path: Path, junk: bytes) -> None:
    fill(tmp_path, "a")
    (tmp_path / RESULTS).write_bytes(junk + (tmp_path / RESULTS).read_bytes() + junk)
    with Store(tmp_path) as store:
        assert list(store.rows) == [("a", "d")]


def test_rows_of_an_earlier_format_are_put_aside_once(tmp_path: Path) -> None:
    old = [row("a", schema="nirmap-fit-1"), row("b", schema="nirmap-fit-1")]
    other = row("c", schema="nirmap-fit-../../x")
    for _ in range(2):  # a folder that an earlier nirmap writes to again
        lines = [json.dumps(one) + "\n" for one in (*old, other, row("d"))]
        (tmp_path / RESULTS).write_text("".join(lines))
        with Store(tmp_path) as store:
            assert list(store.rows) == [("d", "d")]
    (tmp_path / "results.nirmap-fit-x.jsonl").write_text("of somebody else\n")
    assert put_aside(tmp_path) == ("results.nirmap-fit-1.jsonl",)
    (tmp_path / "results.nirmap-fit-x.jsonl").unlink()
    told = fit_page(summary([], order_of(None)), tmp_path).lines
    assert "results.nirmap-fit-1.jsonl keeps rows of another nirmap, which are not read." in told
    kept = (tmp_path / "results.nirmap-fit-1.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in kept] == old
    assert {file.name for file in tmp_path.iterdir()} == {
        ".lock",
        "results.jsonl",
        "times.jsonl",
        "results.nirmap-fit-1.jsonl",
    }


def test_what_lies_aside_is_never_lost(tmp_path: Path) -> None:
    aside = tmp_path / "results.nirmap-fit-1.jsonl"
    aside.write_text("a note\n" + line(row("a", schema="nirmap-fit-1")))  # edited: no line end
    (tmp_path / RESULTS).write_text(line(row("b", schema="nirmap-fit-1")) + "\n")
    Store(tmp_path).close()
    first, *rest = aside.read_text().splitlines()
    assert first == "a note"
    assert [json.loads(one)["model"] for one in rest] == ["a", "b"]


def test_the_last_row_of_a_pair_counts(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.add(row("a", status="bug"), took("a"))
        store.add(row("a"), took("a"))
    with Store(tmp_path) as store:
        assert store.rows["a", "d"]["status"] == "fits"


def test_two_batches_cannot_write_to_one_folder(tmp_path: Path) -> None:
    with Store(tmp_path), pytest.raises(BadInput, match="another batch is writing here"):
        Store(tmp_path)
    Store(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"cannot be written: (File exists|Not a directory)"):
        Store(tmp_path / "file")


def test_without_a_folder_rows_are_kept_in_memory() -> None:
    with Store(None) as store:
        store.add(row("a"), took("a"))
        assert store.finish([("a", "d")])[0]["model"] == "a"
        assert store.with_key("key of a d") is not None


def test_files_are_written_whole_and_left_alone_when_equal(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_whole(path, b"one")
    before = path.stat().st_mtime_ns
    write_whole(path, b"one")
    assert path.stat().st_mtime_ns == before
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
