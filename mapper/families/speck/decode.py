"""The neurons of a Speck bundle in units of their thresholds: integers divided by scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mapper.emulate.decoder import Array, Decoder
from mapper.emulate.fans import Fan, convolved_fan
from mapper.emulate.loaded import as_map, each_neuron, scale_of
from mapper.emulate.manifest import PopulationRow, ProjectionRow, inputs_in
from mapper.emulate.steps import Wire
from mapper.emulate.twin import Cells
from mapper.emulate.wires import applied, convolution, sum_pool
from mapper.problem.traits import Hops


class SpeckDecoder(Decoder):
    """IF neurons with a floor; one kernel a population, over all that it reads."""

    def cells(self, row: PopulationRow) -> Cells:
        """Biases and first membranes are one a channel."""
        bundle = self.bundle
        n, scale = bundle.size(row["name"]), scale_of(bundle, row)
        channels = as_map(bundle.shape(row["name"]))[0]

        def spread(key: str) -> Array:
            values = np.ravel(np.asarray(bundle.param(row, key), dtype=np.float64))
            return np.repeat(np.broadcast_to(values, (channels,)), n // channels) / scale

        return Cells(
            name=row["name"],
            size=n,
            syn_decay=np.zeros(n),
            mem_decay=np.ones(n),
            leak=spread("bias"),
            bias=np.zeros(n),
            v_init=spread("v_init"),
            reset=row["reset"],
            comparison=">",
            floor=each_neuron(bundle, row, "threshold_low") / scale,
            threshold=each_neuron(bundle, row, "threshold_high") / scale,
        )

    def unit_of(self, row: ProjectionRow) -> Array:
        """One over the scale of the target."""
        return 1.0 / scale_of(self.bundle, self.bundle.populations[row["target"]])

    def wires(self, hops: Hops) -> Iterator[Wire]:
        """Each population's inputs: pooling, then their channels of its kernel."""
        bundle = self.bundle
        for row in bundle.populations.values():
            kernel = np.asarray(bundle.param(row, "kernel"), dtype=np.float64)
            kernel = kernel / float(bundle.value(row["scale"]))
            for entry in inputs_in(row["params"]):
                first = entry["offset"]
                own = kernel[:, first : first + entry["channels"]]
                shape = bundle.shape(entry["source"])
                pool = sum_pool((entry["pool"], entry["pool"]), shape)
                node = convolution(row, own, bundle.shape(row["name"]))
                used = [n for n in (pool, node) if n is not None]
                yield Wire(entry["source"], row["name"], 0, applied(used, shape, None))

    def fans(self) -> tuple[Fan, ...]:
        """Each population's inputs, by where its kernel reaches."""
        return tuple(
            convolved_fan(
                self.bundle,
                entry["source"],
                row["name"],
                row["params"],
                self.bundle.param(row, "kernel").shape,
                (entry["pool"], entry["pool"]),
            )
            for row in self.bundle.populations.values()
            for entry in inputs_in(row["params"])
        )
