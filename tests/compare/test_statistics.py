"""Shares and paired differences: against published tables, coverage, and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.verbs.compare.statistics import mean_difference, paired_difference, share


def test_wilson_as_published() -> None:
    """81 of 263: R. G. Newcombe (1998), Stat. Med. 17, 857-872, Table I, method 3."""
    found = share(np.arange(263) < 81)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    found = share(np.arange(148) < 15)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0624, 0.1605)
    found = share(np.zeros(20, bool))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0, 0.1611)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
@settings(deadline=None)
def test_a_paired_difference_is_that_of_the_shares(pairs: list[tuple[bool, bool]]) -> None:
    after, before = np.array(pairs).T
    found = paired_difference(after, before)
    assert found.value == pytest.approx(share(after).value - share(before).value)
    assert -1 <= found.low <= found.value <= found.high <= 1
    turned = paired_difference(before, after)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize(("samples", "gain", "loss"), [(100, 0.02, 0.05), (40, 0.1, 0.1)])
def test_the_interval_holds_the_true_difference_as_often_as_it_says(
    samples: int, gain: float, loss: float
) -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        drawn = rng.random(samples)
        before = (drawn < loss) | (drawn > 0.5)
        after = ((drawn >= loss) & (drawn < loss + gain)) | (drawn > 0.5)
        found = paired_difference(after, before)
        held += found.low <= gain - loss <= found.high
    assert 0.935 <= held / 2000 <= 0.99


def test_pairing_narrows_the_interval() -> None:
    right = np.arange(500) < 450
    nearly = right.copy()
    nearly[:5] = False
    found = paired_difference(nearly, right)
    assert found.value == pytest.approx(-0.01)
    assert found.high - found.low < 0.03


def test_a_mean_of_one_sample_has_no_width() -> None:
    found = mean_difference(np.array([3.0]), np.array([1.0]))
    assert (found.value, found.low, found.high, found.samples) == (2.0, 2.0, 2.0, 1)


def test_no_samples_are_refused() -> None:
    none = np.zeros(0, bool)
    with pytest.raises(ValueError, match="no samples"):
        share(none)
    with pytest.raises(ValueError, match="samples after"):
        paired_difference(none, none)
    with pytest.raises(ValueError, match="no samples"):
        mean_difference(none, none)
