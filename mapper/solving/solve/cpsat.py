"""CP-SAT over a ledger: an assignment, a set of claims that cannot hold together, or neither.

One worker, a fixed seed and deterministic limits: the same ledger gives the same answer
(ortools, SatParameters: num_workers, random_seed, max_deterministic_time).
"""

# ortools' CP-SAT is typed in part
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ortools.sat.python import cp_model

from mapper.solving.claims.ledger import Choose, Claim, Count, Decision, Ledger, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Decisions with their values; per objective (name, value, proven lower bound)."""

    values: Mapping[Decision, int]
    objectives: tuple[tuple[str, int, int], ...]
    proven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsatisfiable:
    """The claims cannot hold together; which of them, a Prober tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The budget was spent: `budget` deterministic seconds, best bounds per objective."""

    budget: float


SAFE = 2**60  # CP-SAT's objective must stay within 64 bits


def solve(ledger: Ledger, *, budget: float, seed: int) -> Assignment | Unsatisfiable | Unknown:
    """Minimise the objectives lexicographically under all claims.

    They are one weighted sum where its range allows (each weight exceeds all that the less
    important ones can reach together), else solved one after the other, each fixed at its
    best value before the next. `proven` is False where the budget ended first.
    """
    groups = _groups(ledger.objectives)
    fixed: list[tuple[Terms, int]] = []
    best: Assignment | None = None
    bounds: list[tuple[str, int]] = []
    for names, terms in groups:
        model, variables = model_of(ledger)
        for old, value in fixed:
            model.add(_sum(variables, old) <= value)
        if best is not None:
            for decision, variable in variables.items():
                model.add_hint(variable, best.values[decision])
        if terms:
            model.minimize(_sum(variables, terms))
        solver = _solver(budget, seed)
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return Unsatisfiable()
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return replace(best, proven=False) if best else Unknown(budget=budget)
        values = {decision: int(solver.value(variable)) for decision, variable in variables.items()}
        optimal = status == cp_model.OPTIMAL
        fixed.append((terms, sum(c * values[d] for c, d in terms)))
        own = {name: sum(c * values[d] for c, d in t) for name, t in ledger.objectives}
        bounds += [(name, own[name] if optimal else 0) for name in names]
        told = tuple((name, own[name], bound) for name, bound in bounds)
        proven = optimal and (best is None or best.proven)
        best = Assignment(values=values, objectives=told, proven=proven)
    return best or Unknown(budget=budget)


def _groups(objectives: tuple[tuple[str, Terms], ...]) -> list[tuple[list[str], Terms]]:
    """Objectives in order, as many as possible joined into one weighted sum."""
    groups: list[tuple[list[str], Terms]] = []
    reach = 0
    for name, terms in reversed(objectives):
        most = sum(abs(c) * (d.most if isinstance(d, Count) else 1) for c, d in terms)
        weight = reach + 1
        if groups and weight * most + reach < SAFE:
            names, joined = groups[0]
            groups[0] = ([name, *names], (*((c * weight, d) for c, d in terms), *joined))
            reach += weight * most
        else:
            groups.insert(0, ([name], terms))
            reach = most
    return groups or [([], ())]


HINT = 0.05  # deterministic seconds for a core by assumptions before a plain proof is asked


class Prober:
    """Asks again and again whether some of a ledger's limits can hold together.

    What was asked (claims marked `question`) always holds. A proof is asked of a model that
    holds the limits as they are: behind literals CP-SAT's presolve and relaxation see
    nothing of them. A core of assumptions is only a hint that makes the set smaller.
    """

    def __init__(self, claims: Sequence[Claim], *, budget: float, seed: int) -> None:
        self._claims = tuple(claims)
        self._question = [c for c in claims if c.question]
        self._limits = tuple(i for i, c in enumerate(claims) if c.bounds and not c.question)
        self._budget, self._seed = budget, seed

    def limits(self) -> tuple[int, ...]:
        """Indices of the claims that can be asked about."""
        return self._limits

    def core(self, limits: Sequence[int]) -> tuple[int, ...] | bool | None:
        """A sufficient subset that cannot hold; True where all can; None: budget spent."""
        hinted = self._hint(limits)
        if hinted is True:
            return True
        for some in (hinted, tuple(limits)):
            if not isinstance(some, tuple):
                continue
            claims = [*self._question, *(self._claims[i] for i in some)]
            answer = feasible(claims, budget=self._budget, seed=self._seed)
            if answer is False:
                return some
            if len(some) == len(limits):
                return answer
        return None

    def _hint(self, limits: Sequence[int]) -> tuple[int, ...] | bool | None:
        ledger = Ledger(decisions=(), claims=self._claims, objectives=())
        model, variables = _variables(ledger)
        for claim in self._question:
            _add(model, variables, claim, None)
        literals = {i: model.new_bool_var("") for i in limits}
        for i, literal in literals.items():
            _add(model, variables, self._claims[i], literal)
        model.add_assumptions(list(literals.values()))
        solver = _solver(min(HINT, self._budget), self._seed)
        status = solver.solve(model)
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return True
        if status != cp_model.INFEASIBLE:
            return None
        index = {literal.index: i for i, literal in literals.items()}
        return tuple(sorted(index[i] for i in solver.sufficient_assumptions_for_infeasibility()))


def feasible(claims: Sequence[Claim], *, budget: float, seed: int) -> bool | None:
    """Whether the claims can hold together; None where the budget ended first."""
    model, _ = model_of(Ledger(decisions=(), claims=tuple(claims), objectives=()))
    status = _solver(budget, seed).solve(model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return True
    return False if status == cp_model.INFEASIBLE else None


def _solver(budget: float, seed: int) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed
    solver.parameters.max_deterministic_time = budget
    return solver


def _variables(ledger: Ledger) -> tuple[cp_model.CpModel, dict[Decision, cp_model.IntVar]]:
    model = cp_model.CpModel()
    decisions = dict.fromkeys(ledger.decisions)
    decisions |= dict.fromkeys(d for c in ledger.claims for b in c.bounds for _, d in b.terms)
    variables = {
        d: model.new_bool_var("") if isinstance(d, Choose) else model.new_int_var(0, d.most, "")
        for d in decisions
    }
    return model, variables


def model_of(ledger: Ledger) -> tuple[cp_model.CpModel, dict[Decision, cp_model.IntVar]]:
    """A model that holds all claims, and its variable of each decision."""
    model, variables = _variables(ledger)
    for claim in ledger.claims:
        _add(model, variables, claim, None)
    return model, variables


def _add(
    model: cp_model.CpModel,
    variables: Mapping[Decision, cp_model.IntVar],
    claim: Claim,
    literal: cp_model.IntVar | None,
) -> None:
    for bound in claim.bounds:
        low = bound.low if bound.low is not None else cp_model.INT_MIN
        high = bound.high if bound.high is not None else cp_model.INT_MAX
        if not bound.terms:
            if low > 0 or high < 0:
                added = model.add_bool_or([])
                if literal is not None:
                    added.only_enforce_if(literal)
            continue
        added = model.add_linear_constraint(_sum(variables, bound.terms), low, high)
        if literal is not None:
            added.only_enforce_if(literal)


def _sum(variables: Mapping[Decision, cp_model.IntVar], terms: Terms) -> cp_model.LinearExprT:
    return cp_model.LinearExpr.weighted_sum(
        [variables[decision] for _, decision in terms], [coefficient for coefficient, _ in terms]
    )
