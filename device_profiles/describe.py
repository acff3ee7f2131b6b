"""A profile as plain values: rows for a table, a dictionary for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypedDict

from device_profiles.families import family
from device_profiles.profile import Confidence, Kind, Number, Profile, Switch, Values


class Cited(TypedDict):
    """What every entry says of itself."""

    source: str
    note: str
    confidence: Confidence
    says: str


class NumberFacts(Cited):
    """A number; optimistic: what an unpublished one may really be."""

    value: int | float
    unit: str
    optimistic: int | float | None
    kind: Kind


class ListFacts(Cited):
    """A list."""

    values: list[int | str]
    unit: str


class SwitchFacts(Cited):
    """Yes or no."""

    value: bool


class CoresFacts(TypedDict):
    """A class of equal cores."""

    name: str
    ids: list[int]
    limits: dict[str, NumberFacts]


class DeviceFacts(TypedDict):
    """A device."""

    name: str
    title: str
    vendor: str
    family: str
    hash: str
    limits: dict[str, NumberFacts]
    cores: list[CoresFacts]
    lists: dict[str, ListFacts]
    switches: dict[str, SwitchFacts]


COLUMNS = ("group", "limit", "value", "optimistic", "confidence", "source")


def table(profile: Profile) -> tuple[tuple[str, ...], ...]:
    """Rows of COLUMNS, all text, one for each number, list and switch.

    Rows of a group follow each other; groups and rows are in the family's order, what the
    family does not know comes last.
    """
    rows: list[tuple[str, ...]] = []
    for group, numbers in _groups(profile):
        rows += [(group, name, *_number(number)) for name, number in numbers.items()]
    rows += [("lists", name, *_values(one)) for name, one in profile.lists.items()]
    rows += [("facts", name, *_switch(one)) for name, one in profile.switches.items()]
    return tuple(rows)


def meanings(profile: Profile) -> dict[str, str]:
    """What each key stands for, in a few words; keys of an unknown family are left out."""
    known = family(profile.family)
    if known is None:
        return {}
    numbers = {**known.limits, **known.cores}
    lists = {name: key.says for name, key in known.lists.items()}
    return {**{name: key.says for name, key in numbers.items()}, **lists, **known.switches}


def as_json(profile: Profile) -> DeviceFacts:
    """The profile for JSON: plain values, sources as text, each key with its meaning."""
    says = meanings(profile)

    def numbers(many: Mapping[str, Number]) -> dict[str, NumberFacts]:
        return {name: _number_facts(one, says.get(name, "")) for name, one in many.items()}

    return {
        "name": profile.name,
        "title": profile.title,
        "vendor": profile.vendor,
        "family": profile.family,
        "hash": profile.hash,
        "limits": numbers(profile.limits),
        "cores": [
            {"name": core.name, "ids": list(core.ids), "limits": numbers(core.limits)}
            for core in profile.cores
        ],
        "lists": {
            name: {
                "values": list(one.values),
                "source": one.source,
                "confidence": one.confidence,
                "unit": one.unit,
                "note": one.note,
                "says": says.get(name, ""),
            }
            for name, one in profile.lists.items()
        },
        "switches": {
            name: {
                "value": one.value,
                "source": one.source,
                "confidence": one.confidence,
                "note": one.note,
                "says": says.get(name, ""),
            }
            for name, one in profile.switches.items()
        },
    }


def _number_facts(one: Number, says: str) -> NumberFacts:
    return {
        "value": one.value,
        "unit": one.unit,
        "source": one.source,
        "confidence": one.confidence,
        "optimistic": one.optimistic,
        "note": one.note,
        "kind": one.kind,
        "says": says,
    }


def with_unit(value: int | float, unit: str) -> str:
    """A number as tables show it: '120 cores', '0.5 units', 'id 12'."""
    return f"id {value}" if unit == "id" else f"{value} {unit}"


def _groups(profile: Profile) -> Iterator[tuple[str, dict[str, Number]]]:
    """Chip-wide numbers by topic, then the classes of cores."""
    known = family(profile.family)
    left = dict(profile.limits)
    for group, keys in known.groups.items() if known else ():
        yield group, {name: left.pop(name) for name in keys if name in left}
    if left:
        yield "chip" if known is None else "other", left
    for core in profile.cores:
        count = len(core.ids)
        group = f"core {core.name}" if count == 1 else f"core {core.name} ({count} alike)"
        yield group, dict(core.limits)


def _number(number: Number) -> tuple[str, ...]:
    better = number.optimistic
    best = "" if better is None else with_unit(better, number.unit)
    return (with_unit(number.value, number.unit), best, number.confidence, _source(number))


def _values(one: Values) -> tuple[str, ...]:
    words = ", ".join(map(str, one.values))
    return (f"{words} {one.unit}".strip(), "", one.confidence, _source(one))


def _switch(one: Switch) -> tuple[str, ...]:
    return ("yes" if one.value else "no", "", one.confidence, _source(one))


def _source(one: Number | Values | Switch) -> str:
    return f"{one.source} ({one.note})" if one.note else one.source
