"""Which room of the code imports which: the picture in docs/architecture.md.

    python scripts/rooms.py            print it
    python scripts/rooms.py --write    put it into docs/architecture.md

A room is a folder of mapper/ or a package beside it. Imports inside functions count, those that
only types need do not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: scripts/rooms.py writes this list and the arrows -->\n```text\n", "```\n"
SAYS = {
    "nirmap": "the name that users import",
    "cli": "the command line",
    "api": "the verbs, as functions",
    "verbs": "answer, fixes, query, compare, batch: a folder each, words and page with it",
    "report": "words, tables and drawings of a result, from values",
    "oracle": "exhaustive search and second solvers",
    "families": "all that a family of chips adds, a folder each",
    "bundle": "the bundle as a value, mapped.nir, certificates, hand-off, writing",
    "emulate": "the ideal network, and what emulators share",
    "solving": "forms, plans, claims, CP-SAT, explanations: an outcome",
    "verify": "the checker, which imports nothing of nirmap",
    "problem": "what was asked, as values",
    "errors": "exit codes and faults of nirmap",
    "rewrite_rules": "rewrites of a network",
    "device_profiles": "chips as data",
    "nir_io": "NIR files, semantics",
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Modules and names that a file imports at run time, dotted."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from imports(node)


def room_of(dotted: str) -> str:
    """The room of a module; '' for what is not ours."""
    parts = dotted.split(".")
    if parts[0] == "mapper":
        return parts[1] if len(parts) > 1 and parts[1] in SAYS else ""
    return parts[0] if parts[0] in SAYS else ""


def arrows() -> dict[str, set[str]]:
    """Room -> rooms that its files import."""
    found: dict[str, set[str]] = {room: set() for room in SAYS}
    for package in ("nirmap", "mapper", "nir_io", "device_profiles", "rewrite_rules"):
        for file in sorted((ROOT / package).rglob("*.py")):
            if "parts" in file.parts:  # run in the vendors' Pythons
                continue
            own = room_of(".".join(file.relative_to(ROOT).with_suffix("").parts))
            if not own:
                continue
            rooms = {room_of(name) for name in imports(ast.parse(file.read_text()))}
            found[own] |= rooms - {"", own}
    return found


def floors(found: dict[str, set[str]]) -> dict[str, int]:
    """Room -> its floor: one above the highest that it imports. Raises ValueError in a circle."""
    known: dict[str, int] = {}

    def floor(room: str, above: tuple[str, ...]) -> int:
        if room in above:
            raise ValueError(f"rooms import each other in a circle: {', '.join((*above, room))}")
        if room not in known:
            known[room] = 1 + max((floor(r, (*above, room)) for r in found[room]), default=0)
        return known[room]

    for room in found:
        floor(room, ())
    return known


def picture() -> str:
    """A line a room, the highest floor first: what it is, and which rooms it imports."""
    found = arrows()
    at = floors(found)
    lines: list[str] = []
    for room in sorted(at, key=lambda r: (-at[r], r)):
        below = ", ".join(sorted(found[room])) or "nothing of nirmap"
        lines += [f"{at[room]:2}  {room:<16}{SAYS[room]}", f"{'':20}-> {below}"]
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with today's picture. Raises ValueError where its place is missing."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the picture: {BEGIN!r} ... {END!r}")
    return head + begin + picture() + end + tail


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(written(PAGE.read_text()))
    else:
        sys.stdout.write(picture())
