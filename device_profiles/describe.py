"""A profile as plain values: rows for a table, a dictionary for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from device_profiles.families import family
from device_profiles.profile import Number, Profile, Switch, Values

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


def as_json(profile: Profile) -> dict[str, Any]:
    """The profile for JSON: plain values, sources as text, each key with its meaning."""
    says = meanings(profile)

    def entries(many: Mapping[str, Number | Values | Switch]) -> dict[str, Any]:
        return {name: {**_fields(one), "says": says.get(name, "")} for name, one in many.items()}

    cores = [
        {"name": core.name, "ids": list(core.ids), "limits": entries(core.limits)}
        for core in profile.cores
    ]
    return {
        "name": profile.name,
        "title": profile.title,
        "vendor": profile.vendor,
        "family": profile.family,
        "hash": profile.hash,
        "limits": entries(profile.limits),
        "cores": cores,
        "lists": entries(profile.lists),
        "switches": entries(profile.switches),
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


def _fields(one: Number | Values | Switch) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(one, name) for name in type(one).__slots__}
    if isinstance(one, Values):
        fields["values"] = list(one.values)
    return fields
