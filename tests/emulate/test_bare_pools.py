"""A pooling that feeds neurons without weights: on Loihi 2 a strided convolution of ones."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from tests.asking import emulate
from tests.emulate.test_chains_on_speck import conv, pool
from tests.emulate.test_lines_on_speck import line, spikes

NETWORKS = {
    "of the input": lambda: line((2, 8, 8), pool(2), spikes(2, 4, 4)),
    "averages of the input": lambda: line(
        (2, 8, 8),
        nir.AvgPool2d(
            kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([0, 0])
        ),
        spikes(2, 4, 4),
    ),
    "between neurons": lambda: line(
        (2, 8, 8), conv((2, 8, 8), 2, padding=1), spikes(2, 8, 8), pool(2), spikes(2, 4, 4)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_spikes_as_the_ideal_network_on_loihi2(name: str, tmp_path: Path) -> None:
    made, file = NETWORKS[name](), tmp_path / "network.nir"
    nir.write(file, made)
    rule = {"semantics": "snntorch", "reset": "zero", "file_dt": 1e-3}
    result = api.map(file, "loihi2", output=tmp_path / "out", **rule)
    assert result.bundle is not None, result.text
    assert api.verify(tmp_path / "out", file).ok
    raster = (np.random.default_rng(2).random((3, 30, 2, 8, 8)) < 0.1).astype(np.uint8)
    found = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), raster)
    names = [name for name, node in made.nodes.items() if isinstance(node, nir.IF)]
    ideal = run(api.read(made).graph, result.outcome.question.semantics, raster, record=names)
    for name in names:
        assert ideal.sent[name].sum() > 50
        np.testing.assert_array_equal(found.populations[name], ideal.sent[name].reshape(3, 30, -1))
