"""The stand-alone check of a refusal's certificate.json: its own reading, its own arithmetic.

    JSON -> head, conflicts -> device -> every row follows from it -> every proof adds up

No solver. Limits come from the profile of the stated hash, never from the file. What ways a
population has, and what one demands of a core, are the mapper's: they are stated, and counted.
"""

# values of JSON, which nothing has looked at yet
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from mapper.verify.device import Device, NoLimitError, device
from mapper.verify.families import FAMILIES
from mapper.verify.files import MANIFEST, parse, read_file, sha256_of
from mapper.verify.grounds import RELAY, Asked, Ground, Limit, Way, misquoted, unfounded
from mapper.verify.report import Book, Finding, listed, shown
from mapper.verify.rows import MOST, Row, is_whole
from mapper.verify.sums import Decision, Line, Split, Sum, check_proof

SCHEMA = "nirmap-certificate-2"
NAME = "certificate.json"
MOST_BYTES = 64 << 20
MOST_TERMS = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found of one conflict.

    proven: its limits cannot hold together, as added up here; minimal: the mapper found each of
    them needed; rows, cases: of the proof; stated: figures that were taken as they are; again:
    who solved it again (`--resolve`), and whether that found all to hold (None: no answer).
    """

    says: str
    proven: bool
    minimal: bool
    rows: int
    cases: int
    stated: int
    again: str | None = None
    holds: bool | None = None

    @property
    def status(self) -> str:
        """In words."""
        said = "subset-minimal, not independently proven"
        if self.proven:
            rows = f"{self.rows:,} rows" if self.rows > 1 else "1 row"
            said = f"proven by {rows}" + (f" in {self.cases:,} cases" if self.cases > 1 else "")
        elif not self.minimal:
            said = "not independently proven"
        if self.again is None:
            return said
        found = {True: "can hold", False: "refused again", None: "undecided"}[self.holds]
        return f"{said}; {found} by {self.again}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The verdict on a certificate: faults, and what each conflict was found to be."""

    device: str
    findings: tuple[Finding, ...]
    conflicts: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found against it."""
        return not self.findings

    @property
    def proven(self) -> bool:
        """Whether there is no fault, and one conflict at least is proven: that is enough."""
        return self.ok and any(conflict.proven for conflict in self.conflicts)

    @property
    def refused(self) -> bool:
        """Whether the refusal stands, by proof or by another solver."""
        again = any(c.again is not None and c.holds is False for c in self.conflicts)
        return self.proven or (self.ok and again)


def certificate_at(path: Path) -> Path | None:
    """The certificate that a path speaks of: the file itself, or a refusal's folder's."""
    try:
        if path.is_file():
            return path
        return None if (path / MANIFEST).exists() or not (path / NAME).exists() else path / NAME
    except (OSError, ValueError):
        return None


def check_file(path: Path, *, model: Path | None = None, profile: Path | None = None) -> Proven:
    """The verdict on the certificate at `path`; damaged ones give findings, not exceptions.

    model: the .nir file that was refused. profile: the file of a device that does not come
    with the package.
    """
    book = Book()
    text = read_file(path, MOST_BYTES, book)
    raw = None if text is None else parse(text, book, path.name)
    return _verdict(raw, model, profile, book)


def check_certificate(raw: Mapping[str, Any], *, profile: Path | None = None) -> Proven:
    """As `check_file`, of the values that JSON gives."""
    return _verdict(raw, None, profile, Book())


def _verdict(
    raw: Mapping[str, Any] | None, model: Path | None, profile: Path | None, book: Book
) -> Proven:
    verdicts: list[Verdict] = []
    name = ""
    try:
        if raw is not None:
            name = _check(raw, profile, book, verdicts)
            if model is not None:
                _is_of(Row(raw, "certificate", book).row("model"), model, book)
    except NoLimitError as error:
        book.find("profile", f"{error}; the certificate cannot be checked")
    except Exception as error:  # a certificate that breaks the checker proves nothing
        book.find("checker-failed", f"the check ended early: {type(error).__name__}: {error}")
    return Proven(device=name, findings=book.checked().findings, conflicts=tuple(verdicts))


def _check(
    raw: Mapping[str, Any], profile: Path | None, book: Book, verdicts: list[Verdict]
) -> str:
    top = Row(raw, "certificate", book)
    if not top.is_of_format(SCHEMA):
        return ""
    stated = top.row("device")
    name, family = stated.text("name"), stated.text("family", *FAMILIES)
    chip = device(name, stated.text("profile"), book, profile)
    asked = None if chip is None else _asked(top, chip)
    if chip is None or asked is None or book.findings:
        return name
    if chip.family != family:
        book.find("device-unknown", f"{shown(name)} is of the family '{chip.family}', not {family}")
        return name
    _chips(asked, book)
    rows = list(top.rows("conflicts"))
    if not rows:
        book.find("conflict", "the certificate holds no conflict, so it shows nothing")
    for row in rows:
        found = _conflict(row, asked)
        if found is not None:
            verdicts.append(found)
    return name


def _is_of(row: Row, model: Path, book: Book) -> None:
    """The certificate is of this file, by its bytes."""
    digest = row.text_or_none("sha256")
    found = sha256_of(model, book)
    if digest is None:
        book.find("model", "the certificate holds no SHA-256 of its model's file to compare with")
    elif found is not None and found != digest:
        book.find(
            "model",
            f"{shown(model)} has the SHA-256 {found}; the certificate is of {shown(digest)}",
        )


def _chips(asked: Asked, book: Book) -> None:
    chip = asked.device
    boards = chip.values("chips_on_board") if "chips_on_board" in chip.lists else ()
    if asked.settings.get("chips") != asked.chips:
        book.find("schema", "certificate: device and settings state different numbers of chips")
    if asked.chips > max(boards, default=chip.limit("chips_per_system")):
        book.find("cores", f"{chip.name} does not come in {asked.chips} chips")


def _asked(top: Row, chip: Device) -> Asked | None:
    """The head; None, and findings, where it is not as docs/bundle.md has it."""
    before = len(top.book.findings)
    model = top.row("model")
    model.text("fingerprint")
    model.text_or_none("sha256")
    sizes: dict[str, int] = {}
    places: dict[str, int] = {}
    ways: dict[str, Mapping[str, Way]] = {}
    emitting: set[str] = set()
    for row in top.rows("populations", "name"):
        name = row.text("name")
        row.text("kind")
        if name in sizes:
            top.book.find("schema", f"certificate: population {shown(name)} stands twice")
        sizes[name] = prod(row.shape("shape"))
        if row.truth("outputs"):
            emitting.add(name)
        found = [(way.text("id"), _way(way)) for way in row.rows("ways", "id")]
        ways[name] = MappingProxyType(dict(found))
        places |= {f"{name}/{way}": made.parts for way, made in found}
    channels = tuple(prod(row.shape("shape")) for row in top.rows("inputs", "name"))
    semantics, settings = top.row("semantics"), top.row("settings")
    chips = top.row("device").whole("chips", 1)
    if len(top.book.findings) > before:
        return None
    return Asked(
        device=chip,
        chips=chips,
        semantics=semantics.raw,
        settings=settings.raw,
        channels=channels,
        sizes=MappingProxyType(sizes),
        emitting=frozenset(emitting),
        ways=MappingProxyType(ways),
        places=MappingProxyType(places),
    )


def _way(row: Row) -> Way:
    ports = row.row("ports")
    return Way(
        parts=row.whole("parts", 1),
        copies=row.whole("copies", 1),
        role=row.text("role"),
        rules=tuple((r.text("rule"), r.number_or_none("bound")) for r in row.rows("rewrites")),
        ports=MappingProxyType({source: ports.whole(source, 1) for source in ports.raw}),
    )


def _conflict(row: Row, asked: Asked) -> Verdict | None:
    """The verdict on one conflict; None where it cannot be read."""
    book, before = row.book, len(row.book.findings)
    where = row.where.removeprefix("certificate: ")
    says, minimal = row.text("says"), row.truth("minimal")
    decisions = _decisions(row, asked)
    limits = [_limit(entry, len(decisions)) for entry in row.rows("limits", "kind")]
    limits += [_limit(entry, len(decisions)) for entry in row.rows("asked", "kind")]
    lines = [line for limit in limits for line in limit.lines]
    proof = None if row.raw.get("proof", 0) is None else _proof(row, len(lines), len(decisions))
    if len(book.findings) > before:
        return None
    stated, at = 0, 0
    for limit in limits:
        ground = Ground(asked=asked, decisions=decisions, limit=limit)
        about = f"{shown(limit.kind)} of {listed((shown(name) for name in limit.about), 2)}"
        wrong = misquoted(ground)
        if wrong:
            book.find("limit", f"{where}: {about} {wrong}")
        for line in limit.lines:
            wrong = unfounded(ground, line)
            if wrong:
                book.find("ground", f"{where}: row {at}, {about}, {wrong}")
            at += 1
        stated += ground.stated
    if proof is not None:
        check_proof(proof, lines, decisions, where, book)
    return Verdict(
        says=says,
        proven=proof is not None and len(book.findings) == before,
        minimal=minimal,
        rows=len({i for case in proof or () if isinstance(case, Sum) for i, _ in case.rows}),
        cases=len(proof or ()),
        stated=stated,
    )


def _decisions(row: Row, asked: Asked) -> list[Decision]:
    """The decisions; each once, and none with less room than there may be."""
    out: list[Decision] = []
    seen: set[tuple[str, str | None, str | None]] = set()
    for entry in row.rows("decisions", "what"):
        counts = "where" in entry.raw
        made = Decision(
            what=entry.text("what"),
            how=None if counts else entry.text("how"),
            where=entry.text("where") if counts else None,
            most=entry.whole("most", 1) if counts else 1,
        )
        if (made.what, made.how, made.where) in seen:
            row.book.find("decision", f"{entry.where}: it stands twice")
        seen.add((made.what, made.how, made.where))
        room = _room(made, asked)
        if counts and made.most < room:
            row.book.find("decision", f"{entry.where}: up to {made.most}; there may be {room}")
        out.append(made)
    return out


def _room(decision: Decision, asked: Asked) -> int:
    """How many of something there may be, at most."""
    if decision.what.startswith(RELAY):
        return len(asked.device.cores)
    if decision.what in asked.places:
        return asked.places[decision.what]
    return int(asked.device.limits.get("hidden_neurons", _largest(asked.device)))


def _largest(chip: Device) -> float:
    return max((c.get("hidden_neurons", len(chip.cores)) for c in chip.cores.values()), default=1)


def _limit(row: Row, decisions: int) -> Limit:
    return Limit(
        kind=row.text("kind"),
        about=row.texts("about"),
        limit=row.text("limit"),
        says=row.text("says"),
        available=row.number("available"),
        lines=tuple(_line(entry, decisions) for entry in row.rows("rows")),
    )


def _line(row: Row, decisions: int) -> Line:
    terms = row.raw.get("terms")
    pairs = _pairs(terms, decisions) if isinstance(terms, list) else None
    if pairs is None or len({d for _, d in pairs}) < len(pairs):
        row.wrong("terms", f"[coefficient, decision] pairs, decisions 0..{decisions - 1} once each")
        pairs = ()
    sides = [row.whole(k, -MOST) if row.raw.get(k) is not None else None for k in ("low", "high")]
    return Line(terms=pairs, low=sides[0], high=sides[1], over=_over(row))


def _over(row: Row) -> tuple[str, float] | None:
    found = row.raw.get("over")
    if found is None:
        return None
    if isinstance(found, list):
        items = cast(list[Any], found)
        if len(items) == 2 and isinstance(items[0], str) and _is_figure(items[1]):
            return items[0], items[1]
    row.wrong("over", "null, or [name of a limit, number]")
    return None


def _is_figure(value: object) -> bool:
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _pairs(found: list[Any], most: int, ends: int = MOST) -> tuple[tuple[int, int], ...] | None:
    """[[number, index below `most`], ...] as pairs; None where they are not that."""
    if len(found) > MOST_TERMS:
        return None
    out: list[tuple[int, int]] = []
    for item in found:
        if not isinstance(item, list) or len(cast(list[Any], item)) != 2:
            return None
        number, index = cast(list[Any], item)
        if not is_whole(number, -ends, ends) or not is_whole(index, 0, most - 1):
            return None
        out.append((number, index))
    return tuple(out)


def _proof(row: Row, lines: int, decisions: int) -> list[Sum | Split]:
    """The cases; sums name rows by their number, over limits and then what was asked."""
    out: list[Sum | Split] = []
    for case in row.rows("proof"):
        if "rows" in case.raw:
            found = case.raw["rows"]
            turned = (
                [[*reversed(cast(list[Any], p))] if isinstance(p, list) else p for p in found]
                if isinstance(found, list)
                else []
            )
            pairs = _pairs(turned, lines)
            if not pairs or any(m == 0 for m, _ in pairs):
                case.wrong("rows", f"[row, multiple] pairs, rows 0..{lines - 1}, no multiple 0")
                pairs = ()
            out.append(Sum(tuple((i, m) for m, i in pairs)))
            continue
        cases = case.raw.get("cases")
        both = cast(list[Any], cases) if isinstance(cases, list) else []
        if len(both) != 2 or not all(is_whole(i, 0) for i in both):
            case.wrong("cases", "two numbers of cases")
            both = [0, 0]
        out.append(
            Split(
                decision=case.whole("decision", 0, max(decisions - 1, 0)),
                at=case.whole("at", -MOST),
                low=both[0],
                high=both[1],
            )
        )
    if not out:
        row.wrong("proof", "null, or a list of cases that is not empty")
    if not decisions and any(isinstance(case, Split) for case in out):
        row.book.find("proof", f"{row.where}: its proof splits a decision; there is none")
    return out
