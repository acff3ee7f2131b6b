"""Threshold units, first membranes, scales, errors, dials and overshoots, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mapper.bundle.integers import dial as dials
from mapper.bundle.integers.draft import ENOUGH, Arrays, best_share, loss, scale_of, smallest_clip
from mapper.bundle.integers.overshoot import overshoot
from mapper.bundle.integers.units import Unit, first_membrane, unit
from tests.boundary.build import Net
from tests.quantize.hand import layer, placed


def made(
    mem: float, syn: float = 0.0, bias: float = 0.0, leak: float = 0.0, start: float = 0.0
) -> Unit:
    """One neuron."""
    one = (np.array([x]) for x in (syn, mem, 1.0, bias, leak, start))
    a, b, gain, c, e, v = one
    return Unit(syn_decay=a, mem_decay=b, gain=gain, bias=c, leak=e, v_init=v)


@pytest.mark.parametrize(
    ("mem", "constant", "lag", "start", "first"),
    [
        (0.5, 0.25, 0, 0.5, 0.5),  # in time
        (0.5, 0.0, 1, 0.5, 1.0),  # .5 x 1 = .5
        (0.5, 0.25, 1, 0.5, 0.5),  # .5 x .5 + .25 = .5: at rest
        (0.5, 0.25, 2, 0.0, -1.5),  # .25 v + .25 + .125 = 0
        (1.0, 0.25, 3, 0.0, -0.75),  # v + 3 x .25 = 0
        (1.0, -0.25, 2, 0.5, 1.0),
        (0.125, 1.0, 2, 0.0, -72.0),  # 1/64 = 1.6 % of the start are left: v / 64 + 1.125 = 0
        (0.125, 1.0, 3, 0.25, 0.25),  # 1/512 < 1 %: as good as forgotten
    ],
)
def test_the_first_membrane_has_become_v_init_when_input_arrives(
    mem: float, constant: float, lag: int, start: float, first: float
) -> None:
    found = first_membrane(made(mem, start=start), np.array([constant]), lag)
    assert found.tolist() == [first]


def test_a_bias_behind_a_synapse_builds_up() -> None:
    """.25 a step through a current that keeps .75 of itself is 1 in the long run; leak adds."""
    u = made(0.5, syn=0.75, bias=0.25, leak=0.125)
    assert u.constant().tolist() == [1.125]
    assert u.constant(np.array([0.125])).tolist() == [0.625]  # the source delivers half of it


@pytest.mark.parametrize(
    ("reset", "v_reset", "gain", "leak", "start"),
    [
        # height 2 - -2 = 4; the leak pulls to 1, that is 3 above the reset: a quarter of it, over 4
        ("zero", -2.0, 0.25, 0.1875, 0.5),
        # height 2: a quarter of 1, over 2
        ("subtract", 0.0, 0.5, 0.125, 0.0),
    ],
)
def test_thresholds_resets_and_leaks_in_threshold_units(
    reset: str, v_reset: float, gain: float, leak: float, start: float
) -> None:
    net = layer([[1.0]], "LIF", bias=[2.0], v_threshold=2.0, v_reset=v_reset, v_leak=1.0)
    found = placed(net, "spinnaker2", reset=reset)
    u = unit(found.question.network.population("n2"), found.chosen["n2"].form.neuron)
    assert (u.gain.tolist(), u.leak.tolist(), u.v_init.tolist()) == ([gain], [leak], [start])
    assert u.bias.tolist() == [2.0 * gain]
    assert u.mem_decay.tolist() == [0.75]


def test_the_error_is_the_largest_and_the_root_mean_square() -> None:
    """Off by 3 and 4: (9 + 16) / 2; with 3 more that are exact, 25 / 5."""
    found = loss(np.array([1.0, 2.0]), np.array([4.0, -2.0]))
    assert (found.max, found.rms, found.clipped) == (4.0, np.sqrt(12.5), 0)
    assert loss(np.array([1.0, 2.0]), np.array([4, -2]), 1, exact=3).rms == np.sqrt(5.0)
    assert loss(np.zeros(0), np.zeros(0), 2).as_json() == {"max": 0.0, "rms": 0.0, "clipped": 2}
    assert loss(np.array([0.0]), np.array([1 / 3])).as_json()["max"] == 0.333333


def test_arrays_are_numbered_in_order() -> None:
    arrays = Arrays()
    assert arrays.add(np.zeros((2, 3), np.int8), "first") == "a000"
    assert arrays.add(np.zeros(2, np.int16), "second", loss(np.ones(1), np.zeros(1))) == "a001"
    assert arrays.rows["a001"] == {
        "shape": [2],
        "dtype": "int16",
        "what": "second",
        "error": {"max": 1.0, "rms": 1.0, "clipped": 0},
    }


def test_a_share_is_a_percentile_of_what_is_not_zero() -> None:
    """(1, 2, 3, 4, 5), zeros and signs aside: 100 % 5, 75 % 4, 50 % 3; 120 units of these."""
    values = np.array([0.0, -5.0, 1.0, 0.0, 3.0, -2.0, 4.0])
    assert [scale_of(values, 120, share) for share in (100.0, 75.0, 50.0)] == [24.0, 30.0, 40.0]
    assert scale_of(np.zeros(3), 120, 100.0) == 120.0
    assert best_share(np.zeros(3), 120, (99.0, 50.0)) == 99.0


def test_the_first_of_equally_good_shares_is_taken() -> None:
    values = np.ones(10)
    assert best_share(values, 127, (100.0, 99.0, 97.0)) == 100.0
    assert best_share(values, 127, (97.0, 100.0)) == 97.0


def test_what_is_beyond_3_thresholds_does_not_count() -> None:
    """1 and 3, 1 and 9, in one unit a top: tops 3 or 2; 9 or 5 (median).

    Of (1, 3): 3 -> 1 of 3 is exact, 1 -> 0 (a third rounds to 0) is off by 1: 1 / 2. Top 2: 1 is
    half of it -> 0, 3 -> 2, off by 1 and 1. So 100 %.
    Of (1, 9): top 9: 1 -> 0, 9 is felt as 3: 1 / 2. Top 5: 1 -> 0, 5 is felt as 3: the same, so
    the first. In 5 units: top 9: 1.8 a unit: 1 -> 1.8, off by .8; top 5: 1 -> 1: exact, 9 -> 5.
    """
    assert ENOUGH == 3.0
    assert best_share(np.array([1.0, 3.0]), 1, (100.0, 50.0)) == 100.0
    assert best_share(np.array([1.0, 9.0]), 1, (100.0, 50.0)) == 100.0
    assert best_share(np.array([1.0, 9.0]), 5, (100.0, 50.0)) == 50.0
    assert smallest_clip(np.array([1.0, 9.0]), 5, (100.0, 50.0)) == 1.0


def test_an_outlier_may_be_cut_below_3_thresholds_for_what_the_others_gain() -> None:
    """(1, 9) at 18.75 %: 1 + .1875 x 8 = 2.5, in 5 units of .5: 1 is exact, 9 -> 2.5, half of 3 off.

    Top 9: units of 1.8, 1 is .8 off: .64 is more than .25. In full, 6.5^2 would be more than 6^2.
    """
    assert best_share(np.array([1.0, 9.0]), 5, (100.0, 18.75)) == 18.75


def test_a_dial_has_its_usual_value_among_its_values() -> None:
    found = dials.dial("gain", "n2", dials.GAINS, 1.0)
    assert found.name == "gain@n2"
    assert found.values == (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25)
    assert dials.dial("fill", "n2", (64.0, 256.0), 64.0).values == (64.0, 256.0)
    assert dials.read({"gain@n2": 0.9}, "gain", "n2", 1.0) == 0.9
    assert dials.read({"gain@n2": 0.9}, "gain", "n4", 1.0) == 1.0
    assert dials.read({"gain@n2": 0.9}, "clip", "n2", 100.0) == 100.0


@pytest.mark.parametrize(
    ("how", "weight", "threshold", "v_reset", "over"),
    [
        ("zero", 1.5, 1.0, 0.0, 0.5),
        ("zero", 3.0, 2.0, 0.0, 0.5),  # of a height of 2
        ("zero", 0.625, 1.0, 0.0, 0.25),  # after two, always 1.25
        # what is left helps: after 2, 2, 1, 2, 2 events .25, .5, .125, .375, .625 are over, and again
        ("subtract", 0.625, 1.0, 0.0, 0.375),
        ("zero", 0.5, 1.0, 0.0, 0.5),  # > 1 after three: 1.5
        ("zero", 5.0, 1.0, -1.0, 1.5),  # -1 + 5 = 4: 3 over, of a height of 2; 4 at first
    ],
)
def test_overshoots_are_over_the_threshold_in_heights(
    how: str, weight: float, threshold: float, v_reset: float, over: float
) -> None:
    """Of one input, whatever its random events are; the first spike starts from 0."""
    net = layer([[weight]], v_threshold=threshold, v_reset=v_reset)
    found = overshoot(placed(net, "spinnaker2", reset=how).question)["n2"]
    assert found == pytest.approx(over, abs=0.03)


def test_silent_populations_have_no_overshoot_and_a_question_is_not_changed() -> None:
    net = Net()
    net.dense(net.input(1), 1, weight=[[-1.0]])
    question = placed(net, "spinnaker2").question
    assert overshoot(question) == {}
    assert overshoot(question) == overshoot(replace(question))


def test_the_same_network_has_the_same_overshoot() -> None:
    net: Any = layer([[1.5, 0.75]])
    question = placed(net, "spinnaker2").question
    assert overshoot(question) == overshoot(question)
