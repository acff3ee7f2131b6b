"""A proof that some rows cannot hold together, which a reader can add up without a solver.

    rows -> relaxation -> a sum of rows that is impossible, or a decision to split -> ...

Each case of the proof is closed by whole multiples of rows: their sum is more than any values
of the decisions in that case can keep (Farkas' lemma, in integers; the decisions' own ranges
need no multiples). Where the relaxation has a solution, a decision splits the case in two.
The multiples are found in floating point (GLOP, through ortools) and checked in integers.
"""

# ortools' linear solver has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import floor, gcd

from ortools.linear_solver import pywraplp

from mapper.solving.claims.ledger import Bound, Count, Decision

MOST_CASES = 400  # of one proof; what needs more is not proven
SCALES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 60, 840, 10**4, 10**6, 10**9)
SMALL = 1e-7
MOST_TRIED = 60  # sums that are tried to make one shorter


@dataclass(frozen=True, slots=True)
class Sum:
    """A closed case: (index of a row, multiple). Positive: of its high side, negative: its low."""

    rows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Two cases: `decision` at most `at`, or at least one more. Indices of the cases."""

    decision: Decision
    at: int
    low: int
    high: int


Case = Sum | Split
Box = Mapping[Decision, tuple[int, int]]


def prove(rows: Sequence[Bound], *, most: int = MOST_CASES) -> tuple[Case, ...] | None:
    """Cases, the first one the whole; None where no proof was found, or there is none."""
    relaxation = _Relaxation(rows)
    cases: list[Case | None] = [None]
    open_: list[tuple[int, dict[Decision, tuple[int, int]]]] = [(0, relaxation.box)]
    while open_:
        at, box = open_.pop()
        found = _alone(rows, box) or relaxation.refute(box)
        if isinstance(found, Sum):
            cases[at] = found
            continue
        if found is None or len(cases) + 2 > most:
            return None
        decision, value = found
        first, last = box[decision]
        below, above = len(cases), len(cases) + 1
        cases += [None, None]
        cases[at] = Split(decision, value, below, above)
        open_.append((above, {**box, decision: (value + 1, last)}))
        open_.append((below, {**box, decision: (first, value)}))
    return tuple(case for case in cases if case is not None)


def _alone(rows: Sequence[Bound], box: Box) -> Sum | None:
    """The first row that fails by itself."""
    for i, row in enumerate(rows):
        for sign, open_side in ((1, row.high is None), (-1, row.low is None)):
            if not open_side and impossible(rows, ((i, sign),), box):
                return Sum(((i, sign),))
    return None


def impossible(rows: Sequence[Bound], multiples: Sequence[tuple[int, int]], box: Box) -> bool:
    """Whether the sum of these multiples of rows is more than the box allows; exact."""
    total: dict[Decision, int] = {}
    limit = 0
    for i, multiple in multiples:
        side = rows[i].high if multiple > 0 else rows[i].low
        if side is None:
            return False
        limit += multiple * side
        for coefficient, decision in rows[i].terms:
            total[decision] = total.get(decision, 0) + multiple * coefficient
    return sum(c * box[d][0 if c > 0 else 1] for d, c in total.items()) > limit


def lean(
    case: Sum, rows: Sequence[Bound], groups: Mapping[int, Hashable], most: int = MOST_TRIED
) -> Sum:
    """The sum without groups of rows that it can do without; `groups`: of rows by index.

    Whole runs of groups first, then shorter ones: where much can go, few sums are tried.
    """
    box: Box = {d: _range(d) for row in rows for _, d in row.terms}
    kept = list(dict.fromkeys(groups[i] for i, _ in case.rows if i in groups))
    size, tried = len(kept) // 2, 0
    while size >= 1 and tried < most:
        for at in range(len(kept) - size, -1, -size):
            fewer = frozenset((*kept[:at], *kept[at + size :]))
            some = tuple(r for r in case.rows if r[0] not in groups or groups[r[0]] in fewer)
            tried += 1
            if impossible(rows, some, box):
                case, kept = Sum(some), [*kept[:at], *kept[at + size :]]
            if tried >= most:
                break
        size = min(size // 2, len(kept) // 2)
    return case


def _range(decision: Decision) -> tuple[int, int]:
    return 0, decision.most if isinstance(decision, Count) else 1


def _near(value: float) -> bool:
    return abs(value - round(value)) <= SMALL * max(1.0, abs(value))


class _Relaxation:
    """min sum of s >= 0 with every row held up to its s: more than 0 where none can hold all."""

    def __init__(self, rows: Sequence[Bound]) -> None:
        self._rows = rows
        decisions = dict.fromkeys(d for row in rows for _, d in row.terms)
        self.box = {d: _range(d) for d in decisions}
        solver = pywraplp.Solver.CreateSolver("GLOP")
        solver.SetNumThreads(1)
        self._solver = solver
        self._variables = {d: solver.NumVar(0, high, "") for d, (_, high) in self.box.items()}
        self._sides: list[tuple[int, int, pywraplp.Constraint]] = []
        objective = solver.Objective()
        for i, row in enumerate(rows):
            for sign, side in ((1, row.high), (-1, row.low)):
                if side is None or not row.terms:
                    continue
                made = solver.Constraint(-solver.infinity(), sign * side)
                for coefficient, decision in row.terms:
                    variable = self._variables[decision]
                    made.SetCoefficient(
                        variable, made.GetCoefficient(variable) + sign * coefficient
                    )
                slack = solver.NumVar(0, solver.infinity(), "")
                made.SetCoefficient(slack, -1)
                objective.SetCoefficient(slack, 1)
                self._sides.append((i, sign, made))
        objective.SetMinimization()

    def refute(self, box: Box) -> Sum | tuple[Decision, int] | None:
        """The sum that closes the case, a decision to split at a value, or neither."""
        for decision, (low, high) in box.items():
            self._variables[decision].SetBounds(low, high)
        if self._solver.Solve() != pywraplp.Solver.OPTIMAL:
            return None
        if self._solver.Objective().Value() > SMALL:
            return self._sum(box)
        values = {d: v.solution_value() for d, v in self._variables.items()}
        parted = {d: abs(v - round(v)) for d, v in values.items()}
        decision = max(parted, key=parted.__getitem__, default=None)
        if decision is None or parted[decision] <= SMALL:
            return None
        return decision, floor(values[decision])

    def _sum(self, box: Box) -> Sum | None:
        duals = [(i, sign, -made.dual_value()) for i, sign, made in self._sides]
        whole = [s for s in SCALES if all(_near(s * dual) for _, _, dual in duals)]
        for scale in (*whole, *SCALES):
            total: dict[int, int] = {}
            for i, sign, dual in duals:
                total[i] = total.get(i, 0) + sign * max(0, round(scale * dual))
            most = gcd(*total.values()) or 1
            multiples = tuple((i, m // most) for i, m in total.items() if m)
            if multiples and impossible(self._rows, multiples, box):
                return Sum(multiples)
        return None
