"""A result as values for its page: the same facts and words as everywhere, and drawings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from mapper.bundle.result import Result
from mapper.emulate.manifest import AssumptionRow, InputRow, OutputRow
from mapper.report.document import ChangeFacts, ClaimFacts, ConflictFacts, CoreFacts, Fits, Report
from mapper.report.drawing import Drawing, Node, draw
from mapper.report.floor import Floor, Mark, Meter, floor_of_fit, marks_of, meters_of
from mapper.report.page import Block
from mapper.report.refused_floor import floor_of_refusal
from mapper.report.words import counted, number, result_page
from mapper.solving.claims.ledger import Claim as LedgerClaim
from mapper.solving.outcome import Conflict, Impossible, Placed
from nir_io.graph import Graph, Input, Neuron, Output
from nir_io.raw import first_of

DRAWN = (  # blocks of the terminal that the page draws, or lists in a form of its own
    "Where",
    "Changed",
    "Lost",
    "Because",
    "And also",
    "Alarms",
    "Assumed",
    "Leans on",
    "Possible fixes",
    "Sources",
)
ABSENT: Mapping[str, object] = {  # what only a network that fits has
    "alarms": (),
    "fixes": (),
    "assumptions": (),
    "losses": (),
    "placement": "",
    "populations": (),
}
LONGEST = 27  # characters of a line in a node
LETTERED = 3  # fewer in a title that a letter stands before
MOST_CARDS = 12  # groups of equal cores whose meters are listed
MOST_NAMED = 8  # cores of a group that are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rewrite rule in use: its number on the drawings, and what it did, one by one."""

    number: int
    name: str
    keeps: str
    changes: tuple[ChangeFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A limit of a conflict; meter: demanded and available, where they are amounts."""

    number: int
    says: str
    facts: ClaimFacts
    meter: Meter | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number of the first screen, and the section that says more."""

    label: str
    value: str
    section: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Cores that hold the same and use as much of everything: names, holders, bars."""

    title: str
    marks: tuple[Mark, ...]
    meters: tuple[Meter, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """Assumptions that one source stands behind: (id, what is assumed) each."""

    items: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Everything that the page shows; parts that do not apply are empty or None.

    facts: those of the report, and what ABSENT has for those that it lacks.
    """

    facts: Mapping[str, object]
    verdict: str
    mood: str
    lines: tuple[str, ...]
    figures: tuple[Figure, ...]
    floor: Floor | None
    before: Drawing
    after: Drawing | None
    rules: tuple[Rule, ...]
    conflicts: tuple[tuple[str, tuple[Claim, ...]], ...]
    cores: tuple[Cores, ...]
    more_cores: int
    assumed: tuple[Assumed, ...]
    blocks: tuple[Block, ...]
    marks: Mapping[str, Mark]


def sheet(result: Result, facts: Report) -> Sheet:
    """The sheet of a result; facts: its report."""
    outcome = result.outcome
    page = result_page(facts)
    populations = outcome.question.network.populations
    marks = marks_of((p.name, f"{p.size:,} {p.node.kind}") for p in populations)
    by_name = {mark.name: mark for mark in marks}
    rules = _rules(facts["changes"] if facts["outcome"] == "fits" else ())
    floor: Floor | None = None
    after: Drawing | None = None
    hit: frozenset[str] = frozenset()
    if isinstance(outcome, Placed) and facts["outcome"] == "fits":
        floor = floor_of_fit(
            outcome.question.profile, outcome.question.traits.drawing, facts, marks
        )
        after = _after(outcome, facts, by_name, rules)
    elif isinstance(outcome, Impossible) and facts["outcome"] == "does-not-fit":
        about = {
            name
            for conflict in facts["conflicts"]
            for names in (*conflict["also"], *(claim["about"] for claim in conflict["claims"]))
            for name in names
        }
        hit = frozenset(
            o for p in populations if p.name in about for o in (p.node.origin or (p.name,))
        )
        floor = floor_of_refusal(outcome, marks)
    of_node = {node: by_name[p.name] for p in reversed(populations) for node in p.origin}
    cores = tuple(_cores(facts, by_name)) if facts["outcome"] == "fits" else ()
    return Sheet(
        facts={**ABSENT, **facts},
        verdict=page.verdict,
        mood=page.mood,
        lines=page.lines,
        figures=tuple(_figures(facts)) if facts["outcome"] == "fits" else (),
        floor=floor,
        before=_before(result.graph, rules, hit, of_node),
        after=after,
        rules=rules,
        conflicts=tuple(
            _conflicts(facts["conflicts"] if facts["outcome"] == "does-not-fit" else ())
        ),
        cores=cores[:MOST_CARDS],
        more_cores=sum(group.count for group in cores[MOST_CARDS:]),
        assumed=tuple(_assumed(() if facts["outcome"] == "does-not-fit" else facts["assumptions"])),
        blocks=tuple(b for b in page.blocks if not b.title.startswith(DRAWN)),
        marks=by_name,
    )


def _all(conflicts: Iterable[Conflict]) -> Iterable[LedgerClaim]:
    """The claims of conflicts and of those told with them."""
    for conflict in conflicts:
        yield from conflict.claims
        yield from _all(conflict.others)


def _figures(facts: Fits) -> Iterator[Figure]:
    """What a reader wants to know first of a network that fits."""
    device, full, losses = facts["device"], facts["fullest"], facts["losses"]
    if device["cores"] > 1:
        yield Figure(
            label="cores",
            value=f"{facts['cores']:,} of {device['cores']:,}",
            section="floor",
        )
    if full is not None:
        words = full["resource"].replace("_", " ")
        yield Figure(
            label=f"fullest limit: {words}", value=f"{100 * full['share']:.0f} %", section="floor"
        )
    kinds = [change["keeps"] for change in facts["changes"]]
    inexact = len(kinds) - kinds.count("exact")
    told = f"{inexact} approximate, {kinds.count('exact')} exact" if inexact else "all exact"
    yield Figure(
        label=f"rewrites, {told}" if kinds else "rewrites",
        value=f"{len(kinds):,}" if kinds else "none",
        section="graph",
    )
    error = max((p["error"] for p in facts["populations"]), default=0.0)
    yield Figure(
        label="largest membrane-response error", value=number(error), section="populations"
    )
    lost = max((loss["max"] for loss in losses), default=0.0)
    yield Figure(label="largest rounding, in thresholds", value=number(lost), section="populations")
    late = max((port["latency"] for port in facts["outputs"]), default=0)
    yield Figure(label="latency", value=counted(late, "step"), section="populations")
    found = facts["assumptions"]
    yield Figure(
        label="assumptions",
        value=f"{len(found)}" if found else "none",
        section="assumed" if found else "more",
    )


def _cores(facts: Fits, marks: Mapping[str, Mark]) -> Iterator[Cores]:
    """Cores with equal contents and use together, the fullest first."""
    quoted = {f"'{name}'": mark for name, mark in marks.items()}
    groups: dict[tuple[object, ...], list[CoreFacts]] = {}
    for row in facts["usage"]:
        if row["resources"]:
            uses = tuple((m.name, m.used, m.available) for m in meters_of(row))
            groups.setdefault((tuple(row["holds"]), uses), []).append(row)
    several = facts["device"]["chips"] > 1
    found: list[Cores] = []
    for rows in groups.values():
        names = [f"{r['chip']}/{r['core']}" if several else str(r["core"]) for r in rows]
        title = "core" if len(names) == 1 else f"{len(names)} cores:"
        found.append(
            Cores(
                title=f"{title} {first_of(names, MOST_NAMED)}",
                marks=tuple(quoted[name] for name in rows[0]["holds"] if name in quoted),
                meters=meters_of(rows[0]),
                count=len(rows),
            )
        )
    yield from sorted(found, key=lambda group: -max((m.share for m in group.meters), default=0))


def _assumed(assumptions: Iterable[AssumptionRow]) -> Iterator[Assumed]:
    for source, found in groupby(assumptions, key=lambda one: one["source"]):
        yield Assumed(items=tuple((one["id"], one["says"]) for one in found), source=source)


def _rules(changes: Iterable[ChangeFacts]) -> tuple[Rule, ...]:
    """Rules in the order of the report, approximations first, each with all that it did."""
    groups: dict[tuple[str, str], list[ChangeFacts]] = {}
    for change in changes:
        groups.setdefault((change["rule"], change["keeps"]), []).append(change)
    return tuple(
        Rule(number=i, name=name, keeps=keeps, changes=tuple(found))
        for i, ((name, keeps), found) in enumerate(groups.items(), 1)
    )


def _conflicts(conflicts: Iterable[ConflictFacts]) -> Iterable[tuple[str, tuple[Claim, ...]]]:
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


def _before(
    graph: Graph, rules: Sequence[Rule], hit: frozenset[str], of_node: Mapping[str, Mark]
) -> Drawing:
    """The graph of the file: rewritten nodes carry the numbers of the rules, all the letter of
    the population that they become part of."""
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
        mark = of_node.get(name)
        nodes.append(
            Node(
                id=name,
                title=_cut(name, LETTERED if mark else 0),
                text=_cut(f"{node.kind} {_shape(node.shape_out)}"),
                kind="port" if ports else "neuron" if isinstance(node, Neuron) else "linear",
                says=f"{name}: {node.kind}, {_shape(node.shape_in)} to {_shape(node.shape_out)}",
                badge=",".join(map(str, touched.get(name, ()))),
                letter=mark.letter if mark else "",
                hue=mark.hue if mark else 0,
                marks=marks,
            )
        )
    label = f"The network of the file: {len(graph.nodes):,} nodes, {len(graph.edges):,} edges"
    return draw(nodes, graph.edges, label)


def _after(
    placed: Placed, facts: Fits, marks: Mapping[str, Mark], rules: Sequence[Rule]
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
        numbers, mark = by_population.get(p["name"], []), marks[p["name"]]
        nodes.append(
            Node(
                id=f"p {p['name']}",
                title=_cut(p["name"], LETTERED),
                text=_cut(f"{p['device_model']} {_shape(p['shape'])}"),
                kind="neuron",
                says=f"{p['name']}: {p['device_model']}, {p['neurons']:,} neurons, "
                f"in {counted(p['parts'], 'part')}, {counted(p['latency'], 'step')} late",
                badge=",".join(map(str, numbers)),
                letter=mark.letter,
                hue=mark.hue,
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


def _port(id_: str, row: InputRow | OutputRow, kind: str) -> Node:
    text = f"{kind} {_shape(row['shape'])}"
    return Node(
        id=id_, title=_cut(row["name"]), text=_cut(text), kind="port", says=f"{row['name']}: {text}"
    )


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "1"


def _cut(text: str, less: int = 0) -> str:
    most = LONGEST - less
    return text if len(text) <= most else f"{text[: most - 1]}…"
