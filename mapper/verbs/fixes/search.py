"""The search for ways out: kinds of little work first, within counted work; then cheapest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mapper.errors import OurBug
from mapper.problem.asked import Asked
from mapper.problem.fix import COSTS, Fix
from mapper.solving.outcome import Impossible
from mapper.verbs.answer import answer
from mapper.verbs.fixes.ask import Ask
from mapper.verbs.fixes.by_change import mended, sizes, steps
from mapper.verbs.fixes.by_option import (
    devices,
    fewer_bits,
    fewer_events,
    flags,
    more_chips,
    optimistic,
    permissions,
)
from mapper.verbs.fixes.trial import WORK, Effort, OutOfWorkError

MOST = 6  # fixes that are offered
ALMOST_NOTHING = ("neuron-model", "template", "forms")  # refusals that no small change mends


def fixes(
    asked: Asked, impossible: Impossible, *, work: float = WORK, most: int = MOST
) -> tuple[Fix, ...]:
    """Ways out, cheapest first; those that were not solved again come last."""
    ask = Ask(asked=asked, impossible=impossible, effort=Effort(work))
    found: list[Fix] = []
    try:
        for fix in _solved(ask):
            found.append(fix)
    except OutOfWorkError:
        pass
    found += _unsolved(ask, found)
    found.sort(key=lambda fix: (not fix.resolved, fix.cost))
    return tuple(found[:most])


def _solved(ask: Ask) -> Iterator[Fix]:
    yield from permissions(ask)
    yield from flags(ask)
    yield from fewer_events(ask)
    yield from more_chips(ask)
    yield from fewer_bits(ask)
    yield from optimistic(ask)
    yield from steps(ask)
    yield from mended(ask)
    yield from devices(ask)
    yield from sizes(ask)


def _unsolved(ask: Ask, found: list[Fix]) -> Iterator[Fix]:
    """What may help and was not solved again."""
    changed = any(fix.kind in ("delay", "retrain", "geometry") for fix in found)
    for claim in ask.claims:
        rule = claim.fixes[0] if claim.fixes else "template"
        if claim.kind == "unsupported" and rule not in ALMOST_NOTHING and not changed:
            says = f"mend what stops the rule '{rule}': {claim.says}"
            yield Fix(kind="refused", says=says, cost=COSTS["refused"])
            break
    if ask.sorts & {"support", "policy", "time"}:
        name = ask.asked.profile.name
        says = (
            f"retrain within the limits of {name}, which `nirmap devices {name} --training` lists"
        )
        yield Fix(kind="limits", says=says, cost=COSTS["limits"])


def verified(asked: Asked, found: tuple[Fix, ...], *, work: float = WORK / 2) -> tuple[Fix, ...]:
    """The fixes, marked where their bundle was made and passed the checker; cheapest first.

    One whose bundle fails is left out. Those beyond `work`, by what solving them took, stay
    as they are: solved again, and not verified.
    """
    out: list[Fix] = []
    for fix in found:
        work -= fix.work
        if not fix.applies or work < 0:
            out.append(fix)
            continue
        try:
            result = answer(fix.apply(asked), whole=False, brief=True)
        except OurBug:
            continue
        if result.fits:
            out.append(replace(fix, verified=True))
    return tuple(out)
