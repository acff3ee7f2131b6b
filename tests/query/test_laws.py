"""Laws that hold whatever is asked: of room, of order, of conflicts, of the largest size.

The questions are random networks on shrunken devices of every family (tests/exhaustive).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mapper.problem.asked import Asked
from mapper.problem.change.change import Change
from mapper.problem.change.resize import CannotResizeError
from mapper.problem.fix import changed
from mapper.problem.question import Question
from mapper.solving.outcome import Conflict, Impossible, Outcome, Placed
from mapper.solving.solve.cpsat import feasible
from mapper.verbs.query.vary import vary
from nir_io.errors import BadInput
from nir_io.graph import make_graph
from tests.asking import decide, pose
from tests.exhaustive.instances import FAMILIES, Instance, instance
from tests.exhaustive.small import profile
from tests.query.questions import asked, capacities, decided, posed, roomier, sizes

SEEDS = st.integers(0, 10_000)
SEEN = (Phase.explicit, Phase.reuse, Phase.generate)  # a smaller number is no smaller network
FEW = settings(max_examples=12, deadline=None, phases=SEEN)
every_family = pytest.mark.parametrize("family", FAMILIES)


@st.composite
def rooms(draw: st.DrawFn, question: Question) -> tuple[Mapping[str, float], int]:
    """A factor for some capacities, and more cores."""
    names = capacities(question.profile)
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names)))
    factors = {name: draw(st.sampled_from([1.0, 1.5, 2.0, 4.0])) for name in chosen}
    xylo = question.profile.family == "xylo"  # one core with pools
    return factors, 0 if xylo else draw(st.integers(0, 2))


@every_family
@FEW
@given(data=st.data())
def test_more_capacity_never_turns_fits_into_does_not_fit(family: str, data: st.DataObject) -> None:
    question = posed(family, data.draw(SEEDS))
    if question is None or not isinstance(decide(question), Placed):
        return
    factors, cores = data.draw(rooms(question))
    larger = replace(question, profile=roomier(question.profile, factors, cores))
    assert isinstance(decide(larger), Placed)


@every_family
@FEW
@given(data=st.data())
def test_the_order_of_nodes_edges_and_cores_changes_nothing(
    family: str, data: st.DataObject
) -> None:
    one = instance(family, data.draw(SEEDS))
    nodes = data.draw(st.permutations(list(one.graph.nodes.values())))
    edges = data.draw(st.permutations(list(one.graph.edges)))
    text = _shuffled(one.text, data)
    other = replace(one, graph=make_graph(tuple(nodes), edges), text=text, profile=profile(text))
    assert _told(one) == _told(other)


def _shuffled(text: str, data: st.DataObject) -> str:
    """The profile with its classes of cores in another order."""
    head, *rest = text.split("[[core]]\n")
    *cores, last = rest
    block, sign, tail = last.partition("[lists]")
    blocks = data.draw(st.permutations([*cores, block]))
    return "[[core]]\n".join((head, *blocks)) + sign + tail


def _told(one: Instance) -> object:
    """Everything that is decided, but the solver's own bookkeeping."""
    try:
        outcome: Outcome = decide(pose(one.graph, one.profile, one.semantics, one.settings))
    except BadInput as error:
        return error.findings
    match outcome:
        case Placed():
            chosen = {name: plan.id for name, plan in outcome.chosen.items()}
            return chosen, outcome.slices, outcome.helpers, outcome.links, outcome.objectives
        case Impossible():
            return [(c.headline, [claim.says for claim in c.claims]) for c in outcome.conflicts]
        case _:
            return outcome.because


@every_family
@FEW
@given(seed=SEEDS)
def test_a_conflict_cannot_hold_and_without_any_one_of_its_claims_it_can(
    family: str, seed: int
) -> None:
    question = posed(family, seed)
    if question is None:
        return
    outcome = decide(question)
    if not isinstance(outcome, Impossible):
        return
    assert outcome.conflicts
    asked_of = [claim for claim in outcome.ledger.claims if claim.question]
    for conflict in _each(outcome):
        assert conflict.minimal
        assert feasible([*asked_of, *conflict.claims], budget=10, seed=0) is False
        for claim in conflict.claims:
            rest = [other for other in conflict.claims if other is not claim]
            assert feasible([*asked_of, *rest], budget=10, seed=0) is True, claim.says


def _each(outcome: Impossible) -> list[Conflict]:
    return [one for conflict in outcome.conflicts for one in (conflict, *conflict.others)]


@every_family
@settings(FEW, max_examples=4)
@given(data=st.data())
def test_the_largest_size_fits_and_one_more_does_not(family: str, data: st.DataObject) -> None:
    seed = data.draw(SEEDS)
    one = asked(instance(family, seed))
    if posed(family, seed) is None or not (names := sizes(one)):
        return
    name = data.draw(st.sampled_from(names))
    found = vary(one, f"channels@{name}")
    assert found.proven or "are not tried" in found.because, "a layer too large to make"
    if found.largest is not None:
        assert _fits(one, name, found.largest)
        smaller = data.draw(st.integers(1, int(found.largest)))
        assert _fits(one, name, smaller), "what fits is an interval from below"
    if found.proven and found.beyond is not None:
        assert not _fits(one, name, found.beyond)
        assert found.binding or found.because
        larger = data.draw(st.integers(int(found.beyond), int(found.beyond) * 2))
        assert not _fits(one, name, larger), "what does not fit is an interval from above"


def _fits(one: Asked, name: str, channels: float) -> bool:
    """What the whole mapper says of the network with so many channels."""
    try:
        other = changed(one, Change(channels={name: int(channels)}))
        return isinstance(decided(other), Placed)
    except (BadInput, CannotResizeError):
        return False
