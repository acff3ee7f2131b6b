"""Loihi 2 by trying: every cut of every population, every form, every latency.

Written from the fact sheet of the family, section 2.1: a core is a pool of 64-bit units,

    units = axon_in + groups + neurons + synapse words + axon map + axon memory

each with a limit of its own. Words of a dense axon with f targets: ceil((f (bits + 12) + 10) /
64), 6 bits more a synapse where the projection delays; of a convolution: inputs x taps x
(ceil(channels bits / 64) + 1), and a word of slack. The map has an entry a neuron for dense
readers or the outside, one a pixel for convolutions, which also take 8 units of memory a pixel.
Slices are runs of neurons in C order. A population that convolutions alone feed may do with
those: then its slices are equal boxes of the map, a power of two wide.
"""

# python-constraint has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil, prod

import numpy as np
from constraint import Problem
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.oracle.answer import Answer, Feasible, Infeasible
from mapper.oracle.lags import lags, own_delay
from mapper.oracle.neurons import Became, becomes
from mapper.oracle.unroll import size, synapses
from mapper.oracle.windows import axes, holds
from mapper.problem.network import Network, Population, Projection
from mapper.problem.settings import Settings
from nir_io.graph import Conv2d, Neuron, Scale, SumPool2d, Threshold
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.target import Target

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Way:
    """One population: its neuron, bias, and its projections if they are convolutions."""

    became: Became
    bias: str
    convs: frozenset[str]
    score: int

    def __str__(self) -> str:
        rules = " ".join(self.became.rules)
        form = f"{len(self.convs)} convolutions" if self.convs else "dense"
        return f"{form}, bias {self.bias}" + (f" by {rules}" if rules else "")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Load:
    """What a population's slices have to hold beside its own neurons.

    `delayed`: projections that delay; `maps`: whether some reader is a convolution; `rows`:
    whether some reader is dense, or something outside the chip.
    """

    delayed: frozenset[str]
    maps: bool
    rows: bool


def target(profile: Profile, semantics: Semantics) -> Target:
    """What the rules may know: all kinds but Threshold, both resets, free decays."""
    return Target(
        family=profile.name,
        semantics=semantics,
        neurons=frozenset({"IF", "LIF", "CubaLIF", "I", "LI", "CubaLI"}),
        projections=frozenset({"Linear", "Conv2d", "Scale"}),
        resets=frozenset({"zero", "subtract"}),
        max_delay=int(profile.limit("delay_max").value),
    )


def decide(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> Answer:
    """Whether the network fits; the least error, then the fewest cores."""
    hop, most = (int(profile.limit(k).value) for k in ("delay_per_connection", "delay_max"))
    if (semantics.max_count or 0) > profile.limit("input_events").value:
        return Infeasible(because=f"{semantics.max_count} events a step")
    late = {
        frozenset(p.id for p in network.projections if extra[p.id] or own_delay(p))
        for _, extra in lags(network, from_input=hop, hop=hop, most=most)
    }
    if not late:
        return Infeasible(because="no delays balance the paths")
    bits = {p.id: synapses(p) for p in network.projections}
    offers = {p.name: ways(network, p, profile, semantics, settings) for p in network.populations}
    empty = [name for name, found in offers.items() if not found]
    if empty:
        return Infeasible(because=f"no form for {', '.join(empty)}")
    core = Core(profile, settings, bits)
    room = int(profile.limit("cores_per_chip").value) * settings.chips
    best: tuple[tuple[int, int], Mapping[str, Way]] | None = None
    searched = 0
    problem = Problem()
    for name, found in offers.items():
        problem.addVariable(name, found)
    solutions: list[Mapping[str, Way]] = list(problem.getSolutionIter())
    for delayed, chosen in product(sorted(late, key=sorted), solutions):
        searched += 1
        if any(way.convs & delayed for way in chosen.values()):
            continue
        parts = [_parts(network, p, chosen, delayed, core) for p in network.populations]
        if None in parts:
            continue
        score = sum(way.score for way in chosen.values())
        cores = sum(n for n in parts if n is not None)
        cores += any(way.bias == "source" for way in chosen.values())
        if cores <= room and (best is None or (score, cores) < best[0]):
            best = (score, cores), chosen
    if best is None:
        return Infeasible(because="memory or cores run out in every combination", searched=searched)
    return Feasible(
        objectives=(("error", best[0][0]), ("cores", best[0][1])),
        example={name: str(way) for name, way in best[1].items()},
        searched=searched,
    )


def combined(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> int:
    """Ways of all populations together, each looked at alone."""
    return prod(len(ways(network, p, profile, semantics, settings)) for p in network.populations)


def ways(
    network: Network,
    population: Population,
    profile: Profile,
    semantics: Semantics,
    settings: Settings,
) -> list[Way]:
    """Everything that the population could be, looked at alone."""
    read = bool(network.readers(population.name))

    def accept(node: Neuron, reset: Reset, dynamics: Dynamics) -> bool:
        if not dynamics.spiking:
            return not read
        soft = reset == "subtract" and not isinstance(node, Threshold)
        return not (soft and bool(np.any(dynamics.v_reset != 0.0)))

    found: list[Way] = []
    for became in becomes(population.node, target(profile, semantics), settings, accept):
        if population.bias is None:
            kinds = ["neuron" if np.any(became.dynamics.leak) else "none"]
        else:
            kinds = ["neuron", "source"] if became.dynamics.has_synapse else ["neuron"]
        every = frozenset(p.id for p in population.projections)
        able = all(convolves(p, population, became, profile) for p in population.projections)
        choices = [frozenset[str](), every] if able and every else [frozenset[str]()]
        for bias in kinds:
            late = population.bias is not None and bias == "neuron" and became.dynamics.has_synapse
            for convs in choices:
                found.append(
                    Way(became=became, bias=bias, convs=convs, score=became.score + int(late))
                )
    return found


def convolves(
    projection: Projection, population: Population, became: Became, profile: Profile
) -> bool:
    """Whether Lava's Conv can do it: one gain a channel, equal padding, no delay, 256 columns."""
    if len(population.shape) != 3 or len(projection.source_shape) != 3 or own_delay(projection):
        return False
    if not isinstance(projection.weight, Conv2d) and not _shared(projection):
        return False
    pair = axes(projection, 1)
    if pair is None or not all(
        holds(axis, kernel, padding, axis.stride)
        for axis, (kernel, padding) in zip(pair, kernels(projection), strict=True)
    ):
        return False
    if max(projection.source_shape[-1], population.shape[-1]) > profile.limit("conv_x_max").value:
        return False
    d = became.dynamics
    height = np.ones(population.shape)
    if d.spiking:
        height = d.threshold - (d.v_reset if became.reset == "zero" else 0.0)
    gain = np.broadcast_to(d.gain / height, population.shape).reshape(population.shape[0], -1)
    return bool(np.all(gain == gain[:, :1]))


def _shared(projection: Projection) -> bool:
    """Whether it is one factor a channel: a kernel of one tap."""
    weight = projection.weight
    if not isinstance(weight, Scale):
        return weight is None
    flat = np.asarray(weight.scale).reshape(weight.shape_out[0], -1)
    return bool(np.all(flat == flat[:, :1]))


def kernels(projection: Projection) -> list[tuple[int, int]]:
    """(side, padding) in y and x, a pooling in front written into the kernel."""
    conv, pool = projection.weight, (1, 1)
    for node in projection.nodes:
        if isinstance(node, SumPool2d):
            pool = node.kernel_size
    if not isinstance(conv, Conv2d):
        return [(p, 0) for p in pool]
    rows = zip(conv.weight.shape[2:], conv.dilation, pool, conv.padding[::2], strict=True)
    return [(((k - 1) * d + 1) * p, before * p) for k, d, p, before in rows]


def _parts(
    network: Network,
    population: Population,
    chosen: Mapping[str, Way],
    delayed: frozenset[str],
    core: Core,
) -> int | None:
    """Fewest slices of a population, given what reads it; None where no cut fits."""
    readers = {p.id in chosen[p.target].convs for p in network.readers(population.name)}
    load = Load(
        delayed=frozenset(p.id for p in population.projections) & delayed,
        maps=True in readers,
        rows=False in readers or bool(population.outputs),
    )
    way = chosen[population.name]
    return core.boxes(population, way, load) if way.convs else core.runs(population, way, load)


class Core:
    """The unit model of a core; remembers the counts that it was asked for."""

    def __init__(self, profile: Profile, settings: Settings, bits: Mapping[str, Bits]) -> None:
        asked = settings.weight_bits or int(profile.limit("weight_bits").value)
        self._weight_bits = 8 if asked == 7 else asked  # 7 bits are stored as 8
        self._profile = profile
        self._bits = bits
        self._known: dict[tuple[object, ...], int | None] = {}
        self._pairs: dict[Way, NDArray[np.int64]] = {}

    def _number(self, name: str) -> int:
        return int(self._profile.limit(name).value)

    def runs(self, population: Population, way: Way, load: Load) -> int | None:
        """Fewest runs in C order, over every way to cut."""
        key = (population.name, way, load.delayed, load.maps, load.rows)
        if key not in self._known:
            n = population.size
            fewest: list[int | None] = [0] + [None] * n
            for stop in range(1, n + 1):
                for start in range(stop - 1, -1, -1):
                    if not self._fits(population, way, load, np.arange(start, stop), None):
                        break  # a longer run holds all that this one holds
                    before, best = fewest[start], fewest[stop]
                    if before is not None and (best is None or before + 1 < best):
                        fewest[stop] = before + 1
            self._known[key] = fewest[n]
        return self._known[key]

    def boxes(self, population: Population, way: Way, load: Load) -> int | None:
        """Fewest equal boxes, over every size of box."""
        key = (population.name, way, load.delayed, load.maps, load.rows)
        if key not in self._known:
            self._known[key] = min(self._tilings(population, way, load), default=None)
        return self._known[key]

    def _tilings(self, population: Population, way: Way, load: Load) -> Iterator[int]:
        channels, high, wide = population.shape
        ids = np.arange(population.size).reshape(population.shape)
        widths = [2**i for i in range((wide - 1).bit_length() + 1)]
        for c, y, x in product(range(1, channels + 1), range(1, high + 1), widths):
            corners = product(range(0, channels, c), range(0, high, y), range(0, wide, x))
            boxes = (ids[k : k + c, i : i + y, j : j + x] for k, i, j in corners)
            if all(self._fits(population, way, load, b.ravel(), b.shape[0]) for b in boxes):
                yield ceil(channels / c) * ceil(high / y) * ceil(wide / x)

    def _fits(
        self,
        population: Population,
        way: Way,
        load: Load,
        neurons: NDArray[np.int64],
        channels: int | None,
    ) -> bool:
        axons = words = 0
        for projection in population.projections:
            if projection.id in way.convs:
                assert channels is not None
                axons += self._number("axon_in_per_conv")
                words += self._conv_words(projection, channels)
                continue
            targets = self._bits[projection.id][neurons].sum(axis=0)
            targets = targets[targets > 0]
            axons += len(targets) * self._number("axon_in_per_source")
            words += self._words(targets, projection.id in load.delayed)
        if way.bias == "source":
            axons += self._number("axon_in_per_source")
            words += self._words(np.array([len(neurons)]), False)
        pixels = self._pixels(population, neurons)
        maps = len(neurons) * self._number("axon_map_per_neuron") if load.rows else 0
        memory = 0
        if load.maps:
            maps += pixels * self._number("axon_map_per_pixel")
            memory = ceil(pixels * self._profile.limit("axon_mem_per_map").value)
        groups = self._groups(population, way, neurons)
        units = axons + words + maps + memory
        units += groups * self._number("units_per_group")
        units += len(neurons) * self._number("units_per_neuron")
        return (
            len(neurons) <= self._number("neurons_per_core")
            and groups <= self._number("groups_per_core")
            and axons <= self._number("axon_in_units")
            and words <= self._number("synapse_units")
            and maps <= self._number("axon_map_units")
            and memory <= self._number("axon_mem_units")
            and units <= self._number("units_per_core")
        )

    def _words(self, targets: NDArray[np.int64], delayed: bool) -> int:
        each = self._weight_bits + self._number("synapse_index_bits")
        each += self._number("synapse_delay_bits") if delayed else 0
        return int(np.ceil((targets * each + self._number("synapse_header_bits")) / 64).sum())

    def _conv_words(self, projection: Projection, channels: int) -> int:
        (ky, _), (kx, _) = kernels(projection)
        conv, inputs = projection.weight, projection.source_shape[0]
        if isinstance(conv, Conv2d) and all(node.kind != "SumPool2d" for node in projection.nodes):
            ky, kx = conv.weight.shape[2:]  # Lava's Conv dilates by itself
        row = ceil(channels * self._weight_bits / 64) + 1 + self._number("conv_word_slack")
        return inputs * ky * kx * row

    def _pixels(self, population: Population, neurons: NDArray[np.int64]) -> int:
        if len(population.shape) < 2:
            return 1
        return len(np.unique(neurons % size(population.shape[1:])))

    def _groups(self, population: Population, way: Way, neurons: NDArray[np.int64]) -> int:
        """Distinct pairs of 12-bit decays: thresholds and gains go into the weights."""
        if way not in self._pairs:
            d, steps = way.became.dynamics, 2 ** self._number("decay_bits")
            decays = [np.broadcast_to(a, d.shape).ravel() for a in (d.syn_decay, d.mem_decay)]
            syn, mem = (np.rint(steps * decay).astype(np.int64) for decay in decays)
            self._pairs[way] = syn * 2 * steps + mem
        return len(np.unique(self._pairs[way][neurons]))
