"""A refusal as data that somebody else can check: certificate.json (docs/bundle.md).

    Impossible -> rows of each conflict -> proof -> JSON

Every conflict holds its limits as rows over decisions, each with the number of the profile
that it rests on, and a proof that the rows cannot hold together. `nirmap verify` adds it up
again without a solver, with the limits of the profile's own file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from mapper.bundle.bundle import device_row, version_of
from mapper.bundle.json import line
from mapper.problem.rows import semantics_row, settings_row
from mapper.solving.claims.ledger import Bound, Choose, Claim, Decision
from mapper.solving.document import (
    Amount,
    Certificate,
    CertifiedConflict,
    CertifiedLimit,
    Choice,
    ProofRow,
    SplitCase,
    SumCase,
    Way,
    WayRewrite,
)
from mapper.solving.offer.plans import Plan
from mapper.solving.outcome import Conflict, Impossible
from mapper.solving.solve.proof import Case, Sum, lean, prove
from rewrite_rules.rule import Unbounded, Within

SCHEMA: Final = "nirmap-certificate-2"
NAME = "certificate.json"
MOST_ROWS = 20_000  # of one conflict for which a proof is looked for


def certificate(outcome: Impossible, *, sha256: str | None) -> Certificate:
    """The certificate of a refusal as plain values; sha256: of the model's file, or None."""
    question = outcome.question
    network = question.network
    asked = tuple(claim for claim in outcome.ledger.claims if claim.question)
    conflicts = [_conflict(conflict, asked) for conflict in outcome.conflicts]
    named = {decision["what"] for conflict in conflicts for decision in conflict["decisions"]}
    return {
        "schema": SCHEMA,
        "result": "does not fit",
        "lifted_by_optimistic": list(outcome.optimistic),
        "versions": {name: version_of(name) for name in ("nirmap", "ortools")},
        "device": device_row(question),
        "model": {"fingerprint": network.graph.fingerprint, "sha256": sha256},
        "semantics": semantics_row(question.semantics),
        "settings": settings_row(question.settings),
        "inputs": [{"name": name, "shape": list(shape)} for name, shape in network.inputs],
        "populations": [
            {
                "name": p.name,
                "kind": p.node.kind,
                "shape": list(p.shape),
                "outputs": bool(p.outputs),
                "ways": [
                    _way(plan)
                    for plan in outcome.options.plans.get(p.name, ())
                    if {p.name, f"{p.name}/{plan.id}"} & named
                ],
            }
            for p in network.populations
        ],
        "conflicts": conflicts,
    }


def as_bytes(certificate: Certificate) -> bytes:
    """The file's bytes: the same for the same certificate."""
    return (line(certificate) + "\n").encode()


def _way(plan: Plan) -> Way:
    """A way to carry out a population: the rewrites that change it, and its slices."""
    rewrites: list[WayRewrite] = [
        {"rule": p.rule, "bound": p.keeps.bound if isinstance(p.keeps, Within) else None}
        for p in plan.form.neuron.proposals
        if isinstance(p.keeps, Within | Unbounded)
    ]
    ports = {
        source: len({p.pool for p in plan.form.projections if p.source == source})
        for source in dict.fromkeys(p.source for p in plan.form.projections)
    }
    return {
        "id": plan.id,
        "parts": plan.parts,
        "copies": plan.copies,
        "role": plan.role,
        "rewrites": rewrites,
        "ports": ports,
    }


def _conflict(conflict: Conflict, asked: Sequence[Claim]) -> CertifiedConflict:
    """The rows that a proof needs; all of them where there is none."""
    claims = (*conflict.claims, *asked)
    rows = tuple(bound for claim in claims for bound in claim.bounds)
    proof = _proven(conflict, asked, rows)
    used = range(len(rows)) if proof is None else sorted(_used(proof))
    if proof is not None:
        rows = _cut(rows, used, sum(len(claim.bounds) for claim in conflict.claims), proof)
    at = {old: new for new, old in enumerate(used)}
    named = [d for i in used for _, d in rows[i].terms]
    named += [case.decision for case in proof or () if not isinstance(case, Sum)]
    decisions = {d: i for i, d in enumerate(dict.fromkeys(named))}
    told: list[CertifiedLimit] = []
    first = 0
    for claim in claims:
        own = [i for i in range(first, first + len(claim.bounds)) if i in at]
        first += len(claim.bounds)
        if own or not claim.question:
            told.append(_claim(claim, [rows[i] for i in own], decisions))
    count = len(conflict.claims)
    return {
        "says": conflict.headline,
        "minimal": conflict.minimal,
        "likewise": [list(other.claims[0].subject) for other in conflict.others],
        "decisions": [_decision(d) for d in decisions],
        "limits": told[:count],
        "asked": told[count:],
        "proof": None if proof is None else [_case(case, at, decisions) for case in proof],
    }


def _proven(
    conflict: Conflict, asked: Sequence[Claim], rows: Sequence[Bound]
) -> tuple[Case, ...] | None:
    """A proof that names as few populations as it can do with, or None."""
    if not conflict.claims or len(rows) > MOST_ROWS:
        return None
    proof = prove(rows)
    if proof is None or len(proof) != 1 or not isinstance(proof[0], Sum):
        return proof
    first = sum(len(claim.bounds) for claim in conflict.claims)
    whose = [claim.subject for claim in asked for _ in claim.bounds]
    return (lean(proof[0], rows, dict(enumerate(whose, first))),)


def _cut(
    rows: Sequence[Bound], used: Sequence[int], limits: int, proof: Sequence[Case]
) -> tuple[Bound, ...]:
    """The rows without terms that the proof can do without.

    Of a row that says "at most", what only takes more and is in no other row may be left out:
    it says less then. Rows from `limits` on are what was asked, and stay whole.
    """
    seen: Counter[Decision] = Counter(d for i in used for _, d in rows[i].terms)
    seen.update(case.decision for case in proof if not isinstance(case, Sum))
    return tuple(
        replace(row, terms=tuple((c, d) for c, d in row.terms if c < 0 or seen[d] > 1))
        if i < limits and row.low is None
        else row
        for i, row in enumerate(rows)
    )


def _used(proof: Iterable[Case]) -> set[int]:
    return {i for case in proof if isinstance(case, Sum) for i, _ in case.rows}


def _case(
    case: Case, at: Mapping[int, int], decisions: Mapping[Decision, int]
) -> SumCase | SplitCase:
    if isinstance(case, Sum):
        return {"rows": [[at[i], multiple] for i, multiple in case.rows]}
    return {
        "decision": decisions[case.decision],
        "at": case.at,
        "cases": [case.low, case.high],
    }


def _claim(
    claim: Claim, rows: Sequence[Bound], decisions: Mapping[Decision, int]
) -> CertifiedLimit:
    return {
        "kind": claim.kind,
        "about": list(claim.subject),
        "says": claim.says,
        "limit": claim.limit,
        "demanded": claim.demanded,
        "available": claim.available,
        "unit": claim.unit,
        "source": claim.source,
        "confidence": claim.confidence,
        "rows": [_row(row, decisions) for row in rows],
    }


def _row(row: Bound, decisions: Mapping[Decision, int]) -> ProofRow:
    return {
        "terms": [[coefficient, decisions[d]] for coefficient, d in row.terms],
        "low": row.low,
        "high": row.high,
        "over": None if row.over is None else list(row.over),
    }


def _decision(decision: Decision) -> Choice | Amount:
    if isinstance(decision, Choose):
        return {"what": decision.what, "how": decision.how}
    return {"what": decision.what, "where": decision.where, "most": decision.most}
