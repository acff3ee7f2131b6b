"""Several graph inputs of one Speck bundle: each population hears its own, as the ideal does."""

from __future__ import annotations

from itertools import pairwise

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from tests.asking import emulate


def two_eyes() -> nir.NIRGraph:
    """A 2 x 6 x 6 and a 1 x 4 x 4 input, each with a layer of its own, and one that reads both."""
    rng = np.random.default_rng(6)

    def conv(outs: int, ins: int, side: int) -> nir.Conv2d:
        weight = np.rint(rng.normal(0, 30, (outs, ins, 3, 3))).clip(-127, 127) / 254
        weight.flat[0] = 127 / 254
        return nir.Conv2d((side, side), weight, 1, 0, 1, 1, np.zeros(outs))

    def fire(*shape: int) -> nir.IF:
        return nir.IF(np.ones(shape), np.ones(shape), np.zeros(shape))

    def dense(n: int) -> nir.Linear:
        weight = np.rint(rng.normal(0, 60, (3, n))).clip(-127, 127) / 254
        weight.flat[0] = 127 / 254
        return nir.Linear(weight)

    nodes = {
        "big": nir.Input(np.array([2, 6, 6])),
        "c": conv(2, 2, 6),
        "a": fire(2, 4, 4),
        "fa": nir.Flatten({"input": np.array([2, 4, 4])}, 0),
        "wa": dense(32),
        "o": fire(3),
        "output": nir.Output(np.array([3])),
        "small": nir.Input(np.array([1, 4, 4])),
        "d": conv(2, 1, 4),
        "b": fire(2, 2, 2),
        "fb": nir.Flatten({"input": np.array([2, 2, 2])}, 0),
        "wb": dense(8),
        "p": fire(3),
        "second": nir.Output(np.array([3])),
    }
    names = list(nodes)
    edges = [*pairwise(names[:7]), *pairwise(names[7:])]
    return nir.NIRGraph(nodes, edges)


@pytest.mark.parametrize("stepped", [True, False])
def test_each_layer_hears_its_own_input(stepped: bool) -> None:
    graph = two_eyes()
    options = {"semantics": "sinabs", "v_min": "none"}
    result = api.map(graph, "speck2f", **options)
    assert result.bundle is not None, result.text
    asked = api.ask(graph, "speck2f", **options)
    rng = np.random.default_rng(2)
    rasters = {
        "big": (rng.random((4, 30, 2, 6, 6)) < 0.1).astype(np.uint8),
        "small": (rng.random((4, 30, 1, 4, 4)) < 0.1).astype(np.uint8),
    }
    flat = np.concatenate([r.reshape(4, 30, -1) for r in rasters.values()], axis=2)
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    assert list(bundle.inputs) == list(rasters)
    found = emulate(bundle, flat, seed=None if stepped else 0).counts()
    wanted = run(asked.source.graph, asked.semantics, rasters)
    ideal = np.concatenate(
        [wanted.counts[row["name"]].reshape(4, -1) for row in result.bundle.manifest["outputs"]],
        axis=1,
    )
    assert ideal.sum() > 20
    # stepped in time the two agree; the order of events moves some spikes
    assert np.abs(found - ideal).sum() <= (0 if stepped else 0.35 * ideal.sum())
