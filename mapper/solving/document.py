"""A refusal's certificate as types: the format of docs/bundle.md."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from device_profiles.profile import Confidence
from mapper.problem.rows import SemanticsRow, SettingsRow
from nir_io.document import Count, Sha256


class CertifiedDevice(TypedDict):
    """profile: SHA-256 of the profile's file."""

    name: str
    family: str
    profile: Sha256
    chips: Count


class CertifiedModel(TypedDict):
    """fingerprint: of the file's graph; sha256: of its bytes, null where it came from no file."""

    fingerprint: Sha256
    sha256: Sha256 | None


class CertifiedInput(TypedDict):
    """A graph input."""

    name: str
    shape: list[Count]


class WayRewrite(TypedDict):
    """A rewrite that changes a population; bound: null where it has none."""

    rule: str
    bound: float | None


class Way(TypedDict):
    """A way to carry out a population. ports: by source, how often its events are sent."""

    id: str
    parts: Count
    copies: Count
    role: str
    rewrites: list[WayRewrite]
    ports: dict[str, Count]


class CertifiedPopulation(TypedDict):
    """A population and those of its ways that the proofs speak of."""

    name: str
    kind: str
    shape: list[Count]
    outputs: bool
    ways: list[Way]


class Choice(TypedDict):
    """A decision of yes or no: whether `what` is done as `how` says."""

    what: str
    how: str


class Amount(TypedDict):
    """A decision of how many: 0 to `most` of `what` on cores of class `where`."""

    what: str
    where: str
    most: Count


class ProofRow(TypedDict):
    """low <= sum of [coefficient, decision] <= high; over: [limit, figure], why it forbids."""

    terms: list[list[int]]
    low: int | None
    high: int | None
    over: list[str | float] | None


class CertifiedLimit(TypedDict):
    """A limit with its number in the profile, and its rows."""

    kind: str
    about: list[str]
    says: str
    limit: str
    demanded: float
    available: float
    unit: str
    source: str
    confidence: Confidence
    rows: list[ProofRow]


class SumCase(TypedDict):
    """Rows that add up to a contradiction: [row, multiple] each."""

    rows: list[list[int]]


class SplitCase(TypedDict):
    """A decision apart at a value: the numbers of the two cases."""

    decision: Count
    at: int
    cases: list[Count]


class CertifiedConflict(TypedDict):
    """Limits that cannot hold together, and a proof of that; null where none was found."""

    says: str
    minimal: bool
    likewise: list[list[str]]
    decisions: list[Choice | Amount]
    limits: list[CertifiedLimit]
    asked: list[CertifiedLimit]
    proof: list[SumCase | SplitCase] | None


class Certificate(TypedDict):
    """All of certificate.json."""

    schema: Literal["nirmap-certificate-2"]
    result: Annotated[str, "'does not fit'"]
    lifted_by_optimistic: list[str]
    versions: dict[str, str]
    device: CertifiedDevice
    model: CertifiedModel
    semantics: SemanticsRow
    settings: SettingsRow
    inputs: list[CertifiedInput]
    populations: list[CertifiedPopulation]
    conflicts: list[CertifiedConflict]
