"""The neurons of a SpiNNaker2 bundle in units of their thresholds: values divided by scales."""

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


class Spinnaker2Decoder(Decoder):
    """float32 states: decays as they are, weights as integers of a scale."""

    def cells(self, row: PopulationRow) -> Cells:
        """Models without a synapse have no decay of it."""
        bundle = self.bundle
        n, scale = bundle.size(row["name"]), scale_of(bundle, row)
        synapse = "exc_decay" in row["params"]
        return Cells(
            name=row["name"],
            size=n,
            syn_decay=each_neuron(bundle, row, "exc_decay") if synapse else np.zeros(n),
            mem_decay=each_neuron(bundle, row, "alpha_decay"),
            leak=each_neuron(bundle, row, "i_offset") / scale,
            bias=np.zeros(n),
            v_init=each_neuron(bundle, row, "v_init") / scale,
            reset=row["reset"],
            comparison=">",
            most=np.ones(1),
            threshold=each_neuron(bundle, row, "threshold") / scale,
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
