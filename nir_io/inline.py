"""Nested graphs dissolved into one, names joined by '/'.

The inner Input and Output of a nested graph stay as junctions until shapes are known:
they may declare a shape, and a wrong one should be told. `dissolve` then joins what
enters a junction with what leaves it.

Mended here: an edge that names a node by an old name; edges that name a flattened
group; a network without Input or Output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from nir_io.raw import Edge, RawGraph, RawNode, Report, listed, printable


@dataclass(frozen=True, slots=True)
class Level:
    """One level of nodes; `junctions` are the names of inner Inputs and Outputs."""

    nodes: Mapping[str, RawNode]
    edges: tuple[Edge, ...]
    junctions: frozenset[str]


def inlined(root: RawGraph, report: Report) -> Level:
    """`root` and all graphs in it as one level."""
    nodes: dict[str, RawNode] = {}
    edges: list[Edge] = []
    junctions: set[str] = set()
    _level(root, report, nodes, edges, junctions)
    if not nodes:
        report.find(f"{root.where}/nodes", "has no nodes")
        return Level(nodes, (), frozenset())
    if all(node.kind for node in nodes.values()):
        _complete(root.where, report, nodes, edges, junctions)
    return Level(nodes, tuple(edges), frozenset(junctions))


def _level(
    graph: RawGraph,
    report: Report,
    nodes: dict[str, RawNode],
    edges: list[Edge],
    junctions: set[str],
) -> None:
    local, opened = _renamed(graph, report)
    sources, targets = {start for start, _ in local}, {end for _, end in local}
    doors: dict[str, tuple[str | None, str | None]] = {}
    for entry, node in graph.nodes.items():
        if isinstance(node, RawNode):
            if node.name in nodes:
                report.find(node.where, f"two nodes are called '{node.name}'")
            nodes[node.name] = node
            if entry in opened or (graph.name and node.kind in ("Input", "Output")):
                junctions.add(node.name)
            doors[entry] = (node.name, node.name)
        else:
            _level(node, report, nodes, edges, junctions)
            doors[entry] = (
                _door(node, "Input", entry in targets, report),
                _door(node, "Output", entry in sources, report),
            )
    where = f"{graph.where}/edges"
    seen: set[Edge] = set()
    for start, end in local:
        if (start, end) in seen:
            report.find(
                where,
                f"the edge {arrow(start, end)} stands there twice; an edge is either there or not "
                "(for twice the input scale the weights)",
            )
            continue
        seen.add((start, end))
        if _is(graph, end, "Input") and end not in opened:
            report.find(where, f"the edge {arrow(start, end)} ends at an Input")
        if _is(graph, start, "Output") and start not in opened:
            report.find(where, f"the edge {arrow(start, end)} starts at an Output")
        source, target = doors[start][1], doors[end][0]
        if source is not None and target is not None:
            edges.append((source, target))


def _door(graph: RawGraph, kind: str, used: bool, report: Report) -> str | None:
    """Name of the only Input or the only Output of a nested graph."""
    names = [
        node.name
        for node in graph.nodes.values()
        if isinstance(node, RawNode) and node.kind == kind
    ]
    if len(names) == 1:
        return names[0]
    if used:
        report.find(
            graph.where,
            f"edges of the graph around it need exactly 1 {kind} inside; there are {len(names)}",
        )
    return None


def _is(graph: RawGraph, entry: str, kind: str) -> bool:
    node = graph.nodes[entry]
    return isinstance(node, RawNode) and node.kind == kind


def _renamed(graph: RawGraph, report: Report) -> tuple[list[Edge], frozenset[str]]:
    """Edges whose ends exist, old names and names of flattened groups replaced.

    The second value names the Inputs and Outputs that turn out to be inner ones.
    """
    where = f"{graph.where}/edges"
    there = graph.nodes.keys()
    named = {end for edge in graph.edges for end in edge}
    missing = sorted(named - there)
    unnamed = sorted(there - named)
    groups = {
        name: (f"{name}.input", f"{name}.output")
        for name in missing
        if f"{name}.input" in there
        and f"{name}.output" in there
        and _is(graph, f"{name}.input", "Input")
        and _is(graph, f"{name}.output", "Output")
    }
    for name, (entrance, exit_) in groups.items():
        loop = " and drops its edge to itself" if (name, name) in graph.edges else ""
        report.mend(
            where,
            f"edges name '{printable(name)}', which is not there",
            f"takes '{entrance}' and '{exit_}' for its two ends{loop}",
        )
    alias: dict[str, str] = {}
    if len(missing) == 1 and len(unnamed) == 1 and not groups:
        alias = {missing[0]: unnamed[0]}
        report.mend(
            where,
            f"edges name '{printable(missing[0])}', which is not there",
            f"takes '{unnamed[0]}' for it, the only node that no edge names",
        )
    known = listed(there)
    kept: list[Edge] = []
    for start, end in graph.edges:
        if start == end and start in groups:
            continue
        source = groups[start][1] if start in groups else alias.get(start, start)
        target = groups[end][0] if end in groups else alias.get(end, end)
        absent = [name for name in (source, target) if name not in there]
        if absent:
            report.find(
                where,
                f"the edge {arrow(start, end)} names {listed(absent)}, which is not there; "
                f"there are: {known}",
            )
            continue
        kept.append((source, target))
    return kept, frozenset(end for ends in groups.values() for end in ends)


def _complete(
    where: str,
    report: Report,
    nodes: dict[str, RawNode],
    edges: list[Edge],
    junctions: set[str],
) -> None:
    """Add the Input or Output of a network that has none."""
    for kind, inner, outer in (("Input", 1, 0), ("Output", 0, 1)):
        if any(node.kind == kind and node.name not in junctions for node in nodes.values()):
            continue
        taken = {edge[inner] for edge in edges}
        ends = sorted(name for name, node in nodes.items() if name not in taken and node.kind)
        if not ends:
            report.find(f"{where}/nodes", f"has no {kind}, and no node where one could be put")
            continue
        if report.findings:
            report.find(f"{where}/nodes", f"has no {kind}; {listed(ends)} could have one")
            continue
        report.mend(
            f"{where}/nodes",
            f"there is no {kind}",
            f"puts one {'before' if kind == 'Input' else 'after'} {listed(ends)}",
        )
        for index, end in enumerate(ends):
            name = _free(kind.lower() if len(ends) == 1 else f"{kind.lower()}_{index}", nodes)
            nodes[name] = RawNode(name=name, where=f"{where}/nodes", kind=kind, fields={})
            pair = [end, end]
            pair[outer] = name
            edges.append((pair[0], pair[1]))


def arrow(start: str, end: str) -> str:
    """An edge as text."""
    return f"'{printable(start)}' -> '{printable(end)}'"


def _free(name: str, taken: Mapping[str, RawNode]) -> str:
    while name in taken:
        name += "_"
    return name


def dissolve(
    edges: Collection[Edge], junctions: frozenset[str], most: int, report: Report
) -> list[Edge]:
    """Edges with every junction replaced by what it joins. Junctions form no cycle."""
    after: dict[str, list[str]] = {}
    found: list[Edge] = []
    steps = 0
    for start, end in edges:
        if start in junctions:
            after.setdefault(start, []).append(end)
    for start, end in edges:
        if start in junctions:
            continue
        heap = [end]
        while heap:
            steps += 1
            if steps > 8 * most:
                report.find("", f"nested graphs written out have more than {most} edges, the limit")
                return []
            name = heap.pop()
            if name in junctions:
                heap.extend(after.get(name, ()))
            else:
                found.append((start, name))
    for (start, end), count in sorted(Counter(found).items()):
        if count > 1:
            report.find("", f"'{start}' reaches '{end}' over {count} paths without a node between")
    return found
