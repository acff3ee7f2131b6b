"""Speck, worked out by hand: int8 kernels, one 16-bit threshold a core, 16-bit biases a channel.

    v += w an event;   spike where v >= threshold_high;   v >= threshold_low, which is below 0

127 over the largest weight is the units of a threshold (fact sheet, sections 1 and 5).
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.quantize.hand import conv, integers, layer

CHIP = "speck2f"
LOWEST = -32640  # threshold_low: 16 bits, less room for one weight


def kernel(found: object) -> list[int]:
    """The kernel's entries in a row."""
    return np.ravel(found.of("n2", "kernel")).tolist()  # type: ignore[attr-defined]


def test_weights_and_both_comparisons() -> None:
    """127 x (1, -1, .5, .25, 0, .004): 127, -127, 63.5 -> 64 (to even), 31.75 -> 32, 0, .508 -> 1.

    v >= 127 is the chip's; v > 127 in whole numbers is v >= 128.
    """
    weights = [[1.0, -1.0, 0.5, 0.25, 0.0, 0.004]]
    found = integers(layer(weights), CHIP)
    assert kernel(found) == [127, -127, 64, 32, 0, 1]
    assert found.of("n2", "threshold_high", "threshold_low") == [128, LOWEST]
    assert found.error("n2", "kernel")["max"] == pytest.approx(0.5 / 127, rel=1e-5)
    assert integers(layer(weights), CHIP, comparison=">=").of("n2", "threshold_high") == 127


def test_a_kernel_is_stored_as_it_is() -> None:
    """(out, in, y, x), one scale for both output channels, one bias each: .1 x 127 = 12.7 -> 13."""
    found = integers(
        conv([[[[1.0, -1.0], [0.5, 0.25]]], [[[0.25, 0.5], [1.0, 1.0]]]], 4, bias=[0.1, -0.1]), CHIP
    )
    assert found.of("n2", "kernel") == [[[[127, -127], [64, 32]]], [[[32, 64], [127, 127]]]]
    assert found.of("n2", "bias") == [13, -13]
    assert found.error("n2", "bias")["max"] == pytest.approx(0.3 / 127, rel=1e-5)


def test_a_large_scale_is_a_whole_number() -> None:
    """127 / 1.6 = 79.375 -> 79: 1.6 -> 126.4 -> 126, the threshold 79."""
    found = integers(layer([[1.6, -1.6]]), CHIP, comparison=">=")
    assert kernel(found) == [126, -126]
    assert found.of("n2", "threshold_high") == 79
    assert found.scale("n2") == 79.0


def test_weights_above_the_threshold_make_it_coarse_and_are_told() -> None:
    """127 / 4 = 31.75: 4 -> 127, 1 -> 32, and a threshold of 32."""
    found = integers(layer([[4.0, 1.0]]), CHIP, comparison=">=")
    assert kernel(found) == [127, 32]
    assert found.of("n2", "threshold_high") == 32
    assert found.quantized.alarms[0].startswith("'n2': a weight (127) exceeds the threshold (32)")


def test_a_threshold_is_1_at_least() -> None:
    """127 / 400 = .3: a threshold of 0 would fire for nothing; every event fires at 1 all the same."""
    found = integers(layer([[400.0, 200.0]]), CHIP, comparison=">=")
    assert kernel(found) == [127, 64]
    assert found.of("n2", "threshold_high") == 1


def test_tiny_weights_stop_where_the_threshold_is_full() -> None:
    """127 / .001 = 127,000 is no 16 bits: 32,640 units: .001 -> 32.64 -> 33."""
    for sign in (">", ">="):
        found = integers(layer([[0.001]]), CHIP, comparison=sign)
        assert kernel(found) == [33]
        assert found.of("n2", "threshold_high") == 32640


def test_the_lower_bound_is_below_0() -> None:
    """-1 threshold: -127. 0 is a fault of the silicon; -1 is the nearest that it takes."""
    assert integers(layer([[1.0]]), CHIP, v_min=-1.0).of("n2", "threshold_low") == -127
    assert integers(layer([[1.0]]), CHIP, v_min=0.0).of("n2", "threshold_low") == -1


def test_a_reset_value_shifts_membrane_and_lower_bound() -> None:
    """v_reset = -1 below 1: height 2, so a weight of 2 is 127. v = 0 is half of it: 63.5 -> 64.

    v_min = -.5 thresholds of 1 is a quarter of the way up from the reset, which is 0 here: the
    chip takes -1 at most. v_min = -2 is half a height below it: -63.5 -> -64.
    """
    net = layer([[2.0]], v_reset=-1.0)
    found = integers(net, CHIP, v_min=-0.5)
    assert kernel(found) == [127]
    assert found.of("n2", "v_init", "threshold_low") == [[64], -1]
    assert integers(layer([[2.0]], v_reset=-1.0), CHIP, v_min=-2.0).of("n2", "threshold_low") == -64


def test_what_16_bits_do_not_hold_is_clipped_and_told() -> None:
    """98 / .003 = 32,640 units: a bias of 1.3 would be 42,432; in 16 bits that is -23,104."""
    found = integers(layer([[0.003], [0.001]], bias=[1.3, -1.3]), CHIP)
    assert found.of("n2", "bias") == [32767, -32768]
    assert found.error("n2", "bias")["clipped"] == 2
    assert found.error("n2", "bias")["max"] == pytest.approx(1.3 - 32767 / 32640, rel=1e-4)
    assert "'n2': 2 biases exceed 16 bits and are clipped" in found.quantized.alarms


def test_a_start_below_what_a_core_keeps_is_clipped_and_told() -> None:
    """v_reset = .9 below 1: 0 is 9 heights of .1 below; weights of .001 are .01 heights.

    127 / .01 = 12,700 units a height: -114,300 is below the least lower bound.
    """
    found = integers(layer([[0.001]], v_reset=0.9), CHIP)
    assert found.of("n2", "v_init") == [LOWEST]
    assert any("'n2': 1 first states are beyond" in alarm for alarm in found.quantized.alarms)


def test_cores_have_scales_of_their_own() -> None:
    net = layer([[1.0]])
    net.dense("n2", 1, weight=[[0.5]])
    found = integers(net, CHIP, comparison=">=")
    assert found.of("n2", "threshold_high") == 127
    assert found.of("n4", "threshold_high") == 254


def test_an_outlier_is_clipped_where_that_serves_the_others() -> None:
    """200 weights of .26, one of -12.7: as worked out for Loihi 2, the top is 10.212, 99.9 %.

    99.99 %: index 199.98 of 200, .26 + .98 (12.44) = 12.451: .26 is 2.65 -> 3. Off by more.
    127 / 10.212 = 12.436 units: .26 -> 3.23 -> 3; -12.7 -> -157.9 -> -128, clipped.
    """
    weight = np.full((1, 201), 0.26)
    weight[0, 7] = -12.7
    found = integers(layer(weight), CHIP, comparison=">=")
    assert found.scale("n2") == pytest.approx(127 / 10.212)
    stored = np.array(kernel(found))
    assert stored[7] == -128
    assert set(np.delete(stored, 7)) == {3}
    assert found.error("n2", "kernel")["clipped"] == 1
    assert found.of("n2", "threshold_high") == 12


@pytest.mark.parametrize(
    ("dials", "threshold", "weights"),
    [
        ({}, 127, [127, 64]),
        # 127 / 1.25 = 101.6 -> 102: 127.5 -> 128 -> 127; .625 x 102 = 63.75
        ({"gain@n2": 1.25}, 102, [127, 64]),
        # .5 + .995 x .5 = .9975: 127.3 -> 127
        ({"clip@n2": 99.5}, 127, [127, 64]),
    ],
)
def test_dials(dials: dict[str, float], threshold: int, weights: list[int]) -> None:
    found = integers(layer([[1.0, 0.5]]), CHIP, chosen=dials, comparison=">=")
    assert kernel(found) == weights
    assert found.of("n2", "threshold_high") == threshold


def test_the_clip_dial_is_a_percentile_of_the_weights() -> None:
    """(.1, .5) at 99.5 %: .1 + .995 x .4 = .498; 127 / .498 = 255.02 -> 255: .5 -> 127.5, .1 -> 25.5."""
    found = integers(layer([[0.5, 0.1]]), CHIP, chosen={"clip@n2": 99.5}, comparison=">=")
    assert found.of("n2", "threshold_high") == 255
    assert kernel(found)[0] == 127
    assert integers(layer([[0.5, 0.1]]), CHIP, comparison=">=").of("n2", "threshold_high") == 254
