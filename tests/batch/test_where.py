"""Conditions are read like Python and can do nothing but compare columns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.verbs.batch.columns import COLUMNS, flat
from mapper.verbs.batch.where import where
from nir_io.errors import BadInput
from tests.batch.rows import fitting, refused

FITS = flat(fitting("models/conv.nir", "speck2f", 0.4), 1)
REFUSED = flat(refused("models/mlp.nir", "xylo-imu", "output_neurons", 10))


@pytest.mark.parametrize(
    ("text", "fits", "refused_row"),
    [
        ('status == "fits"', True, False),
        ("share < 0.5", True, False),
        ("0.1 < share <= 0.4", True, False),
        ("not share < 0.5", False, True),
        ('device in ("speck2f", "loihi2")', True, False),
        ('"conv" in model or demanded >= 10', True, True),
        ('limit != "output_neurons" and rank == 1', True, False),
        ("group is None", False, True),
        ("group is not None", True, False),
        ('"n" not in about', False, False),
        ("headroom > -1", True, False),
        ('model < "models/d"', True, False),
        ('neurons < "ten"', False, False),
        ("error", False, False),
    ],
)
def test_a_condition_chooses_rows(text: str, fits: bool, refused_row: bool) -> None:
    condition = where(text)
    assert (condition(FITS), condition(REFUSED)) == (fits, refused_row)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colour == 1", "there is no column 'colour'; there are: model, device, status"),
        ("__import__('os')", "is not understood"),
        ("model.upper() == 'A'", "is not understood"),
        ("[x for x in model]", "is not understood"),
        ("lambda: 1", "is not understood"),
        ("share + 1 > 0", "'share \\+ 1' is not understood"),
        ("b'x' == model", "is not understood"),
        ("share <", "invalid syntax"),
        ("", "invalid syntax"),
        ("not " * 400 + "error", "too deeply nested"),
        ("(" * 300 + "error" + ")" * 300, "too (deeply nested|many nested)"),
        ("error " * 1000, "more than 2000 characters"),
    ],
)
def test_anything_else_is_refused(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        where(text)


@given(
    column=st.sampled_from(list(COLUMNS)),
    op=st.sampled_from(["==", "!=", "<", ">=", "in", "not in", "is"]),
    value=st.one_of(
        st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)
    ),
)
def test_no_comparison_raises_whatever_is_compared(column: str, op: str, value: Any) -> None:
    for other in (repr(value), f"({value!r},)"):
        condition = where(f"{column} {op} {other}")
        assert condition(FITS) in (True, False)
        assert condition(REFUSED) in (True, False)
