"""Limits that fail only together: a solver's core, proven again and made subset-minimal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mapper.solving.claims.ledger import Claim
from mapper.solving.explain.kinds import rank
from mapper.solving.explain.shrink import shrink

FIRST = 4.0  # deterministic seconds of one proof for the first conflict
LATER = 0.2  # and for those listed beside it
MOST_PROOFS = 400  # of all conflicts together


@dataclass(frozen=True, slots=True)
class Least:
    """A conflict as indices of claims; `minimal`: each was shown to be needed."""

    limits: tuple[int, ...]
    minimal: bool


class Joint:
    """Finds conflicts among the limits of a ledger, one after the other."""

    def __init__(self, claims: Sequence[Claim], *, budget: float, seed: int) -> None:
        self._claims = claims
        self._question = [claim for claim in claims if claim.question]
        self._budget, self._seed = budget, seed
        self._proofs = 0

    def next(self, limits: Sequence[int], *, first: bool) -> Least | None:
        """A conflict among `limits`; None where there is none, or none was proven in time."""
        from mapper.solving.solve.cpsat import Prober

        each = min(self._budget, FIRST if first else LATER)
        core = Prober(self._claims, budget=each, seed=self._seed).core(limits)
        if not isinstance(core, tuple):
            return None
        return self._least(core, each)

    def least(self, limits: Sequence[int]) -> Least:
        """A subset-minimal part of limits that were shown to fail together."""
        if len(limits) < 2:
            return Least(tuple(limits), minimal=True)
        found = self._least(limits, min(self._budget, LATER))
        return Least(tuple(sorted(found.limits)), minimal=found.minimal)

    def _least(self, limits: Sequence[int], each: float) -> Least:
        ordered = sorted(limits, key=lambda i: (rank(self._claims[i].kind), i))
        unknown: list[Sequence[int]] = []

        def fails(some: Sequence[int]) -> bool:
            answer = self._holds(some, each)
            if answer is None:
                unknown.append(some)
            return answer is False

        kept = shrink(ordered, fails)
        open_ = any(set(some) < set(kept) and len(some) == len(kept) - 1 for some in unknown)
        return Least(kept, minimal=not open_)

    def _holds(self, limits: Sequence[int], each: float) -> bool | None:
        from mapper.solving.solve.cpsat import feasible

        self._proofs += 1
        if self._proofs > MOST_PROOFS:
            return None
        claims = [*self._question, *(self._claims[i] for i in limits)]
        return feasible(claims, budget=each, seed=self._seed)
