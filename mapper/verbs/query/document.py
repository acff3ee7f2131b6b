"""What `--json` prints of an answer to a query, as types."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from device_profiles.profile import Confidence
from mapper.report.document import (
    ConflictFacts,
    DeviceFacts,
    ExitCode,
    NamedNetwork,
    OutcomeWord,
    SemanticsFacts,
)
from nir_io.document import Count, Sha256, Share


class Answered(TypedDict):
    """What every answer begins with."""

    schema: Literal["nirmap-query-1"]
    exit: ExitCode


class About(Answered):
    """An answer about a network on a device."""

    model: NamedNetwork
    device: DeviceFacts
    semantics: SemanticsFacts


class OfResult(About):
    """An answer that is read off the result of `check`."""

    outcome: OutcomeWord


class TriedFacts(TypedDict):
    """A value that was tried; fits: null where that is open."""

    value: float
    fits: bool | None


class VariedFacts(TypedDict):
    """The largest value that fits, the next one beyond it, and why that does not."""

    what: str
    unit: str
    now: float
    fits_now: bool | None
    largest: float | None
    beyond: float | None
    proven: bool
    because: str
    binding: list[ConflictFacts]
    tried: list[TriedFacts]


class RoomFacts(TypedDict):
    """What is left of a limit; at_least: `demanded` is a lower bound."""

    limit: str
    demanded: float
    at_least: bool
    available: float
    unit: str
    share: Share | None
    most: list[str]
    where: str
    source: str
    confidence: Confidence


CoresOf = TypedDict("CoresOf", {"of": str, "class": str, "cores": Count})


class PlacementFacts(TypedDict):
    """One placement: objectives in order, the way of each population, cores by class."""

    score: dict[str, float]
    plans: dict[str, str]
    roles: dict[str, str]
    cores: list[CoresOf]


class PlacementsFacts(TypedDict):
    """best: how many of them, the first ones, are equally good; best_all: those are complete."""

    all: Annotated[bool, "whether these are all there are"]
    best: Count
    best_all: bool
    because: str
    placements: list[PlacementFacts]


class Saying(TypedDict):
    """A row of an explanation."""

    what: str
    says: str


class ToldFacts(TypedDict):
    """An explanation."""

    about: str
    says: str
    rows: list[Saying]


class DifferenceFacts(TypedDict):
    """What differs between two bundles; null: not there."""

    part: str
    what: str
    first: str | None
    second: str | None


class SupportFacts(TypedDict):
    """What a primitive becomes on a device."""

    primitive: str
    device: str
    verdict: Literal["native", "exact", "approximate", "host", "no"]
    rules: list[str]
    says: str


class TrainingFacts(TypedDict):
    """A limit to train within."""

    topic: str
    name: str
    value: str
    optimistic: str
    says: str
    confidence: str
    source: str


class NamedDevice(TypedDict):
    """profile: the SHA-256 of the device's profile."""

    name: str
    title: str
    profile: Sha256


class VaryAnswer(About):
    """`check --vary`."""

    query: Literal["vary"]
    answer: VariedFacts


class HeadroomAnswer(OfResult):
    """`check --headroom`."""

    query: Literal["headroom"]
    answer: list[RoomFacts]


class AllAnswer(OfResult):
    """`check --all`."""

    query: Literal["all"]
    answer: PlacementsFacts


class ExplainAnswer(OfResult):
    """`check --explain`."""

    query: Literal["explain"]
    answer: ToldFacts


class WhyNotAnswer(OfResult):
    """`check --why-not`."""

    query: Literal["why-not"]
    answer: ToldFacts


class DiffAnswer(Answered):
    """`diff`; first, second: the bundles."""

    query: Literal["diff"]
    first: str
    second: str
    answer: list[DifferenceFacts]


class SupportAnswer(Answered):
    """`support`."""

    query: Literal["support"]
    answer: list[SupportFacts]


class TrainingAnswer(Answered):
    """`devices NAME --training`."""

    query: Literal["training"]
    device: NamedDevice
    answer: list[TrainingFacts]


QueryFacts = (
    VaryAnswer
    | HeadroomAnswer
    | AllAnswer
    | ExplainAnswer
    | WhyNotAnswer
    | DiffAnswer
    | SupportAnswer
    | TrainingAnswer
)
