"""SpiNNaker2 by trying: every size of slice, every form, every latency.

Written from the fact sheet of the family, sections 1 and 2: a PE runs one slice of one
population; slices of a population are equal but for the last (`set_max_atoms_per_core`).
Of its data window, in bytes, each region rounded up to the alignment:

    routing 12 + 4 R, timer 8, global parameters 40, table info 8
    table 12 P, rows sum (12 + 2 k, whole words), P sources with k synapses into the slice
    spikes of outputs 40 T, T recorded ticks, where the run length is stated

`lif_conv2d` has kernel bytes, 12 bytes a neuron and 12 a slice of its sources in place of
the table and the rows; its slices hold whole channels, and it cannot delay.
"""

# python-constraint has no types
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from constraint import Problem
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.oracle.answer import Answer, Feasible, Infeasible
from mapper.oracle.lags import lags, own_delay
from mapper.oracle.neurons import Became, becomes
from mapper.oracle.unroll import size, synapses
from mapper.problem.network import Network, Population, Projection
from mapper.problem.settings import Settings
from nir_io.graph import IF, LIF, Conv2d, CubaLIF, Neuron, SumPool2d
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.target import Target

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Way:
    """One population: its neuron, bias, form ('conv', 'sparse'), atoms and number of slices."""

    became: Became
    bias: str
    form: str
    atoms: int
    slices: int
    score: int

    def __str__(self) -> str:
        rules = " ".join(self.became.rules)
        return f"{self.form}, {self.slices} slices of {self.atoms}, bias {self.bias}" + (
            f" by {rules}" if rules else ""
        )


def target(profile: Profile, semantics: Semantics) -> Target:
    """What the rules may know: IF, LIF, CubaLIF, either reset, free decays."""
    return Target(
        family=profile.name,
        semantics=semantics,
        neurons=frozenset({"IF", "LIF", "CubaLIF"}),
        projections=frozenset({"Linear", "Conv2d", "Scale"}),
        resets=frozenset({"zero", "subtract"}),
        max_delay=int(profile.limit("delay_max").value),
    )


def decide(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> Answer:
    """Whether the network fits; the least error, then the fewest PEs."""
    hop, most = (int(profile.limit(k).value) for k in ("delay_per_connection", "delay_max"))
    if (semantics.max_count or 0) > profile.limit("input_events").value:
        return Infeasible(because=f"{semantics.max_count} events a step")
    delayed = {
        frozenset(name for name, steps in extra.items() if steps)
        for _, extra in lags(network, from_input=hop, hop=hop, most=most)
    }
    if not delayed:
        return Infeasible(because="no delays balance the paths")
    bits = {p.id: synapses(p) for p in network.projections}
    offers = {
        p.name: ways(network, p, profile, semantics, settings, bits) for p in network.populations
    }
    empty = [name for name, found in offers.items() if not found]
    if empty:
        return Infeasible(because=f"no form or slicing for {', '.join(empty)}")
    each = int(profile.limit("spike_list_atoms").value)
    sources = {name: ceil(size(shape) / each) for name, shape in network.inputs}
    room = int(profile.limit("pes_per_chip").value) * settings.chips
    best: tuple[tuple[int, int], Mapping[str, Way]] | None = None
    searched = 0
    for late in sorted(delayed, key=sorted):
        for chosen in _combined(network, offers, late, profile, semantics, sources):
            searched += 1
            score = sum(way.score for way in chosen.values())
            pes = sum(way.slices for way in chosen.values()) + sum(sources.values())
            pes += any(way.bias == "source" for way in chosen.values())
            if pes <= room and (best is None or (score, pes) < best[0]):
                best = (score, pes), chosen
    if best is None:
        return Infeasible(because="memory or PEs run out in every combination", searched=searched)
    return Feasible(
        objectives=(("error", best[0][0]), ("cores", best[0][1])),
        example={name: str(way) for name, way in best[1].items()},
        searched=searched,
    )


def combined(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> int:
    """Ways of all populations together, each looked at alone."""
    bits = {p.id: synapses(p) for p in network.projections}
    return prod(
        len(ways(network, p, profile, semantics, settings, bits)) for p in network.populations
    )


def ways(
    network: Network,
    population: Population,
    profile: Profile,
    semantics: Semantics,
    settings: Settings,
    bits: Mapping[str, Bits],
) -> list[Way]:
    """Every form and slicing that fits, looked at alone; one per number of slices."""

    def accept(node: Neuron, reset: Reset, dynamics: Dynamics) -> bool:
        shifted = reset == "subtract" and bool(np.any(dynamics.v_reset != 0.0))
        return isinstance(node, IF | LIF | CubaLIF) and not shifted

    found: list[Way] = []
    for became in becomes(population.node, target(profile, semantics), settings, accept):
        leaks = bool(np.any(became.dynamics.leak))
        if population.bias is None:
            kinds = ["neuron" if leaks else "none"]
        else:
            kinds = ["neuron", "source"] if became.dynamics.has_synapse else ["neuron"]
        for bias in kinds:
            late = population.bias is not None and bias == "neuron" and became.dynamics.has_synapse
            for form, atoms in _slicings(population, became, profile):
                way = Way(
                    became=became,
                    bias=bias,
                    form=form,
                    atoms=atoms,
                    slices=ceil(population.size / atoms),
                    score=became.score + int(late),
                )
                if form == "conv" or _sparse_fits(population, way, profile, semantics, bits):
                    found.append(way)
    return _one_each(found)


def _one_each(found: list[Way]) -> list[Way]:
    """Ways that differ in more than their atoms."""
    kept: dict[tuple[object, ...], Way] = {}
    for way in found:
        key = (way.became.rules, way.became.reset, way.bias, way.form, way.slices, way.score)
        kept.setdefault(key, way)
    return list(kept.values())


def _slicings(
    population: Population, became: Became, profile: Profile
) -> Iterator[tuple[str, int]]:
    """(form, atoms): any number of neurons up to the limit; whole channels of a convolution."""
    most = int(profile.limit("atoms_per_pe").value)
    for atoms in range(1, min(population.size, most) + 1):
        yield "sparse", atoms
    conv = population.projections and all(convolves(p) for p in population.projections)
    if not conv or not isinstance(became.node, IF | LIF):
        return
    pixels = size(population.shape[1:])
    for channels in range(1, population.shape[0] + 1):
        if channels * pixels <= profile.limit("atoms_per_pe_conv").value:
            yield "conv", channels * pixels


def convolves(projection: Projection) -> bool:
    """Whether lif_conv2d can do it: square stride, square pooling, no delay of its own."""
    if own_delay(projection) or not isinstance(projection.weight, Conv2d):
        return False
    pools = [node for node in projection.nodes if isinstance(node, SumPool2d)]
    square = projection.weight.stride[0] == projection.weight.stride[1]
    return square and all(pool.kernel_size[0] == pool.kernel_size[1] for pool in pools)


def _combined(
    network: Network,
    offers: Mapping[str, list[Way]],
    late: frozenset[str],
    profile: Profile,
    semantics: Semantics,
    sources: Mapping[str, int],
) -> Iterator[dict[str, Way]]:
    """Combinations in which no convolution delays, and each fits with its sources' slices."""
    problem = Problem()
    for population in network.populations:
        delays = any(p.id in late for p in population.projections)
        legal = [w for w in offers[population.name] if w.form != "conv" or not delays]
        if not legal:
            return
        problem.addVariable(population.name, legal)
    for population in network.populations:
        before = sorted({p.source for p in population.projections} - set(sources))
        names = [population.name, *(name for name in before if name != population.name)]

        def fits(
            *values: Way, population: Population = population, names: list[str] = names
        ) -> bool:
            given = dict(zip(names, values, strict=True))
            slices = {**sources, **{name: way.slices for name, way in given.items()}}
            way = given[population.name]
            return way.form != "conv" or _conv_fits(population, way, profile, semantics, slices)

        problem.addConstraint(fits, names)
    yield from problem.getSolutionIter()


def _up(count: int, to: int) -> int:
    return ceil(count / to) * to


def _fixed(population: Population, profile: Profile, semantics: Semantics) -> int:
    def number(name: str) -> int:
        return int(profile.limit(name).value)

    align = number("region_alignment")
    regions = [
        number("routing_fixed_bytes") + number("routing_entry_bytes") * number("quads_per_chip"),
        number("timer_bytes"),
        number("global_parameter_bytes"),
        number("table_info_bytes"),
    ]
    recorded = number("spike_record_bytes") * (semantics.steps or 0) if population.outputs else 0
    return sum(_up(region, align) for region in regions) + _up(recorded, align)


def _sparse_fits(
    population: Population,
    way: Way,
    profile: Profile,
    semantics: Semantics,
    bits: Mapping[str, Bits],
) -> bool:
    def number(name: str) -> int:
        return int(profile.limit(name).value)

    for first in range(0, population.size, way.atoms):
        neurons = slice(first, min(first + way.atoms, population.size))
        into: dict[tuple[str, int], int] = {}
        for projection in population.projections:
            for i, count in enumerate(bits[projection.id][neurons].sum(axis=0)):
                key = (projection.source, i)
                into[key] = into.get(key, 0) + int(count)
        if way.bias == "source":
            into["", 0] = neurons.stop - neurons.start
        rows = [k for k in into.values() if k]
        words = number("row_alignment")
        used = _fixed(population, profile, semantics)
        used += _up(number("table_entry_bytes") * len(rows), number("region_alignment"))
        used += _up(
            sum(number("row_header_bytes") + _up(k * number("synapse_bytes"), words) for k in rows),
            number("region_alignment"),
        )
        if used > number("sram_window"):
            return False
    return True


def _conv_fits(
    population: Population,
    way: Way,
    profile: Profile,
    semantics: Semantics,
    slices: Mapping[str, int],
) -> bool:
    def number(name: str) -> int:
        return int(profile.limit(name).value)

    channels = way.atoms // size(population.shape[1:])
    used = _fixed(population, profile, semantics) + number("conv_bytes_per_neuron") * way.atoms
    for projection in population.projections:
        conv = projection.weight
        assert isinstance(conv, Conv2d)
        _, inputs, ky, kx = conv.weight.shape
        ky, kx = ((k - 1) * d + 1 for k, d in zip((ky, kx), conv.dilation, strict=True))
        used += number("kernel_weight_bytes") * inputs * ky * kx * channels
        used += number("conv_table_entry_bytes") * slices[projection.source]
    return used <= number("sram_window")
