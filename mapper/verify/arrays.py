"""The bundle's arrays, read without numpy's loader: no pickle, no evaluated header.

A size is believed only where the bytes are there: members are stored, not deflated, and
together no larger than the archive.
"""

# values of JSON, which nothing has looked at yet
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.verify.manifest import ArrayRow
from mapper.verify.report import Book, listed, shown
from mapper.verify.rows import is_number, is_whole

Array = NDArray[Any]
DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)
DAMAGE_TOO = (NotImplementedError, OverflowError, KeyError, IndexError, MemoryError)
MEMBER = re.compile(r"(a[0-9]{3,6})\.npy")
REF = re.compile(r"a[0-9]{3,6}")
MAGIC = b"\x93NUMPY\x01\x00"
HEADER = re.compile(
    rb"\{'descr': '([|<][iuf][1248])', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]{0,200})\), \} *\n"
)
TYPES = {
    "|i1": "int8",
    "<i2": "int16",
    "<i4": "int32",
    "<i8": "int64",
    "|u1": "uint8",
    "<u2": "uint16",
    "<u4": "uint32",
    "<f4": "float32",
    "<f8": "float64",
}
MOST_MEMBERS = 1 << 20


def read_arrays(data: bytes, rows: Mapping[str, ArrayRow], book: Book) -> dict[str, Array]:
    """The arrays that the manifest declares, as they lie in the archive; read-only."""
    out: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive, len(data), book)
            for ref in sorted(members):
                if ref not in rows:
                    continue
                array = _array(ref, archive.read(members[ref]), book)
                if array is not None and _as_declared(ref, array, rows[ref], book):
                    out[ref] = array
    except (*DAMAGE, *DAMAGE_TOO) as error:
        book.find("arrays-unreadable", f"'arrays.npz' is damaged: {error}")
        return out
    missing = sorted(set(rows) - set(members))
    if missing:
        book.find(
            "array-missing",
            f"{len(missing)} of {len(rows)} arrays are not in 'arrays.npz': {listed(missing)}",
        )
    foreign = sorted(set(members) - set(rows))
    if foreign:
        book.find(
            "array-foreign", f"'arrays.npz' holds {len(foreign)} arrays more: {listed(foreign)}"
        )
    return out


def _members(archive: zipfile.ZipFile, size: int, book: Book) -> dict[str, zipfile.ZipInfo]:
    """Members by ref; none at all where their sizes cannot be true."""
    found = archive.infolist()
    total = sum(info.file_size for info in found)
    if len(found) > MOST_MEMBERS or total > size:
        book.find(
            "arrays-unreadable",
            f"'arrays.npz' declares {len(found)} members of {total} bytes; it has {size}",
        )
        return {}
    out: dict[str, zipfile.ZipInfo] = {}
    for info in found:
        match = MEMBER.fullmatch(info.filename)
        if match is None or match[1] in out:
            book.find("array-foreign", f"'arrays.npz' holds {shown(info.filename)}")
        elif info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            book.find("arrays-unreadable", f"{info.filename} is compressed; bundles store arrays")
        else:
            out[match[1]] = info
    return out


def _array(ref: str, data: bytes, book: Book) -> Array | None:
    """One .npy member, version 1.0."""
    start = len(MAGIC) + 2
    length = int.from_bytes(data[len(MAGIC) : start], "little")
    match = HEADER.fullmatch(data[start : start + length])
    if not data.startswith(MAGIC) or match is None:
        book.find("arrays-unreadable", f"array {ref} has no header of a plain .npy file")
        return None
    kind = match[1].decode()
    sizes = [int(n) for n in match[3].decode().replace(" ", "").split(",") if n]
    body = data[start + length :]
    if kind not in TYPES or match[2] == b"True" or len(sizes) > 8:
        book.find("arrays-unreadable", f"array {ref} is of a kind that bundles do not hold")
        return None
    wanted = prod(sizes) * int(kind[2])
    if wanted != len(body):
        book.find("arrays-unreadable", f"array {ref} declares {wanted} bytes and has {len(body)}")
        return None
    return np.frombuffer(body, dtype=np.dtype(kind)).reshape(sizes)


def _as_declared(ref: str, array: Array, row: ArrayRow, book: Book) -> bool:
    """Shape and dtype are the manifest's; the error figures are possible at all."""
    kind = TYPES[array.dtype.str]
    if array.shape != row.shape:
        book.find(
            "array-shape", f"array {ref} has the shape {array.shape}; the manifest says {row.shape}"
        )
    if kind != row.dtype:
        book.find("array-type", f"array {ref} is {kind}; the manifest says {shown(row.dtype)}")
    if row.error is not None:
        top, rms, clipped = row.error
        if min(top, rms) < 0 or rms > top * (1 + 1e-5) + 1e-12 or clipped > array.size:
            book.find(
                "array-error",
                f"array {ref}: error figures max {top:g}, rms {rms:g}, {clipped} clipped of "
                f"{array.size} cannot be; expected max >= rms >= 0",
            )
    return array.shape == row.shape and kind == row.dtype


@dataclass(slots=True)
class Store:
    """The arrays by ref, and which of them something uses."""

    arrays: Mapping[str, Array]
    book: Book
    used: set[str] = field(default_factory=set[str])

    def get(self, ref: str, where: str) -> Array | None:
        """The array of a ref; None, and a finding, where there is none."""
        self.used.add(ref)
        if ref in self.arrays:
            return self.arrays[ref]
        if not REF.fullmatch(ref):
            self.book.find("schema", f"{where}: {shown(ref)} is no ref of an array")
        else:
            self.book.find("array-missing", f"{where}: there is no sound array {ref}")
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Params:
    """Params of one population or projection, each with its type, shape and range."""

    raw: Mapping[str, Any]
    where: str
    store: Store
    book: Book

    def ints(
        self, key: str, shape: tuple[int, ...], low: int, high: int, fault: str, unit: str = "LSB"
    ) -> Array | None:
        """Integers of that shape within low..high; a number stands for a flat array of it.

        -1 in `shape` is any length. The array keeps its own type: widen before arithmetic.
        """
        found = self._array(key, shape, "iu")
        if found is None:
            return None
        if found.size and not (low <= int(found.min()) and int(found.max()) <= high):
            worst = int(found.min()) if int(found.min()) < low else int(found.max())
            self.book.find(
                fault, f"{self.where}: {key} holds {worst}; the chip takes {low}..{high} {unit}"
            )
        return found

    def floats(
        self, key: str, size: int, low: float, high: float, fault: str
    ) -> NDArray[np.float64] | None:
        """Finite float32 values, one a neuron, within low..high; or one number for all."""
        array = self._array(key, (size,), "f")
        if array is None:
            return None
        found = np.asarray(array, dtype=np.float64)
        if not np.all(np.isfinite(found)):
            self.book.find(fault, f"{self.where}: {key} holds a value that is not finite")
            return None
        if found.size and (found.min() < low or found.max() > high):
            worst = found.min() if found.min() < low else found.max()
            self.book.find(
                fault, f"{self.where}: {key} holds {worst:g}; expected {low:g} to {high:g}"
            )
        return found

    def whole(self, key: str, low: int, high: int, fault: str, unit: str = "LSB") -> int | None:
        """An integer within low..high."""
        value = self.raw.get(key)
        if not is_whole(value):
            self.book.find("schema", f"{self.where}: param '{key}' is no integer")
            return None
        assert isinstance(value, int)
        if not low <= value <= high:
            self.book.find(
                fault, f"{self.where}: {key} is {value}; the chip takes {low}..{high} {unit}"
            )
        return value

    def sizes(self, key: str, count: int, low: int) -> tuple[int, ...] | None:
        """A list of `count` integers of at least `low` (strides, paddings, shapes)."""
        value = self.raw.get(key)
        if isinstance(value, list):
            items: list[Any] = value
            if len(items) == count and all(is_whole(n, low, 1 << 31) for n in items):
                return tuple(items)
        self.book.find(
            "schema",
            f"{self.where}: param '{key}' is no list of {count} integers of at least {low}",
        )
        return None

    def _array(self, key: str, shape: tuple[int, ...], kinds: str) -> Array | None:
        value = self.raw.get(key)
        if isinstance(value, str):
            array = self.store.get(value, f"{self.where}, {key}")
            return None if array is None else self._fitting(key, array, shape, kinds)
        whole = is_whole(value)
        if len(shape) == 1 and (whole or ("f" in kinds and is_number(value))):
            return np.broadcast_to(np.array(value), shape)
        self.book.find("schema", f"{self.where}: param '{key}' is missing or of the wrong type")
        return None

    def _fitting(self, key: str, array: Array, shape: tuple[int, ...], kinds: str) -> Array | None:
        if array.dtype.kind not in kinds or (kinds == "f" and array.dtype.itemsize != 4):
            wanted = "float32" if kinds == "f" else "an integer type"
            self.book.find(
                "array-type", f"{self.where}: {key} is {array.dtype.name}; expected {wanted}"
            )
            return None
        fits = len(array.shape) == len(shape) and all(
            n in (-1, m) for n, m in zip(shape, array.shape, strict=True)
        )
        if fits:
            return array
        wanted = "(" + ", ".join("any" if n < 0 else str(n) for n in shape) + ")"
        self.book.find(
            "array-shape", f"{self.where}: {key} has the shape {array.shape}; expected {wanted}"
        )
        return None
