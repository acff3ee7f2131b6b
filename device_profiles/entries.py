"""What is wrong with one entry of a profile: a number, a list, a switch.

Each function yields sentences without a place; the caller knows where it looks. `used`
collects the sources that the entry cites.
"""

# what isinstance leaves of a table's values is unknown
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TypeGuard, cast, get_args

from device_profiles.errors import quoted
from device_profiles.families import Key, ListKey
from device_profiles.profile import Confidence, Kind

Table = Mapping[str, object]

CONFIDENCES: tuple[str, ...] = get_args(Confidence)
KINDS: tuple[str, ...] = get_args(Kind)
NUMBER = ("value", "unit", "source", "confidence", "optimistic", "kind", "note")
VALUES = ("values", "unit", "source", "confidence", "note")
SWITCH = ("value", "source", "confidence", "note")
MOST = 2**53  # beyond it a TOML number, a float and a solver's integer differ


def number_findings(
    entry: object, key: Key | None, sources: Table, used: set[str]
) -> Iterator[str]:
    """A number: unit, source, confidence, magnitude, the side of its optimistic value."""
    if not isinstance(entry, dict):
        yield f"{shown(entry)}; a table is expected: {{ value, unit, source, confidence }}"
        return
    number = as_table(entry)
    yield from _cited(number, NUMBER, sources, used)
    unit = number.get("unit")
    if not is_text(unit):
        yield f'unit {shown(unit)}; text is expected, for example "cores"'
    elif key and unit != key.unit:
        yield f"unit is {quoted(unit)}; this family counts it in '{key.unit}'"
    kind = number.get("kind", key.kind if key else "limit")
    if kind not in KINDS:
        yield f"kind {shown(kind)}; one of {', '.join(KINDS)} is expected"
    elif key and kind != key.kind:
        yield f"kind is '{kind}'; in this family it is a {key.kind}"
    for name in ("value", "optimistic"):
        if name == "value" or name in number:
            yield from (f"{name} {says}" for says in _magnitude(number.get(name), key))
    yield from _side(kind, number.get("value"), number.get("optimistic"))


def list_findings(
    entry: object, key: ListKey | None, sources: Table, used: set[str]
) -> Iterator[str]:
    """A list: all integers with a unit, or all text; source and confidence."""
    if not isinstance(entry, dict):
        yield f"{shown(entry)}; a table is expected: {{ values, source, confidence }}"
        return
    one = as_table(entry)
    yield from _cited(one, VALUES, sources, used)
    given = one.get("values")
    if not isinstance(given, list) or not given:
        yield f"values {shown(given)}; a list with at least one entry is expected"
        return
    values = cast(list[object], given)
    numbers = all(is_whole(value) for value in values)
    if not numbers and not all(is_text(value) for value in values):
        yield "values are mixed; all integers or all printable text is expected"
        return
    if len(set(values)) < len(values):
        yield f"values has {len(values)} entries, {len(set(values))} of them different"
    unit = one.get("unit")
    if numbers and not is_text(unit):
        yield f'unit {shown(unit)}; integers need one, for example "pixels"'
    if key and bool(key.unit) != numbers:
        yield f"values are {'integers' if numbers else 'text'}; {'integers' if key.unit else 'text'} is expected"
    elif key and key.unit and is_text(unit) and unit != key.unit:
        yield f"unit is {quoted(unit)}; this family counts it in '{key.unit}'"
    if key and key.choices and not numbers:
        strange = [quoted(value) for value in values if value not in key.choices]
        yield from (f"{value} is none of {', '.join(key.choices)}" for value in strange)


def switch_findings(entry: object, sources: Table, used: set[str]) -> Iterator[str]:
    """A switch: true or false, source and confidence."""
    if not isinstance(entry, dict):
        yield f"{shown(entry)}; a table is expected: {{ value, source, confidence }}"
        return
    one = as_table(entry)
    yield from _cited(one, SWITCH, sources, used)
    if not isinstance(one.get("value"), bool):
        yield f"value {shown(one.get('value'))}; true or false is expected"


def _cited(entry: Table, parts: tuple[str, ...], sources: Table, used: set[str]) -> Iterator[str]:
    """Source, confidence and note, which numbers, lists and switches share."""
    for name in entry:
        if name not in parts:
            yield f"{quoted(name)} is not a part of it; there are: {', '.join(parts)}"
    source, sure, note = entry.get("source"), entry.get("confidence"), entry.get("note", "")
    if not is_text(source):
        yield f"source {shown(source)}; a name of [sources] is expected"
    elif source not in sources:
        there = ", ".join(quoted(name) for name in sources) or "none"
        yield f"source {quoted(source)} is not in [sources]; there are: {there}"
    else:
        used.add(source)
    if sure not in CONFIDENCES:
        yield f"confidence {shown(sure)}; one of {', '.join(CONFIDENCES)} is expected"
    if "note" in entry and not is_text(note):
        yield f"note {shown(note)}; printable text is expected"
    elif sure == "assumed" and not note:
        yield "assumed, without a note; say in note what the guess rests on"


def _magnitude(value: object, key: Key | None) -> Iterator[str]:
    if not is_number(value):
        yield f"{shown(value)}; a finite number is expected"
    elif abs(value) > MOST:
        yield f"is {value}, beyond 2^53"
    elif key and key.whole and not is_whole(value):
        yield f"is {value} {key.unit}; a whole number is expected, without a decimal point"
    elif key and key.least is not None and value < key.least:
        yield f"is {value} {key.unit}; at least {key.least} is expected"


def _side(kind: object, value: object, better: object) -> Iterator[str]:
    """The optimistic value of a limit is more, of a floor or cost less."""
    if not is_number(value) or not is_number(better):
        return
    if kind == "fact":
        yield f"optimistic is {better}; a fact has no better side, leave it out"
    elif better == value:
        yield f"optimistic is {better}, the value itself; leave it out"
    elif kind == "limit" and better < value:
        yield f"optimistic is {better}, value {value}; the safe value of a limit is the smaller one"
    elif kind in ("floor", "cost") and better > value:
        yield f"optimistic is {better}, value {value}; the safe value of a {kind} is the larger one"


def as_table(value: object) -> dict[str, object]:
    """The table, or an empty one where there is none."""
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def is_whole(value: object) -> TypeGuard[int]:
    """An integer; TOML's true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[int | float]:
    """A finite number."""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def is_text(value: object) -> TypeGuard[str]:
    """Text that can be printed on one line, and is not blank."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def shown(value: object) -> str:
    """A wrong value as a finding shows it: 'is missing', 'is 3', ..."""
    if value is None:
        return "is missing"
    if value in ("", [], {}):
        return "is empty"
    if isinstance(value, bool):
        return f"is {str(value).lower()}"
    if isinstance(value, str | int | float):
        return f"is {quoted(value)}" if isinstance(value, str) else f"is {value}"
    if isinstance(value, dict | list):
        return "is a table" if isinstance(value, dict) else "is a list"
    return "is a date or time"
