"""Asks both solvers one question and says where they differ, and holds placements to verify."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mapper.bundle.bundle import build
from mapper.oracle.answer import Answer, Feasible
from mapper.oracle.decide import decide as search
from mapper.solving.outcome import Impossible, Outcome, Placed
from mapper.verify import examine
from nir_io.errors import BadInput
from tests.asking import decide, pose, quantize
from tests.exhaustive.instances import Instance


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One question. `word`: 'fits', 'does not fit' or 'bad input', as the exhaustive solver
    has it; `differs`: what the other one, or the checker of the bundle, says; '' if nothing.
    """

    word: str
    outcome: Outcome | None
    answer: Answer | None
    differs: str


def compare(instance: Instance, folder: Path) -> Compared:
    """Both answers. Input that is refused before any solver counts as 'bad input'.

    `folder` takes the profile's file, which the bundle's checker reads for itself.
    """
    i = instance
    answer = searched(i)
    try:
        question = pose(i.graph, i.profile, i.semantics, i.settings)
        outcome: Outcome | str = decide(question)
    except BadInput:
        outcome = "bad input"
    if isinstance(answer, str) or isinstance(outcome, str):
        differs = "" if isinstance(answer, str) == isinstance(outcome, str) else "only one refuses"
        return Compared(word="bad input", outcome=None, answer=None, differs=differs)
    word = "fits" if isinstance(answer, Feasible) else "does not fit"
    differs = _differs(outcome, answer)
    if not differs and isinstance(outcome, Placed):
        differs = _rejected(outcome, i, folder)
    return Compared(word=word, outcome=outcome, answer=answer, differs=differs)


def searched(instance: Instance) -> Answer | str:
    """The exhaustive solver's answer, or 'bad input'."""
    i = instance
    try:
        graph = pose(i.graph, i.profile, i.semantics, i.settings).network.graph
        return search(graph, i.profile, i.semantics, i.settings)
    except BadInput:
        return "bad input"


def _differs(outcome: Outcome, answer: Answer) -> str:
    match outcome:
        case Placed():
            if not isinstance(answer, Feasible):
                return f"cp-sat places it, exhaustive: {answer.because}"
            mine = _objectives(outcome)
            if mine != answer.objectives:
                return f"cp-sat {mine}, exhaustive {answer.objectives}"
            return ""
        case Impossible():
            if isinstance(answer, Feasible):
                why = "; ".join(conflict.headline for conflict in outcome.conflicts)
                return f"exhaustive {answer.objectives} {dict(answer.example)}, cp-sat: {why}"
            return ""
        case _:
            return f"cp-sat is undecided: {outcome.because}"


def _objectives(placed: Placed) -> tuple[tuple[str, int], ...]:
    """The first two objectives; the PEs of SpiNNaker2's input count as cores."""
    error, second = ((name, value) for name, value, _ in placed.objectives[:2])
    sources = sum(helper.role == "input source" for helper in placed.helpers)
    return (error, (second[0], second[1] + sources))


def _rejected(placed: Placed, instance: Instance, folder: Path) -> str:
    """What the stand-alone checker finds wrong with the bundle of a placement."""
    path = folder / "device.toml"
    path.write_text(instance.text)
    bundle = build(placed, quantize(placed), {})
    manifest = json.loads(bundle.all_files()["manifest.json"])
    checked = examine(manifest, bundle.files["arrays.npz"], profile=path)
    return "; ".join(f"verify: {finding.says}" for finding in checked.findings)


def tally(found: Iterable[Compared]) -> Counter[str]:
    """How many questions ended how."""
    return Counter(one.word for one in found)
