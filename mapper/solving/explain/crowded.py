"""Limits on all populations together that fail even if each takes its cheapest way.

Every population takes at least its cheapest open way of what a limit adds up. Where that
is more than there is, the limit fails, together with the limits that closed the cheaper
ways. For cores in classes the same holds for any set of classes: slices that fit no other
need that many cores of these (Hall's condition). No solver is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mapper.solving.claims.ledger import Bound, Claim, Decision
from mapper.solving.explain.kinds import rank
from mapper.solving.explain.shrink import shrink
from mapper.solving.explain.ways import Limits, Way, Ways

CORES = ("cores", "one-slice-a-core")
MOST_CLASSES = 6  # of cores, whose subsets are tried


@dataclass(frozen=True, slots=True)
class Crowd:
    """More is needed than there is.

    limits: the conflict; pool: those of its claims that say what there is; `need`, `have`
    in their unit; of: (population in quotes, what it takes at least), the largest first.
    """

    limits: tuple[int, ...]
    pool: tuple[int, ...]
    need: int
    have: int
    of: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Pool:
    """`price`: what a way takes at least while some limits hold."""

    limits: tuple[int, ...]
    have: int
    price: Callable[[Way, Limits], int]

    def takes(self, ways: Ways, limits: Limits) -> dict[str, int]:
        """What each population takes at least; one without an open way takes nothing."""
        return {
            name: min((self.price(w, limits) for w in found if w.is_open(limits)), default=0)
            for name, found in ways.items()
        }


def crowded(claims: Sequence[Claim], ways: Ways, left: Limits) -> Iterator[Crowd]:
    """Conflicts among the limits `left` that share none, each subset-minimal."""
    near = {i for found in ways.values() for way in found for i in way.limits}
    for pool in _pools(claims, ways):
        if not left.issuperset(pool.limits):
            continue
        if sum(pool.takes(ways, left).values()) <= pool.have:
            continue

        def fails(limits: Sequence[int], pool: _Pool = pool) -> bool:
            both = frozenset((*limits, *pool.limits))
            return sum(pool.takes(ways, both).values()) > pool.have

        order = sorted((left & near) - set(pool.limits), key=lambda i: (rank(claims[i].kind), i))
        kept = shrink(order, fails)
        limits = tuple(sorted((*pool.limits, *kept)))
        takes = pool.takes(ways, frozenset(limits))
        yield Crowd(limits, pool.limits, sum(takes.values()), pool.have, _largest(takes))
        left -= set(limits)
        if claims[pool.limits[0]].kind in CORES:
            left -= {i for i, claim in enumerate(claims) if claim.kind in CORES}


def is_crowded(claims: Sequence[Claim], ways: Ways, left: Limits) -> bool:
    """Whether any of the pools is too small."""
    return any(
        left.issuperset(pool.limits) and sum(pool.takes(ways, left).values()) > pool.have
        for pool in _pools(claims, ways)
    )


def _largest(takes: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    found = [(f"'{name}'", amount) for name, amount in takes.items() if amount]
    return tuple(sorted(found, key=lambda item: -item[1]))


def _pools(claims: Sequence[Claim], ways: Ways) -> Iterator[_Pool]:
    """Sets of core classes, small ones first; limits that add up what plans take; all classes."""
    own = {d for found in ways.values() for w in found for d in (w.choice, *w.slots.values())}
    classes = {
        i: (claim.limit, claim.bounds[0].high or 0)
        for i, claim in enumerate(claims)
        if claim.kind == "one-slice-a-core"
    }
    small = range(1, len(classes)) if len(classes) <= MOST_CLASSES else ()
    yield from (_of_classes(classes, some) for n in small for some in combinations(classes, n))
    for i, claim in enumerate(claims):
        if claim.question or i in classes:
            continue
        for bound in claim.bounds:
            if bound.high is not None and _adds_up(bound, own):
                yield _Pool((i,), bound.high, _price(bound))
    if classes:
        yield _of_classes(classes, tuple(classes))


def _of_classes(classes: Mapping[int, tuple[str, int]], some: tuple[int, ...]) -> _Pool:
    names = frozenset(classes[i][0] for i in some)

    def price(way: Way, limits: Limits) -> int:
        return way.parts if way.closed and way.classes(limits) <= names else 0

    return _Pool(some, sum(classes[i][1] for i in some), price)


def _adds_up(bound: Bound, own: set[Decision]) -> bool:
    """Whether the bound limits a sum over several plans, with nothing that takes from it."""
    return (
        len(bound.terms) > 1
        and all(c >= 0 for c, _ in bound.terms)
        and any(d in own for _, d in bound.terms)
    )


def _price(bound: Bound) -> Callable[[Way, Limits], int]:
    share = {decision: coefficient for coefficient, decision in bound.terms}

    def price(way: Way, limits: Limits) -> int:
        each = [share.get(way.slots[name], 0) for name in way.classes(limits)]
        return share.get(way.choice, 0) + way.parts * min(each, default=0)

    return price
