"""Limits of Speck beyond memory: geometry of convolutions, destinations, cores.

None of the geometry limits is checked by sinabs 3.1.3, which passes such layers on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from device_profiles.profile import Number, Profile, Values
from mapper.problem.network import Network, Population, Projection
from mapper.problem.settings import Settings
from mapper.solving.claims.common import slot
from mapper.solving.claims.ledger import (
    Bound,
    Choose,
    Claim,
    Count,
    Decision,
    claim_of,
    never,
    whatever,
)
from mapper.solving.offer.plans import Options, Plan
from nir_io.graph import Conv2d
from nir_io.semantics import Semantics


def geometry(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """Kernel, stride, padding, map and pooling of every convolution, per population."""
    for population in network.populations:
        plans = options.plans[population.name]
        if not plans:
            continue
        yield from _numbers(population, plans, profile)
        yield from _lists(population, plans, profile)
        yield from _wiring(network, population, plans, profile)


def _convs(plan: Plan) -> list[Conv2d]:
    return [p.weight for p in plan.form.projections if isinstance(p.weight, Conv2d)]


def _numbers(population: Population, plans: tuple[Plan, ...], profile: Profile) -> Iterator[Claim]:
    def output_map(_: Plan) -> int:
        return max((*population.shape, 1, 1)[1:3])

    def kernel(plan: Plan) -> int:
        return max((max(c.weight.shape[2:]) for c in _convs(plan)), default=1)

    def padding(plan: Plan) -> int:
        return max((max(c.padding) for c in _convs(plan)), default=0)

    def input_map(plan: Plan) -> int:
        return max((max(c.shape_in[-2:]) for c in _convs(plan)), default=1)

    rows = (
        (
            "output-map",
            "map_out_max",
            output_map,
            "{name} is a map of {demanded} pixels a side before pooling; Speck takes {available}",
        ),
        (
            "kernel-size",
            "kernel_max",
            kernel,
            "{name} needs a kernel of {demanded} pixels a side; Speck takes {available}",
        ),
        (
            "padding",
            "padding_max",
            padding,
            "{name} pads by {demanded}; Speck pads by at most {available}",
        ),
        (
            "input-map",
            "input_map_max",
            input_map,
            "{name} reads a map of {demanded} pixels a side; Speck takes {available}",
        ),
    )
    for kind, limit, measure, template in rows:
        number = profile.limit(limit)
        bad = [plan for plan in plans if measure(plan) > number.value]
        if bad:
            yield claim_of(
                number,
                kind=kind,
                limit=limit,
                subject=(population.name,),
                template=template,
                demanded=min(measure(plan) for plan in bad),
                bounds=tuple(
                    bound
                    for plan in bad
                    for bound in never(
                        Choose(population.name, plan.id), over=(limit, measure(plan))
                    )
                ),
                fixes=("smaller " + kind.replace("-", " "),),
                name=f"'{population.name}'",
            )


@dataclass(frozen=True, slots=True)
class _Listed:
    """A kind of limit that is a list of values. measure: what a way has, beyond one pixel."""

    kind: str
    named: str  # the list, in a certificate's rows
    legal: Values
    measure: Callable[[Population, Plan], set[int]]
    template: str


def _strides(population: Population, plan: Plan) -> set[int]:
    one = (*population.shape, 1, 1)[1:3]
    return {s for c in _convs(plan) for s, n in zip(c.stride, one, strict=False) if n > 1}


def _pools(_: Population, plan: Plan) -> set[int]:
    return {n for p in plan.form.projections for n in (p.pool or (1, 1))}


def _oblong(_: Population, plan: Plan) -> set[int]:
    sides = [c.weight.shape[2:] for c in _convs(plan)]
    sides += [p.pool or (1, 1) for p in plan.form.projections]
    return {abs(y - x) for y, x in sides}


def _lopsided(_: Population, plan: Plan) -> set[int]:
    return {max(abs(t - b), abs(left - r)) for t, b, left, r in (c.padding for c in _convs(plan))}


def _listed(profile: Profile) -> tuple[_Listed, ...]:
    """Stride and pooling are from lists; kernels square, padding the same on both sides."""

    def none_of(name: str) -> Values:
        number = profile.limit(name)
        return Values(values=(0,), source=number.source, confidence=number.confidence)

    return (
        _Listed(
            "stride",
            "strides",
            profile.lists["strides"],
            _strides,
            "{name} has stride {demanded}; Speck has {legal}",
        ),
        _Listed(
            "pooling",
            "pools",
            profile.lists["pools"],
            _pools,
            "{name} pools by {demanded}; Speck pools by {legal} per destination",
        ),
        _Listed(
            "square-kernel",
            "sides",
            none_of("kernel_max"),
            _oblong,
            "{name} has an oblong kernel or pooling (sides differ by {demanded}); Speck's are square",
        ),
        _Listed(
            "symmetric-padding",
            "paddings",
            none_of("padding_max"),
            _lopsided,
            "{name} pads its sides unequally (by {demanded}); Speck pads both sides alike",
        ),
    )


def _lists(population: Population, plans: tuple[Plan, ...], profile: Profile) -> Iterator[Claim]:
    """Values that a list or the geometry of a core does not have."""
    for row in _listed(profile):
        allowed = {int(v) for v in row.legal.values}
        strange = [(plan, row.measure(population, plan) - allowed) for plan in plans]
        bad = [(plan, max(values)) for plan, values in strange if values]
        if not bad:
            continue
        name = population.name
        yield Claim(
            kind=row.kind,
            subject=(name,),
            template=row.template,
            demanded=min(most for _, most in bad),
            available=max(allowed),
            unit=row.legal.unit or "pixels",
            source=row.legal.source,
            confidence=row.legal.confidence,
            bounds=tuple(
                bound
                for plan, most in bad
                for bound in never(Choose(name, plan.id), over=(row.named, most))
            ),
            fields=MappingProxyType(
                {"name": f"'{name}'", "legal": ", ".join(map(str, sorted(allowed)))}
            ),
            limit=row.kind,
            fixes=(f"another {row.kind.replace('-', ' ')}",),
        )


def _wiring(
    network: Network, population: Population, plans: tuple[Plan, ...], profile: Profile
) -> Iterator[Claim]:
    """No recurrence; sources of one core agree in their map after pooling."""
    name = f"'{population.name}'"
    loops = [p for p in population.projections if p.ideal_delay]
    everything = never(
        *(Choose(population.name, plan.id) for plan in plans), over=("recurrence", len(loops))
    )
    recurrent = profile.switches.get("recurrence")
    if loops and (recurrent is None or not recurrent.value):
        yield Claim(
            kind="recurrence",
            subject=(population.name,),
            template="{name} is on a loop (from {sources}); the vendor does not support recurrence on Speck",
            demanded=len(loops),
            available=0,
            unit="recurrent projections",
            source=recurrent.source if recurrent else "",
            confidence=recurrent.confidence if recurrent else "published",
            bounds=everything,
            fields=MappingProxyType(
                {"name": name, "sources": ", ".join(f"'{p.source}'" for p in loops)}
            ),
            limit="recurrence",
            fixes=("another device",),
        )
    bad: list[Plan] = []
    for plan in plans:
        one = (
            (*population.shape, 1, 1)[1:3]
            if len(population.shape) != 2
            else (1, population.shape[1])
        )
        steps = [
            tuple(s if n > 1 else 1 for s, n in zip(c.stride, one, strict=True))
            for c in _convs(plan)
        ]
        shapes = {(c.shape_in[-2:], s) for c, s in zip(_convs(plan), steps, strict=True)}
        if len(shapes) > 1:
            bad.append(plan)
    if bad:
        yield Claim(
            kind="merge-shape",
            subject=(population.name,),
            template="{name} sums sources of different maps or strides; the sources of one core must agree",
            demanded=2,
            available=1,
            unit="map shapes",
            source=profile.limit("features").source,
            confidence="inferred",
            bounds=never(
                *(Choose(population.name, plan.id) for plan in bad), over=("map_shapes", 2)
            ),
            fields=MappingProxyType({"name": name}),
            limit="merge-shape",
            fixes=("equal strides",),
        )


def destinations(
    network: Network, options: Options, profile: Profile, settings: Settings
) -> Iterator[Claim]:
    """Every core a population's slices feed needs a destination; a relay core adds one."""
    number = profile.limit("destinations")
    for population in network.populations:
        terms = _demand(network, options, population.name)
        if not terms:
            continue
        own: list[tuple[int, Decision]] = [
            (-int(number.value) * plan.copies, Choose(population.name, plan.id))
            for plan in options.plans[population.name]
        ]
        helpers = relay_decisions(population.name, profile)
        bounds = [Bound((*terms, *own, *((-1, relay) for relay in helpers)), high=0)]
        pools = {
            p.pool
            for reader in _distinct(network.readers(population.name))
            for plan in options.plans[reader.target]
            for p in plan.form.projections
            if p.source == population.name
        }
        divide = next(iter(pools)) if len(pools) == 1 else None
        bounds += _relay_memory(population, helpers, profile, (divide or (1, 1))[0])
        readers = network.readers(population.name)
        least = sum(
            min((p.parts for p in options.plans[r.target]), default=0) for r in _distinct(readers)
        )
        yield claim_of(
            number,
            kind="destinations",
            limit="destinations",
            subject=(population.name, *(r.target for r in _distinct(readers))),
            template="{name} sends to at least {demanded} cores ({targets}); a core has {available} "
            "destinations, and each copy or relay core adds to them",
            demanded=least,
            bounds=tuple(bounds),
            fixes=("fewer consumers", "fewer parts"),
            name=f"'{population.name}'",
            targets=", ".join(f"'{r.target}'" for r in _distinct(readers)),
        )
    if settings.entry == "dvs":
        number = profile.limit("dvs_destinations")
        terms = tuple(t for name, _ in network.inputs for t in _demand(network, options, name))
        fed = {r.target: None for name, _ in network.inputs for r in network.readers(name)}
        yield claim_of(
            number,
            kind="dvs-destinations",
            limit="dvs_destinations",
            subject=tuple(fed),
            template="the sensor feeds {targets}, on at least {demanded} cores; it has {available} destinations",
            demanded=sum(min((p.parts for p in options.plans[t]), default=0) for t in fed),
            bounds=(Bound(terms, high=int(number.value)),),
            fixes=("--entry host",),
            targets=", ".join(f"'{t}'" for t in fed),
        )


def slow_clock(network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
    """Biases act at ticks of the slow clock, which must tick once a step."""
    biased = tuple(p.name for p in network.populations if p.bias is not None)
    if not biased or semantics.chip_dt is None:
        return ()
    hertz = 1.0 / semantics.chip_dt
    low, high = profile.limit("slow_clock_min"), profile.limit("slow_clock_max")
    if low.value <= hertz * (1 + 1e-9) and hertz <= high.value * (1 + 1e-9):
        return ()
    number = low if hertz < low.value else high
    return (
        claim_of(
            number,
            kind="slow-clock",
            limit="slow_clock_min" if hertz < low.value else "slow_clock_max",
            subject=biased,
            template="{names}: a bias acts once a step, so the slow clock must tick at {demanded} Hz; it ticks at "
            "{low} to {high} Hz",
            demanded=float(f"{hertz:.6g}"),
            bounds=whatever("slow_clock_min" if hertz < low.value else "slow_clock_max", hertz),
            fixes=("--chip-dt",),
            names=", ".join(f"'{name}'" for name in biased),
            low=f"{low.value:g}",
            high=f"{high.value:g}",
        ),
    )


def one_slice_a_core(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """A core holds one slice or one relay: a claim per class of cores, and one for all."""
    total = sum(len(core.ids) for core in profile.cores)
    cores = profile.limit("cores_per_chip")
    terms = tuple(t for core in profile.cores for t in _on(network, options, profile, core.name))
    least = sum(
        min((p.parts for p in options.plans[q.name]), default=0) for q in network.populations
    )
    yield claim_of(
        _count(cores, total),
        kind="cores",
        limit="cores_per_chip",
        subject=tuple(p.name for p in network.populations),
        template="the network needs at least {demanded} cores; there are {available}"
        if least > total
        else "there are {available} cores, each for one slice, copy or relay",
        demanded=least,
        bounds=(Bound(terms, high=total),),
        fixes=("fewer layers", "another device"),
    )
    for core in profile.cores:
        terms = _on(network, options, profile, core.name)
        yield claim_of(
            _count(cores, len(core.ids)),
            kind="one-slice-a-core",
            limit=core.name,
            subject=tuple(p.name for p in network.populations),
            template="cores {ids} hold one slice or relay each",
            demanded=min(len(network.populations), len(core.ids) + 1),
            bounds=(Bound(terms, high=len(core.ids)),),
            fixes=("fewer layers", "another device"),
            core=core.name,
            ids=", ".join(str(i) for i in core.ids),
        )


def relay_decisions(name: str, profile: Profile) -> tuple[Count, ...]:
    """Relay cores of population `name`, one decision per class of cores."""
    most = sum(len(core.ids) for core in profile.cores)
    return tuple(Count(f"relay/{name}", core.name, most) for core in profile.cores)


def relay_words(population: Population, pool: int = 1) -> tuple[int, int]:
    """(kernel words, neuron words) of a core that relays the population's map.

    The map is pooled on the way to the relay where all readers pool alike.
    """
    channels, height, across = (*population.shape, 1, 1)[:3]
    height, across = max(height // pool, 1), max(across // pool, 1)
    bits = (channels - 1).bit_length()
    return channels * 2**bits, channels * 2 ** (
        (height - 1).bit_length() + (across - 1).bit_length()
    )


def _relay_memory(
    population: Population, helpers: tuple[Count, ...], profile: Profile, pool: int
) -> list[Bound]:
    kernel, neuron = relay_words(population, pool)
    bounds: list[Bound] = []
    for helper, core in zip(helpers, profile.cores, strict=True):
        for limit, words in (("kernel_memory", kernel), ("neuron_memory", neuron)):
            if words > core.limits[limit].value:
                bounds += never(helper, over=(limit, words))
    return bounds


def _distinct(readers: tuple[Projection, ...]) -> list[Projection]:
    return list({r.target: r for r in readers}.values())


def _ports(plan: Plan, source: str) -> int:
    """Destinations that one slice needs from `source`: one for each pooling."""
    return len({p.pool for p in plan.form.projections if p.source == source})


def _demand(network: Network, options: Options, name: str) -> tuple[tuple[int, Decision], ...]:
    return tuple(
        (plan.parts * _ports(plan, name), Choose(reader.target, plan.id))
        for reader in _distinct(network.readers(name))
        for plan in options.plans[reader.target]
    )


def _on(
    network: Network, options: Options, profile: Profile, core: str
) -> tuple[tuple[int, Decision], ...]:
    terms: list[tuple[int, Decision]] = []
    for population in network.populations:
        terms += [(1, Count(*slot(plan, core))) for plan in options.plans[population.name]]
        if network.readers(population.name):
            terms += [(1, r) for r in relay_decisions(population.name, profile) if r.where == core]
    return tuple(terms)


def _count(number: Number, value: int) -> Number:
    return Number(value=value, unit="cores", source=number.source, confidence=number.confidence)
