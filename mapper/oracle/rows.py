"""Rows of a refusal decided by trying every assignment of their decisions."""

# python-constraint has no types
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from constraint import FunctionConstraint, Problem

from mapper.solving.claims.ledger import Bound, Count, Decision

MOST_TRIED = 2**16  # assignments


def assignments(rows: Sequence[Bound]) -> int:
    """Assignments of the decisions that the rows name."""
    return prod(len(_values(d)) for d in _decisions(rows))


def none_holds(rows: Sequence[Bound]) -> bool:
    """Whether no assignment keeps all rows; the search is complete."""
    problem = Problem()
    for decision in _decisions(rows):
        problem.addVariable(decision, list(_values(decision)))
    for row in rows:
        if not row.terms:
            if not _holds(row, 0):
                return True
            continue
        weights = [coefficient for coefficient, _ in row.terms]

        def keeps(*values: int, row: Bound = row, weights: list[int] = weights) -> bool:
            return _holds(row, sum(w * v for w, v in zip(weights, values, strict=True)))

        problem.addConstraint(FunctionConstraint(keeps), [d for _, d in row.terms])
    return bool(_decisions(rows)) and problem.getSolution() is None


def _decisions(rows: Sequence[Bound]) -> tuple[Decision, ...]:
    return tuple(dict.fromkeys(d for row in rows for _, d in row.terms))


def _values(decision: Decision) -> range:
    return range((decision.most if isinstance(decision, Count) else 1) + 1)


def _holds(row: Bound, value: int) -> bool:
    return (row.low is None or row.low <= value) and (row.high is None or value <= row.high)
