"""Conv1d on Speck: maps of one pixel in width, whatever reads them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from mapper.verify.manifest import as_map
from tests.asking import emulate

RULE = {"semantics": "sinabs", "chip_dt": 1e-3}


def line(inputs: tuple[int, ...], *nodes: nir.NIRNode) -> nir.NIRGraph:
    """input > n0 > n1 > ... > output."""
    names = ["input", *(f"n{i}" for i in range(len(nodes))), "output"]
    shape = next(iter(nodes[-1].output_type.values()))
    ends = nir.Input(np.array(inputs)), nir.Output(np.array(shape))
    return nir.NIRGraph(
        dict(zip(names, (ends[0], *nodes, ends[1]), strict=True)), list(pairwise(names))
    )


def spikes(*shape: int) -> nir.IF:
    return nir.IF(r=np.ones(shape), v_threshold=np.ones(shape), v_reset=np.zeros(shape))


def whole(seed: int, *shape: int) -> np.ndarray:
    """Whole numbers of 128ths, the largest 127: stored without loss, and summed so."""
    weight = np.random.default_rng(seed).integers(-50, 110, shape) / 128
    weight.flat[0] = 127 / 128
    return weight


def along(
    given: tuple[int, int], out: int, kernel: int, padding: int = 0, stride: int = 1, seed: int = 0
) -> nir.Conv1d:
    return nir.Conv1d(
        input_shape=given[1],
        weight=whole(seed, out, given[0], kernel),
        stride=stride,
        padding=padding,
        dilation=1,
        groups=1,
        bias=np.zeros(out),
    )


def flat(*shape: int) -> nir.Flatten:
    return nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)


def dense(outputs: int, inputs: int) -> nir.Linear:
    return nir.Linear(whole(9, outputs, inputs))


NETWORKS: dict[str, Callable[[], nir.NIRGraph]] = {
    "alone": lambda: line((2, 8), along((2, 8), 3, 3, 1), spikes(3, 8)),
    "unpadded": lambda: line((2, 8), along((2, 8), 3, 3), spikes(3, 6)),
    "strided": lambda: line((2, 8), along((2, 8), 3, 3, 1, 2), spikes(3, 4)),
    "even kernel": lambda: line((2, 8), along((2, 8), 3, 4), spikes(3, 5)),
    "kernel of 1": lambda: line((2, 8), along((2, 8), 3, 1), spikes(3, 8)),
    "one behind the other": lambda: line(
        (2, 8),
        along((2, 8), 3, 3, 1),
        spikes(3, 8),
        along((3, 8), 4, 5, 2, 1, 1),
        spikes(4, 8),
    ),
    "dense behind it": lambda: line(
        (2, 8), along((2, 8), 3, 3, 1), spikes(3, 8), flat(3, 8), dense(4, 24), spikes(4)
    ),
    "dense behind a dense one": lambda: line(
        (2, 8),
        along((2, 8), 3, 3, 1),
        spikes(3, 8),
        flat(3, 8),
        dense(4, 24),
        spikes(4),
        dense(2, 4),
        spikes(2),
    ),
    "dense at the input": lambda: line((2, 8), flat(2, 8), dense(4, 16), spikes(4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_bundle_computes_what_the_ideal_network_does(name: str, tmp_path: Path) -> None:
    made = NETWORKS[name]()
    result = api.map(made, "speck2f", output=tmp_path / "out", **RULE)
    assert result.bundle is not None, result.text
    assert api.verify(tmp_path / "out").ok
    graph = api.read(made).graph
    shape = graph.nodes["input"].shape_out
    raster = (np.random.default_rng(2).random((3, 30, *shape)) < 0.2).astype(np.uint8)
    found = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), raster, seed=None)
    named = [n for n, node in made.nodes.items() if isinstance(node, nir.IF)]
    ideal = run(graph, result.outcome.question.semantics, raster, record=named)
    for node in named:
        assert ideal.sent[node].sum() > 20
        np.testing.assert_array_equal(found.populations[node], ideal.sent[node].reshape(3, 30, -1))


def leaky(*shape: int) -> nir.LIF:
    ones = np.ones(shape)
    return nir.LIF(tau=16e-3 * ones, r=16 * ones, v_leak=0 * ones, v_threshold=ones)


@pytest.mark.parametrize("device", ["loihi2", "spinnaker2"])
@pytest.mark.parametrize("padding", [0, 1])
def test_the_same_on_chips_of_many_cores(device: str, padding: int) -> None:
    made = line((2, 8), along((2, 8), 3, 3, padding), leaky(3, 6 + 2 * padding))
    rule = {"semantics": "nir", "file_dt": 1e-3, "comparison": ">" if device == "loihi2" else ">="}
    result = api.map(made, device, reset="zero", **rule)
    assert result.bundle is not None, result.text
    assert [row["form"] for row in result.bundle.manifest["projections"]] == ["conv"]
    graph = api.read(made).graph
    raster = (np.random.default_rng(2).random((3, 30, 2, 8)) < 0.2).astype(np.uint8)
    found = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), raster).populations["n1"]
    ideal = run(graph, result.outcome.question.semantics, raster, record=["n1"]).sent["n1"]
    assert ideal.sum() > 100
    assert np.abs(found - ideal.reshape(3, 30, -1)).sum() <= 0.05 * ideal.sum()


def test_hand_offs_lay_a_line_as_the_checker_does(tmp_path: Path) -> None:
    """(channels, y, x) of what is (channels, x) in the file: one pixel wide."""
    from tests.handoff.bundles import loaded

    made = line((2, 8), along((2, 8), 3, 3, 1), spikes(3, 8))
    api.map(made, "speck2f", output=tmp_path / "speck", **RULE)
    assert loaded(tmp_path / "speck").map_of((3, 8)) == as_map((3, 8)) == (3, 8, 1)
