"""`--all`: every placement of a small network, up to the order of equal cores.

Relay cores and copies of a population are told only where the network cannot be placed
without any: else they are placements with something to spare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mapper.solving.claims.common import OURS
from mapper.solving.claims.ledger import Bound, Choose, Claim, Count, Decision, never
from mapper.solving.explain.cores import whose
from mapper.solving.outcome import Impossible, Placed, Undecided
from mapper.verbs.query.document import PlacementsFacts

MOST = 1_000  # placements that are told
MOST_SEEN = 2_000  # assignments that are looked at
BUDGET = 30.0  # deterministic seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """plans: by population; cores: (population or its relays, class of cores, number).

    roles: where a plan says more than on which cores ('hidden', 'output', ... on Xylo);
    score: (objective, value) in order.
    """

    plans: Mapping[str, str]
    roles: Mapping[str, str]
    cores: tuple[tuple[str, str, int], ...]
    score: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placements:
    """`all`: these are all; else the search ended at a bound, which `because` names.

    best: how many of them, the first ones, are equally good and best; best_all: those are
    all of these.
    """

    found: tuple[Placement, ...]
    all: bool
    best: int
    best_all: bool
    because: str


def placements(outcome: Placed | Impossible | Undecided, most: int = MOST) -> Placements:
    """All placements of the outcome's question, the best first.

    The best are looked for by themselves first, so that they are there even where the
    others are too many.
    """
    from mapper.solving.solve.cpsat import feasible
    from mapper.solving.solve.every import every

    ledger, settings = outcome.ledger, outcome.question.settings
    budget = min(BUDGET, settings.budget)
    plain = (*ledger.claims, _without_helpers(outcome))
    lean = feasible(plain, budget=budget, seed=settings.seed) is True
    claims = plain if lean else ledger.claims

    def look(*more: Claim) -> tuple[dict[tuple[object, ...], Placement], bool, int]:
        """Placements by what tells them apart, whether these are all, assignments seen."""
        answer = every((*claims, *more), most=MOST_SEEN, budget=budget, seed=settings.seed)
        seen = (v for v in answer.assignments if lean or not _spare(ledger.claims, v))
        made = {_key(one): one for one in (_placement(outcome, values) for values in seen)}
        return made, answer.all, len(answer.assignments)

    least = _asks(Bound(()))
    if isinstance(outcome, Placed):
        values = {name: value for name, value, _ in outcome.objectives}
        least = _asks(*(Bound(t, high=values[n]) for n, t in ledger.objectives if n in values))
    best, best_all, _ = look(least)
    found, whole, seen = look()
    ordered = sorted(
        (best | found).values(), key=lambda one: ([v for _, v in one.score], _key(one))
    )
    top = sum(one.score == ordered[0].score for one in ordered)
    because = ""
    if not whole:
        because = f"the search ended after {seen:,} assignments"
    elif len(ordered) > most:
        because = f"the first {most:,} of {len(ordered):,}"
    return Placements(
        found=tuple(ordered[:most]),
        all=whole and len(ordered) <= most,
        best=min(top, most),
        best_all=best_all and top <= most,
        because=because,
    )


def _asks(*bounds: Bound, says: str = "as good as the best") -> Claim:
    """What these placements keep beside the limits."""
    return Claim(
        kind="placed",
        subject=(),
        template=says,
        demanded=0,
        available=0,
        unit="core",
        source=OURS,
        confidence="published",
        bounds=bounds,
        question=True,
    )


def _without_helpers(outcome: Placed | Impossible | Undecided) -> Claim:
    """No relay, and no second copy of anything."""
    copied = [
        Choose(name, plan.id)
        for name, plans in outcome.options.plans.items()
        for plan in plans
        if plan.copies > 1
    ]
    relays = [d for d in outcome.ledger.decisions if _is_relay(d)]
    return _asks(*never(*copied, *relays), says="without relays and copies")


def _is_relay(decision: Decision) -> bool:
    return isinstance(decision, Count) and decision.what.startswith("relay/")


def _placement(
    outcome: Placed | Impossible | Undecided, values: Mapping[Decision, int]
) -> Placement:
    names = [p.name for p in outcome.question.network.populations]
    known = sorted(names, key=len)
    chosen = {
        name: plan
        for name in names
        for plan in outcome.options.plans.get(name, ())
        if values.get(Choose(name, plan.id))
    }
    cores = sorted(
        (whose(d, known), d.where, value)
        for d, value in values.items()
        if value and isinstance(d, Count) and d.where != "hidden"
    )
    score = tuple(
        (name, sum(c * values.get(d, 0) for c, d in terms))
        for name, terms in outcome.ledger.objectives
    )
    return Placement(
        plans={name: plan.id for name, plan in chosen.items()},
        roles={name: plan.role for name, plan in chosen.items() if plan.role},
        cores=tuple(cores),
        score=score,
    )


def _key(one: Placement) -> tuple[object, ...]:
    return (tuple(one.plans.items()), one.cores)


def _spare(claims: Iterable[Claim], values: Mapping[Decision, int]) -> bool:
    """Whether a relay could be left out, all else equal."""
    relays = [d for d, n in values.items() if n and _is_relay(d)]
    return any(_holds(claims, {**values, d: values[d] - 1}) for d in relays)


def _holds(claims: Iterable[Claim], values: Mapping[Decision, int]) -> bool:
    return all(_keeps(bound, values) for claim in claims for bound in claim.bounds)


def _keeps(bound: Bound, values: Mapping[Decision, int]) -> bool:
    total = sum(c * values.get(d, 0) for c, d in bound.terms)
    low, high = bound.low, bound.high
    return (low is None or total >= low) and (high is None or total <= high)


def facts(found: Placements) -> PlacementsFacts:
    """For JSON."""
    return {
        "all": found.all,
        "best": found.best,
        "best_all": found.best_all,
        "because": found.because,
        "placements": [
            {
                "score": dict(one.score),
                "plans": dict(one.plans),
                "roles": dict(one.roles),
                "cores": [
                    {"of": of, "class": where, "cores": cores} for of, where, cores in one.cores
                ],
            }
            for one in found.found
        ],
    }
