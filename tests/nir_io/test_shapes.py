"""Shapes: against counting window positions, around cycles, forward and backward."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nir_io.errors import BadInput
from nir_io.graph import LIF, Conv1d, Conv2d, Flatten
from nir_io.reader import read
from tests.nir_io.files import Fields, chain, conv, lif, linear, port, store

IMAGE = [("input", "c"), ("c", "output")]


def starts(side: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> int:
    """How many positions a kernel has on a padded line, found by trying them all."""
    line = before + side + after
    reach = dilation * (kernel - 1)
    return sum(1 for first in range(0, line, stride) if first + reach < line)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_convolution_gives_as_many_values_as_its_kernel_has_positions(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
    kernel, stride, dilation = data.draw(pair), data.draw(pair), data.draw(pair)
    size = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    same = data.draw(st.booleans())
    padding: Any = "same" if same else np.array(data.draw(pair)) - 1
    groups = data.draw(st.integers(1, 3))
    if same:
        stride = (1, 1)
        spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        sides = [(span // 2, span - span // 2) for span in spans]
    else:
        sides = [(int(p), int(p)) for p in padding]
    wanted = tuple(
        starts(s, *p, k, t, d)
        for s, p, k, t, d in zip(size, sides, kernel, stride, dilation, strict=True)
    )
    nodes = {
        "input": port("Input", 2 * groups, *size),
        "c": conv(
            3 * groups,
            2,
            *kernel,
            groups=groups,
            stride=np.array(stride),
            dilation=np.array(dilation),
            padding=padding,
        ),
        "n": lif(()),
        "output": port("Output", 3 * groups, *wanted),
    }
    file = tmp_path_factory.mktemp("conv") / "a.nir"
    if min(wanted) < 1:
        nodes["output"] = port("Output", 3, 1, 1)
        with pytest.raises(BadInput, match="its kernel reaches over"):
            read(store(file, nodes, [("input", "c"), ("c", "n"), ("n", "output")]))
        return
    graph = read(store(file, nodes, [("input", "c"), ("c", "n"), ("n", "output")]))
    assert graph.nodes["c"].shape_out == graph.nodes["n"].shape_in == (3 * groups, *wanted)


def test_same_puts_the_odd_zero_of_an_even_kernel_at_the_end(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 1, 5, 7),
        "c": conv(1, 1, 4, 2, padding="same"),
        "output": port("Output", 1, 5, 7),
    }
    node = read(store(tmp_path / "a.nir", nodes, IMAGE)).nodes["c"]
    assert isinstance(node, Conv2d) and node.padding == (1, 2, 0, 1)


@pytest.mark.parametrize("form", [2, [2], [2, 2]])
def test_one_number_stands_for_a_pair(form: Any, tmp_path: Path) -> None:
    more: Fields = {"stride": np.array(form), "padding": np.array(form), "dilation": np.array(form)}
    nodes = {
        "input": port("Input", 1, 9, 9),
        "c": conv(1, 1, 3, 3, **more),
        "p": {"type": "AvgPool2d", "kernel_size": 2, "stride": np.array(form), "padding": 0},
        "output": port("Output", 1, 2, 2),
    }
    graph = read(store(tmp_path / "a.nir", nodes, [("input", "c"), ("c", "p"), ("p", "output")]))
    node = graph.nodes["c"]
    assert isinstance(node, Conv2d)
    assert (node.stride, node.dilation, node.padding) == ((2, 2), (2, 2), (2, 2, 2, 2))


def test_a_list_of_one_is_no_size_of_an_image(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 1, 9, 9),
        "c": conv(1, 1, 3, 3, input_shape=np.array([9])),
        "output": port("Output", 1, 7, 7),
    }
    with pytest.raises(BadInput, match=r"c/input_shape: is \(9,\); Conv2d needs 2 numbers"):
        read(store(tmp_path / "a.nir", nodes, IMAGE))
    nodes["c"] = conv(1, 1, 3, 3, input_shape=9)
    read(store(tmp_path / "a.nir", nodes, IMAGE))


def test_conv1d_takes_lists_and_numbers(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 4, 20),
        "c": conv(2, 2, 3, groups=2, stride=np.array([2]), padding=1, input_shape=20),
        "output": port("Output", 2, 10),
    }
    node = read(store(tmp_path / "a.nir", nodes, IMAGE)).nodes["c"]
    assert isinstance(node, Conv1d)
    assert (node.stride, node.padding, node.groups, node.shape_out) == (2, (1, 1), 2, (2, 10))


def test_parameters_without_axes_get_the_shape_of_their_neighbours(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 6),
        "fc": linear(4, 6),
        "lif": lif((), tau=0.5, v_threshold=2.0),
        "rec": linear(4, 4),
        "d": {"type": "Delay", "delay": 0.25},
        "s": {"type": "Scale", "scale": 3.0},
        "output": port("Output", 4),
    }
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "rec"), ("rec", "d"), ("d", "lif")]
    graph = read(store(tmp_path / "a.nir", nodes, [*edges, ("lif", "s"), ("s", "output")]))
    for name in ("lif", "d", "s"):
        assert graph.nodes[name].shape_in == graph.nodes[name].shape_out == (4,)
    neuron = graph.nodes["lif"]
    assert isinstance(neuron, LIF) and neuron.tau.strides == (0,) and (neuron.tau == 0.5).all()


def test_shapes_go_backward_where_they_must(tmp_path: Path) -> None:
    """Without an Input only the Output knows the size; a convolution of stride 1 hands it on."""
    nodes = {
        "n": {"type": "I", "r": 1.0},
        "c": conv(2, 3, 3, 5, padding=np.array([1, 0])),
        "m": {"type": "I", "r": 1.0},
        "output": port("Output", 2, 8, 8),
    }
    file = store(tmp_path / "a.nir", nodes, [("n", "c"), ("c", "m"), ("m", "output")])
    graph = read(file, repair=True)
    assert graph.nodes["n"].shape_in == graph.nodes["input"].shape_in == (3, 8, 12)


def test_what_cannot_be_inferred_is_told(tmp_path: Path) -> None:
    nodes = {
        "n": {"type": "I", "r": 1.0},
        "c": conv(2, 3, 3, 3, stride=2),
        "output": port("Output", 2, 8, 8),
    }
    file = store(tmp_path / "a.nir", nodes, [("n", "c"), ("c", "output")])
    with pytest.raises(BadInput, match="the shape of 'c', 'input', 'n' cannot be inferred"):
        read(file, repair=True)


def test_inputs_that_are_summed_must_agree(tmp_path: Path) -> None:
    nodes = chain(skip=linear(3, 6))
    edges = [("input", "fc"), ("fc", "lif"), ("input", "skip"), ("skip", "lif"), ("lif", "output")]
    with pytest.raises(BadInput) as refused:
        read(store(tmp_path / "a.nir", nodes, edges))
    assert len(refused.value.findings) == 1
    assert "'skip' gives (3,), 'lif' takes (4,)" in refused.value.findings[0]


def test_every_clash_is_told_once_and_nothing_that_follows_from_it(tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 5),
        "fc": linear(4, 6),
        "lif": lif(4),
        "fc2": linear(2, 3),
        "lif2": lif(()),
        "output": port("Output", 2),
    }
    names = list(nodes)
    with pytest.raises(BadInput) as refused:
        read(store(tmp_path / "a.nir", nodes, list(pairwise(names))))
    assert [finding.split(": ")[-1] for finding in refused.value.findings] == [
        "'input' gives (5,), 'fc' takes (6,)",
        "'lif' gives (4,), 'fc2' takes (3,)",
    ]


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [(0, -1, (24,)), (1, -1, (2, 12)), (-2, -1, (2, 12)), (0, 1, (6, 4)), (1, 1, (2, 3, 4))],
)
def test_flatten(start: int, end: int, wanted: tuple[int, ...], tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 2, 3, 4),
        "c": {"type": "Flatten", "start_dim": start, "end_dim": end},
        "output": port("Output", *wanted),
    }
    node = read(store(tmp_path / "a.nir", nodes, IMAGE)).nodes["c"]
    assert isinstance(node, Flatten) and node.shape_out == wanted
    assert 0 <= node.start_dim <= node.end_dim < 3


@pytest.mark.parametrize(("start", "end"), [(3, -1), (2, 1), (0, 5), (-4, -1)])
def test_flatten_over_dimensions_that_are_not_there(start: int, end: int, tmp_path: Path) -> None:
    nodes = {
        "input": port("Input", 2, 3, 4),
        "c": {"type": "Flatten", "start_dim": start, "end_dim": end},
        "output": port("Output", 24),
    }
    with pytest.raises(BadInput, match=f"dimensions {start} to {end} are no range of the shape"):
        read(store(tmp_path / "a.nir", nodes, IMAGE))
