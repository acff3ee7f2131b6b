"""`--solver exhaustive`: try everything, and hold the constraint solver to what that gives."""

from __future__ import annotations

from mapper.errors import OurBug
from mapper.oracle.answer import Feasible
from mapper.oracle.decide import applicable, decide
from mapper.problem.question import Question
from mapper.solving.outcome import Outcome, Placed, Undecided
from nir_io.errors import BadInput


def confirm(question: Question, outcome: Outcome) -> str:
    """One sentence on what the search through all assignments found, if it agrees.

    Raises BadInput where the network is too large for it, and OurBug where it disagrees.
    """
    too_large = applicable(question)
    if too_large is not None:
        raise BadInput([f"option solver: {too_large}"])
    answer = decide(question.network.graph, question.profile, question.semantics, question.settings)
    through = f" through {answer.searched:,} assignments" if answer.searched else ""
    tried = f"The exhaustive search{through}"
    if isinstance(outcome, Undecided):
        found = "a placement" if isinstance(answer, Feasible) else "none"
        return f"{tried} found {found}"
    if isinstance(outcome, Placed) != isinstance(answer, Feasible):
        raise OurBug((f"{tried} disagrees with the constraint solver on whether it fits",))
    if not isinstance(outcome, Placed) or not isinstance(answer, Feasible):
        return f"{tried} finds no placement either"
    if question.settings.objective[:2] == ("error", "cores") and outcome.proven:
        sources = sum(helper.role == "input source" for helper in outcome.helpers)
        ours = {name: value + sources * (name == "cores") for name, value, _ in outcome.objectives}
        for name, least in answer.objectives:
            if name in ours and ours[name] != least:
                raise OurBug((f"{tried} finds {name} {least}, the solver {ours[name]}",))
        return f"{tried} agrees: it fits, and at no less"
    return f"{tried} agrees that it fits"
