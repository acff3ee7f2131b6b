"""Limits of Xylo: input channels and events, pools, recurrent pairs, windows, latency.

rockpool 3.1.0 checks none of fan-out, recurrent pairs and windows (its design rules for
the windows are empty functions), so a network that it maps may not exist on the chip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from device_profiles.profile import Profile
from mapper.problem.network import Network, Population
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
from mapper.solving.offer.latency import balance
from mapper.solving.offer.plans import Options, Plan

HIDDEN = ("hidden", "hidden+relay")


def _ways(options: Options, name: str, *roles: str) -> list[Plan]:
    return [plan for plan in options.plans[name] if plan.role in roles]


def _choices(options: Options, name: str, *roles: str) -> list[Decision]:
    return [Choose(name, plan.id) for plan in _ways(options, name, *roles)]


def nonzero(network: Network, options: Options, population: Population, kind: str) -> np.ndarray:
    """Neurons of `population` with a weight from an input ('in') or to an output ('out').

    'in': any non-zero weight from a graph input, or a bias through a source; 'out': any
    non-zero weight into a population that may be an output. Boolean, (n,).
    """
    sources = {name for name, _ in network.inputs}
    mask = np.zeros(population.size, dtype=bool)
    if kind == "in":
        for plan in options.plans[population.name]:
            for form in plan.form.projections:
                if form.source in sources:
                    mask |= np.any(form.values != 0, axis=1)
            break
        return mask
    for reader in network.readers(population.name):
        for plan in _ways(options, reader.target, "output"):
            for form in plan.form.projections:
                if form.source == population.name:
                    mask |= np.any(form.values != 0, axis=0)
            break
    return mask


def inputs(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """Graph inputs and constant sources share the input channels; events a step are few."""
    number = profile.limit("input_channels")
    channels = sum(int(np.prod(shape)) for _, shape in network.inputs)
    terms: list[tuple[int, Decision]] = []
    for population in network.populations:
        for plan in options.plans[population.name]:
            if plan.form.neuron.bias == "source":
                terms.append((bias_channels(population, plan), Choose(population.name, plan.id)))
    yield claim_of(
        number,
        kind="input-channels",
        limit="input_channels",
        subject=tuple(name for name, _ in network.inputs),
        template="the network has {demanded} input channels; {device} has {available}",
        demanded=channels,
        bounds=(
            Bound(tuple(terms), high=int(number.value) - channels),
            *(() if channels <= number.value else _all_forbidden(network, options, channels)),
        ),
        fixes=("fewer input channels",),
        device=profile.name,
    )


def bias_channels(population: Population, plan: Plan) -> int:
    """Spare input channels that carry the bias: two, so that 8-bit weights reach further."""
    return 2


def _all_forbidden(network: Network, options: Options, channels: int) -> tuple[Bound, ...]:
    first = network.populations[0]
    return never(
        *(Choose(first.name, plan.id) for plan in options.plans[first.name]),
        over=("input_channels", channels),
    )


def pools(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """Hidden neurons, outputs, recurrent pairs and the fan-out of each hidden neuron."""
    hidden: list[tuple[int, Decision]] = []
    outputs: list[tuple[int, Decision]] = []
    least_hidden = least_out = 0
    for population in network.populations:
        size = population.size
        hidden += [(size, d) for d in _choices(options, population.name, *HIDDEN)]
        outputs += [(size, d) for d in _choices(options, population.name, "output", "hidden+relay")]
        least_out += size if population.outputs else 0
        if not _ways(options, population.name, "output"):
            least_hidden += size
    names = tuple(p.name for p in network.populations)
    yield claim_of(
        profile.limit("hidden_neurons"),
        kind="hidden-neurons",
        limit="hidden_neurons",
        subject=names,
        template="the network needs at least {demanded} hidden neurons; {device} has {available}",
        demanded=least_hidden,
        bounds=(Bound(tuple(hidden), high=int(profile.limit("hidden_neurons").value)),),
        fixes=("fewer neurons",),
        device=profile.name,
    )
    yield claim_of(
        profile.limit("output_neurons"),
        kind="output-neurons",
        limit="output_neurons",
        subject=tuple(p.name for p in network.populations if p.outputs),
        template="the network has {demanded} output neurons; {device} has {available}",
        demanded=least_out,
        bounds=(Bound(tuple(outputs), high=int(profile.limit("output_neurons").value)),),
        fixes=("fewer outputs",),
        device=profile.name,
    )
    pairs: list[tuple[int, Decision]] = []
    least_pairs = 0
    for population in network.populations:
        for plan in _ways(options, population.name, *HIDDEN):
            pairs.append((_pairs(network, population, plan), Choose(population.name, plan.id)))
        found = [_pairs(network, population, p) for p in _ways(options, population.name, *HIDDEN)]
        least_pairs += min(found) if found and not _ways(options, population.name, "output") else 0
    yield claim_of(
        profile.limit("recurrent_pairs"),
        kind="recurrent-pairs",
        limit="recurrent_pairs",
        subject=names,
        template="the network has at least {demanded} connections between hidden neurons; {device} stores {available}",
        demanded=least_pairs,
        bounds=(Bound(tuple(pairs), high=int(profile.limit("recurrent_pairs").value)),),
        fixes=("fewer neurons", "pruning"),
        device=profile.name,
    )
    yield from _fan_out(network, options, profile)


def _matrices(network: Network, plan: Plan, source: str) -> list[np.ndarray]:
    return [np.asarray(form.values) for form in plan.form.projections if form.source == source]


def _pairs(network: Network, population: Population, plan: Plan) -> int:
    """Distinct (source, target) pairs with a weight, from hidden sources."""
    count = 0
    for source in {p.source for p in population.projections} - {name for name, _ in network.inputs}:
        matrices = _matrices(network, plan, source)
        count += int(np.count_nonzero(np.any([m != 0 for m in matrices], axis=0)))
    return count


def _fan_out(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    number = profile.limit("recurrent_fan_out")
    for population in network.populations:
        base = np.zeros(population.size, dtype=np.int64)
        optional: list[tuple[str, np.ndarray]] = []
        for target in sorted({r.target for r in network.readers(population.name)}):
            ways = _ways(options, target, *HIDDEN)
            if not ways:
                continue
            matrices = _matrices(network, ways[0], population.name)
            each = np.count_nonzero(np.any([m != 0 for m in matrices], axis=0), axis=0)
            if _ways(options, target, "output"):
                optional.append((target, each))
            else:
                base = base + each
        bounds: list[Bound] = []
        demanded = int(base.max(initial=0))
        if demanded > number.value:
            ways = _choices(options, population.name, *HIDDEN)
            bounds += never(*ways, over=("recurrent_fan_out", demanded))
        for target, each in optional:
            most = int((base + each).max(initial=0))
            if most > number.value:
                ways = _choices(options, target, *HIDDEN)
                bounds += never(*ways, over=("recurrent_fan_out", most))
                demanded = max(demanded, most)
        if bounds:
            yield claim_of(
                number,
                kind="fan-out",
                limit="recurrent_fan_out",
                subject=(population.name,),
                template="a neuron of {name} projects to {demanded} hidden neurons; {device} allows {available}",
                demanded=demanded,
                bounds=tuple(bounds),
                fixes=("pruning", "fewer neurons"),
                name=f"'{population.name}'",
                device=profile.name,
            )


@dataclass(slots=True)
class _Ends:
    """Hidden neurons by what they do, as sums over decisions; least_in, least_out: at least.

    receive: input; drive: outputs; early: they receive and drive not; both: decisions under
    which some neuron does both.
    """

    receive: list[tuple[int, Decision]] = field(default_factory=list[tuple[int, Decision]])
    drive: list[tuple[int, Decision]] = field(default_factory=list[tuple[int, Decision]])
    size: list[tuple[int, Decision]] = field(default_factory=list[tuple[int, Decision]])
    early: list[tuple[int, Decision]] = field(default_factory=list[tuple[int, Decision]])
    both: list[Decision] = field(default_factory=list[Decision])
    links: list[Bound] = field(default_factory=list[Bound])
    least_in: int = 0
    least_out: int = 0


def _ends(network: Network, options: Options) -> _Ends:
    found = _Ends(links=list(_drive_links(network, options)))
    for population in network.populations:
        takes = nonzero(network, options, population, "in")
        gives = nonzero(network, options, population, "out")
        for plan in _ways(options, population.name, *HIDDEN):
            _add_way(found, population, plan, takes, gives)
        if not _ways(options, population.name, "output"):
            found.least_in += int(takes.sum())
            found.least_out += _least_driving(network, options, population, gives)
    return found


def _add_way(
    found: _Ends, population: Population, plan: Plan, takes: np.ndarray, gives: np.ndarray
) -> None:
    """What a way adds. takes, gives: neurons with input, and with readers, one truth value each."""
    choose = Choose(population.name, plan.id)
    taking = np.ones_like(takes) if plan.form.neuron.bias == "source" else takes
    giving = np.ones_like(gives) if plan.role == "hidden+relay" else np.zeros_like(gives)
    more = gives & ~giving
    found.receive.append((int(taking.sum()), choose))
    found.size.append((population.size, choose))
    found.drive.append((int(giving.sum()), choose))
    found.early.append((int((taking & ~giving).sum()), choose))
    if (taking & giving).any():
        found.both.append(choose)
    if more.any():
        both = Choose(population.name, f"{plan.id}, drives outputs")
        found.links += _and(both, choose, Choose(population.name, "drives outputs"))
        found.drive.append((int(more.sum()), both))
        found.early.append((-int((taking & more).sum()), both))
        if (taking & more).any():
            found.both.append(both)


def _least_driving(
    network: Network, options: Options, population: Population, gives: np.ndarray
) -> int:
    """Neurons of a hidden population that drive outputs, whatever is chosen."""
    ways = _ways(options, population.name, *HIDDEN)
    relayed = population.size if ways and ways[0].role == "hidden+relay" else 0
    forced = any(
        _ways(options, r.target, "output") and not _ways(options, r.target, *HIDDEN)
        for r in network.readers(population.name)
    )
    return relayed + (int(gives.sum()) if forced else 0)


def windows(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """Receivers of input have the lowest ids, drivers of outputs the highest.

    With H hidden neurons, ids 0..H-1: input needs id < input_window, driving an output
    id >= H - output_window. Order in use: receivers only, some that do neither, both,
    the rest, drivers only. A decision counts the first group that does neither.
    """
    wide_in, wide_out = profile.limit("input_window"), profile.limit("output_window")
    most = int(profile.limit("hidden_neurons").value)
    if wide_in.value >= most and wide_out.value >= most:
        return
    ends = _ends(network, options)
    shared = {"device": profile.name}
    names = tuple(p.name for p in network.populations)
    yield claim_of(
        wide_in,
        kind="input-window",
        limit="input_window",
        subject=names,
        template="at least {demanded} hidden neurons receive input; {device} has {available} that can, the lowest ids",
        demanded=ends.least_in,
        bounds=(Bound(tuple(ends.receive), high=int(wide_in.value)),),
        fixes=("fewer neurons behind the input", "pruning"),
        **shared,
    )
    yield claim_of(
        wide_out,
        kind="output-window",
        limit="output_window",
        subject=names,
        template="at least {demanded} hidden neurons drive outputs; {device} has {available} that can, the highest ids",
        demanded=ends.least_out,
        bounds=(Bound(tuple(ends.drive), high=int(wide_out.value)), *ends.links),
        fixes=("fewer neurons before the outputs", "pruning"),
        **shared,
    )
    between = Count("neither, placed first", "hidden", most)
    any_both = Choose("windows", "some neuron both receives input and drives an output")
    big = 2 * most
    bounds = (
        *(Bound(((1, d), (-1, any_both)), high=0) for d in ends.both),
        Bound(((1, between), *((-n, d) for n, d in _neither(ends))), high=0),
        Bound((*ends.receive, (1, between), (big, any_both)), high=int(wide_in.value) + big),
        Bound(
            (*ends.size, *((-n, d) for n, d in ends.early), (-1, between), (big, any_both)),
            high=int(wide_out.value) + big,
        ),
        *ends.links,
    )
    yield claim_of(
        wide_out,
        kind="window-overlap",
        limit="output_window",
        subject=names,
        template="neurons that receive input and drive outputs must lie in both windows; with {size} hidden "
        "neurons the windows of {device} ({available} each) do not overlap enough",
        demanded=max(ends.least_in, ends.least_out),
        bounds=bounds,
        fixes=("fewer hidden neurons",),
        size=sum(p.size for p in network.populations if not _ways(options, p.name, "output")),
        **shared,
    )


def _and(both: Choose, one: Choose, other: Choose) -> list[Bound]:
    """`both` is 1 just where `one` and `other` are."""
    return [
        Bound(((1, both), (-1, one)), high=0),
        Bound(((1, both), (-1, other)), high=0),
        Bound(((1, one), (1, other), (-1, both)), high=1),
    ]


def _neither(ends: _Ends) -> list[tuple[int, Decision]]:
    """size - |receive or drive| = size - (receivers only) - drivers, as terms."""
    early, drive = (((-n, d) for n, d in found) for found in (ends.early, ends.drive))
    return [*ends.size, *early, *drive]


def _drive_links(network: Network, options: Options) -> tuple[Bound, ...]:
    """A source 'drives outputs' as soon as one of its readers sits in the output pool."""
    bounds: list[Bound] = []
    for population in network.populations:
        drives = Choose(population.name, "drives outputs")
        for target in sorted({r.target for r in network.readers(population.name)}):
            chosen = _choices(options, target, "output")
            if chosen:
                bounds.append(Bound((*((1, d) for d in chosen), (-1, drives)), high=0))
    return tuple(bounds)


def latency(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """Every hop between neurons costs one step; paths that meet must agree.

    Exact up to latency iff integers l exist with chip delay = ideal delay + l(v) - l(u) on
    every edge (docs/architecture.md); Xylo has no delays to balance with.
    """
    number = profile.limit("delay_per_connection")
    first = int(profile.limit("delay_from_input").value)
    result = balance(network, from_input=first, hop=int(number.value), most=0)
    if result.conflict is None:
        return
    edge = result.conflict
    yield claim_of(
        number,
        kind="latency",
        limit="delay_per_connection",
        subject=(edge.target,),
        template="paths of different length meet at {name}: {edge} would need {demanded} more steps of delay; "
        "{device} has none",
        demanded=max(1, ceil(result.missing)),
        bounds=never(
            *_choices(options, edge.target, "hidden", "hidden+relay", "output"),
            over=("delay_max", max(1, ceil(result.missing))),
        ),
        fixes=("equal path lengths",),
        name=f"'{edge.target}'",
        edge=f"'{edge.id}'",
        device=profile.name,
    )


def totals(network: Network, profile: Profile) -> tuple[Claim, ...]:
    """Claims that no choice can keep: channels, outputs and neurons counted in the network.

    Each population takes a place in one of the pools at least, and each output neuron one
    among the outputs.
    """
    channels = sum(int(np.prod(shape)) for _, shape in network.inputs)
    outputs = sum(p.size for p in network.populations if p.outputs)
    hidden = sum(p.size for p in network.populations if not p.outputs)
    rows = (
        (
            "input-channels",
            "input_channels",
            channels,
            "the network has {demanded} input channels; {device} has {available}",
        ),
        (
            "output-neurons",
            "output_neurons",
            outputs,
            "the network has {demanded} output neurons; {device} has {available}",
        ),
        (
            "hidden-neurons",
            "hidden_neurons",
            hidden,
            "the network needs at least {demanded} hidden neurons; {device} has {available}",
        ),
    )
    return tuple(
        claim_of(
            profile.limit(limit),
            kind=kind,
            limit=limit,
            subject=tuple(p.name for p in network.populations),
            template=template,
            demanded=demanded,
            bounds=whatever(limit, demanded),
            fixes=("fewer of them", "another device"),
            device=profile.name,
        )
        for kind, limit, demanded, template in rows
        if demanded > profile.limit(limit).value
    )
