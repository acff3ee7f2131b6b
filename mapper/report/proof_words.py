"""The page of a certificate: what was proven of a refusal, and what was taken as stated."""

from __future__ import annotations

from mapper.report.document import Refusal
from mapper.report.page import Block, Page, Row
from mapper.report.words import counted, sentence
from mapper.verify.certificate import Proven


def proof_facts(proven: Proven, path: str) -> Refusal:
    """The verdict on a certificate for JSON."""
    return {
        "schema": "nirmap-refusal-1",
        "certificate": path,
        "device": proven.device,
        "ok": proven.ok,
        "refused": proven.refused,
        "findings": [{"fault": f.fault, "says": f.says} for f in proven.findings],
        "conflicts": [
            {
                "says": c.says,
                "proven": c.proven,
                "minimal": c.minimal,
                "rows": c.rows,
                "cases": c.cases,
                "stated": c.stated,
                "status": c.status,
                "again": None if c.again is None else {"by": c.again, "holds": c.holds},
            }
            for c in proven.conflicts
        ],
    }


def proof_page(facts: Refusal) -> Page:
    """What was found against a certificate, or how each of its conflicts stands."""
    where = facts["certificate"]
    if not facts["ok"]:
        rows: tuple[Row, ...] = tuple((row["fault"], row["says"]) for row in facts["findings"])
        return Page(
            verdict=f"{where} is rejected: {counted(len(rows), 'finding')}",
            mood="bad",
            blocks=(Block("Findings", rows),),
        )
    conflicts = facts["conflicts"]
    rows = tuple((row["status"], sentence(row["says"])) for row in conflicts)
    stated = sum(row["stated"] for row in conflicts)
    taken = f"{counted(stated, 'figure')} of the network taken as stated" if stated else ""
    if facts["refused"]:
        verdict, mood = f"{where} stands: the network does not fit {facts['device']}", "good"
    else:
        verdict, mood = f"{where} is sound, but proves nothing", "open"
    return Page(
        verdict=verdict,
        mood=mood,
        lines=(
            "Added up again without a solver, with the limits of the device's profile"
            + (f"; {taken}." if taken else "."),
            "Given the ways that nirmap has for each population: that there are no others is its word.",
            *_hint(facts),
        ),
        blocks=(Block("Conflicts", rows),),
    )


def _hint(facts: Refusal) -> tuple[str, ...]:
    if all(row["proven"] or row["again"] for row in facts["conflicts"]):
        return ()
    return ("Pass --resolve to solve what is not proven again, by another solver.",)
