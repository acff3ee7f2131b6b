"""The neurons of a SpiNNaker2 bundle in units of their thresholds: its integers divided by their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mapper.emulate.loaded import Loaded, each_neuron, scale_of
from mapper.emulate.twin import Cells


def cells_spinnaker2(bundle: Loaded, row: Mapping[str, Any]) -> Cells:
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
