"""Settings that lift a refusal, each solved again before it is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil

from mapper.ledger import Claim
from mapper.outcome import Impossible, Placed, Question
from mapper.pipeline import decide
from mapper.result import WayOut
from mapper.settings import Settings

ALLOW = "--allow "
POLICY = ("needs-allow", "max-error", "exact-only")
ROUNDS = 4  # what one permission uncovers, the next may lift


def ways_out(impossible: Impossible) -> tuple[WayOut, ...]:
    """Options under which the same network fits; empty where none of those tried helps."""
    question = impossible.question
    found: list[WayOut | None] = []
    if _everywhere(impossible, lambda c: c.kind in POLICY):
        found.append(_permissions(impossible))
    if _everywhere(impossible, lambda c: "chips" in c.fixes):
        found.append(_more_chips(question, _claims(impossible)))
    if _everywhere(impossible, lambda c: c.kind == "host-stage"):
        found.append(_on_host(question))
    return tuple(way for way in found if way is not None)


def _everywhere(impossible: Impossible, liftable: Callable[[Claim], bool]) -> bool:
    """Whether every conflict has a claim that could be lifted; the others stay impossible."""
    return all(any(liftable(c) for c in conflict.claims) for conflict in impossible.conflicts)


def _claims(impossible: Impossible) -> list[Claim]:
    return [claim for conflict in impossible.conflicts for claim in conflict.claims]


def _permissions(impossible: Impossible) -> WayOut | None:
    """The least set of `--allow`, without `--exact` if need be."""
    start = impossible.question.settings
    settings = start
    outcome = impossible
    for _ in range(ROUNDS):
        claims = _claims(outcome)
        rules = [
            fix.removeprefix(ALLOW) for c in claims for fix in c.fixes if fix.startswith(ALLOW)
        ]
        allow = tuple(dict.fromkeys((*settings.allow, *rules)))
        exact = settings.exact and not any(claim.kind == "exact-only" for claim in claims)
        if (allow, exact) == (settings.allow, settings.exact):
            return None
        settings = replace(settings, allow=allow, exact=exact)
        answer = decide(replace(impossible.question, settings=settings))
        if isinstance(answer, Placed):
            settings = _fewest(answer.question, start)
            return WayOut(settings=settings, says=_told(settings, start))
        if not isinstance(answer, Impossible):
            return None
        outcome = answer
    return None


def _fewest(question: Question, start: Settings) -> Settings:
    """The question's settings without the permissions that are not needed."""
    settings = question.settings
    for rule in settings.allow:
        if rule in start.allow:
            continue
        fewer = replace(settings, allow=tuple(r for r in settings.allow if r != rule))
        if isinstance(decide(replace(question, settings=fewer)), Placed):
            settings = fewer
    return settings


def _told(settings: Settings, start: Settings) -> str:
    options = [f"{ALLOW}{rule}" for rule in settings.allow if rule not in start.allow]
    if start.exact and not settings.exact:
        return " ".join(("fits without --exact", *(("with", *options) if options else ())))
    return f"fits with {' '.join(options)}"


def _more_chips(question: Question, claims: list[Claim]) -> WayOut | None:
    """The fewest chips that hold the network, near the ratio of what it needs."""
    cores = [claim for claim in claims if "chips" in claim.fixes and claim.available > 0]
    boards = question.profile.lists.get("chips_on_board")
    if not cores or boards is None:
        return None
    most = max(int(n) for n in boards.values)
    ratio = max(claim.demanded / claim.available for claim in cores)
    least = max(ceil(ratio * question.settings.chips), question.settings.chips + 1)
    for chips in range(least, min(least + 2, most + 1)):
        settings = replace(question.settings, chips=chips)
        if isinstance(decide(replace(question, settings=settings)), Placed):
            return WayOut(settings=settings, says=f"fits on {chips} chips: --chips {chips}")
    return None


def _on_host(question: Question) -> WayOut | None:
    """Read-outs on the host, where `--no-host` stands in the way."""
    settings = replace(question.settings, host=True)
    if isinstance(decide(replace(question, settings=settings)), Placed):
        return WayOut(settings=settings, says="fits without --no-host")
    return None
