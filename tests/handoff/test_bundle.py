"""deploy.py stops, in one line and before the SDK, for whatever is not the bundle it came in.

Every family's, on a network whose names hold quotes, markup, code and path parts.
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mapper.bundle.handoff import deploy
from mapper.emulate.loaded import Loaded
from mapper.verify import verify
from tests.asking import emulate
from tests.handoff import spinnaker2_recorder
from tests.handoff.bundles import ODD, Shell, convolved, loaded, mapped, recurrent, shell
from tests.handoff.samna_recorder import Recorder

__all__ = ["shell"]
FAMILIES = ("loihi2", "speck", "spinnaker2", "xylo")
SDK = {
    "loihi2": ("lava-nc", "0.9.0"),
    "speck": ("samna", "1.2.0"),
    "spinnaker2": ("py-spinnaker2", "1.0"),
    "xylo": ("xylosim", "0.2.0"),
}  # the SDK's package, and a version that deploy.py does not take


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def sound(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handoff") / "out"
    if family == "speck":
        return mapped(convolved(ODD), "speck2f", folder, semantics="sinabs")
    if family == "xylo":
        allow = ("decays-on-grid",)
        return mapped(recurrent(ODD), "xylo-audio3", folder, reset="subtract", allow=allow)
    return mapped(recurrent(ODD), family, folder, reset="zero")


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


def test_text_is_python_38_and_imports_nothing_of_ours(family: str) -> None:
    text = deploy(family)
    assert text is not None
    tree = ast.parse(text, feature_version=(3, 8))
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


def test_the_checker_accepts_the_bundle_and_its_script(sound: Path, family: str) -> None:
    assert (sound / "deploy.py").read_bytes() == deploy(family)
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


def test_other_schema_and_family_are_refused(copy: Path, shell: Shell, family: str) -> None:
    text = (copy / "manifest.json").read_text()
    for other, says in (
        ("nirmap-bundle-1", "made by an earlier nirmap; map the network again"),
        ("nirmap-bundle-3", "made by a later nirmap"),
        ("nirmap-bundle-x", "this is no bundle of nirmap"),
        (7, "this is no bundle of nirmap"),
    ):
        rewritten(copy, schema=other)
        said = stopped(shell, copy)
        assert says in said and str(other) in said
    (copy / "manifest.json").write_text(text)
    rewritten(
        copy, device=json.loads(text)["device"] | {"family": FAMILIES[FAMILIES.index(family) - 1]}
    )
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


def test_missing_and_wrong_sdk_are_named(sound: Path, shell: Shell, family: str) -> None:
    package, version = SDK[family]
    assert f"{package} is not installed" in stopped(shell, sound)
    shell.install(package, version, {})
    assert f"{package} is version {version}" in stopped(shell, sound)


def test_sdk_that_does_not_import_or_fails_is_one_line(
    sound: Path, shell: Shell, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, version = SDK[family]
    shell.install(package, version, {})
    top = {"loihi2": "lava", "spinnaker2": "spinnaker2"}.get(family, package)
    monkeypatch.setitem(sys.modules, top, None)  # as where its own parts are missing
    assert "does not import" in stopped(shell, sound, "--other-version")


def test_input_that_does_not_fit_is_refused(
    copy: Path, shell: Shell, tmp_path: Path, family: str
) -> None:
    width = 128 if family == "speck" else 5
    for name, raster, said in (
        ("channels", np.zeros((1, 4, width + 1), np.uint8), f"{width} channels"),
        ("counts", np.full((1, 4, width), 3), "0..1 can be sent"),
        ("fractions", np.full((1, 4, width), 0.5), "fractions"),
        ("not-numbers", np.full((1, 4, width), np.nan), "fractions"),
        ("words", np.full((1, 4, width), "a"), "numbers"),
        ("nothing", np.zeros((0, 4, width)), "the shape"),
    ):
        np.savez(tmp_path / f"{name}.npz", raster=raster)
        assert said in stopped(shell, copy, "--input", str(tmp_path / f"{name}.npz")), name
    good = np.zeros((2, 4, width), np.uint8)
    np.savez(tmp_path / "labels.npz", raster=good, labels=np.zeros(3, int))
    assert "'labels'" in stopped(shell, copy, "--input", str(tmp_path / "labels.npz"))
    np.savez(tmp_path / "good.npz", raster=good)
    nowhere = str(tmp_path / "nowhere" / "run.npz")
    said = stopped(shell, copy, "--input", str(tmp_path / "good.npz"), "--save", nowhere)
    assert "no such folder" in said


def test_a_failing_sdk_leaves_nothing_behind(
    sound: Path, shell: Shell, family: str, tmp_path: Path
) -> None:
    """An error of the SDK's own is one line, and RUN.npz is not begun."""
    if family == "speck":
        recorder = Recorder("speck2f")
        vars(recorder.modules["samna.speck2f"])["validate_configuration"] = _broken
        shell.install("samna", "0.48.6", recorder.modules)
    elif family == "spinnaker2":
        modules = spinnaker2_recorder.modules()
        vars(modules["spinnaker2.snn"])["Network"] = _broken
        shell.install("py-spinnaker2", "0.8.0", modules)
    elif family == "xylo":
        core = ModuleType("xylosim.v2")
        vars(core).update(XyloSynapse=_broken, XyloLayer=_broken)
        top = ModuleType("xylosim")
        vars(top)["v2"] = core
        shell.install("xylosim", "0.1.3", {"xylosim": top, "xylosim.v2": core})
    else:
        shell.install("lava-nc", "0.10.0", lava_modules())
    code, _, err = shell.run(sound, "--save", str(tmp_path / "run.npz"))
    assert code == 2 and len(err.splitlines()) == 1
    assert "failed: RuntimeError" in err and "out of order" in err
    assert list(tmp_path.iterdir()) == []


def _broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("out of\norder <b>")


def lava_modules() -> dict[str, ModuleType]:
    """Lava's names, each of which fails when it is called."""
    from itertools import accumulate

    names = {
        "lava.magma.core.run_conditions": ("RunSteps",),
        "lava.magma.core.run_configs": ("Loihi2SimCfg", "Loihi2HwCfg"),
        "lava.proc.atrlif.process": ("ATRLIF",),
        "lava.proc.conv.process": ("Conv",),
        "lava.proc.dense.process": ("Dense", "DelayDense"),
        "lava.proc.lif.process": ("LIF",),
        "lava.proc.monitor.process": ("Monitor",),
        "lava.proc.sparse.process": ("Sparse", "DelaySparse"),
        "lava.utils.weightutils": ("SignMode",),
        "lava.proc.io.sink": ("RingBuffer",),
        "lava.proc.io.source": ("RingBuffer",),
    }
    made: dict[str, ModuleType] = {}
    for path, found in names.items():
        for part in accumulate(path.split("."), "{}.{}".format):
            made.setdefault(part, ModuleType(part))
        vars(made[path]).update(dict.fromkeys(found, _broken))
    return made


def test_a_file_beside_the_script_does_not_stand_in_for_numpy(copy: Path) -> None:
    (copy / "numpy.py").write_text("raise SystemExit('executed')")
    done = subprocess.run(
        [sys.executable, str(copy / "deploy.py")], capture_output=True, text=True, cwd=copy.parent
    )
    assert done.returncode == 2 and "executed" not in done.stderr


def test_missing_numpy_is_named(sound: Path) -> None:
    script = [sys.executable, "-S", "-E", str(sound / "deploy.py")]  # no site-packages
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "deploy.py: numpy is not installed in this Python\n"


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


def test_pipeline_is_flushed_and_cut_as_the_emulator_does(tmp_path: Path) -> None:
    """`execute` with our emulator in the vendor's place gives the emulator's outputs."""
    from mapper.families.loihi2 import load as loihi2_bundle

    sound = mapped(recurrent(), "loihi2", tmp_path / "out", reset="zero")
    module = loaded(sound)
    net = module.load(str(sound), "loihi2")
    raster = net.expected["raster"].astype(np.int64)
    bundle = Loaded(net.manifest, net.arrays)
    outputs, populations = module.execute(
        net,
        raster,
        lambda net, rasters, steps, read: loihi2_bundle.run(bundle, rasters, steps, read, 0),
    )
    wanted = emulate(bundle, raster)
    assert all(map(np.array_equal, outputs, wanted.outputs.values()))
    assert module.compare(net, outputs, populations) > 0
    first = next(iter(populations))
    populations[first] = 1 - populations[first]
    with pytest.raises(module.Stop, match="population000 differs"):
        module.compare(net, outputs, populations)
