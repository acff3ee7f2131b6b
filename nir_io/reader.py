"""Reads NIR files without trusting them: headers first, then data, within limits.

`read` goes through HDF5 by itself. Links other than hard ones, external and virtual
storage, references, unknown filters and data that were never written are refused
without being followed. `from_nir` makes the same checks on objects of the nir package.
Neither imports that package.
"""

# h5py has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard, cast

from h5py import h5d, h5f, h5g, h5l, h5o  # pyright: ignore[reportAttributeAccessIssue]

from nir_io.assemble import assemble
from nir_io.errors import BadInput
from nir_io.graph import KINDS, Graph
from nir_io.heap import Heaps
from nir_io.limits import Limits, Spent
from nir_io.objects import raw_graph
from nir_io.raw import (
    Edge,
    Field,
    RawGraph,
    RawNode,
    Report,
    listed,
    name_fault,
    printable,
    written_name,
)
from nir_io.storage import Data, Group
from nir_io.values import DAMAGE, Values, reason

if TYPE_CHECKING:
    import nir

KNOWN_MAJOR = 1
GRAPH = ("type", "nodes", "edges", "metadata")
Address = tuple[int, int]


def read(
    path: str | os.PathLike[str], *, repair: bool = False, limits: Limits | None = None
) -> Graph:
    """The network in the NIR file `path`.

    With `repair`, known defects of exporters are mended and listed in the notes.
    Raises BadInput with every finding.
    """
    report = Report(printable(os.fspath(path), 200))
    spent = Spent(limits or Limits())
    root = _root(Path(path), report, spent)
    return assemble(root, report, spent, repair=repair)


def from_nir(graph: nir.NIRGraph, *, repair: bool = False, limits: Limits | None = None) -> Graph:
    """The network that an object of the nir package describes; checks as for `read`."""
    report = Report("graph")
    spent = Spent(limits or Limits())
    root = raw_graph(graph, report, spent)
    return assemble(root, report, spent, repair=repair)


def _root(path: Path, report: Report, spent: Spent) -> RawGraph:
    try:
        status = path.stat()
        start = _start(path) if stat.S_ISREG(status.st_mode) else b""
    except (OSError, ValueError) as error:
        raise _stopped(report, "", f"cannot be opened: {reason(error)}") from error
    if not stat.S_ISREG(status.st_mode):
        raise _stopped(report, "", "is not a regular file")
    if status.st_size == 0:
        raise _stopped(report, "", "is empty (0 bytes)")
    if start.startswith(b"version https://git-lfs"):
        raise _stopped(report, "", "is a Git LFS pointer, not the model; run `git lfs pull`")
    try:
        file = h5f.open(os.fsencode(path), h5f.ACC_RDONLY)
    except DAMAGE as error:
        raise _stopped(report, "", f"is not a whole HDF5 file: {reason(error)}") from error
    try:
        with path.open("rb") as raw:
            plan = file.get_create_plist()
            if plan.get_sizes() != (8, 8):
                raise ValueError(f"addresses and sizes of {plan.get_sizes()} bytes, not 8")
            heaps = Heaps(raw.fileno(), plan.get_userblock())
            values = Values(report, spent, status.st_size, heaps)
            return _File(report, spent, values).root(cast(Group, h5g.open(file, b"/")))
    except DAMAGE as error:
        raise _stopped(report, "", f"is damaged: {reason(error)}") from error


@dataclass(slots=True)
class _File:
    """The tree of groups; `values` reads the data sets in it."""

    report: Report
    spent: Spent
    values: Values
    seen: set[Address] = field(default_factory=set[Address])

    def root(self, top: Group) -> RawGraph:
        """The network in 'node', with the version beside it."""
        others = [name for name in top if name not in (b"version", b"node")][:20]
        if others:
            names = listed(name.decode("utf-8", "replace") for name in others)
            self.report.note(f"{names} beside 'node' was not read")
        self._version(self._child(top, b"version", "") if b"version" in top else None)
        node = self._child(top, b"node", "") if b"node" in top else None
        if not _is_group(node):
            raise _stopped(
                self.report, "node", "is missing; a NIR file holds its network in the group 'node'"
            )
        kind = self._kind(self._members(node, "node"), "node")
        if kind == "NIRGraph":
            return self._graph(node, "", "node", ())
        if kind is not None:
            self.report.find(
                "node", f"is a single '{printable(kind)}'; wrap it: nir.NIRGraph.from_list(node)"
            )
        raise _stopped(self.report)

    def _version(self, found: Group | Data | None) -> None:
        text = self.values.text(found, "version") if _is_data(found) else None
        self.report.metadata["nir_version"] = printable(text or "")
        if not text:
            self.report.note("the file does not say which version of nir wrote it")
            return
        major = text.split(".")[0]
        if major.isdecimal() and int(major[:9]) > KNOWN_MAJOR:
            self.report.note(
                f"the file was written by nir {printable(text)}; known are versions up to "
                f"{KNOWN_MAJOR}.x, and newer ones may mean something else"
            )

    def _graph(self, group: Group, name: str, where: str, above: tuple[Address, ...]) -> RawGraph:
        if len(above) >= self.spent.limits.depth:
            raise _stopped(
                self.report,
                where,
                f"graphs are nested deeper than {self.spent.limits.depth} levels",
            )
        address = _address(group)
        if address in self.seen:
            fault = "holds itself" if address in above else "stands in two places"
            self.report.find(where, f"the graph {fault}: a hard link leads to it a second time")
            return RawGraph(name=name, where=where, nodes={}, edges=())
        self.seen.add(address)
        members = self._members(group, where)
        for entry, child in members.items():
            path = f"{where}/{printable(entry)}"
            if entry == "metadata":
                self._metadata(child, path, f"{name}/" if name else "")
            elif entry not in GRAPH:
                self.report.find(path, f"a graph has no such field; there are: {', '.join(GRAPH)}")
        edges = self._edges(members, where)
        held = members.get("nodes")
        if not _is_group(held):
            if held is not None or "nodes" not in members:
                self.report.find(f"{where}/nodes", "is missing; a graph needs its nodes")
            return RawGraph(name=name, where=where, nodes={}, edges=edges)
        if not self.spent.take_nodes(held.get_num_objs()):
            raise _stopped(
                self.report,
                f"{where}/nodes",
                f"{self.spent.nodes} nodes are declared, the limit is {self.spent.limits.nodes}",
            )
        nodes: dict[str, RawNode | RawGraph] = {}
        for entry, child in self._links(held, f"{where}/nodes"):
            fault = name_fault(entry, self.spent.limits.name)
            if fault:
                self.report.find(f"{where}/nodes", fault)
                nodes[entry] = RawNode(name=printable(entry), where=where, kind="", fields={})
                continue
            full = f"{name}/{entry}" if name else entry
            nodes[entry] = self._node(child, full, f"{where}/nodes/{entry}", (*above, address))
        return RawGraph(name=name, where=where, nodes=nodes, edges=edges)

    def _edges(self, members: Mapping[str, Group | Data | None], where: str) -> tuple[Edge, ...]:
        path = f"{where}/edges"
        found = members.get("edges")
        if _is_data(found):
            return self.values.pairs(found, path)
        if "edges" not in members:
            self.report.find(path, "is missing; a graph needs its list of edges")
        elif found is not None:
            self.report.find(path, "is a group; expected pairs of names")
        return ()

    def _node(
        self, found: Group | Data | None, name: str, where: str, above: tuple[Address, ...]
    ) -> RawNode | RawGraph:
        unusable = RawNode(name=name, where=where, kind="", fields={})
        if not _is_group(found):
            if found is not None:
                self.report.find(where, "is no group; a node is a group with a 'type'")
            return unusable
        members = self._members(found, where)
        kind = self._kind(members, where)
        if kind is None:
            return unusable
        if kind == "NIRGraph":
            return self._graph(found, name, where, above)
        if kind not in KINDS:
            self.report.find(
                f"{where}/type",
                f"'{printable(kind)}' is not a NIR primitive; there are: {', '.join(KINDS)}",
            )
            return unusable
        fields: dict[str, Field] = {}
        broken: set[str] = set()
        own_name = name
        for entry, child in members.items():
            path = f"{where}/{printable(entry)}"
            if entry == "metadata":
                self._metadata(child, path, f"{name}/")
                own_name = written_name(name, self.report, self.spent.limits.name)
            elif entry != "type":
                value = self._field(child, path)
                if value is None:
                    broken.add(entry)
                else:
                    fields[entry] = value
        return RawNode(
            name=own_name, where=where, kind=kind, fields=fields, broken=frozenset(broken)
        )

    def _field(self, child: Group | Data | None, where: str) -> Field | None:
        if _is_data(child):
            return self.values.field(child, where)
        if child is not None:
            self.report.find(where, "is a group; expected an array of numbers")
        return None

    def _kind(self, members: Mapping[str, Group | Data | None], where: str) -> str | None:
        path = f"{where}/type"
        found = members.get("type")
        if _is_data(found):
            return self.values.text(found, path)
        if "type" not in members:
            self.report.find(path, "is missing; every node names its NIR primitive")
        elif found is not None:
            self.report.find(path, "is a group; expected the name of a NIR primitive")
        return None

    def _members(self, group: Group, where: str) -> Mapping[str, Group | Data | None]:
        count, most = group.get_num_objs(), self.spent.limits.entries
        if count > most:
            raise _stopped(self.report, where, f"holds {count} entries, the limit is {most}")
        return dict(self._links(group, where))

    def _links(self, group: Group, where: str) -> Iterator[tuple[str, Group | Data | None]]:
        """Names and opened objects of a group; None stands for a link that was refused."""
        for stored in list(group):
            try:
                name = stored.decode("utf-8")
            except UnicodeDecodeError:
                self.report.find(where, f"the name {stored[:40]!r} is not UTF-8 text")
                continue
            yield name, self._child(group, stored, where)

    def _child(self, group: Group, name: bytes, where: str) -> Group | Data | None:
        try:
            if group.links.get_info(name).type == h5l.TYPE_HARD:
                found = h5o.open(group, name)
                if _is_group(found) or _is_data(found):
                    return found
                fault = "is neither a group nor a data set"
            else:
                fault = "is a soft or external link; links are not followed"
        except DAMAGE as error:
            fault = f"is damaged: {reason(error)}"
        self.report.find(f"{where}/{printable(name.decode('utf-8', 'replace'))}".lstrip("/"), fault)
        return None

    def _metadata(
        self, found: Group | Data | None, where: str, prefix: str, depth: int = 0
    ) -> None:
        """Keep numbers and texts; say what else there is."""
        if not _is_group(found) or depth > self.spent.limits.depth:
            self.report.note(f"metadata at {where} was not read")
            return
        for entry, child in self._members(found, where).items():
            path = f"{where}/{printable(entry)}"
            key = printable(f"{prefix}{entry}", 2 * self.spent.limits.name)
            if _is_group(child):
                self._metadata(child, path, f"{prefix}{entry}/", depth + 1)
                continue
            value = self.values.scalar(child, path) if _is_data(child) else None
            if value is None:
                self.report.note(
                    f"metadata '{key}' is no number, and no text of up to "
                    f"{self.spent.limits.text} bytes; it was not read"
                )
            elif len(self.report.metadata) < self.spent.limits.nodes:
                self.report.metadata[key] = value


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _is_group(found: object) -> TypeGuard[Group]:
    return isinstance(found, h5g.GroupID)


def _is_data(found: object) -> TypeGuard[Data]:
    return isinstance(found, h5d.DatasetID)


def _address(group: Group) -> Address:
    info = h5o.get_info(group)
    return info.fileno, info.addr


def _stopped(report: Report, where: str = "", text: str = "") -> BadInput:
    """What has been found so far, as the exception that ends reading."""
    if text:
        report.find(where, text)
    try:
        report.stop_if_wrong(repair=False)
    except BadInput as stopped:
        return stopped
    raise AssertionError("nothing was found")
