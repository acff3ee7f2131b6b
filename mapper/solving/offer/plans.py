"""Ways to carry out one population: the neuron's form, its projections' forms, a slicing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nir_io.graph import Array, Conv2d, Linear, Neuron, Scale, Shape
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Exact, Proposal, Refusal, Unbounded, Within

Box = tuple[tuple[int, int], ...]
FormKind = Literal["dense", "sparse", "conv", "diagonal"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NeuronForm:
    """The neuron as the chip runs it, and the rewrites that led there.

    `device_model` is the vendor's name of the model; `bias` how a constant input is
    realised: 'none', 'neuron' (added to the membrane) or 'source' (an always-firing
    source through the synapse).
    """

    node: Neuron
    reset: Reset
    dynamics: Dynamics
    device_model: str
    bias: str
    proposals: tuple[Proposal, ...]
    error: float

    @property
    def needs(self) -> tuple[str, ...]:
        """Rules in use that have no bound, sorted."""
        return tuple(sorted({p.rule for p in self.proposals if isinstance(p.keeps, Unbounded)}))

    @property
    def approximate(self) -> tuple[str, ...]:
        """Rules in use that are not exact, sorted."""
        return tuple(sorted({p.rule for p in self.proposals if not isinstance(p.keeps, Exact)}))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ProjectionForm:
    """One projection as the chip runs it.

    `form`: 'dense', 'sparse', 'conv' or 'diagonal'; `weight` carries the float weights
    with everything of the path folded in (a Conv2d for 'conv'); `pool` is left where the
    chip pools itself. `extra_delay`: steps added to balance paths.
    """

    id: str
    source: str
    form: FormKind
    pool: tuple[int, int] | None
    weight: Linear | Conv2d | Scale
    delay: Array | None
    proposals: tuple[Proposal, ...]
    template: str
    extra_delay: int = 0

    @property
    def values(self) -> Array:
        """The weights: (target, source), a kernel, or a diagonal."""
        return self.weight.scale if isinstance(self.weight, Scale) else self.weight.weight


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Form:
    """A covering of a population: neuron and projections."""

    id: str
    population: str
    neuron: NeuronForm
    projections: tuple[ProjectionForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceClass:
    """Slices with equal demand: the boxes of the population's shape that they hold."""

    boxes: tuple[Box, ...]
    demand: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Plan:
    """A form and a slicing. `copies`: how often every slice stands on the chip (Speck).

    `role`: the pool that it sits in, where the chip has pools (Xylo: 'hidden', 'output',
    'hidden+relay'); `sends`: whether convolutions (True) or others (False) may read it, where
    that costs differently (Loihi 2).
    """

    id: str
    population: str
    form: Form
    classes: tuple[SliceClass, ...]
    copies: int = 1
    role: str = ""
    sends: frozenset[bool] = frozenset()

    @property
    def parts(self) -> int:
        """Slices, copies included."""
        return self.copies * sum(len(c.boxes) for c in self.classes)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Candidate:
    """A form that was tried, legal or not.

    `refusals`: every reason why it cannot be used whatever the slicing.
    """

    id: str
    population: str
    form: Form | None
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Options:
    """Everything that could be done: candidates and plans per population, in order."""

    candidates: Mapping[str, tuple[Candidate, ...]]
    plans: Mapping[str, tuple[Plan, ...]]
    normalised: tuple[Proposal, ...]


def worst(proposals: tuple[Proposal, ...]) -> float:
    """The sum of the bounds of the approximate proposals; unbounded ones count 1."""
    total = 0.0
    for proposal in proposals:
        match proposal.keeps:
            case Within(bound=bound):
                total += bound
            case Unbounded():
                total += 1.0
            case Exact():
                pass
    return total


def whole(shape: Shape) -> Box:
    """The box that holds all neurons of `shape`."""
    return tuple((0, n) for n in shape)
