"""Likeness and decisions, against numbers that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.emulate.fans import _reach, convolved_fan  # pyright: ignore[reportPrivateUsage]
from mapper.emulate.layers import layer
from mapper.emulate.loaded import Loaded
from mapper.verbs.compare.alarms import of_spikes
from mapper.verbs.compare.decode import check, scores
from mapper.verbs.compare.measure import Tally
from nir_io.errors import BadInput
from nir_io.graph import Conv2d, frozen


def tally(ideal: np.ndarray, chip: np.ndarray) -> Tally:
    one = Tally()
    one.add(ideal, chip)
    return one


@given(st.integers(0, 10**6), st.integers(1, 5))
@settings(deadline=None, max_examples=40)
def test_a_shift_is_the_shift_whatever_the_spikes(seed: int, late: int) -> None:
    rng = np.random.default_rng(seed)
    ideal = np.zeros((3, 40, 6), np.uint8)
    ideal[:, :30] = rng.integers(0, 3, (3, 30, 6)) * (rng.random((3, 30, 6)) < 0.3)
    chip = np.roll(ideal, late, axis=1)
    found = tally(ideal, chip).likeness()
    if ideal.sum() == 0:
        assert found.shift is None and found.cosine is None
        return
    assert found.shift == late and found.jitter == late
    assert found.cosine == pytest.approx(1) and found.ratio == 1


def test_rates_are_compared_by_direction_and_silence_is_counted() -> None:
    ideal = np.zeros((4, 5, 2), np.uint8)
    chip = ideal.copy()
    ideal[0, :3, 0] = 1
    chip[0, :2, 1] = 1  # at right angles
    ideal[1, :2] = chip[1, :2] = 1  # the same
    ideal[2, 0, 0] = 1  # silent on the chip
    found = tally(ideal, chip).likeness()
    assert found.cosine == pytest.approx(0.5) and found.counted == 2
    assert found.one_silent == 1 and found.same == 0.5
    assert (found.ideal, found.chip) == (8, 6)


def test_parts_add_up() -> None:
    rng = np.random.default_rng(1)
    a, b = (rng.integers(0, 2, (6, 20, 3)) for _ in range(2))
    whole, parts = tally(a, b), Tally()
    for some in (slice(0, 1), slice(1, 4), slice(4, 6)):
        parts.add(a[some], b[some])
    assert parts.likeness() == whole.likeness()


def test_decisions_by_each_read_out() -> None:
    spikes = np.zeros((2, 4, 3))
    spikes[0, 2:, 0] = 1
    spikes[0, 1, 2] = 1
    v = np.array([[[0.0, 3.0, 1.0], [2.0, 0.0, 1.0]]])
    assert scores("count", {"o": spikes}).argmax(axis=1).tolist() == [0, 0]
    assert scores("first-spike", {"o": spikes}).argmax(axis=1).tolist() == [2, 0]
    assert scores("v-last", {"o": v}).argmax(axis=1).tolist() == [0]
    assert scores("v-max", {"o": v}).argmax(axis=1).tolist() == [1]
    both = scores("count", {"a": spikes, "b": spikes})
    assert both.shape == (2, 6)


def test_read_outs_that_an_output_does_not_have_are_refused() -> None:
    with pytest.raises(BadInput, match="--decode: 'loudest'; expected count, v-last"):
        check("loudest", {})
    with pytest.raises(BadInput, match="'o' gives spikes, and no membrane"):
        check("v-last", {"o": True})
    with pytest.raises(BadInput, match="'o' gives a membrane, and no spikes"):
        check("first-spike", {"o": False})
    check("count", {"o": True, "p": False})


def test_silence_bursts_and_neither() -> None:
    assert "silent on the chip" in next(of_spikes("a", 100, 0, "on data"))
    assert "nearly falls silent" in next(of_spikes("a", 100, 9, "on data"))
    assert "bursts on the chip: 300 spikes, 3 times the 100" in next(of_spikes("a", 100, 300, ""))
    assert "bursts on the chip: 300 spikes, none of" in next(of_spikes("a", 0, 300, ""))
    assert not list(of_spikes("a", 100, 150, "")) and not list(of_spikes("a", 5, 0, ""))


@given(
    st.integers(3, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)
)
@settings(deadline=None, max_examples=40)
def test_fan_out_is_that_of_the_convolution(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    out = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    if out < 1:
        return
    node = Conv2d(
        name="c",
        shape_in=(1, size, size),
        shape_out=(2, out, out),
        weight=frozen(np.ones((2, 1, kernel, kernel))),
        bias=frozen(np.zeros(2)),
        stride=(stride, stride),
        padding=(padding,) * 4,
        dilation=(dilation, dilation),
        groups=1,
    )
    each = layer(node, np.float64)(np.eye(size * size).reshape(-1, 1, size, size))
    one = _reach(size, out, kernel, stride, padding, dilation)
    counted = (2 * one[:, None] * one).ravel()
    assert np.array_equal(each.reshape(size * size, -1).sum(axis=1), counted)
    rows = [
        {"name": "s", "shape": [1, size, size]},
        {"name": "t", "shape": [2, out, out]},
    ]
    bundle = Loaded({"populations": rows, "inputs": []}, {})
    params = {
        "input_shape": [1, size, size],
        "stride": [stride, stride],
        "padding": [padding] * 4,
        "dilation": [dilation, dilation],
    }
    shape = (2, 1, kernel, kernel)
    assert np.array_equal(convolved_fan(bundle, "s", "t", params, shape, (1, 1)).out, counted)
