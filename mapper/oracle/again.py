"""`verify --resolve`: a refusal's rows solved again, from the certificate alone.

Few assignments are all tried (mapper/exhaustive); more are given to SCIP, a branch-and-cut
solver that shares nothing with CP-SAT (through ortools' linear solver wrapper).
"""

# ortools' linear solver has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass

from ortools.linear_solver import pywraplp

from mapper.oracle.rows import MOST_TRIED, assignments, none_holds
from mapper.solving.claims.ledger import Bound, Choose, Count, Decision
from mapper.solving.document import Amount, Certificate, CertifiedConflict, Choice

NODES = 200_000  # of SCIP's tree for one conflict, so that the answer does not depend on the clock
LARGEST = 10**9  # of a coefficient or side that floating point still decides safely


@dataclass(frozen=True, slots=True)
class Again:
    """What another solver says of one conflict. holds: None where it gave no answer."""

    by: str
    holds: bool | None


def again(raw: Certificate, *, nodes: int = NODES) -> tuple[Again, ...]:
    """An answer for each conflict of a certificate that `verify` could read."""
    return tuple(_again(rows_of(conflict), nodes) for conflict in raw["conflicts"])


def _again(rows: tuple[Bound, ...], nodes: int) -> Again:
    count = assignments(rows)
    if count <= MOST_TRIED:
        tried = f"all {count:,} assignments" if count > 1 else "the only assignment"
        return Again(f"a search through {tried}", not none_holds(rows))
    return Again("SCIP", _by_scip(rows, nodes))


def _by_scip(rows: tuple[Bound, ...], nodes: int) -> bool | None:
    solver = pywraplp.Solver.CreateSolver("SCIP")
    if solver is None or any(_large(row) for row in rows):
        return None
    solver.SetNumThreads(1)
    solver.SetSolverSpecificParametersAsString(f"limits/nodes = {nodes}")
    decisions = dict.fromkeys(d for row in rows for _, d in row.terms)
    variables = {d: solver.IntVar(0, d.most if isinstance(d, Count) else 1, "") for d in decisions}
    for row in rows:
        low = -solver.infinity() if row.low is None else row.low
        high = solver.infinity() if row.high is None else row.high
        made = solver.Constraint(low, high)
        for coefficient, decision in row.terms:
            made.SetCoefficient(variables[decision], coefficient)
    status = solver.Solve()
    if status in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        return True
    return False if status == pywraplp.Solver.INFEASIBLE else None


def _large(row: Bound) -> bool:
    numbers = [c for c, _ in row.terms] + [side for side in (row.low, row.high) if side is not None]
    return any(abs(number) > LARGEST for number in numbers)


def rows_of(conflict: CertifiedConflict) -> tuple[Bound, ...]:
    """The rows of a conflict as the certificate has them."""
    decisions = [_decision(entry) for entry in conflict["decisions"]]
    return tuple(
        Bound(
            tuple((c, decisions[d]) for c, d in row["terms"]),
            low=row["low"],
            high=row["high"],
        )
        for claim in (*conflict["limits"], *conflict["asked"])
        for row in claim["rows"]
    )


def _decision(entry: Choice | Amount) -> Decision:
    if "where" in entry:
        return Count(entry["what"], entry["where"], entry["most"])
    return Choose(entry["what"], entry["how"])
