"""Latencies, found by trying them: a whole number of steps for every population.

    chip delay + extra = ideal delay + l(target) - l(source),   0 <= extra,  extra + own <= most

on every projection, l = 0 for graph inputs (docs/architecture.md). `own` is the longest delay of the
model itself on that projection.
"""

# python-constraint has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from constraint import FunctionConstraint, Problem

from mapper.problem.network import Network, Projection


def own_delay(projection: Projection) -> int:
    """Most steps that the model itself delays on this projection."""
    return 0 if projection.delay is None else int(np.max(projection.delay))


def lags(
    network: Network, *, from_input: int, hop: int, most: int
) -> Iterator[tuple[Mapping[str, int], Mapping[str, int]]]:
    """Every choice: (lag of each population, extra delay of each projection).

    Lags up to the number of populations times the slowest step are tried: differences have a
    least solution, and no chain of them that matters is longer.
    """
    inputs = {name for name, _ in network.inputs}
    problem = Problem()
    high = len(network.populations) * max(from_input, hop, 1)
    for population in network.populations:
        problem.addVariable(population.name, range(high + 1))
    for projection in network.projections:
        chip = from_input if projection.source in inputs else hop
        need = chip - projection.ideal_delay
        room = most - own_delay(projection)
        if projection.source in inputs:
            problem.addConstraint(_from_input(need, room), [projection.target])
        elif projection.source == projection.target:
            if not -room <= need <= 0:
                return
        else:
            problem.addConstraint(_between(need, room), [projection.source, projection.target])
    for found in problem.getSolutionIter():
        lag = {**found, **dict.fromkeys(inputs, 0)}
        extra = {
            p.id: lag[p.target]
            - lag[p.source]
            + p.ideal_delay
            - (from_input if p.source in inputs else hop)
            for p in network.projections
        }
        yield found, extra


def _from_input(need: int, room: int) -> FunctionConstraint:
    def holds(target: int) -> bool:
        return 0 <= target - need <= room

    return FunctionConstraint(holds)


def _between(need: int, room: int) -> FunctionConstraint:
    def holds(source: int, target: int) -> bool:
        return 0 <= target - source - need <= room

    return FunctionConstraint(holds)
