"""The neurons of a Xylo bundle in units of their thresholds: its integers divided by their scales."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mapper.emulate.loaded import Loaded, each_neuron, scale_of
from mapper.emulate.twin import Cells

WORD = 2**15 - 1  # Xylo's largest state


MOST = {"hidden": 31, "output": 1}  # Xylo's spikes a step and neuron


def cells_xylo(bundle: Loaded, row: Mapping[str, Any]) -> Cells:
    n, scale = bundle.size(row["name"]), scale_of(bundle, row)
    pool = "hidden" if "hidden_ids" in row["params"] else "output"
    threshold = np.maximum(each_neuron(bundle, row, "threshold"), 1.0)
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
        # the membrane ends at 32767: so many thresholds fit below it
        most=np.clip(WORD // threshold, 1, MOST[pool]),
        threshold=threshold / scale,
        rest=each_neuron(bundle, row, "rest") / scale if "rest" in row["params"] else 0.0,
    )
