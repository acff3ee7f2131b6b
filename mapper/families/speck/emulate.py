"""Speck: event-driven cores of integrate-and-fire neurons.

Each core reads one queue of events. For an event (c, y, x) every neuron (f, oy, ox) under
the kernel, 0 <= y + pad - stride oy < k and x alike, does

    v += w[f, c, y + pad - stride oy, x + pad - stride ox]
    if v >= threshold: one spike; v -= threshold, or v = 0
    v = max(v, lower)

at most one spike an event. A spike goes to each destination as the event (f + shift,
oy // pool, ox // pool). A tick of the slow clock adds a bias to every neuron. These rules
follow the vendor's datasheet and documents; no trace of the silicon was available. Open
there and assumed here: the order of the neurons within an event (`sweep`), that a tick
does not fire by itself, that events beyond a map are lost, that where cores merge the
spikes of one input event stay together. States do not wrap: keep them within 16 bits.
"""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import networkx as nx
import numpy as np

from mapper.emulate.exact import no_further
from mapper.emulate.record import Record
from mapper.families.speck.events import Axis, Field, Sweep, fire
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where spikes go: (f, y, x) becomes the event (f - first + shift, y // pool, x // pool).

    only: (first, one past the last) of the source's channels that are sent; None: all. Inputs
    are one map, so that each of several has its own channels of it.
    """

    core: str
    pool: int = 1
    shift: int = 0
    only: tuple[int, int] | None = None

    def sent(self, channels: int) -> tuple[int, int]:
        """The range of a source's so many channels that is sent."""
        return (0, channels) if self.only is None else self.only


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Core:
    """One core's layer.

    kernel: integers (out, in, ky, kx); shape: the map it reads, (in, y, x).
    stride, padding: (y, x). threshold > 0, lower <= 0: integers of 16 bits.
    bias: (out,), added at every tick of the slow clock; None: no leak.
    initial: (out, y, x), not below `lower`; 0 if None.
    """

    name: str
    kernel: Array
    shape: Shape
    threshold: int
    lower: int
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    reset: Literal["subtract", "zero"] = "subtract"
    bias: Array | None = None
    initial: Array | None = None
    destinations: tuple[Destination, ...] = ()

    @property
    def out_shape(self) -> Shape:
        """(out, y, x), before pooling."""
        out, _, ky, kx = self.kernel.shape
        height = (self.shape[1] + 2 * self.padding[0] - ky) // self.stride[0] + 1
        width = (self.shape[2] + 2 * self.padding[1] - kx) // self.stride[1] + 1
        return out, height, width

    def findings(self) -> list[str]:
        where = f"core '{self.name}'"
        said = no_further(self.kernel, -128, 127, f"{where}: the weight")
        for key, low, high in (("threshold", 1, 2**15 - 1), ("lower", -(2**15), 0)):
            said += no_further(np.array(getattr(self, key)), low, high, f"{where}: {key}")
        if self.kernel.shape[1] != self.shape[0] or min(self.out_shape) < 1:
            said.append(f"{where}: kernel {self.kernel.shape} does not fit a map {self.shape}")
        if self.bias is not None and self.bias.shape != self.out_shape[:1]:
            said.append(f"{where}: bias {self.bias.shape}; needed: {self.out_shape[:1]}")
        if self.initial is not None and self.initial.shape != self.out_shape:
            said.append(f"{where}: initial {self.initial.shape}; needed: {self.out_shape}")
        if self.initial is not None:
            said += no_further(self.initial, self.lower, 2**15 - 1, f"{where}: initial")
        return said


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Cores, and where events from outside go. shape: of the input map, (channel, y, x)."""

    cores: tuple[Core, ...]
    entries: tuple[Destination, ...]
    shape: Shape

    def __post_init__(self) -> None:
        names = [core.name for core in self.cores]
        said = [f"the name '{n}' is used twice" for n in sorted(set(names)) if names.count(n) > 1]
        said += [finding for core in self.cores for finding in core.findings()]
        if said:
            raise BadInput(said)
        known = {core.name: core for core in self.cores}
        for name, shape, destination in self.links():
            target = known.get(destination.core)
            where = "the input" if name is None else f"core '{name}'"
            first, last = destination.sent(shape[0])
            if not 0 <= first < last <= shape[0]:
                said.append(f"{where} sends channels {first}..{last - 1} of {shape[0]}")
            if target is None:
                said.append(f"{where} sends to '{destination.core}', which is no core")
            elif not 0 <= destination.shift <= target.shape[0] - (last - first):
                said.append(
                    f"{where} sends channels {destination.shift}.."
                    f"{destination.shift + last - first - 1} to '{target.name}', which has "
                    f"{target.shape[0]}"
                )
            if destination.pool < 1:
                said.append(f"{where} pools by {destination.pool}; needed: 1 or more")
        if not said and not nx.is_directed_acyclic_graph(self._graph()):
            said.append("the cores form a loop; only chains and branches can be emulated")
        if said:
            raise BadInput(said)

    def links(self) -> list[tuple[str | None, Shape, Destination]]:
        """(core or None for the input, the shape it sends, destination)."""
        return [
            *((None, self.shape, entry) for entry in self.entries),
            *((c.name, c.out_shape, sent) for c in self.cores for sent in c.destinations),
        ]

    def order(self) -> list[Core]:
        """Cores, sources first."""
        known = {core.name: core for core in self.cores}
        ranks = {core.name: rank for rank, core in enumerate(self.cores)}
        sorted_names = nx.lexicographical_topological_sort(self._graph(), key=ranks.__getitem__)
        return [known[name] for name in sorted_names]

    def _graph(self) -> nx.DiGraph[str]:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(core.name for core in self.cores)
        graph.add_edges_from((n, d.core) for n, _, d in self.links() if n is not None)
        return graph


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """Events in order, sample by sample and, within a sample, in time.

    sample, step, root, place: (event,). `root` is the number of the input event, within its
    sample, that it goes back to; `place` is flat over `shape`, (channel, y, x).
    """

    sample: Array
    step: Array
    root: Array
    place: Array
    shape: Shape
    samples: int
    steps: int

    def counts(self) -> Array:
        """Events over the whole run: (sample, channel, y, x)."""
        size = int(np.prod(self.shape))
        cell = self.sample.astype(np.int64) * size + self.place
        return np.bincount(cell, minlength=self.samples * size).reshape(-1, *self.shape)

    def raster(self) -> Array:
        """Events by step: (sample, step, channel, y, x)."""
        size = int(np.prod(self.shape))
        cell = (self.sample.astype(np.int64) * self.steps + self.step) * size + self.place
        full = np.zeros(self.samples * self.steps * size, np.uint8)
        cells, number = np.unique(cell, return_counts=True)
        if number.max(initial=0) > 255:
            full = full.astype(np.uint16)
        full[cells] = number
        return full.reshape(self.samples, self.steps, *self.shape)


def events_of(raster: Array, seed: int | None = None) -> Events:
    """Counts (sample, step, channel, y, x) as events, in a seeded order within each step.

    seed None: in the order of the raster. A count of n gives n events.
    """
    samples, steps, *shape = raster.shape
    sample, step, *at = np.nonzero(raster)
    many = raster[(sample, step, *at)]
    place = np.ravel_multi_index(tuple(at), tuple(shape))
    sample, step, place = (np.repeat(axis, many) for axis in (sample, step, place))
    if seed is not None:
        lots = np.random.default_rng(seed).random(len(sample))
        shuffled = np.lexsort((lots, step, sample))
        sample, step, place = sample[shuffled], step[shuffled], place[shuffled]
    first = np.searchsorted(sample, np.arange(samples))
    root = np.arange(len(sample)) - first[sample]
    channels, height, width = shape
    return Events(sample, step, root, place, (channels, height, width), samples, steps)


@dataclass(frozen=True, slots=True, eq=False)
class EventRecord:
    """Spikes of each core as events at (feature, y, x) before pooling.

    lost: core -> events that fell outside the map it declares.
    """

    events: Mapping[str, Events]
    lost: Mapping[str, int]

    def record(self, names: Collection[str]) -> Record:
        """The spikes of some cores as rasters (sample, step, neuron)."""
        return Record(
            {
                name: self.events[name].raster().reshape(*_two(self.events[name]), -1)
                for name in names
            }
        )


def _two(events: Events) -> tuple[int, int]:
    return events.samples, events.steps


def run_events(
    network: Network,
    inputs: Events,
    *,
    tick_every: int | None = None,
    sweep: Sweep = "pixel",
    seed: int = 0,
) -> EventRecord:
    """Run events one by one, as the chip does, cores being fed in their order of signal flow.

    tick_every: steps between ticks of the slow clock, each before its step's events; None:
        no slow clock, biases have no effect.
    sweep: the order of the spikes within one event: `pixel`: by (y, x, f), `channel`: by
        (f, y, x), `random`: by an order that is drawn once a core from `seed`.
    """
    if inputs.shape != network.shape:
        raise BadInput([f"events on a map {inputs.shape}; the network reads {network.shape}"])
    draw = np.random.default_rng(seed)
    done: dict[str | None, Events] = {None: inputs}
    lost: dict[str, int] = {}
    for core in network.order():
        arriving = [
            _sent(done[name], destination, core)
            for name, _, destination in network.links()
            if destination.core == core.name
        ]
        queue, lost[core.name] = _merge(arriving, core, inputs)
        field = _field(core)
        ticks = tick_every if core.bias is not None else None
        spike, place = fire(
            field,
            queue.sample,
            queue.step,
            queue.place,
            samples=inputs.samples,
            tick_every=ticks,
            sweep=sweep,
            draw=draw,
        )
        done[core.name] = Events(
            queue.sample[spike],
            queue.step[spike],
            queue.root[spike],
            place,
            core.out_shape,
            inputs.samples,
            inputs.steps,
        )
    return EventRecord({core.name: done[core.name] for core in network.cores}, lost)


def _field(core: Core) -> Field:
    _, height, width = core.out_shape
    initial = None if core.initial is None else core.initial
    bias = None if core.bias is None else core.bias
    return Field(
        kernel=core.kernel,
        rows=Axis.of(core.shape[1], height, core.kernel.shape[2], core.stride[0], core.padding[0]),
        columns=Axis.of(
            core.shape[2], width, core.kernel.shape[3], core.stride[1], core.padding[1]
        ),
        threshold=core.threshold,
        lower=core.lower,
        subtract=core.reset == "subtract",
        bias=bias,
        initial=initial,
    )


def _sent(events: Events, destination: Destination, target: Core) -> tuple[Events, int]:
    """Events as `target` sees them, and how many fall outside its map."""
    channel, y, x = np.indices(events.shape)
    _, height, width = target.shape
    y, x = y // destination.pool, x // destination.pool
    first, last = destination.sent(events.shape[0])
    seen_at = ((channel - first + destination.shift) * height + y) * width + x
    inside = np.where((y < height) & (x < width), seen_at, -1)
    other = (channel < first) | (channel >= last)  # of another input: neither seen nor lost
    place = np.where(other, -2, inside).reshape(-1)[events.place]
    seen = place >= 0
    kept = Events(
        events.sample[seen],
        events.step[seen],
        events.root[seen],
        place[seen],
        target.shape,
        events.samples,
        events.steps,
    )
    return kept, int(np.count_nonzero(place == -1))


def _merge(parts: list[tuple[Events, int]], core: Core, like: Events) -> tuple[Events, int]:
    """One queue: by sample and input event, then in the order of the parts."""
    lost = sum(number for _, number in parts)
    if len(parts) == 1:
        return parts[0][0], lost
    none = np.zeros(0, np.int64)
    sample, step, root, place = (
        np.concatenate([none, *(getattr(events, key) for events, _ in parts)])
        for key in ("sample", "step", "root", "place")
    )
    order = np.lexsort((root, sample))
    sample, step, root, place = sample[order], step[order], root[order], place[order]
    return Events(sample, step, root, place, core.shape, like.samples, like.steps), lost
