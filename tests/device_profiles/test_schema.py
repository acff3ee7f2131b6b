"""The schema for editors is the generated one, takes every profile, and is no stricter than check."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import device_profiles
from device_profiles.check import check
from device_profiles.load import names
from device_profiles.schema import schema, text
from tests.device_profiles.test_defects import GENERAL, OF_A_FAMILY, SMALL

CHIPS = Path(device_profiles.__file__).parent / "chips"
DOCS = CHIPS.parent.parent / "docs"
VALIDATOR = jsonschema.Draft7Validator(schema())
IMU = (CHIPS / "xylo-imu.toml").read_text()


def test_the_file_in_docs_is_the_generated_schema() -> None:
    file = DOCS / "profile.schema.json"
    said = "write it anew: python -m device_profiles.schema > docs/profile.schema.json"
    assert file.read_text() == text(), said
    jsonschema.Draft7Validator.check_schema(json.loads(file.read_text()))


@pytest.mark.parametrize("name", names())
def test_a_chip_is_valid(name: str) -> None:
    VALIDATOR.validate(tomllib.loads((CHIPS / f"{name}.toml").read_text()))


def test_a_profile_of_another_family_is_valid() -> None:
    VALIDATOR.validate(tomllib.loads(SMALL))


# What a schema cannot say; everything else it must catch.
BEYOND = {
    "a title with a line break",
    "a source twice",
    "a source that nothing cites",
    "a source that is not listed",
    "nan for a value",
    "a limit with a smaller optimistic value",
    "a cost with a larger optimistic value",
    "a floor with a larger optimistic value",
    "a fact with an optimistic value",
    "an optimistic value that is the value",
    "a range the wrong way round",
    "two classes of one name",
    "ids that end before they begin",
    "an id in two classes",
    "integers without a unit",
    "a whole number with a decimal point",
    "more ids than cores",
}
DEFECTS = [
    *((title, SMALL.replace(old, new)) for title, old, new in GENERAL),
    *((title, IMU.replace(old, new)) for title, old, new in OF_A_FAMILY),
]


@pytest.mark.parametrize(("title", "broken"), DEFECTS)
def test_a_defect_is_invalid_or_beyond_a_schema(title: str, broken: str) -> None:
    assert VALIDATOR.is_valid(tomllib.loads(broken)) == (title in BEYOND)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3),
    st.sampled_from(["overview", "published", "assumed", "neurons", "fact", "limit", "x"]),
    st.lists(st.integers(0, 2), max_size=3), st.just({}),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_what_the_schema_rejects_check_finds(data: st.DataObject) -> None:
    """One random change anywhere in a chip: the schema is never stricter than check."""
    raw: dict[str, Any] = tomllib.loads(IMU)
    here: Any = raw
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = data.draw(st.sampled_from(keys))
        below = here[key]
        if not isinstance(below, dict | list) or not below or data.draw(st.booleans()):
            break
        here = below
    value = data.draw(VALUES)
    if value is None:
        del here[key]
    else:
        here[key] = value
    if not VALIDATOR.is_valid(raw):
        assert check(raw) != ()
