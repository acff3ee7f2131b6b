"""Values of the manifest's JSON with their types and ranges, or a finding that says where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mapper.verify.report import Book, shown

MOST = 2**53  # integers beyond are not exact in every reader of JSON
MOST_ROWS = 1 << 20
MOST_DIMENSIONS = 4
MOST_TEXT = 1 << 16
MISSING = object()


def is_whole(value: object, low: int = -MOST, high: int = MOST) -> bool:
    """Whether a value of JSON is an integer in the range (true and false are none)."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def is_number(value: object) -> bool:
    """Whether a value of JSON is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) <= MOST


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One object of the manifest; `where` says which, `book` takes findings.

    Each method returns the value of a key, or a finding and a stand-in of that type.
    """

    raw: Mapping[str, Any]
    where: str
    book: Book

    def wrong(self, key: str, wanted: str) -> None:
        """Note that a key is missing or not what it must be."""
        found = self.raw.get(key, MISSING)
        what = "is missing" if found is MISSING else f"holds {_brief(found)}"
        self.book.find("schema", f"{self.where}: key '{key}' {what}; expected {wanted}")

    def is_of_format(self, wanted: str) -> bool:
        """Whether the key 'schema' names the format `wanted`; else what to do about it is noted."""
        found = self.raw.get("schema")
        if found == wanted:
            return True
        head, _, number = wanted.rpartition("-")
        other, _, given = found.rpartition("-") if isinstance(found, str) else ("", "", "")
        if other != head or not (given.isascii() and given.isdecimal() and len(given) < 10):
            self.wrong("schema", f"'{wanted}'")
        elif int(given) < int(number):
            self.book.find(
                "schema",
                f"{self.where}: made by an earlier nirmap (format {shown(found)}, now "
                f"'{wanted}'); map the network again",
            )
        else:
            self.book.find(
                "schema",
                f"{self.where}: made by a later nirmap (format {shown(found)}, here '{wanted}'); "
                "use that one",
            )
        return False

    def nothing(self, *keys: str) -> None:
        """Keys that say nothing yet: there, and null."""
        for key in keys:
            if self.raw.get(key, MISSING) is not None:
                self.wrong(key, "null")

    def text(self, key: str, *allowed: str) -> str:
        """A text, one of `allowed` if any are given."""
        value = self.raw.get(key)
        if isinstance(value, str) and len(value) <= MOST_TEXT and (not allowed or value in allowed):
            return value
        self.wrong(key, " or ".join(f"'{a}'" for a in allowed) or "a text")
        return allowed[0] if allowed else ""

    def text_or_none(self, key: str) -> str | None:
        """A text, or null, or no key at all."""
        return None if self.raw.get(key) is None else self.text(key)

    def whole(self, key: str, low: int = 0, high: int = MOST) -> int:
        """An integer in low..high."""
        value = self.raw.get(key)
        if is_whole(value, low, high):
            return cast(int, value)
        self.wrong(key, f"an integer in {low}..{high}")
        return low

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.raw.get(key)
        if is_number(value):
            return float(cast(float, value))
        self.wrong(key, "a number")
        return 0.0

    def number_or_none(self, key: str) -> float | None:
        """A finite number or null; the key must be there."""
        if key in self.raw and self.raw[key] is None:
            return None
        return self.number(key)

    def truth(self, key: str) -> bool:
        """True or false."""
        value = self.raw.get(key)
        if isinstance(value, bool):
            return value
        self.wrong(key, "true or false")
        return False

    def shape(self, key: str, least: int = 1) -> tuple[int, ...]:
        """A list of a few positive integers."""
        value = self.raw.get(key)
        sizes = cast(list[Any], value) if isinstance(value, list) else []
        if 0 < len(sizes) <= MOST_DIMENSIONS and all(is_whole(n, least) for n in sizes):
            return tuple(cast(list[int], sizes))
        self.wrong(key, f"a list of integers of at least {least}")
        return (least,)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.raw.get(key)
        if isinstance(value, list):
            items = cast(list[Any], value)
            if all(isinstance(item, str) for item in items):
                return tuple(items)
        self.wrong(key, "a list of texts")
        return ()

    def row(self, key: str) -> Row:
        """An object."""
        value = self.raw.get(key)
        if isinstance(value, dict):
            return Row(cast(dict[str, Any], value), f"{self.where}, {key}", self.book)
        self.wrong(key, "an object")
        return Row({}, f"{self.where}, {key}", Book())  # its own findings would say nothing new

    def rows(self, key: str, what: str = "") -> Iterator[Row]:
        """A list of objects; each is called by its number, or by its key `what`."""
        value = self.raw.get(key)
        items = cast(list[Any], value) if isinstance(value, list) else None
        if items is None or len(items) > MOST_ROWS:
            self.wrong(key, "a list of objects")
            return
        for i, item in enumerate(items):
            if not isinstance(item, dict):
                self.book.find("schema", f"{self.where}: {key}, entry {i} is no object")
                continue
            raw = cast(dict[str, Any], item)
            name = f" {shown(raw[what])}" if what in raw else f" {i}"
            yield Row(raw, f"{self.where}: {key}{name}", self.book)

    def table(self, key: str) -> Iterator[tuple[str, Row]]:
        """An object of objects."""
        raw = self.row(key).raw
        for name, item in raw.items():
            if isinstance(item, dict):
                where = f"{self.where}: {key} {shown(name)}"
                yield name, Row(cast(dict[str, Any], item), where, self.book)
            else:
                self.book.find("schema", f"{self.where}: {key} {shown(name)} is no object")


def _brief(value: object) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(cast(list[Any], value))}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MOST:
        return "a huge integer"
    return shown(value)
