"""A row: what became of one pair, as plain values. Every row has the same keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from mapper.report.document import ClaimFacts, ConflictFacts, Fits, LimitFacts, LossFacts
from mapper.verbs.batch.document import (
    Body,
    Group,
    Row,
    RowConflict,
    Status,
    Tightest,
    WorstLoss,
)
from mapper.verbs.batch.models import ModelFile

if TYPE_CHECKING:
    from mapper.verbs.report import Report

SCHEMA: Final = "nirmap-fit-2"
OURS = ("placed", "slices-on-cores")  # claims of the question itself; nobody's limit


def row_of(
    model: ModelFile, device: str, profile: str, fingerprint: str | None, key: str, body: Body
) -> Row:
    """The row of a pair: who, and the body that the worker gave."""
    return {
        "schema": SCHEMA,
        "key": key,
        "model": model.name,
        "sha256": model.sha256,
        "fingerprint": fingerprint,
        "device": device,
        "profile": profile,
        **body,
    }


def body_of(result: Report) -> Body:
    """What a row says of a result: fits, not or undecided."""
    facts = result.facts
    neurons = facts["model"]["neurons"]
    if facts["outcome"] == "fits":
        return _fits(facts)
    if facts["outcome"] == "undecided":
        return {**blank("undecided"), "neurons": neurons, "says": facts["because"]}
    lifted = bool(facts["optimistic"])  # as the exit code of `check`: an uncertain limit decides
    return {
        **blank("undecided" if lifted else "not"),
        "neurons": neurons,
        "says": facts["headline"],
        "binding": _binding(facts["conflicts"]),
        "conflicts": [_conflict(conflict) for conflict in facts["conflicts"]],
        "optimistic": facts["optimistic"],
    }


def bad_input(findings: Iterable[str], path: str) -> Body:
    """A file, its settings or a network that cannot be used; findings without the path."""
    told = [finding.removeprefix(f"{path}: ") for finding in findings]
    return {**blank("bad-input"), "says": told[0] if told else "", "findings": told}


def bug(findings: Iterable[str]) -> Body:
    """Our own fault."""
    told = list(findings)
    return {**blank("bug"), "says": told[0] if told else "", "findings": told}


def limit_hit(what: Literal["time", "memory"], most: float, unit: str, says: str) -> Body:
    """A job that was stopped at a limit of time or memory."""
    return {
        **blank("limit-hit"),
        "says": says,
        "stopped": {"what": what, "most": most, "unit": unit},
    }


def blank(status: Status) -> Body:
    """What is said of a pair of which no more is known than its status."""
    return {
        "status": status,
        "says": "",
        "findings": [],
        "neurons": None,
        "group": None,
        "rules": [],
        "cores": None,
        "tightest": None,
        "error": None,
        "loss": None,
        "placement": None,
        "proven": None,
        "behaviour": None,
        "cost": None,
        "agreement": None,
        "assumptions": [],
        "alarms": [],
        "binding": None,
        "conflicts": [],
        "optimistic": [],
        "changes": None,
        "stopped": None,
    }


def _fits(facts: Fits) -> Body:
    changes = facts["changes"]
    inexact = sorted({c["rule"] for c in changes if c["keeps"] != "exact"})
    group: Group = "approximate" if inexact else "exact" if changes else "native"
    tightest = tightest_of(facts)
    full = "" if tightest is None else f"; {_share(tightest)}"
    return {
        **blank("fits"),
        "neurons": facts["model"]["neurons"],
        "says": f"{GROUP_SAYS[group]}{full}",
        "group": group,
        "rules": inexact or sorted({c["rule"] for c in changes}),
        "cores": {"used": facts["cores"], "available": facts["device"]["cores"]},
        "tightest": tightest,
        "error": max((p["error"] for p in facts["populations"]), default=0.0),
        "loss": _loss(facts["losses"]),
        "placement": facts["placement"],
        "proven": facts["proven"],
        "assumptions": [a["says"] for a in facts["assumptions"]],
        "alarms": facts["alarms"],
    }


GROUP_SAYS: Mapping[Group, str] = {
    "native": "as it is",
    "exact": "exact but for integers and latency",
    "approximate": "approximated",
}


def tightest_of(facts: Fits) -> Tightest | None:
    """The limit with the largest share in use, cores included.

    Where slices may be cut as one likes (an advisory placement) each core is as full as the
    cut makes it, and only the number of cores tells; a chip of one core has pools instead.
    """
    found: list[Tightest] = []
    if facts["device"]["cores"] > 1:
        found.append(_used("cores", facts["cores"], facts["device"]["cores"]))
    full = facts["fullest"]
    if facts["placement"] == "binding" and full is not None:
        found.append(_used(full["resource"], full["used"], full["available"]))
    return max(found, key=lambda use: use["share"], default=None)


def _used(resource: str, used: float, available: float) -> Tightest:
    share = round(used / available, 6) if available else 1.0
    return {"resource": resource, "used": used, "available": available, "share": share}


def _share(use: Tightest) -> str:
    words = use["resource"].replace("_", " ")
    return f"{words} {use['used']:,} of {use['available']:,} ({100 * use['share']:.0f} %)"


def _loss(rows: Sequence[LossFacts]) -> WorstLoss:
    """The worst array: deviations in thresholds, and clipped values of all."""
    return {
        "max": max((row["max"] for row in rows), default=0.0),
        "rms": max((row["rms"] for row in rows), default=0.0),
        "clipped": sum(row["clipped"] for row in rows),
    }


def _binding(conflicts: Iterable[ConflictFacts]) -> LimitFacts | None:
    """The limit of the first conflict that is exceeded most; of none, the first told."""
    for conflict in conflicts:
        claims = [claim for claim in conflict["claims"] if claim["kind"] not in OURS]
        if claims:
            binding = max(claims, key=_excess)  # the first of equals
            return {
                "kind": binding["kind"],
                "limit": binding["limit"],
                "about": binding["about"],
                "demanded": binding["demanded"],
                "available": binding["available"],
                "optimistic": binding["optimistic"],
                "unit": binding["unit"],
                "source": binding["source"],
                "confidence": binding["confidence"],
                "fixes": binding["fixes"],
            }
    return None


def _excess(claim: ClaimFacts) -> float:
    if claim["available"] > 0:
        return max(1.0, claim["demanded"] / claim["available"])
    return float("inf") if claim["demanded"] > 0 else 1.0


def _conflict(conflict: ConflictFacts) -> RowConflict:
    kinds = [claim["kind"] for claim in conflict["claims"] if claim["kind"] not in OURS]
    return {"says": conflict["headline"], "kinds": list(dict.fromkeys(kinds))}
