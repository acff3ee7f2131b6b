"""py-spinnaker2 gets what the bundle says, and nothing that it would misread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def test_on_a_chip_each_sample_gets_a_board_and_only_outputs_are_recorded(
    tmp_path: Path, shell: Shell
) -> None:
    folder = mapped(recurrent(), "spinnaker2", tmp_path / "out", reset="zero")
    done: list[Any] = []
    shell.install("py-spinnaker2", "0.8.0", spinnaker2_recorder.modules(done))
    raster = (np.random.default_rng(0).random((2, 9, 5)) < 0.4).astype(np.uint8)
    np.savez(tmp_path / "data.npz", raster=raster)
    run = tmp_path / "run.npz"
    given = ("--input", str(tmp_path / "data.npz"), "--save", str(run), "--check")
    code, _, err = shell.run(folder, "--hardware", "--eth-ip", "1.2.3.4", *given)
    assert (code, err) == (0, "")
    runs = [what for what in done if isinstance(what, tuple)]
    assert len(runs) == 3 and done.count({"eth_ip": "1.2.3.4"}) == 3
    assert all(recorded == ["p001"] for recorded, *_ in runs)
    with np.load(run) as found:
        assert "population000" not in found and found["population001"].any()
        assert "1.2.3.4" in str(found["where"])


def test_several_chips_need_their_board(tmp_path: Path, shell: Shell) -> None:
    folder = mapped(recurrent(), "spinnaker2", tmp_path / "out", reset="zero", chips=2)
    code, _, err = shell.run(folder, "--hardware", "--eth-ip", "1.2.3.4")
    assert code == 2 and "2 chips" in err and "--stm-ip" in err
