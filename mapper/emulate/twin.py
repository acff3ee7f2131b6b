"""A mapped network in real numbers: what a chip's integers would compute if they never rounded.

Every family's neuron is the same rule in threshold units (mapper/bundle/integers/units.py):

    s <- a s + x + bias;   v <- b v + s + leak;   v >= floor
    spike where v > t (or >=), at most `most` of them;   v = 0, or v -= t for each

with t = 1, or what a chip stores in its place.

Between the ideal network and the integer emulator, twins differ from each other in one
thing at a time: delays, decays, weights. So each loss has one cause (mapper/compare).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from mapper.emulate.steps import Wire, simulate
from nir_io.arrays import AnyArray as Array
from nir_io.settings import Comparison, Reset

COUNTED = 255  # spikes a step that a record holds


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cells:
    """A population. Arrays are (neuron,), in threshold units per step.

    bias enters the synapse and leak the membrane, the bias from step `bias_from` on (0: the
    first). most: spikes a step, None for as many as fit. floor: lower bound of v, or None.
    spiking False: the membrane is what is read. rest: what v comes back to beyond 0 (Xylo),
    for which threshold and leak are higher already.
    """

    name: str
    size: int
    syn_decay: Array
    mem_decay: Array
    leak: Array
    bias: Array
    v_init: Array
    reset: Reset
    comparison: Comparison
    bias_from: int = 0
    most: Array | None = None
    floor: Array | None = None
    spiking: bool = True
    threshold: Array | float = 1.0
    rest: Array | float = 0.0

    @property
    def drive(self) -> tuple[int, ...]:
        return (self.size,)

    def start(self, samples: int) -> Running:
        """The state before the first step."""
        return Running(self, samples)


class Running:
    """s and v of some samples."""

    def __init__(self, cells: Cells, samples: int) -> None:
        self._of = cells
        self._s = np.zeros((samples, cells.size))
        self._v = np.zeros((samples, cells.size)) + cells.v_init
        self._synapse = bool(np.any(cells.syn_decay))
        self._biased = bool(np.any(cells.bias))

    def step(self, tick: int, drive: Array) -> Array:
        """Advance to step `tick` (1, 2, ...); the spikes (sample, neuron)."""
        of = self._of
        if self._biased and tick > of.bias_from:
            drive = drive + of.bias
        self._s = of.syn_decay * self._s + drive if self._synapse else drive
        v = of.mem_decay * self._v + self._s + of.leak
        if of.floor is not None:
            v = np.maximum(v, of.floor)
        if not of.spiking:
            self._v = v
            return np.zeros(v.shape, np.uint8)
        fired = v > of.threshold if of.comparison == ">" else v >= of.threshold
        if of.reset == "zero":
            self._v = np.where(fired, 0.0, v)
            return fired
        fit = v / of.threshold
        fit = np.floor(fit) if of.comparison == ">=" else np.ceil(fit) - 1.0
        most = COUNTED if of.most is None else of.most
        spikes = np.where(fired, np.clip(fit, 1.0, most), 0.0)
        self._v = v - spikes * of.threshold
        return spikes

    def states(self) -> Mapping[str, Array]:
        """The membrane after the step."""
        return {"v": self._v}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Twin:
    """Populations and what connects them. `late`: by how many steps each is behind."""

    cells: tuple[Cells, ...]
    wires: tuple[Wire, ...]
    late: Mapping[str, int]


def run(
    twin: Twin, rasters: Mapping[str, Array], steps: int, read: Collection[str]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """(spikes, membranes of `read`) by population: (sample, step, neuron).

    rasters: graph input -> (sample, step, channel) in C order, `steps` long.
    """
    samples = len(next(iter(rasters.values())))
    record = simulate(
        twin.cells,
        twin.wires,
        rasters,
        samples,
        steps,
        drive_type=np.float64,
        record=None,
        states=read,
    )
    return dict(record.spikes), {name: record.states[name]["v"] for name in read}
