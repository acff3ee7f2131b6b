"""What `fit` writes, as types: a line of results.jsonl, and the summary."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict, get_args

from mapper.report.document import LimitFacts
from nir_io.document import Count, Matches, Rank, Sha256, Share

Status = Literal["fits", "not", "undecided", "bad-input", "limit-hit", "bug"]
Group = Literal["native", "exact", "approximate"]
Order = Literal["agreement", "group", "headroom", "error", "loss", "assumptions"]
STATUSES: tuple[Status, ...] = get_args(Status)
GROUPS: tuple[Group, ...] = get_args(Group)


class CoresUsed(TypedDict):
    """Cores in use, and those of the device."""

    used: Count
    available: Count


class Tightest(TypedDict):
    """The limit with the largest share in use."""

    resource: str
    used: float
    available: float
    share: Share


class WorstLoss(TypedDict):
    """The worst array's deviation in thresholds, and clipped values of all."""

    max: float
    rms: float
    clipped: Count


class RowConflict(TypedDict):
    """A conflict in a sentence, and its kinds of limits."""

    says: str
    kinds: list[str]


class ChangeRow(TypedDict):
    """A change that lifts a refusal."""

    change: Annotated[str, "an option, or a limit of the profile"]
    to: float | None


class Stopped(TypedDict):
    """The limit at which a job was stopped."""

    what: Literal["time", "memory"]
    most: float
    unit: str


class Who(TypedDict):
    """Which pair a row is of."""

    schema: Literal["nirmap-fit-2"]
    key: Annotated[str, Matches("^[0-9a-f]{32}$"), "of all that it depends on"]
    model: Annotated[str, "the model's path"]
    sha256: Annotated[str, "of the model's file, or 'unreadable'"]
    fingerprint: Annotated[Sha256 | None, "of the network; null where it could not be read"]
    device: str
    profile: Annotated[Sha256, "SHA-256 of the device's profile"]


class Body(TypedDict):
    """What became of a pair."""

    status: Annotated[Status, "fits, not, undecided, bad-input, limit-hit or bug"]
    says: str
    findings: Annotated[list[str], "all that is wrong, of bad-input and bug"]
    neurons: Count | None
    group: Annotated[Group | None, "native, exact or approximate"]
    rules: Annotated[list[str], "approximate rewrites in use, else exact ones"]
    cores: CoresUsed | None
    tightest: Annotated[Tightest | None, "the limit with the largest share in use"]
    error: Annotated[float | None, "largest membrane-response error of a population"]
    loss: Annotated[WorstLoss | None, "to integers, of the worst array"]
    placement: Literal["binding", "advisory"] | None
    proven: bool | None
    behaviour: Annotated[None, "how it behaves beside the trained network; null: not stated"]
    cost: Annotated[None, "time and energy; null: not stated"]
    agreement: Annotated[
        Share | None,
        "share of decisions that agree with the ideal network's, where data are given",
    ]
    assumptions: list[str]
    alarms: list[str]
    binding: Annotated[LimitFacts | None, "the limit that refuses: the one exceeded most"]
    conflicts: list[RowConflict]
    optimistic: Annotated[list[str], "limits whose optimistic values would lift the refusal"]
    changes: Annotated[list[ChangeRow] | None, "changes that lift the refusal, solved again"]
    stopped: Annotated[Stopped | None, "the limit at which a job was stopped"]


class Row(Who, Body):
    """A pair of model and device: a line of results.jsonl."""


class Refusing(TypedDict):
    """A limit, and how many models it refuses."""

    kind: str
    limit: str
    models: Count
    least_demanded: float
    most_demanded: float
    available: float
    unit: str


class Admitting(TypedDict):
    """A set of changes, and how many refused models it admits."""

    models: Count
    changes: list[ChangeRow]


class DeviceSummary(TypedDict):
    """What a batch comes to on a device."""

    device: str
    profile: Sha256
    statuses: dict[Status, Count]
    groups: dict[Group, Count]
    refused: Count
    refusing: Annotated[list[Refusing], "limits by the number of models that they refuse"]
    admitting: Annotated[
        list[Admitting], "sets of changes by the number of refused models that they admit"
    ]


class Ranked(TypedDict):
    """A device that a model fits."""

    rank: Annotated[Rank, "place of the device for this model, from 1"]
    device: str
    group: Group | None
    headroom: float | None
    tightest: str | None
    share: Share | None
    error: float | None
    loss: float | None
    agreement: Share | None


class ModelSummary(TypedDict):
    """What a batch comes to for a model."""

    model: str
    neurons: Count | None
    statuses: dict[Status, Count]
    ranking: list[Ranked]


class Summary(TypedDict):
    """What a batch comes to: summary.json, and `nirmap fit --json`."""

    schema: Literal["nirmap-fit-summary-2"]
    pairs: Count
    statuses: dict[Status, Count]
    order: list[Order]
    devices: list[DeviceSummary]
    models: list[ModelSummary]
    where: Annotated[str | None, "the condition on the rows that are counted here"]


class TimesRow(TypedDict):
    """What a pair took: a line of times.jsonl."""

    model: str
    device: str
    key: str
    seconds: float
    read_seconds: float
    worker_peak_mb: int
    at: str
