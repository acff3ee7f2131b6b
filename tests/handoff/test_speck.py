"""A SpeckConfiguration read back from the recorder holds every array and link of the bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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


def test_validated_and_not_applied_unless_asked(tmp_path: Path, shell: Shell) -> None:
    folder, recorder = speck(tmp_path), Recorder("speck2f")
    shell.install("samna", "0.48.6", recorder.modules)
    code, out, err = shell.run(folder)
    assert (code, err, recorder.done) == (0, "", ["validate"])
    assert "not applied" in out
    code, _, _ = shell.run(folder, "--apply", "--device", "Speck2fDevKit:0")
    assert code == 0
    assert recorder.done == ["validate", "validate", "open Speck2fDevKit:0", "apply"]


def test_rejected_configuration_reaches_no_board(tmp_path: Path, shell: Shell) -> None:
    folder, recorder = speck(tmp_path), Recorder("speck2f", valid=False)
    shell.install("samna", "0.48.6", recorder.modules)
    code, _, err = shell.run(folder, "--apply", "--device", "x")
    assert code == 2 and recorder.done == ["validate"]
    assert "kernel memory" in err and len(err.splitlines()) == 1


def test_recorder_rejects_what_is_not_documented() -> None:
    made = Recorder("speck2f").modules["samna.speck2f.configuration"].SpeckConfiguration()
    with pytest.raises(AttributeError):
        made.cnn_layers[0].threshold = 3
    with pytest.raises(TypeError):
        made.cnn_layers[0].threshold_high = np.int64(3)
    with pytest.raises(TypeError):
        made.cnn_layers[0].destinations[0].pooling = 3
