"""Neurons that no input can make fire: told just where the ideal network stays silent for ever."""

from __future__ import annotations

import numpy as np
import pytest

from mapper.emulate.ideal import run
from nir_io.graph import LIF, Affine, CubaLIF, Graph, Input, Linear, Output, frozen, make_graph
from nir_io.semantics import Semantics
from nir_io.suspicions import warnings

RULE = Semantics(file_dt=1e-3, chip_dt=1e-3, reset="subtract", comparison=">=")
INPUTS, NEURONS, STEPS = 6, 40, 3000


def network(*, cuba: bool, scale: float, bias: float = 0.0, seed: int = 1) -> Graph:
    """One layer whose weights all lift it, so that the largest input is every input."""
    rng = np.random.default_rng(seed)
    shape, one, zero = (NEURONS,), np.ones(NEURONS), np.zeros(NEURONS)
    ends = {"name": "n", "shape_in": shape, "shape_out": shape}
    rest = {"r": 2 * one, "v_leak": zero, "v_threshold": one, "v_reset": zero}
    neuron = (
        CubaLIF(**ends, **rest, tau_syn=4e-3 * one, tau_mem=8e-3 * one, w_in=0.5 * one)
        if cuba
        else LIF(**ends, **rest, tau=8e-3 * one)
    )
    weight = frozen(scale * rng.random((NEURONS, INPUTS)) / INPUTS)
    dense = {"name": "w", "shape_in": (INPUTS,), "shape_out": shape, "weight": weight}
    weights = Affine(**dense, bias=frozen(bias * one)) if bias else Linear(**dense)
    start = Input(name="in", shape_in=(INPUTS,), shape_out=(INPUTS,))
    end = Output(name="out", shape_in=shape, shape_out=shape)
    return make_graph((start, weights, neuron, end), [("in", "w"), ("w", "n"), ("n", "out")])


@pytest.mark.parametrize("bias", [0.0, 0.2])
@pytest.mark.parametrize("scale", [0.9, 1.1, 3.0])
@pytest.mark.parametrize("cuba", [False, True])
def test_as_many_as_stay_silent_under_every_input(cuba: bool, scale: float, bias: float) -> None:
    graph = network(cuba=cuba, scale=scale * (2 if cuba else 1), bias=bias)
    always = np.ones((1, STEPS, INPUTS), np.uint8)
    silent = int(np.count_nonzero(run(graph, RULE, always).counts["out"] == 0))
    told = [text for text in warnings(graph, RULE) if "cannot fire" in text]
    if silent < NEURONS / 3:
        assert told == []
    else:
        assert [text.split(" (")[0] for text in told] == [
            f"{silent} of {NEURONS} neurons cannot fire, whatever the input"
        ]


def test_nothing_is_said_where_the_largest_input_is_not_known() -> None:
    graph = network(cuba=False, scale=1e-3)
    assert len(warnings(graph, RULE)) == 1
    real = Semantics(file_dt=1e-3, chip_dt=1e-3, reset="subtract", input_kind="real")
    assert warnings(graph, real) == ()
    many = Semantics(file_dt=1e-3, chip_dt=1e-3, reset="subtract", input_kind="counts:5000")
    assert warnings(graph, many) == ()
