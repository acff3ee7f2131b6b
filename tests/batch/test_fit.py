"""A batch with real workers: resumed, killed, hostile, over its limits, and the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mapper import api
from mapper.verbs.batch.verb import Fitted
from nir_io.errors import BadInput

DEVICES = "speck2f,xylo-imu"
FILES = ("results.jsonl", "results.csv", "summary.json", "report.html")


def fit(paths: Any, folder: Path | None, examples: Path, **more: Any) -> Fitted:
    given = {"devices": DEVICES, "models": examples / "models.toml", "workers": 1, **more}
    return api.fit(paths, output=folder, **given)


def statuses(fitted: Fitted) -> dict[tuple[str, str], str]:
    return {(Path(r["model"]).name, r["device"]): r["status"] for r in fitted.rows}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def undisturbed(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a batch that nothing disturbed, on two workers."""
    folder = tmp_path_factory.mktemp("undisturbed")
    fitted = fit(examples, folder, examples, workers=2)
    assert fitted.new == 8
    assert {row["status"] for row in fitted.rows} == {"fits", "not"}
    return folder


def test_rows_agree_with_check(undisturbed: Path, examples: Path) -> None:
    rows = [json.loads(line) for line in (undisturbed / "results.jsonl").read_text().splitlines()]
    assert [(r["model"], r["device"]) for r in rows] == sorted(
        (r["model"], r["device"]) for r in rows
    )
    for row in rows:
        result = api.check(row["model"], row["device"], models=examples / "models.toml")
        assert (row["status"] == "fits") == result.fits
        assert row["fingerprint"] == result.graph.fingerprint
        if result.fits:
            assert row["cores"]["used"] == result.facts["cores"]
            assert row["error"] == max(p["error"] for p in result.facts["populations"])
        else:
            assert row["says"] == result.facts["headline"]


def test_changes_that_are_offered_do_admit_the_model(undisturbed: Path, examples: Path) -> None:
    rows = [json.loads(line) for line in (undisturbed / "results.jsonl").read_text().splitlines()]
    tried = 0
    for row in rows:
        names = [made["change"] for made in row["changes"] or ()]
        if names and all(name.startswith("--allow ") for name in names):
            allow = [name.removeprefix("--allow ") for name in names]
            result = api.check(
                row["model"], row["device"], models=examples / "models.toml", allow=allow
            )
            assert result.fits
            tried += 1
    assert tried


def test_one_worker_gives_the_same_bytes_as_two(
    undisturbed: Path, examples: Path, tmp_path: Path
) -> None:
    fit(examples, tmp_path, examples)
    assert contents(tmp_path) == contents(undisturbed)


def test_what_is_done_is_not_computed_again(
    undisturbed: Path, examples: Path, tmp_path: Path
) -> None:
    shutil.copytree(undisturbed, tmp_path / "out")
    assert fit(examples, tmp_path / "out", examples).new == 0
    assert contents(tmp_path / "out") == contents(undisturbed)
    more = fit(examples, tmp_path / "out", examples, devices=f"{DEVICES},loihi2")
    assert more.new == 4  # loihi2 only
    fewer = fit(examples, tmp_path / "out", examples, devices="loihi2")
    assert (fewer.new, len(fewer.rows)) == (0, 4)


def test_a_change_of_the_question_or_of_a_file_computes_what_it_touches(
    undisturbed: Path, examples: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    sidecar = tmp_path / "models.toml"
    sidecar.write_text(
        (examples / "models.toml").read_text() + "chip_dt = 0.01\n"
    )  # the last model
    assert fit(examples, out, examples, models=sidecar).new == 2
    assert fit(examples, out, examples, models=sidecar, exact=True).new == 8


def test_an_equal_network_under_another_name_is_not_computed_again(
    undisturbed: Path, examples: Path, tmp_path: Path
) -> None:
    out, models = tmp_path / "out", tmp_path / "models"
    shutil.copytree(undisturbed, out)
    shutil.copytree(examples, models)
    (models / "mlp_lif.nir").rename(models / "renamed.nir")
    fitted = fit(models / "renamed.nir", out, examples, models=_sidecar(tmp_path, "renamed.nir"))
    assert (fitted.new, len(fitted.rows)) == (0, 2)
    assert {Path(row["model"]).name for row in fitted.rows} == {"renamed.nir"}


def _sidecar(folder: Path, name: str) -> Path:
    path = folder / "own.toml"
    path.write_text(f'["{name}"]\nfile_dt = 0.001\nreset = "subtract"\n')
    return path


def _start(examples: Path, folder: Path) -> subprocess.Popen[bytes]:
    words = ["fit", str(examples), "--device", DEVICES, "--models", str(examples / "models.toml")]
    return subprocess.Popen(
        [sys.executable, "-m", "mapper.cli.main", *words, "-o", str(folder), "--workers", "2"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.parametrize("after", [1, 5])
def test_a_batch_that_is_killed_goes_on_to_the_same_bytes(
    undisturbed: Path, examples: Path, tmp_path: Path, after: int
) -> None:
    running = _start(examples, tmp_path)
    results = tmp_path / "results.jsonl"
    while running.poll() is None:
        lines = results.read_bytes().count(b"\n") if results.is_file() else 0
        if lines >= after:
            break
        time.sleep(0.005)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    kept = [json.loads(line) for line in results.read_bytes().split(b"\n")[:-1]]
    assert len(kept) >= after
    fitted = fit(examples, tmp_path, examples, workers=2)
    assert fitted.new == 8 - len(kept)
    assert contents(tmp_path) == contents(undisturbed)


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """A network whose 2200 x 2200 weights take 39 MB once read."""
    path = tmp_path / "heavy.nir"
    n = 2200
    shape = np.array([n])
    with h5py.File(path, "w") as file:
        file["version"] = b"1.0.8"
        file["node/type"] = b"NIRGraph"
        file["node/edges"] = np.array([[b"in", b"w"], [b"w", b"n"], [b"n", b"out"]], dtype="S3")
        nodes = file.create_group("node/nodes")
        for name, kind in (("in", b"Input"), ("out", b"Output"), ("w", b"Linear"), ("n", b"LIF")):
            nodes[f"{name}/type"] = kind
        nodes["in/shape"], nodes["out/shape"] = shape, shape
        weight = np.random.default_rng(0).integers(-1, 2, (n, n)).astype(np.int8)
        nodes["w/weight"] = weight
        for name, value in (("tau", 0.02), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0)):
            nodes[f"n/{name}"] = np.full(n, value, dtype=np.float32)
        nodes["n/v_reset"] = np.zeros(n, dtype=np.float32)
    return path


def test_a_job_over_its_memory_is_a_row_and_the_rest_goes_on(
    examples: Path, heavy: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    paths = [examples / "mlp_lif.nir", heavy]
    sidecar = tmp_path / "all.toml"
    sidecar.write_text('["*.nir"]\nfile_dt = 0.001\nreset = "subtract"\n')
    fitted = fit(paths, out, examples, models=sidecar, memory_limit=30, devices="loihi2,xylo-imu")
    assert statuses(fitted) == {
        ("heavy.nir", "loihi2"): "limit-hit",
        ("heavy.nir", "xylo-imu"): "limit-hit",
        ("mlp_lif.nir", "loihi2"): "fits",
        ("mlp_lif.nir", "xylo-imu"): "fits",
    }
    row = next(r for r in fitted.rows if r["status"] == "limit-hit")
    assert row["says"] == "reading it needs more than 30 MB, the limit of memory"
    assert row["stopped"] == {"what": "memory", "most": 30, "unit": "MB"}
    again = fit(paths, out, examples, models=sidecar, memory_limit=30, devices="loihi2,xylo-imu")
    assert again.new == 0
    wider = fit(paths, out, examples, models=sidecar, memory_limit=4096, devices="loihi2,xylo-imu")
    assert wider.new == 2  # a limit that is now another is tried again
    assert statuses(wider)["heavy.nir", "loihi2"] == "fits"


def test_a_job_over_its_time_is_a_row(examples: Path, tmp_path: Path) -> None:
    fitted = fit(examples / "mlp_lif.nir", tmp_path, examples, time_limit=1e-4, devices="xylo-imu")
    assert set(statuses(fitted).values()) == {"limit-hit"}
    assert "took more than 0.0001 s, the limit of time" in fitted.rows[0]["says"]
    assert fit(examples / "mlp_lif.nir", tmp_path, examples, devices="xylo-imu").new == 1


def test_hostile_files_are_rows_and_the_rest_goes_on(examples: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    shutil.copy(examples / "mlp_lif.nir", models / "good.nir")
    (models / "empty.nir").write_bytes(b"")
    (models / "text.nir").write_text("I am no network\n")
    (models / "half.nir").write_bytes((examples / "mlp_lif.nir").read_bytes()[:9000])
    os.mkfifo(models / "pipe.nir")
    fitted = fit(models, tmp_path / "out", examples, models=_sidecar(tmp_path, "good.nir"))
    found = statuses(fitted)
    assert {
        found[name, "xylo-imu"] for name in ("empty.nir", "half.nir", "pipe.nir", "text.nir")
    } == {"bad-input"}
    assert found["good.nir", "xylo-imu"] == "fits"
    empty = next(row for row in fitted.rows if row["model"].endswith("empty.nir"))
    assert (empty["says"], empty["fingerprint"]) == ("is empty (0 bytes)", None)


def test_missing_semantics_are_a_row_that_says_what_to_do(examples: Path) -> None:
    fitted = fit(examples / "mlp_lif.nir", None, examples, models=None)
    assert set(statuses(fitted).values()) == {"bad-input"}
    assert fitted.rows[0]["says"].startswith("file_dt is not known")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"devices": "speck9"}, "no device 'speck9'"),
        ({"devices": ""}, "no device ''"),
        ({"time_limit": 0}, "option time-limit: is 0; expected seconds above 0"),
        ({"memory_limit": 0}, "option memory-limit: is 0; expected at least 1 MB"),
        ({"workers": 0}, "option workers: is 0; expected 1 to 1024"),
        ({"rank": "size"}, "option rank"),
        ({"where": "size > 1"}, "option where: there is no column 'size'"),
        ({"semantics": "brian"}, "there are no semantics 'brian'"),
        ({"reset": "sometimes"}, "reset is 'sometimes'"),
        ({"colour": "red"}, "there is no option 'colour'"),
    ],
)
def test_what_is_wrong_with_the_question_is_said_before_any_job(
    examples: Path, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(Exception, match=says):
        fit(examples, None, examples, **more)


def test_where_narrows_reports_and_not_the_rows(
    examples: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    fitted = fit(examples, out, examples, where='status == "fits" and rank == 1')
    assert len(fitted.rows) == 8
    assert 0 < len(fitted.shown) < 8
    assert {row["status"] for row in fitted.shown} == {"fits"}
    assert (out / "results.jsonl").read_bytes() == (undisturbed / "results.jsonl").read_bytes()
    assert len((out / "results.csv").read_text().splitlines()) == len(fitted.shown) + 1
    assert fitted.facts["pairs"] == len(fitted.shown)


def test_an_unreadable_folder_of_results_is_bad_input(examples: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        fit(examples, tmp_path / "file", examples)
