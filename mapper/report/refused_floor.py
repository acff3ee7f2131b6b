"""The floor plan of a refusal: cores that are too small, classes that run out, cores that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from device_profiles.profile import Profile
from mapper.report.floor import (
    HELPER,
    MOST_CHIPS,
    ON_TOP,
    Card,
    Floor,
    Mark,
    Mesh,
    Meter,
    SeatOf,
    Wanted,
    class_of,
    ids_of,
    mesh_of,
)
from mapper.solving.claims.ledger import Claim, Count
from mapper.solving.outcome import Impossible

MOST_MISSING_CARDS = 6  # cores that are missing and drawn large


def floor_of_refusal(impossible: Impossible, marks: tuple[Mark, ...]) -> Floor | None:
    """The cores and limits that the conflicts are about; None where they are about no room.

    Limits are numbered through all conflicts, in order, from 1. Where cores run out, they are
    filled with the fewest slices of each population, in order, and the rest stands beneath.
    """
    profile = impossible.question.profile
    claims = [claim for conflict in impossible.conflicts for claim in conflict.claims]
    numbered = [(i, claim) for i, claim in enumerate(claims, 1) if not claim.question]
    by_name = {mark.name: mark for mark in marks}
    hit = _hits(profile, numbered)
    short = [(i, c) for i, c in numbered if c.kind == "cores" and c.demanded > c.available > 0]
    wanted = _wanted(impossible, int(short[0][1].demanded), by_name) if short else ()
    many = len(profile.cores) == 1 and len(profile.cores[0].ids) > 1
    cards: list[Card] = []
    whole = tuple(
        _meter(i, c, c.available, impossible, by_name) for i, c in numbered if _of_chip(profile, c)
    )
    if whole:
        title = "any core" if many else profile.title
        cards.append(Card(title=title, side="", state="hit wide", meters=whole))
    meshes: tuple[Mesh, ...] = ()
    if wanted and many:
        meshes = _full_meshes(profile, impossible.question.settings.chips, wanted)
    elif wanted or (hit and len(profile.cores) > 1):
        cards += [
            _refused_card(profile, core, hit.get(core, ()), by_name, wanted[i : i + 1])
            for i, core in enumerate(ids_of(profile))
        ]
        cards += _missing_cards(wanted[len(ids_of(profile)) :])
    if not cards and not meshes:
        return None
    named = {name for _, c in numbered for name in c.subject} | {m.name for m in wanted if m}
    note = "Numbers are those of the limits above; a bar beyond its mark is over the limit."
    if wanted:
        note += (
            f" By limit {short[0][0]} cores run out: each holds one slice, filled here in the "
            "network's order to show the count, not as a placement."
        )
    drawn = tuple(mark for mark in marks if mark.name in named)
    helpers = ON_TOP if None in wanted and meshes else ""
    return Floor(cards=tuple(cards), meshes=meshes, marks=drawn, note=note, helpers=helpers)


def _wanted(impossible: Impossible, cores: int, marks: Mapping[str, Mark]) -> Wanted:
    """Who wants the cores: the fewest slices of each population, then what comes on top."""
    found: list[Mark | None] = []
    for population in impossible.question.network.populations:
        plans = impossible.options.plans[population.name]
        found += [marks[population.name]] * min((plan.parts for plan in plans), default=0)
    return tuple(found[:cores]) + (None,) * (cores - len(found))


def _full_meshes(profile: Profile, chips: int, wanted: Wanted) -> tuple[Mesh, ...]:
    """Every chip, all of it taken; what is missing beneath the last one that is drawn."""
    each, drawn = len(ids_of(profile)), min(chips, MOST_CHIPS)
    return tuple(
        mesh_of(
            profile,
            chip,
            chips > 1,
            _filled(dict(zip(ids_of(profile), wanted[chip * each :], strict=False))),
            wanted[chips * each :] if chip + 1 == drawn else (),
        )
        for chip in range(drawn)
    )


def _filled(wanted: Mapping[int, Mark | None]) -> SeatOf:
    def seat(core: int) -> tuple[str, int, str, str]:
        if core not in wanted:
            return "", 0, "idle", f"core {core}: free"
        mark = wanted[core]
        if mark is None:
            return HELPER, 0, "helper", f"core {core}: {ON_TOP}"
        return mark.letter, mark.hue, "taken", f"core {core}: {mark.name}"

    return seat


def _missing_cards(wanted: Wanted) -> list[Card]:
    cards = [
        Card(
            title="missing core",
            side="",
            state="hit",
            holds=(mark,) if mark else (),
            lines=() if mark else (ON_TOP,),
        )
        for mark in wanted[:MOST_MISSING_CARDS]
    ]
    if len(wanted) > len(cards):
        more = f"{len(wanted) - len(cards):,} more"
        cards.append(Card(title="missing cores", side="", state="hit", lines=(more,)))
    return cards


Hits = dict[int, tuple[tuple[int, Claim], ...]]


def _hits(profile: Profile, claims: Sequence[tuple[int, Claim]]) -> Hits:
    """By core: the claims about it or its class, with their numbers."""
    found: Hits = {}
    for number, claim in claims:
        if claim.kind == "cores":
            continue
        named = {d.where for b in claim.bounds for _, d in b.terms if isinstance(d, Count)}
        named.add(claim.limit)
        for group in profile.cores:
            small = claim.limit in group.limits and group.limits[claim.limit].value < claim.demanded
            if group.name in named or small:
                for core in group.ids:
                    found[core] = (*found.get(core, ()), (number, claim))
    return found


def _of_chip(profile: Profile, claim: Claim) -> bool:
    """Whether it is about an amount of the profile that has one limit for all cores."""
    amount = claim.available > 0 and claim.demanded > claim.available and claim.kind != "cores"
    of_cores = any(claim.limit in core.limits for core in profile.cores)
    known = claim.limit in profile.limits or of_cores
    return amount and known and (len(profile.cores) == 1 or not of_cores)


def _meter(
    number: int,
    claim: Claim,
    available: float,
    impossible: Impossible,
    marks: Mapping[str, Mark],
) -> Meter:
    """The bar of a limit, in parts where the populations' neurons are what it counts."""
    network = impossible.question.network
    of = [p for p in network.populations if p.name in claim.subject]
    counts_neurons = sum(p.size for p in of) == claim.demanded and len(of) > 1
    return Meter(
        name=f"{number}. {claim.limit.replace('_', ' ')}",
        used=claim.demanded,
        available=available,
        unit=claim.unit,
        parts=tuple((marks[p.name], p.size) for p in of) if counts_neurons else (),
    )


def _refused_card(
    profile: Profile,
    core: int,
    hits: tuple[tuple[int, Claim], ...],
    marks: Mapping[str, Mark],
    wanted: Wanted,
) -> Card:
    """A core of a conflict: memories that are too small, and who wants it."""
    limits = next(group.limits for group in profile.cores if core in group.ids)
    meters = tuple(
        Meter(
            name=f"{i}. {c.limit.replace('_', ' ')}",
            used=c.demanded,
            available=limits[c.limit].value,
            unit=c.unit,
        )
        for i, c in hits
        if c.limit in limits
    )
    lines = [
        f"{i}. wanted by {', '.join(marks[name].letter for name in c.subject if name in marks)}"
        for i, c in hits
        if c.limit not in limits
    ]
    lines += [] if hits or wanted else ["not in the conflict"]
    lines += [ON_TOP] if wanted == (None,) else []
    return Card(
        title=f"core {core}",
        side=class_of(profile, core),
        state="hit" if hits else "used" if wanted else "idle",
        holds=tuple(mark for mark in wanted if mark),
        lines=tuple(lines),
        meters=meters,
    )
