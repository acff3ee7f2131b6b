"""A result as plain values: what the terminal, report.txt and --json say, made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from device_profiles.profile import Profile
from mapper.bundle.departures import departures
from mapper.bundle.result import Result
from mapper.emulate.manifest import ArrayRow, AssumptionRow, Ref
from mapper.problem.fix import Fix
from mapper.problem.settings import Settings
from mapper.report.document import (
    Asked,
    ChangeFacts,
    ClaimFacts,
    ConflictFacts,
    CoreFacts,
    DeviceFacts,
    DoesNotFit,
    Fits,
    FixFacts,
    FullestFacts,
    Keeps,
    LossFacts,
    OutcomeWord,
    PopulationFacts,
    Report,
    SemanticsFacts,
)
from mapper.solving.claims.ledger import Claim
from mapper.solving.outcome import Conflict, Impossible, Outcome, Placed, Undecided
from mapper.verify.report import CoreUse
from nir_io.semantics import Semantics
from nir_io.settings import SETTINGS
from rewrite_rules.rule import Exact, Proposal, Unbounded, Within

SCHEMA: Final = "nirmap-report-1"


def facts(result: Result) -> Report:
    """The report of a result. Every value can be written as JSON."""
    match result.outcome:
        case Placed():
            return _fits(result, result.outcome)
        case Impossible():
            return _refused(result, result.outcome)
        case Undecided():
            return {
                **_asked(result),
                "outcome": "undecided",
                "because": result.outcome.because,
                "decides": list(result.outcome.decides),
                "assumptions": _assumed(result.outcome),
            }


def _asked(result: Result) -> Asked:
    question = result.outcome.question
    return {
        "schema": SCHEMA,
        "exit": result.exit_code,
        "model": {
            "name": result.model,
            "fingerprint": result.graph.fingerprint,
            "nodes": len(result.graph.nodes),
            "neurons": question.network.neurons(),
            "notes": list(result.graph.notes),
        },
        "device": device_facts(question.profile, question.settings),
        "semantics": semantics_facts(question.semantics),
        "confirmed": result.confirmed,
        "bundle": str(result.path) if result.path and result.fits else None,
        "refusal": str(result.path) if result.path and not result.fits else None,
    }


def outcome_word(outcome: Outcome) -> OutcomeWord:
    """'fits', 'does-not-fit' or 'undecided'."""
    match outcome:
        case Placed():
            return "fits"
        case Impossible():
            return "does-not-fit"
        case Undecided():
            return "undecided"


def semantics_facts(semantics: Semantics) -> SemanticsFacts:
    """Each setting with its value and origin."""
    origins = dict(semantics.origins)
    return {
        key: {"value": getattr(semantics, key), "origin": origins.get(key, "option")}
        for key in SETTINGS
    }


def device_facts(profile: Profile, settings: Settings) -> DeviceFacts:
    """The device that was asked about."""
    return {
        "name": profile.name,
        "title": profile.title,
        "family": profile.family,
        "profile": profile.hash,
        "cores": cores_of(profile) * settings.chips,
        "chips": settings.chips,
    }


def cores_of(profile: Profile) -> int:
    """Cores of one chip."""
    return sum(len(core.ids) for core in profile.cores)


def _fits(result: Result, placed: Placed) -> Fits:
    bundle, checked = result.bundle, result.checked
    assert bundle is not None, "a placement has a bundle"
    manifest = bundle.manifest
    usage = checked.usage if checked else ()
    return {
        **_asked(result),
        "outcome": "fits",
        "cores": placed.cores,
        "placement": "binding" if placed.binding else "advisory",
        "proven": placed.proven,
        "objectives": [
            {"name": name, "value": value, "bound": bound}
            for name, value, bound in placed.objectives
        ],
        "populations": [_population(placed, name, usage) for name in placed.chosen],
        "helpers": [{"role": h.role, "chip": h.chip, "core": h.core} for h in placed.helpers],
        "links": manifest["links"],
        "fullest": _fullest(usage),
        "usage": usage_facts(usage),
        "changes": _changes(placed),
        "losses": _losses(manifest["arrays"]),
        "calibration": manifest["calibration"],
        "departures": list(departures(placed)),
        "inputs": manifest["inputs"],
        "outputs": manifest["outputs"],
        "host": [
            {
                "output": stage.output,
                "nodes": [node.name for _, nodes in stage.paths for node in nodes]
                + ([stage.neuron.name] if stage.neuron else []),
            }
            for stage in placed.question.network.host
        ],
        "contract": manifest["contract"],
        "assumptions": _assumed(placed),
        "alarms": list(manifest["alarms"]),
        "verified": bool(checked and checked.ok),
    }


def _assumed(outcome: Placed | Undecided) -> list[AssumptionRow]:
    return [{"id": a.id, "says": a.says, "source": a.source} for a in outcome.assumptions]


def usage_facts(usage: Iterable[CoreUse]) -> list[CoreFacts]:
    """What each core holds, and how much of each limit it uses."""
    return [
        {
            "chip": core.chip,
            "core": core.core,
            "holds": list(core.holds),
            "resources": {
                name: {"used": use.used, "available": use.available}
                for name, use in core.resources.items()
            },
        }
        for core in usage
    ]


def _population(placed: Placed, name: str, usage: Iterable[CoreUse]) -> PopulationFacts:
    population, plan = placed.question.network.population(name), placed.chosen[name]
    neuron = plan.form.neuron
    cores = sorted({(s.chip, s.core) for s in placed.slices if s.population == name})
    held = [core for core in usage if (core.chip, core.core) in cores]
    return {
        "name": name,
        "kind": neuron.node.kind,
        "device_model": neuron.device_model,
        "shape": list(population.shape),
        "neurons": population.size,
        "reset": neuron.reset if neuron.dynamics.spiking else None,
        "role": plan.role,
        "copies": plan.copies,
        "parts": plan.parts,
        "cores": [list(core) for core in cores],
        "latency": placed.lag[name],
        "error": round(neuron.error, 6),
        "fullest": _fullest(held),
    }


def _fullest(usage: Iterable[CoreUse]) -> FullestFacts | None:
    """The resource with the largest share in use, and where."""
    best: FullestFacts | None = None
    for core in usage:
        for name, use in core.resources.items():
            share = use.used / use.available if use.available else float(use.used > 0)
            if best is None or share > best["share"]:
                best = {
                    "resource": name,
                    "chip": core.chip,
                    "core": core.core,
                    "used": use.used,
                    "available": use.available,
                    "share": share,
                }
    return best


def _changes(placed: Placed) -> list[ChangeFacts]:
    """Every rewrite, those with the largest error first, exact ones in order behind them."""
    found: list[tuple[str | None, Proposal]] = [
        (None, done)
        for done in placed.question.normalised
        if isinstance(done, Proposal)  # pyright: ignore[reportUnnecessaryIsInstance]
    ]
    for name, plan in placed.chosen.items():
        proposals = [*plan.form.neuron.proposals]
        proposals += [p for form in plan.form.projections for p in form.proposals]
        found += [(name, proposal) for proposal in proposals]
    rows = [_change(name, proposal) for name, proposal in found]
    ranks = {"unbounded": 0, "within": 1, "exact": 2}
    return sorted(rows, key=lambda row: (ranks[row["keeps"]], -(row["bound"] or 0.0)))


def _change(population: str | None, proposal: Proposal) -> ChangeFacts:
    keeps: Keeps = "exact"
    bound: float | None = None
    because = ""
    match proposal.keeps:
        case Within(bound=value, because=reason):
            keeps, bound, because = "within", float(f"{value:.6g}"), reason
        case Unbounded(because=reason):
            keeps, because = "unbounded", reason
        case Exact():
            pass
    return {
        "rule": proposal.rule,
        "population": population,
        "nodes": list(proposal.instead_of),
        "says": proposal.says,
        "keeps": keeps,
        "bound": bound,
        "because": because,
    }


def _losses(arrays: Mapping[Ref, ArrayRow]) -> list[LossFacts]:
    """Arrays that integers do not hold exactly, the worst first."""
    rows: list[LossFacts] = [
        {"array": ref, "what": row["what"], **error}
        for ref, row in arrays.items()
        if (error := row["error"]) is not None and (error["max"] or error["clipped"])
    ]
    return sorted(rows, key=lambda row: (-row["max"], row["array"]))


def _refused(result: Result, impossible: Impossible) -> DoesNotFit:
    return {
        **_asked(result),
        "outcome": "does-not-fit",
        "headline": impossible.conflicts[0].headline if impossible.conflicts else "",
        "conflicts": [conflict_facts(conflict) for conflict in impossible.conflicts],
        "optimistic": list(impossible.optimistic),
        "fixes": [_fix(fix) for fix in result.fixes],
    }


def _fix(fix: Fix) -> FixFacts:
    return {
        "kind": fix.kind,
        "says": fix.says,
        "words": list(fix.words),
        "cost": round(fix.cost, 3),
        "resolved": fix.resolved,
        "verified": fix.verified,
    }


def conflict_facts(conflict: Conflict) -> ConflictFacts:
    """A conflict with its claims."""
    return {
        "headline": conflict.headline,
        "claims": [_claim(claim) for claim in conflict.claims],
        "minimal": conflict.minimal,
        "also": [
            sorted({name for claim in other.claims for name in claim.subject})
            for other in conflict.others
        ],
    }


def _claim(claim: Claim) -> ClaimFacts:
    return {
        "kind": claim.kind,
        "about": list(claim.subject),
        "says": claim.says,
        "limit": claim.limit,
        "demanded": claim.demanded,
        "available": claim.available,
        "optimistic": claim.optimistic,
        "unit": claim.unit,
        "source": claim.source,
        "confidence": claim.confidence,
        "fixes": list(claim.fixes),
    }
