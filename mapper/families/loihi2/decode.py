"""The neurons of a Loihi 2 bundle in units of their thresholds: integers divided by scales."""

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


class Loihi2Decoder(Decoder):
    """LIF and ATRLIF processes: 12-bit decays, thresholds and weights with a shift."""

    def cells(self, row: PopulationRow) -> Cells:
        """An ATRLIF fires at half its threshold and takes the whole of it away."""
        bundle = self.bundle
        n, scale = bundle.size(row["name"]), scale_of(bundle, row)
        one = float(self.profile.limit("decay_one").value)
        step = 2.0 ** float(self.profile.limit("threshold_shift").value)
        offset = float(self.profile.limit("decay_u_offset").value)
        soft = row["device_model"] == "ATRLIF"
        syn = each_neuron(bundle, row, "delta_i" if soft else "du") + offset
        mem = each_neuron(bundle, row, "delta_v" if soft else "dv")
        mantissa, exponent = (each_neuron(bundle, row, f"bias_{k}") for k in ("mant", "exp"))
        bias = mantissa * 2.0**exponent / scale
        first = each_neuron(bundle, row, "v_init") / scale
        if soft:  # v runs half a threshold lower there
            bias, first = bias + mem / one / 2.0, first + 0.5
        stored = each_neuron(bundle, row, "theta_0" if soft else "vth_mant")
        return Cells(
            name=row["name"],
            size=n,
            syn_decay=1.0 - syn / one,
            mem_decay=1.0 - mem / one,
            leak=bias,
            bias=np.zeros(n),
            v_init=first,
            reset=row["reset"],
            comparison=">",
            most=np.ones(1),
            threshold=stored * (2.0 * step if soft else step) / scale,
        )

    def unit_of(self, row: ProjectionRow) -> Array:
        """Weights are shifted by their exponent and by what the synapse shifts all inputs."""
        scale = scale_of(self.bundle, self.bundle.populations[row["target"]])
        shift = float(self.profile.limit("input_shift").value)
        return 2.0 ** (float(self.bundle.param(row, "exponent")) + shift) / scale

    def wires(self, hops: Hops) -> Iterator[Wire]:
        """The projections."""
        return stored_wires(self.bundle, hops, self.unit_of)

    def fans(self) -> tuple[Fan, ...]:
        """The projections' stored weights."""
        return stored_fans(self.bundle)
