"""A batch's matrix as values for its page: what stands in each cell, and behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from mapper.report.document import LimitFacts
from mapper.report.words import number
from mapper.verbs.batch.columns import change
from mapper.verbs.batch.document import STATUSES, Row, Summary
from mapper.verbs.batch.words import SHORT

SAYS = {
    "fits": "fits",
    "native": "fits as it is",
    "exact": "fits, exactly rewritten",
    "approximate": "fits, approximated",
    "not": "does not fit",
    "undecided": "undecided",
    "bad-input": "bad input",
    "limit-hit": "stopped at a limit",
    "bug": "bug of ours",
}
WORDS = {"needs-allow": "needs --allow", "max-error": "error", "exact-only": "needs no --exact"}
KINDS = ("native", "exact", "approximate", *STATUSES[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """kind: one of KINDS; text: two or three words; rank: from 1; id: of its details."""

    kind: str
    text: str
    rank: int | None
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A model: its name, split into folder and file, and a cell (or None) per device."""

    model: str
    folder: str
    file: str
    neurons: int | None
    cells: tuple[Cell | None, ...]


class Details(TypedDict):
    """What stands behind cells: texts once each, rows of indices into them."""

    rows: list[list[int]]
    texts: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """common: the folder that holds all models, '' if none does; kinds: (kind, in words, count)."""

    common: str
    devices: tuple[str, ...]
    kinds: tuple[tuple[str, str, int], ...]
    lines: tuple[Line, ...]
    details: Details


def matrix(rows: Sequence[Row], facts: Summary) -> Matrix:
    """The matrix of a batch's rows and its summary."""
    devices = tuple(entry["device"] for entry in facts["devices"])
    places = {
        (model["model"], one["device"]): one["rank"]
        for model in facts["models"]
        for one in model["ranking"]
    }
    texts: dict[str, int] = {}
    found = {(row["model"], row["device"]): (i, row) for i, row in enumerate(rows)}
    common = _common([model["model"] for model in facts["models"]])
    lines: list[Line] = []
    for model in facts["models"]:
        name = model["model"]
        cells = [
            _cell(*found[name, device], places.get((name, device)))
            if (name, device) in found
            else None
            for device in devices
        ]
        folder, slash, file = name.removeprefix(common).rpartition("/")
        lines.append(
            Line(
                model=name,
                folder=folder + slash,
                file=file,
                neurons=model["neurons"],
                cells=tuple(cells),
            )
        )
    counts = {kind: 0 for kind in KINDS}
    for row in rows:
        counts[_kind(row)] += 1
    return Matrix(
        common=common,
        devices=devices,
        kinds=tuple((kind, SAYS[kind], n) for kind, n in counts.items() if n),
        lines=tuple(lines),
        details={"rows": [_details(row, texts) for row in rows], "texts": list(texts)},
    )


def _common(names: Sequence[str]) -> str:
    """The folder that all names begin with, with its '/'; '' where there is none."""
    parts = [name.split("/")[:-1] for name in names]
    if not parts:
        return ""
    same = 0
    while all(len(p) > same and p[same] == parts[0][same] for p in parts):
        same += 1
    return "".join(f"{part}/" for part in parts[0][:same])


def _kind(row: Row) -> str:
    return row["group"] or row["status"]


def _cell(i: int, row: Row, rank: int | None) -> Cell:
    kind = _kind(row)
    if row["status"] == "fits":
        full = row["tightest"]
        text = "" if full is None else f" {100 * full['share']:.0f} %"
        return Cell(kind=kind, text=f"{kind}{text}", rank=rank, id=i)
    text = SHORT.get(kind, kind)
    if row["binding"] is not None:
        answer = "no" if kind == "not" else "open"
        kind_of = row["binding"]["kind"]
        text = f"{answer}: {WORDS.get(kind_of, kind_of.replace('-', ' '))}"
    return Cell(kind=kind, text=text, rank=None, id=i)


def _details(row: Row, texts: dict[str, int]) -> list[int]:
    """[status, sentence, [label, text]...], every text by its number."""

    def at(text: str) -> int:
        return texts.setdefault(text, len(texts))

    pairs = [part for label, text in _told(row) for part in (at(label), at(text))]
    return [at(SAYS[_kind(row)]), at(row["says"]), *pairs]


def _told(row: Row) -> list[tuple[str, str]]:
    """What a person asks next, label by label."""
    told: list[tuple[str, str]] = []
    if row["status"] == "fits":
        cores, loss, full = row["cores"], row["loss"], row["tightest"]
        if cores is not None:
            used = f"{cores['used']:,} of {cores['available']:,}"
            told.append(("Cores", f"{used}, {row['placement']}"))
        if full is not None:
            name = full["resource"].replace("_", " ")
            told.append(("Tightest", f"{name}: {full['used']:,} of {full['available']:,}"))
        told.append(("Rewrites", ", ".join(row["rules"]) or "none"))
        told.append(("Membrane-response error", f"{row['error']:.3g}"))
        if loss is not None:
            told.append(("Lost to integers", f"rms {loss['rms']:.2g}, at most {loss['max']:.2g}"))
        told += [("Alarm", alarm) for alarm in row["alarms"]]
        told += [("Assumed", "; ".join(row["assumptions"]))] if row["assumptions"] else []
    told += [("Limit", _limit(row["binding"]))] if row["binding"] is not None else []
    told += [("Also", conflict["says"]) for conflict in row["conflicts"][1:]]
    if row["optimistic"]:
        told.append(("Would fit if", f"{', '.join(row['optimistic'])} had its optimistic value"))
    if row["changes"]:
        told.append(("Would fit with", ", ".join(map(change, row["changes"]))))
    told += [("Finding", finding) for finding in row["findings"][1:]]
    return told


def _limit(binding: LimitFacts) -> str:
    numbers = f"{number(binding['demanded'])} of {number(binding['available'])} {binding['unit']}"
    name = binding["limit"] if binding["kind"] not in ("unsupported",) else binding["kind"]
    return f"{name}: {numbers} ({binding['confidence']}: {binding['source']})"
