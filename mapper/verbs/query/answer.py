"""Answers to queries: a value, the same as facts for JSON, and from the facts a page of text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from device_profiles.profile import Profile
from mapper.bundle.result import Result
from mapper.errors import DOES_NOT_FIT, FITS, UNDECIDED
from mapper.problem.asked import Asked
from mapper.verbs.query.diff import Difference
from mapper.verbs.query.every import Placements
from mapper.verbs.query.headroom import Room
from mapper.verbs.query.support import Support
from mapper.verbs.query.training import TrainingLimit
from mapper.verbs.query.vary import Varied
from mapper.verbs.query.why import Told

SCHEMA = "nirmap-query-1"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answer(Generic[T]):
    """`facts`: all that is said, as plain values; `value`: the same with its types."""

    value: T
    facts: Mapping[str, Any]

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
    return Answer(value=found, facts={**_head("vary", code), **_of(asked), "answer": facts(found)})


def headroom(asked: Asked) -> Answer[tuple[Room, ...]]:
    """`--headroom`: exit code as of `check`."""
    from mapper.verbs.query.headroom import facts, headroom

    return _on_result("headroom", asked, headroom, facts)


def explained(asked: Asked, node: str) -> Answer[Told]:
    """`--explain`: exit code as of `check`."""
    from mapper.verbs.query.why import explain_node, facts

    return _on_result("explain", asked, lambda result: explain_node(result, node), facts)


def why_not(asked: Asked, what: str) -> Answer[Told]:
    """`--why-not`: exit code as of `check`."""
    from mapper.verbs.query.why import facts, why_not

    return _on_result("why-not", asked, lambda result: why_not(result, what), facts)


def placements(asked: Asked) -> Answer[Placements]:
    """`--all`: exit code as of `check`."""
    from mapper.verbs.query.every import facts, placements

    return _on_result("all", asked, lambda result: placements(result.outcome), facts)


def diff(
    first: str | os.PathLike[str], second: str | os.PathLike[str]
) -> Answer[tuple[Difference, ...]]:
    """Exit code 0 where the bundles hold the same, 1 where they differ."""
    from mapper.verbs.query.diff import diff, facts

    found = diff(first, second)
    code = DOES_NOT_FIT if found else FITS
    names = {"first": os.fspath(first), "second": os.fspath(second)}
    return Answer(value=found, facts={**_head("diff", code), **names, "answer": facts(found)})


def support(profiles: Iterable[Profile]) -> Answer[tuple[Support, ...]]:
    """What each primitive becomes on each device."""
    from mapper.verbs.query.support import facts, support

    found = tuple(row for profile in profiles for row in support(profile))
    return Answer(value=found, facts={**_head("support", FITS), "answer": facts(found)})


def training(profile: Profile) -> Answer[tuple[TrainingLimit, ...]]:
    """The limits to train within."""
    from mapper.verbs.query.training import facts, training

    found = training(profile)
    named = {"name": profile.name, "title": profile.title, "profile": profile.hash}
    head = {**_head("training", FITS), "device": named}
    return Answer(value=found, facts={**head, "answer": facts(found)})


def _on_result(
    query: str, asked: Asked, ask: Callable[[Result], T], facts: Callable[[T], Any]
) -> Answer[T]:
    """An answer that is read off the result of `check`, fixes left out."""
    from mapper.report.facts import outcome_word
    from mapper.verbs.answer import answer

    result = answer(asked, whole=False, trial=False)
    value = ask(result)
    head = {**_head(query, result.exit_code), "outcome": outcome_word(result.outcome)}
    return Answer(value=value, facts={**head, **_of(asked), "answer": facts(value)})


def _head(query: str, code: int) -> dict[str, Any]:
    return {"schema": SCHEMA, "query": query, "exit": code}


def _of(asked: Asked) -> dict[str, Any]:
    from mapper.report.facts import device_facts, semantics_facts

    graph = asked.source.graph
    return {
        "model": {
            "name": asked.source.name,
            "fingerprint": graph.fingerprint,
            "notes": list(graph.notes),
        },
        "device": device_facts(asked.profile, asked.settings),
        "semantics": semantics_facts(asked.semantics),
    }
