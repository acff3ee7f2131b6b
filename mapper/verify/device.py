"""The limits of a device, read straight from its profile's TOML file.

Nothing of device_profiles is imported but its folder of chips is found; a bundle never
says what its limits are.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from mapper.verify.report import Book, shown

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MOST_BYTES = 2**18
MOST_CORES = 2**16


class NoLimitError(Exception):
    """The profile lacks a number that the check needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A profile's numbers by name. `cores`: core id -> the limits of its class; `classes`:
    name of a class -> ids of its cores."""

    name: str
    family: str
    limits: Mapping[str, float]
    cores: Mapping[int, Mapping[str, float]]
    classes: Mapping[str, tuple[int, ...]]
    lists: Mapping[str, tuple[str | int, ...]]
    switches: Mapping[str, bool]

    def limit(self, name: str) -> int:
        """A chip-wide number, or the one of all cores where they are alike; NoLimitError."""
        return int(self.exact(name))

    def exact(self, name: str) -> float:
        """As `limit`, not rounded."""
        if name in self.limits:
            return self.limits[name]
        values = {limits.get(name) for limits in self.cores.values()}
        if len(values) == 1 and None not in values:
            return next(iter(self.cores.values()))[name]
        raise NoLimitError(f"the profile of {self.name} has no limit '{name}'")

    def of_core(self, core: int, name: str) -> int:
        """A number of one core, or the chip-wide one; NoLimitError."""
        limits = self.cores.get(core, {})
        return int(limits[name]) if name in limits else self.limit(name)

    def values(self, name: str) -> tuple[int, ...]:
        """A list of integers; NoLimitError."""
        if name not in self.lists:
            raise NoLimitError(f"the profile of {self.name} has no list '{name}'")
        return tuple(value for value in self.lists[name] if isinstance(value, int))

    def words(self, name: str) -> tuple[str, ...]:
        """A list of words; NoLimitError."""
        if name not in self.lists:
            raise NoLimitError(f"the profile of {self.name} has no list '{name}'")
        return tuple(str(value) for value in self.lists[name])

    def switch(self, name: str) -> bool:
        """A switch; one that the profile lacks is off."""
        return self.switches.get(name, False)


def device(name: str, digest: str, book: Book, path: Path | None = None) -> Device | None:
    """The device `name`, shipped or at `path`, if its file has that SHA-256; else findings."""
    data = _bytes(name, path)
    if data is None:
        book.find(
            "device-unknown",
            f"device {shown(name)} has no profile; pass its file if it is one of your own",
        )
        return None
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        book.find(
            "profile-hash",
            f"the profile of {shown(name)} has the SHA-256 {found}; the bundle was made for "
            f"{shown(digest)}: map the model again",
        )
    try:
        made = _parsed(data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        book.find("profile", f"the profile of {shown(name)} cannot be read: {error}")
        return None
    if made.name != name:
        book.find("device-unknown", f"the profile is of {shown(made.name)}, not {shown(name)}")
        return None
    return made


@lru_cache(maxsize=32)
def _parsed(data: bytes) -> Device:
    return _device(tomllib.loads(data.decode()))


def _bytes(name: str, path: Path | None) -> bytes | None:
    if path is not None:
        try:
            with path.open("rb") as file:
                return file.read(MOST_BYTES)
        except OSError:
            return None
    if not NAME.fullmatch(name):
        return None
    from importlib.resources import files  # slow to import

    file = files("device_profiles") / "chips" / f"{name}.toml"
    return file.read_bytes() if file.is_file() else None


def _device(raw: dict[str, Any]) -> Device:
    cores: dict[int, dict[str, float]] = {}
    classes: dict[str, tuple[int, ...]] = {}
    for group in raw["core"]:
        limits = _numbers(group)
        classes[str(group["name"])] = tuple(_ids(group["ids"]))
        for core in classes[str(group["name"])]:
            cores[core] = limits
    return Device(
        name=str(raw["name"]),
        family=str(raw["family"]),
        limits=_numbers(raw.get("limits", {})),
        cores=cores,
        classes=classes,
        lists={key: tuple(entry["values"]) for key, entry in raw.get("lists", {}).items()},
        switches={key: bool(entry["value"]) for key, entry in raw.get("switches", {}).items()},
    )


def _numbers(table: dict[str, Any]) -> dict[str, float]:
    entries = {key: cast(dict[str, Any], e) for key, e in table.items() if isinstance(e, dict)}
    return {key: entry["value"] for key, entry in entries.items() if "value" in entry}


def _ids(ids: Any) -> range | list[int]:
    if isinstance(ids, list):
        return [int(one) for one in cast(list[Any], ids)]
    first, last = int(ids["first"]), int(ids["last"])
    if last - first >= MOST_CORES:
        raise ValueError(f"core ids {first}..{last} are too many")
    return range(first, last + 1)
