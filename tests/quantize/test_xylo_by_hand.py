"""Xylo, worked out by hand from xylosim: shift decays, one shift a kind of matrix, 8-bit biases.

    I += w << shift;  I -= I >> dash_syn;  V += -(V >> dash_mem) + I + bias;  spike where V >= threshold

The current decays before it is used: with dash_syn = 1, half of w << shift arrives (and half of
that a step later, ...), where the equations have all of it. So at 1024 units a threshold, w
thresholds are w 1024 / (1/2) / 2^shift = w 2^(11 - shift). Weights below are whole numbers of
these at one shift, and too large for 8 bits (twice, with two synapses) at every smaller one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.boundary.build import Net
from tests.quantize.hand import Sheet, gains, integers

FAST: dict[str, Any] = gains("CubaLIF", {"tau_syn": 2.0, "tau_mem": 8.0})
# in units of 2^-11 of a threshold
IN = np.array([[200 * 4, -128 * 4], [1 * 4, 0]]) / 2048  # shift 2: 800 and 400 are above 254
BACK = np.array([[0, 250 * 8], [-3 * 8, 0]]) / 2048  # shift 3: 500 is above 254
OUT = np.array([[127 * 2, -100 * 2]]) / 2048  # shift 1: an output has one synapse, 254 is above 127
HOW: dict[str, Any] = {"reset": "subtract", "spikes": "many", "comparison": ">="}


def net(
    weight: Any = IN, back: Any = BACK, out: Any = OUT, bias: Any = None, last: Any = None
) -> Net:
    """in0 -> n2 (recurrent) -> out: 'n2' is hidden, 'n5' the output."""
    made = Net("CubaLIF")
    made.dense(made.input(weight.shape[1]), len(weight), weight=weight, bias=bias, **FAST)
    made.join(made.linear("n2", len(back), weight=back), "n2")
    made.dense("n2", len(out), weight=out, bias=last, **FAST)
    return made


def weights(found: Sheet, edge: str) -> tuple[Any, Any]:
    """First and second synapse."""
    return found.of(edge, "weight"), found.of(edge, "weight_2")


def test_shifts_are_the_least_that_hold_the_weights_exactly() -> None:
    """Halves of a weight lie on both synapses: floor(w / 2), and the rest.

    200 = 100 + 100, -128 = -64 - 64, 1 = 0 + 1; 250 = 125 + 125, -3 = -2 - 1.
    """
    found = integers(net(), "xylo-audio3", **HOW)
    pools = found.quantized.pools
    assert [pools[f"weight_shift_{kind}"] for kind in ("in", "rec", "out")] == [2, 3, 1]
    assert weights(found, "in0->n2") == ([[100, -64], [0, 0]], [[100, -64], [1, 0]])
    assert weights(found, "n2->n2") == ([[0, 125], [-2, 0]], [[0, 125], [-1, 0]])
    assert weights(found, "n2->n5") == ([[127, -100]], None)
    assert found.error("in0->n2", "weight") == {"max": 0.0, "rms": 0.0, "clipped": 0}
    assert [pools[key] for key in ("hidden", "outputs", "channels")] == [2, 1, 2]


@pytest.mark.parametrize(("sign", "threshold"), [(">=", 1024), (">", 1025)])
def test_both_comparisons_and_both_decays(sign: str, threshold: int) -> None:
    """tau 2 and 8: 1 - 2^-1, 1 - 2^-3. V > 1024 in whole numbers is V >= 1025."""
    how: dict[str, Any] = {**HOW, "comparison": sign}
    found = integers(net(), "xylo-audio3", **how)
    assert found.of("n2", "threshold", "dash_syn", "dash_mem") == [[threshold] * 2, [1, 1], [3, 3]]
    assert found.of("n5", "threshold", "bias") == [[threshold], [0]]
    assert found.scale("n2") == [1024, 1024]


def test_one_synapse_holds_half_as_much() -> None:
    """xylo-imu: 127, not 254: 200 4 and 250 8 need a shift of one more, 3 and 4.

    1 4 at shift 3 is half a unit -> 0, -3 8 at shift 4 is -1.5 -> -2: not exact, but a shift less
    would clip more. Row 0 keeps 1024 units: 100, -64 and 125 are exact.
    """
    found = integers(net(), "xylo-imu", **HOW)
    pools = found.quantized.pools
    assert [pools[f"weight_shift_{kind}"] for kind in ("in", "rec", "out")] == [3, 4, 1]
    assert weights(found, "in0->n2")[1] is None
    assert found.of("in0->n2", "weight")[0] == [100, -64]
    assert found.of("n2->n2", "weight")[0] == [0, 125]
    assert found.scale("n2")[0] == 1024


def test_each_neuron_has_units_of_its_own() -> None:
    """A weight of 127 sqrt(2) 2^-11 is 127 at 1448 = floor(1024 sqrt 2) units, and 89.8, 106.8 ... at others."""
    odd = np.array([[127.0 / 1448 / 2], [127.0 / 2048]])
    made = Net("CubaLIF")
    made.dense(made.input(1), 2, weight=np.ones((2, 1)) / 2048, **FAST)
    made.dense("n2", 2, weight=np.hstack([odd, np.zeros((2, 1))]), **FAST)
    found = integers(made, "xylo-audio3", **HOW)
    assert found.scale("n4") == [1448, 1024]
    assert found.of("n2->n4", "weight") == [[127, 0], [127, 0]]


def test_a_membrane_bias_fits_8_bits_or_makes_the_threshold_smaller() -> None:
    """In the long run a bias of 1/32 behind a synapse of tau 2 is 1/16: 64 of 1024 units.

    1/8 is 1/4: 126 / (1/4) = 504 units are the most (one of 127 is left for rounding): 126.
    """
    small = integers(net(last=[0.03125]), "xylo-audio3", **HOW)
    assert small.of("n5", "bias", "threshold") == [[64], [1024]]
    large = integers(net(last=[-0.125]), "xylo-audio3", **HOW)
    assert large.of("n5", "bias", "threshold") == [[-126], [504]]


def test_a_bias_that_leaves_too_few_units_is_clipped_and_told() -> None:
    """8 behind the synapse is 16 thresholds a step: of 32 units at least, 512, that is 127."""
    found = integers(net(last=[8.0]), "xylo-audio3", **HOW)
    assert found.of("n5", "bias", "threshold") == [[127], [32]]
    assert found.error("n5", "bias")["clipped"] == 1
    assert found.error("n5", "bias")["max"] == pytest.approx(16 - 127 / 32, rel=1e-5)
    assert "'n5': 1 biases exceed 8 bits and are clipped" in found.quantized.alarms


def test_a_bias_by_channels_is_a_coarse_and_a_fine_weight() -> None:
    """At shift 2, .5 and -65/512 are 256 and -65: events a step: ceil(256 / 127) = 3.

    256 = 3 x 85 + 1, -65 = 3 x -22 + 1: nothing is left for the membrane.
    """
    found = integers(net(bias=[0.5, -65 / 512]), "xylo-audio3", **HOW)
    assert found.of("bias:n2", "weight") == [[85, 1], [-22, 1]]
    assert list(found.quantized.constant_inputs) == [
        {"channel": 2, "count": 3, "from_step": 0, "population": "n2"},
        {"channel": 3, "count": 1, "from_step": 0, "population": "n2"},
    ]
    assert found.quantized.pools["channels"] == 4
    assert found.of("n2", "bias") == [0, 0]


def test_a_bias_by_channels_leaves_the_rest_to_the_membrane() -> None:
    """.3 is 153.6 at shift 2: 2 x 77 + 0 = 154, .4 512ths too much; twice that behind the synapse.

    -.8 / 512 of 1024 units: -1.6 -> -2.
    """
    found = integers(net(bias=[0.3, 0.0]), "xylo-audio3", **HOW)
    assert found.of("bias:n2", "weight") == [[77, 0], [0, 0]]
    assert found.of("n2", "bias") == [-2, 0]


@pytest.mark.parametrize(("rest", "lift"), [(0.5, 64), (0.3, 38)])
def test_a_raised_rest(rest: float, lift: int) -> None:
    """A bias b holds a membrane at b << dash_mem: round(rest 1024 / 8) = 64; 38.4 -> 38.

    It rests at 512, or 304, and its threshold is higher by as much.
    """
    found = integers(net(), "xylo-audio3", chosen={"rest@n2": rest}, **HOW)
    assert found.of("n2", "bias", "rest") == [[lift] * 2, [8 * lift] * 2]
    assert found.of("n2", "threshold") == [1024 + 8 * lift] * 2
    assert found.of("n5", "rest") is None


def test_a_slow_membrane_is_not_raised() -> None:
    """tau 128 = 2^7: it would take longer than 64 steps to its rest."""
    made = Net("CubaLIF")
    slow = gains("CubaLIF", {"tau_syn": 2.0, "tau_mem": [64.0, 128.0]})
    made.dense(made.input(2), 2, weight=IN, **slow)
    made.dense("n2", 1, weight=OUT, **FAST)
    found = integers(made, "xylo-audio3", chosen={"rest@n2": 0.5}, **HOW)
    assert found.of("n2", "dash_mem", "bias") == [[6, 7], [8, 0]]


def test_the_units_dial() -> None:
    """16 times the units: shifts of 4 more, 6 and 7; the same numbers, but -3 8 16 2^-7 = -3."""
    found = integers(net(), "xylo-audio3", chosen={"units@n2": 16384.0}, **HOW)
    pools = found.quantized.pools
    assert [pools[f"weight_shift_{kind}"] for kind in ("in", "rec", "out")] == [6, 7, 1]
    assert weights(found, "in0->n2") == ([[100, -64], [0, 0]], [[100, -64], [1, 0]])
    assert found.of("n2", "threshold") == [16384, 16384]


def test_the_gain_dial() -> None:
    """Half the weights: 100 4 is above 254 at shift 0 (400), not at 1 (200): .5 of 1 4 is 1 there."""
    found = integers(net(), "xylo-audio3", chosen={"gain@n2": 0.5}, **HOW)
    pools = found.quantized.pools
    assert [pools[f"weight_shift_{kind}"] for kind in ("in", "rec", "out")] == [1, 2, 1]
    assert weights(found, "in0->n2") == ([[100, -64], [0, 0]], [[100, -64], [1, 0]])


def test_silent_steps_until_every_state_is_0() -> None:
    """2^15 falls to 2^d in 2^d (15 - d) ln 2 steps at most, then by 1 a step: 2^d more.

    dash 1: 2 x (14 ln 2 + 1) = 21.41; dash 3: 8 x (12 ln 2 + 1) = 74.54. Two populations:
    191.9 -> 192, and a step each.
    """
    found = integers(net(), "xylo-audio3", **HOW)
    assert found.quantized.silent_steps == 194


def test_a_relay_repeats_one_spike() -> None:
    """A layer alone is hidden and read: 64 << 7 = 8192, halved at once: a threshold of 4096."""
    made = Net("CubaLIF")
    made.dense(made.input(2), 2, weight=IN, **FAST)
    found = integers(made, "xylo-audio3", **HOW)
    assert found.quantized.pools["weight_shift_out"] == 7
    relay = {"weight": 64, "dash_syn": 1, "dash_mem": 0, "threshold": 4096}
    assert found.of("n2", "relay") == relay
