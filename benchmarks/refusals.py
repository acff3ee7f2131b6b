"""Refusals: whether their conflicts hold, how fast they come, and whether their fixes work.

    python benchmarks/refusals.py [CORPUS] [--count 500] [--seed 1] [--family F] [-o rows.jsonl]

For every refused network of benchmarks/refused_networks.py:

refusal: normal form, options, claims, solving and explanation, from a loaded graph in a
process that has answered before. Processor time, and wall time beside it.
sufficient: the limits of each conflict alone have no solution, by SCIP (an independent
model of the same inequalities). minimal: without any one of them they have, likewise.
fix: the search for ways out until the first whose bundle was made and passed the checker.
certificate: whether the checker without a solver finds a conflict proven, and its time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ortools.linear_solver import pywraplp
from refused_networks import Instance, instances

from mapper.bundle.certificate import certificate
from mapper.solving.claims.ledger import Choose, Claim, Decision
from mapper.solving.outcome import Conflict, Impossible
from mapper.verbs.fixes import fixes, verified
from mapper.verify.certificate import check_certificate

ROOT = Path(__file__).resolve().parent.parent
MOST_DROPS = 40  # limits of a conflict that are dropped one by one
FIX_SECONDS = 5.0
CORES = ("cores", "one-slice-a-core")  # what conflicts of several populations may share
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--family", default="", help="its share of the instances only")
    parser.add_argument("--no-fixes", action="store_true")
    parser.add_argument("-o", "--output", type=Path, help="a row of JSON for each instance")
    options = parser.parse_args()
    rows: list[Row] = []
    out = options.output.open("w", encoding="utf-8") if options.output else None
    for instance in instances(options.corpus, options.count, options.seed, options.family):
        row = judged(instance, fix=not options.no_fixes)
        rows.append(row)
        if out is not None:
            out.write(json.dumps(row) + "\n")
            out.flush()
    print(table(rows))


def judged(instance: Instance, *, fix: bool) -> Row:
    """All that is told of one instance."""
    outcome = instance.outcome
    row: Row = {
        "id": instance.id,
        "family": instance.family,
        "device": instance.device,
        "changes": instance.changes,
        "cpu": instance.cpu,
        "wall": instance.wall,
    }
    row["headline"] = outcome.conflicts[0].headline if outcome.conflicts else ""
    row["kinds"] = [sorted({c.kind for c in conflict.claims}) for conflict in outcome.conflicts]
    row["claims"] = [[c.says for c in conflict.claims] for conflict in outcome.conflicts]
    row["wrong"] = list(_faults(outcome))
    written = json.loads(json.dumps(certificate(outcome, sha256=None)))
    cpu = time.process_time()
    row["certified"] = check_certificate(written).proven
    row["check_cpu"] = time.process_time() - cpu
    if fix:
        row |= _fixed(instance, outcome)
    return row


def _faults(outcome: Impossible) -> Iterator[str]:
    """What is wrong with the conflicts; nothing where all hold."""
    if not outcome.conflicts:
        yield "no conflict"
    asked = [claim for claim in outcome.ledger.claims if claim.question]
    used: set[tuple[str, tuple[str, ...], str]] = set()
    for shown in outcome.conflicts:
        for conflict in (shown, *shown.others):
            yield from _fault(conflict, asked)
            keys = {claim.key for claim in conflict.claims if claim.kind not in CORES}
            if keys & used:
                yield f"not independent: {sorted(k[0] for k in keys & used)}"
            used |= keys


def _fault(conflict: Conflict, asked: Sequence[Claim]) -> Iterator[str]:
    if not conflict.claims:
        yield "a conflict without limits"
    if holds((*asked, *conflict.claims)) is not False:
        yield f"not sufficient: {[c.key for c in conflict.claims]}"
    for i in range(min(MOST_DROPS, len(conflict.claims))):
        rest = (*conflict.claims[:i], *conflict.claims[i + 1 :])
        if holds((*asked, *rest)) is not True:
            yield f"not minimal: {conflict.claims[i].key} of {[c.key for c in conflict.claims]}"


def holds(claims: Sequence[Claim]) -> bool | None:
    """Whether the claims' inequalities have a solution, by SCIP; None: not within 20 s."""
    solver = pywraplp.Solver.CreateSolver("SCIP")
    solver.SetTimeLimit(20_000)
    variables: dict[Decision, Any] = {}
    for claim in claims:
        for bound in claim.bounds:
            low = -solver.infinity() if bound.low is None else bound.low
            high = solver.infinity() if bound.high is None else bound.high
            if not bound.terms and not low <= 0 <= high:
                return False
            row = solver.Constraint(low, high)
            total: dict[Decision, int] = defaultdict(int)
            for coefficient, decision in bound.terms:
                total[decision] += coefficient
            for decision, coefficient in total.items():
                if decision not in variables:
                    most = 1 if isinstance(decision, Choose) else decision.most
                    variables[decision] = solver.IntVar(0, most, "")
                row.SetCoefficient(variables[decision], coefficient)
    status = solver.Solve()
    if status in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
        return True
    return False if status == pywraplp.Solver.INFEASIBLE else None


def _fixed(instance: Instance, outcome: Impossible) -> Row:
    """The fixes, the time that they took, and the cheapest whose bundle was checked."""
    started, cpu = time.perf_counter(), time.process_time()
    found = fixes(instance.asked, outcome)
    search = time.process_time() - cpu
    checked = verified(instance.asked, found)
    good = [fix for fix in checked if fix.verified]
    return {
        "search_cpu": search,
        "fix_cpu": time.process_time() - cpu,
        "fix_wall": time.perf_counter() - started,
        "fixes": [(f.kind, round(f.cost, 2), f.resolved, f.verified, f.says) for f in checked],
        "verified": bool(good),
        "lost": sum(f.applies for f in found) - sum(f.applies for f in checked),
    }


def table(rows: Sequence[Row]) -> str:
    """A table of a line per family, and what the conflicts and fixes were about."""
    lines = [
        "| family | instances | conflicts right | refusal p50 ms cpu (wall) | p95 | worst "
        "| certified | check p50 ms cpu | p95 | with a verified fix in 5 s "
        "| fixes p50 s cpu (wall) | p95 |",
        "| --- " * 12 + "|",
    ]
    by: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by[row["family"]].append(row)
    for family, own in (*sorted(by.items()), ("all", list(rows))):
        cells = [family, str(len(own)), _share(not row["wrong"] for row in own)]
        for at in (0.5, 0.95, 1.0):
            cpu, wall = (1e3 * _at(own, key, at) for key in ("cpu", "wall"))
            cells.append(f"{cpu:.0f} ({wall:.0f})")
        cells.append(_share(row["certified"] for row in own))
        cells += [f"{1e3 * _at(own, 'check_cpu', at):.1f}" for at in (0.5, 0.95)]
        if all("fix_cpu" in row for row in own):
            cells.append(_share(r["verified"] and r["fix_cpu"] <= FIX_SECONDS for r in own))
            for at in (0.5, 0.95):
                cpu, wall = (_at(own, key, at) for key in ("fix_cpu", "fix_wall"))
                cells.append(f"{cpu:.2f} ({wall:.2f})")
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_counts(rows)]
    for row in rows:
        lines += [f"WRONG {row['id']}: {fault}" for fault in row["wrong"]]
    return "\n".join(lines)


def _share(found: Iterator[bool]) -> str:
    values = list(found)
    return f"{100 * sum(values) / max(1, len(values)):.1f} %"


def _at(rows: Sequence[Row], key: str, at: float) -> float:
    """The quantile of a figure: the smallest value that so many do not exceed."""
    values = sorted(float(row[key]) for row in rows)
    return values[min(len(values) - 1, int(at * len(values)))]


def _counts(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = Counter("+".join(row["kinds"][0]) for row in rows if row["kinds"])
    yield f"first conflicts: {', '.join(f'{kind} {n}' for kind, n in first.most_common())}"
    kinds = Counter(
        next((fix[0] for fix in row["fixes"] if fix[3]), "none") for row in rows if "fixes" in row
    )
    yield f"cheapest verified fix: {', '.join(f'{kind} {n}' for kind, n in kinds.most_common())}"


if __name__ == "__main__":
    main()
