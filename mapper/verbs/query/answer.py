"""Answers to queries: a value, the same as facts for JSON, and from the facts a page of text."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from device_profiles.profile import Profile
from mapper.bundle.result import Result
from mapper.errors import DOES_NOT_FIT, FITS, UNDECIDED
from mapper.problem.asked import Asked
from mapper.report.document import ExitCode
from mapper.verbs.query.diff import Difference
from mapper.verbs.query.document import (
    About,
    AllAnswer,
    DiffAnswer,
    ExplainAnswer,
    HeadroomAnswer,
    OfResult,
    QueryFacts,
    SupportAnswer,
    TrainingAnswer,
    VaryAnswer,
    WhyNotAnswer,
)
from mapper.verbs.query.every import Placements
from mapper.verbs.query.headroom import Room
from mapper.verbs.query.support import Support
from mapper.verbs.query.training import TrainingLimit
from mapper.verbs.query.vary import Varied
from mapper.verbs.query.why import Told

SCHEMA: Final = "nirmap-query-1"
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answer(Generic[T_co]):
    """`facts`: all that is said, as plain values; `value`: the same with its types."""

    value: T_co
    facts: QueryFacts

    @property
    def exit_code(self) -> int:
        """As the command line's."""
        return self.facts["exit"]

    @property
    def text(self) -> str:
        """The answer as plain text."""
        from mapper.report.page import plain
        from mapper.verbs.query.words import query_page

        return plain(query_page(self.facts))


def varied(asked: Asked, what: str) -> Answer[Varied]:
    """`--vary`: exit code 0 where some value fits, 1 where none does, 3 where that is open."""
    from mapper.verbs.query.vary import facts, vary

    found = vary(asked, what)
    some = found.largest is not None
    code = FITS if some else DOES_NOT_FIT if found.proven else UNDECIDED
    told: VaryAnswer = {**_about(asked, code), "query": "vary", "answer": facts(found)}
    return Answer(value=found, facts=told)


def headroom(asked: Asked) -> Answer[tuple[Room, ...]]:
    """`--headroom`: exit code as of `check`."""
    from mapper.verbs.query.headroom import facts, headroom

    result = _result(asked)
    found = headroom(result)
    told: HeadroomAnswer = {
        **_of_result(asked, result),
        "query": "headroom",
        "answer": facts(found),
    }
    return Answer(value=found, facts=told)


def explained(asked: Asked, node: str) -> Answer[Told]:
    """`--explain`: exit code as of `check`."""
    from mapper.verbs.query.why import explain_node, facts

    result = _result(asked)
    found = explain_node(result, node)
    told: ExplainAnswer = {
        **_of_result(asked, result),
        "query": "explain",
        "answer": facts(found),
    }
    return Answer(value=found, facts=told)


def why_not(asked: Asked, what: str) -> Answer[Told]:
    """`--why-not`: exit code as of `check`."""
    from mapper.verbs.query.why import facts, why_not

    result = _result(asked)
    found = why_not(result, what)
    told: WhyNotAnswer = {
        **_of_result(asked, result),
        "query": "why-not",
        "answer": facts(found),
    }
    return Answer(value=found, facts=told)


def placements(asked: Asked) -> Answer[Placements]:
    """`--all`: exit code as of `check`."""
    from mapper.verbs.query.every import facts, placements

    result = _result(asked)
    found = placements(result.outcome)
    told: AllAnswer = {**_of_result(asked, result), "query": "all", "answer": facts(found)}
    return Answer(value=found, facts=told)


def diff(
    first: str | os.PathLike[str], second: str | os.PathLike[str]
) -> Answer[tuple[Difference, ...]]:
    """Exit code 0 where the bundles hold the same, 1 where they differ."""
    from mapper.verbs.query.diff import diff, facts

    found = diff(first, second)
    told: DiffAnswer = {
        "schema": SCHEMA,
        "query": "diff",
        "exit": DOES_NOT_FIT if found else FITS,
        "first": os.fspath(first),
        "second": os.fspath(second),
        "answer": facts(found),
    }
    return Answer(value=found, facts=told)


def support(profiles: Iterable[Profile]) -> Answer[tuple[Support, ...]]:
    """What each primitive becomes on each device."""
    from mapper.verbs.query.support import facts, support

    found = tuple(row for profile in profiles for row in support(profile))
    told: SupportAnswer = {
        "schema": SCHEMA,
        "query": "support",
        "exit": FITS,
        "answer": facts(found),
    }
    return Answer(value=found, facts=told)


def training(profile: Profile) -> Answer[tuple[TrainingLimit, ...]]:
    """The limits to train within."""
    from mapper.verbs.query.training import facts, training

    found = training(profile)
    told: TrainingAnswer = {
        "schema": SCHEMA,
        "query": "training",
        "exit": FITS,
        "device": {"name": profile.name, "title": profile.title, "profile": profile.hash},
        "answer": facts(found),
    }
    return Answer(value=found, facts=told)


def _result(asked: Asked) -> Result:
    """The result of `check`, fixes left out."""
    from mapper.verbs.answer import answer

    return answer(asked, whole=False, trial=False)


def _of_result(asked: Asked, result: Result) -> OfResult:
    from mapper.report.facts import outcome_word

    return {**_about(asked, result.exit_code), "outcome": outcome_word(result.outcome)}


def _about(asked: Asked, code: ExitCode) -> About:
    from mapper.report.facts import device_facts, semantics_facts

    graph = asked.source.graph
    return {
        "schema": SCHEMA,
        "exit": code,
        "model": {
            "name": asked.source.name,
            "fingerprint": graph.fingerprint,
            "notes": list(graph.notes),
        },
        "device": device_facts(asked.profile, asked.settings),
        "semantics": semantics_facts(asked.semantics),
    }
