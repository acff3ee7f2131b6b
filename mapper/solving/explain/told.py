"""Conflicts as they are told: one reason that several populations share is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mapper.solving.claims.ledger import Claim
from mapper.solving.explain.kinds import rank
from mapper.solving.outcome import Conflict
from nir_io.raw import first_of

NAMED = 2  # populations that a sentence names before it counts the rest


def told(found: tuple[Conflict, ...], most: int) -> tuple[Conflict, ...]:
    """Up to `most` conflicts, the gravest first; `others` of each have the same reason."""
    groups: dict[object, list[Conflict]] = {}
    for conflict in found:
        groups.setdefault(_reason(conflict), []).append(conflict)
    merged = [_together(group) for group in groups.values()]
    return tuple(sorted(merged, key=_gravity)[:most])


def severity(claim: Claim) -> float:
    """How far demand exceeds what is there, as a ratio."""
    if claim.available > 0:
        return claim.demanded / claim.available
    return float("inf") if claim.demanded > 0 else 1.0


def named(names: Sequence[str]) -> str:
    """'a' / 'a' and 'b' / 'a', 'b' and 3 more; names come in quotes."""
    return " and ".join(names) if len(names) <= NAMED else first_of(names, NAMED)


def _reason(conflict: Conflict) -> object:
    """Equal for conflicts of different populations that say the same."""
    if not conflict.claims or any(len(claim.subject) != 1 for claim in conflict.claims):
        return id(conflict)
    return tuple(sorted((c.kind, c.limit, c.template) for c in conflict.claims))


def _together(group: list[Conflict]) -> Conflict:
    """The conflict that exceeds its limit most, with the others of the group."""
    ordered = sorted(group, key=lambda c: -max(map(severity, c.claims), default=0.0))
    first, others = ordered[0], tuple(ordered[1:])
    if not others:
        return first
    return replace(first, headline=_of_all(first, group, others), others=others)


def _of_all(first: Conflict, group: list[Conflict], others: tuple[Conflict, ...]) -> str:
    """One sentence for all: the names joined where it is the same, else the worst and who else."""
    own = _name(first)
    names = [_name(conflict) for conflict in group]
    lead = f"{own}: "
    if first.headline.startswith(lead):
        said = first.headline.removeprefix(lead)
        if all(c.headline.removeprefix(f"{_name(c)}: ") == said for c in others):
            return f"{named(names)}: {said}"
    rest = [_name(conflict) for conflict in others]
    return f"{first.headline}. Likewise {named(rest)}"


def _name(conflict: Conflict) -> str:
    return f"'{conflict.claims[0].subject[0]}'"


def _gravity(conflict: Conflict) -> tuple[int, float]:
    ranks = [rank(claim.kind) for claim in conflict.claims]
    worst = max(map(severity, conflict.claims), default=0.0)
    return (min(ranks, default=0), -worst)
