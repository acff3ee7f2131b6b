"""Every rule is asked by some stage, and no two of the normal form undo each other."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_profiles.families import family_names
from mapper.families import family_named
from nir_io.graph import Delay, Flatten, Graph, Scale
from rewrite_rules import asked_in, rules
from rewrite_rules.normalise import normalise
from rewrite_rules.rule import Proposal, Stage, apply
from tests.rewrite_rules.networks import chain
from tests.rewrite_rules.test_rules import CASES, TARGET

FILE = "rewrite_rules/{}.py"
# Written and tested, but no family's template can ask for it yet: what it changes is a
# population's neuron and the projections on both sides of it, and templates see one projection.
NOT_YET = {"dead-rows"}


def _file(name: str) -> str:
    return FILE.format(name.replace("-", "_"))


def _templates() -> Counter[str]:
    """How often the families' templates name each rule."""
    return Counter(
        rule
        for name in family_names()
        for template in family_named(name).backend.templates
        for rule in template.rules
    )


def test_every_rule_is_asked_by_a_stage() -> None:
    idle = sorted(one.name for one in rules() if not one.uses and one.name not in NOT_YET)
    told = [f"{name}: no stage asks it; give it `uses` in {_file(name)}" for name in idle]
    assert told == []
    assert {one.name for one in rules() if not one.uses} == NOT_YET, "it is asked now"


def test_what_templates_name_is_an_alternative_and_every_alternative_is_named() -> None:
    named = set(_templates())
    meant = {one.name for one in asked_in(Stage.ALTERNATIVE)}
    told = [
        f"{name}: a template names it; add Use(Stage.ALTERNATIVE) in {_file(name)}"
        for name in sorted(named - meant)
    ]
    told += [
        f"{name}: is an alternative, and no Template in mapper/families/*/backend.py names it"
        for name in sorted(meant - named)
    ]
    assert told == []
    assert len(meant) > 5


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_asks_some_rules_each_once_and_in_one_order(stage: Stage) -> None:
    found = asked_in(stage)
    assert found
    assert len({one.name for one in found}) == len(found)
    orders = [use.order for one in found for use in one.uses if use.stage is stage]
    assert orders == sorted(orders)
    if stage is Stage.NORMAL:
        same = [order for order, n in Counter(orders).items() if n > 1]
        assert same == [], "the rules of the normal form are asked in one order"


@pytest.mark.parametrize("name", sorted(set(CASES) - NOT_YET))
def test_no_rule_of_the_normal_form_undoes_another(name: str) -> None:
    """What a rule made of its smallest graph, no rule turns back."""
    case = CASES[name]
    rule = next(one for one in rules() if one.name == name)
    answer = rule.propose(case.graph, case.at, TARGET)
    assert isinstance(answer, Proposal)
    after = apply(case.graph, answer)
    before = _shape(case.graph)
    for stage in (Stage.UNHEARD, Stage.WEIGHTLESS, Stage.SPLIT, Stage.NORMAL):
        for other in asked_in(stage):
            for at in sorted(after.nodes):
                back = other.propose(after, at, TARGET)
                if isinstance(back, Proposal):
                    found = _shape(apply(after, back))
                    assert found != before, f"{name} and {other.name} undo each other ('{at}')"


def _shape(graph: Graph) -> tuple[tuple[str, ...], ...]:
    """Kinds and shapes of a graph's nodes along its edges, whatever they are called."""
    nodes = graph.nodes
    what = {n: (node.kind, str(node.shape_in), str(node.shape_out)) for n, node in nodes.items()}
    return tuple(sorted((*what[a], *what[b]) for a, b in graph.edges))


def _nodes(draw: st.DrawFn) -> list[Scale | Delay | Flatten]:
    kinds = draw(st.lists(st.sampled_from(["scale", "delay", "flatten"]), min_size=1, max_size=8))
    out: list[Scale | Delay | Flatten] = []
    shape: tuple[int, ...] = (2, 3)
    for i, kind in enumerate(kinds):
        name = f"n{i}"
        if kind == "scale":
            out.append(Scale(name=name, shape_in=shape, shape_out=shape, scale=np.full(shape, 2.0)))
        elif kind == "delay":
            steps = np.full(shape, float(draw(st.integers(0, 2))))
            out.append(Delay(name=name, shape_in=shape, shape_out=shape, delay=steps))
        else:
            flat = (int(np.prod(shape)),)
            out.append(Flatten(name=name, shape_in=shape, shape_out=flat, start_dim=0, end_dim=-1))
            shape = flat
    return out


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.data())
def test_normalising_ends_and_a_normal_form_stays(data: st.DataObject) -> None:
    """Any chain of what rules move past each other; each step counts down, so few are taken."""
    nodes = _nodes(data.draw)
    graph = chain(*nodes)
    normal, done = normalise(graph, TARGET)
    assert len(done) <= (len(nodes) + 1) ** 2
    again, more = normalise(normal, TARGET)
    assert more == () and again.edges == normal.edges
