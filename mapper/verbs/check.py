"""`check` and `map`: the answer to a question, with possible fixes where it is a refusal."""

from __future__ import annotations

from dataclasses import replace

from mapper.problem.asked import Asked
from mapper.solving.outcome import Impossible
from mapper.verbs.answer import answer
from mapper.verbs.report import Report


def check(asked: Asked, *, whole: bool) -> Report:
    """The outcome, its checked bundle, or its fixes.

    whole: with the files that only a written bundle needs. Raises BadInput, and OurBug
    where the checker rejects the bundle.
    """
    result = answer(asked, whole=whole)
    if not isinstance(result.outcome, Impossible):
        return result
    from mapper.verbs.fixes import fixes, verified

    return replace(result, fixes=verified(asked, fixes(asked, result.outcome)))
