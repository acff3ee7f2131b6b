"""What `map` leaves behind: a whole bundle, replaced as a whole, or nothing at all."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.loaded import Loaded
from tests.asking import emulate
from tests.cli.conftest import Run, names

FILES = [
    "arrays.npz",
    "deploy.py",
    "expected.npz",
    "manifest.json",
    "mapped.nir",
    "report.html",
    "report.txt",
]
PAIRS = (
    ("cnn_if", "speck2f"),
    ("cnn_if", "loihi2"),
    ("cnn_if", "spinnaker2"),
    ("cnn_if_wide", "speck2f"),
    ("residual_if", "speck2f"),
    ("mlp_lif", "loihi2"),
    ("mlp_lif", "xylo-audio2"),
    ("srnn_cuba", "loihi2"),
    ("srnn_cuba", "spinnaker2"),
    ("srnn_cuba", "xylo-imu"),
)


@pytest.mark.parametrize(("model", "device"), PAIRS)
def test_a_written_bundle_is_whole_and_of_its_model(
    model: str, device: str, ask: Run, run: Run, models: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert ask(model, device, "-o", out, verb="map").code == 0
    assert names(out) == FILES
    said = run("verify", out, "--model", models / f"{model}.nir")
    assert (said.code, said.err) == (0, ""), said.out
    manifest = json.loads((out / "manifest.json").read_text())
    named = [row for row in manifest["projections"] if row["node"] is not None]
    assert named, "no projection can be compared with mapped.nir"
    nir.read(out / "mapped.nir")
    ran = emulate(*_loaded(out))
    expected = np.load(out / "expected.npz")
    for i, spikes in enumerate(ran.outputs.values()):
        assert np.array_equal(spikes, expected[f"output{i:03d}"])
    assert any(ran.populations[name].any() for name in ran.populations)


def _loaded(out: Path) -> tuple[Loaded, np.ndarray]:
    manifest = json.loads((out / "manifest.json").read_text())
    arrays = dict(np.load(out / "arrays.npz"))
    return Loaded(manifest, arrays), np.load(out / "expected.npz")["raster"]


def test_another_models_bundle_is_told(run: Run, ask: Run, models: Path, tmp_path: Path) -> None:
    ask("mlp_lif", "loihi2", "-o", tmp_path / "out", verb="map")
    said = run("verify", tmp_path / "out", "--model", models / "srnn_cuba.nir")
    assert said.code == 1
    assert "model" in said.out


def test_a_spoilt_bundle_is_rejected_and_not_as_our_bug(run: Run, ask: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ask("mlp_lif", "loihi2", "-o", out, verb="map")
    (out / "report.txt").write_text("all is well\n")
    said = run("verify", out)
    assert (said.code, said.err) == (1, "")
    assert "report.txt" in said.out
    facts = json.loads(run("verify", out, "--json").out)
    assert not facts["ok"]
    assert facts["findings"][0]["fault"] == "file-hash"


def test_verify_of_nothing_is_a_finding(run: Run, tmp_path: Path) -> None:
    assert run("verify", tmp_path / "nothing").code == 1


def test_nothing_is_left_beside_the_bundle(ask: Run, tmp_path: Path) -> None:
    for _ in range(2):
        assert ask("mlp_lif", "loihi2", "-o", tmp_path / "out", verb="map").code == 0
        assert names(tmp_path) == ["out"]
    mode = stat.S_IMODE((tmp_path / "out").stat().st_mode)
    assert mode & 0o555 == 0o555


def test_a_refusal_is_kept_beside_the_bundle_until_a_bundle_takes_its_place(
    ask: Run, run: Run, models: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert ask("cnn_if", "speck2f", "-o", out, verb="map").code == 0
    for _ in range(2):
        said = ask("cnn_if_deep", "speck2f", "-o", out, verb="map")
        assert said.code == 1
        assert f"Kept with its certificate in {out}.refused" in " ".join(said.out.split())
        assert names(tmp_path) == ["out", "out.refused"]
    assert names(out) == FILES
    refused = tmp_path / "out.refused"
    assert names(refused) == ["certificate.json", "report.html", "report.txt"]
    said = run("verify", refused, "--model", models / "cnn_if_deep.nir")
    assert (said.code, said.err) == (0, "")
    assert "stands: the network does not fit speck2f" in " ".join(said.out.split())
    assert ask("cnn_if", "speck2f", "-o", out, verb="map").code == 0
    assert names(tmp_path) == ["out"]


def test_a_folder_that_is_no_refusal_of_ours_is_left_alone(ask: Run, tmp_path: Path) -> None:
    other = tmp_path / "out.refused"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    said = ask("cnn_if_deep", "speck2f", "-o", tmp_path / "out", verb="map")
    assert said.code == 2
    assert "exists and is not a refusal" in said.err
    assert ask("cnn_if", "speck2f", "-o", tmp_path / "out", verb="map").code == 0
    assert names(other) == ["notes.txt"]


def test_a_certificate_is_written_where_it_was_asked_for(
    ask: Run, run: Run, models: Path, tmp_path: Path
) -> None:
    file = tmp_path / "why.json"
    assert ask("cnn_if", "speck2f", "--certificate", file).err.startswith("nirmap: it fits: there")
    assert not file.exists()
    assert ask("cnn_if_deep", "speck2f", "--certificate", file).code == 1
    first = file.read_bytes()
    assert ask("cnn_if_deep", "speck2f", "--certificate", file).code == 1
    assert file.read_bytes() == first
    facts = json.loads(run("verify", file, "--resolve", "--json").out)
    assert facts["refused"]
    assert [row["again"]["holds"] for row in facts["conflicts"]] == [False]
    said = run("verify", file, "--model", models / "cnn_if.nir")
    assert (said.code, "is of" in said.out) == (1, True)
    assert run("verify", tmp_path, "--resolve").code == 2
    assert ask("cnn_if_deep", "speck2f", "--certificate", tmp_path / "no" / "c").code == 2


@pytest.mark.parametrize("inside", ["letters.txt", "manifest.json"])
def test_a_folder_that_is_no_bundle_is_left_alone(inside: str, ask: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / inside).write_text('{"name": "somebody else\'s"}')
    said = ask("mlp_lif", "loihi2", "-o", out, verb="map")
    assert said.code == 2
    assert "is not a bundle" in said.err
    assert names(out) == [inside]


def test_a_file_in_the_way_is_left_alone(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert ask("mlp_lif", "loihi2", "-o", tmp_path / "out", verb="map").code == 2
    assert (tmp_path / "out").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_bad_input(ask: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = ask("mlp_lif", "loihi2", "-o", tmp_path / "file" / "out", verb="map")
    assert said.code == 2
    assert "cannot be written" in said.err


def test_the_default_folder_is_named_for_model_and_device(
    run: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--models", models / "models.toml")
    assert run("map", models / "mlp_lif.nir", "--device", "loihi2", *words).code == 0
    assert names(tmp_path) == ["mlp_lif-loihi2"]


def test_check_writes_nothing_and_says_what_map_says(
    ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checked = json.loads(ask("mlp_lif", "loihi2", "--json").out)
    assert names(tmp_path) == []
    mapped = json.loads(ask("mlp_lif", "loihi2", "-o", "out", "--json", verb="map").out)
    assert (checked.pop("bundle"), mapped.pop("bundle")) == (None, "out")
    assert checked == mapped


def test_a_network_in_memory_maps_as_its_file_does(models: Path, tmp_path: Path) -> None:
    from networks import SEMANTICS, mlp_lif

    made = api.map(mlp_lif(), "loihi2", output=tmp_path / "a", **SEMANTICS["mlp_lif"])
    graph = api.read(models / "mlp_lif.nir").graph
    again = api.map(graph, "loihi2", output=tmp_path / "b", **SEMANTICS["mlp_lif"])
    assert made.bundle is not None
    assert again.bundle is not None
    assert made.bundle.manifest["model"]["sha256"] is None
    assert made.bundle.files == again.bundle.files


def test_a_profile_of_ones_own_is_used_and_verified_by_path(
    ask: Run, run: Run, tmp_path: Path
) -> None:
    from importlib.resources import files

    text = (files("device_profiles") / "chips" / "loihi2.toml").read_text()
    own = tmp_path / "mine.toml"
    own.write_text(text.replace('name = "loihi2"', 'name = "mine"', 1))
    out = tmp_path / "out"
    assert ask("mlp_lif", own, "-o", out, verb="map").code == 0
    assert run("verify", out).code == 1
    assert run("verify", out, "--profile", own).code == 0


def test_a_profile_made_in_code_must_be_a_file(models: Path) -> None:
    from dataclasses import replace

    from nir_io.errors import BadInput

    (profile,) = api.devices("loihi2")
    options = {"models": models / "models.toml"}
    assert api.check(models / "mlp_lif.nir", profile, **options).fits
    with pytest.raises(BadInput, match="give its file's path"):
        api.check(models / "mlp_lif.nir", replace(profile, hash="0" * 64), **options)


def test_expected_spikes_are_readable_without_objects(ask: Run, tmp_path: Path) -> None:
    ask("mlp_lif", "loihi2", "-o", tmp_path / "out", verb="map")
    data = (tmp_path / "out" / "expected.npz").read_bytes()
    found = np.load(io.BytesIO(data), allow_pickle=False)
    assert found["raster"].shape[0] == 1
    assert {name[:-3] for name in found.files} == {"raster"[:-3], "output", "population"}
