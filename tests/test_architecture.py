"""docs/architecture.md shows the structure as it is."""

from __future__ import annotations

import re

import pytest

from scripts import rooms
from tests.examples_path import ROOT

MOST_FLOORS = 12


def test_the_picture_is_todays() -> None:
    page = rooms.PAGE.read_text()
    assert page == rooms.written(page), "write it anew: python scripts/rooms.py --write"


def test_rooms_lie_on_few_floors_and_in_no_circle() -> None:
    at = rooms.floors(rooms.arrows())
    assert at["nir_io"] == at["device_profiles"] == at["verify"] == 1
    assert max(at.values()) <= MOST_FLOORS
    with pytest.raises(ValueError, match="circle: a, b, a"):
        rooms.floors({"a": {"b"}, "b": {"a"}})


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_files_and_folders_that_are_named_are_there(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(
        r"`((?:mapper|rewrite_rules|nir_io|device_profiles|tests|scripts|benchmarks)/[^`]*)`", text
    )
    assert len(named) > 8
    for name in (words.split()[0] for words in named):
        pattern = re.sub(r"<\w+>", "*", name)
        assert list(ROOT.glob(pattern.rstrip("/"))), f"{page} names {name}, which is not there"
