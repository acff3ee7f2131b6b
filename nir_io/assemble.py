"""From a raw graph to a checked Graph: inline, check fields, infer shapes, build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from math import prod
from types import MappingProxyType

import numpy as np

from nir_io.drafts import Dense, Draft, Pattern, Same
from nir_io.fields import draft
from nir_io.fingerprint import fingerprint_of
from nir_io.graph import Graph, make_graph
from nir_io.inline import Level, dissolve, inlined
from nir_io.limits import Spent
from nir_io.raw import Edge, RawGraph, Report, listed
from nir_io.repairs import inferred, shown
from nir_io.shapes import Shapes

STATEFUL = ("I", "LI", "IF", "LIF", "CubaLI", "CubaLIF")
MOST_LOOPS = 20


def assemble(root: RawGraph, report: Report, spent: Spent, *, repair: bool) -> Graph:
    """The network of `root`. Raises BadInput with every finding.

    Without `repair`, a defect that could be mended is a finding that says so.
    """
    flat = inlined(root, report)
    drafts: dict[str, Draft] = {}
    for name, node in flat.nodes.items():
        made = draft(node, report) if node.kind else None
        if made is not None:
            drafts[name] = made
    edges = tuple(edge for edge in sorted(flat.edges) if edge[0] in drafts and edge[1] in drafts)
    shapes = inferred(drafts, edges, flat.junctions, spent.limits.elements, report)
    _tell_shapes(root.where, drafts, shapes, report)
    _tell_loops(root.where, flat, drafts, report)
    report.stop_if_wrong(repair=repair)
    joined = dissolve(edges, flat.junctions, spent.limits.edges, report)
    _tell_size(drafts, shapes, flat.junctions, spent, report)
    report.stop_if_wrong(repair=repair)
    nodes = tuple(
        made.node(shapes.ins[name], shapes.outs[name])
        for name, made in drafts.items()
        if name not in flat.junctions
    )
    _note_unusual(drafts, joined, flat.junctions, report)
    graph = make_graph(nodes, joined)
    return make_graph(
        graph.nodes,
        joined,
        metadata=MappingProxyType(dict(sorted(report.metadata.items()))),
        notes=report.all_notes(),
        fingerprint=fingerprint_of(graph.nodes, graph.edges),
    )


def _tell_shapes(where: str, drafts: Mapping[str, Draft], shapes: Shapes, report: Report) -> None:
    for clash in shapes.clashes:
        hint = _transposed(drafts[clash.target], clash.given) or _transposed(
            drafts[clash.source], clash.taken
        )
        report.find(
            f"{where}/edges",
            f"'{clash.source}' gives {shown(clash.given)}, '{clash.target}' takes "
            f"{shown(clash.taken)}{hint}",
        )
    for name, reason in shapes.unfit.items():
        report.find(drafts[name].where, reason)
    if report.findings:
        return
    open_ = [name for name in drafts if name not in shapes.ins or name not in shapes.outs]
    if open_:
        report.find(
            f"{where}/nodes",
            f"the shape of {listed(open_)} cannot be inferred from the nodes around; "
            "give the Input a shape, or a convolution its input_shape",
        )


def _transposed(made: Draft, other: Pattern) -> str:
    """A hint if `other` is the wrong side of a weight matrix."""
    if not isinstance(made, Dense) or other not in (made.takes, made.gives):
        return ""
    return f"; the weight {made.weight.shape} of '{made.name}' seems transposed: NIR has (out, in)"


def _tell_loops(where: str, flat: Level, drafts: Mapping[str, Draft], report: Report) -> None:
    """Cycles in which nothing keeps a state: no value solves them step by step."""
    stateless = {name for name in flat.nodes if not _has_state(name, flat, drafts)}
    readers: dict[str, set[str]] = {name: set() for name in sorted(stateless)}
    for start, end in flat.edges:
        if start in stateless and end in stateless:
            readers[end].add(start)
    for _ in range(MOST_LOOPS):
        try:
            TopologicalSorter(readers).prepare()
            return
        except CycleError as error:
            loop: list[str] = error.args[1]
        path = " -> ".join(f"'{name}'" for name in loop)
        report.find(
            f"{where}/edges",
            f"the cycle {path} has no neuron and no delay in it: its values would depend on "
            "themselves within one step; put a neuron or a Delay into it",
        )
        for name in loop:
            readers[name] = set()


def _has_state(name: str, flat: Level, drafts: Mapping[str, Draft]) -> bool:
    node = flat.nodes[name]
    if node.kind in STATEFUL or not node.kind:
        return True
    made = drafts.get(name)
    return (
        node.kind == "Delay" and isinstance(made, Same) and bool((made.arrays["delay"] > 0).all())
    )


def _tell_size(
    drafts: Mapping[str, Draft],
    shapes: Shapes,
    junctions: frozenset[str],
    spent: Spent,
    report: Report,
) -> None:
    entries = sum(prod(shapes.outs[name]) for name in drafts if name not in junctions)
    if entries > spent.limits.elements:
        report.find(
            "",
            f"the nodes have {entries} entries together, the limit is {spent.limits.elements}",
        )


def _note_unusual(
    drafts: Mapping[str, Draft],
    edges: Iterable[Edge],
    junctions: frozenset[str],
    report: Report,
) -> None:
    """Say what is legal but likely a mistake."""
    for name, made in drafts.items():
        if not isinstance(made, Same) or "v_threshold" not in made.arrays:
            continue
        threshold, reset = np.broadcast_arrays(made.arrays["v_threshold"], made.arrays["v_reset"])
        low = int((threshold <= reset).sum())
        if low:
            report.note(
                f"{low} of {threshold.size} thresholds of '{name}' are not above v_reset: after a "
                "spike such a neuron is not below its threshold"
            )
    names = [name for name in drafts if name not in junctions]
    before, after = _neighbours(names, edges)
    inputs = [name for name in names if drafts[name].kind == "Input"]
    outputs = [name for name in names if drafts[name].kind == "Output"]
    reached, used = _closure(inputs, after), _closure(outputs, before)
    unused = [name for name in names if name not in used]
    blind = [name for name in names if name in used and name not in reached]
    if unused:
        report.note(f"no output depends on {listed(unused)}")
    if blind:
        report.note(f"no input reaches {listed(blind)}")


def _neighbours(
    names: Iterable[str], edges: Iterable[Edge]
) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    before: dict[str, list[str]] = {name: [] for name in names}
    after: dict[str, list[str]] = {name: [] for name in before}
    for start, end in edges:
        after[start].append(end)
        before[end].append(start)
    return before, after


def _closure(names: Iterable[str], steps: Mapping[str, list[str]]) -> set[str]:
    heap = list(names)
    found = set(heap)
    while heap:
        for name in steps[heap.pop()]:
            if name not in found:
                found.add(name)
                heap.append(name)
    return found
