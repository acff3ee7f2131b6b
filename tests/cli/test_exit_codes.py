"""Every way a command can end: its exit code, where it prints, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from mapper.errors import OurBug
from mapper.verbs import answer as answering
from mapper.verbs import deliver
from mapper.verify import Checked, Finding
from tests.cli.conftest import Run, names

REJECTED = Checked(findings=(Finding("core-shared", "two slices on core 3"),), usage=())


def test_a_network_that_fits_ends_with_0(ask: Run) -> None:
    said = ask("cnn_if", "speck2f")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("cnn_if.nir fits speck2f: 4 of 9 cores\n")


def test_a_network_that_does_not_fit_ends_with_1_and_is_no_error(ask: Run) -> None:
    said = ask("cnn_if_deep", "speck2f")
    assert (said.code, said.err) == (1, "")
    assert said.out.startswith("cnn_if_deep.nir does not fit speck2f\n")


def test_leaning_on_unpublished_numbers_is_undecided_where_that_is_forbidden(ask: Run) -> None:
    said = ask("srnn_cuba", "loihi2", "--published-only")
    assert (said.code, said.err) == (3, "")
    assert "is undecided" in said.out
    told = " ".join(said.out.split())
    assert "--published-only forbids that" in told
    assert "What would decide - accept them: the same command without --published-only" in told


def test_published_only_changes_nothing_where_all_is_published(ask: Run, run: Run) -> None:
    assert ask("cnn_if_deep", "speck2f", "--published-only").code == 1


def test_a_spent_budget_is_undecided(ask: Run) -> None:
    said = ask("cnn_if_wide", "speck2f", "--budget", "1e-6")
    assert said.code == 3
    assert "budget" in said.out


def test_biases_on_a_chip_with_a_slow_clock_ask_how_long_a_step_lasts(
    run: Run, tmp_path: Path
) -> None:
    import networks

    rng = np.random.default_rng(0)
    biased = networks.conv(rng, (2, 8, 8), 4)
    biased.bias = np.full(4, 0.1)
    model = tmp_path / "biased.nir"
    nir.write(
        model,
        networks.chain(
            nir.Input({"input": np.array([2, 8, 8])}),
            biased,
            networks.spikes((4, 8, 8)),
            nir.Output({"output": np.array([4, 8, 8])}),
        ),
    )
    asked = ("check", model, "--device", "speck2f", "--semantics", "sinabs")
    silent = run(*asked)
    assert (silent.code, silent.out) == (2, "")
    assert "slow clock" in silent.err and "'1' has biases" in silent.err
    assert "between 0.0001 and 0.1 seconds: --chip-dt" in " ".join(silent.err.split())
    assert run(*asked, "--chip-dt", "0.01").code == 0
    assert run(*asked, "--chip-dt", "1").code == 1


BAD = {
    "no file": ("check", "missing.nir", "--device", "speck2f"),
    "a folder": ("check", ".", "--device", "speck2f"),
    "no device": ("check", "text.nir", "--device", "spek2f"),
    "a profile that is none": ("check", "text.nir", "--device", "text.toml"),
    "text": ("check", "text.nir", "--device", "speck2f"),
    "empty": ("inspect", "empty.nir"),
    "no network in it": ("map", "other.nir", "--device", "speck2f", "-o", "out"),
    "unknown semantics": ("check", "cnn_if.nir", "--device", "speck2f", "--semantics", "brian"),
    "no sidecar": ("check", "cnn_if.nir", "--device", "speck2f", "--models", "missing.toml"),
    "a wrong number": ("check", "cnn_if.nir", "--device", "speck2f", "--max-error", "little"),
    "an unknown rule": ("check", "cnn_if.nir", "--device", "speck2f", "--allow", "magic"),
    "no such limit": ("check", "cnn_if.nir", "--device", "speck2f", "--limit", "sides=3"),
    "a limit that is passed": ("inspect", "cnn_if.nir", "--limit", "nodes=2"),
    "no such rule": ("rules", "magic"),
    "no such chip": ("devices", "tpu"),
    "an unknown option": ("check", "cnn_if.nir", "--device", "speck2f", "--fast"),
    "no device named": ("check", "cnn_if.nir"),
    "no such command": ("mop",),
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_bad_input_ends_with_2_and_findings_on_stderr(
    words: tuple[str, ...], run: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.nir").write_text("not a network")
    Path("text.toml").write_text("not = [a profile")
    Path("empty.nir").touch()
    Path("cnn_if.nir").write_bytes((models / "cnn_if.nir").read_bytes())
    with h5py.File("other.nir", "w") as file:
        file["pixels"] = np.zeros(3)
    said = run(*words)
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert lines
    assert all(line.startswith("nirmap: ") for line in lines)
    assert "Traceback" not in said.err
    assert not Path("out").exists()


def test_all_findings_are_told_at_once(ask: Run) -> None:
    said = ask("cnn_if", "speck2f", "--max-error", "little", "--budget", "-1", "--chips", "0")
    assert said.code == 2
    assert len(said.err.splitlines()) == 3


def test_what_a_device_lacks_is_told_before_anything_is_read(run: Run) -> None:
    said = run("check", "missing.nir", "--device", "speck2f", "--chips", "2", "--weight-bits", "9")
    assert said.code == 2
    assert "systems of speck2f have at most 1" in said.err
    assert "leaves no choice" in said.err


def test_missing_semantics_name_what_is_missing_and_what_each_choice_leads_to(
    run: Run, models: Path
) -> None:
    said = run("check", models / "srnn_cuba.nir", "--device", "loihi2")
    assert said.code == 2
    assert "file_dt is not known" in said.err
    assert "reset is not known" in said.err


def test_bad_input_with_json_is_a_document_too(run: Run) -> None:
    said = run("check", "missing.nir", "--device", "speck2f", "--json")
    found = json.loads(said.out)
    assert (said.code, found["exit"], found["outcome"]) == (2, 2, "bad-input")
    assert [f"nirmap: {finding}" for finding in found["findings"]] == said.err.splitlines()


def test_a_result_that_the_checker_rejects_is_our_bug(
    ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "examine", lambda *_, **__: REJECTED)
    said = ask("cnn_if", "speck2f")
    assert (said.code, said.out) == (4, "")
    assert "two slices on core 3" in said.err
    assert "Traceback" not in said.err


def test_a_bundle_that_the_checker_rejects_is_kept_aside_with_its_report(
    ask: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "verify", lambda *_, **__: REJECTED)
    said = ask("cnn_if", "speck2f", "-o", tmp_path / "out", verb="map")
    assert said.code == 4
    assert names(tmp_path) == ["out.rejected"]
    kept = tmp_path / "out.rejected"
    assert str(kept) in said.err
    assert json.loads((kept / "verify.json").read_text())[0]["fault"] == "core-shared"
    assert (kept / "manifest.json").is_file()


def test_a_surprise_is_our_bug_and_says_how_to_see_more(
    ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(answering, "decide", broken)
    said = ask("cnn_if", "speck2f")
    assert (said.code, said.out) == (4, "")
    assert "ZeroDivisionError: by zero" in said.err
    assert "--debug" in said.err
    with pytest.raises(ZeroDivisionError, match="by zero"):
        ask("cnn_if", "speck2f", "--debug")


def test_solvers_that_disagree_are_our_bug(ask: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from mapper.oracle import confirm
    from mapper.oracle.answer import Infeasible

    monkeypatch.setattr(confirm, "decide", lambda *_: Infeasible(because="none", searched=7))
    said = ask("cnn_if", "speck2f", "--solver", "exhaustive")
    assert said.code == 4
    assert "disagrees" in said.err


def test_the_exhaustive_solver_confirms_small_answers_and_refuses_large_questions(
    ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mapper.oracle import confirm

    said = ask("residual_if", "speck2f", "--solver", "exhaustive")
    assert said.code == 0
    assert "agrees" in said.out
    monkeypatch.setattr(confirm, "applicable", lambda _: "100 populations are too many")
    said = ask("residual_if", "speck2f", "--solver", "exhaustive")
    assert (said.code, said.out) == (2, "")
    assert "100 populations are too many" in said.err


def test_our_bug_survives_being_an_exception() -> None:
    assert str(OurBug(("one", "two"))) == "one\ntwo"


@pytest.mark.parametrize(("reset", "threshold"), [("zero", -0.5), ("subtract", 0.0)])
def test_a_threshold_that_a_reset_does_not_get_under_is_bad_input(
    reset: str, threshold: float, run: Run, models: Path, tmp_path: Path
) -> None:
    from networks import mlp_lif

    graph = mlp_lif()
    graph.nodes["1"].v_threshold[3] = threshold
    nir.write(tmp_path / "low.nir", graph)
    rule = ("--file-dt", "1e-3", "--reset", reset)
    said = run("check", tmp_path / "low.nir", "--device", "loihi2", *rule)
    assert said.code == 2
    assert "'1': 1 of 48 thresholds" in said.err
