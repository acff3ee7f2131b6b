"""Slices on a mesh: as if every site were looked at, at a cost that does not grow with the sites."""

from __future__ import annotations

import tracemalloc
from typing import Any

import nir
import numpy as np
import pytest
from numpy.typing import NDArray

from mapper import api
from mapper.solving.arrange import mesh_of
from mapper.solving.solve.mesh import LINK, SWEEPS, Mesh, arrange
from tests.compare.networks import cuba, line, weights

Ints = NDArray[np.int64]


def mesh(wide: int, high: int, each: int, per_chip: int, chips: int) -> Mesh:
    """A grid of sites of `each` cores; the last ones are cut to `per_chip`."""
    where = [(x, y) for x in range(wide) for y in range(high)]
    cores = tuple(tuple(range(i * each, min((i + 1) * each, per_chip))) for i in range(len(where)))
    return Mesh(at=np.array(where, dtype=np.int64), cores=cores, chips=chips, per_chip=per_chip)


def at_every_site(sends: Ints, reads: Ints, mesh: Mesh) -> tuple[list[int], int]:
    """(site of each slice, packets x hops), by the same search over a matrix of all sites."""
    where = [(chip, x, y) for chip in range(mesh.chips) for x, y in mesh.at.tolist()]
    hops = np.array(
        [[abs(x - v) + abs(y - w) + LINK * (c != d) for d, v, w in where] for c, x, y in where]
    )
    room = [len(cores) for cores in mesh.cores] * mesh.chips
    start = hops[:, np.argmin(hops.sum(axis=1))]
    n = len(sends)

    def cost(site: list[int]) -> int:
        return sum(
            int(sends[i]) * int(hops[site[i], s])
            for i in range(n)
            for s in {site[j] for j in range(n) if reads[i, j]}
        )

    def free(site: list[int]) -> list[int]:
        return [s for s in range(len(room)) if site.count(s) < room[s]]

    site: list[int] = []
    for i in range(n):
        pulls = [int(reads[i, j] * sends[i] + reads[j, i] * sends[j]) for j in range(i)]
        far = {
            s: sum(p * int(hops[s, t]) for p, t in zip(pulls, site, strict=True))
            for s in free(site)
        }
        if not any(pulls):
            far = {s: int(start[s]) for s in far}
        site.append(min(far, key=lambda s: (far[s] * 1000 + int(start[s]), s)))
    for _ in range(SWEEPS):
        before = list(site)
        for i in range(n):
            for j in range(i + 1, n):
                other = list(site)
                other[i], other[j] = site[j], site[i]
                if cost(other) < cost(site):
                    site = other
            for place in free(site):
                other = list(site)
                other[i] = place
                if cost(other) < cost(site):
                    site = other
        if site == before:
            break
    return site, cost(site)


def traffic(rng: np.random.Generator, n: int) -> tuple[Ints, Any]:
    """Packets and readers of n slices, their own among them."""
    return rng.integers(1, 50, n), rng.random((n, n)) < rng.choice([0.1, 0.3, 0.6])


@pytest.mark.parametrize("seed", range(20))
def test_as_good_as_looking_at_every_site(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wide, high, each, chips = (int(k) for k in rng.integers(1, 4, 4))
    per_chip = wide * high * each - int(rng.integers(0, each))
    system = mesh(wide, high, each, per_chip, chips)
    sends, reads = traffic(rng, min(7, per_chip * chips))
    found = arrange(sends, reads, system)
    site, cost = at_every_site(sends, reads, system)
    owner = {core: s for s, cores in enumerate(system.cores) for core in cores}
    seats = [core // per_chip * wide * high + owner[core % per_chip] for core in found.core]
    assert (seats, found.cost) == (site, cost)
    assert len(set(found.core)) == len(sends)
    assert found.bound <= found.cost


@pytest.mark.parametrize("chips", [1, 2, 3])
def test_the_bound_knows_the_nearest_sites(chips: int) -> None:
    system = mesh(3, 2, 1, 6, chips)
    where = [(chip, x, y) for chip in range(chips) for x, y in system.at.tolist()]
    rows = [
        sorted(abs(x - v) + abs(y - w) + LINK * (c != d) for d, v, w in where) for c, x, y in where
    ]
    least = [min(row[k] for row in rows) for k in range(len(where))]
    for most in (1, 4, 7, len(where), len(where) + 5):
        assert system.nearest(most).tolist() == least[:most]


@pytest.mark.parametrize("device", ["loihi2", "spinnaker2"])
def test_chips_that_nothing_needs_cost_nothing(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many distances, and the same cores, on 1,152 chips as on 12, of which few are used."""
    really, distances = Mesh.hops, [0]

    def hops(self: Mesh, a: Ints, b: Ints) -> Ints:
        found = really(self, a, b)
        distances[0] += found.size
        return found

    monkeypatch.setattr(Mesh, "hops", hops)
    (profile,) = api.devices(device)
    sends, reads = traffic(np.random.default_rng(3), 10)
    seen: list[tuple[int, tuple[int, ...], int]] = []
    peaks: list[int] = []
    for chips in (12, 1152):
        system = mesh_of(profile, chips)
        assert system is not None
        distances[0] = 0
        tracemalloc.start()
        found = arrange(sends, reads, system)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        seen.append((distances[0], found.core, found.cost))
    assert seen[0] == seen[1] and seen[0][0] > 0
    assert peaks[1] < 2 * peaks[0], peaks


@pytest.mark.parametrize(("device", "largest"), [("loihi2", 1152), ("spinnaker2", 48)])
def test_a_network_maps_onto_the_largest_system(device: str, largest: int) -> None:
    network = line(nir.Linear(weights(6, 5, 1)), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
    asked = {"semantics": "snntorch", "file_dt": 1e-3, "reset": "subtract"}
    few, many = (api.check(network, device, chips=chips, **asked) for chips in (8, largest))
    assert few.fits and many.fits and many.checked is not None and many.checked.ok
    assert few.bundle is not None and many.bundle is not None
    seats = [
        [
            (row["population"], row["box"], row["chip"], row["core"])
            for row in made.manifest["slices"]
        ]
        for made in (few.bundle, many.bundle)
    ]
    assert seats[0] == seats[1]
