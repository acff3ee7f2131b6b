"""Steps by which each population lags behind the ideal, and the delays that balance paths.

A covering is exact up to latency iff integers l exist with
    chip_delay(u -> v) + extra(u -> v) = ideal_delay(u -> v) + l(v) - l(u)
on every edge (DESIGN 3.1). Graph inputs have l = 0. `extra` is what the chip adds per
projection; the least l is a longest path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np

from mapper.network import Network, Projection


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
    """The least lags, given the chip's delay per connection and the most it can add."""
    inputs = {name for name, _ in network.inputs}
    constraints = nx.DiGraph()
    constraints.add_nodes_from(inputs)
    constraints.add_nodes_from(p.name for p in network.populations)
    for projection in network.projections:
        u, v = projection.source, projection.target
        step = _chip(projection, inputs, from_input, hop) - projection.ideal_delay
        old = constraints.get_edge_data(u, v)
        constraints.add_edge(u, v, step=max(step, old["step"]) if old else step)
    lag: dict[str, int] = {name: 0 for name in constraints}
    for _ in range(len(lag) + 1):
        moved = False
        for u, v, step in constraints.edges(data="step"):
            if lag[u] + step > lag[v]:
                lag[v] = lag[u] + step
                moved = True
        if not moved:
            break
    else:
        looped = next(p for p in network.projections if p.ideal_delay)
        return Balance(lag=lag, extra={}, conflict=looped, missing=1)
    if any(lag[name] for name in inputs):
        fed = next(p for p in network.projections if p.target in inputs or lag[p.source])
        return Balance(lag=lag, extra={}, conflict=fed, missing=1)
    extra: dict[str, int] = {}
    for projection in network.projections:
        u, v = projection.source, projection.target
        slack = (
            lag[v] - lag[u] + projection.ideal_delay - _chip(projection, inputs, from_input, hop)
        )
        own = 0 if projection.delay is None else int(np.max(projection.delay))
        if slack + own > most:
            return Balance(lag=lag, extra=extra, conflict=projection, missing=slack + own - most)
        extra[projection.id] = slack
    return Balance(lag=lag, extra=extra)


def _chip(projection: Projection, inputs: set[str], from_input: int, hop: int) -> int:
    return from_input if projection.source in inputs else hop
