"""Why a network does not fit: a subset-minimal set of claims and one sentence.

The solver's core is a hint: it is re-solved and claims are dropped one by one; what stays
cannot hold together, and could without any one of its claims.
"""

from __future__ import annotations

from collections.abc import Sequence

from mapper.ledger import Claim, Ledger
from mapper.outcome import Conflict
from mapper.settings import Settings

STRUCTURE = ("placed", "slices-on-cores")  # what the question itself says; kept to the end


def conflicts(
    ledger: Ledger, found: Sequence[int], settings: Settings, most: int = 5
) -> tuple[Conflict, ...]:
    """Up to `most` conflicts that share no claim other than the question's own."""
    from mapper.solve.cpsat import Unsatisfiable, conflict

    out: list[Conflict] = []
    left = ledger
    core: Sequence[int] = found
    while core and len(out) < most:
        claims = minimal([left.claims[i] for i in core], settings)
        if not claims:
            break
        out.append(Conflict(headline=headline(claims), claims=tuple(claims)))
        used = {id(c) for c in claims if c.kind not in STRUCTURE}
        if not used:
            break
        left = Ledger(
            decisions=left.decisions,
            claims=tuple(c for c in left.claims if id(c) not in used),
            objectives=(),
        )
        again = conflict(left, budget=settings.budget, seed=settings.seed)
        core = again.claims if isinstance(again, Unsatisfiable) else ()
    return tuple(out)


def minimal(claims: list[Claim], settings: Settings) -> list[Claim]:
    """The claims without those that are not needed; limits are tried before the question."""
    from mapper.solve.cpsat import feasible

    def impossible(some: list[Claim]) -> bool:
        return feasible(some, budget=settings.budget, seed=settings.seed) is False

    order = sorted(range(len(claims)), key=lambda i: claims[i].kind in STRUCTURE)
    keep = list(range(len(claims)))
    for i in order:
        without = [claims[j] for j in keep if j != i]
        if len(keep) > 1 and impossible(without):
            keep.remove(i)
    return [claims[i] for i in keep]


def headline(claims: Sequence[Claim]) -> str:
    """One sentence with the numbers of the conflict."""
    limits = [c for c in claims if c.kind not in STRUCTURE]
    if not limits:
        return claims[0].says
    told = sorted(limits, key=_rank)
    first = told[0].says
    if len(told) == 1:
        return first
    if {c.kind for c in told} <= {"unsupported", "needs-allow", "max-error", "exact-only"}:
        return "; or ".join(dict.fromkeys(c.says for c in told))
    return (
        f"{first} (with {len(told) - 1} more: {', '.join(dict.fromkeys(c.kind for c in told[1:]))})"
    )


def _rank(claim: Claim) -> tuple[int, str]:
    kinds = ("needs-allow", "max-error", "exact-only", "unsupported")
    return (kinds.index(claim.kind) if claim.kind in kinds else -1, claim.kind)
