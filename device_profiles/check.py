"""What is wrong with a profile: all findings, on any profile, of any family.

Every number has a unit, a source that is listed, and a confidence; a guess says what it
rests on; an optimistic value lies on the better side; core ids are unique. A profile of a
known family has that family's keys, with its units, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from device_profiles.entries import (
    Table,
    as_table,
    is_number,
    is_text,
    is_whole,
    list_findings,
    number_findings,
    shown,
    switch_findings,
)
from device_profiles.errors import quoted
from device_profiles.families import Family, Key, family
from device_profiles.profile import Number, Profile, Switch, Values

TEXTS = ("name", "title", "vendor", "family")
TABLES = ("sources", "limits", "lists", "switches")
PARTS = (*TEXTS, *TABLES, "core")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOST_ID = 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect. `table` and `key` as in the file; `core` counts the [[core]] tables."""

    says: str
    table: str = ""
    key: str = ""
    core: int = -1
    core_name: str = ""

    def __str__(self) -> str:
        """Where it is, and what."""
        table = f"[{self.table}]" if self.table else ""
        if self.core >= 0:
            table = f"core {quoted(self.core_name)}"
        key = self.key if KEY.fullmatch(self.key) else quoted(self.key)
        where = ", ".join(part for part in (table, self.key and f"key {key}") if part)
        return f"{where}: {self.says}" if where else self.says


def check(profile: Profile | Table) -> tuple[str, ...]:
    """All findings on a profile, or on a parsed TOML file; none for a sound one."""
    raw = as_raw(profile) if isinstance(profile, Profile) else profile
    return tuple(str(finding) for finding in examine(raw))


def examine(raw: Table) -> tuple[Finding, ...]:
    """All findings with their places, in the order of a file's tables."""
    known = family(raw["family"]) if isinstance(raw.get("family"), str) else None
    sources, limits = as_table(raw.get("sources")), as_table(raw.get("limits"))
    used: set[str] = set()
    keys = known.limits if known else None
    found = [
        *_top(raw),
        *_sources(sources),
        *(
            Finding(says, "limits", key)
            for key, says in _numbers(limits, keys, known, sources, used)
        ),
        *_cores(raw.get("core"), known, limits, sources, used),
        *_lists(as_table(raw.get("lists")), known, sources, used),
        *_switches(as_table(raw.get("switches")), known, sources, used),
    ]
    unused = [name for name in sources if name not in used]
    return (*found, *(Finding("nothing cites it; remove it", "sources", name) for name in unused))


def core_ids(ids: object) -> tuple[int, ...]:
    """The ids of a [[core]]: a list of integers, or { first, last }; empty if neither."""
    if isinstance(ids, list):
        many = cast(list[object], ids)
        whole = tuple(one for one in many if is_whole(one))
        return whole if len(whole) == len(many) else ()
    span = as_table(ids)
    first, last = span.get("first"), span.get("last")
    if set(span) != {"first", "last"} or not is_whole(first) or not is_whole(last):
        return ()
    return tuple(range(first, last + 1)) if last <= MOST_ID and first >= 0 else (first, last)


def as_raw(profile: Profile) -> dict[str, object]:
    """A profile in the form of its file; sources by their names again."""
    names = {text: name for name, text in profile.sources.items()}

    def entry(one: Number | Values | Switch) -> dict[str, object]:
        fields = {name: getattr(one, name) for name in type(one).__slots__}
        fields["source"] = names.get(one.source, one.source)
        if isinstance(one, Values):
            fields["values"] = list(one.values)
        return {name: value for name, value in fields.items() if value is not None and value != ""}

    def entries(many: Mapping[str, Number] | Mapping[str, Values] | Mapping[str, Switch]) -> Table:
        return {name: entry(one) for name, one in many.items()}

    cores = [
        {"name": core.name, "ids": list(core.ids), **entries(core.limits)} for core in profile.cores
    ]
    return {
        **{name: getattr(profile, name) for name in TEXTS},
        "sources": dict(profile.sources),
        "limits": entries(profile.limits),
        "core": cores,
        "lists": entries(profile.lists),
        "switches": entries(profile.switches),
    }


def _top(raw: Table) -> Iterator[Finding]:
    for name in TEXTS:
        text = raw.get(name)
        if not is_text(text):
            yield Finding(f"{shown(text)}; printable text is expected", key=name)
        elif name in ("name", "family") and not NAME.fullmatch(text):
            says = f"is {quoted(text)}; 1 to 64 lower-case letters, digits and '-' are expected"
            yield Finding(says, key=name)
    for name in TABLES:
        if name in raw and not isinstance(raw[name], dict):
            yield Finding(f"{shown(raw[name])}; a table is expected", key=name)
    for name in raw:
        if name not in PARTS:
            yield Finding(f"not a part of a profile; there are: {', '.join(PARTS)}", key=name)


def _sources(sources: Table) -> Iterator[Finding]:
    if not sources:
        yield Finding("no sources; every number cites one of them", "sources")
    first: dict[str, str] = {}
    for name, text in sources.items():
        if not is_text(text):
            yield Finding(f"{shown(text)}; printable text is expected", "sources", name)
        elif text in first:
            yield Finding(f"the same text as {quoted(first[text])}; keep one", "sources", name)
        else:
            first[text] = name


def _numbers(
    numbers: Table,
    keys: Mapping[str, Key] | None,
    known: Family | None,
    sources: Table,
    used: set[str],
) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) of a table of numbers."""
    yield from _names(numbers, keys, known)
    for name, entry in numbers.items():
        key = keys.get(name) if keys else None
        yield from ((name, says) for says in number_findings(entry, key, sources, used))
    for name, key in (keys or {}).items():
        if key.needed and name not in numbers:
            yield name, f"missing ({key.says}, in {key.unit}); every chip of this family has it"
    for low in (name for name in numbers if name.endswith("_min")):
        high = low.removesuffix("_min") + "_max"
        least, most = (as_table(numbers.get(name)).get("value") for name in (low, high))
        if is_number(least) and is_number(most) and least > most:
            yield low, f"value is {least}, more than {high}, {most}"


def _cores(
    classes: object, known: Family | None, limits: Table, sources: Table, used: set[str]
) -> Iterator[Finding]:
    if not isinstance(classes, list) or not classes:
        yield Finding("no [[core]]; at least one class of cores is expected, with name and ids")
        return
    keys = known.cores if known else None
    names: set[str] = set()
    owners: dict[int, str] = {}
    for index, one in enumerate(cast(list[object], classes)):
        core = as_table(one)
        own = core.get("name")
        name = own if is_text(own) else f"[{index}]"
        numbers = {key: entry for key, entry in core.items() if key not in ("name", "ids")}
        wrong = [
            *(("name", says) for says in _core_name(core.get("name"), names)),
            *(("ids", says) for says in _ids(core.get("ids"), name, owners)),
            *_numbers(numbers, keys, known, sources, used),
        ]
        yield from (Finding(says, "core", key, index, name) for key, says in wrong)
    count = as_table(limits.get(known.core_count)).get("value") if known else None
    if known and is_whole(count) and count != len(owners):
        says = f"value is {count}, but the [[core]] classes have {len(owners)} ids"
        yield Finding(says, "limits", known.core_count)


def _core_name(name: object, names: set[str]) -> Iterator[str]:
    if not is_text(name):
        yield f"{shown(name)}; printable text is expected"
    elif name in names:
        yield f"is {quoted(name)}, as of another class of cores"
    else:
        names.add(name)


def _ids(given: object, name: str, owners: dict[int, str]) -> Iterator[str]:
    """Findings on the ids of the class `name`; `owners`: id -> class, filled here."""
    ids = core_ids(given)
    if not ids:
        yield f"{shown(given)}; integers, or {{ first, last }} in this order, are expected"
    for number in ids:
        if not 0 <= number <= MOST_ID:
            yield f"id {number} is not within 0 to {MOST_ID}"
            return
        if number in owners:
            yield f"id {number} belongs to {quoted(owners[number])} already"
            return
        owners[number] = name


def _lists(lists: Table, known: Family | None, sources: Table, used: set[str]) -> Iterator[Finding]:
    keys = known.lists if known else None
    wrong = [*_names(lists, keys, known)]
    for name, entry in lists.items():
        key = keys.get(name) if keys else None
        wrong += [(name, says) for says in list_findings(entry, key, sources, used)]
    for name, key in (keys or {}).items():
        if key.needed and name not in lists:
            wrong.append((name, f"missing ({key.says}); every chip of this family has it"))
    yield from (Finding(says, "lists", name) for name, says in wrong)


def _switches(
    switches: Table, known: Family | None, sources: Table, used: set[str]
) -> Iterator[Finding]:
    keys = known.switches if known else None
    wrong = [*_names(switches, keys, known)]
    for name, entry in switches.items():
        wrong += [(name, says) for says in switch_findings(entry, sources, used)]
    for name, says in (keys or {}).items():
        if name not in switches:
            wrong.append((name, f"missing (true: {says}); every chip of this family has it"))
    yield from (Finding(says, "switches", name) for name, says in wrong)


def _names(
    table: Table, keys: Mapping[str, object] | None, known: Family | None
) -> Iterator[tuple[str, str]]:
    """Keys that are badly formed, or that no one would read."""
    for name in table:
        if not KEY.fullmatch(name):
            yield name, "a key is 1 to 64 lower-case letters, digits and '_'"
        elif known and keys is not None and name not in keys:
            from difflib import get_close_matches  # slow to import, rarely needed

            near = get_close_matches(name, keys, n=1)
            more = f"did you mean '{near[0]}'?" if near else "nothing reads it, remove it"
            yield name, f"not a key of the family '{known.name}'; {more}"
