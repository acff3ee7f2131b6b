"""Every rule is called, sets of rules have one order, no two rules undo each other, and it ends.

Each failure names the rule and the file to write in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import combinations, permutations, product
from types import MappingProxyType
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networkx.algorithms.isomorphism import DiGraphMatcher

from mapper.problem.settings import Settings
from mapper.solving.family import Template
from mapper.solving.offer.alternatives import alternatives
from mapper.solving.pose import pose
from nir_io.graph import LIF, Conv1d, CubaLIF, Graph, Linear, Neuron, Node, make_graph
from nir_io.settings import Reset
from rewrite_rules import in_order, rule_named, rules, rules_of
from rewrite_rules.drop_zero_bias import DropZeroBias
from rewrite_rules.linear_nodes import LINEAR, dense
from rewrite_rules.normalise import normalise, refusals
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule, apply
from rewrite_rules.stage import Alternative, Canonical, Neuronal, Normal, Stage
from rewrite_rules.target import Target
from tests.rewrite_rules.families import CHIPS
from tests.rewrite_rules.measure import MEASURES, lowered, most, normal
from tests.rewrite_rules.networks import (
    TARGET,
    affine,
    average,
    chain,
    conv,
    cuba,
    delay,
    flatten,
    integrator,
    li,
    linear,
    net,
    pool,
    scale,
    sink,
    source,
)
from tests.rewrite_rules.random_networks import neuron, random_network
from tests.rewrite_rules.test_rules import CASES

HERE = "tests/rewrite_rules/test_stages.py"
STAGES: tuple[Stage, ...] = (*Canonical, *Normal, *Alternative, *Neuronal)
# Rules that nothing calls yet, and why. The list is to become shorter, not longer.
UNUSED = MappingProxyType(
    {"dead-rows": "to be called on Speck, whose behaviour beyond a map's edge is not known"}
)
SMALL: tuple[Graph, ...] = tuple(case.graph for case in CASES.values())
RANDOM = tuple(random_network(np.random.default_rng(seed)) for seed in range(150))
SHAPE = (2, 4, 4)
KINDS: tuple[Callable[[str], Node], ...] = (  # each takes 32 elements and gives as many
    lambda name: linear(name, 32, 32),
    lambda name: affine(name, 32, 32),
    lambda name: replace(affine(name, 32, 32), bias=np.zeros(32)),
    lambda name: scale(name, SHAPE, by="channel"),
    lambda name: conv(name, SHAPE, 2, (3, 3), padding=(1, 1, 1, 1)),
    lambda name: conv(name, SHAPE, 2, (1, 1), groups=2, bias=False),
    lambda name: Conv1d(
        name=name,
        shape_in=(2, 16),
        shape_out=(2, 16),
        weight=np.ones((2, 2, 1)),
        bias=np.zeros(2),
        stride=1,
        padding=(0, 0),
        dilation=1,
        groups=1,
    ),
    lambda name: pool(name, SHAPE, (1, 1)),
    lambda name: average(name, SHAPE, (1, 1)),
    lambda name: flatten(name, SHAPE),
    lambda name: delay(name, SHAPE, 0),
    lambda name: delay(name, SHAPE, 1),
)


def rows(length: int) -> Iterator[Graph]:
    """Every row of so many linear nodes, as far as kinds go."""
    for kinds in product(KINDS, repeat=length):
        yield chain(*(make(f"n{i}") for i, make in enumerate(kinds)))


def file_of(rule: Rule) -> str:
    return type(rule).__module__.replace(".", "/") + ".py"


# --- what rules say of themselves -------------------------------------------------------------


def faults(found: tuple[Rule, ...]) -> Iterator[str]:
    """What is wrong with the stages and the order that rules state."""
    names = {rule.name for rule in found}
    for rule in found:
        where = f"rule '{rule.name}', {file_of(rule)}"
        if not rule.stages and rule.name not in UNUSED:
            yield (
                f"{where}: it has no stage, so nothing calls it; write `stages = (...)`, with "
                "members of rewrite_rules/stage.py"
            )
        if rule.stages and rule.name in UNUSED:
            yield f"{where}: it has a stage; take it out of UNUSED in {HERE}"
        for stage in rule.stages:
            if stage not in STAGES:
                yield f"{where}: {stage!r} in `stages` is no member of rewrite_rules/stage.py"
        if len(set(rule.stages)) < len(rule.stages):
            yield f"{where}: `stages` names one twice"
        for name in rule.after:
            if name not in names:
                yield f"{where}: '{name}' in `after` is no rule; there are: {sorted(names)}"


def test_every_rule_says_where_it_is_used() -> None:
    assert len(rules()) > 30
    assert not list(faults(rules())), "\n".join(faults(rules()))
    assert set(UNUSED) <= {rule.name for rule in rules()}


def test_every_stage_has_a_rule() -> None:
    empty = [stage for stage in STAGES if not rules_of(stage)]
    assert not empty, f"no rule in rewrite_rules/ has the stage {empty}"


class Made(Rule):
    """Linear as an Affine with biases of 0: what drop-zero-bias undoes."""

    name = "made-up"
    stages: tuple[Stage, ...] = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        node = graph.nodes[at]
        if not isinstance(node, Linear):
            return None
        new = dense(at, node.weight, np.zeros(len(node.weight)), (at,))
        return Proposal(self.name, (at,), (new,), Exact(), f"'{at}' gets biases")


class Nowhere(Made):
    name = "nowhere"
    stages = ()
    after = ("split-hair",)


class Again(DropZeroBias):
    name = "again"


def test_a_rule_without_a_stage_is_named_with_its_file() -> None:
    first, second = faults((*rules(), Nowhere()))
    assert first.startswith("rule 'nowhere', tests/rewrite_rules/test_stages.py: it has no stage")
    assert "'split-hair' in `after` is no rule; there are: ['again" not in second
    assert "'split-hair' in `after` is no rule; there are: ['avgpool-to-sumpool', " in second


def test_rules_are_behind_those_that_their_after_names_and_a_circle_is_refused() -> None:
    place = {rule.name: i for i, rule in enumerate(in_order(rules()))}
    assert len(place) == len(rules())
    assert all(place[name] < place[rule.name] for rule in rules() for name in rule.after)
    assert in_order(rules()[::-1]) == in_order(rules())
    made, again = Made(), Again()
    made.after, again.after = ("again",), ("made-up",)
    with pytest.raises(ValueError, match="cycle"):
        in_order((made, again))


# --- every rule is called ----------------------------------------------------------------------


@dataclass(frozen=True)
class Watched(Rule):
    """A rule that notes when it has something to say."""

    rule: Rule
    asked: tuple[Stage, ...]
    answered: set[tuple[str, Stage]]

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.rule.name

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        answer = self.rule.propose(graph, at, target)
        if answer is not None:
            self.answered.update((self.rule.name, s) for s in self.asked if s in self.rule.stages)
        return answer


def watch(monkeypatch: pytest.MonkeyPatch, module: str) -> set[tuple[str, Stage]]:
    """(rule, stage) for each rule that answers the module when that asks for the stage."""
    answered: set[tuple[str, Stage]] = set()

    def watched(*stages: Stage) -> tuple[Rule, ...]:
        return tuple(Watched(rule, stages, answered) for rule in rules_of(*stages))

    monkeypatch.setattr(f"{module}.rules_of", watched)
    return answered


def silent(answered: set[tuple[str, Stage]], stages: Iterable[Stage]) -> list[str]:
    """Rules that said nothing in a stage that they have."""
    return [
        f"rule '{rule.name}', {file_of(rule)}: it has the stage {stage}, but is not called there, "
        "or never has anything to say; add the smallest network on which it has to "
        f"{HERE}, or take the stage away"
        for stage in stages
        for rule in rules_of(stage)
        if (rule.name, stage) not in answered
    ]


SQUARE = (2, 8, 8)
STUCK = (  # paths without a normal form, and the most weights that may be written out
    (chain(linear("a", 6, 2), linear("b", 2, 6)), 20),
    (chain(conv("c", SQUARE, 3, (3, 3)), conv("d", (3, 6, 6), 2, (3, 3), padding=(1, 1, 1, 1))), 9),
    (chain(conv("c", SQUARE, 2, (3, 3), groups=2)), 20),
    (chain(affine("a", 3, 3), delay("d", (3,), 1)), 100),
    (chain(pool("p", SQUARE, (3, 3), (2, 2))), 100),
    (chain(pool("p", SQUARE, (3, 3), (2, 2)), conv("c", (2, 3, 3), 1, (2, 2))), 100),
)


def test_every_rule_of_the_normal_form_is_called_by_normalise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered = watch(monkeypatch, "rewrite_rules.normalise")
    for graph in (*SMALL, *RANDOM):
        refusals(normalise(graph, TARGET)[0], TARGET)
    for graph, entries in STUCK:
        tight = replace(TARGET, max_dense_entries=entries)
        refusals(normalise(graph, tight)[0], tight)
    left = silent(answered, (*Canonical, *Normal))
    assert not left, "\n".join(left)


def fired(n: Node) -> tuple[Node, Node]:
    """A node and a population that it feeds."""
    return n, integrator("n", n.shape_out)


PROJECTED: tuple[Graph, ...] = (
    chain(*fired(linear("a", 6, 3))),
    chain(*fired(conv("c", SQUARE, 2, (3, 3), padding=(1, 1, 1, 1), bias=False))),
    chain(*fired(conv("c", SQUARE, 2, (3, 3), padding=(0, 1, 0, 1), bias=False))),
    chain(*fired(conv("c", SQUARE, 2, (2, 2), dilation=(2, 2), bias=False))),
    chain(*fired(conv("c", SQUARE, 2, (1, 3), bias=False))),
    chain(*fired(scale("s", SQUARE, by="channel"))),
    chain(pool("p", SQUARE), *fired(conv("c", (2, 4, 4), 2, (3, 3), bias=False))),
    chain(pool("p", (2, 12, 12), (6, 6)), *fired(conv("c", (2, 2, 2), 2, (2, 2), bias=False))),
    chain(pool("p", SQUARE), flatten("f", (2, 4, 4)), *fired(linear("a", 32, 3))),
    net(
        source(SQUARE),
        pool("p", SQUARE),
        conv("c", (2, 4, 4), 2, (1, 1), bias=False),
        scale("s", (2, 4, 4), by="channel"),
        integrator("m", (2, 4, 4)),
        sink((2, 4, 4)),
        edges="in>p p>c c>m m>s s>m m>out",
    ),
)


def spiking(shape: tuple[int, ...] = (3,)) -> tuple[Neuron, ...]:
    """An IF, a LIF without a rest and a CubaLIF, with time constants off every grid."""
    found: dict[str, Neuron] = {}
    for seed in range(20):
        one = neuron(np.random.default_rng(seed), "n", shape)
        if isinstance(one, LIF):
            one = replace(one, tau=one.tau * 1.7, v_leak=one.v_leak * 0.0)
        if isinstance(one, CubaLIF):
            one = replace(one, tau_syn=one.tau_syn * 1.3, tau_mem=one.tau_mem * 1.7)
        found[one.kind] = one
    assert set(found) == {"IF", "LIF", "CubaLIF"}
    return tuple(found.values())


def test_every_alternative_is_called_for_a_population_of_some_family(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graphs = (*PROJECTED, *(chain(linear("a", 6, 3), one) for one in spiking()))
    answered = watch(monkeypatch, "mapper.solving.offer.alternatives")
    for chip in CHIPS.values():
        for graph in graphs:
            for target in chip.targets():
                rule = replace(target.semantics, chip_dt=1e-3)
                question = pose(graph, chip.profile, rule, Settings(), chip.backend)
                given = (chip.backend, chip.profile, replace(target, semantics=rule), Settings())
                alternatives(question.network, (), *given)
    left = silent(answered, (*Alternative, *Neuronal))
    assert not left, "\n".join(left)


def templates() -> Iterator[tuple[str, Template]]:
    for family, chip in CHIPS.items():
        for template in chip.backend.templates:
            yield family, template


def test_every_alternative_is_needed_by_a_template() -> None:
    needed = {stage for _, template in templates() for stage in template.needs}
    assert needed == set(Alternative), (
        f"no template of mapper/families/*/backend.py needs {set(Alternative) - needed}"
    )


def test_a_rule_that_is_never_called_is_named_with_its_file() -> None:
    everything = {(rule.name, stage) for rule in rules() for stage in rule.stages}
    assert silent(everything, STAGES) == []
    (left,) = silent(everything - {("move-delay", Normal.DELAY)}, STAGES)
    assert left.startswith("rule 'move-delay', rewrite_rules/move_delay.py: it has the stage")


# --- one order -----------------------------------------------------------------------------------


def unordered(found: tuple[Rule, ...]) -> set[frozenset[str]]:
    """Pairs of `found` of which neither is, by all `after`, behind the other."""
    waits: nx.DiGraph[str] = nx.DiGraph()
    waits.add_nodes_from(rule.name for rule in (*rules(), *found))
    waits.add_edges_from((a, r.name) for r in (*rules(), *found) for a in r.after)
    closed = nx.transitive_closure(waits)
    names = [rule.name for rule in found]
    pairs = combinations(sorted(names), 2)
    return {
        frozenset(p) for p in pairs if not closed.has_edge(*p) and not closed.has_edge(*p[::-1])
    }


def rivals(found: tuple[Rule, ...], graphs: Iterable[Graph]) -> list[str]:
    """Pairs of rules that propose at one node without an order between them."""
    loose, seen = unordered(found), set[frozenset[str]]()
    for graph in graphs:
        for at in graph.nodes:
            answers = {rule.name: rule.propose(graph, at, TARGET) for rule in found}
            able = [name for name, one in answers.items() if isinstance(one, Proposal)]
            seen |= {frozenset(pair) for pair in combinations(able, 2)} & loose
    return [
        f"rules {sorted(pair)} propose at the same node and neither is tried first by what it says; "
        "write `after` in the file of one"
        for pair in seen
    ]


@pytest.mark.parametrize("stage", [*Canonical, *Normal], ids=str)
def test_rules_that_propose_at_the_same_node_have_an_order(stage: Stage) -> None:
    found = rivals(rules_of(stage), (*SMALL, *RANDOM, *rows(3)))
    assert not found, "\n".join(found)


def test_rules_without_an_order_are_named() -> None:
    (left,) = rivals((*rules_of(Normal.ANYWHERE), Again()), SMALL)
    assert left.startswith("rules ['again', 'drop-zero-bias'] propose at the same node")


def paths(graph: Graph) -> Iterator[Graph]:
    """Each linear path of a graph in normal form, between an Input and an Output."""
    for node in graph.nodes.values():
        for name in () if isinstance(node, LINEAR) else graph.after(node.name):
            path: list[Node] = []
            while isinstance(graph.nodes[name], LINEAR):
                path.append(graph.nodes[name])
                (name,) = graph.after(name)
            if path:
                yield chain(*path)


def rewritten(graph: Graph, found: Iterable[Rule], target: Target) -> Graph | str:
    """A path after each rule in turn, wherever it proposes; or the first refusal."""
    for rule in found:
        for _ in range(len(graph.nodes)):
            answers = [rule.propose(graph, at, target) for at in graph.nodes]
            proposals = [one for one in answers if isinstance(one, Proposal)]
            refused = [one for one in answers if isinstance(one, Refusal)]
            if not proposals and refused:
                return refused[0].rule
            if not proposals:
                break
            graph = apply(graph, proposals[0])
    return graph


def test_an_order_that_a_template_leaves_open_changes_nothing() -> None:
    """Two rules without an order between them, either first."""
    normals = [normalise(graph, TARGET)[0] for graph in (*PROJECTED, *RANDOM)]
    cut = [path for graph in normals if not refusals(graph, TARGET) for path in paths(graph)]
    tried = 0
    for family, template in templates():
        found = rules_of(*template.needs)
        (target, _) = CHIPS[family].targets()
        for pair in unordered(found):
            own = [rule for rule in found if rule.name in pair]
            for graph in cut:
                either = [rewritten(graph, order, target) for order in permutations(own)]
                tried += 1
                assert alike(*either), (
                    f"rules {sorted(pair)} in template '{template.name}' of {family}: it matters "
                    "which comes first; write `after` in the file of one"
                )
    assert tried > 100


# --- no two undo each other ------------------------------------------------------------------------


def content(node: Node) -> tuple[Any, ...]:
    """A node without its names; arrays as they are."""
    left_out = ("name", "origin")
    own = [(f.name, getattr(node, f.name)) for f in fields(node) if f.name not in left_out]
    return (node.kind, *own)


def equal(first: Node, second: Node) -> bool:
    if type(first) is not type(second):
        return False
    both = zip(content(first)[1:], content(second)[1:], strict=True)
    return all(
        a.shape == b.shape and np.allclose(a, b) if isinstance(a, np.ndarray) else a == b
        for (_, a), (_, b) in both
    )


def alike(first: Graph | str, second: Graph | str) -> bool:
    """Whether two graphs are the same but for names."""
    if isinstance(first, str) or isinstance(second, str):
        return first == second
    if sorted(n.kind for n in first.nodes.values()) != sorted(
        n.kind for n in second.nodes.values()
    ):
        return False
    drawn: list[Any] = []
    for graph in (first, second):
        one: nx.DiGraph[str] = nx.DiGraph()
        one.add_nodes_from((name, {"node": node}) for name, node in graph.nodes.items())
        one.add_edges_from(graph.edges)
        drawn.append(one)

    def same(a: Any, b: Any) -> bool:
        return equal(a["node"], b["node"])

    return bool(DiGraphMatcher(*drawn, node_match=same).is_isomorphic())


def undone(found: tuple[Rule, ...], graphs: Iterable[Graph], target: Target) -> set[str]:
    """Pairs of `found` (a rule with itself, too) of which one takes back what the other did."""
    pairs: set[tuple[str, str]] = set()
    for graph in graphs:
        for rule, after in _steps(graph, found, target):
            for back, again in _steps(after, found, target):
                if (rule, back) not in pairs and alike(graph, again):
                    pairs.add((rule, back))
    return {
        f"rule '{back}' undoes rule '{rule}', and both are in one set: take a stage from one, or let "
        "one look for what the other does not make"
        for rule, back in pairs
    }


def _steps(graph: Graph, found: tuple[Rule, ...], target: Target) -> Iterator[tuple[str, Graph]]:
    for at in graph.nodes:
        for rule in found:
            answer = rule.propose(graph, at, target)
            if isinstance(answer, Proposal):
                yield rule.name, apply(graph, answer)


def test_no_two_rules_of_the_normal_form_undo_each_other() -> None:
    found = undone(rules_of(*Canonical, *Normal), (*SMALL, *rows(2), *RANDOM[:60]), TARGET)
    assert not found, "\n".join(found)


def test_no_two_rules_of_a_template_undo_each_other() -> None:
    for family, template in templates():
        for target in CHIPS[family].targets():
            found = undone(rules_of(*template.needs), (*SMALL, *PROJECTED), target)
            assert not found, "\n".join((f"template '{template.name}' of {family}:", *found))


def test_rules_that_undo_each_other_are_named() -> None:
    found = undone((Made(), *rules_of(Normal.ANYWHERE)), SMALL, TARGET)
    assert "rule 'drop-zero-bias' undoes rule 'made-up'" in "\n".join(found)
    both = (rule_named("conv-to-linear"), rule_named("linear-to-conv"))
    found = undone(both, (chain(linear("a", 6, 3)),), TARGET)
    assert {one.partition(",")[0] for one in found} == {
        "rule 'conv-to-linear' undoes rule 'linear-to-conv'"
    }


def neuron_steps(
    node: Neuron, reset: Reset, target: Target, found: tuple[Rule, ...]
) -> Iterator[tuple[str, Neuron, Reset]]:
    seen = replace(target, semantics=replace(target.semantics, reset=reset))
    for rule in found:
        answer = rule.propose(make_graph((node,), ()), node.name, seen)
        if isinstance(answer, Proposal):
            (new,) = answer.use
            assert isinstance(new, Neuron)
            yield rule.name, new, answer.reset or reset


def test_no_two_rules_on_neurons_undo_each_other() -> None:
    tried = 0
    for family, chip in CHIPS.items():
        for target in chip.targets():
            reset = target.semantics.reset
            for node in (*spiking(), li("n", (3,)), cuba("n", (3,))):
                for first, new, kind in neuron_steps(node, reset, target, rules_of(*Neuronal)):
                    for second, last, back in neuron_steps(new, kind, target, rules_of(*Neuronal)):
                        tried += 1
                        undoes = equal(node, last) and back == reset
                        assert not undoes, f"rule '{second}' undoes rule '{first}' on {family}"
    assert tried >= 4


# --- it ends -----------------------------------------------------------------------------------------

SEEDS = st.integers(0, 2**32 - 1)
BOUNDED = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def measured(graph: Graph, done: Iterable[Proposal]) -> None:
    """Each rewrite lowers what its stage lowers, and there are no more than that allows."""
    taken, allowed = 0, most(graph)
    for proposal in done:
        stages = rule_named(proposal.rule).stages
        canonical = next((stage for stage in stages if isinstance(stage, Canonical)), None)
        graph = lowered(graph, proposal, MEASURES[canonical or Normal])
        if canonical is None:
            taken += 1
        else:  # there are other paths
            allowed = taken + most(graph)
    assert taken <= allowed, f"{taken} rewrites; {allowed} allowed by the measure"


@BOUNDED
@given(seed=SEEDS, entries=st.sampled_from((2**24, 200, 20)))
def test_every_rewrite_lowers_a_measure_and_normalising_again_does_nothing(
    seed: int, entries: int
) -> None:
    target = replace(TARGET, max_dense_entries=entries)
    graph = random_network(np.random.default_rng(seed))
    final, done = normalise(graph, target)
    measured(graph, done)
    again, more = normalise(final, target)
    assert more == () and again.edges == final.edges
    assert all(again.nodes[name] is node for name, node in final.nodes.items())


def test_small_graphs_end_too() -> None:
    for graph in (*SMALL, *PROJECTED, *rows(2)):
        measured(graph, normalise(graph, TARGET)[1])


def test_a_rule_that_lowers_nothing_is_named() -> None:
    graph = chain(linear("a", 6, 3))
    answer = Made().propose(graph, "a", TARGET)
    assert isinstance(answer, Proposal)
    with pytest.raises(AssertionError, match="rule 'made-up' does not lower the measure"):
        lowered(graph, answer, normal)
