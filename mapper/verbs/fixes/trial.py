"""Asking again: whether a changed question fits, and with which permissions.

Work is counted, not timed, so that the same question offers the same fixes everywhere: a
trial costs a little for itself and more for what it has to write out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mapper.families import family_named
from mapper.problem.asked import Asked
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.solving.claims.common import policy
from mapper.solving.claims.ledger import Claim, Ledger
from mapper.solving.explain import counted_out
from mapper.solving.explain.kinds import sort_of
from mapper.solving.offer.plans import Options
from mapper.solving.pipeline import offer, state
from mapper.solving.pose import pose
from nir_io.graph import Linear
from nir_io.semantics import per_step
from rewrite_rules.rule import Exact, Unbounded, Within

WORK = 400.0  # units of one search, of about 10 ms each
EACH = 0.5  # units of a trial by itself
POPULATION = 0.3  # and of each population in it
PROOF = 0.3  # deterministic seconds of a trial's proof


class OutOfWorkError(Exception):
    """The search has used up its work."""


@dataclass(slots=True)
class Effort:
    """What is left of a search's work."""

    left: float = WORK

    def spend(self, units: float) -> None:
        """Take some. Raises OutOfWorkError where there is no more."""
        if self.left <= 0:
            raise OutOfWorkError
        self.left -= units


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trial:
    """A question that was asked again; `fits` is None where the proof was not done."""

    asked: Asked
    question: Question
    options: Options
    ledger: Ledger
    fits: bool | None
    work: float = 0.0


def trial(asked: Asked, effort: Effort, *, hurried: bool = True) -> Trial | None:
    """The answer to a changed question; None where it fails at sight.

    hurried: proofs end early, and the answer is then open.
    Raises BadInput where the question makes no sense.
    """
    before = effort.left
    effort.spend(EACH)
    graph = per_step(asked.source.graph, asked.semantics)
    backend = family_named(asked.profile.family).backend
    question = pose(graph, asked.profile, asked.semantics, asked.settings, backend)
    if backend.quick(question.network, asked.profile, asked.semantics):
        return None
    effort.spend(POPULATION * len(question.network.populations))
    options = offer(question, backend)
    effort.spend(_written(options) / question.traits.matrix_entries)
    ledger = state(question, options, backend)
    return Trial(
        asked=asked,
        question=question,
        options=options,
        ledger=ledger,
        fits=holds(ledger.claims, asked.settings, PROOF if hurried else asked.settings.budget),
        work=before - effort.left,
    )


def _written(options: Options) -> int:
    """Entries of all matrices that the forms hold: what was written out and counted."""
    sizes = {
        id(p.weight): p.weight.weight.size
        for found in options.candidates.values()
        for candidate in found
        if candidate.form is not None
        for p in candidate.form.projections
        if isinstance(p.weight, Linear)
    }
    return sum(sizes.values())


def holds(claims: Iterable[Claim], settings: Settings, proof: float = PROOF) -> bool | None:
    """Whether the claims can hold together; where counting shows that not, no solver is asked."""
    from mapper.solving.solve.cpsat import feasible

    asked = tuple(claims)
    if counted_out(asked):
        return False
    return feasible(asked, budget=min(proof, settings.budget), seed=settings.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Settings under which a trial fits; `price` what the permissions among them cost."""

    settings: Settings
    words: tuple[str, ...]
    says: tuple[str, ...]
    price: float


def permits(tried: Trial, effort: Effort) -> Permits | None:
    """The fewest permissions that make it fit, those without a bound last; None: none do."""
    settings = tried.asked.settings
    if tried.fits:
        return Permits(settings=settings, words=(), says=(), price=0.0)
    fixed = [claim for claim in tried.ledger.claims if sort_of(claim.kind) != "policy"]
    fixed += [claim for claim in tried.ledger.claims if claim.kind == "host-stage"]
    if not holds(fixed, settings):
        return None
    found = _approximations(tried.options)
    worst_first = sorted(found, key=lambda rule: (found[rule] is not None, -(found[rule] or 0)))
    chosen = replace(settings, exact=False, allow=_sorted((*settings.allow, *found)))

    def enough(some: Settings) -> bool:
        effort.spend(EACH / 2)
        network, options = tried.question.network, tried.options
        return bool(holds((*fixed, *policy(network, options, some)), some))

    if not enough(chosen):
        return None
    for rule in worst_first:
        if rule in settings.allow:
            continue
        fewer = replace(chosen, allow=tuple(r for r in chosen.allow if r != rule))
        chosen = fewer if enough(fewer) else chosen
    added = [rule for rule in chosen.allow if rule not in settings.allow]
    return _told(settings, chosen, added, found)


def _told(
    before: Settings, after: Settings, added: Sequence[str], found: dict[str, float | None]
) -> Permits:
    words: list[str] = []
    says: list[str] = []
    price = 0.0
    if before.exact:
        says.append("drop --exact")
        price += 1.0
    for rule in added:
        bound = found[rule]
        words += ["--allow", rule]
        known = "no bound is known for it" if bound is None else f"error up to {bound:.2g}"
        says.append(f"use the approximation '{rule}' ({known})")
        price += 2.0 + (4.0 if bound is None else 10.0 * bound)
    return Permits(settings=after, words=tuple(words), says=tuple(says), price=price)


def _approximations(options: Options) -> dict[str, float | None]:
    """Rules that are not exact among all plans, with their largest bound; None: no bound."""
    found: dict[str, float | None] = {}
    for plans in options.plans.values():
        for proposal in {p for plan in plans for p in plan.form.neuron.proposals}:
            match proposal.keeps:
                case Within(bound=bound):
                    old = found.get(proposal.rule, 0.0)
                    found[proposal.rule] = None if old is None else max(old, bound)
                case Unbounded():
                    found[proposal.rule] = None
                case Exact():
                    pass
    return found


def _sorted(rules: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(rules)))
