"""From a question to a result: the line that all verbs share.

Asked -> decide -> quantize -> build -> examine -> Result
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from mapper.bundle.bundle import Bundle, build, population_row
from mapper.bundle.departures import departures
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import CalibrationRow
from mapper.errors import OurBug
from mapper.families import family_named
from mapper.families.family import Family
from mapper.problem.asked import Asked
from mapper.problem.question import Question
from mapper.solving.arrange import arranged
from mapper.solving.family import Backend
from mapper.solving.outcome import Outcome, Placed, Undecided
from mapper.solving.pipeline import decide
from mapper.solving.pose import pose
from mapper.verbs.report import Report
from mapper.verify import Checked, examine
from nir_io.semantics import per_step

if TYPE_CHECKING:
    from mapper.bundle.integers.draft import Quantized


UNWRITTEN = ("file-missing",)  # of examine, which sees no files


def answer(asked: Asked, *, whole: bool, brief: bool = False, trial: bool = True) -> Report:
    """The outcome, and for a network that fits its bundle, checked.

    whole: with the files that only a written bundle needs (mapped.nir, ...). brief: slices
    stay on consecutive cores and nothing is solved again, as `fit` asks: the verdict is the
    same. trial: look for alarms by running the bundle and the ideal network once, for those
    who show them. Raises BadInput, and OurBug where the checker rejects the bundle.
    """
    source, semantics = asked.source, asked.semantics
    graph = per_step(source.graph, semantics)
    family = family_named(asked.profile.family)
    question = pose(graph, asked.profile, semantics, asked.settings, family.backend)
    outcome, confirmed = _decided(question, family.backend, brief)
    result = Report(
        model=source.name,
        graph=source.graph,
        outcome=outcome,
        confirmed=confirmed,
        sha256=source.sha256,
    )
    if isinstance(outcome, Placed):
        return _built(asked, family, result, outcome, whole, trial and not brief)
    return result


def _decided(question: Question, backend: Backend, brief: bool) -> tuple[Outcome, str]:
    """The outcome under the policy on unpublished numbers, and what confirms it."""
    confirmed = ""
    outcome = decide(question, backend)
    if question.settings.solver == "exhaustive":
        from mapper.oracle.confirm import confirm

        confirmed = confirm(question, outcome)
    if not isinstance(outcome, Placed):
        return outcome, confirmed
    if not brief:
        outcome, _ = arranged(outcome)
    if question.settings.published_only and outcome.assumptions:
        return _leaning(outcome), confirmed
    if question.settings.exact and (found := departures(outcome)):
        return _departing(outcome, found), confirmed
    return outcome, confirmed


def _departing(placed: Placed, found: tuple[str, ...]) -> Undecided:
    """What is said of a placement that --exact forbids, though no rewrite approximates."""
    return Undecided(
        question=placed.question,
        because="a placement was found, but it departs from the network's update rule, and --exact "
        f"forbids that ({'; '.join(found)})",
        options=placed.options,
        ledger=placed.ledger,
        decides=("accept it: the same command without --exact",),
        assumptions=placed.assumptions,
    )


def _leaning(placed: Placed) -> Undecided:
    """What is said of a placement that leans on more than is published."""
    n, name = len(placed.assumptions), placed.question.profile.name
    what, which = ("1 thing", "it") if n == 1 else (f"{n} things", "them")
    return Undecided(
        question=placed.question,
        because=f"a placement was found, but it leans on {what} that {placed.question.profile.vendor} "
        "has not published, and --published-only forbids that",
        options=placed.options,
        ledger=placed.ledger,
        decides=(
            f"accept {which}: the same command without --published-only",
            f"find out from the vendor, or on a chip, and put the numbers into a profile of your own: "
            f"`nirmap devices {name}` lists them with their sources",
        ),
        assumptions=placed.assumptions,
    )


def _built(
    asked: Asked, family: Family, result: Report, placed: Placed, whole: bool, trial: bool
) -> Report:
    quantized, calibration = _quantized(asked, family, placed)
    files: dict[str, bytes] = {}
    nodes: dict[str, str] = {}
    if whole:
        from mapper.bundle.mapped import mapped, nir_bytes
        from nir_io.writer import written_names

        rows = [population_row(placed, quantized, name) for name in placed.chosen]
        decoder = family.decoder(Loaded.of(rows, quantized.arrays.values), asked.profile)
        made = mapped(placed, quantized, decoder)
        written = written_names(made.graph)
        nodes = {what: written[name] for what, name in made.nodes.items()}
        files["mapped.nir"] = nir_bytes(made.graph)
    bundle = build(
        placed,
        quantized,
        files,
        nodes=nodes,
        sha256=asked.source.sha256,
        calibration=calibration,
    )
    checked = examine(_as_json(bundle), bundle.files["arrays.npz"], profile=asked.profile_path)
    if not checked.ok:
        raise OurBug(sentences(checked), None)
    if trial:
        from mapper.verbs.compare.alarms import without_data

        loaded = Loaded(bundle.manifest, bundle.arrays)
        found = without_data(placed, quantized, loaded, asked.source.graph, family.run)
        bundle = bundle.with_alarms(found)
    result = replace(result, bundle=bundle, checked=checked)
    if not whole:
        return result
    from mapper.bundle.expected import expected
    from mapper.bundle.handoff import deploy

    bundle = bundle.plus("expected.npz", expected(bundle, family.run))
    script = deploy(asked.profile.family)
    bundle = bundle if script is None else bundle.plus("deploy.py", script)
    bundle = bundle.plus("report.txt", result.text.encode())
    return replace(result, bundle=bundle.plus("report.html", result.html.encode()))


def _quantized(
    asked: Asked, family: Family, placed: Placed
) -> tuple[Quantized, CalibrationRow | None]:
    """The chip's integers; with data for it, calibrated, and what that brought."""
    if asked.calibrate is None:
        return family.quantize(placed), None
    from mapper.verbs.calibrate import calibrate, examples

    given = examples(placed, asked.calibrate.data)
    quantized, calibration = calibrate(placed, given, family, asked.calibrate.evaluations)
    return quantized, calibration.as_json()


def _as_json(bundle: Bundle) -> dict[str, object]:
    """The manifest as the checker will read it from its file."""
    return json.loads(json.dumps(bundle.manifest, allow_nan=False))


def sentences(checked: Checked) -> tuple[str, ...]:
    return tuple(f"{finding.fault}: {finding.says}" for finding in checked.findings)
