"""The fewest cores that some limits leave room for, and who takes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mapper.solving.claims.ledger import Claim, Count, Ledger, Terms, ledger_of

BUDGET = 1.0  # deterministic seconds; without an answer the sentence does without the number


@dataclass(frozen=True, slots=True)
class Need:
    """`cores` at least; `of`: (name in quotes, cores it takes) in one way to need no more."""

    cores: int
    of: tuple[tuple[str, int], ...]


def least_cores(ledger: Ledger, pools: Sequence[Claim], others: Sequence[Claim]) -> Need | None:
    """What the network takes of the cores that `pools` count, where `others` hold too.

    None where that is not known: nothing can hold, or the budget ended first.
    """
    from mapper.solving.solve.cpsat import Assignment, solve

    whole = [claim for claim in pools if claim.kind == "cores"]
    terms: Terms = tuple(
        dict.fromkeys(t for claim in (whole or pools) for b in claim.bounds for t in b.terms)
    )
    asked = [claim for claim in ledger.claims if claim.question]
    answer = solve(ledger_of((*asked, *others), (("cores", terms),)), budget=BUDGET, seed=0)
    if not isinstance(answer, Assignment) or not answer.proven:
        return None
    names = sorted((claim.subject[0] for claim in asked if claim.kind == "placed"), key=len)
    taken: dict[str, int] = defaultdict(int)
    for coefficient, decision in terms:
        value = answer.values[decision] * coefficient
        if value and isinstance(decision, Count):
            taken[whose(decision, names)] += value
    ordered = sorted(taken.items(), key=lambda item: -item[1])
    return Need(answer.objectives[0][1], tuple(ordered))


def whose(count: Count, names: Sequence[str]) -> str:
    """The population of a count (mapper.solving.claims.common.slot, relay_decisions): names may hold '/'."""
    if count.what.startswith("relay/"):
        return f"relays of '{count.what.removeprefix('relay/')}'"
    return f"'{next(n for n in reversed(names) if count.what.startswith(f'{n}/'))}'"
