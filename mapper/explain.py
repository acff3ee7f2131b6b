"""Why a network does not fit: subset-minimal sets of limits, and one sentence for each.

The solver's core is a hint: it is re-solved, and limits are dropped one by one; what stays
cannot hold together, and could without any one of them. What was asked (each population is
placed) holds throughout.
"""

from __future__ import annotations

from collections.abc import Sequence

from mapper.ledger import Claim, Ledger
from mapper.outcome import Conflict
from mapper.settings import Settings

MOST = 5  # independent conflicts that are told


def conflicts(ledger: Ledger, settings: Settings, most: int = MOST) -> tuple[Conflict, ...]:
    """Up to `most` conflicts that share no limit; empty where the budget ends first."""
    from mapper.solve.cpsat import Prober

    prober = Prober(ledger.claims, budget=settings.budget, seed=settings.seed)
    left = list(prober.limits())
    out: list[Conflict] = []
    while len(out) < most:
        core = prober.core(left)
        if not isinstance(core, tuple):
            break
        least = minimal(prober, core)
        claims = tuple(ledger.claims[i] for i in least)
        out.append(Conflict(headline=headline(claims), claims=claims))
        left = [i for i in left if i not in least]
        if not least:
            break
    return tuple(out)


def minimal(prober: object, core: Sequence[int]) -> tuple[int, ...]:
    """A subset of `core` that cannot hold and of which each member is needed."""
    from mapper.solve.cpsat import Prober

    assert isinstance(prober, Prober)
    kept: list[int] = []
    left = list(core)
    while left:
        tried = left.pop()
        answer = prober.core([*kept, *left])
        if isinstance(answer, tuple):
            left = [i for i in left if i in answer]
            kept = [i for i in kept if i in answer]
        else:
            kept.append(tried)
    return tuple(sorted(kept))


def headline(claims: Sequence[Claim]) -> str:
    """One sentence with the numbers of the conflict."""
    if not claims:
        return "the question contradicts itself"
    told = sorted(claims, key=_rank)
    if len(told) == 1:
        return told[0].says
    if {c.kind for c in told} <= {"unsupported", "needs-allow", "max-error", "exact-only"}:
        return "; or ".join(dict.fromkeys(c.says for c in told))
    rest = ", ".join(dict.fromkeys(c.kind for c in told[1:]))
    return f"{told[0].says} (together with {len(told) - 1} more: {rest})"


def _rank(claim: Claim) -> tuple[int, str]:
    kinds = ("needs-allow", "max-error", "exact-only", "unsupported")
    return (kinds.index(claim.kind) if claim.kind in kinds else -1, claim.kind)
