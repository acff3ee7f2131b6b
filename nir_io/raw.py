"""What stands in a file, before anything is made of it; and what is said about it.

The reader fills these from HDF5 or from objects of the nir package; everything after it
works on them and neither knows nor imports either.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nir_io.errors import BadInput
from nir_io.graph import Array

Field = Array | str
Edge = tuple[str, str]
Mended = tuple[str, str, str]

NAME_KEY = "nirmap_name"  # metadata of a node whose name has a '/', which HDF5 cannot keep
SHOWN = 8
MOST_FINDINGS = 100
MOST_NOTES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RawNode:
    """A node as stored: numbers as read-only float64 arrays, text as text.

    name: names from the outermost graph inwards, joined by '/'. where: path in the file.
    broken: fields that are there but could not be read; each has its finding already. An
    empty kind stands for a node that could not be read at all.
    """

    name: str
    where: str
    kind: str
    fields: Mapping[str, Field]
    broken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawGraph:
    """A graph as stored. `nodes` and `edges` use the names of this level; `name` is the
    node that it is in the graph around it, empty for the outermost.
    """

    name: str
    where: str
    nodes: Mapping[str, RawNode | RawGraph]
    edges: tuple[Edge, ...]


@dataclass(slots=True)
class Report:
    """Collects findings, repairs and notes while a file is read.

    A `mended` entry is a known defect that has been put right: (where, what was found,
    what `--repair` does). Without `--repair` it counts as a finding.
    """

    source: str
    findings: list[str] = field(default_factory=list[str])
    unkept: int = 0
    mended: list[Mended] = field(default_factory=list[Mended])
    notes: list[str] = field(default_factory=list[str])
    metadata: dict[str, str | int | float] = field(default_factory=dict[str, str | int | float])

    def find(self, where: str, text: str) -> None:
        """Add a finding about the place `where` in the file; after many, only count it."""
        if len(self.findings) >= 10 * MOST_FINDINGS:
            self.unkept += 1
            return
        self.findings.append(
            f"{self.source}: {where}: {text}" if where else f"{self.source}: {text}"
        )

    def mend(self, where: str, found: str, fix: str) -> None:
        """Say that a known defect was found, and how it has been mended."""
        self.mended.append((where, found, fix))

    def note(self, text: str) -> None:
        """Add a sentence that the user should see with the result."""
        self.notes.append(text)

    def stop_if_wrong(self, *, repair: bool) -> None:
        """Raise BadInput with every finding; without `repair`, defects count."""
        findings = list(self.findings)
        if not repair:
            findings += [
                f"{self.source}: {where}: {found}; `--repair` mends it: it {fix}"
                for where, found, fix in self.mended
            ]
        if not findings:
            return
        more = len(findings) + self.unkept - MOST_FINDINGS
        if more > 0:
            findings = [*findings[:MOST_FINDINGS], f"{self.source}: {more} more findings"]
        raise BadInput(findings)

    def all_notes(self) -> tuple[str, ...]:
        """Repairs as sentences, then the notes."""
        repairs = [f"repaired {where}: {found}; this {fix}" for where, found, fix in self.mended]
        more = len(self.notes) - MOST_NOTES
        rest = [f"{more} more notes"] if more > 0 else []
        return (*repairs, *self.notes[:MOST_NOTES], *rest)


def written_name(name: str, report: Report, longest: int) -> str:
    """The name that a node had before the writer took out its '/'; it is in the metadata."""
    given = str(report.metadata.pop(f"{name}/{NAME_KEY}", ""))
    fault = any(name_fault(part, longest) for part in given.split("/"))
    return name if "/" in name or fault else given


def listed(names: Iterable[str], most: int = SHOWN) -> str:
    """Names in quotes, the first few of them."""
    return first_of([f"'{printable(name)}'" for name in sorted(names)], most) or "none"


def first_of(texts: Sequence[str], most: int) -> str:
    """'a, b and 4 more' where there are more than `most`, else all of them."""
    shown = ", ".join(texts[:most])
    return f"{shown} and {len(texts) - most} more" if len(texts) > most else shown


def printable(text: str, most: int = 60) -> str:
    """`text` on one line without control or direction characters, cut to `most`."""
    if len(text) <= most and text.isprintable():
        return text
    clean = "".join(char if _harmless(char) else ascii(char)[1:-1] for char in text[: most + 1])
    return clean if len(text) <= most else f"{clean[:most]}... ({len(text)} characters)"


def name_fault(name: str, longest: int) -> str | None:
    """Why `name` cannot be the name of a node, or None.

    Control, direction and unassigned characters are refused: names stand in reports,
    logs and generated files.
    """
    if not name:
        return "a node has an empty name"
    if len(name) > longest:
        return f"the name '{printable(name, 20)}' is longer than the limit of {longest}"
    if name in (".", ".."):
        return f"the name '{name}' means a place in HDF5, not a node"
    if "/" in name:
        return f"the name '{printable(name)}' holds '/', which joins the names of nested graphs"
    if not name.isprintable() and not all(_harmless(char) for char in name):
        return f"the name '{printable(name)}' holds control characters; rename the node"
    return None


def _harmless(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"
