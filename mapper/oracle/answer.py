"""What the exhaustive solver answers, and the parts of an answer that families share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

STEPS = 10_000  # errors are compared in steps of 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Feasible:
    """A placement exists.

    `objectives`: (name, least value), the most important first: 'error' in steps of 1e-4,
    then 'cores' (Speck: slices and relays; Loihi 2: cores; SpiNNaker2: PEs, those of the
    input and the shared bias source included) or 'neurons' (Xylo: hidden and output ones);
    each least given those before it. `example`: population -> how it is done, in words.
    `searched`: assignments that were looked at.
    """

    objectives: tuple[tuple[str, int], ...]
    example: Mapping[str, str]
    searched: int = 0

    def least(self, name: str) -> int:
        """The value of an objective. Raises KeyError."""
        return dict(self.objectives)[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """No placement exists; `because`: what was found for each population, where it says much."""

    because: str
    searched: int = 0
    forms: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


Answer = Feasible | Infeasible
