"""What `--json` prints of a network, a placement and a refusal, as types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired, TypedDict

from device_profiles.profile import Confidence
from mapper.emulate.manifest import (
    AssumptionRow,
    CalibrationRow,
    ContractRow,
    InputRow,
    LinkRow,
    OutputRow,
)
from nir_io.document import Count, Least, Sha256, Share

Keeps = Literal["exact", "within", "unbounded"]
OutcomeWord = Literal["fits", "does-not-fit", "undecided"]
ExitCode = Literal[0, 1, 3]


class UseFacts(TypedDict):
    """How much of a limit is used."""

    used: float
    available: float


class SettingFacts(TypedDict):
    """A setting of the semantics."""

    value: object
    origin: Annotated[str, "option, sidecar, metadata, exporter or default"]


SemanticsFacts = dict[str, SettingFacts]  # by name: nir_io.settings.SETTINGS


class NamedNetwork(TypedDict):
    """A network by name; notes: what reading its file had to say."""

    name: str
    fingerprint: Sha256
    notes: list[str]


class NetworkFacts(TypedDict):
    """The network that was asked about."""

    name: str
    fingerprint: Sha256
    nodes: Count
    neurons: Count
    notes: list[str]


class DeviceFacts(TypedDict):
    """The device that was asked about; profile: the SHA-256 of its profile."""

    name: str
    title: str
    family: str
    profile: Sha256
    cores: Count
    chips: Count


class FullestFacts(TypedDict):
    """The resource with the largest share in use, and where."""

    resource: str
    chip: Count
    core: Count
    used: float
    available: float
    share: Share


class CoreFacts(TypedDict):
    """What a core holds, and how much of each limit it uses."""

    chip: Count
    core: Count
    holds: list[str]
    resources: dict[str, UseFacts]


class ObjectiveFacts(TypedDict):
    """bound: a proven lower bound of the value."""

    name: str
    value: float
    bound: float | None


class PopulationFacts(TypedDict):
    """A population and its place."""

    name: str
    kind: str
    device_model: str
    shape: list[Count]
    neurons: Count
    reset: Literal["zero", "subtract"] | None
    role: str
    copies: Count
    parts: Count
    cores: Annotated[list[list[Count]], "[chip, core] each"]
    latency: Annotated[int, "steps that it is late"]
    error: Annotated[float, "membrane-response error, relative"]
    fullest: FullestFacts | None


class HelperFacts(TypedDict):
    """A core that holds no neurons of the network."""

    role: str
    chip: Count
    core: Count


class ChangeFacts(TypedDict):
    """A rewrite that was used."""

    rule: str
    population: str | None
    nodes: list[str]
    says: str
    keeps: Keeps
    bound: float | None
    because: str


class LossFacts(TypedDict):
    """An array that integers do not hold exactly, in thresholds."""

    array: str
    what: str
    max: float
    rms: float
    clipped: Count


class HostFacts(TypedDict):
    """Nodes that the host computes for an output."""

    output: str
    nodes: list[str]


class LimitFacts(TypedDict):
    """A limit with what is demanded of it."""

    kind: Annotated[str, "stable name of the kind of limit"]
    about: Annotated[list[str], "populations and cores that it speaks of"]
    limit: Annotated[str, "its key in the device's profile"]
    demanded: float
    available: float
    optimistic: Annotated[float | None, "what an unpublished limit may really be"]
    unit: str
    source: str
    confidence: Confidence
    fixes: list[str]


class ClaimFacts(LimitFacts):
    """A limit of a conflict, and the sentence that says it."""

    says: str


class ConflictFacts(TypedDict):
    """Limits that cannot hold together."""

    headline: str
    claims: Annotated[list[ClaimFacts], "limits that cannot hold together"]
    minimal: Annotated[bool, "whether each of them is needed"]
    also: Annotated[list[list[str]], "other populations with the same conflict"]


class FixFacts(TypedDict):
    """A possible fix."""

    kind: str
    says: str
    words: Annotated[list[str], "of the command line"]
    cost: float
    resolved: Annotated[bool, "whether it was solved again"]
    verified: bool


class Asked(TypedDict):
    """What every report of `nirmap check` and `nirmap map` begins with."""

    schema: Literal["nirmap-report-1"]
    exit: Annotated[ExitCode, "the exit code of the command"]
    model: NetworkFacts
    device: DeviceFacts
    semantics: SemanticsFacts
    confirmed: Annotated[str, "what the exhaustive solver did, or ''"]
    bundle: Annotated[str | None, "the folder that was written"]
    refusal: Annotated[str | None, "the folder in which a refusal was kept"]


class Fits(Asked):
    """The report of a placement."""

    outcome: Literal["fits"]
    cores: Count
    placement: Literal["binding", "advisory"]
    proven: bool
    objectives: list[ObjectiveFacts]
    populations: list[PopulationFacts]
    helpers: list[HelperFacts]
    links: list[LinkRow]
    fullest: FullestFacts | None
    usage: list[CoreFacts]
    changes: Annotated[list[ChangeFacts], "rewrites, those with the largest error first"]
    losses: Annotated[list[LossFacts], "arrays that integers do not hold exactly, in thresholds"]
    calibration: CalibrationRow | None
    departures: list[str]
    inputs: list[InputRow]
    outputs: list[OutputRow]
    host: list[HostFacts]
    contract: ContractRow
    assumptions: list[AssumptionRow]
    alarms: list[str]
    verified: bool


class DoesNotFit(Asked):
    """The report of a refusal."""

    outcome: Literal["does-not-fit"]
    headline: str
    conflicts: list[ConflictFacts]
    optimistic: Annotated[list[str], "limits whose optimistic values would lift the refusal"]
    fixes: list[FixFacts]


class Undecided(Asked):
    """The report where nothing was decided."""

    outcome: Literal["undecided"]
    because: str
    decides: list[str]
    assumptions: list[AssumptionRow]


Report = Fits | DoesNotFit | Undecided


class InspectedModel(TypedDict):
    """A network as its file has it."""

    name: str
    fingerprint: Sha256
    nodes: Count
    edges: Count
    neurons: Count
    weights: Count
    kinds: Mapping[str, Count]
    metadata: Mapping[str, object]
    notes: list[str]


class TimeConstant(TypedDict):
    """Of a node's field, in seconds."""

    node: str
    field: str
    least: float
    largest: float


class KickFacts(TypedDict):
    """What one input spike adds to the membrane, in % of the threshold."""

    typical: float
    largest: float


class InspectedPopulation(TypedDict):
    """Neurons of a node; [least, largest] each. From `tau_steps` on: with semantics only."""

    name: str
    kind: str
    shape: list[Count]
    neurons: Count
    taus: dict[str, list[float]]
    tau_steps: NotRequired[Annotated[dict[str, list[float]], "time constants in steps"]]
    decay: NotRequired[Annotated[list[float], "of the membrane, a step"]]
    synaptic_decay: NotRequired[list[float] | None]
    kick_percent: NotRequired[
        Annotated[KickFacts | None, "what one input spike adds, in % of threshold"]
    ]
    reset: NotRequired[Literal["zero", "subtract"] | None]


class Inspected(TypedDict):
    """The facts of `nirmap inspect`."""

    schema: Literal["nirmap-inspect-1"]
    model: InspectedModel
    semantics: SemanticsFacts | None
    missing: Annotated[list[str], "settings that nothing tells, and what each would lead to"]
    time_constants: list[TimeConstant]
    populations: list[InspectedPopulation]
    warnings: list[str]


class RuleFacts(TypedDict):
    """A rewrite rule; says: the first line of its text."""

    name: str
    says: Annotated[str, "the first line"]
    text: str


class FindingFacts(TypedDict):
    """What the checker found."""

    fault: Annotated[str, "stable name of the fault"]
    says: str


class Verified(TypedDict):
    """The verdict of `nirmap verify`."""

    schema: Literal["nirmap-verify-1"]
    bundle: str
    ok: bool
    findings: list[FindingFacts]
    usage: list[CoreFacts]


class AgainFacts(TypedDict):
    """Another solver's answer."""

    by: str
    holds: Annotated[bool | None, "whether all can hold; null where it was not decided"]


class ProofFacts(TypedDict):
    """How a conflict of a certificate stands."""

    says: str
    proven: Annotated[bool, "whether its proof added up"]
    minimal: bool
    rows: Annotated[Count, "of the proof"]
    cases: Annotated[Count, "of the proof"]
    stated: Annotated[Count, "figures of the network that were taken as they are"]
    status: str
    again: Annotated[AgainFacts | None, "another solver's answer, with --resolve"]


class Refusal(TypedDict):
    """The verdict of `nirmap verify` on a refusal's certificate."""

    schema: Literal["nirmap-refusal-1"]
    certificate: str
    device: str
    ok: bool
    refused: Annotated[bool, "whether the refusal stands"]
    findings: list[FindingFacts]
    conflicts: list[ProofFacts]


class Failure(TypedDict):
    """What any command prints in place of its answer when it fails."""

    outcome: Literal["bad-input", "our-bug"]
    exit: Literal[2, 4]
    findings: Annotated[list[str], Least(1)]
