"""The neurons of a Speck bundle in units of their thresholds: its integers divided by their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.emulate.loaded import Loaded, as_map, each_neuron, scale_of
from mapper.emulate.twin import Cells

Array = NDArray[Any]


def cells_speck(bundle: Loaded, row: Mapping[str, Any]) -> Cells:
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
