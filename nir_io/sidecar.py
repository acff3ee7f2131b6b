"""Settings per model in a TOML file beside the models.

    ["cnn_sinabs.nir"]
    semantics = "sinabs"

    ["srnn_*.nir"]
    semantics = "snntorch"
    reset = "zero"

A table is for one file, or for all that match its pattern; a file's own name goes before
patterns, and earlier patterns before later ones.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType
from typing import cast

from nir_io.errors import BadInput
from nir_io.presets import PRESETS, Setting
from nir_io.raw import printable
from nir_io.settings import parsed, spelled

Sidecar = Mapping[str, Mapping[str, Setting]]


def load_sidecar(path: str | os.PathLike[str]) -> Sidecar:
    """Settings by file name or pattern. Raises BadInput with line and key of each fault."""
    says = printable(os.fspath(path), 200)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([f"{says}: cannot be read: {error}"]) from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput([f"{says}: is no TOML: {error}"]) from error
    findings: list[str] = []
    found: dict[str, Mapping[str, Setting]] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            findings.append(
                f"{says}: line {_line(text, name)}: '{printable(name)}' is no table; expected a "
                'table for each model, ["model.nir"]'
            )
            continue
        settings: dict[str, Setting] = {}
        for key, value in cast(dict[str, object], table).items():
            where = f"{says}: line {_line(text, name, key)}: '{printable(name)}', key '{printable(key)}'"
            try:
                settings[spelled(key)] = _setting(key, value)
            except ValueError as error:
                findings.append(f"{where}: {error}")
        found[name] = MappingProxyType(settings)
    if findings:
        raise BadInput(findings)
    return MappingProxyType(found)


def entry_for(sidecar: Sidecar, path: str | os.PathLike[str]) -> Mapping[str, Setting] | None:
    """The settings for the file `path`: by name, by path, or by the first pattern."""
    place = Path(path)
    for name in (place.name, place.as_posix()):
        if name in sidecar:
            return sidecar[name]
    for pattern, settings in sidecar.items():
        if fnmatchcase(place.name, pattern) or fnmatchcase(place.as_posix(), pattern):
            return settings
    return None


def _setting(key: str, value: object) -> Setting:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"is {printable(str(value))}; expected a text or a number")
    if key != "semantics":
        return parsed(spelled(key), value)
    if value not in PRESETS:
        raise ValueError(f"is '{printable(str(value))}'; there are: {', '.join(PRESETS)}")
    return value


def _line(text: str, table: str, key: str | None = None) -> int | str:
    """The line on which a table, or a key in it, stands; '?' if it is spelled otherwise."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        word = bare.split("=")[0].strip("[] \"'")
        if bare.startswith("["):
            inside = word == table
        if (inside and word == key) or (key is None and word == table):
            return number
    return "?"
