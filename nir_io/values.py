"""Data sets of an HDF5 file as arrays, texts and pairs, never more than they may be.

Sizes come from the header and are counted before anything is allocated. Deflated chunks
are inflated here, never beyond their declared size: HDF5's own filter would follow a
stream of any length.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from nir_io.arrays import AnyArray, AnyDtype
from nir_io.graph import Array
from nir_io.heap import REFERENCE, Heaps
from nir_io.limits import Spent
from nir_io.raw import Edge, Field, Report, printable
from nir_io.storage import (
    ALLOCATED,
    CHUNKED,
    CONTIGUOUS,
    DEFLATE,
    FILTERS,
    NULL_SPACE,
    SHUFFLE,
    VIRTUAL,
    Chunk,
    Data,
    is_number,
    is_text,
    plain,
)

DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, zlib.error)
MOST_PADDING = 64  # declared over used size of chunks, for data of more than a million values


@dataclass(slots=True)
class Values:
    """Reads data sets of one file of `size` bytes; a fault is a finding and gives None."""

    report: Report
    spent: Spent
    size: int
    heaps: Heaps

    def field(self, found: Data, where: str) -> Field | None:
        """A single text, or an array of numbers."""
        try:
            dtype = found.dtype
            if dtype.kind in "SO" and is_text(dtype) and found.shape == ():
                return self.text(found, where)
            return self.numbers(found, dtype, where)
        except DAMAGE as error:
            self.report.find(where, f"cannot be read: {reason(error)}")
            return None

    def text(self, found: Data, where: str) -> str | None:
        """A single text."""
        try:
            if is_text(found.dtype) and not found.shape:
                return self._one_text(found, where)
            self.report.find(where, "is no single text")
        except UnicodeDecodeError:
            self.report.find(where, "is not UTF-8 text")
        except DAMAGE as error:
            self.report.find(where, f"cannot be read: {reason(error)}")
        return None

    def numbers(self, found: Data, dtype: AnyDtype, where: str) -> Array | None:
        """An array as read-only float64, whatever it is stored as."""
        shape = found.shape
        if not is_number(dtype):
            held = "text" if is_text(dtype) else f"values of type {printable(str(dtype))}"
            self.report.find(where, f"holds {held}; expected numbers")
            return None
        if found.get_space().get_simple_extent_type() == NULL_SPACE or prod(shape) == 0:
            self.report.find(where, f"has no values (shape {shape}); expected at least one")
            return None
        if not self.spent.take_elements(prod(shape)):
            self.report.find(
                where,
                f"declares {prod(shape)} values of shape {shape}; with {self.spent.elements} "
                f"before them that passes the limit of {self.spent.limits.elements} for a file",
            )
            return None
        filters = self._filters(found, where)
        if filters is None:
            return None
        values = np.empty(shape, dtype=np.float64)
        if not self._load(found, filters, values, where):
            return None
        values.flags.writeable = False
        return values

    def pairs(self, found: Data, where: str) -> tuple[Edge, ...]:
        """Pairs of names, shape (n, 2); an empty list may have any type."""
        shape = found.shape
        if found.get_space().get_simple_extent_type() == NULL_SPACE or shape[:1] == (0,):
            return ()
        try:
            if len(shape) != 2 or shape[1] != 2 or not is_text(found.dtype):
                self.report.find(where, f"has shape {shape}; expected (n, 2): pairs of names")
                return ()
            if not self.spent.take_edges(shape[0]):
                self.report.find(
                    where,
                    f"{self.spent.edges} edges are declared, the limit is "
                    f"{self.spent.limits.edges}",
                )
                return ()
            filters = self._filters(found, where)
            if filters is None:
                return ()
            texts = self._texts(found, filters, 4 * self.spent.limits.name, where)
            names = [text.decode("utf-8") for text in texts or ()]
            return tuple(zip(names[::2], names[1::2], strict=True))
        except UnicodeDecodeError:
            self.report.find(where, "holds names that are not UTF-8 text")
        except DAMAGE as error:
            self.report.find(where, f"cannot be read: {reason(error)}")
        return ()

    def scalar(self, found: Data, where: str) -> str | int | float | None:
        """A metadata entry; None if it is neither a number nor a text within limits."""
        dtype = found.dtype
        if found.shape != () or not (is_text(dtype) or is_number(dtype)):
            return None
        try:
            if is_text(dtype):
                text = self._one_text(found, where)
                return None if text is None else printable(text, len(text))
            value = self.numbers(found, dtype, where)
        except DAMAGE:
            return None
        if value is None:
            return None
        return float(value) if dtype.kind == "f" else int(value)

    def _one_text(self, found: Data, where: str) -> str | None:
        filters = self._filters(found, where)
        if filters is None:
            return None
        texts = self._texts(found, filters, self.spent.limits.text, where)
        return None if texts is None else next(texts).decode("utf-8")

    def _filters(self, found: Data, where: str) -> list[int] | None:
        """Filters of a data set; None, and a finding, for data that must not be read.

        These lie in another file, were never written, or are behind unknown filters.
        """
        plan = found.get_create_plist()
        if plan.get_external_count() or plan.get_layout() == VIRTUAL:
            self.report.find(where, "lies in another file; only data of this file are read")
            return None
        filters = [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]
        if len(set(filters)) < len(filters) or not set(filters) <= set(FILTERS):
            self.report.find(where, f"is stored with HDF5 filters {filters}; use gzip or none")
            return None
        if found.get_space_status() != ALLOCATED:
            self.report.find(where, f"of shape {found.shape} was declared but not written in full")
            return None
        return filters

    def _read(self, found: Data, into: AnyArray) -> None:
        space = found.get_space()
        found.read(space, space, into)

    def _load(self, found: Data, filters: list[int], into: AnyArray, where: str) -> bool:
        """Read numbers or fixed text into `into`; False, and a finding, if damaged."""
        if DEFLATE not in filters:
            self._read(found, into)
            return True
        dtype = found.dtype
        if found.get_type().get_size() != dtype.itemsize:
            self.report.find(where, f"is stored as {dtype} in an unusual format; use gzip or none")
            return False
        stored = np.dtype(np.int8) if dtype.kind == "b" else dtype
        return self._chunks(found, filters, stored, into, where)

    def _chunks(
        self,
        found: Data,
        filters: list[int],
        stored: AnyDtype,
        into: AnyArray,
        where: str,
    ) -> bool:
        """Put chunks of values stored as `stored` into `into`, inflated here."""
        chunk, item = found.get_create_plist().get_chunk(), stored.itemsize
        count = prod(-(-side // step) for side, step in zip(found.shape, chunk, strict=True))
        if count * prod(chunk) > max(MOST_PADDING * into.size, 1 << 20):
            self.report.find(where, f"has chunks of shape {chunk} for data of shape {found.shape}")
            return False
        if not set(filters) <= {DEFLATE, SHUFFLE}:
            self.report.find(where, f"is stored with HDF5 filters {filters}; use gzip or none")
            return False
        chunks: list[Chunk] = []
        found.chunk_iter(chunks.append)
        if len(chunks) != count:
            self.report.find(where, f"has {len(chunks)} of its {count} chunks")
            return False
        for info in chunks:
            if info.size > self.size:
                self.report.find(where, f"has a chunk of {info.size} bytes, the file {self.size}")
                return False
            mask, packed = found.read_direct_chunk(info.chunk_offset)
            data = plain(packed, mask, filters, prod(chunk) * item, item)
            if data is None:
                self.report.find(where, "has a compressed chunk that cannot be inflated")
                return False
            block = np.frombuffer(data, dtype=stored).reshape(chunk)
            place = tuple(
                slice(start, min(start + step, side))
                for start, step, side in zip(info.chunk_offset, chunk, found.shape, strict=True)
            )
            into[place] = block[tuple(slice(0, part.stop - part.start) for part in place)]
        return True

    def _texts(
        self, found: Data, filters: list[int], longest: int, where: str
    ) -> Iterator[bytes] | None:
        """All texts in C order; raises ValueError for one that is damaged or too long."""
        dtype = found.dtype
        if dtype.kind == "S":
            if dtype.itemsize > longest:
                raise ValueError(f"a text of {dtype.itemsize} bytes is longer than {longest}")
            fixed: AnyArray = np.empty(found.shape, dtype=dtype)
            return (
                iter(fixed.ravel().tolist()) if self._load(found, filters, fixed, where) else None
            )
        kind = np.dtype((np.void, REFERENCE))
        layout = found.get_create_plist().get_layout()
        if layout == CONTIGUOUS:
            raw = self.heaps.bytes_at(found.get_offset(), prod(found.shape) * REFERENCE)
            references = np.frombuffer(raw, dtype=kind)
        elif layout == CHUNKED:
            references = np.empty(found.shape, dtype=kind)
            if not self._chunks(found, filters, kind, references, where):
                return None
        else:
            raise ValueError("texts of variable length in compact storage are not read")
        return (self.heaps.text(entry.tobytes(), longest) for entry in references.ravel())


def reason(error: Exception) -> str:
    """What HDF5 says, on one line."""
    text = str(error).replace("Unable to synchronously open file", "")
    return printable(text.strip(" ()'\""), 160)
