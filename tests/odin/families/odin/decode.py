"""The neurons of an ODIN bundle in units of their thresholds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mapper.emulate.decoder import Array, Decoder
from mapper.emulate.fans import Fan, stored_fans
from mapper.emulate.loaded import each_neuron, scale_of
from mapper.emulate.manifest import PopulationRow, ProjectionRow
from mapper.emulate.steps import Wire
from mapper.emulate.twin import Cells
from mapper.emulate.wires import stored_wires
from mapper.problem.traits import Hops


class OdinDecoder(Decoder):
    """IF neurons that stop at 0."""

    def cells(self, row: PopulationRow) -> Cells:
        """No decay, no leak."""
        n = self.bundle.size(row["name"])
        return Cells(
            name=row["name"],
            size=n,
            syn_decay=np.zeros(n),
            mem_decay=np.ones(n),
            leak=np.zeros(n),
            bias=np.zeros(n),
            v_init=np.zeros(n),
            reset=row["reset"],
            comparison=">",
            floor=np.zeros(n),
            threshold=each_neuron(self.bundle, row, "threshold") / scale_of(self.bundle, row),
        )

    def unit_of(self, row: ProjectionRow) -> Array:
        """One over the scale of the target."""
        return 1.0 / scale_of(self.bundle, self.bundle.populations[row["target"]])

    def wires(self, hops: Hops) -> Iterator[Wire]:
        """The projections."""
        return stored_wires(self.bundle, hops, self.unit_of)

    def fans(self) -> tuple[Fan, ...]:
        """The projections' stored weights."""
        return stored_fans(self.bundle)
