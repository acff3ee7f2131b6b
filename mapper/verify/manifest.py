"""The manifest as values (docs/bundle.md), and the few questions that every check asks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

Box = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRow:
    """What the manifest says of an array. `error`: (max, rms, clipped), None if exact."""

    shape: tuple[int, ...]
    dtype: str
    error: tuple[float, float, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A graph input. `offset` among all inputs, flat."""

    name: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A graph output: the population that it reads (None: see Host), how, and how late."""

    name: str
    shape: tuple[int, ...]
    population: str | None
    latency: int
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """One population. `scale` and `params` hold refs (text) or numbers."""

    name: str
    shape: tuple[int, ...]
    kind: str
    device_model: str
    reset: str
    bias: str
    latency: int
    role: str
    copies: int
    node: str | None
    scale: str | float
    params: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    @property
    def map(self) -> tuple[int, int, int]:
        """(channels, y, x) of a population of any shape."""
        return as_map(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """One projection. `delay`: steps or a ref; `extra`: those that balance paths."""

    id: str
    source: str
    target: str
    form: str
    pool: tuple[int, int] | None
    delay: str | int
    extra: int
    node: str | None
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part of a population on one core, and what the solver counted for it."""

    population: str
    box: Box
    chip: int
    core: int
    copy: int
    demand: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A core that holds no slice."""

    role: str
    population: str
    chip: int
    core: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A destination of a Speck core; `source` -1 is the host."""

    source: int
    port: int
    target: int
    pool: int
    shift: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """An input channel that gets `count` events in every step."""

    channel: int
    count: int
    population: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """An output that the host computes: where its paths begin, and the arrays they use.

    ends: entries that each path with stages ends in.
    """

    output: str
    sources: tuple[str, ...]
    refs: tuple[str, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that the checks need."""

    device: str
    family: str
    profile: str
    chips: int
    fingerprint: str
    sha256: str | None
    neurons: int
    semantics: Mapping[str, Any]
    settings: Mapping[str, Any]
    objectives: tuple[tuple[str, float, float], ...]
    proven: bool
    cores: int
    placement: str
    arrays: Mapping[str, ArrayRow]
    inputs: tuple[Port, ...]
    outputs: tuple[Output, ...]
    populations: Mapping[str, Population]
    projections: tuple[Projection, ...]
    slices: tuple[Slice, ...]
    helpers: tuple[Helper, ...]
    links: tuple[Link, ...]
    pools: Mapping[str, int]
    hosts: tuple[Host, ...]
    constants: tuple[Constant, ...]
    contract: Mapping[str, Any]
    sources: Mapping[str, tuple[int, ...]]

    def is_bias(self, projection: Projection) -> bool:
        """Whether a projection comes from its population's always-firing source."""
        source = projection.source
        return source not in self.sources and source == f"bias:{projection.target}"

    def into(self) -> Mapping[str, list[Projection]]:
        """Projections by the population that they end in."""
        out: dict[str, list[Projection]] = {name: [] for name in self.populations}
        for projection in self.projections:
            out.setdefault(projection.target, []).append(projection)
        return out

    def parts(self) -> Mapping[str, list[Slice]]:
        """Slices by population."""
        out: dict[str, list[Slice]] = {name: [] for name in self.populations}
        for piece in self.slices:
            out.setdefault(piece.population, []).append(piece)
        return out


def as_map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, y, x): (n,) is n channels of 1 x 1, (c, x) is c channels of x x 1."""
    c, y, x = (*shape, 1, 1)[:3]
    return c, y, x
