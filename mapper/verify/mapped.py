"""`verify --model`: the bundle is of this model, and mapped.nir is what its integers say.

h5py is needed here alone. Only datasets of the expected size are read, and no links but
hard ones are followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mapper.verify.arrays import REF, Array
from mapper.verify.case import Case, pooled
from mapper.verify.files import sha256_of
from mapper.verify.manifest import Population, Projection
from mapper.verify.report import shown

if TYPE_CHECKING:
    import h5py

CLOSE = 1e-3  # integer units; the values are quotients of integers, in float64
FIELDS = ("weight", "scale")
PLAIN = (None, "gzip", "lzf")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """Integers of a projection, and what one of them is worth in threshold units."""

    integers: Array
    unit: Floats


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


def check_mapped(case: Case, path: Path) -> None:
    """Every weight in mapped.nir is its integer times the unit that docs/bundle.md gives."""
    import h5py

    named = [p for p in case.manifest.projections if p.node is not None]
    if not named:
        case.book.find("mapped", "no projection names its node in 'mapped.nir': 0 can be compared")
        return
    try:
        with h5py.File(path, "r") as file:
            for projection in named:
                stored = _stored(case, projection)
                if stored is not None:
                    _compare(case, projection, stored, file)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        case.book.find("mapped", f"'mapped.nir' cannot be read: {error}")


def _compare(case: Case, projection: Projection, stored: _Stored, file: h5py.File) -> None:
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


def _stored(case: Case, projection: Projection) -> _Stored | None:
    """The projection's integers and their unit; None where another check has refused them."""
    population = case.manifest.populations.get(projection.target)
    if population is None:
        return None
    scale = _per_neuron(case, population, population.scale)
    read = READERS[case.manifest.family]
    found = None if scale is None else next(read(case, projection, population, scale), None)
    return found


def _array(case: Case, ref: object) -> Array | None:
    if isinstance(ref, str) and REF.fullmatch(ref):
        return case.store.arrays.get(ref)
    return None


def _per_neuron(case: Case, population: Population, value: object) -> Floats | None:
    """A param as (n,) floats."""
    array = np.asarray(value) if isinstance(value, int | float) else _array(case, value)
    if array is None or array.shape not in ((), (population.size,)):
        return None
    return np.broadcast_to(np.asarray(array, dtype=np.float64), (population.size,))


def _units(population: Population, scale: Floats, integers: Array, factor: Floats) -> _Stored:
    """Units per target neuron, or per output channel of a kernel, as a column."""
    unit = factor / scale
    if integers.ndim == 4:
        unit = unit.reshape(population.map[0], -1)[:, 0]
    return _Stored(integers, unit.reshape(-1, *[1] * (integers.ndim - 1)))


def _plain(
    case: Case, projection: Projection, population: Population, scale: Floats
) -> Iterator[_Stored]:
    """SpiNNaker2: w / scale. Loihi 2: w 2^(exponent + 6) / scale."""
    integers = _array(case, projection.params.get("kernel", projection.params.get("weight")))
    exponent = projection.params.get("exponent", 0)
    if integers is None or not isinstance(exponent, int) or abs(exponent) > 64:
        return
    shift = case.device.limits.get("input_shift", 0) if "exponent" in projection.params else 0
    factor = np.full(scale.shape, 2.0 ** (exponent + shift))
    yield _units(population, scale, integers, factor)


def _xylo(
    case: Case, projection: Projection, population: Population, scale: Floats
) -> Iterator[_Stored]:
    """(w + w_2) 2^shift (1 - 2^-dash_syn) / scale: the current decays before it is used."""
    first = _array(case, projection.params.get("weight"))
    second = _array(case, projection.params.get("weight_2"))
    dash = _per_neuron(case, population, population.params.get("dash_syn"))
    if first is None or dash is None:
        return
    total = first.astype(np.int64)
    if second is not None and second.shape == first.shape:
        total = total + second
    by_input = case.from_input(projection)
    kind = "in" if by_input else "out" if population.role == "output" else "rec"
    shift = case.manifest.pools.get(f"weight_shift_{kind}", 0)
    factor = 2.0 ** min(shift, 64) * (1.0 - 2.0**-dash)
    yield _units(population, scale, total, factor)


def _speck(
    case: Case, projection: Projection, population: Population, scale: Floats
) -> Iterator[_Stored]:
    """w / scale, the input channels that the population's table has for this source."""
    kernel = _array(case, population.params.get("kernel"))
    table: Any = population.params.get("inputs")
    if kernel is None or not isinstance(table, list):
        return
    pool = (projection.pool or (1, 1))[0]
    for entry in table:
        if entry["source"] == projection.source and entry["pool"] == pool:
            at, count = entry["offset"], entry["channels"]
            part = kernel[:, at : at + count]
            yield _units(population, scale, part, np.ones(scale.shape))


def _line(case: Case, projection: Projection, stored: _Stored) -> _Stored | None:
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
            return _Stored(stored.integers.take(at, axis=axis), stored.unit[..., 0])
    return None


Reader = Callable[[Case, Projection, Population, Floats], Iterator[_Stored]]
READERS: dict[str, Reader] = {
    "loihi2": _plain,
    "spinnaker2": _plain,
    "xylo": _xylo,
    "speck": _speck,
}
