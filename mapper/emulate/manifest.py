"""What a bundle's manifest says, as types: the format of docs/bundle.md.

A `Ref` is the name of an array of the bundle; where one number stands for equal entries, or
geometry is meant, the value stands there itself.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from mapper.problem.rows import SemanticsRow, SettingsRow

Ref = str
Box = list[list[int]]
# `kind`, and the node's fields by name: refs, numbers, lists
HostNode = dict[str, Ref | float | bool | list[int] | None]


class RelayParams(TypedDict):
    """The alias of a hidden neuron on an output (Xylo), as its own integers."""

    weight: int
    dash_syn: int
    dash_mem: int
    threshold: int


class MergedInput(TypedDict):
    """Channels of a core's kernel that come from one source (Speck)."""

    source: str
    pool: int
    channels: int
    offset: int


# by name: what a family stores; read by its Decoder and its emulator
Param = Ref | float | list[int] | RelayParams | list[MergedInput]
Params = dict[str, Param]


def sizes_of(params: Params, key: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
    """A parameter that is a list of sizes: strides, paddings, shapes."""
    found = params.get(key)
    return default if found is None else tuple(cast(list[int], found))


def inputs_in(params: Params) -> list[MergedInput]:
    """What the channels of a kernel are, where a family stores that."""
    return cast(list[MergedInput], params["inputs"])


def relay_in(params: Params) -> RelayParams | None:
    """The alias of a population, where it has one."""
    return cast(RelayParams | None, params.get("relay"))


class DeviceRow(TypedDict):
    """profile: SHA-256 of the profile's file."""

    name: str
    family: str
    profile: str
    chips: int


class ModelRow(TypedDict):
    """fingerprint: of the file's graph; sha256: of its bytes, None where it came from no file."""

    fingerprint: str
    sha256: str | None
    neurons: int
    nodes: list[str]


class ObjectiveRow(TypedDict):
    """bound: a proven lower bound of the value."""

    name: str
    value: int
    bound: int


class ResultRow(TypedDict):
    """proven: whether the objectives have their least values."""

    objectives: list[ObjectiveRow]
    proven: bool
    cores: int
    placement: Literal["binding", "advisory"]


class AssumptionRow(TypedDict):
    """A number or fact that is not published and that the placement leans on."""

    id: str
    says: str
    source: str


class ErrorRow(TypedDict):
    """Deviation from the float values, in threshold units."""

    max: float
    rms: float
    clipped: int


class ArrayRow(TypedDict):
    """error: None for an array that is exact."""

    shape: list[int]
    dtype: str
    what: str
    error: ErrorRow | None


class RewriteRow(TypedDict):
    """A rewrite that was used, and what it keeps."""

    rule: str
    says: str
    keeps: Literal["exact", "within", "unbounded"]
    bound: float | None


class InputRow(TypedDict):
    """A graph input; offset: of its first channel among all, flat in C order."""

    name: str
    shape: list[int]
    offset: int


class OutputRow(TypedDict):
    """An output: which population it reads (None: the host's), how many steps it is behind."""

    name: str
    shape: list[int]
    population: str | None
    latency: int
    read: Literal["spikes", "v", "host"]


class PopulationRow(TypedDict):
    """A population. scale: integer units per threshold unit; node: its node in mapped.nir."""

    name: str
    shape: list[int]
    kind: str
    origin: list[str]
    device_model: str
    reset: Literal["zero", "subtract"]
    bias: str
    latency: int
    error: float
    role: str
    copies: int
    plan: str
    rewrites: list[RewriteRow]
    scale: Ref | float
    params: Params
    node: NotRequired[str | None]


class ProjectionRow(TypedDict):
    """A projection. delay: steps on top of the connection's own, a ref of one per source element."""

    id: str
    source: str
    target: str
    form: Literal["dense", "sparse", "conv", "diagonal"]
    pool: list[int] | None
    delay: Ref | int
    extra_delay: NotRequired[int]
    from_step: NotRequired[int]
    origin: list[str]
    rewrites: list[RewriteRow]
    params: Params
    node: NotRequired[str | None]


class SliceRow(TypedDict):
    """The part of a population on one core; demand: as the solver counted it."""

    population: str
    box: Box
    chip: int
    core: int
    copy: int
    demand: dict[str, int]


class HelperRow(TypedDict):
    """A core that holds no slice."""

    role: str
    population: str
    chip: int
    core: int


class LinkRow(TypedDict):
    """A destination of a core (Speck); source -1: the host."""

    source: int
    port: int
    target: int
    pool: int
    shift: int


class HostPath(TypedDict):
    """Linear nodes, one after the other, on the spikes of a source."""

    source: str
    stages: list[HostNode]


class HostNeuron(TypedDict):
    """The integration behind a host stage's paths; refs of one number a neuron."""

    kind: str
    has_synapse: bool
    syn_decay: Ref
    syn_gain: Ref
    mem_decay: Ref
    mem_gain: Ref
    leak: Ref


class HostRow(TypedDict):
    """An output that the host computes."""

    output: str
    paths: list[HostPath]
    neuron: HostNeuron | None


class ConstantRow(TypedDict):
    """An input channel that gets `count` events in every step from `from_step` on."""

    channel: int
    count: int
    from_step: int
    population: str


class ContractRow(TypedDict):
    """What the chip has to be given, and when it is reset."""

    input_kind: str
    max_count: int | None
    reset_between_samples: Literal["state"] | int
    slow_clock_hz: float | None
    constant_inputs: list[ConstantRow]
    decode: str


class IntervalRow(TypedDict):
    """A share of samples with its 95 % interval."""

    value: float
    low: float
    high: float
    samples: int


class CalibrationRow(TypedDict):
    """What data chose: counts of samples, values by dial, shares before and after."""

    data: str
    sha256: str
    labels: bool
    budget: int
    evaluations: int
    searched: int
    reported: int
    chosen: dict[str, float]
    searched_before: float
    searched_after: float
    ideal: IntervalRow
    before: IntervalRow
    after: IntervalRow
    difference: IntervalRow


class Manifest(TypedDict):
    """All of manifest.json.

    Null until a later version states them, under the same format: behaviour (beside the trained
    network), witness (where each neuron of the file went), cost (time and energy), tuned_from
    (the network that this one was tuned from).
    """

    schema: Literal["nirmap-bundle-2"]
    versions: dict[str, str]
    device: DeviceRow
    model: ModelRow
    semantics: SemanticsRow
    settings: SettingsRow
    result: ResultRow
    assumptions: list[AssumptionRow]
    arrays: dict[Ref, ArrayRow]
    inputs: list[InputRow]
    outputs: list[OutputRow]
    populations: list[PopulationRow]
    projections: list[ProjectionRow]
    slices: list[SliceRow]
    helpers: list[HelperRow]
    links: list[LinkRow]
    pools: dict[str, int]
    host: list[HostRow]
    contract: ContractRow
    alarms: list[str]
    behaviour: None
    witness: None
    cost: None
    tuned_from: None
    calibration: CalibrationRow | None
    files: dict[str, str]
