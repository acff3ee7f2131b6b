"""HDF5 objects as the reader sees them, and chunks without their filters."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np

from nir_io.arrays import AnyArray, AnyDtype

# constants of the HDF5 library (H5Zpublic.h, H5Dpublic.h, H5Spublic.h); 32000 is h5py's LZF
DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
FILTERS = (DEFLATE, SHUFFLE, FLETCHER32, LZF)
CONTIGUOUS, CHUNKED, VIRTUAL = 1, 2, 3
ALLOCATED = 2
NULL_SPACE = 2


class Link(Protocol):
    """h5py.h5l.LinkInfo."""

    type: int


class Links(Protocol):
    """Links of a group."""

    def get_info(self, name: bytes) -> Link:
        """Kind of a link, without following it."""
        ...


class Group(Protocol):
    """h5py.h5g.GroupID."""

    links: Links

    def get_num_objs(self) -> int:
        """Number of links."""
        ...

    def __contains__(self, name: bytes) -> bool: ...

    def __iter__(self) -> Iterator[bytes]: ...


class Plan(Protocol):
    """h5py.h5p.PropDCID: how a data set is stored."""

    def get_external_count(self) -> int:
        """Files that hold the data."""
        ...

    def get_layout(self) -> int:
        """Compact, contiguous, chunked or virtual."""
        ...

    def get_nfilters(self) -> int:
        """Number of filters."""
        ...

    def get_filter(self, index: int) -> tuple[int, int, tuple[int, ...], bytes]:
        """Id, flags, values and name of a filter."""
        ...

    def get_chunk(self) -> tuple[int, ...]:
        """Shape of a chunk."""
        ...


class Space(Protocol):
    """h5py.h5s.SpaceID."""

    def get_simple_extent_type(self) -> int:
        """Scalar, simple or null."""
        ...


class Stored(Protocol):
    """h5py.h5t.TypeID."""

    def get_size(self) -> int:
        """Bytes of a value."""
        ...


class Chunk(Protocol):
    """h5py.h5d.StoreInfo: where a chunk lies."""

    size: int
    chunk_offset: tuple[int, ...]


class Data(Protocol):
    """h5py.h5d.DatasetID."""

    dtype: AnyDtype
    shape: tuple[int, ...]

    def get_space(self) -> Space:
        """Its data space."""
        ...

    def get_type(self) -> Stored:
        """Its type in the file."""
        ...

    def get_create_plist(self) -> Plan:
        """How it is stored."""
        ...

    def get_space_status(self) -> int:
        """Whether its storage is allocated."""
        ...

    def get_offset(self) -> int:
        """First byte in the file, of contiguous storage."""
        ...

    def read(self, memory: Space, file: Space, into: AnyArray) -> None:
        """Read through HDF5's own filters."""
        ...

    def chunk_iter(self, call: Callable[[Chunk], None]) -> None:
        """Visit every stored chunk."""
        ...

    def read_direct_chunk(self, offsets: Sequence[int]) -> tuple[int, bytes]:
        """Skipped filters and stored bytes of a chunk."""
        ...


def is_text(dtype: AnyDtype) -> bool:
    """Whether values are text, of fixed or variable length."""
    return dtype.kind == "S" or (dtype.metadata or {}).get("vlen") in (bytes, str)


def is_number(dtype: AnyDtype) -> bool:
    """Whether values are truth values, whole or floating-point numbers."""
    return dtype.kind in "biuf" and "ref" not in (dtype.metadata or {})


def plain(data: bytes, mask: int, filters: Sequence[int], size: int, item: int) -> bytes | None:
    """A stored chunk without its filters: exactly `size` bytes, or None if it is damaged.

    `mask`: bits of the filters that were skipped. `item`: bytes of a value. Only deflate
    and shuffle are undone here; inflating stops at `size`, whatever the stream holds.
    """
    for index in reversed(range(len(filters))):
        if mask >> index & 1:
            continue
        if filters[index] == DEFLATE:
            inflate = zlib.decompressobj()
            try:
                data = inflate.decompress(data, size)
                if inflate.decompress(inflate.unconsumed_tail, 1):
                    return None
            except zlib.error:
                return None
        elif filters[index] == SHUFFLE and len(data) % item == 0:
            data = np.frombuffer(data, dtype=np.uint8).reshape(item, -1).T.tobytes()
        else:
            return None
    return data if len(data) == size else None
