"""Objects of the nir package as raw graphs; the package itself is not imported."""

# fields of nodes by name
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from nir_io.graph import KINDS, Array
from nir_io.limits import Spent
from nir_io.raw import Field, RawGraph, RawNode, Report, name_fault, printable, written_name

if TYPE_CHECKING:
    import nir

TYPES = ("input_type", "output_type", "metadata")


def raw_graph(graph: nir.NIRGraph, report: Report, spent: Spent) -> RawGraph:
    """`graph`, an nir.NIRGraph, as a raw graph. Raises BadInput if it is none."""
    if not _is_graph(graph):
        report.find("", f"is a {type(graph).__name__}; expected an nir.NIRGraph")
        report.stop_if_wrong(repair=False)
    report.metadata["nir_version"] = ""
    return _graph(graph, "", report, spent, 0)


def _graph(graph: nir.NIRGraph, name: str, report: Report, spent: Spent, depth: int) -> RawGraph:
    where = name or "graph"
    if depth >= spent.limits.depth:
        report.find(where, f"graphs are nested deeper than {spent.limits.depth} levels")
        report.stop_if_wrong(repair=False)
    held = graph.nodes
    if not spent.take_nodes(len(held)) or not spent.take_edges(len(graph.edges)):
        report.find(
            where,
            f"{spent.nodes} nodes and {spent.edges} edges; the limits are "
            f"{spent.limits.nodes} and {spent.limits.edges}",
        )
        report.stop_if_wrong(repair=False)
    _metadata(graph, f"{name}/" if name else "", report, spent)
    nodes: dict[str, RawNode | RawGraph] = {}
    for key, node in held.items():
        entry = str(key)
        fault = name_fault(entry, spent.limits.name)
        if fault:
            report.find(where, fault)
            nodes[entry] = RawNode(name=printable(entry), where=where, kind="", fields={})
            continue
        full = f"{name}/{entry}" if name else entry
        if _is_graph(node):
            nodes[entry] = _graph(node, full, report, spent, depth + 1)
        else:
            nodes[entry] = _node(node, full, report, spent)
    edges = tuple((str(start), str(end)) for start, end in graph.edges)
    return RawGraph(name=name, where=where, nodes=nodes, edges=edges)


def _node(node: nir.NIRNode, name: str, report: Report, spent: Spent) -> RawNode:
    kind = type(node).__name__
    if kind not in KINDS:
        report.find(
            name, f"'{printable(kind)}' is not a NIR primitive; there are: {', '.join(KINDS)}"
        )
        return RawNode(name=name, where=name, kind="", fields={})
    _metadata(node, f"{name}/", report, spent)
    own_name = written_name(name, report, spent.limits.name)
    given = {
        field.name: getattr(node, field.name, None)
        for field in dataclass_fields(node)
        if field.name not in TYPES
    }
    if kind == "Input":
        given["shape"] = node.input_type["input"]
    elif kind == "Output":
        given["shape"] = node.output_type["output"]
    elif kind == "Flatten":
        given["input_type"] = node.input_type["input"]
    fields: dict[str, Field] = {}
    broken: set[str] = set()
    for entry, value in given.items():
        if value is None:
            continue
        if isinstance(value, str):
            fields[entry] = value
            continue
        numbers = _numbers(value, f"{name}/{entry}", report, spent)
        if numbers is None:
            broken.add(entry)
        else:
            fields[entry] = numbers
    return RawNode(name=own_name, where=name, kind=kind, fields=fields, broken=frozenset(broken))


def _is_graph(node: object) -> TypeGuard[nir.NIRGraph]:
    return type(node).__name__ == "NIRGraph"


def _numbers(value: object, where: str, report: Report, spent: Spent) -> Array | None:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        report.find(where, f"is no array of numbers: {printable(str(error), 160)}")
        return None
    if array.dtype.kind not in "biuf":
        report.find(where, f"holds values of type {array.dtype}; expected numbers")
        return None
    if array.size == 0:
        report.find(where, f"has no values (shape {array.shape}); expected at least one")
        return None
    if not spent.take_elements(array.size):
        report.find(where, f"{array.size} values pass the limit of {spent.limits.elements} in all")
        return None
    numbers = np.array(array, dtype=np.float64, order="C")
    numbers.flags.writeable = False
    return numbers


def _metadata(holder: nir.NIRNode, prefix: str, report: Report, spent: Spent) -> None:
    given = getattr(holder, "metadata", None)
    _keep(given if isinstance(given, dict) else {}, prefix, report, spent)


def _keep(given: Mapping[object, object], prefix: str, report: Report, spent: Spent) -> None:
    for key, value in given.items():
        name = printable(f"{prefix}{key}", 2 * spent.limits.name)
        found = (
            value.item()
            if isinstance(value, (np.ndarray, np.generic)) and value.size == 1
            else value
        )
        if isinstance(found, bytes):
            found = found.decode("utf-8", "replace")
        if isinstance(found, str) and len(found.encode()) <= spent.limits.text:
            report.metadata[name] = printable(found, len(found))
        elif isinstance(found, (bool, int)):
            report.metadata[name] = int(found)
        elif isinstance(found, float):
            report.metadata[name] = found
        elif isinstance(found, dict) and prefix.count("/") < spent.limits.depth:
            _keep(found, f"{name}/", report, spent)
        else:
            report.note(
                f"metadata '{name}' is no number, and no text of up to {spent.limits.text} bytes; "
                "it was not read"
            )
