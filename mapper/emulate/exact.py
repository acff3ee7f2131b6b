"""Exact integer products, done by floating-point matrix hardware.

numpy multiplies integer matrices in a plain loop and floating-point ones with BLAS. A
product of integers is exact in float32 while no partial sum can pass 2^24, and in float64
below 2^53, in whatever order it is summed; so the type is chosen from the worst case.
"""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nir_io.arrays import AnyArray, Floats
from nir_io.errors import BadInput

Ints = AnyArray  # any integer type
Product = Callable[[Ints], Floats]

SINGLE = 2**24
DOUBLE = 2**53
CELLS = 2**20  # numbers in a temporary array: 4 MB as float32
DENSE = 2**20  # sparse matrices up to this size are multiplied as dense ones


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """A matrix (target, source) given by its entries; each pair at most once.

    target, source, weight: (entries,) integers; shape: (targets, sources).
    """

    target: Ints
    source: Ints
    weight: Ints
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        said: list[str] = []
        if not self.target.shape == self.source.shape == self.weight.shape:
            said.append(
                f"sparse weights: {self.target.size} targets, {self.source.size} sources and "
                f"{self.weight.size} weights; expected as many of each"
            )
        else:
            for name, index, size in (
                ("target", self.target, self.shape[0]),
                ("source", self.source, self.shape[1]),
            ):
                if index.size and not 0 <= index.min() <= index.max() < size:
                    said.append(f"sparse weights: a {name} lies outside 0..{size - 1}")
            pairs = self.target.astype(np.int64) * self.shape[1] + self.source
            if np.unique(pairs).size < pairs.size:
                said.append("sparse weights: a pair of source and target occurs twice")
        if said:
            raise BadInput(said)

    def dense(self) -> Ints:
        """(target, source)."""
        full = np.zeros(self.shape, np.int64)
        full[self.target, self.source] = self.weight
        return full


Matrix = Ints | Sparse


def only(weights: Matrix, chosen: Ints) -> Matrix:
    """The weights where `chosen` (of a `Sparse`: one an entry); elsewhere nothing."""
    if isinstance(weights, Sparse):
        return Sparse(
            weights.target[chosen], weights.source[chosen], weights.weight[chosen], weights.shape
        )
    return np.where(chosen, weights, 0)


def float_for(bound: float) -> type[np.float32] | type[np.float64]:
    """The narrower type in which integers up to `bound` and their sums are exact."""
    if bound < SINGLE:
        return np.float32
    if bound < DOUBLE:
        return np.float64
    raise BadInput([f"a sum may reach {bound:.3g}; exact arithmetic ends at 2^53 = {DOUBLE}"])


def product(weight: Matrix, peak: int) -> Product:
    """x -> x @ weight.T, exact for integers |x| <= peak; x is (rows, source)."""
    if isinstance(weight, Sparse):
        if weight.shape[0] * weight.shape[1] <= DENSE:
            return product(weight.dense(), peak)
        return _scatter(weight, peak)
    reach = np.abs(weight.astype(np.int64)).sum(axis=1).max(initial=0)
    kind = float_for(int(reach) * peak)
    ready = np.ascontiguousarray(weight.T, dtype=kind)
    return lambda x: x.astype(kind) @ ready


def _scatter(weight: Sparse, peak: int) -> Product:
    """As `product`, at a cost per active source rather than per pair."""
    targets, sources = weight.shape
    order = np.argsort(weight.source, kind="stable")
    target = weight.target[order].astype(np.int64)
    value = weight.weight[order].astype(np.float64)
    first = np.searchsorted(weight.source[order], np.arange(sources + 1))
    fan_out = np.diff(first)
    float_for(float(np.abs(value).sum()) * peak)

    def apply(x: Ints) -> Floats:
        out = np.zeros((len(x), targets))
        row, column = np.nonzero(x)
        done = np.cumsum(fan_out[column])
        start = 0
        while start < row.size:
            before = done[start - 1] if start else 0
            # At least one row's worth, and never half a row.
            stop = int(np.searchsorted(done, before + CELLS))
            stop = int(np.searchsorted(row, row[min(stop, row.size - 1)], side="right"))
            some, which = row[start:stop], column[start:stop]
            many = fan_out[which]
            within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
            entry = within + np.repeat(first[which], many)
            low, high = some[0], some[-1] + 1
            cell = np.repeat(some - low, many) * targets + target[entry]
            sent = value[entry] * np.repeat(x[some, which].astype(np.float64), many)
            summed = np.bincount(cell, sent, minlength=(high - low) * targets)
            out[low:high] = summed.reshape(high - low, targets)
            start = stop
        return out

    return apply


def correlation(
    kernel: Ints,
    shape: tuple[int, int, int],
    stride: tuple[int, int],
    padding: tuple[tuple[int, int], tuple[int, int]],
    peak: int,
) -> tuple[Product, tuple[int, int, int]]:
    """Cross-correlation of (rows, y, x, channel) maps, exact for integers up to `peak`.

    kernel: (ky, kx, in, out); shape: (y, x, in); padding: ((top, bottom), (left, right)).
    Returns the function, which takes and gives flat maps (rows, y * x * channel), and the
    shape (y, x, out) that it gives.
    """
    ky, kx, channels, features = kernel.shape
    height, width = (size + sum(pad) for size, pad in zip(shape[:2], padding, strict=True))
    if channels != shape[2] or ky > height or kx > width:
        raise BadInput(
            [
                f"convolution: kernel of {ky} x {kx} with {channels} input channels does not "
                f"fit a padded map of {height} x {width} with {shape[2]}"
            ]
        )
    out = ((height - ky) // stride[0] + 1, (width - kx) // stride[1] + 1, features)
    matrix = kernel.reshape(-1, features)
    reach = np.abs(matrix.astype(np.int64)).sum(axis=0).max(initial=0)
    kind = float_for(int(reach) * peak)
    ready = np.ascontiguousarray(matrix, dtype=kind)
    rows_at_once = max(1, CELLS // (out[0] * out[1] * len(matrix)))

    def apply(x: Ints) -> Floats:
        given = np.zeros((len(x), out[0] * out[1] * features), kind)
        heard = np.flatnonzero(x.max(axis=1, initial=0) | x.min(axis=1, initial=0))
        for start in range(0, len(heard), rows_at_once):
            rows = heard[start : start + rows_at_once]
            padded = np.zeros((len(rows), height, width, channels), kind)
            (top, _), (left, _) = padding
            padded[:, top : top + shape[0], left : left + shape[1]] = x[rows].reshape(-1, *shape)
            windows = np.lib.stride_tricks.sliding_window_view(padded, (ky, kx), axis=(1, 2))
            windows = windows[:, :: stride[0], :: stride[1]].transpose(0, 1, 2, 4, 5, 3)
            given[rows] = (windows.reshape(-1, len(matrix)) @ ready).reshape(len(rows), -1)
        return given

    return apply, out


def no_further(x: Ints, low: int, high: int, what: str) -> list[str]:
    """A finding where a value of `x` lies outside low..high."""
    if x.size == 0 or low <= x.min() <= x.max() <= high:
        return []
    return [f"{what} is {x.min()}..{x.max()}; {low}..{high} can be stored"]
