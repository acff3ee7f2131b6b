"""The conflicts of a ledger: found by counting where that shows them, else by the solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from mapper.problem.settings import Settings
from mapper.solving.claims.ledger import Claim, Ledger
from mapper.solving.explain.blocked import blocked
from mapper.solving.explain.crowded import CORES, crowded, is_crowded
from mapper.solving.explain.headline import headline, of_crowd
from mapper.solving.explain.joint import Joint, Least
from mapper.solving.explain.told import told
from mapper.solving.explain.ways import Limits, Way, hopeless, ways_of
from mapper.solving.outcome import Conflict

MOST = 5  # reasons that are told; equal ones count once
MOST_FOUND = 512  # conflicts that are looked for, so that equal ones can be told together


def conflicts(ledger: Ledger, settings: Settings, most: int = MOST) -> tuple[Conflict, ...]:
    """Up to `most` reasons that share no limit; empty where the budget ends first."""
    return told(tuple(islice(_found(ledger, settings, most), MOST_FOUND)), most)


def counted_out(claims: Sequence[Claim]) -> bool:
    """Whether counting alone shows that the claims cannot hold together."""
    ways = ways_of(claims)
    left = frozenset(i for i, claim in enumerate(claims) if claim.bounds and not claim.question)
    if hopeless(claims) or any(not _any_open(found, left) for found in ways.values()):
        return True
    return is_crowded(claims, ways, left)


def _any_open(ways: Sequence[Way], limits: Limits) -> bool:
    return any(way.is_open(limits) for way in ways)


def _found(ledger: Ledger, settings: Settings, most: int) -> Iterator[Conflict]:
    """Conflicts that share no limit, each subset-minimal unless it says otherwise."""
    claims, ways = ledger.claims, ways_of(ledger.claims)
    left = frozenset(i for i, claim in enumerate(claims) if claim.bounds and not claim.question)
    counted = 0
    for limits in blocked(claims, ways):
        left = left.difference(limits)
        counted += 1
        yield _conflict(claims, limits, headline([claims[i] for i in limits], ledger))
    joint = Joint(claims, budget=settings.budget, seed=settings.seed)
    unlike = any(way.closed for found in ways.values() for way in found)
    for crowd in crowded(claims, ways, left):
        left = _without(claims, left, crowd.limits)
        counted += 1
        # where cores differ, a part of what a count needs may fail for a reason not counted
        least = joint.least(crowd.limits) if unlike else Least(crowd.limits, minimal=True)
        said = (
            of_crowd(replace(crowd, limits=least.limits), ledger)
            if set(crowd.pool) <= set(least.limits)
            else headline([claims[i] for i in least.limits], ledger)
        )
        yield _conflict(claims, least.limits, said, minimal=least.minimal)
    for _ in range(most):
        least = joint.next(sorted(left), first=not counted)
        if least is None:
            return
        counted += 1
        left = _without(claims, left, least.limits)
        said = headline([claims[i] for i in least.limits], ledger)
        yield _conflict(claims, least.limits, said, minimal=least.minimal)
        if not least.limits:
            return


def _conflict(
    claims: tuple[Claim, ...], limits: tuple[int, ...], said: str, *, minimal: bool = True
) -> Conflict:
    own = tuple(claims[i] for i in limits)
    return Conflict(headline=said, claims=own, minimal=minimal)


def _without(
    claims: tuple[Claim, ...], left: frozenset[int], limits: tuple[int, ...]
) -> frozenset[int]:
    """Without these limits, nor other counts of the same cores: that would be no other reason."""
    if any(claims[i].kind in CORES for i in limits):
        left -= {i for i, claim in enumerate(claims) if claim.kind in CORES}
    return left.difference(limits)
