"""What a run left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nir_io.arrays import AnyArray


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Spikes, and states where they were asked for, by layer.

    spikes: layer -> (sample, step, neuron), the number of spikes.
    states: layer -> variable -> (sample, step, neuron), as it stands after the step.
    """

    spikes: Mapping[str, AnyArray]
    states: Mapping[str, Mapping[str, AnyArray]] = field(
        default_factory=dict[str, Mapping[str, AnyArray]]
    )

    def counts(self, layer: str) -> NDArray[np.int64]:
        """Spikes over the whole run: (sample, neuron)."""
        return self.spikes[layer].sum(axis=1, dtype=np.int64)
