"""Neurons whose time constant is the time step forget within a step: on chips as ideally."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from tests.asking import emulate

DT = 1e-3
SAMPLES, STEPS, INPUTS = 20, 50, 8


def network(cuba: bool) -> nir.NIRGraph:
    """Weights that 7 bits hold; taus as float32, as frameworks write them."""
    rng = np.random.default_rng(3)
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input(np.array([INPUTS]))}
    edges, before, width = [], "input", INPUTS
    for i, n in enumerate((12, 6)):
        dt, one, zero = (np.full(n, x, np.float32) for x in (DT, 1.0, 0.0))
        high = np.full(n, 1.125, np.float32)  # between two sums of weights: no spike hangs on a tie
        nodes[f"w{i}"] = nir.Linear(rng.integers(-2, 5, (n, width)) / 4)
        nodes[f"n{i}"] = (
            nir.CubaLIF(
                tau_syn=dt, tau_mem=dt, r=one, v_leak=zero, v_threshold=high, v_reset=zero, w_in=one
            )
            if cuba
            else nir.LIF(tau=dt, r=one, v_leak=zero, v_threshold=high, v_reset=zero)
        )
        edges += [(before, f"w{i}"), (f"w{i}", f"n{i}")]
        before, width = f"n{i}", n
    nodes["output"] = nir.Output(np.array([width]))
    return nir.NIRGraph(nodes, [*edges, (before, "output")])


@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("cuba", [False, True])
@pytest.mark.parametrize("device", ["loihi2", "spinnaker2"])
def test_spikes_are_the_ideal_networks(device: str, cuba: bool, reset: str) -> None:
    asked = {"semantics": "nir", "file_dt": DT, "reset": reset, "comparison": ">"}
    result = api.check(network(cuba), device, **asked)
    assert result.fits, result.text
    assert result.bundle is not None
    rng = np.random.default_rng(7)
    raster = (rng.random((SAMPLES, STEPS, INPUTS)) < 0.3).astype(np.uint8)
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    chip = emulate(bundle, raster).outputs["output"]
    semantics = result.outcome.question.semantics
    ideal = run(result.graph, semantics, raster, record=["output"]).sent["output"]
    differ = np.count_nonzero(np.reshape(chip, ideal.shape) != ideal)
    assert np.count_nonzero(ideal) > 500
    assert differ == 0
