"""Convolutions in a row without a neuron between, on Speck: one convolution, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.ideal import run
from mapper.emulate.loaded import Loaded
from tests.asking import emulate
from tests.emulate.test_lines_on_speck import RULE, along, dense, flat, line, spikes, whole


def conv(
    given: tuple[int, int, int], out: int, kernel: int = 3, padding: int = 0, stride: int = 1
) -> nir.Conv2d:
    """With 2 output channels: each picks one pixel of one channel, so that products are exact."""
    weight = whole(out, out, given[0], kernel, kernel)
    if out == 2:
        weight = np.zeros(weight.shape)
        weight[0, 1, 0, kernel // 2] = weight[1, 0, kernel - 1, 0] = 1.0
    return nir.Conv2d(
        input_shape=given[1:],
        weight=weight,
        stride=stride,
        padding=padding,
        dilation=1,
        groups=1,
        bias=np.zeros(out),
    )


def pool(side: int) -> nir.SumPool2d:
    return nir.SumPool2d(
        kernel_size=np.array([side, side]), stride=np.array([side, side]), padding=np.array([0, 0])
    )


FITS: dict[str, Callable[[], nir.NIRGraph]] = {
    "unpadded": lambda: line((2, 8, 8), conv((2, 8, 8), 2), conv((2, 6, 6), 3), spikes(3, 4, 4)),
    "padded in front": lambda: line(
        (2, 8, 8), conv((2, 8, 8), 2, padding=1), conv((2, 8, 8), 3), spikes(3, 6, 6)
    ),
    "kernel of 1 in front": lambda: line(
        (2, 8, 8), conv((2, 8, 8), 2, 1), conv((2, 8, 8), 3, padding=1), spikes(3, 8, 8)
    ),
    "a pooling in front": lambda: line(
        (2, 8, 8), pool(2), conv((2, 4, 4), 2), conv((2, 2, 2), 3, 2), spikes(3, 1, 1)
    ),
    "unpadded lines": lambda: line(
        (2, 8), along((2, 8), 2, 3), along((2, 6), 3, 3, seed=1), spikes(3, 4)
    ),
}
REFUSED: dict[str, Callable[[], nir.NIRGraph]] = {
    "both padded": lambda: line(
        (2, 8, 8), conv((2, 8, 8), 2, padding=1), conv((2, 8, 8), 3, padding=1), spikes(3, 8, 8)
    ),
    "both padded, strided": lambda: line(
        (2, 8, 8),
        conv((2, 8, 8), 2, padding=1, stride=2),
        conv((2, 4, 4), 3, padding=1),
        spikes(3, 4, 4),
    ),
    "both padded, read by a dense layer": lambda: line(
        (2, 8, 8),
        conv((2, 8, 8), 2, padding=1),
        conv((2, 8, 8), 3, padding=1),
        spikes(3, 8, 8),
        flat(3, 8, 8),
        dense(4, 192),
        spikes(4),
    ),
    "padded lines": lambda: line(
        (2, 8), along((2, 8), 2, 3, 1), along((2, 8), 3, 3, 1, seed=1), spikes(3, 8)
    ),
    "a pooling between": lambda: line(
        (2, 8, 8),
        conv((2, 8, 8), 2, padding=1),
        pool(2),
        conv((2, 4, 4), 3, padding=1),
        spikes(3, 4, 4),
    ),
    "a map into flat neurons": lambda: line(
        (2, 8, 8), conv((2, 8, 8), 3, padding=1), flat(3, 8, 8), spikes(192)
    ),
}


@pytest.mark.parametrize("name", FITS)
def test_what_becomes_one_convolution_computes_the_same(name: str, tmp_path: Path) -> None:
    made = FITS[name]()
    result = api.map(made, "speck2f", output=tmp_path / "out", **RULE)
    assert result.bundle is not None, result.text
    assert api.verify(tmp_path / "out").ok
    graph = api.read(made).graph
    shape = graph.nodes["input"].shape_out
    raster = (np.random.default_rng(2).random((3, 30, *shape)) < 0.1).astype(np.uint8)
    found = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), raster, seed=None)
    (node,) = (n for n, one in made.nodes.items() if isinstance(one, nir.IF))
    ideal = run(graph, result.outcome.question.semantics, raster, record=[node]).sent[node]
    assert ideal.sum() > 20
    if "lines" in name:  # the product of two kernels is rounded
        off = np.abs(found.populations[node] - ideal.reshape(3, 30, -1)).sum()
        assert off <= 0.05 * ideal.sum()
    else:
        np.testing.assert_array_equal(found.populations[node], ideal.reshape(3, 30, -1))


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_is_refused_with_its_shapes(name: str) -> None:
    """Written out as a matrix it would be a map of one pixel, with a channel for each neuron."""
    result = api.check(REFUSED[name](), "speck2f", **RULE)
    assert result.exit_code == 1
    assert "a core computes one convolution onto the map of its neurons" in " ".join(
        result.text.split()
    )


@pytest.mark.parametrize("device", ["loihi2", "spinnaker2", "xylo-audio2"])
@pytest.mark.parametrize("name", [*FITS, *REFUSED])
def test_other_families_give_an_answer(name: str, device: str) -> None:
    result = api.check(
        (FITS | REFUSED)[name](),
        device,
        **RULE,
        file_dt=1e-3,
        allow=("if-to-lif", "lif-to-cubalif"),
    )
    assert result.exit_code in (0, 1)
    if device == "loihi2":
        assert result.fits, result.text
