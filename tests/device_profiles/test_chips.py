"""The profiles that come with the package are sound, complete and say what the families ask."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import device_profiles
from device_profiles.check import as_raw, check
from device_profiles.families import Family, family, family_names
from device_profiles.load import load, names
from device_profiles.profile import Profile

CHIPS = Path(device_profiles.__file__).parent / "chips"
SEVEN = ("loihi2", "speck2e", "speck2f", "spinnaker2", "xylo-audio2", "xylo-audio3", "xylo-imu")


def known(name: str) -> Family:
    found = family(name)
    assert found is not None
    return found


def test_the_listing_is_the_folder_and_holds_the_seven_chips() -> None:
    assert names() == tuple(sorted(file.stem for file in CHIPS.glob("*.toml")))
    assert set(SEVEN) <= set(names())


@pytest.mark.parametrize("name", names())
def test_a_chip_has_no_findings(name: str) -> None:
    raw = tomllib.loads((CHIPS / f"{name}.toml").read_text())
    assert check(raw) == ()
    assert check(load(name)) == ()


@pytest.mark.parametrize("name", names())
def test_a_loaded_profile_says_what_its_file_says(name: str) -> None:
    raw = tomllib.loads((CHIPS / f"{name}.toml").read_text())
    back = as_raw(load(name))
    for core in raw["core"]:
        ids = core["ids"]
        core["ids"] = list(range(ids["first"], ids["last"] + 1)) if isinstance(ids, dict) else ids
    for numbers in (raw["limits"], back["limits"], *raw["core"], *back["core"]):
        for key, entry in numbers.items():
            if key not in ("name", "ids"):
                entry.pop("kind", None)
    assert back == raw


@pytest.mark.parametrize("name", names())
def test_file_family_and_kinds_agree(name: str) -> None:
    profile = load(name)
    assert profile.name == name
    assert profile.family in family_names()
    keys = {**known(profile.family).limits, **known(profile.family).cores}
    numbers = all_numbers(profile)
    assert len(numbers) > 30
    assert {key: number.kind for key, number in numbers.items()} == {
        key: keys[key].kind for key in numbers
    }


@pytest.mark.parametrize("name", names())
def test_a_limit_is_found_chip_wide_or_in_the_only_core_class(name: str) -> None:
    profile = load(name)
    for key, number in profile.limits.items():
        assert profile.limit(key) is number
    per_core = profile.cores[0].limits
    for key, number in per_core.items():
        if len(profile.cores) == 1:
            assert profile.limit(key) is number
            continue
        with pytest.raises(
            KeyError, match=f"{name} has no limit '{key}'; there are: cores_per_chip"
        ):
            profile.limit(key)


@pytest.mark.parametrize("name", family_names())
def test_a_family_names_each_key_once_and_counts_its_cores(name: str) -> None:
    one = known(name)
    assert one.name == name
    chip_wide = [key for group in one.groups.values() for key in group]
    every = [*chip_wide, *one.cores, *one.lists, *one.switches]
    assert len(set(every)) == len(every)
    assert one.core_count in chip_wide
    assert any(load(chip).family == name for chip in names())


def all_numbers(profile: Profile) -> dict[str, device_profiles.profile.Number]:
    return {**profile.limits, **{k: n for core in profile.cores for k, n in core.limits.items()}}


def test_a_profile_made_in_code_is_checked_like_a_file() -> None:
    chip = load("spinnaker2")
    number = chip.limits["delay_max"]
    strange = replace(number, source="hearsay", confidence="assumed", optimistic=3, unit="ms")
    unlisted, *others = check(replace(chip, limits={**chip.limits, "delay_max": strange}))
    assert unlisted.startswith("[limits], key delay_max: source 'hearsay' is not in [sources];")
    assert others == [
        "[limits], key delay_max: assumed, without a note; say in note what the guess rests on",
        "[limits], key delay_max: unit is 'ms'; this family counts it in 'steps'",
        "[limits], key delay_max: optimistic is 3, value 7; the safe value of a limit is the smaller one",
    ]
