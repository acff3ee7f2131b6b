"""What a neuron may become on a chip, and what that costs: every order of every rewrite.

The rules that change a neuron are those of rewrite_rules of the stage `Neuronal`; each is
tried at most once in a row of at most `MOST`. What the policy (docs/architecture.md) forbids is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mapper.oracle.answer import STEPS
from mapper.problem.settings import Settings
from nir_io.graph import Neuron, make_graph
from nir_io.settings import Reset
from rewrite_rules import rules_of
from rewrite_rules.dynamics import Dynamics, discretise
from rewrite_rules.rule import Exact, Proposal, Unbounded, Within
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target

MOST = 4
Accept = Callable[[Neuron, Reset, Dynamics], bool]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Became:
    """A neuron that the chip runs; `score` in steps of 1e-4, without what its bias adds."""

    node: Neuron
    reset: Reset
    dynamics: Dynamics
    rules: tuple[str, ...]
    score: int


def becomes(node: Neuron, target: Target, settings: Settings, accept: Accept) -> list[Became]:
    """Every neuron that `accept` takes and the policy allows. Raises BadInput as discretise."""
    found: list[Became] = []
    for new, reset, proposals in _rows(node, target.semantics.reset, (), target, accept):
        if _allowed(proposals, settings):
            dynamics = discretise(new, target.semantics)
            names = tuple(p.rule for p in proposals)
            score = round(STEPS * sum(_error(p) for p in proposals))
            found.append(Became(node=new, reset=reset, dynamics=dynamics, rules=names, score=score))
    return found


def _rows(
    node: Neuron, reset: Reset, done: tuple[Proposal, ...], target: Target, accept: Accept
) -> Iterator[tuple[Neuron, Reset, tuple[Proposal, ...]]]:
    """(neuron, reset, rewrites in order) of everything that is accepted, none rewritten further."""
    dynamics = discretise(node, target.semantics)
    if min(dynamics.mem_decay.min(), dynamics.syn_decay.min()) < 0:
        return  # no chip's decay turns the sign of a state
    if accept(node, reset, dynamics):
        yield node, reset, done
        return
    if len(done) == MOST:
        return
    seen = replace(target, semantics=replace(target.semantics, reset=reset))
    graph = make_graph((node,), ())
    for rule in rules_of(*Neuronal):
        if any(p.rule == rule.name for p in done):
            continue
        answer = rule.propose(graph, node.name, seen)
        if not isinstance(answer, Proposal):
            continue
        new = answer.use[0]
        assert isinstance(new, Neuron)
        yield from _rows(new, answer.reset or reset, (*done, answer), target, accept)


def _allowed(proposals: tuple[Proposal, ...], settings: Settings) -> bool:
    """Exact rewrites always; bounded ones within --max-error, the rest by --allow."""
    inexact = [p for p in proposals if not isinstance(p.keeps, Exact)]
    if settings.exact and inexact:
        return False
    asking = [p for p in inexact if p.rule not in settings.allow]
    if any(isinstance(p.keeps, Unbounded) for p in asking):
        return False
    return sum(_error(p) for p in asking) <= settings.max_error


def _error(proposal: Proposal) -> float:
    match proposal.keeps:
        case Within(bound=bound):
            return bound
        case Unbounded():
            return 1.0
        case _:
            return 0.0
