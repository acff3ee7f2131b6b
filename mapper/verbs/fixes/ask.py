"""A refusal with what a search keeps at hand: the question, its claims, the work left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mapper.problem.asked import Asked
from mapper.problem.change.change import Change
from mapper.problem.change.resize import CannotResizeError
from mapper.problem.fix import COSTS, Fix, changed
from mapper.solving.claims.ledger import Claim
from mapper.solving.explain.kinds import Sort, sort_of
from mapper.solving.outcome import Impossible
from mapper.verbs.fixes.repairs import all_claims
from mapper.verbs.fixes.trial import Effort, Permits, Trial, permits, trial
from nir_io.errors import BadInput
from nir_io.graph import Graph
from nir_io.semantics import Semantics

Found = tuple[Trial, Permits]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ask:
    """What functions of the search share."""

    asked: Asked
    impossible: Impossible
    effort: Effort

    @property
    def graph(self) -> Graph:
        """The network as the user gave it."""
        return self.asked.source.graph

    @cached_property
    def claims(self) -> list[Claim]:
        """All claims of all conflicts."""
        return all_claims(self.impossible.conflicts)

    @cached_property
    def kinds(self) -> set[str]:
        """Kinds of the conflicts' claims."""
        return {claim.kind for claim in self.claims}

    @cached_property
    def sorts(self) -> set[Sort]:
        """Sorts of reasons among them."""
        return {sort_of(kind) for kind in self.kinds}

    @cached_property
    def permitted(self) -> Permits | None:
        """Permissions that alone make it fit."""
        found = self.fits(self.asked)
        return None if found is None else found[1]

    def fits(self, asked: Asked | None) -> Found | None:
        """A trial of a question that fits, with the permissions it needs."""
        if asked is None:
            return None
        try:
            tried = trial(asked, self.effort)
        except (BadInput, CannotResizeError, ValueError):
            return None
        found = None if tried is None else permits(tried, self.effort)
        return None if tried is None or found is None else (tried, found)

    def with_change(self, change: Change) -> Asked | None:
        """The question about the changed network; None where it cannot be changed so."""
        try:
            return changed(self.asked, change, sign=False)
        except (BadInput, CannotResizeError, ValueError):
            return None

    def fix(
        self,
        kind: str,
        says: str,
        found: Found,
        *,
        more: float = 0.0,
        words: Sequence[str] = (),
        settings: bool = False,
        change: Change | None = None,
        semantics: Semantics | None = None,
        device: str | None = None,
    ) -> Fix:
        """A fix that was solved again, with the permissions that it needs besides.

        settings: the trial's settings are part of it; more: its cost beyond its kind's.
        """
        need = found[1]
        if change is not None:
            words = [word for text in change.words for word in ("--with", text)]
        also = f", with {' '.join(need.words)}" if need.words else ""
        differ = settings or need.settings != self.asked.settings
        return Fix(
            kind=kind,
            says=says + also,
            cost=COSTS[kind] + more + need.price,
            words=(*words, *need.words),
            resolved=True,
            change=change,
            settings=need.settings if differ else None,
            semantics=semantics,
            device=device,
            work=found[0].work,
        )
