"""Which core of a mesh each slice takes: fewest packets x hops, with a bound beside it.

Every core of a site (a quad of PEs, a router's cores) is as near as any other of it. A
slice sends one packet per neuron and step to each distinct site that holds a reader
(SpiNNaker2's direct mode: a packet reaches any of the four PEs of one quad). A greedy
placement in the order of the network is improved by swaps of sites until none helps.

Hops are computed from coordinates, and only for sites that can matter: those of chips in use
and of one chip more. All chips are alike and as far from each other, so a site of a second
empty chip is never better than its twin on the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SWEEPS = 6  # passes over all swaps; the search has always stopped by itself before
LINK = 32  # hops that a packet to another chip counts: more than any way within one


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mesh:
    """Equal chips of sites. at: (site, 2), x and y on the chip; cores: of each site of chip 0.

    Site s of the system is site s mod `len(at)` of chip s // `len(at)`; core c of a chip is
    core chip * per_chip + c of the system.
    """

    at: NDArray[np.int64]
    cores: tuple[tuple[int, ...], ...]
    chips: int
    per_chip: int

    def hops(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        """Hops from sites `a` to sites `b`, which are broadcast against each other."""
        each = len(self.at)
        chip, other = a // each, b // each
        here, there = self.at[a - chip * each], self.at[b - other * each]
        return np.abs(here - there).sum(axis=-1) + LINK * (chip != other)

    def center(self) -> int:
        """The first of the sites that are nearest to all others: its number on any chip."""
        total = np.zeros(len(self.at), dtype=np.int64)
        for axis in self.at.T:
            values, of, many = np.unique(axis, return_inverse=True, return_counts=True)
            total += (np.abs(values[:, None] - values) @ many)[of]
        return int(np.argmin(total))

    def nearest(self, most: int) -> NDArray[np.int64]:
        """The k-th least distance from a site, itself included, the least over all: (k,) to `most`."""
        best = np.full(min(most, len(self.at) * self.chips), np.iinfo(np.int64).max)
        for here in self.at:
            own = np.sort(np.abs(self.at - here).sum(axis=1))
            # as many others as are asked for: each distance once for every other chip
            needed = own[: -(-most // (self.chips - 1))] if self.chips > 1 else own[:0]
            others = np.repeat(needed + LINK, min(self.chips - 1, most))
            found = np.sort(np.concatenate([own, others]))[: len(best)]
            best = np.minimum(best, found)
        return best


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """A core per slice; packets x hops a step, and a proven lower bound of it."""

    core: tuple[int, ...]
    cost: int
    bound: int


def arrange(sends: NDArray[np.int64], reads: NDArray[np.bool_], mesh: Mesh) -> Arrangement:
    """Cores for slices whose packets a step are `sends` (n,), `reads[i, j]`: j reads i.

    Raises ValueError where there are more slices than cores.
    """
    n = len(sends)
    room = sum(len(cores) for cores in mesh.cores) * mesh.chips
    if n > room:
        raise ValueError(f"{n} slices, {room} cores")
    search = _Search(sends, reads, mesh)
    search.grow()
    search.improve()
    each = len(mesh.cores)
    taken: dict[int, int] = {}
    cores: list[int] = []
    for site in search.site:
        at = taken.get(site, 0)
        taken[site] = at + 1
        cores.append(site // each * mesh.per_chip + mesh.cores[site % each][at])
    return Arrangement(
        core=tuple(cores),
        cost=sum(search.cost(i) for i in range(n)),
        bound=_bound(sends, reads, mesh),
    )


class _Search:
    """Sites of slices so far: `site`, -1 for none yet; `_used` (chip, site): slices at each."""

    def __init__(self, sends: NDArray[np.int64], reads: NDArray[np.bool_], mesh: Mesh) -> None:
        self._sends, self._reads, self._mesh = sends, reads, mesh
        n = len(sends)
        self.site = [-1] * n
        self._room = np.array([len(cores) for cores in mesh.cores])
        # n slices lie on at most n chips, and one chip more can matter
        self._used = np.zeros((min(mesh.chips, n + 1), len(self._room)), dtype=np.int64)
        self._at = [(chip, int(x), int(y)) for chip in range(len(self._used)) for x, y in mesh.at]
        self._packets = [int(k) for k in sends]
        self._targets = [[int(k) for k in np.flatnonzero(row)] for row in reads]
        self._sources = [[int(k) for k in np.flatnonzero(column)] for column in reads.T]

    def cost(self, i: int) -> int:
        """Packets x hops a step of what slice i sends."""
        site, at = self.site, self._at
        chip, x, y = at[site[i]]
        hops = 0
        for place in {site[k] for k in self._targets[i]}:
            there, to_x, to_y = at[place]
            hops += abs(to_x - x) + abs(to_y - y) + (LINK if there != chip else 0)
        return self._packets[i] * hops

    def _free(self) -> NDArray[np.int64]:
        """Sites with a free core on the chips in use, and on the first that is not, in order."""
        in_use = np.sum(self._used, axis=1) > 0
        if not in_use.all():
            in_use[np.argmin(in_use)] = True
        (chips,) = np.nonzero(in_use)
        row, column = np.nonzero(self._used[chips] < self._room)
        return chips[row] * len(self._room) + column

    def _take(self, i: int, place: int) -> None:
        """Slice i goes to site `place`, which has a free core."""
        used = self._used.reshape(-1)  # a view
        if self.site[i] >= 0:
            used[self.site[i]] -= 1
        used[place] += 1
        self.site[i] = place

    def grow(self) -> None:
        """Slices in order, each at the free site nearest to what it exchanges packets with."""
        center = np.array(self._mesh.center(), dtype=np.int64)
        weight = self._reads * self._sends[:, None]
        weight = weight + weight.T
        for i in range(len(self.site)):
            free = self._free()
            (near,) = np.nonzero(weight[i, :i])
            far = start = self._mesh.hops(free, center)
            if near.size:
                to = np.array([self.site[k] for k in near])
                far = self._mesh.hops(free[:, None], to) @ weight[i, near]
            self._take(i, int(free[np.argmin(far * 1000 + start)]))

    def improve(self) -> None:
        """Swaps of two slices, and moves to a free core, as long as one lowers the cost."""
        site = self.site
        for _ in range(SWEEPS):
            better = False
            for i in range(len(site)):
                here = list(dict.fromkeys((i, *self._sources[i])))  # i may read itself
                for j in range(i + 1, len(site)):
                    if site[i] == site[j]:
                        continue
                    touched = list(dict.fromkeys((*here, j, *self._sources[j])))
                    before = sum(self.cost(k) for k in touched)
                    site[i], site[j] = site[j], site[i]
                    if sum(self.cost(k) for k in touched) < before:
                        better = True
                    else:
                        site[i], site[j] = site[j], site[i]
                old = start = site[i]
                for place in self._free().tolist():
                    if place == old:
                        continue
                    before = sum(self.cost(k) for k in here)
                    site[i] = place
                    if sum(self.cost(k) for k in here) < before:
                        better, old = True, place
                    else:
                        site[i] = old
                if old != start:
                    site[i] = start
                    self._take(i, old)
            if not better:
                break


def _bound(sends: NDArray[np.int64], reads: NDArray[np.bool_], mesh: Mesh) -> int:
    """A slice with t readers reaches at least ceil(t / room) sites, its own at best for free.

    The k nearest sites cost at least the k least distances found anywhere on the mesh.
    """
    most = max(len(cores) for cores in mesh.cores)
    others = reads.sum(axis=1) - np.diagonal(reads)
    away = others - np.minimum(others, most - 1)
    sites = 1 + -(-away // most)
    summed = np.cumsum(mesh.nearest(int(sites.max(initial=1))))
    return int((sends * summed[np.minimum(sites, len(summed)) - 1]).sum())
