"""The ideal network against plain loops over neurons, entries and steps."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.emulate import ideal
from mapper.emulate.ideal import run
from mapper.emulate.layers import layer
from nir_io.errors import BadInput
from nir_io.graph import (
    IF,
    LI,
    LIF,
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    CubaLI,
    CubaLIF,
    Delay,
    Graph,
    I,
    Input,
    Linear,
    Neuron,
    Node,
    Output,
    Scale,
    SumPool2d,
    Threshold,
    frozen,
    make_graph,
)
from nir_io.order import groups, late_edges
from nir_io.semantics import Semantics

EULER = Semantics(file_dt=1e-3, chip_dt=None, reset="zero")


def ends(shape: tuple[int, ...], out: tuple[int, ...]) -> tuple[Node, Node]:
    return (
        Input(name="in", shape_in=shape, shape_out=shape),
        Output(name="out", shape_in=out, shape_out=out),
    )


def line(*nodes: Node) -> Graph:
    """in -> nodes -> out."""
    first, last = ends(nodes[0].shape_in, nodes[-1].shape_out)
    names = ["in", *(node.name for node in nodes), "out"]
    return make_graph((first, *nodes, last), list(pairwise(names)))


def neuron(kind: type[Neuron], **values: float) -> Neuron:
    """One neuron 'n'; parameters that its kind does not have are left out."""
    known = kind.__dataclass_fields__
    return kind(
        name="n",
        shape_in=(1,),
        shape_out=(1,),
        **{name: frozen([value]) for name, value in values.items() if name in known},
    )


VALUES = {
    "tau": 5e-3,
    "tau_mem": 7e-3,
    "tau_syn": 3e-3,
    "r": 1.5,
    "v_leak": 0.1,
    "w_in": 2.5,
    "v_threshold": 0.6,
    "threshold": 0.6,
    "v_reset": -0.2,
}
KINDS = (Threshold, I, IF, LI, LIF, CubaLI, CubaLIF)
RULES = [
    replace(EULER, discretization=d, order=o, reset=r, comparison=c, spikes=s, v_min=m)
    for d, o, (r, s), c, m in product(
        ("forward-euler", "exponential"),
        ("leak-then-input", "input-then-leak"),
        (("zero", "one"), ("subtract", "one"), ("subtract", "many")),
        (">", ">="),
        (None, -0.5),
    )
]


def by_hand(
    kind: type[Neuron], p: dict[str, float], rule: Semantics, xs: list[float]
) -> list[float]:
    """One neuron in plain Python, written from the definitions of Semantics."""
    assert rule.file_dt is not None

    def k(tau: float) -> float:
        ratio = rule.file_dt / tau
        return ratio if rule.discretization == "forward-euler" else 1.0 - math.exp(-ratio)

    v = s = 0.0
    sent: list[float] = []
    for x in xs:
        if kind is Threshold:
            sent.append(
                float(x > p["threshold"] if rule.comparison == ">" else x >= p["threshold"])
            )
            continue
        i = x
        if kind in (CubaLI, CubaLIF):
            s = s + k(p["tau_syn"]) * (p["w_in"] * x - s)
            i = s
        if kind in (I, IF):
            v = v + p["r"] * i
        else:
            share = k(p["tau"] if kind in (LI, LIF) else p["tau_mem"])
            if rule.order == "leak-then-input":
                v = v + share * (p["v_leak"] - v + p["r"] * i)
            else:
                v = (1.0 - share) * (v + share * p["r"] * i) + share * p["v_leak"]
        if kind in (I, LI, CubaLI):
            sent.append(v)
            continue
        top = p["v_threshold"]
        if rule.v_min is not None:
            v = max(v, rule.v_min * top)
        spikes = 0
        while (v > top if rule.comparison == ">" else v >= top) and (
            spikes == 0 or rule.spikes == "many"
        ):
            spikes += 1
            v = p["v_reset"] if rule.reset == "zero" else v - top
        sent.append(float(spikes))
    return sent


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_neuron_under_every_semantics_equals_plain_python(kind: type[Neuron]) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0.3, 1.5, (3, 40, 1))
    node = neuron(kind, **VALUES)
    for rule in RULES:
        found = run(line(node), rule, x, record=["n"])
        for sample in range(3):
            wanted = by_hand(kind, VALUES, rule, x[sample, :, 0].tolist())
            assert np.allclose(found.sent["n"][sample, :, 0], wanted, atol=1e-12), rule
            assert found.counts["out"][sample, 0] == pytest.approx(sum(wanted))


def test_voltage_is_what_is_left_after_the_reset() -> None:
    node = neuron(IF, r=1.0, v_threshold=1.0, v_reset=-0.25)
    found = run(line(node), EULER, np.array([[[0.75], [0.75], [0.0]]]), record=["n"])
    assert found.sent["n"].ravel().tolist() == [0.0, 1.0, 0.0]
    assert found.voltages["n"].ravel().tolist() == [0.75, -0.25, -0.25]


def test_integrators_per_time_take_in_dt_r_i() -> None:
    x = np.full((1, 4, 1), 2.0)
    for kind in (I, IF):
        node = neuron(kind, r=3.0, v_threshold=1.0, v_reset=0.0)
        found = run(line(node), replace(EULER, integrator="per-time"), x, record=["n"])
        assert np.allclose(found.voltages["n"].ravel(), 6e-3 * np.arange(1, 5), atol=1e-15)


def slide(x: Any, w: Any, b: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    """A 2-D convolution of one frame by loops over every place and tap."""
    features, per_group, ky, kx = w.shape
    _, high, wide = x.shape
    top, bottom, left, right = padding
    out_y = (high + top + bottom - (ky - 1) * dilation[0] - 1) // stride[0] + 1
    out_x = (wide + left + right - (kx - 1) * dilation[1] - 1) // stride[1] + 1
    out = np.zeros((features, out_y, out_x))
    for o, y, z, c, i, j in np.ndindex(features, out_y, out_x, per_group, ky, kx):
        channel = o // (features // groups) * per_group + c
        at_y = y * stride[0] + i * dilation[0] - top
        at_x = z * stride[1] + j * dilation[1] - left
        if 0 <= at_y < high and 0 <= at_x < wide:
            out[o, y, z] += w[o, c, i, j] * x[channel, at_y, at_x]
    return out + b[:, None, None]


@st.composite
def convolutions(draw: st.DrawFn) -> Conv2d:
    small, pad = st.integers(1, 3), st.integers(0, 2)
    groups, per_in, per_out = draw(st.integers(1, 2)), draw(small), draw(st.integers(1, 2))
    kernel, dilation = (
        (draw(small), draw(small)),
        (draw(st.integers(1, 2)), draw(st.integers(1, 2))),
    )
    padding = (draw(pad), draw(pad), draw(pad), draw(pad))
    stride = (draw(small), draw(small))
    reach = [(kernel[a] - 1) * dilation[a] + 1 for a in (0, 1)]
    size = [
        draw(st.integers(max(1, reach[a] - sum(padding[2 * a : 2 * a + 2])), 6)) for a in (0, 1)
    ]
    places = [
        (size[a] + sum(padding[2 * a : 2 * a + 2]) - reach[a]) // stride[a] + 1 for a in (0, 1)
    ]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    features = groups * per_out
    return Conv2d(
        name="c",
        shape_in=(groups * per_in, size[0], size[1]),
        shape_out=(features, places[0], places[1]),
        weight=frozen(rng.normal(size=(features, per_in, *kernel))),
        bias=frozen(rng.normal(size=features) * draw(st.integers(0, 1))),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@settings(max_examples=60, deadline=None)
@given(node=convolutions(), density=st.sampled_from([0.02, 0.3, 1.0]))
def test_convolutions_equal_loops_by_window_and_by_event(node: Conv2d, density: float) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(4, *node.shape_in)) * (rng.random((4, *node.shape_in)) < density)
    wanted = [
        slide(f, node.weight, node.bias, node.stride, node.padding, node.dilation, node.groups)
        for f in x
    ]
    found = layer(node, np.float64)
    assert np.allclose(found(x), wanted, atol=1e-12)
    many = np.concatenate([x] * 200)  # enough rows for several pieces
    assert np.allclose(found(many), np.concatenate([wanted] * 200), atol=1e-12)


def test_conv1d_is_a_convolution_on_a_map_of_height_one() -> None:
    rng = np.random.default_rng(3)
    node = Conv1d(
        name="c",
        shape_in=(4, 9),
        shape_out=(2, 4),
        weight=frozen(rng.normal(size=(2, 2, 3))),
        bias=frozen([0.5, -1.0]),
        stride=2,
        padding=(1, 2),
        dilation=2,
        groups=2,
    )
    x = rng.normal(size=(5, 4, 9))
    flat = [
        slide(f[:, None], node.weight[:, :, None], node.bias, (1, 2), (0, 0, 1, 2), (1, 2), 2)
        for f in x
    ]
    assert np.allclose(layer(node, np.float64)(x), np.array(flat)[:, :, 0], atol=1e-12)


@pytest.mark.parametrize("kind", [SumPool2d, AvgPool2d])
def test_pooling_counts_padding_as_entries(kind: type[SumPool2d]) -> None:
    node = kind(
        name="p",
        shape_in=(1, 4, 5),
        shape_out=(1, 2, 3),
        kernel_size=(3, 2),
        stride=(2, 2),
        padding=(1, 1),
    )
    x = np.arange(20.0).reshape(1, 1, 4, 5)
    ones = np.ones((1, 1, 3, 2))
    wanted = slide(x[0], ones, np.zeros(1), (2, 2), (1, 1, 1, 1), (1, 1), 1)
    area = 6 if kind is AvgPool2d else 1
    assert np.allclose(layer(node, np.float64)(x)[0], wanted / area)


def test_delays_are_rounded_to_steps_and_differ_by_element() -> None:
    delay = Delay(name="d", shape_in=(3,), shape_out=(3,), delay=frozen([0.0, 1.4e-3, 3e-3]))
    x = np.arange(1.0, 16.0).reshape(1, 5, 3)
    found = run(line(delay), EULER, x, record=["out"]).sent["out"][0]
    assert np.array_equal(found[:, 0], x[0, :, 0])
    assert np.array_equal(found[:, 1], [0.0, *x[0, :4, 1]])
    assert np.array_equal(found[:, 2], [0.0, 0.0, 0.0, *x[0, :2, 2]])


def looped(delay: float | None = None) -> Graph:
    """in -> n -> w -> [d ->] n, n -> out: a neuron that inhibits itself."""
    node = neuron(IF, r=1.0, v_threshold=0.9, v_reset=0.0)
    weight = Affine(
        name="w", shape_in=(1,), shape_out=(1,), weight=frozen([[-1.0]]), bias=frozen([0.25])
    )
    nodes: tuple[Node, ...] = (*ends((1,), (1,)), node, weight)
    edges = [("in", "n"), ("n", "w"), ("n", "out")]
    if delay is None:
        return make_graph(nodes, [*edges, ("w", "n")])
    line_ = Delay(name="d", shape_in=(1,), shape_out=(1,), delay=frozen([delay]))
    return make_graph((*nodes, line_), [*edges, ("w", "d"), ("d", "n")])


def test_a_loop_hears_the_previous_step_and_its_bias_acts_from_the_first() -> None:
    graph = looped()
    assert late_edges(graph) == {("n", "w")}
    # v: .75 | 1.5 fires | 0 + .5 + .25 - 1 = -.25 | .5 | 1.25 fires
    found = run(graph, EULER, np.full((1, 5, 1), 0.5), record=["n"])
    assert found.sent["n"].ravel().tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert found.voltages["n"].ravel().tolist() == [0.75, 0.0, -0.25, 0.5, 0.0]


def test_a_delay_in_a_loop_comes_on_top_of_the_previous_step() -> None:
    # w arrives one step later: .5 | 1.25 fires | .75 | 0.75 + .5 + .25 - 1 = .5 | 1.25 fires
    found = run(looped(1e-3), EULER, np.full((1, 5, 1), 0.5), record=["n"])
    assert found.sent["n"].ravel().tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert found.voltages["n"].ravel().tolist() == [0.5, 0.0, 0.75, 0.5, 0.0]


def test_a_loop_of_two_neurons_delays_both_of_its_edges() -> None:
    nodes = [replace(neuron(I, r=1.0), name=name) for name in "ab"]
    graph = make_graph(
        (*ends((1,), (1,)), *nodes), [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]
    )
    assert late_edges(graph) == {("a", "b"), ("b", "a")}
    found = run(graph, EULER, np.array([[[1.0], [0.0], [0.0], [0.0]]]), record=["a", "b"])
    assert found.sent["a"].ravel().tolist() == [1.0, 1.0, 2.0, 4.0]
    assert found.sent["b"].ravel().tolist() == [0.0, 1.0, 2.0, 4.0]


def test_a_cycle_without_a_neuron_is_refused_by_name() -> None:
    scales = [Scale(name=name, shape_in=(1,), shape_out=(1,), scale=frozen([0.5])) for name in "ab"]
    graph = make_graph(
        (*ends((1,), (1,)), *scales), [("in", "a"), ("a", "b"), ("b", "a"), ("b", "out")]
    )
    with pytest.raises(BadInput, match="cycle without a neuron: 'a' -> 'b'"):
        groups(graph)
    with pytest.raises(BadInput, match="cycle without a neuron"):
        run(graph, EULER, np.zeros((1, 1, 1)))


def busy_graph() -> Graph:
    """A convolution, a delay, a loop and a second input."""
    rng = np.random.default_rng(4)
    shape = (2, 3, 3)

    def lif(name: str, size: tuple[int, ...]) -> LIF:
        full = {"tau": 4e-3, "r": 3.0, "v_leak": 0.0, "v_threshold": 0.7, "v_reset": 0.0}
        arrays = {key: frozen(np.full(size, value)) for key, value in full.items()}
        return LIF(name=name, shape_in=size, shape_out=size, **arrays)

    conv = Conv2d(
        name="conv",
        shape_in=(2, 5, 5),
        shape_out=shape,
        weight=frozen(rng.normal(size=(2, 2, 3, 3))),
        bias=frozen([0.1, -0.1]),
        stride=(1, 1),
        padding=(0, 0, 0, 0),
        dilation=(1, 1),
        groups=1,
    )
    nodes = (
        Input(name="image", shape_in=(2, 5, 5), shape_out=(2, 5, 5)),
        Input(name="extra", shape_in=(4,), shape_out=(4,)),
        Output(name="out", shape_in=(4,), shape_out=(4,)),
        conv,
        lif("a", shape),
        Delay(name="d", shape_in=(18,), shape_out=(18,), delay=frozen(np.arange(18) % 4 * 1e-3)),
        Linear(name="fc", shape_in=(18,), shape_out=(4,), weight=frozen(rng.normal(size=(4, 18)))),
        lif("b", (4,)),
        Linear(name="rec", shape_in=(4,), shape_out=(4,), weight=frozen(rng.normal(size=(4, 4)))),
    )
    edges = [
        ("image", "conv"),
        ("conv", "a"),
        ("a", "d"),
        ("d", "fc"),
        ("fc", "b"),
        ("extra", "b"),
        ("b", "rec"),
        ("rec", "b"),
        ("b", "out"),
    ]
    return make_graph(nodes, edges)


def test_chunks_and_spans_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, rng = busy_graph(), np.random.default_rng(5)
    inputs = {
        "image": rng.integers(0, 2, (6, 30, 2, 5, 5)),
        "extra": rng.integers(0, 2, (6, 30, 4)),
    }
    watch = ("a", "b")
    whole = run(graph, EULER, inputs, record=watch, totals=watch)
    assert 0 < whole.counts["out"].sum() < 6 * 30 * 4
    monkeypatch.setattr(ideal, "CHUNK", 100)
    monkeypatch.setattr(ideal, "SPAN", 700)
    pieces = run(graph, EULER, inputs, record=watch, totals=watch)
    alone = run(graph, EULER, {k: x[3:4] for k, x in inputs.items()}, record=watch)
    for name in watch:
        assert np.array_equal(whole.sent[name], pieces.sent[name])
        assert np.allclose(whole.voltages[name], pieces.voltages[name], atol=1e-12)
        assert np.array_equal(whole.totals[name], whole.sent[name].sum(axis=1))
        assert np.array_equal(whole.sent[name][3:4], alone.sent[name])


def test_everything_that_is_wrong_is_said_at_once() -> None:
    node = neuron(LIF, **VALUES | {"tau": 0.5e-3})
    late = Delay(name="d", shape_in=(1,), shape_out=(1,), delay=frozen([-2e-3]))
    graph = line(late, node)
    many = replace(EULER, spikes="many", reset="zero")
    with pytest.raises(BadInput) as caught:
        run(graph, many, np.zeros((1, 1, 1)), record=["nobody"])
    text = str(caught.value)
    for part in ("'nobody'", "several spikes a step", "'n': the time step 0.001", "a delay of -2"):
        assert part in text
    assert len(caught.value.findings) == 4


def test_inputs_that_do_not_fit_are_refused() -> None:
    graph = busy_graph()
    with pytest.raises(BadInput, match="the graph has 2 inputs"):
        run(graph, EULER, np.zeros((1, 1, 4)))
    with pytest.raises(BadInput) as caught:
        run(graph, EULER, {"extra": np.zeros((1, 1, 5)), "sound": np.zeros((1, 1, 1))})
    text = str(caught.value)
    for part in ("input 'image' has no data", "data for 'sound'", "expected (sample, step, 4)"):
        assert part in text
    with pytest.raises(BadInput, match="inputs differ in"):
        run(graph, EULER, {"extra": np.zeros((1, 2, 4)), "image": np.zeros((1, 3, 2, 5, 5))})
    one = neuron(LIF, **VALUES)
    with pytest.raises(BadInput, match="no time step is known"):
        run(line(one), replace(EULER, file_dt=None), np.zeros((1, 1, 1)))
    with pytest.raises(BadInput, match="v_threshold above 0"):
        down = neuron(IF, **VALUES | {"v_threshold": 0.0})
        run(line(down), replace(EULER, spikes="many", reset="subtract"), np.zeros((1, 1, 1)))
