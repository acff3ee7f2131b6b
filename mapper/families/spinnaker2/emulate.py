"""SpiNNaker2 as py-spinnaker2's `lif` programs compute it, in float32.

One tick: what was sent `delay` ticks ago is summed as integers, apart for excitatory and
inhibitory weights; then, in float32 and in this order,

    exc = exc exc_decay + sum of positive weights      inh = inh inh_decay + sum of negative
    v = v alpha_decay + exc - inh + i_offset           unless refractory
    spike where v >= threshold; there v = v_reset, or v -= threshold

The delay is the stored field + 1 tick, and 1 tick in the `_no_delay` programs. Verified
against a published voltage trace of the vendor's Brian2 backend only (one neuron, no
synaptic current); the order in which the chip rounds a step is not published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mapper.emulate.exact import Matrix, Sparse, correlation, no_further, only, product
from mapper.emulate.record import Record
from mapper.emulate.steps import Wire, check_names, flat_inputs, simulate
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

Single = np.float32
PROGRAMS = {
    # neuron_model: (largest weight, smallest weight, largest delay field)
    "lif": (15, -15, 7),
    "lif_curr_exp": (15, -15, 7),
    "lif_no_delay": (127, -127, 0),
    "lif_curr_exp_no_delay": (127, -127, 0),
    "lif_conv2d": (127, -128, 0),
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Population:
    """Neurons of one program. Parameter names as in the vendor's `params`.

    model: `lif`, `lif_no_delay`, `lif_conv2d`: input counts in its own tick only;
        `lif_curr_exp`, `lif_curr_exp_no_delay`: it decays by exc_decay and inh_decay.
    Parameters are scalars or (neuron,), rounded to float32. t_refrac in ticks.
    v_init: the membrane before the first tick.
    """

    name: str
    size: int
    model: str
    threshold: Array | float
    alpha_decay: Array | float
    i_offset: Array | float = 0.0
    v_init: Array | float = 0.0
    v_reset: Array | float = 0.0
    reset: Literal["reset_by_subtraction", "reset_to_v_reset"] = "reset_to_v_reset"
    exc_decay: Array | float = 0.0
    inh_decay: Array | float = 0.0
    t_refrac: Array | int = 0

    @property
    def drive(self) -> tuple[int, ...]:
        """Excitatory and inhibitory sums."""
        return (2, self.size)

    def start(self, samples: int) -> Running:
        return Running(self, samples)

    def findings(self) -> list[str]:
        where = f"population '{self.name}'"
        if self.model not in PROGRAMS:
            return [f"{where}: model '{self.model}'; there are: {', '.join(PROGRAMS)}"]
        said: list[str] = []
        for key in PARAMETERS:
            shape = np.shape(getattr(self, key))
            if shape not in ((), (self.size,)):
                said.append(f"{where}: {key} has shape {shape}; needed: ({self.size},)")
        decays = np.any(self.exc_decay) or np.any(self.inh_decay)
        if decays and "curr_exp" not in self.model:
            said.append(f"{where}: '{self.model}' has no synaptic current to decay")
        return said


PARAMETERS = (
    "threshold",
    "alpha_decay",
    "i_offset",
    "v_init",
    "v_reset",
    "exc_decay",
    "inh_decay",
    "t_refrac",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Projection:
    """Weights, one a pair of neurons.

    weights: integers (target, source) or `Sparse`.
    delays: the stored field, 0..7 (one tick more is added), of the weights' shape
        (`Sparse`: one an entry), or None for 0.
    """

    source: str
    target: str
    weights: Matrix
    delays: Array | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """(target, source)."""
        rows, columns = self.weights.shape
        return rows, columns

    def wires(self, peak: int) -> list[Wire]:
        """One a delay. `peak`: the largest number of spikes of a source in a tick."""
        if self.delays is None:
            return [Wire(self.source, self.target, 1, _sums(self.weights, peak))]
        return [
            Wire(self.source, self.target, 1 + int(delay), _sums(some, peak))
            for delay in np.unique(self.delays)
            for some in (only(self.weights, self.delays == delay),)
        ]

    def findings(self, model: str) -> list[str]:
        where = f"'{self.source}' to '{self.target}'"
        high, low, longest = PROGRAMS[model]
        values = self.weights.weight if isinstance(self.weights, Sparse) else self.weights
        said = no_further(values, low, high, f"{where}: the weight")
        if model == "lif_conv2d":
            said.append(f"{where}: '{model}' takes convolutions only")
        if self.delays is not None:
            if self.delays.shape != values.shape:
                said.append(f"{where}: delays {self.delays.shape} for weights {values.shape}")
            said += no_further(self.delays, 0, longest, f"{where}: the delay of '{model}'")
        return said


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ConvProjection:
    """A kernel moved over (channel, y, x) maps, flat in this order; 1 tick.

    kernel: integers (in, out, ky, kx); shape: (in, y, x); stride, pool: (y, x);
    padding: (top, bottom, left, right). Spikes of a pool (size = stride, incomplete ones
    dropped) count as spikes of one pixel. Sums are signed: none of it is inhibitory.
    """

    source: str
    target: str
    kernel: Array
    shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    pool: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def _pooled(self) -> tuple[int, int, int]:
        channels, height, width = self.shape
        return channels, height // self.pool[0], width // self.pool[1]

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """(out, y, x)."""
        _, height, width = self._pooled
        top, bottom, left, right = self.padding
        return (
            self.kernel.shape[1],
            (height + top + bottom - self.kernel.shape[2]) // self.stride[0] + 1,
            (width + left + right - self.kernel.shape[3]) // self.stride[1] + 1,
        )

    @property
    def sizes(self) -> tuple[int, int]:
        """(target, source)."""
        return int(np.prod(self.out_shape)), int(np.prod(self.shape))

    def wires(self, peak: int) -> list[Wire]:
        """`peak`: the largest number of spikes of a source in a tick."""
        channels, height, width = self._pooled
        top, bottom, left, right = self.padding
        correlate, (out_y, out_x, features) = correlation(
            self.kernel.transpose(2, 3, 0, 1),
            (height, width, channels),
            self.stride,
            ((top, bottom), (left, right)),
            peak * self.pool[0] * self.pool[1],
        )
        py, px = self.pool

        def apply(spikes: Array) -> Array:
            maps = spikes.reshape(-1, *self.shape)[:, :, : height * py, : width * px]
            pools = maps.reshape(-1, channels, height, py, width, px)
            pooled = maps if py == px == 1 else pools.sum(axis=(3, 5), dtype=np.int32)
            rows = np.ascontiguousarray(pooled.transpose(0, 2, 3, 1)).reshape(len(maps), -1)
            sums = correlate(rows).reshape(-1, out_y * out_x, features)
            both = np.zeros((len(maps), 2, features * out_y * out_x), np.int32)
            both[:, 0] = sums.swapaxes(1, 2).reshape(len(maps), -1)
            return both

        return [Wire(self.source, self.target, 1, apply)]

    def findings(self, model: str) -> list[str]:
        where = f"'{self.source}' to '{self.target}'"
        high, low, _ = PROGRAMS["lif_conv2d"]
        said = no_further(self.kernel, low, high, f"{where}: the weight")
        if model != "lif_conv2d":
            said.append(f"{where}: '{model}' takes no convolution; 'lif_conv2d' does")
        if self.kernel.shape[0] != self.shape[0] or min(self.out_shape) < 1:
            said.append(f"{where}: kernel {self.kernel.shape} does not fit a map {self.shape}")
        return said


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Populations and projections. A population cut into slices is several populations."""

    populations: tuple[Population, ...]
    projections: tuple[Projection | ConvProjection, ...]

    def __post_init__(self) -> None:
        models = {population.name: population.model for population in self.populations}
        ends = [(p.source, p.target) for p in self.projections]
        inputs = {source for source, _ in ends if source not in models}
        said = check_names([p.name for p in self.populations], inputs, ends)
        for population in self.populations:
            said += population.findings()
        if said:
            raise BadInput(said)
        sizes = {population.name: population.size for population in self.populations}
        for projection in self.projections:
            said += projection.findings(models[projection.target])
            rows, columns = projection.sizes
            for name, size in ((projection.target, rows), (projection.source, columns)):
                if sizes.setdefault(name, size) != size:
                    said.append(
                        f"'{projection.source}' to '{projection.target}': weights for {size} "
                        f"neurons of '{name}', which has {sizes[name]}"
                    )
        if said:
            raise BadInput(said)

    def inputs(self) -> dict[str, int]:
        """The name of each input, and its number of channels."""
        names = {population.name for population in self.populations}
        return {p.source: p.sizes[1] for p in self.projections if p.source not in names}


def run(
    network: Network,
    inputs: Mapping[str, Array],
    *,
    record: Collection[str] | None = None,
    states: Collection[str] = (),
) -> Record:
    """Spikes of each population, tick by tick.

    inputs: name -> spike counts (sample, tick, channels...).
    record: populations whose spikes are kept, all if None.
    states: populations whose voltages `v` (after the reset, as recorded on the chip) and
        currents `exc`, `inh` are kept.
    Raises BadInput where inputs do not fit the network.
    """
    flat, samples, steps = flat_inputs(inputs, network.inputs())
    wires: list[Wire] = []
    for projection in network.projections:
        peak = int(flat[projection.source].max(initial=1)) if projection.source in flat else 1
        wires += projection.wires(peak)
    return simulate(
        network.populations,
        wires,
        flat,
        samples,
        steps,
        drive_type=np.int32,
        record=record,
        states=states,
    )


def _sums(weights: Matrix, peak: int) -> Callable[[Array], Array]:
    """Spikes (rows, source) to sums of positive and of negative weights (rows, 2, target)."""
    targets = weights.shape[0]
    if isinstance(weights, Sparse):
        inhibitory = weights.weight < 0
        both: Matrix = Sparse(
            weights.target + targets * inhibitory,
            weights.source,
            np.abs(weights.weight.astype(np.int64)),
            (2 * targets, weights.shape[1]),
        )
    else:
        signed = weights.astype(np.int64)
        both = np.vstack([np.maximum(signed, 0), np.maximum(-signed, 0)])
    multiply = product(both, peak)

    def apply(spikes: Array) -> Array:
        return multiply(spikes).astype(np.int32).reshape(-1, 2, targets)

    return apply


class Running:
    """The state of a population, of some samples."""

    def __init__(self, population: Population, samples: int) -> None:
        shape = (samples, population.size)
        self._threshold = np.asarray(population.threshold, Single)
        self._alpha = np.asarray(population.alpha_decay, Single)
        self._offset = np.asarray(population.i_offset, Single)
        self._v_reset = np.asarray(population.v_reset, Single)
        self._decays = np.zeros((2, population.size), Single)
        self._decays[0], self._decays[1] = population.exc_decay, population.inh_decay
        self._keeps = bool(self._decays.any())
        self._subtract = population.reset == "reset_by_subtraction"
        self._refractory = np.asarray(population.t_refrac, np.int64)
        self._waits = bool(self._refractory.any())
        self._v = np.zeros(shape, Single)
        self._v[:] = population.v_init
        self._current = np.zeros((samples, 2, population.size), Single)
        self._timer = np.zeros(shape, np.int64)

    def step(self, tick: int, drive: Array) -> Array:
        if self._keeps:
            self._current *= self._decays
            self._current += drive.astype(Single)
        else:
            self._current[:] = drive
        new = self._v * self._alpha
        new += self._current[:, 0]
        new -= self._current[:, 1]
        new += self._offset
        if self._waits:
            waiting = self._timer > 0
            self._timer -= waiting
            np.copyto(new, self._v, where=waiting)
        spikes = new >= self._threshold
        if self._subtract:
            np.subtract(new, self._threshold, out=new, where=spikes)
        else:
            np.copyto(new, self._v_reset, where=spikes)
        if self._waits:
            np.copyto(self._timer, self._refractory, where=spikes)
        self._v = new
        return spikes

    def states(self) -> dict[str, Array]:
        return {"v": self._v, "exc": self._current[:, 0], "inh": self._current[:, 1]}
