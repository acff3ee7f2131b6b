"""The neurons of a Loihi 2 bundle in units of their thresholds: its integers divided by their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mapper.emulate.loaded import Loaded, each_neuron, scale_of
from mapper.emulate.twin import Cells


def cells_loihi2(bundle: Loaded, row: Mapping[str, Any]) -> Cells:
    n, scale = bundle.size(row["name"]), scale_of(bundle, row)
    soft = row["device_model"] == "ATRLIF"
    syn = each_neuron(bundle, row, "delta_i" if soft else "du") + 1.0
    mem = each_neuron(bundle, row, "delta_v" if soft else "dv")
    bias = (
        each_neuron(bundle, row, "bias_mant") * 2.0 ** each_neuron(bundle, row, "bias_exp") / scale
    )
    first = each_neuron(bundle, row, "v_init") / scale
    if soft:  # v runs half a threshold lower there
        bias, first = bias + mem / 4096.0 / 2.0, first + 0.5
    return Cells(
        name=row["name"],
        size=n,
        syn_decay=1.0 - syn / 4096.0,
        mem_decay=1.0 - mem / 4096.0,
        leak=bias,
        bias=np.zeros(n),
        v_init=first,
        reset=row["reset"],
        comparison=">",
        most=np.ones(1),
        threshold=each_neuron(bundle, row, "theta_0" if soft else "vth_mant")
        * (128.0 if soft else 64.0)
        / scale,
    )
