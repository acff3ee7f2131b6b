"""A bundle's integers as real numbers, in units of the network's thresholds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from device_profiles.profile import Profile
from mapper.emulate.fans import Fan
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import PopulationRow, ProjectionRow
from mapper.emulate.steps import Wire
from mapper.emulate.twin import Cells
from mapper.problem.traits import Hops
from nir_io.arrays import AnyArray as Array


@dataclass(frozen=True, slots=True, eq=False)
class Decoder(ABC):
    """Reads a bundle for all that is not the emulator: comparison, mapped.nir, rates.

    Only a family knows what its integers stand for. Nothing has a default, so that a new
    family cannot be read as if it were another.
    """

    bundle: Loaded
    profile: Profile

    @abstractmethod
    def cells(self, row: PopulationRow) -> Cells:
        """The neurons of a population's row."""

    @abstractmethod
    def unit_of(self, row: ProjectionRow) -> Array:
        """Threshold units of an integer weight of 1, per neuron of the projection's target."""

    @abstractmethod
    def wires(self, hops: Hops) -> Iterator[Wire]:
        """All connections, those of sources of constants left out."""

    @abstractmethod
    def fans(self) -> tuple[Fan, ...]:
        """How many connections each neuron of a source has, per projection."""
