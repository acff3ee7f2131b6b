"""Every assignment of a ledger, up to the order of equal cores, which it does not tell apart.

CP-SAT enumerates (ortools, SatParameters: enumerate_all_solutions); one worker, in a fixed
order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from mapper.solving.claims.ledger import Claim, Decision, Ledger
from mapper.solving.solve.cpsat import model_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """Assignments in the order they were found; `all`: there are no others."""

    assignments: tuple[Mapping[Decision, int], ...]
    all: bool


def every(claims: Sequence[Claim], *, most: int, budget: float, seed: int) -> Every:
    """Up to `most` assignments that keep all claims, within `budget` deterministic seconds."""
    model, variables = model_of(Ledger(decisions=(), claims=tuple(claims), objectives=()))
    collector = _Collector(variables, most)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = budget
    solver.parameters.enumerate_all_solutions = True
    status = solver.solve(model, collector)
    ended = status in (cp_model.OPTIMAL, cp_model.INFEASIBLE) and not collector.full
    return Every(assignments=tuple(collector.found), all=ended)


class _Collector(cp_model.CpSolverSolutionCallback):
    def __init__(self, variables: Mapping[Decision, cp_model.IntVar], most: int) -> None:
        super().__init__()
        self.variables, self.most = variables, most
        self.found: list[Mapping[Decision, int]] = []
        self.full = False

    def on_solution_callback(self) -> None:
        """Keep one assignment; stop where there are enough."""
        if len(self.found) >= self.most:
            self.full = True
            self.stop_search()
            return
        self.found.append({d: self.value(v) for d, v in self.variables.items()})
