"""ODIN's part of the checker: arithmetic of its own, from the bundle's arrays and the profile."""

from __future__ import annotations

from math import prod

import numpy as np

from mapper.verify.case import Case, matrix, scale_findings
from mapper.verify.families import Checker
from mapper.verify.grounds import Ground
from mapper.verify.placement import Layout
from mapper.verify.report import shown
from mapper.verify.stored import plain_weights
from mapper.verify.sums import Line


def check(case: Case) -> None:
    """Addresses, thresholds, magnitudes, and one sign a source over all that it reaches."""
    d, manifest = case.device, case.manifest
    asked = sum(prod(port.shape) for port in manifest.inputs)
    asked += sum(p.size for p in manifest.populations.values())
    if asked > d.of_core(0, "addresses"):
        case.book.find(
            "addresses",
            f"the network takes {asked} addresses; there are {d.of_core(0, 'addresses')}",
        )
    signs: dict[str, set[tuple[int, int]]] = {}
    for population in manifest.populations.values():
        if population.kind != "IF" or population.device_model != "LIF":
            case.book.find("neuron-model", f"{shown(population.name)} is no IF as ODIN's LIF")
        if population.reset != "zero":
            case.book.find("reset", f"{shown(population.name)} is not reset to 0, as ODIN does")
        if population.bias != "none":
            case.book.find("bias", f"{shown(population.name)} has a constant input")
        low, high = d.limit("threshold_min"), d.limit("threshold_max")
        params = case.of_population(population)
        threshold = params.ints("threshold", (population.size,), low, high, "threshold-range")
        scale_findings(case, population, threshold, 1.0)
        for piece in case.parts[population.name]:
            case.charge(piece, "addresses", "addresses", "addresses", population.size, "addresses")
        most = d.limit("weight_max")
        for projection in case.into[population.name]:
            weights = matrix(case, projection, "weight", -most, most)
            if weights is None:
                continue
            if projection.delay != 0:
                case.book.find("delay-range", f"{shown(projection.id)} delays; ODIN takes 0 steps")
            found = signs.setdefault(projection.source, set())
            found |= {(int(i), 1) for i in np.flatnonzero(np.any(weights > 0, axis=0))}
            found |= {(int(i), -1) for i in np.flatnonzero(np.any(weights < 0, axis=0))}
    for name, found in signs.items():
        mixed = {i for i, sign in found if sign > 0} & {i for i, sign in found if sign < 0}
        if mixed:
            case.book.find(
                "sign", f"{len(mixed)} neurons of {shown(name)} have weights of both signs"
            )


ODIN = Checker(
    check=check,
    layout=Layout(helpers=(), placement="binding", pools=False, copies=False),
    weights=plain_weights,
)


def addresses(ground: Ground, line: Line) -> str:
    """A certificate's row: the network's neurons and channels against the crossbar."""
    have = ground.device.of_core(0, "addresses")
    asked = 0.0 if line.over is None else line.over[1]
    return "" if not line.terms and asked > have else f"asks {asked:g} of {have} addresses"


def sign(ground: Ground, line: Line) -> str:
    """Two populations that want one source with unlike signs; that they do is stated."""
    two = len(line.terms) == 2 and {c for c, _ in line.terms} == {1} and line.high == 1
    ways = [ground.way(decision) for _, decision in ground.terms(line)]
    if two and all(ways) and ground.device.switch("sign_per_source"):
        return ""
    return "is not that two populations share a source"
