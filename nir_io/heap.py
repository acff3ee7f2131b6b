"""Texts of variable length, read from the file's global heaps without HDF5.

HDF5 does not come back from some damaged heaps (an object of size 0), and makes a copy of
a long text for every reference to it. Layout: HDF5 File Format Specification 3.0, section
III.E (global heap) and IV.B (a reference: 4 bytes length, 8 bytes address, 4 bytes index).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

REFERENCE = 16
HEADER = 16  # of a heap and of an object in it
MOST = 1 << 26  # bytes of one heap; HDF5 makes them of 4096 bytes or of one long text


@dataclass(slots=True)
class Heaps:
    """Global heaps of an open file. `base`: where HDF5's address 0 lies (after a user block)."""

    handle: int
    base: int
    found: dict[int, tuple[bytes, dict[int, tuple[int, int]]]] = field(
        default_factory=dict[int, tuple[bytes, dict[int, tuple[int, int]]]]
    )

    def text(self, reference: bytes, longest: int) -> bytes:
        """The text behind a reference. Raises ValueError if it is damaged or too long."""
        length = int.from_bytes(reference[:4], "little")
        address = int.from_bytes(reference[4:12], "little")
        index = int.from_bytes(reference[12:16], "little")
        if length == 0:
            return b""
        if length > longest:
            raise ValueError(f"a text of {length} bytes is longer than {longest}")
        heap, objects = self._heap(address)
        start, size = objects.get(index, (0, 0))
        if length > size:
            raise ValueError(f"a text of {length} bytes is not in its heap")
        return heap[start : start + length]

    def bytes_at(self, offset: int, count: int) -> bytes:
        """`count` bytes of the file. Raises ValueError if it is shorter."""
        data = os.pread(self.handle, count, offset) if 0 <= offset < 1 << 62 else b""
        if len(data) < count:
            raise ValueError(f"the file ends before byte {offset + count}")
        return data

    def _heap(self, address: int) -> tuple[bytes, dict[int, tuple[int, int]]]:
        if address not in self.found:
            head = self.bytes_at(self.base + address, HEADER)
            size = int.from_bytes(head[8:], "little")
            if head[:5] != b"GCOL\x01" or not HEADER <= size <= MOST:
                raise ValueError("a text refers to a place that is no heap")
            heap = self.bytes_at(self.base + address, size)
            self.found[address] = heap, dict(_objects(heap))
        return self.found[address]


def _objects(heap: bytes) -> list[tuple[int, tuple[int, int]]]:
    """(index, (start, size)) of each object; the object 0 is the free space at the end."""
    found: list[tuple[int, tuple[int, int]]] = []
    place = HEADER
    while place + HEADER <= len(heap):
        index = int.from_bytes(heap[place : place + 2], "little")
        size = int.from_bytes(heap[place + 8 : place + 16], "little")
        place += HEADER
        if index == 0 or place + size > len(heap):
            break
        found.append((index, (place, size)))
        place += -(-size // 8) * 8
    return found
