"""Asks both solvers one question and says where they differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mapper.exhaustive.answer import Answer, Feasible
from mapper.exhaustive.decide import decide as search
from mapper.outcome import Impossible, Outcome, Placed
from mapper.pipeline import decide, pose
from nir_io.errors import BadInput
from tests.exhaustive.instances import Instance


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One question: what each said, and how that differs ('' where it does not)."""

    word: str
    outcome: Outcome | None
    answer: Answer | None
    differs: str


def compare(instance: Instance) -> Compared:
    """Both answers. Input that is refused before any solver counts as 'bad input'."""
    i = instance
    try:
        question = pose(i.graph, i.profile, i.semantics, i.settings)
        answer = search(question.network.graph, i.profile, i.semantics, i.settings)
    except BadInput:
        return Compared(word="bad input", outcome=None, answer=None, differs="")
    outcome = decide(question)
    fits = isinstance(answer, Feasible)
    word = "fits" if fits else "does not fit"
    differs = _differs(outcome, answer)
    return Compared(word=word, outcome=outcome, answer=answer, differs=differs)


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


def tally(found: list[Compared]) -> Counter[str]:
    """How many questions ended how."""
    return Counter(one.word for one in found)
