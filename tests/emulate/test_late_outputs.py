"""A Delay behind the last neuron: the host holds the spikes, and the output is the ideal one's."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from tests.asking import emulate
from tests.handoff.bundles import loaded

DT = 1e-3
DEVICES = {
    "loihi2": {"reset": "zero", "comparison": ">"},
    "spinnaker2": {"reset": "zero", "comparison": ">"},
    "xylo-audio2": {"reset": "subtract", "comparison": ">"},
    "speck2f": {"reset": "subtract", "comparison": ">="},
}


def neurons(device: str, shape: tuple[int, ...]) -> nir.NIRNode:
    """The kind that the family has, with decays that its integers hold without loss."""
    ones = np.ones(shape)
    if device == "speck2f":
        return nir.IF(r=ones, v_threshold=ones, v_reset=0 * ones)
    if device == "xylo-audio2":
        return nir.CubaLIF(
            tau_syn=4 * DT * ones,
            tau_mem=16 * DT * ones,
            r=16 * ones,
            v_leak=0 * ones,
            v_threshold=ones,
            v_reset=0 * ones,
            w_in=4 * ones,
        )
    return nir.LIF(tau=16 * DT * ones, r=16 * ones, v_leak=0 * ones, v_threshold=ones)


def network(device: str, delays: list[np.ndarray | float], read: bool = False) -> nir.NIRGraph:
    """Input > Linear > neurons > an Output for each of `delays` (steps; a number: for all).

    read: a Linear stands between each Delay and its Output.
    """
    weight = np.eye(4)[[0, 1, 2, 3, 0, 1]] * (0.2 if device == "xylo-audio2" else 1.0)
    nodes = {"input": nir.Input(np.array([4])), "w": nir.Linear(weight), "a": neurons(device, (6,))}
    edges = [("input", "w"), ("w", "a")]
    for i, steps in enumerate(delays):
        nodes[f"late{i}"] = nir.Delay(DT * np.broadcast_to(steps, (6,)))
        edges.append(("a", f"late{i}"))
        last = f"late{i}"
        if read:
            nodes[f"read{i}"] = nir.Linear(np.arange(18.0).reshape(3, 6))
            edges.append((last, f"read{i}"))
            last = f"read{i}"
        nodes[f"out{i}"] = nir.Output(np.array([3 if read else 6]))
        edges.append((last, f"out{i}"))
    return nir.NIRGraph(nodes=nodes, edges=edges)


def plain(device: str) -> nir.NIRGraph:
    """The same without a Delay."""
    made = network(device, [0.0])
    nodes = {name: node for name, node in made.nodes.items() if name != "late0"}
    return nir.NIRGraph(nodes=nodes, edges=[("input", "w"), ("w", "a"), ("a", "out0")])


CASES = {
    "one": ([2.0], False),
    "several outputs": ([2.0, 0.0, 5.0], False),
    "one a neuron": ([np.array([0.0, 1, 2, 3, 2, 7])], False),
    "longer than the run": ([100.0], False),
    "read out": ([3.0], True),
    "one a neuron, read out": ([np.array([0.0, 1, 2, 3, 2, 7])], True),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CASES)
def test_outputs_are_late_as_in_the_ideal_network(device: str, name: str) -> None:
    made = network(device, *CASES[name])
    rule = {"semantics": "nir", "file_dt": DT, "chip_dt": DT, **DEVICES[device]}
    options = rule | {"allow": ("decays-on-grid",), "exact": False}
    result = api.map(made, device, **options)
    assert result.bundle is not None and result.checked is not None, result.text
    assert result.checked.ok
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    raster = (np.random.default_rng(2).random((3, 40, 4)) < 0.4).astype(np.uint8)
    found = emulate(bundle, raster, seed=None)
    spikes = found.populations["a"]
    assert spikes.sum() > 100 and (spikes.max() == 1 or device == "speck2f")
    bare = api.map(plain(device), device, **options).bundle
    assert bare is not None
    np.testing.assert_array_equal(
        spikes, emulate(Loaded(bare.manifest, bare.arrays), raster, seed=None).populations["a"]
    )
    (was,) = bare.manifest["outputs"]
    for row, steps in zip(bundle.manifest["outputs"], CASES[name][0], strict=True):
        wanted = np.zeros(spikes.shape)
        for neuron, late in enumerate(np.broadcast_to(steps, (6,)).astype(int)):
            wanted[:, late:, neuron] = spikes[:, : max(0, 40 - late), neuron]
        if CASES[name][1]:
            wanted = wanted @ np.arange(18.0).reshape(3, 6).T
        np.testing.assert_allclose(found.outputs[row["name"]], wanted, atol=1e-9)
        assert row["latency"] == was["latency"]  # against the network of the file


@pytest.mark.parametrize("device", ["loihi2", "speck2f"])
def test_the_ideal_network_gives_the_same(device: str) -> None:
    """Weights, thresholds and decays that the integers hold: spike for spike."""
    made = network(device, [2.0, np.array([0.0, 1, 2, 3, 2, 7])])
    rule = {"file_dt": DT, "chip_dt": DT, **DEVICES[device]}
    result = api.map(made, device, semantics="nir", **rule)
    assert result.bundle is not None, result.text
    raster = (np.random.default_rng(2).random((3, 40, 4)) < 0.4).astype(np.uint8)
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    found = emulate(bundle, raster, seed=None)
    graph = api.read(made).graph
    outputs = ["out0", "out1"]
    ideal = run(graph, result.outcome.question.semantics, raster, record=outputs)
    for name in outputs:
        assert ideal.sent[name].sum() > 100
        np.testing.assert_array_equal(found.outputs[name], ideal.sent[name])


def test_the_hand_off_computes_what_the_emulator_does(tmp_path: Path) -> None:
    """deploy.py holds values as the emulator: its own code, run on recorded spikes."""
    made = network("loihi2", [np.array([0.0, 1, 2, 3, 2, 7])], read=True)
    rule = {"semantics": "nir", "file_dt": DT, "chip_dt": DT, **DEVICES["loihi2"]}
    result = api.map(made, "loihi2", output=tmp_path / "out", **rule)
    assert result.bundle is not None
    deploy = loaded(tmp_path / "out")
    net = deploy.load(str(tmp_path / "out"), "loihi2")
    spikes = {"a": (np.random.default_rng(0).random((2, 30, 6)) < 0.5).astype(np.int64)}
    given = deploy.host(net, "out0", spikes, np.zeros((2, 30, 4)))
    late = deploy.held(spikes["a"].astype(float), np.array([0, 1, 2, 3, 2, 7]))
    np.testing.assert_allclose(given, late @ np.arange(18.0).reshape(3, 6).T)
    assert late[:, 1:, 1].sum() > 0
    np.testing.assert_array_equal(late[:, 3:, 3], spikes["a"][:, :-3, 3])
