"""`nirmap diff`: what differs between two bundles, from what was asked to the integers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mapper.verify.arrays import read_arrays
from mapper.verify.families import FAMILIES
from mapper.verify.files import read_folder
from mapper.verify.manifest import Manifest
from mapper.verify.read import read_manifest
from mapper.verify.report import Book
from nir_io.errors import BadInput
from nir_io.raw import first_of, printable

ORIGINS = "origins"  # where settings come from: no difference by itself
ASKED = ("device", "model", "semantics", "settings")
FIELDS = ("shape", "kind", "device_model", "reset", "bias", "role", "copies", "latency", "error")
Arrays = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`part`: asked, result, population, projection, contract, ...; None: not there."""

    part: str
    what: str
    first: str | None
    second: str | None


@dataclass(frozen=True, slots=True)
class _Bundle:
    raw: Mapping[str, Any]
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


def facts(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(one) for one in found]


def _read(path: Path) -> _Bundle:
    book = Book()
    folder = read_folder(path, book)
    manifest = None if folder is None else read_manifest(folder.manifest, book, FAMILIES)
    if folder is None or manifest is None:
        found = "; ".join(finding.says for finding in book.findings[:3])
        raise BadInput([f"{printable(str(path), 200)} is no bundle that can be read: {found}"])
    arrays = read_arrays(folder.arrays, manifest.arrays, book) if folder.arrays else {}
    return _Bundle(folder.manifest, manifest, arrays)


def _all(a: _Bundle, b: _Bundle) -> Iterator[tuple[str, str, str | None, str | None]]:
    for part in ASKED:
        for key, one, two in _flat(a.raw.get(part), b.raw.get(part)):
            yield ("asked", f"{part} {key}".strip(), one, two)
    for key, one, two in _flat(_result(a.raw), _result(b.raw)):
        yield ("result", key, one, two)
    for key, one, two in _flat(a.raw.get("contract"), b.raw.get("contract")):
        yield ("contract", key, one, two)
    for name, one, two in _pairs(a.raw, b.raw, "populations", "name"):
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
    for name, one, two in _pairs(a.raw, b.raw, "projections", "id"):
        what = f"projection '{name}'"
        if one is None or two is None:
            yield ("projection", what, *_there(one, two))
            continue
        yield ("projection", f"{what}: form", _text(one.get("form")), _text(two.get("form")))
        for param, x, y in _params(a, b, one, two):
            yield ("integers", f"{what}: {param}", x, y)
    for part in ("assumptions", "alarms"):
        old, new = (_sentences(bundle.raw.get(part)) for bundle in (a, b))
        for says in dict.fromkeys((*old, *new)):
            yield (part, says, "yes" if says in old else None, "yes" if says in new else None)
    for key, one, two in _flat(a.raw.get("versions"), b.raw.get("versions")):
        yield ("versions", key, one, two)


def _result(raw: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(raw.get("result", {}))
    rows = found.pop("objectives", [])
    return found | {f"objective {row['name']}": row["value"] for row in rows}


def _flat(first: Any, second: Any) -> Iterator[tuple[str, str | None, str | None]]:
    """Keys of two objects with their values as text."""
    a = first if isinstance(first, dict) else {}
    b = second if isinstance(second, dict) else {}
    for key in dict.fromkeys((*a, *b)):
        if key == ORIGINS:
            continue
        yield (str(key), _text(a.get(key)), _text(b.get(key)))


def _pairs(
    a: Mapping[str, Any], b: Mapping[str, Any], part: str, key: str
) -> Iterator[tuple[str, dict[str, Any] | None, dict[str, Any] | None]]:
    one = {row[key]: row for row in a.get(part, [])}
    two = {row[key]: row for row in b.get(part, [])}
    for name in dict.fromkeys((*one, *two)):
        yield (printable(str(name)), one.get(name), two.get(name))


def _there(one: object, two: object) -> tuple[str | None, str | None]:
    return (None if one is None else "there", None if two is None else "there")


def _cores(raw: Mapping[str, Any], name: str) -> str:
    rows = [s for s in raw.get("slices", []) if printable(str(s["population"])) == name]
    cores = sorted({(row["chip"], row["core"]) for row in rows})
    return first_of([f"{chip}/{core}" for chip, core in cores], 8)


def _rules(row: Mapping[str, Any]) -> str:
    return ", ".join(str(rewrite["rule"]) for rewrite in row.get("rewrites", [])) or "none"


def _params(
    a: _Bundle, b: _Bundle, one: Mapping[str, Any], two: Mapping[str, Any]
) -> Iterator[tuple[str, str | None, str | None]]:
    """Parameters that differ, arrays by how many entries and how far."""
    mine, theirs = one.get("params", {}), two.get("params", {})
    for key in dict.fromkeys((*mine, *theirs, "scale")):
        x = a.arrays.get(_ref(mine.get(key, one.get(key))), mine.get(key, one.get(key)))
        y = b.arrays.get(_ref(theirs.get(key, two.get(key))), theirs.get(key, two.get(key)))
        if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            if x.shape != y.shape:
                yield (key, f"{x.shape}", f"{y.shape}")
            elif np.any(x != y):
                off = int(np.count_nonzero(x != y))
                most = float(np.max(np.abs(x.astype(np.float64) - y.astype(np.float64))))
                says = f"{off:,} of {x.size:,} entries differ, by up to {most:g}"
                yield (key, "as stored", says)
        else:
            yield (key, _brief(x), _brief(y))


def _ref(value: object) -> str:
    return value if isinstance(value, str) else ""


def _brief(value: object) -> str | None:
    return f"array {value.shape}" if isinstance(value, np.ndarray) else _text(value)


def _sentences(rows: Iterable[Any] | None) -> list[str]:
    return [str(row["says"]) if isinstance(row, dict) else str(row) for row in rows or ()]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(str(_text(one)) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
    return printable(str(value), 200)
