"""deploy.py stops, in one line and before the SDK, for whatever is not the bundle it came in."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.emulate.bundle import emulate
from mapper.emulate.loaded import Loaded
from mapper.handoff import deploy
from mapper.verify import verify
from tests.handoff.bundles import ODD, Shell, loaded, mapped, recurrent, shell

__all__ = ["shell"]
FAMILIES = ("loihi2", "speck", "spinnaker2", "xylo")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handoff") / "out"
    return mapped(recurrent(ODD), "loihi2", folder, reset="zero")


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def rewritten(folder: Path, **changes: Any) -> None:
    """The manifest with other values at its top."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def replaced(folder: Path, name: str, data: bytes) -> None:
    """A file of the bundle replaced, its hash too."""
    (folder / name).write_bytes(data)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    rewritten(folder, files=files | {name: hashlib.sha256(data).hexdigest()})


def stopped(shell: Shell, folder: Path, *words: str) -> str:
    code, out, err = shell.run(folder, *words)
    assert code == 2 and out == ""
    assert err.startswith("deploy.py: ") and len(err.splitlines()) == 1
    return err


@pytest.mark.parametrize("family", FAMILIES)
def test_text_is_python_38_and_imports_nothing_of_ours(family: str) -> None:
    tree = ast.parse(deploy(family), feature_version=(3, 8))
    found = {
        name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    }
    assert not {n for n in found if n.split(".")[0] in ("mapper", "nir_io", "nir", "pickle")}


def test_the_checker_accepts_the_bundle_and_its_script(sound: Path) -> None:
    assert (sound / "deploy.py").read_bytes() == deploy("loihi2")
    assert verify(sound).ok


@pytest.mark.parametrize("name", ["arrays.npz", "expected.npz", "mapped.nir", "deploy.py"])
def test_changed_file_is_named(copy: Path, shell: Shell, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    if name == "deploy.py":
        data += b"\n"
    else:
        data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    assert name in stopped(shell, copy) and "SHA-256" in stopped(shell, copy)


@pytest.mark.parametrize("name", ["arrays.npz", "report.txt", "manifest.json"])
def test_missing_file_is_named(copy: Path, shell: Shell, name: str) -> None:
    (copy / name).unlink()
    assert name in stopped(shell, copy)


def test_link_is_not_followed(copy: Path, shell: Shell) -> None:
    (copy / "arrays.npz").rename(copy.parent / "elsewhere")
    (copy / "arrays.npz").symlink_to(copy.parent / "elsewhere")
    assert "no plain file" in stopped(shell, copy)


def test_other_schema_and_family_are_refused(copy: Path, shell: Shell) -> None:
    text = (copy / "manifest.json").read_text()
    rewritten(copy, schema="nirmap-bundle-2")
    assert "nirmap-bundle-2" in stopped(shell, copy)
    (copy / "manifest.json").write_text(text)
    rewritten(copy, device=json.loads(text)["device"] | {"family": "xylo"})
    assert "another family" in stopped(shell, copy)
    (copy / "manifest.json").write_text("[]")
    assert "no bundle" in stopped(shell, copy)


@pytest.mark.parametrize("changes", [{"populations": [{}]}, {"inputs": 3}, {"arrays": {"a000": 1}}])
def test_manifest_of_another_form_is_damaged(
    copy: Path, shell: Shell, changes: dict[str, Any]
) -> None:
    rewritten(copy, **changes)
    assert "manifest.json is damaged" in stopped(shell, copy)


def test_file_outside_the_folder_is_refused(copy: Path, shell: Shell) -> None:
    files = json.loads((copy / "manifest.json").read_text())["files"]
    rewritten(copy, files=files | {"../outside": "0" * 64})
    assert "no plain file name" in stopped(shell, copy)


def test_pickled_arrays_are_never_opened(copy: Path, shell: Shell) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (copy / "executed",))

    bad = copy.parent / "bad.npz"
    np.savez(bad, raster=np.array([Trap()], dtype=object))
    assert "no plain arrays" in stopped(shell, copy, "--input", str(bad))
    replaced(copy, "expected.npz", bad.read_bytes())
    assert "no plain arrays" in stopped(shell, copy)
    assert not (copy / "executed").exists()


def test_missing_and_wrong_sdk_are_named(sound: Path, shell: Shell) -> None:
    assert "lava-nc is not installed" in stopped(shell, sound)
    shell.install("lava-nc", "0.9.0", {})
    assert "lava-nc is version 0.9.0" in stopped(shell, sound)


def test_input_that_does_not_fit_is_refused(copy: Path, shell: Shell, tmp_path: Path) -> None:
    for name, raster, said in (
        ("channels", np.zeros((1, 4, 6), np.uint8), "5 channels"),
        ("counts", np.full((1, 4, 5), 3), "0..1 can be sent"),
        ("fractions", np.full((1, 4, 5), 0.5), "fractions"),
    ):
        np.savez(tmp_path / f"{name}.npz", raster=raster)
        assert said in stopped(shell, copy, "--input", str(tmp_path / f"{name}.npz"))


def test_a_file_beside_the_script_does_not_stand_in_for_numpy(copy: Path) -> None:
    (copy / "numpy.py").write_text("raise SystemExit('executed')")
    done = subprocess.run(
        [sys.executable, str(copy / "deploy.py")], capture_output=True, text=True, cwd=copy.parent
    )
    assert done.returncode == 2 and "executed" not in done.stderr


def test_names_do_not_reach_a_message_raw(copy: Path, shell: Shell) -> None:
    module = loaded(copy)
    assert "\n" not in module.shown(ODD + "\n") and len(module.shown("x" * 500)) <= 84


def test_xylo_specification_computes_what_the_emulator_does(tmp_path: Path) -> None:
    """The hand-over's windows hold every weight, and biases go by the chip's name."""
    folder = mapped(
        recurrent(), "xylo-audio3", tmp_path / "x", reset="subtract", allow=("decays-on-grid",)
    )
    module = loaded(folder)
    net = module.load(str(folder), "xylo")
    spec = module.specification(net)
    module.check_limits(spec)
    given = module.handed_over(spec, "xylo-audio3")
    hidden = len(spec["threshold"])
    fed, heard = given["weights_in"], given["weights_out"]
    assert np.array_equal(spec["weights_in"][:, : fed.shape[1]], fed)
    assert np.array_equal(spec["weights_out"][hidden - len(heard) :], heard)
    assert np.count_nonzero(fed) == np.count_nonzero(spec["weights_in"])
    assert np.count_nonzero(heard) == np.count_nonzero(spec["weights_out"])
    assert "bias" not in given


def test_pipeline_is_flushed_and_cut_as_the_emulator_does(sound: Path) -> None:
    """`execute` with our emulator in the vendor's place gives the emulator's outputs."""
    from mapper.emulate import loihi2_bundle

    module = loaded(sound)
    net = module.load(str(sound), "loihi2")
    raster = net.expected["raster"].astype(np.int64)
    bundle = Loaded(net.manifest, net.arrays)
    outputs, populations = module.execute(
        net,
        raster,
        lambda net, rasters, steps, read: loihi2_bundle.run(bundle, rasters, steps, read),
    )
    wanted = emulate(bundle, raster)
    assert all(map(np.array_equal, outputs, wanted.outputs.values()))
    assert module.compare(net, outputs, populations) > 0
    first = next(iter(populations))
    populations[first] = 1 - populations[first]
    with pytest.raises(module.Stop, match="population000 differs"):
        module.compare(net, outputs, populations)
