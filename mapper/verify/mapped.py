"""`verify --model`: the bundle is of this model, and mapped.nir is what its integers say.

h5py is needed here alone. Only datasets of the expected size are read, and no links but
hard ones are followed.
"""

# h5py has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mapper.verify.case import Case, pooled
from mapper.verify.files import sha256_of
from mapper.verify.manifest import Projection
from mapper.verify.report import shown
from mapper.verify.stored import Floats, Reader, Stored, per_neuron

if TYPE_CHECKING:
    import h5py

CLOSE = 1e-3  # integer units; the values are quotients of integers, in float64
FIELDS = ("weight", "scale")
PLAIN = (None, "gzip", "lzf")


def check_model(case: Case, model: Path, fingerprint: str | None) -> None:
    """The model is the one that was mapped: by its fingerprint if known, else by its bytes."""
    manifest, book = case.manifest, case.book
    if fingerprint is not None:
        if fingerprint != manifest.fingerprint:
            book.find(
                "model",
                f"{shown(model)} has the fingerprint {fingerprint}; the bundle is of "
                f"{shown(manifest.fingerprint)}",
            )
        return
    if manifest.sha256 is None:
        book.find("model", "the manifest holds no SHA-256 of its model's file to compare with")
        return
    found = sha256_of(model, book)
    if found is not None and found != manifest.sha256:
        book.find(
            "model",
            f"{shown(model)} has the SHA-256 {found}; the bundle is of {shown(manifest.sha256)}",
        )


def check_mapped(case: Case, path: Path, read: Reader) -> None:
    """Every weight in mapped.nir is its integer times the unit that docs/bundle.md gives.

    read: the stored weights of a projection, as the family has them.
    """
    import h5py

    named = [p for p in case.manifest.projections if p.node is not None]
    if not named:
        case.book.find("mapped", "no projection names its node in 'mapped.nir': 0 can be compared")
        return
    try:
        with h5py.File(path, "r") as file:
            for projection in named:
                stored = _stored(case, projection, read)
                if stored is not None:
                    _compare(case, projection, stored, file)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        case.book.find("mapped", f"'mapped.nir' cannot be read: {error}")


def _compare(case: Case, projection: Projection, stored: Stored, file: h5py.File) -> None:
    node = str(projection.node)
    line = _line(case, projection, stored)
    if line is not None and _values(file, node, stored.integers.shape) is None:
        stored = line
    where = f"projection {shown(projection.id)}, node {shown(node)} of 'mapped.nir'"
    found = _values(file, node, stored.integers.shape)
    if found is None:
        case.book.find(
            "mapped",
            f"{where} has no float64 weights of the shape {stored.integers.shape}",
        )
        return
    off = np.abs(found / stored.unit - stored.integers)
    worst = float(np.max(off, initial=0.0))
    if not worst <= CLOSE:
        case.book.find(
            "mapped",
            f"{where}: {np.count_nonzero(~(off <= CLOSE))} of {off.size} weights are not the bundle's "
            f"integers; the worst is {worst:g} units off",
        )


def _values(file: h5py.File, node: str, shape: tuple[int, ...]) -> Floats | None:
    """The node's weights as (out, in, ...), if they are float64 and of that size."""
    import h5py

    place: Any = file
    for part in ("node", "nodes", node):
        if "/" in part or part not in place:
            return None
        if not isinstance(place.get(part, getlink=True), h5py.HardLink):
            return None
        place = place[part]
    for field in FIELDS:
        if field not in place or not isinstance(place.get(field, getlink=True), h5py.HardLink):
            continue
        data: Any = place[field]
        if not isinstance(data, h5py.Dataset) or data.dtype != np.float64:
            return None
        if data.is_virtual or data.external or data.compression not in PLAIN:
            return None
        if data.chunks is not None and prod(data.chunks) > max(prod(data.shape), 1 << 20):
            return None
        if field == "scale" and len(shape) == 2 and prod(data.shape) == shape[0] == shape[1]:
            return np.diag(np.ravel(data[()]))
        if prod(data.shape) == prod(shape) and data.shape[:1] == shape[:1]:
            return np.asarray(data[()]).reshape(shape)
    return None


def _stored(case: Case, projection: Projection, read: Reader) -> Stored | None:
    """The projection's integers and their unit; None where another check has refused them."""
    population = case.manifest.populations.get(projection.target)
    if population is None:
        return None
    scale = per_neuron(case, population, population.scale)
    return None if scale is None else next(read(case, projection, population, scale), None)


def _line(case: Case, projection: Projection, stored: Stored) -> Stored | None:
    """Of a kernel on a map of one pixel in x (or y), what ever meets that pixel; else None.

    mapped.nir says such a convolution as the Conv1d that it is; the rest of a square kernel
    lies on the padding, whatever stands there.
    """
    shape = case.manifest.sources.get(projection.source)
    population = case.manifest.populations.get(projection.target)
    if shape is None or population is None or stored.integers.ndim != 4:
        return None
    sides: Any = population.params.get("padding")
    if not isinstance(sides, list) or len(sides) not in (2, 4):
        return None
    size = pooled(shape, projection.pool or (1, 1))
    for axis in (3, 2):
        if size[axis - 1] != 1:
            continue
        at = sides[(axis - 2) * len(sides) // 2]  # before the map: [y, x] or two of each
        if isinstance(at, int) and 0 <= at < stored.integers.shape[axis]:
            return Stored(stored.integers.take(at, axis=axis), stored.unit[..., 0])
    return None
