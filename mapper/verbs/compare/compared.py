"""What a comparison gives back: values, and from them facts, text and a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapper.emulate.fans import Rate
from mapper.verbs.compare.data import Data
from mapper.verbs.compare.measure import Likeness
from mapper.verbs.compare.statistics import Share
from nir_io.arrays import AnyArray as Array

if TYPE_CHECKING:
    from nir_io.semantics import Semantics


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One cause of the chain.

    agreement: decisions that are the ideal network's; accuracy: decisions that are the
    label; `lost_*`: the change of each from the link before, paired. changed: decisions
    that differ from the link before; idle: none can, as nothing is new for this network.
    spikes: of all populations over the ideal's. low, high: (agreement or, with labels,
    accuracy) of the worst and the best order of events.
    """

    cause: str
    says: str
    agreement: Share
    accuracy: Share | None
    lost_agreement: Share | None
    lost_accuracy: Share | None
    changed: float
    spikes: float | None
    idle: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trace:
    """A population in one sample: spikes of its first neurons, (step, neuron) each."""

    name: str
    ideal: Array
    chip: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Compared:
    """A comparison of a mapped network with the ideal one.

    parts: the chain of causes, the ideal network first. difference: accuracy (without
    labels: agreement) of what ran minus that of the ideal, paired. populations: by name,
    what ran beside the ideal. ran: 'emulator', or where the recorded run was made.
    decisions: (sample,) of the ideal and of what ran.
    """

    model: str
    device: str
    family: str
    fingerprint: str
    semantics: Semantics
    data: Data
    decode: str
    ran: str
    reset_between: str
    parts: tuple[Part, ...]
    difference: Share
    populations: Mapping[str, Likeness]
    decisions: tuple[Array, Array]
    alarms: tuple[str, ...]
    rates: tuple[Rate, ...]
    orders: int
    notes: tuple[str, ...]
    traces: tuple[Trace, ...] = ()

    @property
    def agreement(self) -> Share:
        """Decisions of what ran that are the ideal network's."""
        return self.parts[-1].agreement

    @property
    def accuracy(self) -> tuple[Share, Share] | None:
        """(ideal, what ran), where there are labels."""
        first, last = self.parts[0].accuracy, self.parts[-1].accuracy
        return None if first is None or last is None else (first, last)
