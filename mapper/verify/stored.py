"""Stored weights of a projection, and what an integer of them is worth in threshold units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.verify.arrays import REF, Array
from mapper.verify.case import Case
from mapper.verify.manifest import Population, Projection

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Integers of a projection, and what one of them is worth in threshold units."""

    integers: Array
    unit: Floats


Reader = Callable[[Case, Projection, Population, Floats], Iterator[Stored]]


def array_of(case: Case, ref: object) -> Array | None:
    """The array that a param names; None for anything else."""
    if isinstance(ref, str) and REF.fullmatch(ref):
        return case.store.arrays.get(ref)
    return None


def per_neuron(case: Case, population: Population, value: object) -> Floats | None:
    """A param as (n,) floats."""
    array = np.asarray(value) if isinstance(value, int | float) else array_of(case, value)
    if array is None or array.shape not in ((), (population.size,)):
        return None
    return np.broadcast_to(np.asarray(array, dtype=np.float64), (population.size,))


def in_units(population: Population, scale: Floats, integers: Array, factor: Floats) -> Stored:
    """Units per target neuron, or per output channel of a kernel, as a column."""
    unit = factor / scale
    if integers.ndim == 4:
        unit = unit.reshape(population.map[0], -1)[:, 0]
    return Stored(integers, unit.reshape(-1, *[1] * (integers.ndim - 1)))


def plain_weights(
    case: Case, projection: Projection, population: Population, scale: Floats
) -> Iterator[Stored]:
    """SpiNNaker2: w / scale. Loihi 2: w 2^(exponent + 6) / scale."""
    integers = array_of(case, projection.params.get("kernel", projection.params.get("weight")))
    exponent = projection.params.get("exponent", 0)
    if integers is None or not isinstance(exponent, int) or abs(exponent) > 64:
        return
    shift = case.device.limits.get("input_shift", 0) if "exponent" in projection.params else 0
    factor = np.full(scale.shape, 2.0 ** (exponent + shift))
    yield in_units(population, scale, integers, factor)
