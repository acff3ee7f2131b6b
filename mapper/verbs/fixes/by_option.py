"""Ways out that leave the network as it is: permissions, settings, another device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil

from mapper.problem.fix import COSTS, Fix
from mapper.solving.outcome import Impossible
from mapper.verbs.fixes.ask import Ask, Found
from mapper.verbs.fixes.dials import Dial, largest
from mapper.verbs.fixes.repairs import listed


def permissions(ask: Ask) -> Iterator[Fix]:
    """Approximations that the policy does not use unasked."""
    found = ask.permitted
    if found is None or found.settings == ask.asked.settings:
        return
    yield Fix(
        kind="allow",
        says="; and ".join(found.says),
        cost=found.price,
        words=found.words,
        resolved=True,
        settings=found.settings,
    )


def flags(ask: Ask) -> Iterator[Fix]:
    """Restrictions that the user made."""
    settings = ask.asked.settings
    if not settings.host:
        yield from _setting(ask, "option", "drop --no-host", (), host=True)
    if settings.entry != "host":
        words = ("--entry", "host")
        yield from _setting(ask, "option", "send events through the host", words, entry="host")


def fewer_bits(ask: Ask) -> Iterator[Fix]:
    """Fewer bits a weight, where the chip packs them and memory is short."""
    limits, settings = ask.asked.profile.limits, ask.asked.settings
    if "word_bits" not in limits or not ask.sorts & {"item", "total"}:
        return
    now = settings.weight_bits or int(limits["weight_bits"].value)

    def at(bits: int) -> Found | None:
        return ask.fits(replace(ask.asked, settings=replace(settings, weight_bits=bits)))

    dial = Dial(kind="bits", name="", now=now, least=1, step=1, role="")
    bits = largest(dial, lambda n: at(n) is not None)
    found = None if bits is None else at(bits)
    if bits is None or found is None:
        return
    says = f"store weights with {bits} bits instead of {now}"
    words = ("--weight-bits", str(bits))
    yield ask.fix("weight-bits", says, found, more=now - bits, words=words, settings=True)


def fewer_events(ask: Ask) -> Iterator[Fix]:
    """An input that brings no more events a step than the chip keeps."""
    if "input-events" not in ask.kinds:
        return
    most = int(ask.asked.profile.limit("input_events").value)
    kind = "spikes" if most == 1 else f"counts:{most}"
    origins = {**dict(ask.asked.semantics.origins), "input_kind": "option"}
    semantics = replace(ask.asked.semantics, input_kind=kind, origins=tuple(origins.items()))
    found = ask.fits(replace(ask.asked, semantics=semantics))
    if found is not None:
        events = "1 event" if most == 1 else f"{most} events"
        says = f"clip the input to {events} a step and channel"
        words = ("--input-kind", kind)
        yield ask.fix("input-kind", says, found, words=words, semantics=semantics)


def more_chips(ask: Ask) -> Iterator[Fix]:
    """The fewest chips that hold the network."""
    totals = [claim for claim in ask.claims if claim.kind == "cores" and claim.available > 0]
    if "boards" not in ask.asked.profile.lists or not totals:
        return
    now = ask.asked.settings.chips
    least = max(ceil(now * claim.demanded / claim.available) for claim in totals)
    first = max(least, now + 1)
    for chips in (first, first + 1):
        words = ("--chips", str(chips))
        says = f"use {chips} chips instead of {now}"
        found = list(_setting(ask, "chips", says, words, chips - now, chips=chips))
        if found:
            yield from found
            return


def devices(ask: Ask) -> Iterator[Fix]:
    """The best device of the same family, and of others; without permissions where one has it."""
    from device_profiles.load import load, names

    own = ask.asked.profile
    settings = replace(ask.asked.settings, chips=1, weight_bits=None, entry="host")
    alike: list[tuple[float, str, Found]] = []
    other: list[tuple[float, str, Found]] = []
    for name in names():
        if name == own.name:
            continue
        profile = load(name)
        asked = replace(ask.asked, profile=profile, profile_path=None, settings=settings)
        found = ask.fits(asked)
        if found is not None and (found[1].price == 0.0 or not _permitted(ask)):
            rows = alike if profile.family == own.family else other
            rows.append((found[1].price, name, found))
    for kind, rows in (("device-alike", alike), ("device", other)):
        if rows:
            price, name, found = min(rows, key=lambda row: (row[0], row[1]))
            equal = [n for p, n, _ in sorted(rows, key=lambda r: r[1]) if p == price and n != name]
            also = f" (so does {listed(equal)})" if equal else ""
            says = f"take another device: '{name}' holds it{also}"
            yield ask.fix(kind, says, found, words=("--device", name), settings=True, device=name)


def optimistic(ask: Ask) -> Iterator[Fix]:
    """Uncertain limits that would have to be better than their safe value."""
    rows = list(_rows(ask.impossible))
    if rows:
        yield Fix(
            kind="optimistic",
            says=f"find out whether the chip has {', '.join(rows)}: then it fits (with a profile "
            "of your own)",
            cost=COSTS["optimistic"],
            resolved=True,
        )


def _rows(impossible: Impossible) -> Iterator[str]:
    profile = impossible.question.profile
    for name in impossible.optimistic:
        found = [core.limits[name] for core in profile.cores if name in core.limits]
        number = profile.limits[name] if name in profile.limits else found[0]
        yield f"{name} {number.optimistic:,g} {number.unit} instead of {number.value:,g}"


def _permitted(ask: Ask) -> bool:
    return ask.permitted is not None


def _setting(
    ask: Ask, kind: str, says: str, words: Sequence[str], more: float = 0.0, **values: object
) -> Iterator[Fix]:
    """The same network under other settings."""
    settings = replace(ask.asked.settings, **values)  # pyright: ignore[reportArgumentType]
    found = ask.fits(replace(ask.asked, settings=settings))
    if found is not None:
        yield ask.fix(kind, says, found, more=more, words=words, settings=True)
