"""`nirmap diff`: what differs between two bundles, from what was asked to the integers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, cast

import numpy as np

from mapper.emulate import manifest as rows
from mapper.verbs.query.document import DifferenceFacts
from mapper.verify.arrays import read_arrays
from mapper.verify.families import FAMILIES
from mapper.verify.files import read_folder
from mapper.verify.manifest import Manifest
from mapper.verify.read import read_manifest
from mapper.verify.report import Book
from nir_io.arrays import AnyArray
from nir_io.errors import BadInput
from nir_io.raw import first_of, printable

ORIGINS = "origins"  # where settings come from: no difference by itself
ASKED: Final = ("device", "model", "semantics", "settings")
FIELDS = ("shape", "kind", "device_model", "reset", "bias", "role", "copies", "latency", "error")
R = TypeVar("R")
Row = rows.PopulationRow | rows.ProjectionRow
Arrays = Mapping[str, AnyArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`part`: asked, result, population, projection, contract, ...; None: not there."""

    part: str
    what: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class _Bundle:
    raw: rows.Manifest
    manifest: Manifest
    arrays: Arrays


def diff(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> tuple[Difference, ...]:
    """All differences, empty where the bundles hold the same. Raises BadInput for no bundle."""
    a, b = _read(Path(first)), _read(Path(second))
    return tuple(
        Difference(part=part, what=what, first=one, second=two)
        for part, what, one, two in _all(a, b)
        if one != two
    )


def facts(found: Iterable[Difference]) -> list[DifferenceFacts]:
    """For JSON."""
    return [
        {"part": one.part, "what": one.what, "first": one.first, "second": one.second}
        for one in found
    ]


def _read(path: Path) -> _Bundle:
    book = Book()
    folder = read_folder(path, book)
    manifest = None if folder is None else read_manifest(folder.manifest, book, FAMILIES)
    if folder is None or manifest is None:
        found = "; ".join(finding.says for finding in book.findings[:3])
        raise BadInput([f"{printable(str(path), 200)} is no bundle that can be read: {found}"])
    arrays = read_arrays(folder.arrays, manifest.arrays, book) if folder.arrays else {}
    raw = cast(rows.Manifest, folder.manifest)  # as read_manifest found it to be
    return _Bundle(raw, manifest, arrays)


def _all(a: _Bundle, b: _Bundle) -> Iterator[tuple[str, str, str | None, str | None]]:
    for part in ASKED:
        for key, one, two in _flat(a.raw[part], b.raw[part]):
            yield ("asked", f"{part} {key}".strip(), one, two)
    for key, one, two in _flat(_result(a.raw), _result(b.raw)):
        yield ("result", key, one, two)
    for key, one, two in _flat(a.raw["contract"], b.raw["contract"]):
        yield ("contract", key, one, two)
    for name, one, two in _pairs(_populations(a.raw), _populations(b.raw)):
        what = f"population '{name}'"
        if one is None or two is None:
            yield ("population", what, *_there(one, two))
            continue
        for field in FIELDS:
            yield ("population", f"{what}: {field}", _text(one.get(field)), _text(two.get(field)))
        yield ("population", f"{what}: cores", _cores(a.raw, name), _cores(b.raw, name))
        rules = [_rules(row) for row in (one, two)]
        yield ("population", f"{what}: rewrites", rules[0], rules[1])
        for param, x, y in _params(a, b, one, two):
            yield ("integers", f"{what}: {param}", x, y)
    for name, one, two in _pairs(_projections(a.raw), _projections(b.raw)):
        what = f"projection '{name}'"
        if one is None or two is None:
            yield ("projection", what, *_there(one, two))
            continue
        yield ("projection", f"{what}: form", _text(one.get("form")), _text(two.get("form")))
        for param, x, y in _params(a, b, one, two):
            yield ("integers", f"{what}: {param}", x, y)
    for part in ("assumptions", "alarms"):
        old, new = (_sentences(bundle.raw)[part] for bundle in (a, b))
        for says in dict.fromkeys((*old, *new)):
            yield (part, says, "yes" if says in old else None, "yes" if says in new else None)
    for key, one, two in _flat(a.raw["versions"], b.raw["versions"]):
        yield ("versions", key, one, two)


def _result(raw: rows.Manifest) -> dict[str, object]:
    found = raw["result"]
    whole = {key: value for key, value in found.items() if key != "objectives"}
    return whole | {f"objective {row['name']}": row["value"] for row in found["objectives"]}


def _flat(
    a: Mapping[str, object], b: Mapping[str, object]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Keys of two objects with their values as text."""
    for key in dict.fromkeys((*a, *b)):
        if key == ORIGINS:
            continue
        yield (key, _text(a.get(key)), _text(b.get(key)))


def _pairs(one: Mapping[str, R], two: Mapping[str, R]) -> Iterator[tuple[str, R | None, R | None]]:
    for name in dict.fromkeys((*one, *two)):
        yield (printable(name), one.get(name), two.get(name))


def _populations(raw: rows.Manifest) -> dict[str, rows.PopulationRow]:
    return {row["name"]: row for row in raw["populations"]}


def _projections(raw: rows.Manifest) -> dict[str, rows.ProjectionRow]:
    return {row["id"]: row for row in raw["projections"]}


def _there(one: object, two: object) -> tuple[str | None, str | None]:
    return (None if one is None else "there", None if two is None else "there")


def _cores(raw: rows.Manifest, name: str) -> str:
    held = [s for s in raw["slices"] if printable(s["population"]) == name]
    cores = sorted({(row["chip"], row["core"]) for row in held})
    return first_of([f"{chip}/{core}" for chip, core in cores], 8)


def _rules(row: rows.PopulationRow) -> str:
    return ", ".join(rewrite["rule"] for rewrite in row["rewrites"]) or "none"


def _params(
    a: _Bundle, b: _Bundle, one: Row, two: Row
) -> Iterator[tuple[str, str | None, str | None]]:
    """Parameters that differ, arrays by how many entries and how far."""
    mine: dict[str, object] = {"scale": one.get("scale"), **one["params"]}
    theirs: dict[str, object] = {"scale": two.get("scale"), **two["params"]}
    for key in dict.fromkeys((*one["params"], *two["params"], "scale")):
        x, y = a.arrays.get(_ref(mine.get(key))), b.arrays.get(_ref(theirs.get(key)))
        if x is not None and y is not None:
            if x.shape != y.shape:
                yield (key, f"{x.shape}", f"{y.shape}")
            elif np.any(x != y):
                off = int(np.count_nonzero(x != y))
                most = float(np.max(np.abs(x.astype(np.float64) - y.astype(np.float64))))
                says = f"{off:,} of {x.size:,} entries differ, by up to {most:g}"
                yield (key, "as stored", says)
        else:
            yield (key, _brief(x, mine.get(key)), _brief(y, theirs.get(key)))


def _ref(value: object) -> str:
    return value if isinstance(value, str) else ""


def _brief(array: AnyArray | None, value: object) -> str | None:
    return _text(value) if array is None else f"array {array.shape}"


def _sentences(raw: rows.Manifest) -> dict[str, list[str]]:
    return {"assumptions": [row["says"] for row in raw["assumptions"]], "alarms": raw["alarms"]}


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(str(_text(one)) for one in cast(list[object], value))
    if isinstance(value, dict):
        held = cast(dict[str, object], value)
        return ", ".join(f"{key} {_text(one)}" for key, one in held.items())
    return printable(str(value), 200)
