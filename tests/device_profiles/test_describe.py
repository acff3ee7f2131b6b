"""Rows and JSON of a profile hold every number, list and switch, as plain values."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby

import pytest

from device_profiles.describe import COLUMNS, as_json, meanings, table
from device_profiles.load import load, names, parse
from tests.device_profiles.test_defects import SMALL


@pytest.mark.parametrize("name", names())
def test_each_entry_is_one_row_and_groups_hold_together(name: str) -> None:
    profile = load(name)
    rows = table(profile)
    entries = [*profile.limits, *(key for core in profile.cores for key in core.limits)]
    entries += [*profile.lists, *profile.switches]
    assert sorted(row[1] for row in rows) == sorted(entries)
    assert all(
        len(row) == len(COLUMNS) and all(isinstance(cell, str) for cell in row) for row in rows
    )
    groups = [group for group, _ in groupby(row[0] for row in rows)]
    assert len(groups) == len(set(groups))
    assert not {"other"} & set(groups)


@pytest.mark.parametrize("name", names())
def test_json_is_plain_and_whole(name: str) -> None:
    profile = load(name)
    said = as_json(profile)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["hash"] == profile.hash
    assert list(said["limits"]) == list(profile.limits)
    assert [core["ids"] for core in said["cores"]] == [list(core.ids) for core in profile.cores]
    entries = [*said["limits"].values(), *said["lists"].values(), *said["switches"].values()]
    assert all(entry["says"] and entry["source"] and entry["confidence"] for entry in entries)
    assert (
        said["limits"]["delay_per_connection"]["value"]
        == profile.limits["delay_per_connection"].value
    )


def test_rows_of_a_chip(golden: Callable[[str, str], None]) -> None:
    rows = [COLUMNS, *table(load("speck2f"))]
    golden("device_profiles/speck2f.txt", "".join(" | ".join(row) + "\n" for row in rows))


def test_a_chip_of_an_unknown_family_has_rows_without_meanings() -> None:
    profile = parse(SMALL.encode(), "example9.toml")
    assert meanings(profile) == {}
    rows = table(profile)
    assert rows[0] == (
        "chip",
        "channels",
        "16 channels",
        "",
        "published",
        "vendor limits table, revision 2, row per core",
    )
    expected = ("core core1 (3 alike)", "kernel_memory", "65536 weights", "131072 weights")
    assert rows[4][:4] == expected
    assert [row[2] for row in rows[-2:]] == ["1, 2 pixels", "yes"]
