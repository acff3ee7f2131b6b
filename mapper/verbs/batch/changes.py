"""Changes that lift a refusal, each found by solving again: permissions, chips, limits.

One limit of each conflict is lifted, to what was demanded (at most a few times the limit);
what then refuses is lifted in turn. Changes that turn out not to be needed are taken back. This says what a device or a
policy would have to be, so that a batch can tell what would admit most of its models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from types import MappingProxyType

from device_profiles.profile import CoreClass, Number, Profile
from mapper.families import family_named
from mapper.problem.question import Question
from mapper.solving.claims.ledger import Claim
from mapper.solving.outcome import Conflict, Impossible, Placed
from mapper.solving.pipeline import decide
from mapper.verbs.batch.document import ChangeRow

ALLOW = "--allow "
EXACT_ONLY = "exact-only"
ROUNDS = 6  # what one change uncovers, the next may lift
WIDEST = 4  # times a limit; whoever needs more needs another chip


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """allow: rules; exact: --exact is dropped; chips: of the system, None: as asked.

    limits: new value by limit of the profile.
    """

    allow: tuple[str, ...] = ()
    exact: bool = False
    chips: int | None = None
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def items(self) -> list[ChangeRow]:
        """One row a change: `to` is None where there is no number."""
        rows: list[ChangeRow] = [{"change": f"{ALLOW}{r}", "to": None} for r in self.allow]
        if self.exact:
            rows.append({"change": "drop --exact", "to": None})
        if self.chips is not None:
            rows.append({"change": "--chips", "to": self.chips})
        for name, value in self.limits.items():
            rows.append({"change": name, "to": value})
        return rows


def changes(impossible: Impossible) -> list[ChangeRow] | None:
    """The changes under which the network fits; None where none of those tried helps."""
    start = impossible.question
    backend = family_named(start.profile.family).backend
    made, outcome = Changes(), impossible
    for _ in range(ROUNDS):
        more = _lifted(made, outcome)
        if more is None or more == made:
            return None
        made = more
        answer = decide(_under(start, made), backend)
        if isinstance(answer, Placed):
            return _needed(start, made).items()
        if not isinstance(answer, Impossible):
            return None
        outcome = answer
    return None


def _lifted(made: Changes, outcome: Impossible) -> Changes | None:
    """`made` and what lifts a limit of every conflict; None where a conflict has none."""
    for conflict in _all(outcome.conflicts):
        options = [_lift(made, claim, outcome.question) for claim in conflict.claims]
        found = [option for option in options if option is not None]
        if not found:
            return None
        made = found[0]
    return made if outcome.conflicts else None


def _all(conflicts: Iterable[Conflict]) -> Iterator[Conflict]:
    for conflict in conflicts:
        yield conflict
        yield from conflict.others


def _lift(made: Changes, claim: Claim, question: Question) -> Changes | None:
    """`made` and what lifts `claim`; None where nothing here does."""
    if claim.question:
        return None
    if claim.kind == EXACT_ONLY:
        return replace(made, exact=True)
    rules = [fix.removeprefix(ALLOW) for fix in claim.fixes if fix.startswith(ALLOW)]
    if rules:
        return replace(made, allow=tuple(dict.fromkeys((*made.allow, *rules))))
    profile = question.profile
    if "chips" in claim.fixes and "boards" in profile.lists and claim.available > 0:
        ratio = claim.demanded / claim.available
        return replace(made, chips=max(ceil(ratio * question.settings.chips), made.chips or 0))
    kinds = {number.kind for number in _numbers(profile, claim.limit)}
    beyond = kinds == {"limit"} and claim.demanded > claim.available
    below = kinds == {"floor"} and claim.demanded < claim.available
    if not (beyond or below) or claim.demanded > WIDEST * claim.available:
        return None
    return replace(made, limits=MappingProxyType({**made.limits, claim.limit: claim.demanded}))


def _numbers(profile: Profile, name: str) -> list[Number]:
    found = [profile.limits[name]] if name in profile.limits else []
    return found + [core.limits[name] for core in profile.cores if name in core.limits]


def _under(question: Question, made: Changes) -> Question:
    settings = question.settings
    settings = replace(
        settings,
        allow=tuple(dict.fromkeys((*settings.allow, *made.allow))),
        exact=settings.exact and not made.exact,
        chips=settings.chips if made.chips is None else made.chips,
    )
    return replace(question, settings=settings, profile=_with(question.profile, made.limits))


def _with(profile: Profile, limits: Mapping[str, float]) -> Profile:
    """The profile with each limit at least as wide as asked."""

    def wide(name: str, number: Number) -> Number:
        if name not in limits:
            return number
        best = min if number.kind == "floor" else max
        return replace(number, value=best(number.value, limits[name]), optimistic=None)

    cores = tuple(
        CoreClass(
            name=core.name,
            ids=core.ids,
            limits={name: wide(name, number) for name, number in core.limits.items()},
        )
        for core in profile.cores
    )
    chip = {name: wide(name, number) for name, number in profile.limits.items()}
    return replace(profile, limits=chip, cores=cores)


def _needed(question: Question, made: Changes) -> Changes:
    """`made` without the changes that are not needed, limits first."""
    for name in made.limits:
        rest = {key: value for key, value in made.limits.items() if key != name}
        made = _if_fits(question, made, replace(made, limits=MappingProxyType(rest)))
    for rule in made.allow:
        made = _if_fits(
            question, made, replace(made, allow=tuple(r for r in made.allow if r != rule))
        )
    return made


def _if_fits(question: Question, made: Changes, fewer: Changes) -> Changes:
    backend = family_named(question.profile.family).backend
    if fewer == Changes():
        return made
    return fewer if isinstance(decide(_under(question, fewer), backend), Placed) else made
