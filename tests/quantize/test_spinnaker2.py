"""SpiNNaker2, worked out by hand: integer weights of +-127 (+-15 with delays), float32 elsewhere.

    v <- alpha v + exc - inh + i_offset;   spike where v >= threshold   (fact sheet, section 3.6)

127 (or 15) over the largest weight is the units of a threshold, for all that a population reads.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.boundary.build import Net
from tests.quantize.hand import ONLY, conv, integers, layer, recurrent

CHIP = "spinnaker2"
ABOVE_127 = 127.0 + 2.0**-17  # float32 has 24 bits: 127 = 1.98 x 2^6, so its last is 2^-17


def test_weights_and_both_comparisons() -> None:
    """127 x (1, -1, .5, .25, 0, .004): 127, -127, 63.5 -> 64 (to even), 31.75 -> 32, 0, .508 -> 1.

    The chip fires at v >= threshold; for '>' the threshold is the next float32 above.
    """
    net = [[1.0, -1.0, 0.5, 0.25, 0.0, 0.004]]
    found = integers(layer(net), CHIP)
    assert found.of(ONLY, "weight") == [[127, -127, 64, 32, 0, 1]]
    assert found.of("n2", "threshold") == [ABOVE_127]
    assert found.scale("n2") == 127.0
    stated = found.error(ONLY, "weight")  # off by .5, .25 and .492 of 1 / 127 in 6 weights
    assert stated["max"] == pytest.approx(0.5 / 127, rel=1e-5)
    assert stated["rms"] == pytest.approx(
        np.sqrt((0.5**2 + 0.25**2 + 0.492**2) / 6) / 127, rel=1e-5
    )
    assert stated["clipped"] == 0
    assert integers(layer(net), CHIP, comparison=">=").of("n2", "threshold") == [127.0]


def test_delays_leave_four_bits() -> None:
    """A Delay of 2 steps: +-15: 15, -15, 7.5 -> 8, 3.75 -> 4, 0, .06 -> 0."""
    net = Net()
    net.dense(net.input(6), 1, weight=[[1.0, -1.0, 0.5, 0.25, 0.0, 0.004]], delay=2.0)
    found = integers(net, CHIP, comparison=">=")
    (name,) = found.quantized.populations
    (edge,) = found.quantized.projections
    assert found.of(edge, "weight") == [[15, -15, 8, 4, 0, 0]]
    assert found.of(name, "threshold") == [15.0]


def test_decays_are_floats() -> None:
    """tau 4 and 8: 1 - 1/4, 1 - 1/8; excitatory and inhibitory currents decay alike."""
    net = layer(np.ones((2, 1)), "CubaLIF", tau_syn=[4.0, 8.0], tau_mem=[8.0, 4.0])
    found = integers(net, CHIP)
    assert found.of("n2", "alpha_decay") == [0.875, 0.75]
    assert found.of("n2", "exc_decay", "inh_decay") == [[0.75, 0.875]] * 2
    assert found.of("n2", "v_reset", "i_offset", "v_init") == [[0.0] * 2] * 3


def test_a_reset_value_shifts_the_membrane() -> None:
    """v_reset = -1 below 1: a height of 2, so a weight of 2 is one: 127; it resets to 0 here.

    The leak at tau = 4 adds .25 x .5 x 127 = 15.875 a step; the membrane rests at 63.5.
    """
    found = integers(layer(np.full((2, 1), 2.0), "LIF", v_reset=-1.0), CHIP, comparison=">=")
    assert found.of(ONLY, "weight") == [[127], [127]]
    assert found.of("n2", "threshold", "v_reset") == [[127.0] * 2, [0.0] * 2]
    assert found.of("n2", "i_offset", "v_init") == [[15.875] * 2, [63.5] * 2]


def test_biases_and_the_first_membrane_of_late_input() -> None:
    """.25 x 127 = 31.75 a step from step 0; input comes 1 step late, then 2: -31.75, -63.5."""
    net = layer([[1.0]], bias=[0.25])
    net.dense("n2", 1, weight=[[1.0]], bias=[0.25])
    found = integers(net, CHIP)
    assert found.of("n2", "i_offset", "v_init") == [[31.75], [-31.75]]
    assert found.of("n4", "i_offset", "v_init") == [[31.75], [-63.5]]


def test_a_bias_through_the_synapse_and_what_rounding_left_of_it() -> None:
    """.1 x 127 = 12.7 -> 13: .3 too much, 4 times that in the long run (tau_syn 4): -1.2 a step.

    One step late: v0 = 1.2 / .75 = 1.6.
    """
    found = integers(layer(np.ones((2, 1)), "CubaLIF", bias=[0.1, -0.1]), CHIP)
    assert found.of("bias:n2", "weight") == [[13], [-13]]
    assert found.of("n2", "i_offset") == pytest.approx([-1.2, 1.2], rel=1e-5)
    assert found.of("n2", "v_init") == pytest.approx([1.6, -1.6], rel=1e-5)


def test_all_that_a_population_reads_has_one_scale() -> None:
    """Input 1, recurrent 4: 127 / 4 = 31.75: 1 -> 32, 4 -> 127, 2 -> 63.5 -> 64."""
    found = integers(recurrent(np.ones((2, 1)), [[0.0, 4.0], [-4.0, 2.0]]), CHIP, comparison=">=")
    (back,) = set(found.quantized.projections) - {ONLY}
    assert found.of(ONLY, "weight") == [[32], [32]]
    assert found.of(back, "weight") == [[0, 127], [-127, 64]]
    assert found.of("n2", "threshold") == [31.75, 31.75]


def test_populations_have_scales_of_their_own() -> None:
    net = layer([[1.0]])
    net.dense("n2", 1, weight=[[0.5]])
    found = integers(net, CHIP, comparison=">=")
    assert found.of("n2", "threshold") == [127.0]
    assert found.of("n4", "threshold") == [254.0]


def test_an_outlier_is_clipped_where_that_serves_the_others() -> None:
    """200 weights of .26, one of -12.7: as worked out for Loihi 2, the top is 10.212.

    127 / 10.212 = 12.436: .26 -> 3.23 -> 3; -12.7 -> -157.9 -> -127, clipped.
    """
    weight = np.full((1, 201), 0.26)
    weight[0, 7] = -12.7
    found = integers(layer(weight), CHIP, comparison=">=")
    assert found.scale("n2") == pytest.approx(127 / 10.212)
    stored = np.ravel(found.of(ONLY, "weight"))
    assert stored[7] == -127
    assert set(np.delete(stored, 7)) == {3}
    assert found.error(ONLY, "weight")["clipped"] == 1


def test_kernels() -> None:
    """127 x (1, -1, .5, .25): one scale for both output channels."""
    found = integers(conv([[[[1.0, -1.0], [0.5, 0.25]]], [[[0.25, 0.5], [1.0, 1.0]]]], 4), CHIP)
    kernel = [[[[127, -127], [64, 32]]], [[[32, 64], [127, 127]]]]
    assert found.of(ONLY, "kernel") == kernel


@pytest.mark.parametrize(
    ("dials", "threshold", "weights"),
    [
        ({}, 127.0, [127, 127, 127, 64]),
        ({"gain@n2": 1.25}, 101.6, [127, 127, 127, 64]),  # 1.25 x 101.6 = 127, .625 x 101.6 = 63.5
        # of (.5, 1, 1, 1), the 97th percentile is 1 as well
        ({"clip@n2": 97.0}, 127.0, [127, 127, 127, 64]),
    ],
)
def test_dials(dials: dict[str, float], threshold: float, weights: list[int]) -> None:
    found = integers(layer([[1.0, 1.0, 1.0, 0.5]]), CHIP, chosen=dials, comparison=">=")
    assert found.of("n2", "threshold") == pytest.approx([threshold], rel=1e-7)
    assert found.of(ONLY, "weight") == [weights]


def test_the_clip_dial_is_a_percentile_of_the_weights() -> None:
    """(.5, 1) at 97 %: .5 + .97 x .5 = .985; 127 / .985 = 128.93: 1 is clipped, .5 -> 64.5 -> 64."""
    found = integers(layer([[1.0, 0.5]]), CHIP, chosen={"clip@n2": 97.0}, comparison=">=")
    assert found.scale("n2") == pytest.approx(127 / 0.985)
    assert found.of(ONLY, "weight") == [[127, 64]]
    assert found.error(ONLY, "weight")["clipped"] == 1
