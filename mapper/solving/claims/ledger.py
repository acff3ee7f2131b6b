"""What the solver is told and what a person is told, as one value.

A decision is a number the solver chooses. A bound is a linear inequality over decisions.
A claim is a limit: its bounds, the sentence that says it, both its numbers, its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from device_profiles.profile import Confidence, Number


@dataclass(frozen=True, slots=True, order=True)
class Choose:
    """0 or 1: `what` (a population, an edge) is done `how` (a plan, a form)."""

    what: str
    how: str


@dataclass(frozen=True, slots=True, order=True)
class Count:
    """0..most: how many of `what` (slices of a plan, relays) stand in core class `where`."""

    what: str
    where: str
    most: int


Decision = Choose | Count
Terms = tuple[tuple[int, Decision], ...]


Over = tuple[str, int | float]


@dataclass(frozen=True, slots=True)
class Bound:
    """low <= sum of coefficient x decision <= high; None leaves a side open.

    `over`, for a certificate: the limit that closes what the bound forbids, by its name in
    the profile (or of a setting), and what would be demanded of it.
    """

    terms: Terms
    low: int | None = None
    high: int | None = None
    over: Over | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A limit that the placement must keep.

    `template` is the sentence with `{name}` for each of `fields`; user names are among the
    fields, in quotes, so that a brace in a name stays a brace. `demanded` is a lower bound
    before placement. `subject` names the populations that it is about, `fixes` what kinds
    of change could lift it (ids for the explanation). `question`: it is what was asked, not
    a limit: every conflict holds it, and none names it. `brief`: the sentence as a headline,
    where it is another one.
    """

    kind: str
    subject: tuple[str, ...]
    template: str
    demanded: int | float
    available: int | float
    unit: str
    source: str
    confidence: Confidence
    bounds: tuple[Bound, ...]
    fields: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    optimistic: int | float | None = None
    limit: str = ""
    fixes: tuple[str, ...] = ()
    question: bool = False
    brief: str = ""

    @property
    def says(self) -> str:
        """The sentence a person reads."""
        return self._filled(self.template)

    @property
    def leads(self) -> str:
        """The sentence that a person reads first: short, with what to do."""
        return self._filled(self.brief or self.template)

    def _filled(self, template: str) -> str:
        numbers = {"demanded": _spoken(self.demanded), "available": _spoken(self.available)}
        return template.format_map({**numbers, **self.fields})

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        """What identifies this claim within a ledger."""
        return self.kind, self.subject, self.limit


def _spoken(value: int | float) -> str:
    """With thousands apart; `g` would write a million as 1e+06."""
    return f"{int(value):,}" if value == int(value) else f"{value:,g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Decisions and claims in a fixed order, and objectives, the most important first."""

    decisions: tuple[Decision, ...]
    claims: tuple[Claim, ...]
    objectives: tuple[tuple[str, Terms], ...]


def claim_of(
    number: Number,
    *,
    kind: str,
    limit: str,
    subject: tuple[str, ...],
    template: str,
    demanded: int | float,
    bounds: tuple[Bound, ...],
    fixes: tuple[str, ...] = (),
    **fields: object,
) -> Claim:
    """A claim about a profile's number: value, unit, source and confidence come from it."""
    return Claim(
        kind=kind,
        subject=subject,
        template=template,
        demanded=demanded,
        available=number.value,
        unit=number.unit,
        source=number.source,
        confidence=number.confidence,
        bounds=bounds,
        fields=MappingProxyType(dict(fields)),
        optimistic=number.optimistic,
        limit=limit,
        fixes=fixes,
    )


def sentences(*texts: str) -> str:
    """Texts and what semicolons join in them, as sentences; the first begins as it does."""
    found = dict.fromkeys(part for text in texts for part in text.split("; ") if part)
    first, *others = found or [""]
    return ". ".join((first, *map(_capital, others)))


def _capital(text: str) -> str:
    """With a capital, but for names with digits in them."""
    word = text.split(" ", 1)[0]
    return text if any(c.isdigit() for c in word) else text[:1].upper() + text[1:]


def never(*decisions: Decision, over: Over | None = None) -> tuple[Bound, ...]:
    """Bounds that forbid each decision."""
    return tuple(Bound(((1, decision),), high=0, over=over) for decision in decisions)


def whatever(name: str, demanded: int | float) -> tuple[Bound, ...]:
    """A bound that fails whatever is decided: `demanded` is more than the limit `name`."""
    return (Bound((), low=1, over=(name, demanded)),)


def ledger_of(claims: tuple[Claim, ...], objectives: tuple[tuple[str, Terms], ...]) -> Ledger:
    """A ledger whose decisions are those that the claims and objectives name, sorted."""
    found: set[Decision] = {d for c in claims for b in c.bounds for _, d in b.terms}
    found |= {d for _, terms in objectives for _, d in terms}
    chosen = sorted(d for d in found if isinstance(d, Choose))
    counts = sorted(d for d in found if isinstance(d, Count))
    return Ledger(decisions=(*chosen, *counts), claims=claims, objectives=objectives)
