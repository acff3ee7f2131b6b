"""Device profiles from their files: by name, or from a path of the user's.

A file is read, parsed, checked and built in one go; a profile that loads has no findings.
The environment variable NIRMAP_DEVICES lists folders of further profiles, as PATH does.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict, cast

from device_profiles.check import core_ids, examine
from device_profiles.errors import ProfileError, quoted
from device_profiles.families import family
from device_profiles.lines import line_of
from device_profiles.profile import Confidence, CoreClass, Kind, Number, Profile, Switch, Values

CHIPS = "chips"
MOST_BYTES = 2**18
SEARCH_PATH = "NIRMAP_DEVICES"
SUFFIX = ".toml"


class RawNumber(TypedDict):
    """A number of a sound profile's file."""

    value: int | float
    unit: str
    source: str
    confidence: Confidence
    optimistic: NotRequired[int | float]
    note: NotRequired[str]
    kind: NotRequired[Kind]


class RawList(TypedDict):
    """A list of a sound profile's file."""

    values: list[int | str]
    source: str
    confidence: Confidence
    unit: NotRequired[str]
    note: NotRequired[str]


class RawSwitch(TypedDict):
    """A switch of a sound profile's file."""

    value: bool
    source: str
    confidence: Confidence
    note: NotRequired[str]


class RawProfile(TypedDict):
    """A sound profile's file; core: name, ids and numbers."""

    name: str
    title: str
    vendor: str
    family: str
    sources: dict[str, str]
    limits: NotRequired[dict[str, RawNumber]]
    core: list[dict[str, object]]
    lists: NotRequired[dict[str, RawList]]
    switches: NotRequired[dict[str, RawSwitch]]


def names() -> tuple[str, ...]:
    """The chips that come with the package and those on the search path, sorted."""
    return tuple(sorted({*shipped_names(), *_searched()}))


@cache
def shipped_names() -> tuple[str, ...]:
    """The chips that come with the package, sorted."""
    from importlib.resources import files  # slow to import

    folder = files("device_profiles") / CHIPS
    found = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def load(name_or_path: str | Path) -> Profile:
    """The profile of a chip, by its name, or from a path that ends in .toml.

    Raises ProfileError with every finding: file, line, table and key.
    """
    path = find(name_or_path)
    return _shipped(str(name_or_path)) if path is None else _from_path(path)


def find(name_or_path: str | Path) -> Path | None:
    """The file of a device that does not come with the package; None for one that does.

    A name means the package's own chip first, then NAME.toml in the folders of the search
    path, in order. Raises ProfileError for a name that is nowhere.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(SUFFIX):
        return Path(name_or_path)
    if text in shipped_names():
        return None
    searched = _searched()
    if text not in searched:
        raise ProfileError((f"no device {quoted(text)}; {_near(text)}, or a path to a .toml file",))
    return searched[text]


def _searched() -> dict[str, Path]:
    """Profiles in the folders of the search path, by name; a name's first folder counts."""
    found: dict[str, Path] = {}
    for folder in os.environ.get(SEARCH_PATH, "").split(os.pathsep):
        try:
            files = sorted(Path(folder).glob(f"*{SUFFIX}")) if folder else []
        except OSError:
            continue
        for file in files:
            found.setdefault(file.name.removesuffix(SUFFIX), file)
    return found


@cache
def _shipped(name: str) -> Profile:
    from importlib.resources import files

    data = (files("device_profiles") / CHIPS / f"{name}.toml").read_bytes()
    return parse(data, f"{CHIPS}/{name}.toml")


def _from_path(path: Path) -> Profile:
    try:
        if not path.is_file():
            raise ProfileError((f"profile {quoted(path)} is no file",))
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ProfileError((f"profile {quoted(path)} cannot be read: {error}",)) from error
    return parse(data, str(path))


def parse(data: bytes, file: str) -> Profile:
    """The profile that a TOML file's bytes hold; `file` names it in findings.

    Raises ProfileError with every finding.
    """
    file = file if file.isprintable() else repr(file)
    if len(data) > MOST_BYTES:
        raise ProfileError((f"{file}: more than {MOST_BYTES} bytes; a profile has a few thousand",))
    try:
        text = data.decode()
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ProfileError((f"{file}: not UTF-8 text (byte {error.start})",)) from error
    except ValueError as error:  # also an integer of thousands of digits
        raise ProfileError((f"{file}: not TOML: {error}",)) from error
    except RecursionError as error:
        raise ProfileError((f"{file}: not a profile: nested too deeply",)) from error
    findings = examine(raw)
    if findings:
        raise ProfileError([f"{file}{_line(text, f.table, f.key, f.core)}: {f}" for f in findings])
    return _built(cast(RawProfile, raw), hashlib.sha256(data).hexdigest())


def _line(text: str, table: str, key: str, core: int) -> str:
    line = line_of(text, table, key, core)
    return f":{line}" if line else ""


def _near(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, names(), n=1)
    return (
        f"did you mean '{near[0]}'? There are: {', '.join(names())}"
        if near
        else f"there are: {', '.join(names())}"
    )


def _built(raw: RawProfile, digest: str) -> Profile:
    """The profile of a sound file, its cores by their ids: their order there says nothing."""
    sources = raw["sources"]
    known = family(raw["family"])
    keys = {**known.limits, **known.cores} if known else {}

    def number(name: str, entry: RawNumber) -> Number:
        usual = keys[name].kind if name in keys else "limit"
        return Number(
            value=entry["value"],
            unit=entry["unit"],
            source=sources[entry["source"]],
            confidence=entry["confidence"],
            optimistic=entry.get("optimistic"),
            note=entry.get("note", ""),
            kind=entry.get("kind", usual),
        )

    def values(entry: RawList) -> Values:
        return Values(
            values=tuple(entry["values"]),
            source=sources[entry["source"]],
            confidence=entry["confidence"],
            unit=entry.get("unit", ""),
            note=entry.get("note", ""),
        )

    def switch(entry: RawSwitch) -> Switch:
        return Switch(
            value=entry["value"],
            source=sources[entry["source"]],
            confidence=entry["confidence"],
            note=entry.get("note", ""),
        )

    def core(entry: Mapping[str, object]) -> CoreClass:
        rest = {key: one for key, one in entry.items() if key not in ("name", "ids")}
        numbers = cast(dict[str, RawNumber], rest)
        limits = {key: number(key, one) for key, one in numbers.items()}
        ids = tuple(sorted(core_ids(entry["ids"])))
        return CoreClass(name=str(entry["name"]), ids=ids, limits=limits)

    return Profile(
        name=raw["name"],
        title=raw["title"],
        vendor=raw["vendor"],
        family=raw["family"],
        sources=sources,
        limits={name: number(name, one) for name, one in raw.get("limits", {}).items()},
        cores=tuple(sorted(map(core, raw["core"]), key=lambda one: one.ids)),
        lists={name: values(one) for name, one in raw.get("lists", {}).items()},
        switches={name: switch(one) for name, one in raw.get("switches", {}).items()},
        hash=digest,
    )
