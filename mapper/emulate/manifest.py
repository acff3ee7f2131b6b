"""What a bundle's manifest says, as types: the format of docs/bundle.md.

A `Ref` is the name of an array of the bundle; where one number stands for equal entries, or
geometry is meant, the value stands there itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

Ref = str
Param = Ref | int | float | str | list[int]
Params = dict[str, Any]  # by name: what a family stores; read by its Decoder and its emulator
Box = list[list[int]]
HostNode = dict[str, Any]  # `kind`, and the node's fields by name: refs, numbers, lists


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


class Manifest(TypedDict):
    """All of manifest.json; semantics, settings: every field by name."""

    schema: str
    versions: dict[str, str]
    device: DeviceRow
    model: ModelRow
    semantics: dict[str, Any]
    settings: dict[str, Any]
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
    calibration: Mapping[str, Any] | None
    files: dict[str, str]
