"""The files of a bundle: which there are, what they hash to, and the manifest's JSON.

Nothing is trusted: links and devices are not followed, sizes are looked at before any
byte is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mapper.verify.report import Book, listed, shown

MANIFEST = "manifest.json"
ARRAYS = "arrays.npz"
NEEDED = (ARRAYS, "mapped.nir", "expected.npz", "report.txt")
MOST_FILES = 1000
MOST_MANIFEST = 64 << 20  # bytes
MOST_ARRAYS = 1 << 30  # bytes; read whole, so that what is hashed is what is used
MOST_OTHER = 4 << 30  # bytes
BLOCK = 1 << 20
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """The manifest as JSON gives it, and the bytes of the archive of arrays (or None)."""

    path: Path
    manifest: Mapping[str, Any]
    arrays: bytes | None


def read_folder(path: Path, book: Book) -> Folder | None:
    """The folder's manifest and arrays; None where there is no manifest to go by."""
    try:
        names = _names(path)
    except OSError as error:
        book.find("bundle-missing", f"{shown(path)} cannot be read: {error.strerror}")
        return None
    except ValueError as error:
        book.find("bundle-missing", f"{shown(path)} cannot be a folder: {error}")
        return None
    if len(names) > MOST_FILES:
        book.find("file-foreign", f"the folder holds more than {MOST_FILES} entries")
        return None
    if MANIFEST not in names:
        book.find("file-missing", f"{shown(path)} has no '{MANIFEST}', so it is no bundle")
        return None
    text = read_file(path / MANIFEST, MOST_MANIFEST, book)
    manifest = None if text is None else parse(text, book)
    if manifest is None:
        return None
    arrays = _check_files(path, names, manifest.get("files"), book)
    return Folder(path, manifest, arrays)


def parse(text: bytes, book: Book, name: str = MANIFEST) -> Mapping[str, Any] | None:
    """The JSON object of the file `name`; strict: no key twice, no NaN, UTF-8."""
    try:
        found = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        book.find("manifest-unreadable", f"{shown(name)} is not JSON that can be read: {error}")
        return None
    if not isinstance(found, dict):
        book.find("manifest-unreadable", f"{shown(name)} holds no JSON object")
        return None
    return cast(dict[str, Any], found)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return out


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _names(path: Path) -> list[str]:
    names: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > MOST_FILES:
                break
    return sorted(names)


def _check_files(path: Path, names: list[str], declared: Any, book: Book) -> bytes | None:
    """Compare the folder with `files`; the bytes of the arrays if those are as declared."""
    if not isinstance(declared, dict):
        book.find("schema", "manifest: key 'files' is missing or no object")
        return None
    wanted = cast(dict[str, Any], declared)
    for name in sorted(set(NEEDED) - set(wanted)):
        book.find("file-missing", f"the manifest lists no '{name}', which every bundle has")
    foreign = [name for name in names if name not in wanted and name != MANIFEST]
    if foreign:
        book.find(
            "file-foreign",
            f"{len(foreign)} entries of the folder are not in the manifest: "
            f"{listed(shown(n) for n in foreign)}; remove them",
        )
    arrays: bytes | None = None
    for name in sorted(wanted):
        digest = wanted[name]
        if not isinstance(digest, str) or not HASH.fullmatch(digest):
            book.find("schema", f"manifest: files, {shown(name)}: no SHA-256 of 64 hex digits")
            continue
        if name not in names:
            book.find("file-missing", f"{shown(name)} is in the manifest and not in the folder")
            continue
        found, data = _digest(path / name, name == ARRAYS, book)
        if found is not None and found != digest:
            book.find(
                "file-hash", f"{shown(name)} has the SHA-256 {found}; the manifest says {digest}"
            )
        elif data is not None:
            arrays = data
    return arrays


def _digest(path: Path, keep: bool, book: Book) -> tuple[str | None, bytes | None]:
    if keep:
        data = read_file(path, MOST_ARRAYS, book)
        return (None if data is None else hashlib.sha256(data).hexdigest()), data
    if not _regular(path, MOST_OTHER, book):
        return None, None
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        book.find("file-missing", f"{shown(path.name)} cannot be read: {error.strerror}")
        return None, None
    return digest.hexdigest(), None


def sha256_of(path: Path, book: Book) -> str | None:
    """The SHA-256 of a model's file; None, and a finding, where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except (OSError, ValueError) as error:
        book.find("model", f"{shown(path)} cannot be read: {error}")
        return None
    return digest.hexdigest()


def read_file(path: Path, most: int, book: Book) -> bytes | None:
    """The bytes of a plain file of at most `most`; None, and a finding, where it is none."""
    if not _regular(path, most, book):
        return None
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        book.find("file-missing", f"{shown(path.name)} cannot be read: {error.strerror}")
        return None


def _regular(path: Path, most: int, book: Book) -> bool:
    """A plain file of at most so many bytes; neither a link nor a device."""
    try:
        found = path.lstat()
    except OSError as error:
        book.find("file-missing", f"{shown(path.name)} cannot be read: {error.strerror}")
        return False
    if not stat.S_ISREG(found.st_mode):
        book.find("file-foreign", f"{shown(path.name)} is a link, a folder or a device, not a file")
        return False
    if found.st_size > most:
        book.find(
            "file-size", f"{shown(path.name)} has {found.st_size} bytes; at most {most} are read"
        )
        return False
    return True
