"""Loihi 2, worked out by hand from Lava's fixed point (lava-nc, proc/lif and proc/dense).

    u  <- u (4096 - du - 1) / 4096 + sum w 2^(e + 6);   v <- v (4096 - dv) / 4096 + u + bias 2^bexp
    LIF: spike where v > vth 2^6, v = 0;   w even in +-254, e in 0..7, bias in +-4095, bexp in 0..7

So a threshold is S = vth 64 units, a weight of one threshold is w = vth / 2^e.

In a network whose largest weight is 1 threshold, e is the largest with 254 2^e <= 1024, the
mantissa that is aimed at: 254 4 = 1016 <= 1024 < 254 8. So e = 2, vth = 1016, S = 65,024.
"""

from __future__ import annotations

import numpy as np
import pytest

from mapper.problem.settings import Settings
from tests.quantize.hand import ONLY, integers, layer, recurrent

CHIP = "loihi2"
UNIT = 65024


def test_weights_are_the_nearest_even_numbers() -> None:
    """vth = 1016, e = 2: raw = 254 w, stored 2 round(raw / 2), halves to even.

    254 x (1, -1, .5, .25, -.75) = 254, -254, 127 -> 2 round(63.5) = 128, 63.5 -> 2 round(31.75) =
    64, -190.5 -> 2 round(-95.25) = -190; 0 stays; .004 -> 1.016 -> 2; .0039 -> 0.99 -> 0.
    The worst: .5 was stored as 128 / 254, 1/254 too much; .0039 lost less.
    """
    found = integers(layer([[0.0, 1.0, -1.0, 0.5], [0.25, -0.75, 0.004, 0.0039]]), CHIP)
    assert found.of(ONLY, "weight") == [[0, 254, -254, 128], [64, -190, 2, 0]]
    assert found.of(ONLY, "exponent", "bits", "sign_mode") == [2, 8, "MIXED"]
    assert found.of("n2", "vth_mant", "bias_exp") == [1016, 0]
    assert found.scale("n2") == UNIT
    assert found.of("n2", "du", "dv", "bias_mant", "v_init") == [
        [4095] * 2,
        [0] * 2,
        [0] * 2,
        [0] * 2,
    ]
    stated = found.error(ONLY, "weight")
    assert stated["max"] == pytest.approx(max(1 / 254, 2 / 254 - 0.004), rel=1e-5)
    assert stated["clipped"] == 0


def test_decays_are_4096ths_and_only_du_has_an_offset() -> None:
    """du = round(4096 / tau) - 1, at least 0; dv = round(4096 / tau), at most 4095.

    tau_syn 2, 3, 16384: 2048, 1365.33, .25 -> 1 at least; less 1: 2047, 1364, 0.
    tau_mem 2560, 16384, 1.0001: 1.6 -> 2, .25 -> 0, 4095.6 -> 4096, which is no 12 bits: 4095.
    """
    net = layer(
        np.ones((3, 1)), "CubaLIF", tau_syn=[2.0, 3.0, 16384.0], tau_mem=[2560.0, 16384.0, 1.0001]
    )
    found = integers(net, CHIP)
    assert found.of("n2", "du", "dv") == [[2047, 1364, 0], [2, 0, 4095]]


def test_exponential_decays() -> None:
    """tau = 1 / ln 2: half is left after a step, 4096 / 2 = 2048; a LIF has no synapse: du 4095."""
    net = layer([[1.0]], "LIF", tau=1.0 / np.log(2.0), r=2.0)
    found = integers(net, CHIP, discretization="exponential")
    assert found.of("n2", "du", "dv") == [[4095], [2048]]


def test_a_rounded_decay_is_made_up_for_by_the_weights() -> None:
    """What an input adds up to over time, w / decay, stays: w is multiplied by chip / wanted.

    tau 2560, 1706.67, 16: 4096 / tau = 1.6, 2.4, 256; stored 2, 2, 256: 1.25, 1/1.2, 1.
    Weights 1, 1, 1, .9 become 1.25, 1.25, .8333, .9. The largest is 1.25 = vth / (254 / 4) at
    e = 2: vth = floor(1016 / 1.25) = floor(812.8) = 812. Raw w 812 / 4 = 253.75 -> 254 (twice),
    169.17 -> 2 round(84.58) = 170, 182.7 -> 2 round(91.35) = 182.
    """
    net = layer(
        np.array([[1.0], [1.0], [1.0], [0.9]]), "LIF", tau=[2560.0, 2560.0, 4096 / 2.4, 16.0]
    )
    found = integers(net, CHIP)
    assert found.of("n2", "dv", "vth_mant") == [[2, 2, 2, 256], 812]
    assert found.of(ONLY, "weight") == [[254], [254], [170], [182]]


def test_the_synapse_s_decay_is_made_up_for_as_well() -> None:
    """tau_syn 2560: 1.6 -> 2, so 1.25 of the weight; the membrane's 16 is exact. As above: 812, 254."""
    net = layer(np.ones((2, 1)), "CubaLIF", tau_syn=2560.0, tau_mem=16.0)
    found = integers(net, CHIP, chosen={"fill@n2": 1024.0})
    mantissa, e = found.of("n2", "vth_mant"), found.of(ONLY, "exponent")
    # |u| could reach 1.25 2048 thresholds, and 2^23 / 64 units hold 51 of these: e = 0, vth = 51
    assert (mantissa, e) == (51, 0)
    assert found.of(ONLY, "weight") == [[64], [64]]  # 1.25 x 51 = 63.75


def test_thresholds_go_into_the_weights() -> None:
    """Weights of 1 over thresholds of 1, 1, 2, 4: 1, 1, .5, .25: 254, 254, 127 -> 128, 63.5 -> 64."""
    found = integers(layer(np.ones((4, 1)), v_threshold=[1.0, 1.0, 2.0, 4.0]), CHIP)
    assert found.of("n2", "vth_mant") == 1016
    assert found.of(ONLY, "weight") == [[254], [254], [128], [64]]


def test_a_reset_value_shifts_the_membrane() -> None:
    """v_reset = -1 below a threshold of 1: the height is 2, so a weight of 2 is 1: 254.

    The leak pulls to 0, that is to half the height: a quarter of it a step at tau = 4,
    constant = .25 x .5 = .125 S = 8128. 13 bits: e = 1, 4064. The membrane starts at 0 = S / 2
    and stays there, however late the input: v_init = 32512.
    """
    net = layer(np.full((2, 1), 2.0), "LIF", v_reset=-1.0)
    found = integers(net, CHIP)
    assert found.of(ONLY, "weight") == [[254], [254]]
    assert found.of("n2", "bias_mant", "bias_exp") == [[4064] * 2, 1]
    assert found.of("n2", "v_init") == [32512] * 2


def test_biases_share_the_least_exponent_that_holds_the_largest() -> None:
    """.1, -.05, 1e-5 of S: 6502.4, -3251.2, .65. 4095 2 holds these: 3251.2, -1625.6, .325."""
    net = layer(np.ones((3, 1)), bias=[0.1, -0.05, 0.00001])
    found = integers(net, CHIP)
    assert found.of("n2", "bias_mant", "bias_exp") == [[3251, -1626, 0], 1]
    stated = found.error("n2", "bias_mant")
    assert stated["max"] == pytest.approx(0.8 / UNIT, rel=1e-3)  # -1625.6 against -1626, twice


def test_a_bias_that_no_exponent_holds_is_clipped_and_told() -> None:
    """10 S = 650,240 is more than 4095 2^7 = 524,160."""
    found = integers(layer([[1.0]], bias=[10.0]), CHIP)
    assert found.of("n2", "bias_mant", "bias_exp") == [[4095], 7]
    assert found.error("n2", "bias_mant")["clipped"] == 1
    assert found.quantized.alarms[0] == "'n2': 1 biases are clipped"


def test_the_first_membrane_makes_up_for_late_input() -> None:
    """Input arrives 1 step late at the first layer, 2 at the second; biases act from step 0.

    IF: v0 + lag c = 0. -.125 S = -8128 = -4064 2: v0 = 8128. .25 S = 16256 = 4064 4: v0 =
    -2 x 16256 = -32512.
    """
    net = layer([[1.0]], bias=[-0.125])
    net.dense("n2", 1, weight=[[1.0]], bias=[0.25])
    found = integers(net, CHIP)
    assert found.of("n2", "bias_mant", "bias_exp", "v_init") == [[-4064], 1, [8128]]
    assert found.of("n4", "bias_mant", "bias_exp", "v_init") == [[4064], 2, [-32512]]


def test_the_first_membrane_of_a_leaky_neuron() -> None:
    """b = .75, c = .1 S: b v0 + c = 0 gives v0 = -6502.4 / .75 = -8669.87.

    Two steps late: b^2 v0 + (1 + b) c = 0 gives v0 = -1.75 x 6502.4 / .5625 = -20229.69.
    With b = 1 - 1/1.005 = .005, b^1 < 1 %: nothing of the start is left, so it is 0.
    """
    net = layer([[1.0], [1.0], [0.9]], "LIF", bias=[0.1] * 3, tau=[4.0, 4.0, 1.005])
    net.dense("n2", 1, weight=[[1.0, 1.0, 0.0]], bias=[0.1], r=4.0)
    found = integers(net, CHIP)
    assert found.of("n2", "v_init") == [-8670, -8670, 0]
    assert found.of("n4", "v_init") == [-20230]


def test_a_start_beyond_24_bits_is_clipped_and_told() -> None:
    """b = 1/64, c = 6 S: v0 = -64 x 6 x 65024 = -24,969,216; v is within +-(2^23 - 1) = 8,388,607."""
    net = layer([[1.0]], "LIF", bias=[6.0], tau=64.0 / 63.0)
    found = integers(net, CHIP)
    assert found.of("n2", "v_init") == [-8388607]
    assert "1 membranes would have to start beyond" in found.quantized.alarms[0]


def test_a_bias_through_the_synapse_and_what_rounding_left_of_it() -> None:
    """A column of an always-firing source: .1 S / 64 = 101.6 -> 2 round(50.8) = 102, e = 0.

    It delivers .4 / 1016 too much a step, four times that in the long run (tau_syn = 4): the
    membrane's bias takes -.4 x 4 x 64 = -102.4 -> -102. v0 = 102.4 / .75 = 136.5 -> 137.
    """
    net = layer(np.ones((2, 1)), "CubaLIF", bias=[0.1, -0.1])
    found = integers(net, CHIP)
    assert found.of("bias:n2", "weight", "exponent") == [[[102], [-102]], 0]
    assert found.of(ONLY, "weight", "exponent") == [[[254], [254]], 2]
    assert found.of("n2", "bias_mant", "bias_exp", "v_init") == [[-102, 102], 0, [137, -137]]


def test_a_soft_reset_is_two_thetas_around_half_a_threshold() -> None:
    """ATRLIF: v = x - S / 2, threshold 2 theta. No reset of v: the least exponent, 0.

    vth = 254, theta = 127, S = 16256. tau = 4: a decay of 1024 pulls v towards -S / 2 by
    -.25 S / 2 = -2032 a step; v0 = -8128.
    """
    found = integers(layer(np.ones((2, 1)), "LIF"), CHIP, reset="subtract", comparison=">=")
    assert found.of(ONLY, "weight", "exponent") == [[[254], [254]], 0]
    assert found.of("n2", "delta_i", "delta_v", "theta_0") == [[4095] * 2, [1024] * 2, 127]
    assert found.of("n2", "bias_mant", "bias_exp", "v_init") == [[-2032] * 2, 0, [-8128] * 2]
    assert found.scale("n2") == 16256


def test_an_odd_threshold_is_made_even_where_it_is_halved() -> None:
    """254 / 1.003 = 253.2 -> 253 -> 252, theta = 126; 1.003 x 252 = 252.8 -> 252."""
    found = integers(layer(np.full((2, 1), 1.003)), CHIP, reset="subtract")
    assert found.of("n2", "theta_0") == 126
    assert found.of(ONLY, "weight") == [[252], [252]]


def test_projections_of_one_population_have_exponents_of_their_own() -> None:
    """Input 1, recurrent 4: the largest, 4, fills its range: 254 16 / 4 = 1016 = vth.

    Input: 1016 / 254 = 2^2, so e = 2 and 254; recurrent e = 4: 4 -> 254, 2 -> 127 -> 128.
    """
    found = integers(recurrent(np.ones((2, 1)), [[0.0, 4.0], [-4.0, 2.0]]), CHIP)
    assert found.of("n2", "vth_mant") == 1016
    assert found.of(ONLY, "weight", "exponent") == [[[254], [254]], 2]
    (back,) = set(found.quantized.projections) - {ONLY}
    assert found.of(back, "weight", "exponent") == [[[0, 254], [-254, 128]], 4]


def test_what_a_current_can_reach_stays_below_24_bits() -> None:
    """255 inputs of 1, and 1 threshold to spare: 256 thresholds of 2^23 / 64 / 256 = 512 each.

    e = 1, vth = 508: (255 x 254 2 + 508) 64 = 8,322,560 < 8,388,608.
    """
    found = integers(layer(np.ones((1, 255))), CHIP)
    assert found.of("n2", "vth_mant") == 508
    assert found.of(ONLY, "exponent") == 1
    assert set(np.ravel(found.of(ONLY, "weight"))) == {254}


def test_an_outlier_is_clipped_where_that_serves_the_others() -> None:
    """200 weights of .26 and one of 12.7: 99.9 % of 200 steps lie at .26 + .8 (12.44) = 10.212.

    In 127 steps (of 2) up to a top, what counts is the error of .26; of the outlier what it has
    beyond 3 thresholds does not. Top 12.7: .26 is 2.6 -> 3 steps, .3, off by .04. Top 10.212:
    3.23 -> 3, .2412, off by .0188, and the outlier is felt as 3 all the same. Top .26 (99.5 %
    and less): the outlier is lost. So 10.212: e = 5, vth = floor(254 32 / 10.212) = floor(795.9) =
    795. .26 x 795 / 32 = 6.46 -> 6; 12.7 x 795 / 32 = 315.5 -> 254, clipped.
    """
    weight = np.full((1, 201), 0.26)
    weight[0, 7] = 12.7
    found = integers(layer(weight), CHIP)
    assert found.of("n2", "vth_mant") == 795
    stored = np.ravel(found.of(ONLY, "weight"))
    assert stored[7] == 254
    assert set(np.delete(stored, 7)) == {6}
    stated = found.error(ONLY, "weight")
    assert stated["clipped"] == 1
    assert stated["max"] == pytest.approx(12.7 - 254 * 32 / 795, rel=1e-4)


def test_fewer_bits_are_coarser_steps() -> None:
    """6 bits: steps of 8 up to 248; vth = 248 4 = 992. 124 -> 8 round(15.5) = 128, 62 -> 64, -7.4 -> -8."""
    net = layer([[1.0, -1.0, 0.5, 0.25, -0.03]])
    found = integers(net, CHIP, settings=Settings(weight_bits=6))
    assert found.of("n2", "vth_mant") == 992
    assert found.of(ONLY, "weight", "bits") == [[[248, -248, 128, 64, -8]], 6]


@pytest.mark.parametrize(
    ("dials", "mantissa", "e", "weight"),
    [
        ({"fill@n2": 64.0}, 254, 0, 254),  # 254 is the least that 8 bits fill
        ({"fill@n2": 256.0}, 254, 0, 254),  # 254 <= 256 < 508
        ({"fill@n2": 4096.0}, 4064, 4, 254),  # 254 16 <= 4096
        ({"gain@n2": 1.25}, 812, 2, 254),  # 1016 / 1.25 = 812.8; 1.25 x 812 / 4 = 253.75
    ],
)
def test_dials(dials: dict[str, float], mantissa: int, e: int, weight: int) -> None:
    found = integers(layer(np.ones((2, 1))), CHIP, chosen=dials)
    assert found.of("n2", "vth_mant") == mantissa
    assert found.of(ONLY, "weight", "exponent") == [[[weight]] * 2, e]


def test_a_gain_counts_as_deviation() -> None:
    """254 4 / 812 = 1.25123 stands for a weight of 1."""
    found = integers(layer(np.ones((2, 1))), CHIP, chosen={"gain@n2": 1.25})
    assert found.error(ONLY, "weight")["max"] == pytest.approx(254 * 4 / 812 - 1.0, rel=1e-4)
