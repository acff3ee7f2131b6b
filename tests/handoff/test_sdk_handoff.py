"""scripts/sdk_handoff.py: a missing environment is said and no failure, a difference is one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from scripts import sdk_handoff


def environment(folder: Path, script: str) -> Path:
    """A built environment of xylosim whose Python is this script."""
    python = folder / "xylosim" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(script)
    python.chmod(0o755)
    (folder / "xylosim.json").write_text("[]")
    return folder


def main(monkeypatch: pytest.MonkeyPatch, sdk: Path, *words: str) -> int:
    given = ["--sdk", str(sdk), "--samples", "2", "--only", "digits xylosim", *words]
    every = sdk_handoff.jobs(2)
    only = next(job for job in every if (job.name, job.vendor) == ("digits", "xylosim"))
    monkeypatch.setattr(sdk_handoff, "jobs", lambda _: iter([only]))
    monkeypatch.setattr(sys, "argv", ["sdk_handoff.py", *given])
    return sdk_handoff.main()


def test_a_missing_environment_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(monkeypatch, tmp_path) == 0
    assert "NOT RUN: 1 bundles: xylosim is not in" in capsys.readouterr().out


def test_a_missing_environment_may_be_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(monkeypatch, tmp_path, "--need-all") == 1


def test_a_failing_simulator_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sdk = environment(tmp_path, "#!/bin/sh\necho broken >&2\nexit 3\n")
    assert main(monkeypatch, sdk) == 1
    assert "NOT EQUAL: broken" in capsys.readouterr().out


def test_other_spikes_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A simulator in which no neuron spikes."""
    blank = {f"population{i:03d}": np.zeros((2, 32, n), int) for i, n in enumerate((64, 10))}
    np.savez(tmp_path / "zeros.npz", output000=blank["population001"], **blank)
    sdk = environment(
        tmp_path,
        '#!/bin/sh\nfor last do :; done\ncp "$(dirname "$0")/../../zeros.npz" "$last"\n',
    )
    assert main(monkeypatch, sdk) == 1
    assert "NOT EQUAL: population '1' differs" in capsys.readouterr().out
