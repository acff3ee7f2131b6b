"""Populations that have nowhere to go: limits that close all their ways, found without a solver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from mapper.solving.claims.ledger import Claim
from mapper.solving.explain.kinds import rank
from mapper.solving.explain.ways import Limits, Way, Ways, hopeless

MOST_PAIRS = 40  # limits among which pairs are tried before they are dropped one by one


def blocked(claims: Sequence[Claim], ways: Ways) -> Iterator[tuple[int, ...]]:
    """Conflicts that share no limit: limits that fail by themselves, and closed populations.

    Each is subset-minimal.
    """
    failing = hopeless(claims)
    yield from ((i,) for i in failing)
    for found in ways.values():
        left = frozenset(i for way in found for i in way.limits).difference(failing)
        while found and not any(way.is_open(left) for way in found):
            least = _least(found, sorted(left, key=lambda i: (rank(claims[i].kind), i)))
            if not least:
                break
            yield tuple(sorted(least))
            left -= least


def _least(ways: Sequence[Way], limits: Sequence[int]) -> Limits:
    """A subset-minimal set of `limits` that closes all ways; single ones and pairs first."""

    def closes(some: Iterable[int]) -> bool:
        chosen = frozenset(some)
        return not any(way.is_open(chosen) for way in ways)

    tried: list[tuple[int, ...]] = [(i,) for i in limits]
    if len(limits) <= MOST_PAIRS:
        tried += combinations(limits, 2)
    for some in tried:
        if closes(some):
            return frozenset(some)
    kept = list(limits)
    for i in reversed(limits):
        without = [j for j in kept if j != i]
        if closes(without):
            kept = without
    return frozenset(kept)
