"""Xylo's hand-off to rockpool: a valid configuration first, every sample from rest.

rockpool.devices.xylo is a stand-in here: `config_from_specification` takes its documented
arguments, XyloSamna runs them on our emulator and keeps its state between calls as the chip
does. rockpool's own functions get the same dictionary in scripts/sdk_handoff.py.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mapper.emulate.loaded import Loaded
from mapper.families.xylo import emulate as xylo
from tests.asking import emulate
from tests.handoff.bundles import Shell, loaded, mapped, recurrent, shell

__all__ = ["shell"]
CHIPS = {"xylo-audio2": "syns61201", "xylo-audio3": "syns65302", "xylo-imu": "syns63300"}


class Rockpool:
    """The modules of the stand-in, and what was done with them."""

    def __init__(self, chip: str, *, valid: bool = True, connected: bool = True) -> None:
        self.done: list[str] = []
        self.chip, self.valid, self.silence = chip, valid, 0
        self.rest = True
        top, module = (
            ModuleType("rockpool.devices.xylo"),
            ModuleType(f"rockpool.devices.xylo.{CHIPS[chip]}"),
        )
        vars(top)["find_xylo_hdks"] = self._find
        vars(module)["config_from_specification"] = self._configure
        vars(module)["XyloSamna"] = lambda *given, **more: Samna(self, *given, **more)
        self.boards = ([object()], [module], ["?"]) if connected else ([], [], [])
        packages = {name: ModuleType(name) for name in ("rockpool", "rockpool.devices")}
        self.modules = packages | {found.__name__: found for found in (top, module)}

    def _find(self) -> Any:
        self.done.append("find")
        return self.boards

    def _configure(self, weights_in: Any, weights_out: Any, weights_rec: Any, **more: Any) -> Any:
        assert weights_in.ndim == 3 and weights_rec.ndim == 3 and weights_out.ndim == 2
        assert more.pop("aliases") is None
        synapses = weights_in.shape[2]
        assert synapses == 1 or self.chip != "xylo-imu"
        second = [more.pop("dash_syn_2")] if synapses == 2 else []
        bias = {"bias": more.pop("bias_hidden", None), "bias_out": more.pop("bias_out", None)}
        dash = np.stack([more.pop("dash_syn"), *second], axis=1)
        known = {"dash_mem", "dash_mem_out", "dash_syn_out", "threshold", "threshold_out"}
        assert set(more) == known | {f"weight_shift_{end}" for end in ("in", "rec", "out")}
        weights = {"weights_in": weights_in, "weights_rec": weights_rec, "weights_out": weights_out}
        config = xylo.Network(**weights, dash_syn=dash, **bias, **more)
        return config, self.valid, "" if self.valid else "hidden neurons\nexceeded"


class Samna:
    """XyloSamna. The chip's states outlive a network: it may start only with all of them 0.

    They are so at first, after a reset, and after enough steps of a network in which nothing
    drives a neuron.
    """

    def __init__(self, rockpool: Rockpool, board: Any, config: xylo.Network, dt: float) -> None:
        assert type(dt) is float and board is rockpool.boards[0][0]
        rockpool.done.append("configure")
        self.rockpool, self.config = rockpool, config

    def reset_state(self) -> None:
        assert self.rockpool.chip == "xylo-audio2", "only Audio 2 can be reset"
        self.rockpool.rest = True

    def __call__(self, raster: Any, record: bool = False) -> tuple[Any, dict[str, Any], Any]:
        self.rockpool.done.append(f"run {len(raster)}" + " recorded" * record)
        net = self.config
        drives = (net.weights_rec, net.weights_out, net.bias, net.bias_out, raster)
        still = not any(np.any(value) for value in drives if value is not None)
        if still and len(raster) >= self.rockpool.silence:
            self.rockpool.rest = True
        else:
            assert self.rockpool.rest, "states are left on the chip"
            self.rockpool.rest = False
        ran = xylo.run(net, raster[None]).spikes
        hidden = ran["hidden"][0]
        if self.rockpool.chip == "xylo-imu":  # as many as have input weights
            hidden = hidden[:, : net.weights_in.shape[1]]
        return ran["output"][0], {}, {"Spikes": hidden} if record else {}


def board(shell: Shell, tmp_path: Path, chip: str, **more: Any) -> tuple[Path, Rockpool]:
    options: dict[str, Any] = {"reset": "subtract", "allow": ("decays-on-grid", "reset-kind")}
    folder = mapped(recurrent(), chip, tmp_path / "out", **options)
    rockpool = Rockpool(chip, **more)
    shell.install("rockpool", "3.1.0", rockpool.modules)
    shell.install("samna", "0.48.6", {"samna": ModuleType("samna")})
    return folder, rockpool


@pytest.mark.parametrize("chip", CHIPS)
def test_samples_run_from_rest(tmp_path: Path, shell: Shell, chip: str) -> None:
    folder, rockpool = board(shell, tmp_path, chip)
    raster = (np.random.default_rng(2).random((3, 30, 5)) < 0.4).astype(np.uint8)
    raster[2] = raster[0]
    np.savez(tmp_path / "data.npz", raster=raster)
    run = tmp_path / "run.npz"
    silence = loaded(folder).load(str(folder), "xylo").manifest["contract"]["reset_between_samples"]
    rockpool.silence = 0 if silence == "state" else silence
    given = ("--input", str(tmp_path / "data.npz"), "--save", str(run), "--check")
    code, out, err = shell.run(folder, "--hardware", "--record-all", *given)
    assert (code, err) == (0, "") and "self-test equals" in out
    assert rockpool.done[:2] == ["find", "configure"]
    stored = loaded(folder).load(str(folder), "xylo")
    wanted = emulate(Loaded(stored.manifest, stored.arrays), raster)
    with np.load(run) as found:
        for i, values in enumerate(wanted.outputs.values()):
            assert values.any() and np.array_equal(found[f"output{i:03d}"], values)
        for i, values in enumerate(wanted.populations.values()):
            assert np.array_equal(found[f"population{i:03d}"], values)


def test_hidden_spikes_are_read_only_on_request(tmp_path: Path, shell: Shell) -> None:
    folder, rockpool = board(shell, tmp_path, "xylo-audio2")
    assert shell.run(folder, "--hardware")[0] == 0
    assert not any("recorded" in said for said in rockpool.done)
    assert shell.run(folder, "--hardware", "--record-all")[0] == 0
    assert any("recorded" in said for said in rockpool.done)


def test_rejected_configuration_reaches_no_board(tmp_path: Path, shell: Shell) -> None:
    folder, rockpool = board(shell, tmp_path, "xylo-audio3", valid=False)
    code, _, err = shell.run(folder, "--hardware")
    assert code == 2 and "hidden neurons" in err and len(err.splitlines()) == 1
    assert rockpool.done == []


def test_board_and_packages_that_are_missing_are_named(tmp_path: Path, shell: Shell) -> None:
    folder, rockpool = board(shell, tmp_path, "xylo-audio3", connected=False)
    code, _, err = shell.run(folder, "--hardware")
    assert code == 2 and "no board with a xylo-audio3" in err and rockpool.done == ["find"]
    shell.install("rockpool", "2.9.0", {})
    assert "rockpool is version 2.9.0" in shell.run(folder, "--hardware")[2]
