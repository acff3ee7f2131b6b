"""The neurons of a Xylo bundle in units of their thresholds: integers divided by scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mapper.emulate.decoder import Array, Decoder
from mapper.emulate.fans import Fan, stored_fans
from mapper.emulate.loaded import each_neuron, is_bias, scale_of
from mapper.emulate.manifest import PopulationRow, ProjectionRow
from mapper.emulate.steps import Wire
from mapper.emulate.twin import Cells
from mapper.emulate.wires import stored_wires
from mapper.problem.traits import Hops


class XyloDecoder(Decoder):
    """Decays 1 - 2^-n, a shift of the weights for each of the three matrices."""

    def cells(self, row: PopulationRow) -> Cells:
        """A neuron fires as often in a step as thresholds fit below the largest membrane."""
        bundle = self.bundle
        n, scale = bundle.size(row["name"]), scale_of(bundle, row)
        pool = "hidden" if "hidden_ids" in row["params"] else "output"
        threshold = np.maximum(each_neuron(bundle, row, "threshold"), 1.0)
        largest = 2 ** (int(self.profile.limit("state_bits").value) - 1) - 1
        most = int(self.profile.limit(f"{pool}_spikes_per_step").value)
        return Cells(
            name=row["name"],
            size=n,
            syn_decay=1.0 - 2.0 ** -each_neuron(bundle, row, "dash_syn"),
            mem_decay=1.0 - 2.0 ** -each_neuron(bundle, row, "dash_mem"),
            leak=each_neuron(bundle, row, "bias") / scale,
            bias=np.zeros(n),
            v_init=np.zeros(n),
            reset=row["reset"],
            comparison=">",
            most=np.clip(largest // threshold, 1, most),
            threshold=threshold / scale,
            rest=each_neuron(bundle, row, "rest") / scale if "rest" in row["params"] else 0.0,
        )

    def unit_of(self, row: ProjectionRow) -> Array:
        """The matrix's shift; what arrives in a step has decayed once before it counts."""
        bundle, target = self.bundle, self.bundle.populations[row["target"]]
        kept = 1.0 - 2.0 ** -each_neuron(bundle, target, "dash_syn")
        shift = bundle.manifest["pools"][f"weight_shift_{self._matrix(row)}"]
        return 2.0**shift * kept / scale_of(bundle, target)

    def wires(self, hops: Hops) -> Iterator[Wire]:
        """The projections."""
        return stored_wires(self.bundle, hops, self.unit_of)

    def fans(self) -> tuple[Fan, ...]:
        """The projections' stored weights."""
        return stored_fans(self.bundle)

    def _matrix(self, row: ProjectionRow) -> str:
        if "hidden_ids" not in self.bundle.populations[row["target"]]["params"]:
            return "out"
        return "in" if row["source"] in self.bundle.inputs or is_bias(self.bundle, row) else "rec"
