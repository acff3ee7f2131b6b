"""Threshold nodes on a chip: what they let through is what the ideal network's let through."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from nir_io.errors import BadInput
from tests.asking import emulate

DT = 1e-3
RULE = {"semantics": "nir", "file_dt": DT, "comparison": ">"}


def line(inputs: tuple[int, ...], *nodes: nir.NIRNode) -> nir.NIRGraph:
    """input > n0 > n1 > ... > output."""
    names = ["input", *(f"n{i}" for i in range(len(nodes))), "output"]
    shape = next(iter(nodes[-1].output_type.values()))
    ends = nir.Input(np.array(inputs)), nir.Output(np.array(shape))
    return nir.NIRGraph(
        dict(zip(names, (ends[0], *nodes, ends[1]), strict=True)), list(pairwise(names))
    )


def lif(n: int) -> nir.LIF:
    ones = np.ones(n)
    return nir.LIF(tau=16 * DT * ones, r=16 * ones, v_leak=0 * ones, v_threshold=ones)


def threshold(values: object) -> nir.Threshold:
    return nir.Threshold(np.array(values, dtype=float))


def dense(outputs: int, inputs: int, seed: int = 0) -> nir.Linear:
    """Weights that an 8-bit integer and a shared exponent hold without loss."""
    rng = np.random.default_rng(seed)
    return nir.Linear(rng.integers(-2, 6, (outputs, inputs)) / 4)


def conv() -> nir.Conv2d:
    rng = np.random.default_rng(5)
    return nir.Conv2d(
        input_shape=(5, 5),
        weight=rng.integers(-1, 4, (3, 2, 3, 3)) / 4,
        stride=1,
        padding=1,
        dilation=1,
        groups=1,
        bias=np.zeros(3),
    )


NETWORKS: dict[str, Callable[[], nir.NIRGraph]] = {
    "hidden": lambda: line((6,), dense(6, 6), threshold([0.6] * 6), dense(4, 6, 1), lif(4)),
    "last": lambda: line((6,), dense(6, 6), lif(6), dense(4, 6, 1), threshold([0.6] * 4)),
    "alone": lambda: line((6,), dense(4, 6), threshold([0.6] * 4)),
    "at the input": lambda: line((6,), threshold([0.6] * 6), dense(4, 6, 1), lif(4)),
    "one a neuron": lambda: line((6,), dense(4, 6), threshold([0.3, 0.6, 1.1, 1.6])),
    "two in a row": lambda: line((6,), dense(6, 6), threshold([0.6] * 6), threshold([0.6] * 6)),
    "with a bias": lambda: line(
        (6,), nir.Affine(dense(4, 6).weight, np.array([0.25, -0.25, 0, 1])), threshold([0.6] * 4)
    ),
    "behind a convolution": lambda: line((2, 5, 5), conv(), threshold(np.full((3, 5, 5), 0.6))),
    "one a channel": lambda: line(
        (2, 5, 5),
        conv(),
        threshold(np.broadcast_to([[[0.6]], [[1.1]], [[1.6]]], (3, 5, 5))),
        nir.Flatten({"input": np.array([3, 5, 5])}, start_dim=0, end_dim=-1),
        dense(4, 75, 2),
        lif(4),
    ),
}


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("name", NETWORKS)
def test_loihi2_lets_through_what_the_ideal_network_does(name: str, reset: str) -> None:
    made = NETWORKS[name]()
    result = api.map(made, "loihi2", **RULE, reset=reset, weight_bits=8)
    assert result.bundle is not None and result.checked is not None, result.text
    assert result.checked.ok
    graph = api.read(made).graph
    shape = graph.nodes["input"].shape_out
    raster = (np.random.default_rng(2).random((3, 40, *shape)) < 0.3).astype(np.uint8)
    found = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), raster)
    stateless = [n for n, node in made.nodes.items() if isinstance(node, nir.Threshold)]
    ideal = run(graph, result.outcome.question.semantics, raster, record=stateless)
    heard = 0
    for node in stateless:
        wanted = ideal.sent[node].reshape(3, 40, -1)
        if name == "last":  # on the spikes that the chip's LIF gave, whose decay is rounded
            wanted = (
                found.populations["n1"] @ made.nodes["n2"].weight.T > made.nodes[node].threshold
            )
        np.testing.assert_array_equal(found.populations[node], wanted)
        heard += int(wanted.sum())
    assert heard > 30


DEVICES = ("loihi2", "spinnaker2", "xylo-audio2", "speck2f")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_family_gives_an_answer(name: str, device: str) -> None:
    """It fits, or a conflict names the Threshold; a bug of ours would be an exception."""
    result = api.check(NETWORKS[name](), device, **RULE, reset="zero", chip_dt=DT)
    assert result.exit_code == (0 if device == "loihi2" else 1)
    assert result.fits or "Threshold" in result.text


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("low", [0.0, -0.5])
def test_thresholds_that_are_not_above_0_are_named(device: str, low: float) -> None:
    made = line((6,), dense(4, 6), threshold([0.5, low, 0.5, low]))
    says = f"'n1': 2 of 4 thresholds \\(least {low:g}\\) are not above 0"
    with pytest.raises(BadInput, match=says):
        api.check(made, device, **RULE, reset="zero", chip_dt=DT)


def test_the_advice_for_low_thresholds_computes_the_same() -> None:
    """A constant added to the thresholds and, as a bias, to what they are compared with."""
    low = np.array([0.5, -0.25, 0.0, -1.0])
    weight = dense(4, 6).weight
    made = line((6,), nir.Linear(weight), threshold(low))
    shifted = line((6,), nir.Affine(weight, np.full(4, 2.0)), threshold(low + 2.0))
    raster = (np.random.default_rng(2).random((2, 30, 6)) < 0.3).astype(np.uint8)
    rule = api.ask(shifted, "loihi2", **RULE, reset="zero").semantics
    sent = [run(api.read(g).graph, rule, raster, record=["n1"]).sent["n1"] for g in (made, shifted)]
    np.testing.assert_array_equal(*sent)
    result = api.map(shifted, "loihi2", **RULE, reset="zero")
    assert result.bundle is not None
    found = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), raster)
    assert np.mean(found.populations["n1"] == sent[0]) > 0.97
