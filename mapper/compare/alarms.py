"""Signs that a network does not do on the chip what it does in the ideal: said on first screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.emulate.loaded import Loaded

Array = NDArray[Any]
FEW, MANY = 0.1, 2.0  # share of the ideal's spikes below and above which a population is told
LEAST = 20  # spikes that must be there for a ratio to mean something
FULL = 0.01  # share of a population's steps at the end of its range that is told
LOOKED_AT = 4  # samples whose states are looked at


def of_spikes(name: str, ideal: int, chip: int, on: str) -> Iterator[str]:
    """Silence and bursts of a population; `on`: the data, in words."""
    if ideal >= LEAST and chip == 0:
        yield f"'{name}' is silent on the chip: {ideal:,} spikes in the ideal network, none there ({on})"
    elif ideal >= LEAST and chip < FEW * ideal:
        yield (
            f"'{name}' nearly falls silent on the chip: {chip:,} spikes, {ideal:,} in the ideal "
            f"network ({on})"
        )
    elif chip >= LEAST and chip > MANY * max(ideal, 1):
        times = f"{chip / ideal:.3g} times the {ideal:,}" if ideal else "none"
        yield f"'{name}' bursts on the chip: {chip:,} spikes, {times} of the ideal network ({on})"


def of_states(bundle: Loaded, raster: Array, on: str) -> Iterator[str]:
    """Membranes that stand at an end of their range. raster: (sample, step, channel)."""
    ends = _ENDS.get(bundle.manifest["device"]["family"])
    if ends is None:
        return
    flat = raster[:LOOKED_AT].astype(np.int64)
    rasters = {
        name: flat[:, :, row["offset"] : row["offset"] + bundle.size(name)]
        for name, row in bundle.inputs.items()
    }
    family = bundle.manifest["device"]["family"]
    module = import_module(f"mapper.emulate.{family}_bundle")
    _, membranes = module.run(bundle, rasters, flat.shape[1], tuple(bundle.populations))
    for name, v in membranes.items():
        share = float(np.mean((v <= ends[0]) | (v >= ends[1])))
        if share > FULL:
            yield (
                f"'{name}' saturates: its membrane stands at the end of its range in "
                f"{100 * share:.2g} % of the steps of its neurons ({on})"
            )


# The membrane's range, of which neither end is passed: loihi2_neurons.py, xylo.py.
_ENDS: Mapping[str, tuple[int, int]] = {
    "loihi2": (1 - 2**23, 2**23 - 1),
    "xylo": (-(2**15), 2**15 - 1),
}
