"""The models of a batch: files, folders and patterns -> files with their hash."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nir_io.errors import BadInput
from nir_io.raw import printable

SUFFIX = ".nir"
UNREADABLE = "unreadable"  # stands for the hash of a file that cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file. `name`: its path as it was given or found, '/' between the parts.

    sha256: of its bytes, or 'unreadable'; size in bytes.
    """

    name: str
    path: Path
    sha256: str
    size: int


def models(given: Iterable[str | os.PathLike[str]]) -> tuple[ModelFile, ...]:
    """The files that paths, folders and patterns name, each once, sorted by name.

    Folders are searched for *.nir, at any depth. Raises BadInput with all that name nothing.
    """
    findings: list[str] = []
    found: dict[Path, ModelFile] = {}
    for entry in given:
        text = os.fspath(entry)
        paths = tuple(_paths(text))
        if not paths:
            findings.append(_nothing(text))
        for path in paths:
            found.setdefault(_real(path), _file(path))
    if findings:
        raise BadInput(findings)
    if not found:
        raise BadInput(["no models are given; name .nir files, folders or patterns"])
    return tuple(sorted(found.values(), key=lambda model: model.name))


def sha256_of(path: Path) -> str:
    """The hash of a regular file's bytes, 64 hexadecimal digits, or 'unreadable'."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return UNREADABLE
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return UNREADABLE


def _paths(text: str) -> Iterator[Path]:
    path = Path(text)
    try:
        if path.is_dir():
            yield from sorted(p for p in path.rglob(f"*{SUFFIX}") if not p.is_dir())
        elif os.path.lexists(path):
            yield path
        elif glob.has_magic(text):
            for match in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207 -- '**' in paths
                yield from _paths(match)
    except (OSError, ValueError):
        return


def _file(path: Path) -> ModelFile:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    name = printable(path.as_posix(), 400)
    return ModelFile(name=name, path=path, sha256=sha256_of(path), size=size)


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def _nothing(text: str) -> str:
    shown = printable(text, 200)
    if Path(text).is_dir():
        return f"'{shown}': a folder without {SUFFIX} files"
    if glob.has_magic(text):
        return f"'{shown}': no file matches this pattern"
    return f"'{shown}': there is no such file or folder"
