"""The ways of each population, and which limits close them: all that a proof without a solver needs.

A way is open as long as no limit forbids its plan and, on chips whose cores differ, the
classes of cores that are not forbidden to its slices have room for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapper.solving.claims.ledger import Bound, Choose, Claim, Count, Decision

Limits = frozenset[int]  # claims, by their index in the ledger


@dataclass(frozen=True, slots=True)
class Way:
    """One way to carry out a population.

    forbid: limits that forbid it; parts: slices that it puts on cores; closed: per class
    of cores the limits that forbid it there, empty where the chip's cores are alike; slots:
    the decision on its slices there; room: (the limit that says so, cores of the class).
    """

    choice: Decision
    forbid: Limits
    parts: int
    closed: Mapping[str, Limits]
    slots: Mapping[str, Decision]
    room: Mapping[str, tuple[int, int]]

    def is_open(self, limits: Limits) -> bool:
        """Whether it can be used under these limits alone."""
        if self.forbid & limits:
            return False
        if not self.closed:
            return True
        rooms = [self.room[name] for name in self.classes(limits)]
        return sum(cores if i in limits else self.parts for i, cores in rooms) >= self.parts

    def classes(self, limits: Limits) -> frozenset[str]:
        """Classes of cores that these limits leave to it."""
        return frozenset(name for name, by in self.closed.items() if not by & limits)

    @property
    def limits(self) -> Limits:
        """All limits that bear on it."""
        rooms = (self.room[name][0] for name in self.closed)
        return self.forbid.union(*self.closed.values(), rooms)


Ways = Mapping[str, tuple[Way, ...]]


def ways_of(claims: Sequence[Claim]) -> Ways:
    """By population, as the claims `placed` and `slices-on-cores` list them."""
    forbid: dict[Decision, set[int]] = defaultdict(set)
    room: dict[str, tuple[int, int]] = {}
    slots: dict[Decision, tuple[int, dict[str, Decision]]] = {}
    for i, claim in enumerate(claims):
        if claim.kind == "one-slice-a-core":
            room[claim.limit] = (i, claim.bounds[0].high or 0)
        for bound in claim.bounds:
            if claim.kind == "slices-on-cores":
                slots |= _slots(bound)
            elif not claim.question and _forbids(bound):
                forbid[bound.terms[0][1]].add(i)

    def way(choice: Decision) -> Way:
        parts, own = slots.get(choice, (1, {}))
        closed = {name: frozenset(forbid[slot]) for name, slot in own.items()}
        return Way(choice, frozenset(forbid[choice]), parts, closed, own, room)

    return {
        claim.subject[0]: tuple(way(d) for bound in claim.bounds for _, d in bound.terms)
        for claim in claims
        if claim.kind == "placed"
    }


def hopeless(claims: Sequence[Claim]) -> tuple[int, ...]:
    """Limits that fail whatever is decided."""
    return tuple(
        i for i, claim in enumerate(claims) if not claim.question and any(map(_fails, claim.bounds))
    )


def _fails(bound: Bound) -> bool:
    if bound.terms:
        return False
    return (bound.low or 0) > 0 or (bound.high is not None and bound.high < 0)


def _forbids(bound: Bound) -> bool:
    """Whether the bound sets one decision to 0."""
    if len(bound.terms) != 1 or bound.high is None:
        return False
    return bound.terms[0][0] > bound.high >= 0


def _slots(bound: Bound) -> dict[Decision, tuple[int, dict[str, Decision]]]:
    """A plan's number of slices, and its counts by class, where the bound ties them."""
    plans = [(-c, d) for c, d in bound.terms if isinstance(d, Choose) and c < 0]
    counts: dict[str, Decision] = {
        d.where: d for c, d in bound.terms if isinstance(d, Count) and c == 1
    }
    if len(plans) != 1 or (bound.low, bound.high) != (0, 0):
        return {}
    parts, plan = plans[0]
    return {plan: (parts, counts)}
