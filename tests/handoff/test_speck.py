"""A SpeckConfiguration read back from the recorder holds every array and link of the bundle,
and events go in and come out as the bundle says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.emulate.loaded import Loaded
from mapper.families.speck import emulate as emulator
from mapper.families.speck import load as speck_bundle
from tests.handoff.bundles import Shell, convolved, loaded, mapped, shell
from tests.handoff.samna_recorder import Recorder
from tests.verify import pooled
from tests.verify.draft import Draft

__all__ = ["shell"]


def speck(tmp_path: Path) -> Path:
    return mapped(convolved(), "speck2f", tmp_path / "out", semantics="sinabs")


@pytest.mark.parametrize(
    "build", [pooled.speck_chain, pooled.speck_split, pooled.speck_relay, pooled.speck_copies]
)
def test_read_back_equals_the_bundle(tmp_path: Path, build: Callable[[], Draft]) -> None:
    deploy = loaded(speck(tmp_path))
    draft = build()
    net = deploy.Net(draft.manifest, draft.arrays, {})
    made = Recorder("speck2f").modules["samna.speck2f.configuration"].SpeckConfiguration()
    deploy.fill(made, deploy.cores_of(net), net)
    _same_cores(net, made)
    links = {
        (core, port, end.layer, end.pooling, end.feature_shift)
        for core, layer in enumerate(made.cnn_layers)
        for port, end in enumerate(layer.destinations)
        if end.enable
    }
    assert links == {
        (k["source"], k["port"], k["target"], k["pool"], k["shift"])
        for k in draft.manifest["links"]
        if k["source"] >= 0
    }


def _same_cores(net: Any, made: Any) -> None:
    for part in net.manifest["slices"]:
        row, layer = net.populations[part["population"]], made.cnn_layers[part["core"]]
        low, high = part["box"][0]
        kernel = np.asarray(net.param(row, "kernel"))[low:high]
        weights = np.array(layer.weights).transpose(0, 1, 3, 2)
        base = min(low, row["shape"][0] - len(weights))
        assert np.array_equal(weights[low - base : high - base], kernel)
        assert np.count_nonzero(weights) == np.count_nonzero(kernel)
        assert layer.threshold_high == net.param(row, "threshold_high")
        assert layer.threshold_low == net.param(row, "threshold_low")
        assert layer.return_to_zero == (row["reset"] == "zero")
        size = layer.dimensions["output_shape"]["size"]
        assert (layer.dimensions["output_shape"]["feature_count"], size["y"], size["x"]) == (
            len(weights),
            *(*row["shape"], 1, 1)[1:3],
        )
    for helper in net.manifest["helpers"]:
        layer = made.cnn_layers[helper["core"]]
        weights = np.array(layer.weights)[:, :, 0, 0]
        assert np.array_equal(weights, np.eye(len(weights)) * layer.threshold_high)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def test_validated_and_not_applied_unless_asked(tmp_path: Path, shell: Shell) -> None:
    folder, recorder = speck(tmp_path), Recorder("speck2f")
    shell.install("samna", "0.48.6", recorder.modules)
    code, out, err = shell.run(folder)
    assert (code, err, recorder.done) == (0, "", ["validate"])
    assert "specksim runs it" in out
    code, out, _ = shell.run(folder, "--apply", "--device", "speck2fdevkit:0")
    assert code == 0 and "no data run" in out
    assert recorder.done == ["validate", "validate", "open Speck2fDevKit", "apply"]
    code, _, err = shell.run(folder, "--apply", "--check")
    assert code == 2 and "no data run" in err


def test_rejected_configuration_reaches_no_board(tmp_path: Path, shell: Shell) -> None:
    folder, recorder = speck(tmp_path), Recorder("speck2f", valid=False)
    shell.install("samna", "0.48.6", recorder.modules)
    code, _, err = shell.run(folder, "--apply")
    assert code == 2 and recorder.done == ["validate"]
    assert "kernel memory" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("boards", "words", "said"),
    [
        ((), (), "boards with a speck2f: none"),
        (("Speck2eDevKit",), (), "boards with a speck2f: none"),
        (("Speck2fDevKit", "Speck2fDevKit"), (), "name one with --device"),
        (("Speck2fDevKit",), ("--device", "Speck2fModuleDevKit"), 'no board "Speck2fModuleDevKit"'),
    ],
)
def test_a_board_that_is_not_there_is_named(
    tmp_path: Path, shell: Shell, boards: tuple[str, ...], words: tuple[str, ...], said: str
) -> None:
    folder, recorder = speck(tmp_path), Recorder("speck2f", boards=boards)
    shell.install("samna", "0.48.6", recorder.modules)
    code, _, err = shell.run(folder, "--hardware", *words)
    assert code == 2 and said in err and "apply" not in recorder.done


@pytest.mark.parametrize("words", [("--hardware", "--record-all"), ()])
def test_data_run_event_by_event_as_the_emulator_does(
    tmp_path: Path, shell: Shell, words: tuple[str, ...]
) -> None:
    """On the board and in specksim: every spike, in its step, of every sample anew."""
    folder, recorder = speck(tmp_path), Recorder("speck2f")
    shell.install("samna", "0.48.6", recorder.modules)
    raster = (np.random.default_rng(3).random((2, 12, 2, 8, 8)) < 0.2).astype(np.uint8)
    raster[1] = raster[0]
    np.savez(tmp_path / "data.npz", raster=raster, labels=[0, 1])
    run = tmp_path / "run.npz"
    given = ("--check", "--input", str(tmp_path / "data.npz"), "--save", str(run))
    code, out, err = shell.run(folder, *given, *words)
    assert (code, err) == (0, "") and "self-test: counts within 10 %" in out
    net = loaded(folder).load(str(folder), "speck")
    network = speck_bundle.network_of(Loaded(net.manifest, net.arrays))
    ran = emulator.run_events(network, emulator.events_of(raster)).record(list(net.populations))
    with np.load(run) as found:
        for i, name in enumerate(net.populations):
            assert ran.spikes[name].any()
            assert np.array_equal(found[f"population{i:03d}"], ran.spikes[name]), name
        assert str(found["where"]).startswith("samna 0.48.6, ")
        assert np.array_equal(found["labels"], [0, 1])
    if words:
        assert recorder.done[-1] == "close"


def test_on_a_board_only_what_outputs_need_is_recorded(tmp_path: Path, shell: Shell) -> None:
    folder, recorder = speck(tmp_path), Recorder("speck2f")
    shell.install("samna", "0.48.6", recorder.modules)
    code, _, err = shell.run(folder, "--hardware", "--save", str(tmp_path / "run.npz"))
    assert (code, err) == (0, "")
    monitored = [layer.monitor_enable for layer in recorder.made[0].cnn_layers]
    assert sum(monitored) == 1
    with np.load(tmp_path / "run.npz") as found:
        kept = sorted(name for name in found.files if name[:10] == "population")
        assert kept == ["population002", "population_names"]


@pytest.mark.parametrize("build", [pooled.speck_split, pooled.speck_relay, pooled.speck_copies])
def test_parts_relays_and_copies_run_as_whole_populations(
    tmp_path: Path, build: Callable[[], Draft]
) -> None:
    deploy, draft = loaded(speck(tmp_path)), build()
    rng = np.random.default_rng(0)
    for row in draft.manifest["populations"]:  # so that all fire
        row["params"] |= {"threshold_high": 60, "threshold_low": -20}
        kernel = row["params"]["kernel"]
        draft.arrays[kernel] = rng.integers(-20, 60, draft.arrays[kernel].shape)
    net = deploy.Net(draft.manifest, draft.arrays, {})
    recorder = Recorder("speck2f")
    cores = deploy.cores_of(net)
    for part in net.manifest["slices"]:
        cores[part["core"]]["monitor_enable"] = part["copy"] == 0
    made = recorder.modules["samna.speck2f.configuration"].SpeckConfiguration()
    deploy.fill(made, cores, net)
    samna, module = recorder.modules["samna"], recorder.modules["samna.speck2f"]
    board = deploy.Board(samna, module, "speck2f", None)
    board.apply(made)
    shapes = {name: net.shape(name) for name in net.inputs}
    rasters = {n: (rng.random((6, *shape)) < 0.3).astype(np.int64) for n, shape in shapes.items()}
    chip = deploy.Chip(samna, "speck2f", board, made, None)
    names = list(net.populations)
    found = {name: np.zeros((6, net.size(name)), np.int64) for name in names}
    for name, step, place in chip.sample(net, deploy.events_of(net, rasters), 6, names):
        np.add.at(found[name], (step, place), 1)
    network = speck_bundle.network_of(Loaded(net.manifest, net.arrays))
    raster = np.concatenate(list(rasters.values()), axis=1)[None]
    maps = raster.reshape(1, 6, *network.shape)
    ran = emulator.run_events(network, emulator.events_of(maps)).record(names)
    for name in names:
        assert ran.spikes[name].any()
        wanted = ran.spikes[name][0].astype(np.int64)
        merges = len(net.populations[name]["params"]["inputs"]) > 1
        if merges:  # where cores merge, the order of their spikes is free
            assert abs(found[name].sum() - wanted.sum()) <= 0.05 * wanted.sum(), name
        else:
            assert np.array_equal(found[name], wanted), name


def test_recorder_rejects_what_is_not_documented() -> None:
    made = Recorder("speck2f").modules["samna.speck2f.configuration"].SpeckConfiguration()
    with pytest.raises(AttributeError):
        made.cnn_layers[0].threshold = 3
    with pytest.raises(TypeError):
        made.cnn_layers[0].threshold_high = np.int64(3)
    with pytest.raises(TypeError):
        made.cnn_layers[0].destinations[0].pooling = 3


def test_the_sensor_feeds_a_network_that_is_only_applied(tmp_path: Path, shell: Shell) -> None:
    """Recorded data go to the cores themselves; the sensor is off while they run."""
    folder = mapped(convolved(), "speck2f", tmp_path / "o", semantics="sinabs", entry="dvs")
    recorder = Recorder("speck2f")
    shell.install("samna", "0.48.6", recorder.modules)
    assert shell.run(folder, "--apply")[0] == 0
    assert shell.run(folder, "--hardware")[0] == 0
    applied, ran = (made.dvs_layer for made in recorder.made)
    assert applied.pass_sensor_events and not ran.pass_sensor_events
    assert (applied.cut.x, applied.cut.y, applied.merge) == (7, 7, False)
    ends = [end.layer for end in applied.destinations if end.enable]
    links = loaded(folder).load(str(folder), "speck").manifest["links"]
    assert ends == [k["target"] for k in links if k["source"] < 0]


def test_biases_come_with_the_slow_clock(tmp_path: Path, shell: Shell) -> None:
    network = convolved()
    network.nodes["conv"].bias = np.array([0.1, 0, 0, -0.1])
    folder = mapped(network, "speck2f", tmp_path / "o", semantics="sinabs", chip_dt=1e-3)
    recorder = Recorder("speck2f")
    shell.install("samna", "0.48.6", recorder.modules)
    code, out, _ = shell.run(folder)
    assert code == 0 and "knows no bias" in out
    assert shell.run(folder, "--apply")[0] == 0
    assert recorder.done[-2:] == ["clock True", "rate 1000"]
    assert any(layer.leak_enable for layer in recorder.made[-1].cnn_layers)
