"""Steps by which each population lags behind the ideal, and the delays that balance paths.

A covering is exact up to latency iff integers l exist with
    chip_delay(u -> v) + extra(u -> v) = ideal_delay(u -> v) + l(v) - l(u)
on every edge (docs/architecture.md). Graph inputs have l = 0. `extra` is what the chip adds per
projection; the least l is a longest path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mapper.problem.network import Network, Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Lag of each population in steps, extra delay of each projection, or what fails.

    `conflict` is a projection that cannot be balanced and `missing` the steps it lacks.
    """

    lag: Mapping[str, int]
    extra: Mapping[str, int]
    conflict: Projection | None = None
    missing: int = 0


def balance(network: Network, *, from_input: int, hop: int, most: int) -> Balance:
    """The least lags, given the chip's delay per connection and the most it can add.

    With step = chip delay - ideal delay, every edge asks step <= l(v) - l(u) <= step + most
    (less what it delays itself). The least l that keeps both sides is a fixed point; a wait
    too long for one edge is so shared among the edges before it, and a population that
    nothing feeds is as late as its readers need.
    """
    inputs = {name for name, _ in network.inputs}
    steps: dict[str, int] = {}
    spare: dict[str, int] = {}
    for projection in network.projections:
        steps[projection.id] = _chip(projection, inputs, from_input, hop) - projection.ideal_delay
        own = 0 if projection.delay is None else int(np.max(projection.delay))
        spare[projection.id] = most - own
        if own > most:
            return Balance(lag={}, extra={}, conflict=projection, missing=own - most)
    lag = dict.fromkeys((*inputs, *(p.name for p in network.populations)), 0)
    last: Projection | None = None
    for _ in range(2 * len(lag) + 2):
        moved = None
        for projection in network.projections:
            u, v, step = projection.source, projection.target, steps[projection.id]
            if lag[u] + step > lag[v]:
                lag[v], moved = lag[u] + step, projection
            low = lag[v] - step - spare[projection.id]
            if low > lag[u]:
                lag[u], moved = low, projection
                if u in inputs:
                    return Balance(lag=lag, extra={}, conflict=projection, missing=low)
        if moved is None:
            break
        last = moved
    else:
        assert last is not None
        return Balance(lag=lag, extra={}, conflict=last, missing=1)
    extra = {p.id: lag[p.target] - lag[p.source] - steps[p.id] for p in network.projections}
    return Balance(lag=lag, extra=extra)


def _chip(projection: Projection, inputs: set[str], from_input: int, hop: int) -> int:
    return from_input if projection.source in inputs else hop
