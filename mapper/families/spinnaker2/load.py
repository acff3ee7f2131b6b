"""A SpiNNaker2 bundle as the emulator's network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import PopulationRow, ProjectionRow
from mapper.families.spinnaker2 import emulate as spinnaker2
from nir_io.arrays import AnyArray as Array

RESET = {"zero": "reset_to_v_reset", "subtract": "reset_by_subtraction"}


def run(
    bundle: Loaded,
    rasters: Mapping[str, Array],
    steps: int,
    states: tuple[str, ...],
    seed: int | None,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(spikes, membranes) by population: (sample, step, neuron), neurons in C order.

    seed: not used, the chip steps in time.
    """
    rows = bundle.manifest["projections"]
    convolved = {row["target"] for row in rows if row["form"] == "conv"}
    populations = [
        _population(bundle, name, row, name in convolved)
        for name, row in bundle.populations.items()
    ]
    inputs = dict(rasters)
    samples = len(next(iter(rasters.values())))
    for row in rows:
        if row["source"].startswith("bias:") and row["source"] not in bundle.populations:
            inputs[row["source"]] = bundle.constant(row["source"], samples, steps)
    network = spinnaker2.Network(tuple(populations), tuple(_projection(bundle, r) for r in rows))
    record = spinnaker2.run(network, inputs, states=states)
    return dict(record.spikes), {name: record.states[name]["v"] for name in states}


def _population(bundle: Loaded, name: str, row: PopulationRow, conv: bool) -> spinnaker2.Population:
    keys = ("threshold", "alpha_decay", "i_offset", "v_reset", "v_init", "exc_decay", "inh_decay")
    params = {key: bundle.param(row, key) for key in keys if key in row["params"]}
    return spinnaker2.Population(
        name=name,
        size=bundle.size(name),
        model="lif_conv2d" if conv else row["device_model"],
        reset="reset_to_v_reset" if row["reset"] == "zero" else "reset_by_subtraction",
        **params,
    )


def _projection(
    bundle: Loaded, row: ProjectionRow
) -> spinnaker2.Projection | spinnaker2.ConvProjection:
    if row["form"] == "conv":
        source = bundle.shape(row["source"])
        shape = (*source, 1) if len(source) == 2 else source
        py, px = row["pool"] or (1, 1)
        sy, sx = bundle.sizes(row, "stride")
        top, bottom, left, right = bundle.sizes(row, "padding")
        c, y, x = shape
        return spinnaker2.ConvProjection(
            source=row["source"],
            target=row["target"],
            kernel=np.ascontiguousarray(bundle.param(row, "kernel").transpose(1, 0, 2, 3)),
            shape=(c, y, x),
            stride=(sy, sx),
            pool=(py, px),
            padding=(top, bottom, left, right),
        )
    weight = bundle.param(row, "weight")
    delay = bundle.value(row["delay"])
    delays = np.broadcast_to(delay, weight.shape) if np.any(delay) else None
    return spinnaker2.Projection(
        source=row["source"], target=row["target"], weights=weight, delays=delays
    )
