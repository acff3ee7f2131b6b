"""What `compare --json` prints, as types."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from device_profiles.profile import Confidence
from mapper.emulate.manifest import IntervalRow
from mapper.report.document import SemanticsFacts
from nir_io.document import Count, Sha256


class ComparedModel(TypedDict):
    """The network of the file."""

    name: str
    fingerprint: Sha256


class ComparedDevice(TypedDict):
    """The device of the bundle."""

    name: str
    family: str


class DataFacts(TypedDict):
    """What was run."""

    file: str
    dataset: Annotated[str, "its name, or ''"]
    split: Annotated[str, "train, validation or test, or '' where the file does not say"]
    samples: Count
    steps: Count
    labels: bool


class AccuracyFacts(TypedDict):
    """Decisions that are the label's."""

    ideal: IntervalRow
    ran: IntervalRow


class CauseFacts(TypedDict):
    """What is kept up to a cause, and what it changed; null where that is not known."""

    cause: str
    says: str
    agreement: IntervalRow
    accuracy: IntervalRow | None
    change_of_agreement: IntervalRow | None
    change_of_accuracy: IntervalRow | None
    decisions_changed: float
    nothing_new: bool
    spikes: float | None
    worst_order: float | None
    best_order: float | None


class SpikesFacts(TypedDict):
    """Spikes in all samples."""

    ideal: float
    ran: float


class LikenessFacts(TypedDict):
    """A population beside the ideal network's."""

    cosine: float | None
    samples_with_spikes_in_both: Count
    samples_silent_in_one: Count
    spikes: SpikesFacts
    ratio: float | None
    shift: float | None
    jitter: float | None
    samples_with_equal_spikes: float | None


class RateFacts(TypedDict):
    """A rate beside the chip's limit; null: there is none."""

    what: str
    where: str
    unit: str
    source: str
    confidence: Confidence
    mean: float
    peak: float
    limit: float | None


class DecisionFacts(TypedDict):
    """A class each sample."""

    ideal: list[int]
    ran: list[int]


class TraceFacts(TypedDict):
    """Spikes of a population in the first sample, [step, neuron]."""

    population: str
    ideal: list[list[int]]
    ran: list[list[int]]


class CompareFacts(TypedDict):
    """The facts of `nirmap compare`."""

    schema: Literal["nirmap-compare-2"]
    model: ComparedModel
    device: ComparedDevice
    ran: Annotated[str, "'emulator', or where the recorded run was made"]
    data: DataFacts
    decode: str
    reset_between_samples: str
    agreement: Annotated[IntervalRow, "decisions that are the ideal network's"]
    accuracy: AccuracyFacts | None
    difference: IntervalRow
    causes: Annotated[list[CauseFacts], "each change from the one before, the ideal network first"]
    orders: Count
    populations: dict[str, LikenessFacts]
    keeps_up: list[RateFacts] | None
    decisions: DecisionFacts
    alarms: list[str]
    notes: list[str]
    semantics: SemanticsFacts
    reference: Annotated[
        None, "how the ideal network does beside the framework's own; null: not stated"
    ]
    behaviour: Annotated[None, "how it behaves beside the trained network; null: not stated"]
    cost: Annotated[None, "time and energy; null: not stated"]
    traces: list[TraceFacts]
