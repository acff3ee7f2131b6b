"""From a file to an outcome and a bundle: one straight line of immutable values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from device_profiles.profile import CoreClass, Number, Profile
from mapper.problem.network import Network
from mapper.problem.question import Question
from mapper.solving.claims.ledger import Claim, Ledger, ledger_of
from mapper.solving.family import Backend
from mapper.solving.offer.alternatives import alternatives
from mapper.solving.offer.plans import Options
from mapper.solving.outcome import Conflict, Impossible, Outcome, Undecided

if TYPE_CHECKING:
    pass


MOST_PAIRS = 1_000_000  # of source and target neurons, in a network that fails at sight


def offer(question: Question, backend: Backend) -> Options:
    """Every covering and slicing, and every refusal."""
    target = backend.target(question.profile, question.semantics)
    return alternatives(
        question.network, question.normalised, backend, question.profile, target, question.settings
    )


def state(question: Question, options: Options, backend: Backend) -> Ledger:
    """All claims, and what is minimised."""
    asked = (question.network, options, question.profile, question.settings)
    order = {name: rank for rank, name in enumerate(question.settings.objective)}
    objectives = sorted(
        backend.objectives(*asked),
        key=lambda entry: order.get("cores" if entry[0] == "neurons" else entry[0], len(order)),
    )
    claims = backend.claims(*asked)
    told = {claim.kind for claim in claims}
    plain = backend.quick(question.network, question.profile, question.semantics)
    more = tuple(claim for claim in plain if claim.kind not in told)
    return ledger_of((*claims, *more), tuple(objectives))


def decide(question: Question, backend: Backend) -> Outcome:
    """Placed, Impossible or Undecided.

    Where a large network fails limits whatever is chosen, these are told at once; the
    options of a small one are worked out all the same, for all reasons are told.
    """
    plain = backend.quick(question.network, question.profile, question.semantics)
    if plain and _pairs(question.network) > MOST_PAIRS:
        return _at_sight(question, plain, backend)
    options = offer(question, backend)
    ledger = state(question, options, backend)
    from mapper.solving.explain import conflicts, counted_out

    if counted_out(ledger.claims):
        answer = None
    else:
        from mapper.solving.solve.cpsat import Assignment, Unsatisfiable, solve

        answer = solve(ledger, budget=question.settings.budget, seed=question.settings.seed)
        if isinstance(answer, Assignment):
            return backend.place(question, options, ledger, answer)
        answer = None if isinstance(answer, Unsatisfiable) else answer
    if answer is None:
        found = conflicts(ledger, question.settings)
        return Impossible(
            question=question,
            conflicts=found,
            options=options,
            ledger=ledger,
            optimistic=_optimistic(question, found, backend),
        )
    return Undecided(
        question=question,
        because=f"the solver's budget of {answer.budget:g} deterministic seconds ended first. "
        f"{_counted(ledger)}",
        options=options,
        ledger=ledger,
        decides=(
            f"more time for the solver: --budget {4 * answer.budget:g}",
            "a smaller question: fewer layers, or --exact, which leaves less to choose from",
        ),
    )


def _counted(ledger: Ledger) -> str:
    """The best bound there is without a solution: what counting shows."""
    totals = [claim for claim in ledger.claims if claim.kind in ("cores", "hidden-neurons")]
    if not totals:
        return "Counting shows no limit that fails"
    fullest = max(totals, key=lambda claim: claim.demanded / max(1, claim.available))
    return (
        f"Counting shows no limit that fails: at least {fullest.demanded:,} of "
        f"{fullest.available:,} {fullest.unit} are needed"
    )


def _pairs(network: Network) -> int:
    """Pairs of source and target neurons, over all projections: what matrices would hold."""
    sizes = {name: prod(shape) for name, shape in network.inputs}
    sizes |= {population.name: population.size for population in network.populations}
    return sum(sizes[p.source] * sizes[p.target] for p in network.projections)


def _at_sight(question: Question, plain: tuple[Claim, ...], backend: Backend) -> Impossible:
    """The refusal that `plain` makes, each claim a conflict of its own."""
    nothing = Options(candidates={}, plans={}, normalised=question.normalised)
    best, changed = optimistic(question.profile)
    lifted = (
        changed if changed and not backend.quick(question.network, best, question.semantics) else ()
    )
    return Impossible(
        question=question,
        conflicts=tuple(Conflict(headline=claim.says, claims=(claim,)) for claim in plain),
        options=nothing,
        ledger=ledger_of(plain, ()),
        optimistic=lifted,
    )


def _optimistic(
    question: Question, found: tuple[Conflict, ...], backend: Backend
) -> tuple[str, ...]:
    """Limits whose optimistic values would lift the refusal; empty where none do.

    Numbers of the chip lift neither what it cannot compute nor what the user did not allow.
    """
    from mapper.solving.explain import counted_out
    from mapper.solving.explain.kinds import sort_of

    profile, changed = optimistic(question.profile)
    hopeless = any(
        conflict.claims and {sort_of(c.kind) for c in conflict.claims} <= {"support", "policy"}
        for conflict in found
    )
    if not changed or hopeless:
        return ()
    settings = question.settings

    def fits(profile: Profile) -> bool:
        asked = replace(question, profile=profile)
        claims = state(asked, offer(asked, backend), backend).claims
        if counted_out(claims):
            return False
        from mapper.solving.solve.cpsat import feasible

        return bool(feasible(claims, budget=settings.budget, seed=settings.seed))

    if not fits(profile):
        return ()
    named = {claim.limit for conflict in found for claim in conflict.claims}
    fewer, some = optimistic(question.profile, named)
    return some if some and some != changed and fits(fewer) else changed


def optimistic(
    profile: Profile, only: Collection[str] | None = None
) -> tuple[Profile, tuple[str, ...]]:
    """The profile with every optimistic value, or `only` some, for the safe one; their names."""
    changed: list[str] = []

    def best(name: str, number: Number) -> Number:
        if number.optimistic is None or (only is not None and name not in only):
            return number
        changed.append(name)
        return replace(number, value=number.optimistic, optimistic=None)

    limits = {name: best(name, number) for name, number in profile.limits.items()}
    cores = tuple(
        CoreClass(
            name=core.name,
            ids=core.ids,
            limits={name: best(name, number) for name, number in core.limits.items()},
        )
        for core in profile.cores
    )
    return replace(profile, limits=limits, cores=cores), tuple(changed)
