"""Slicing for chips with many equal cores: near-equal runs of neurons, boxes of maps.

Costs come from closed forms and count tables; the fewest slices whose demands keep the
limits are found by bisection where cost falls with the slice, and listed where it does not.
"""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise, product
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from mapper.solving.offer.plans import Box, SliceClass
from nir_io.graph import Shape

Demand = Mapping[str, int]
CELLS = 2**20  # numbers in a temporary array


def runs(size: int, parts: int) -> tuple[Box, ...]:
    """`size` neurons cut into `parts` runs whose lengths differ by at most one."""
    short, longer = divmod(size, parts)
    edges = np.concatenate([[0], np.cumsum([short + 1] * longer + [short] * (parts - longer))])
    return tuple(((int(a), int(b)),) for a, b in pairwise(edges))


def chunks(size: int, width: int) -> tuple[Box, ...]:
    """`size` neurons cut into runs of `width`, the last one shorter."""
    return tuple(((at, min(at + width, size)),) for at in range(0, size, width))


def fewest(size: int, fits: Callable[[int], bool], most: int | None = None) -> int | None:
    """The least number of parts in 1..size for which `fits`; None where none does.

    `fits` must not become false as parts grow. Few parts cost less to ask about, so they are
    doubled until they fit.
    """
    most = min(size, most or size)
    low = high = 1
    while not fits(high):
        if high == most:
            return None
        low, high = high + 1, min(2 * high, most)
    while low < high:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle + 1
    return low


def longest_runs(size: int, fits: Callable[[int, int], bool]) -> tuple[Box, ...] | None:
    """Runs from the first neuron on, each as long as `fits` lets it be; None where one neuron
    does not fit. The fewest runs there are, where a part of a run that fits does too.
    """
    boxes: list[Box] = []
    start, longest = 0, 1
    while start < size:
        low, high = start, min(start + longest, size)
        while high < size and fits(start, high):
            low, high = high, min(start + 2 * (high - start), size)
        while low < high:
            middle = (low + high + 1) // 2
            if fits(start, middle):
                low = middle
            else:
                high = middle - 1
        if low == start:
            return None
        boxes.append(((start, low),))
        start, longest = low, low - start
    return tuple(boxes)


def tilings(shape: Shape, widths: Callable[[int], list[int]]) -> Iterator[tuple[int, int, int]]:
    """(channels, rows, columns) of a tile, for every split of a (c, y, x) map.

    Those that give few tiles come first; among equals those of more channels, then rows.
    """
    c, y, x = shape
    rows = np.array(sorted({ceil(y / n) for n in range(1, y + 1)}, reverse=True))
    channels = np.array(sorted({ceil(c / n) for n in range(1, c + 1)}, reverse=True))
    columns = np.array(widths(x))
    many = (-(-c // channels))[:, None, None] * (-(-y // rows))[:, None] * -(-x // columns)
    for at in np.argsort(many, axis=None, kind="stable"):
        i, j, k = (int(axis) for axis in np.unravel_index(at, many.shape))
        yield int(channels[i]), int(rows[j]), int(columns[k])


def tiles(shape: Shape, tile: tuple[int, int, int]) -> tuple[Box, ...]:
    """The boxes of a tiling, channel by channel, row by row."""
    return tuple(
        tuple((at, min(at + step, n)) for at, step, n in zip(corner, tile, shape, strict=True))
        for corner in product(*(range(0, n, step) for n, step in zip(shape, tile, strict=True)))
    )


def classes(boxes: tuple[Box, ...], demand: Callable[[Box], Demand]) -> tuple[SliceClass, ...]:
    """Boxes grouped by equal demand, in the order of their first box."""
    groups: dict[tuple[tuple[str, int], ...], list[Box]] = {}
    for box in boxes:
        groups.setdefault(tuple(sorted(demand(box).items())), []).append(box)
    return tuple(SliceClass(boxes=tuple(found), demand=dict(key)) for key, found in groups.items())


class Synapses:
    """The non-zero weights of a matrix (out, in), counted for any runs of targets at once."""

    def __init__(self, weight: np.ndarray) -> None:
        present = np.asarray(weight) != 0
        self._sources = present.shape[1]
        self._full = bool(present.all())
        if self._full:
            return
        narrow = np.uint16 if len(present) < 2**16 else np.uint32
        self._before = np.zeros((len(present) + 1, self._sources), dtype=narrow)
        for at, row in enumerate(present):  # row by row: ten times as fast as np.cumsum
            np.add(self._before[at], row, out=self._before[at + 1], dtype=narrow)

    def per_run(self, boxes: tuple[Box, ...]) -> np.ndarray:
        """Targets of each source within each run: (runs, sources)."""
        edges = np.array([box[0] for box in boxes]).reshape(-1, 2)
        if self._full:
            lengths = edges[:, 1:] - edges[:, :1]
            return np.broadcast_to(lengths, (len(boxes), self._sources))
        return (self._before[edges[:, 1]] - self._before[edges[:, 0]]).astype(np.int64)

    def totals(
        self, edges: NDArray[np.int64], each: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What the axons of all sources take, and how many there are, per run.

        Runs go from each of `edges` to the next; each[n] is what n targets of one source take.
        """
        lengths = np.diff(edges)
        if self._full:
            return self._sources * each[lengths], self._sources * (lengths > 0)
        words, axons = np.zeros_like(lengths), np.zeros_like(lengths)
        some = max(1, CELLS // max(1, self._sources))
        for at in range(0, len(lengths), some):
            own = slice(at, at + some)
            targets = np.diff(self._before[edges[at : at + some + 1]], axis=0)
            words[own] = each[targets].sum(axis=1)
            axons[own] = np.count_nonzero(targets, axis=1)
        return words, axons


def distinct(ids: np.ndarray, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many different `ids` stand in each run, from each of `edges` to the next.

    An id counts where the one before that equals it lies before the run.
    """
    order = np.argsort(ids, kind="stable")
    before = np.full(len(ids), -1)
    same = ids[order[1:]] == ids[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    own = before[edges[0] : edges[-1]]
    starts = np.repeat(edges[:-1], np.diff(edges))
    return np.add.reduceat((own < starts).astype(np.int64), edges[:-1] - edges[0])


def pixels(box: Box) -> int:
    """Map positions in a box, channels apart."""
    return prod(b - a for a, b in box[1:]) if len(box) > 1 else 1


def volume(box: Box) -> int:
    """Neurons in a box."""
    return prod(b - a for a, b in box)
