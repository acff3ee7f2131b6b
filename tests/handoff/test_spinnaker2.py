"""py-spinnaker2 gets what the bundle says, and nothing that it would misread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.handoff import spinnaker2_recorder
from tests.handoff.bundles import ODD, Shell, convolved, loaded, mapped, recurrent, shell

__all__ = ["shell"]


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_recorded_recurrent_network_spikes_as_expected(
    tmp_path: Path, shell: Shell, reset: str
) -> None:
    folder = mapped(recurrent(ODD), "spinnaker2", tmp_path / "out", reset=reset)
    shell.install("py-spinnaker2", "0.8.0", spinnaker2_recorder.modules())
    code, out, err = shell.run(folder, "--check")
    assert (code, err) == (0, "")
    assert "self-test equals expected.npz" in out and ": 0 spikes" not in out


def test_recorded_convolutions_spike_as_expected(tmp_path: Path, shell: Shell) -> None:
    folder = mapped(convolved(), "spinnaker2", tmp_path / "out", semantics="sinabs")
    shell.install("py-spinnaker2", "0.8.0", spinnaker2_recorder.modules())
    code, out, err = shell.run(folder, "--check")
    assert (code, err) == (0, "")
    assert "self-test equals" in out and ": 0 spikes" not in out


def test_weights_that_would_wrap_are_refused(tmp_path: Path) -> None:
    folder = mapped(recurrent(), "spinnaker2", tmp_path / "out", reset="zero")
    deploy = loaded(folder)
    net = deploy.load(str(folder), "spinnaker2")
    row = net.projections[0]
    net.arrays[row["params"]["weight"]] = np.full_like(net.param(row, "weight"), -128)
    with pytest.raises(deploy.Stop, match=r"outside -127\.\.127"):
        deploy.check(net)


def test_delay_for_a_program_without_delays_is_refused(tmp_path: Path) -> None:
    folder = mapped(recurrent(), "spinnaker2", tmp_path / "out", reset="zero")
    deploy = loaded(folder)
    net = deploy.load(str(folder), "spinnaker2")
    net.projections[0]["delay"] = 3
    with pytest.raises(deploy.Stop, match="delays outside 0"):
        deploy.check(net)


def test_hardware_needs_an_address(tmp_path: Path, shell: Shell) -> None:
    folder = mapped(recurrent(), "spinnaker2", tmp_path / "out", reset="zero")
    code, _, err = shell.run(folder, "--hardware")
    assert code == 2 and "--eth-ip" in err
