"""Rows over decisions, and a proof that they cannot hold together: whole numbers added up.

A row says low <= sum of coefficient x decision <= high. A case of a proof is closed by
multiples of rows (positive: of the high side, negative: of the low side): in their sum every
decision is set to the end of its range that makes the left side least, and that must still be
more than the right side. Other cases split one decision's range in two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mapper.verify.report import Book

MOST_CASES = 10_000


@dataclass(frozen=True, slots=True)
class Decision:
    """0 or 1: `what` is done `how`; or 0..most: how many of `what` stand in class `where`."""

    what: str
    how: str | None
    where: str | None
    most: int


@dataclass(frozen=True, slots=True)
class Line:
    """A row: terms (coefficient, decision), its sides, and (limit, figure) that it rests on."""

    terms: tuple[tuple[int, int], ...]
    low: int | None
    high: int | None
    over: tuple[str, float] | None


@dataclass(frozen=True, slots=True)
class Sum:
    """A case that is closed: (row, multiple)."""

    rows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Split:
    """A case in two: the decision is at most `at`, or more."""

    decision: int
    at: int
    low: int
    high: int


Box = tuple[tuple[int, int], ...]


def check_proof(
    cases: Sequence[Sum | Split],
    lines: Sequence[Line],
    decisions: Sequence[Decision],
    where: str,
    book: Book,
) -> None:
    """Every case, from the whole on, is closed or split into cases that are."""
    open_: list[tuple[int, Box]] = [(0, tuple((0, d.most) for d in decisions))]
    seen = 0
    while open_:
        at, box = open_.pop()
        case = cases[at]
        seen += 1
        if isinstance(case, Sum):
            says = fault(case.rows, lines, box)
            if says:
                book.find("proof", f"{where}: case {at} of its proof {says}")
            continue
        if not at < case.low < len(cases) or not at < case.high < len(cases):
            book.find("proof", f"{where}: case {at} leads back, or to a case that is not there")
            continue
        if seen > MOST_CASES:
            book.find("proof", f"{where}: the proof has more than {MOST_CASES} cases")
            return
        first, last = box[case.decision]
        for child, ends in ((case.low, (first, case.at)), (case.high, (case.at + 1, last))):
            if ends[0] <= ends[1]:
                both = (*box[: case.decision], ends, *box[case.decision + 1 :])
                open_.append((child, both))


def fault(rows: Sequence[tuple[int, int]], lines: Sequence[Line], box: Box) -> str:
    """Why these multiples of rows do not add up to what cannot be; empty where they do."""
    total: dict[int, int] = {}
    limit = 0
    for i, multiple in rows:
        side = lines[i].high if multiple > 0 else lines[i].low
        if side is None:
            return f"uses a side of row {i} that is open"
        limit += multiple * side
        for coefficient, decision in lines[i].terms:
            total[decision] = total.get(decision, 0) + multiple * coefficient
    least = sum(c * box[d][0 if c > 0 else 1] for d, c in total.items())
    if least > limit:
        return ""
    return f"adds up to at least {least:,} where {limit:,} is allowed, which can be"
