"""A row: what became of one pair, as plain values. Every row has the same keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from mapper.verbs.batch.models import ModelFile

if TYPE_CHECKING:
    from mapper.verbs.report import Report

SCHEMA = "nirmap-fit-1"
STATUSES = ("fits", "not", "undecided", "bad-input", "limit-hit", "bug")
GROUPS = ("native", "exact", "approximate")
OUTCOMES = {"fits": "fits", "does-not-fit": "not", "undecided": "undecided"}
OURS = ("placed", "slices-on-cores")  # claims of the question itself; nobody's limit

Row = dict[str, Any]
Body = dict[str, Any]
EMPTY: Mapping[str, Any] = {
    "says": "",
    "findings": (),
    "neurons": None,
    "group": None,
    "rules": (),
    "cores": None,
    "tightest": None,
    "error": None,
    "loss": None,
    "placement": None,
    "proven": None,
    "agreement": None,
    "assumptions": (),
    "alarms": (),
    "binding": None,
    "conflicts": (),
    "optimistic": (),
    "changes": None,
    "stopped": None,
}


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
    status = OUTCOMES[facts["outcome"]]
    body: Body = {"status": status, "neurons": facts["model"]["neurons"]}
    if status == "fits":
        return _whole({**body, **_fits(facts)})
    if status == "undecided":
        return _whole({**body, "says": facts["because"]})
    body |= {
        "says": facts["headline"],
        "binding": _binding(facts["conflicts"]),
        "conflicts": [_conflict(conflict) for conflict in facts["conflicts"]],
        "optimistic": facts["optimistic"],
    }
    if facts["optimistic"]:  # as the exit code of `check`: an uncertain limit decides
        body["status"] = "undecided"
    return _whole(body)


def bad_input(findings: Iterable[str], path: str) -> Body:
    """A file, its settings or a network that cannot be used; findings without the path."""
    told = [finding.removeprefix(f"{path}: ") for finding in findings]
    return _whole({"status": "bad-input", "says": told[0] if told else "", "findings": told})


def bug(findings: Iterable[str]) -> Body:
    """Our own fault."""
    told = list(findings)
    return _whole({"status": "bug", "says": told[0] if told else "", "findings": told})


def limit_hit(what: str, most: float, unit: str, says: str) -> Body:
    """A job that was stopped at a limit of time or memory."""
    stopped = {"what": what, "most": most, "unit": unit}
    return _whole({"status": "limit-hit", "says": says, "stopped": stopped})


def _whole(body: Body) -> Body:
    return {"status": body["status"], **EMPTY, **body}


def _fits(facts: Mapping[str, Any]) -> Body:
    changes = facts["changes"]
    inexact = sorted({c["rule"] for c in changes if c["keeps"] != "exact"})
    group = "approximate" if inexact else "exact" if changes else "native"
    used = {"used": facts["cores"], "available": facts["device"]["cores"]}
    tightest = tightest_of(facts)
    full = "" if tightest is None else f"; {_share(tightest)}"
    return {
        "says": f"{GROUP_SAYS[group]}{full}",
        "group": group,
        "rules": inexact or sorted({c["rule"] for c in changes}),
        "cores": used,
        "tightest": tightest,
        "error": max((p["error"] for p in facts["populations"]), default=0.0),
        "loss": _loss(facts["losses"]),
        "placement": facts["placement"],
        "proven": facts["proven"],
        "assumptions": [a["says"] for a in facts["assumptions"]],
        "alarms": facts["alarms"],
    }


GROUP_SAYS = {
    "native": "as it is",
    "exact": "exact but for integers and latency",
    "approximate": "approximated",
}


def tightest_of(facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The limit with the largest share in use, cores included.

    Where slices may be cut as one likes (an advisory placement) each core is as full as the
    cut makes it, and only the number of cores tells; a chip of one core has pools instead.
    """
    cores = {"resource": "cores", "used": facts["cores"], "available": facts["device"]["cores"]}
    found: list[dict[str, Any]] = []
    if facts["device"]["cores"] > 1:
        found.append(cores)
    if facts["placement"] == "binding" and facts["fullest"] is not None:
        found.append({name: facts["fullest"][name] for name in ("resource", "used", "available")})
    if not found:
        return None
    for use in found:
        use["share"] = round(use["used"] / use["available"], 6) if use["available"] else 1.0
    return max(found, key=lambda use: use["share"])


def _share(use: Mapping[str, Any]) -> str:
    words = str(use["resource"]).replace("_", " ")
    return f"{words} {use['used']:,} of {use['available']:,} ({100 * use['share']:.0f} %)"


def _loss(losses: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The worst array: deviations in thresholds, and clipped values of all."""
    rows = list(losses)
    return {
        "max": max((row["max"] for row in rows), default=0.0),
        "rms": max((row["rms"] for row in rows), default=0.0),
        "clipped": sum(row["clipped"] for row in rows),
    }


def _binding(conflicts: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The limit of the first conflict that is exceeded most; of none, the first told."""
    for conflict in conflicts:
        claims = [claim for claim in conflict["claims"] if claim["kind"] not in OURS]
        if claims:
            binding = max(claims, key=_excess)  # the first of equals
            keys = ("kind", "limit", "about", "demanded", "available", "optimistic", "unit")
            return {key: binding[key] for key in (*keys, "source", "confidence", "fixes")}
    return None


def _excess(claim: Mapping[str, Any]) -> float:
    if claim["available"] > 0:
        return max(1.0, claim["demanded"] / claim["available"])
    return float("inf") if claim["demanded"] > 0 else 1.0


def _conflict(conflict: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [claim["kind"] for claim in conflict["claims"] if claim["kind"] not in OURS]
    return {"says": conflict["headline"], "kinds": list(dict.fromkeys(kinds))}
