"""Speck by trying: every split, every copy, every kernel, every core for every part.

Written from the fact sheet of the family, sections 1 and 2: a core takes, with lg = ceil(log2),

    inputs 2^(lg(k k) + lg(f)) kernel words, f 2^(lg(h) + lg(w)) neuron words, f biases

for f channels of an h x w map before pooling. Channels may be split in equal parts (the last
one padded), a part or copy takes a core, a core sends to two others; a relay core, a 1x1
identity on the forwarded map, takes one destination and gives two. What a population is sent
adds up in one kernel: square, padded alike on both sides, of one stride an axis.
"""

# python-constraint has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from math import ceil, gcd, prod

import numpy as np
from constraint import AllDifferentConstraint, Problem

from device_profiles.profile import CoreClass, Profile
from mapper.oracle.answer import Answer, Feasible, Infeasible
from mapper.oracle.lags import own_delay
from mapper.oracle.neurons import Became, becomes
from mapper.oracle.windows import Axis, as_map, axes, holds
from mapper.problem.network import Network, Population, Projection
from mapper.problem.settings import Settings
from nir_io.graph import IF, Array, Neuron, Scale
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.target import Target

COPIES = 3  # more copies of one part never helped on nine cores


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Way:
    """One population: pooling of each projection, kernel side, parts, their width, copies."""

    became: Became
    bias: str
    pools: Mapping[str, int]
    kernel: int
    inputs: int
    parts: int
    width: int
    copies: int

    @property
    def cores(self) -> int:
        """Cores that its parts take, copies included."""
        return self.parts * self.copies

    def __str__(self) -> str:
        rules = " ".join(self.became.rules)
        return (
            f"{self.parts} parts of {self.width} channels, {self.copies} copies, "
            f"kernel {self.kernel}, bias {self.bias}" + (f" by {rules}" if rules else "")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one core must hold."""

    kernel: int
    neuron: int
    bias: int


def target(profile: Profile, semantics: Semantics) -> Target:
    """What the rules may know: IF, either reset, poolings of the list."""
    return Target(
        family=profile.name,
        semantics=semantics,
        neurons=frozenset({"IF"}),
        projections=frozenset({"Conv2d"}),
        resets=frozenset({"zero", "subtract"}),
        pool_sizes=tuple(int(v) for v in profile.lists["pools"].values),
    )


def decide(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> Answer:
    """Whether the network fits; the least error, then the fewest cores."""
    offers = _offers(network, profile, semantics, settings)
    empty = [name for name, found in offers.items() if not found]
    if empty:
        return Infeasible(because=f"no kernel, form or core for {', '.join(empty)}")
    searched = 0
    for (score, cores), chosen in _by_cost(network, offers, profile, settings):
        searched += 1
        if _on_cores(network, chosen, profile):
            return Feasible(
                objectives=(("error", score), ("cores", cores)),
                example={name: str(way) for name, way in chosen.items()},
                searched=searched,
            )
    return Infeasible(because="cores or memory run out in every combination", searched=searched)


def combined(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> int:
    """Ways of all populations together, each looked at alone."""
    return prod(len(found) for found in _offers(network, profile, semantics, settings).values())


def _offers(
    network: Network, profile: Profile, semantics: Semantics, settings: Settings
) -> dict[str, list[Way]]:
    """The ways of each population that leave a core for every other one."""
    room = sum(len(core.ids) for core in profile.cores) - len(network.populations) + 1
    return {
        p.name: [w for w in ways(network, p, profile, semantics, settings) if w.cores <= room]
        for p in network.populations
    }


def ways(
    network: Network,
    population: Population,
    profile: Profile,
    semantics: Semantics,
    settings: Settings,
) -> Iterator[Way]:
    """Everything that the population could be, looked at alone."""

    def accept(node: Neuron, reset: Reset, dynamics: Dynamics) -> bool:
        if not isinstance(node, IF):
            return False
        reset_to = dynamics.v_reset if reset == "zero" else np.zeros(node.shape_out)
        shifted = reset == "subtract" and bool(np.any(dynamics.v_reset != 0.0))
        return not shifted and _same_in_channel(dynamics.gain / (dynamics.threshold - reset_to))

    if any(own_delay(p) or p.ideal_delay for p in population.projections):
        return
    if population.bias is not None and not (
        _same_in_channel(population.bias) and _ticks(profile, semantics)
    ):
        return
    channels, high, wide = as_map(population.shape)
    features = int(profile.limit("features").value)
    if max(high, wide) > profile.limit("map_out_max").value or not population.projections:
        return
    biases = population.bias is not None
    cores = sum(len(core.ids) for core in profile.cores)
    copies = range(1, 1 + (COPIES if network.readers(population.name) else 1))
    kernels = list(_kernels(population, profile))
    for became in becomes(population.node, target(profile, semantics), settings, accept):
        for pools, kernel in kernels:
            sources = {(p.source, pools[p.id]): p for p in population.projections}
            inputs = sum(as_map(p.source_shape)[0] for p in sources.values())
            if inputs > features:
                continue
            for parts in range(1, min(channels, cores) + 1):
                width = ceil(channels / parts)
                if ceil(channels / width) != parts or width > features:
                    continue
                for copy in copies:
                    if parts * copy <= cores:
                        yield Way(
                            became=became,
                            bias="neuron" if biases else "none",
                            pools=pools,
                            kernel=kernel,
                            inputs=inputs,
                            parts=parts,
                            width=width,
                            copies=copy,
                        )


def _ticks(profile: Profile, semantics: Semantics) -> bool:
    """Whether the slow clock, whose ticks add the biases, can tick once a step."""
    if semantics.chip_dt is None:
        return True
    low, high = (float(profile.limit(k).value) for k in ("slow_clock_min", "slow_clock_max"))
    return low <= round(1.0 / semantics.chip_dt, 6) <= high


def _same_in_channel(values: Array) -> bool:
    flat = values.reshape(values.shape[0], -1)
    return bool(np.all(flat == flat[:, :1]))


def _kernels(population: Population, profile: Profile) -> Iterator[tuple[dict[str, int], int]]:
    """(pooling on the chip of each projection, kernel side): the least side for each pooling."""
    legal = [int(v) for v in profile.lists["pools"].values]
    for pools in product(legal, repeat=len(population.projections)):
        pairs = [axes(p, pool) for p, pool in zip(population.projections, pools, strict=True)]
        if any(pair is None for pair in pairs):
            continue
        if not all(_shareable(p) for p in population.projections):
            continue
        rows, columns = ([pair[axis] for pair in pairs if pair is not None] for axis in (0, 1))
        if any(a.length > profile.limit("input_map_max").value for a in (*rows, *columns)):
            continue
        sides = _sides(rows, profile) & _sides(columns, profile)
        if sides:
            named = dict(zip((p.id for p in population.projections), pools, strict=True))
            yield named, min(sides)


def _shareable(projection: Projection) -> bool:
    """Whether one kernel can serve the whole map: a Scale must not vary within a channel."""
    if isinstance(projection.weight, Scale):
        return _same_in_channel(np.asarray(projection.weight.scale))
    return True


def _sides(rows: list[Axis], profile: Profile) -> set[int]:
    """Kernel sides with which one axis of all projections together can be done."""
    if len({(axis.length, axis.count) for axis in rows}) > 1:
        return set()
    strides = [int(v) for v in profile.lists["strides"].values]
    paddings = range(int(profile.limit("padding_max").value) + 1)
    kernels = range(1, int(profile.limit("kernel_max").value) + 1)
    return {
        kernel
        for kernel, padding, stride in product(kernels, paddings, strides)
        if all(holds(axis, kernel, padding, stride) for axis in rows)
    }


def _by_cost(
    network: Network, offers: Mapping[str, list[Way]], profile: Profile, settings: Settings
) -> Iterator[tuple[tuple[int, int], dict[str, Way]]]:
    """Combinations within the number of cores, relays included, the cheapest first."""
    cores = sum(len(core.ids) for core in profile.cores)
    problem = Problem()
    for name, found in offers.items():
        problem.addVariable(name, found)
    combined: list[tuple[tuple[int, int], dict[str, Way]]] = []
    ports = int(profile.limit("destinations").value)

    def room(a: Way, b: Way) -> bool:
        return a.cores + b.cores + len(offers) - 2 <= cores

    for pair in pairwise(offers):
        problem.addConstraint(room, list(pair))
    for chosen in problem.getSolutionIter():
        total = sum(way.cores for way in chosen.values())
        if total > cores:
            continue
        relays = sum(len(_relays(network, p, chosen, ports)) for p in network.populations)
        sensor = sum(len(_wanted(network, name, chosen)) for name, _ in network.inputs)
        if settings.entry == "dvs" and sensor > profile.limit("dvs_destinations").value:
            continue
        if total + relays <= cores:
            score = sum(way.became.score for way in chosen.values())
            combined.append(((score, total + relays), chosen))
    yield from sorted(combined, key=lambda pair: pair[0])


def _wanted(network: Network, source: str, chosen: Mapping[str, Way]) -> list[int]:
    """Pooling of every destination that the readers of a population or input ask for."""
    asked = {(p.target, chosen[p.target].pools[p.id]) for p in network.readers(source)}
    return sorted(pool for name, pool in sorted(asked) for _ in range(chosen[name].cores))


def _relays(
    network: Network, population: Population, chosen: Mapping[str, Way], ports: int
) -> list[int]:
    """Pooling at the entry of every relay of a population.

    A copy reaches `ports` cores, a relay one more. Relays in a row: the last one serves the
    two destinations that pool most, the one before it one more, and so on.
    """
    wanted = sorted(_wanted(network, population.name, chosen), reverse=True)
    missing = len(wanted) - ports * chosen[population.name].copies
    found: list[int] = []
    for behind in range(ports, ports + max(missing, 0)):
        found.append(gcd(*wanted[:behind]))
    return found


def _lg(n: int) -> int:
    return ceil(np.log2(n)) if n > 1 else 0


def _words(inputs: int, kernel: int, channels: int, high: int, wide: int) -> Need:
    return Need(
        kernel=inputs * 2 ** (_lg(kernel * kernel) + _lg(channels)),
        neuron=channels * 2 ** (_lg(high) + _lg(wide)),
        bias=0,
    )


def _on_cores(network: Network, chosen: Mapping[str, Way], profile: Profile) -> bool:
    """Whether every part, copy and relay finds a core of its own."""
    ports = int(profile.limit("destinations").value)
    needs: list[Need] = []
    for population in network.populations:
        way = chosen[population.name]
        channels, high, wide = as_map(population.shape)
        need = _words(way.inputs, way.kernel, way.width, high, wide)
        if way.bias != "none":
            need = Need(kernel=need.kernel, neuron=need.neuron, bias=way.width)
        needs += [need] * way.cores
        for pool in _relays(network, population, chosen, ports):
            if channels > profile.limit("features").value:
                return False
            needs.append(_words(channels, 1, channels, high // pool, wide // pool))
    problem = Problem()
    for i, need in enumerate(sorted(needs, key=lambda n: (-n.kernel, -n.neuron))):
        able = [core for group in profile.cores if _room(group, need) for core in group.ids]
        if not able:
            return False
        problem.addVariable(i, able)
    problem.addConstraint(AllDifferentConstraint())
    return problem.getSolution() is not None


def _room(core: CoreClass, need: Need) -> bool:
    return (
        need.kernel <= core.limits["kernel_memory"].value
        and need.neuron <= core.limits["neuron_memory"].value
        and need.bias <= core.limits["bias_memory"].value
    )
