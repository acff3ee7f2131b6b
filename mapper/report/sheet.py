"""A result as values for its page: the same facts and words as everywhere, and drawings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mapper.ledger import Claim as LedgerClaim
from mapper.outcome import Conflict, Impossible, Placed
from mapper.report.drawing import Drawing, Node, draw
from mapper.report.floor import (
    Floor,
    Mark,
    Meter,
    floor_of_fit,
    floor_of_refusal,
    marks_of,
)
from mapper.report.page import Block
from mapper.report.words import result_page
from mapper.result import Result
from nir_io.graph import Graph, Input, Neuron, Output

Facts = Mapping[str, Any]
DRAWN = ("Where", "Changed", "Lost", "Because", "And also", "Alarms", "Assumed")  # blocks
ABSENT: Facts = {  # what only a network that fits has
    "alarms": (),
    "assumptions": (),
    "losses": (),
    "placement": "",
    "populations": (),
}
LONGEST = 26  # characters of a line in a node
MOST_CARDS = 12  # cores whose meters are listed one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rewrite rule in use: its number on the drawings, and what it did, one by one."""

    number: int
    name: str
    keeps: str
    changes: tuple[Facts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A limit of a conflict; meter: demanded and available, where they are amounts."""

    number: int
    says: str
    facts: Facts
    meter: Meter | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that the page shows; parts that do not apply are empty or None."""

    facts: Facts
    verdict: str
    mood: str
    lines: tuple[str, ...]
    floor: Floor | None
    before: Drawing
    after: Drawing | None
    rules: tuple[Rule, ...]
    conflicts: tuple[tuple[str, tuple[Claim, ...]], ...]
    cores: tuple[tuple[Facts, tuple[Meter, ...]], ...]
    more_cores: int
    blocks: tuple[Block, ...]
    marks: Mapping[str, Mark]


def sheet(result: Result) -> Sheet:
    """The sheet of a result."""
    outcome = result.outcome
    page = result_page(result.facts)
    facts = {**ABSENT, **result.facts}
    populations = outcome.question.network.populations
    marks = marks_of((p.name, f"{p.size:,} {p.node.kind}") for p in populations)
    by_name = {mark.name: mark for mark in marks}
    rules = _rules(facts.get("changes", ()))
    floor: Floor | None = None
    after: Drawing | None = None
    hit: frozenset[str] = frozenset()
    if isinstance(outcome, Placed):
        floor = floor_of_fit(outcome.question.profile, facts, marks)
        after = _after(outcome, facts, by_name, rules)
    elif isinstance(outcome, Impossible):
        about = {
            name
            for conflict in facts["conflicts"]
            for c in conflict["claims"]
            for name in c["about"]
        }
        hit = frozenset(
            o for p in populations if p.name in about for o in (p.node.origin or (p.name,))
        )
        floor = floor_of_refusal(outcome, tuple(m for m in marks if m.name in about))
    metered = [row for row in facts.get("usage", ()) if row["resources"]]
    ordered = sorted(metered, key=lambda row: -_fullest(row))
    return Sheet(
        facts=facts,
        verdict=page.verdict,
        mood=page.mood,
        lines=page.lines,
        floor=floor,
        before=_before(result.graph, rules, hit),
        after=after,
        rules=rules,
        conflicts=tuple(_conflicts(facts.get("conflicts", ()))),
        cores=tuple((row, _meters(row)) for row in ordered[:MOST_CARDS]),
        more_cores=max(0, len(ordered) - MOST_CARDS),
        blocks=tuple(b for b in page.blocks if not b.title.startswith(DRAWN)),
        marks=by_name,
    )


def _all(conflicts: Iterable[Conflict]) -> Iterable[LedgerClaim]:
    """The claims of conflicts and of those told with them."""
    for conflict in conflicts:
        yield from conflict.claims
        yield from _all(conflict.others)


def _meters(row: Facts) -> tuple[Meter, ...]:
    return tuple(
        Meter(name=name.replace("_", " "), used=use["used"], available=use["available"])
        for name, use in row["resources"].items()
    )


def _fullest(row: Facts) -> float:
    return max((meter.share for meter in _meters(row)), default=0.0)


def _rules(changes: Iterable[Facts]) -> tuple[Rule, ...]:
    """Rules in the order of the report, approximations first, each with all that it did."""
    groups: dict[tuple[str, str], list[Facts]] = {}
    for change in changes:
        groups.setdefault((change["rule"], change["keeps"]), []).append(change)
    return tuple(
        Rule(number=i, name=name, keeps=keeps, changes=tuple(found))
        for i, ((name, keeps), found) in enumerate(groups.items(), 1)
    )


def _conflicts(conflicts: Iterable[Facts]) -> Iterable[tuple[str, tuple[Claim, ...]]]:
    number = 0
    for conflict in conflicts:
        claims: list[Claim] = []
        for facts in conflict["claims"]:
            number += 1
            amounts = facts["available"] > 0 and facts["demanded"] > 0
            meter = Meter(
                name=facts["limit"].replace("_", " "),
                used=facts["demanded"],
                available=facts["available"],
                unit=facts["unit"],
            )
            claims.append(
                Claim(
                    number=number, says=facts["says"], facts=facts, meter=meter if amounts else None
                )
            )
        yield conflict["headline"], tuple(claims)


def _before(graph: Graph, rules: Sequence[Rule], hit: frozenset[str]) -> Drawing:
    """The graph of the file; rewritten nodes carry the numbers of the rules."""
    touched: dict[str, list[int]] = {}
    for rule in rules:
        for change in rule.changes:
            for name in change["nodes"]:
                numbers = touched.setdefault(name, [])
                if rule.number not in numbers:
                    numbers.append(rule.number)
    nodes: list[Node] = []
    for name, node in graph.nodes.items():
        ports = isinstance(node, Input | Output)
        marks = ("touched",) * (name in touched) + ("hit",) * (name in hit)
        nodes.append(
            Node(
                id=name,
                title=_cut(name),
                text=_cut(f"{node.kind} {_shape(node.shape_out)}"),
                kind="port" if ports else "neuron" if isinstance(node, Neuron) else "linear",
                says=f"{name}: {node.kind}, {_shape(node.shape_in)} to {_shape(node.shape_out)}",
                badge=",".join(map(str, touched.get(name, ()))),
                marks=marks,
            )
        )
    label = f"The network of the file: {len(graph.nodes):,} nodes, {len(graph.edges):,} edges"
    return draw(nodes, graph.edges, label)


def _after(
    placed: Placed, facts: Facts, marks: Mapping[str, Mark], rules: Sequence[Rule]
) -> Drawing:
    """Populations and projections as the chip runs them."""
    by_population: dict[str, list[int]] = {}
    for rule in rules:
        for change in rule.changes:
            if change["population"] is not None:
                numbers = by_population.setdefault(change["population"], [])
                if rule.number not in numbers:
                    numbers.append(rule.number)
    nodes = [_port(f"in {row['name']}", row, "Input") for row in facts["inputs"]]
    nodes += [_port(f"out {row['name']}", row, "Output") for row in facts["outputs"]]
    for p in facts["populations"]:
        numbers = by_population.get(p["name"], [])
        parts = f", {p['parts']} parts" if p["parts"] > 1 else ""
        nodes.append(
            Node(
                id=f"p {p['name']}",
                title=_cut(f"{marks[p['name']].letter}: {p['name']}"),
                text=_cut(f"{p['device_model']} {_shape(p['shape'])}{parts}"),
                kind="neuron",
                says=f"{p['name']}: {p['device_model']}, {p['neurons']:,} neurons, "
                f"{p['latency']} steps late",
                badge=",".join(map(str, numbers)),
                marks=("touched",) * bool(numbers),
            )
        )
    network = placed.question.network
    inputs = {name for name, _ in network.inputs}

    def end(name: str) -> str:
        return f"in {name}" if name in inputs else f"p {name}"

    edges = [(end(q.source), f"p {q.target}") for q in network.projections]
    for population in network.populations:
        edges += [(f"p {population.name}", f"out {o}") for o in population.outputs]
    for stage in network.host:
        node = f"host {stage.output}"
        names = [n.name for _, found in stage.paths for n in found]
        says = ", ".join([*names, *([stage.neuron.name] if stage.neuron else [])])
        nodes.append(Node(id=node, title="on the host", text=_cut(says), kind="linear", says=says))
        edges += [(end(source), node) for source, _ in stage.paths]
        edges.append((node, f"out {stage.output}"))
    edges += [
        (end(row["population"]), f"out {row['name']}")
        for row in facts["outputs"]
        if row["population"] is not None and row["read"] != "host"
    ]
    label = f"The network as it is mapped: {len(facts['populations']):,} populations"
    return draw(nodes, edges, label)


def _port(id_: str, row: Facts, kind: str) -> Node:
    text = f"{kind} {_shape(row['shape'])}"
    return Node(
        id=id_, title=_cut(row["name"]), text=_cut(text), kind="port", says=f"{row['name']}: {text}"
    )


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "1"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
