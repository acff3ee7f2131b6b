"""Which core of a mesh each slice takes: fewest packets x hops, with a bound beside it.

Every core of a site (a quad of PEs, a router's cores) is as near as any other of it. A
slice sends one packet per neuron and step to each distinct site that holds a reader
(SpiNNaker2's direct mode: a packet reaches any of the four PEs of one quad). A greedy
placement in the order of the network is improved by swaps of sites until none helps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SWEEPS = 6  # passes over all swaps; the search has always stopped by itself before


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mesh:
    """Sites in a fixed order: hops between them (sites, sites) and cores of each."""

    hops: NDArray[np.int64]
    cores: tuple[tuple[int, ...], ...]


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
    room = np.array([len(cores) for cores in mesh.cores])
    if n > room.sum():
        raise ValueError(f"{n} slices, {room.sum()} cores")
    center = np.argsort(mesh.hops.sum(axis=1), kind="stable")
    site = _grow(sends, reads, mesh, room, int(center[0]))
    site = _improve(site, sends, reads, mesh, room)
    taken = [list(cores) for cores in mesh.cores]
    return Arrangement(
        core=tuple(taken[s].pop(0) for s in site),
        cost=_cost(site, sends, reads, mesh),
        bound=_bound(sends, reads, mesh),
    )


def _cost(
    site: NDArray[np.int64], sends: NDArray[np.int64], reads: NDArray[np.bool_], mesh: Mesh
) -> int:
    return int(sum(_one(i, site, sends, reads, mesh) for i in range(len(site))))


def _one(
    i: int,
    site: NDArray[np.int64],
    sends: NDArray[np.int64],
    reads: NDArray[np.bool_],
    mesh: Mesh,
) -> int:
    targets = np.unique(site[reads[i]])
    return int(sends[i] * mesh.hops[site[i], targets].sum())


def _grow(
    sends: NDArray[np.int64],
    reads: NDArray[np.bool_],
    mesh: Mesh,
    room: NDArray[np.int64],
    start: int,
) -> NDArray[np.int64]:
    """Slices in order, each at the free site nearest to what it exchanges packets with."""
    n = len(sends)
    free = room.copy()
    site = np.full(n, -1, dtype=np.int64)
    weight = reads * sends[:, None] + (reads * sends[:, None]).T
    for i in range(n):
        done = np.flatnonzero(site[:i] >= 0)
        pull = weight[i, done]
        far = mesh.hops[:, site[done]] @ pull if pull.any() else mesh.hops[:, start]
        far = np.where(free > 0, far * 1000 + mesh.hops[:, start], np.iinfo(np.int64).max)
        site[i] = int(np.argmin(far))
        free[site[i]] -= 1
    return site


def _improve(
    site: NDArray[np.int64],
    sends: NDArray[np.int64],
    reads: NDArray[np.bool_],
    mesh: Mesh,
    room: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Swaps of two slices, and moves to a free core, as long as one lowers the cost."""
    n = len(site)
    sources = [[int(k) for k in np.flatnonzero(reads[:, i])] for i in range(n)]
    for _ in range(SWEEPS):
        better = False
        for i in range(n):
            here = [i, *sources[i]]
            for j in range(i + 1, n):
                if site[i] == site[j]:
                    continue
                touched = list(dict.fromkeys((*here, j, *sources[j])))
                before = sum(_one(k, site, sends, reads, mesh) for k in touched)
                site[i], site[j] = site[j], site[i]
                if sum(_one(k, site, sends, reads, mesh) for k in touched) < before:
                    better = True
                else:
                    site[i], site[j] = site[j], site[i]
            used = np.bincount(site, minlength=len(room))
            for place in np.flatnonzero(used < room):
                old = site[i]
                if place == old:
                    continue
                before = sum(_one(k, site, sends, reads, mesh) for k in here)
                site[i] = place
                if sum(_one(k, site, sends, reads, mesh) for k in here) < before:
                    better = True
                else:
                    site[i] = old
        if not better:
            break
    return site


def _bound(sends: NDArray[np.int64], reads: NDArray[np.bool_], mesh: Mesh) -> int:
    """A slice with t readers reaches at least ceil(t / room) sites, its own at best for free.

    The k nearest sites cost at least the k least distances found anywhere on the mesh.
    """
    most = max(len(cores) for cores in mesh.cores)
    nearest = np.sort(mesh.hops, axis=1).min(axis=0)
    total = 0
    for i in range(len(sends)):
        others = int(reads[i].sum()) - int(reads[i, i])
        at_home = min(others, most - 1)
        sites = 1 + -(-(others - at_home) // most) if others > at_home else 1
        total += int(sends[i] * nearest[:sites].sum())
    return total
