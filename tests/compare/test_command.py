"""`nirmap compare`: words, JSON and page, bundles, recorded runs, and what is wrong with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import jsonschema
import nir
import numpy as np
import pytest

from mapper.cli.main import main
from scripts.schemas import schema
from tests.compare.networks import events
from tests.handoff.bundles import mapped, recurrent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.nir, data.npz, and the bundle out/."""
    place = tmp_path_factory.mktemp("compare")
    nir.write(place / "net.nir", recurrent())
    data = events(20, 60, 5)
    np.savez(
        place / "data.npz", raster=data, labels=np.arange(20) % 3, dataset="noise", split="test"
    )
    np.savez(place / "bare.npz", raster=data[:1])
    mapped(place / "net.nir", "loihi2", place / "out", reset="subtract")
    return place


@pytest.fixture
def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(folder)

    def command(*words: str) -> tuple[int, str, str]:
        try:
            code = main(["compare", *words])
        except SystemExit as left:
            code = int(left.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


Run = Callable[..., tuple[int, str, str]]
MODEL = ("net.nir", "--semantics", "snntorch", "--file-dt", "1e-3", "--device")


def test_the_report_is_as_stored(run: Run, golden: Callable[[str, str], None]) -> None:
    words = ("--reset", "zero", "--allow", "reset-kind", "--input", "data.npz")
    code, out, err = run(*MODEL, "xylo-audio2", *words)
    assert (code, err) == (0, "")
    golden("cli/compare.txt", out)


def test_without_labels_agreement_is_told(run: Run, golden: Callable[[str, str], None]) -> None:
    code, out, _ = run(*MODEL, "loihi2", "--reset", "subtract", "--input", "bare.npz")
    assert code == 0
    golden("cli/compare_unlabelled.txt", out)


def test_json_and_page_say_the_same(run: Run, folder: Path) -> None:
    words = ("--reset", "subtract", "--input", "data.npz", "--trace", "hidden", "--json")
    code, out, _ = run(*MODEL, "loihi2", *words, "--report", "page.html")
    facts = json.loads(out)
    jsonschema.Draft7Validator(schema("compare")).validate(facts)
    assert code == 0 and facts["data"] == {
        "dataset": "noise",
        "file": "data.npz",
        "labels": True,
        "samples": 20,
        "split": "test",
        "steps": 60,
    }
    trace = np.array(facts["traces"][0]["ran"])
    assert trace.shape == (60, 6)
    page = (folder / "page.html").read_text()
    assert "From the ideal network to what ran" in page and "Spikes of hidden" in page
    assert f"{100 * facts['accuracy']['ran']['value']:.1f} %" in page
    again = run(*MODEL, "loihi2", *words)[1]
    assert again == out


def test_a_bundle_gives_what_its_model_gives(run: Run) -> None:
    words = ("--input", "data.npz", "--json")
    model = json.loads(run(*MODEL, "loihi2", "--reset", "subtract", *words)[1])
    bundle = json.loads(run("out", "--model", "net.nir", *words)[1])
    assert bundle["causes"] == model["causes"]
    assert bundle["populations"] == model["populations"]


def test_a_recorded_run_is_judged_in_place_of_the_emulator(run: Run, folder: Path) -> None:
    words = ("out", "--model", "net.nir", "--input", "data.npz", "--json")
    emulated = json.loads(run(*words)[1])
    arrays = {
        "output000": np.zeros((20, 60, 3), np.uint8),
        "population000": np.zeros((20, 60, 6), np.uint8),
        "population001": np.zeros((20, 60, 3), np.uint8),
        "where": np.array("lava-nc 0.10.0, Loihi 2"),
    }
    np.savez(folder / "run.npz", **arrays)
    found = json.loads(run(*words, "--recorded", "run.npz")[1])
    assert found["ran"] == "recorded run (lava-nc 0.10.0, Loihi 2)"
    assert found["causes"][:-1] == emulated["causes"]
    assert found["causes"][-1]["cause"] == "recorded"
    assert any("silent on the chip" in says for says in found["alarms"])
    assert set(found["decisions"]["ran"]) == {0}


WRONG = [
    (("out", "--input", "data.npz"), "holds no copy of the network as it was; pass --model FILE"),
    (("out", "--model", "net.nir", "--reset", "zero", "--input", "data.npz"), "its own semantics"),
    (("net.nir", "--input", "data.npz"), "no device is given"),
    ((*MODEL, "loihi2", "--reset", "zero", "--input", "no.npz"), "no.npz: cannot be opened"),
    (
        (*MODEL, "loihi2", "--reset", "zero", "--input", "data.npz", "--decode", "v-max"),
        "output 'output' gives spikes, and no membrane",
    ),
    (
        (*MODEL, "loihi2", "--reset", "zero", "--input", "data.npz", "--trace", "x"),
        "there is no population 'x'; there are: 'hidden', 'out'",
    ),
    (
        (*MODEL, "loihi2", "--reset", "zero", "--input", "data.npz", "--samples", "0"),
        "option --samples: '0'; expected a whole number from 1",
    ),
    ((*MODEL, "speck2f", "--reset", "zero", "--input", "data.npz"), "does not fit"),
    (
        ("out", "--model", "net.nir", "--input", "data.npz", "--recorded", "data.npz"),
        "has no 'output000'; expected a file of `deploy.py --save`",
    ),
]


@pytest.mark.parametrize(("words", "message"), WRONG, ids=[m[:25] for _, m in WRONG])
def test_what_is_wrong_is_said_in_one_line(run: Run, words: tuple[str, ...], message: str) -> None:
    code, out, err = run(*words)
    assert code == 2 and not out
    assert message in err and "Traceback" not in err


def test_a_run_of_another_bundle_is_refused(run: Run, folder: Path) -> None:
    arrays = {"output000": np.zeros((20, 60, 3), np.uint8), "manifest": np.array("0" * 64)}
    np.savez(folder / "other.npz", **arrays)
    words = ("out", "--model", "net.nir", "--input", "data.npz", "--recorded", "other.npz")
    assert "was recorded with another bundle than this one" in run(*words)[2]


def test_a_bundle_that_the_checker_rejects_is_not_compared(run: Run, folder: Path) -> None:
    shutil.copytree(folder / "out", folder / "bad", dirs_exist_ok=True)
    text = (folder / "bad" / "report.txt").read_text()
    (folder / "bad" / "report.txt").write_text(text + "more")
    code, _, err = run("bad", "--model", "net.nir", "--input", "data.npz")
    assert code == 2 and "report.txt" in err


def test_the_page_holds_markup_of_names_as_text(run: Run, folder: Path) -> None:
    nir.write(folder / "odd.nir", recurrent("<img src=x onerror=alert(1)>"))
    run(
        "odd.nir",
        *MODEL[1:],
        "loihi2",
        "--reset",
        "zero",
        "--input",
        "bare.npz",
        "--report",
        "odd.html",
    )
    page = (folder / "odd.html").read_text()
    assert "<img" not in page and "onerror=alert" in page
