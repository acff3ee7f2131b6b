"""The chain from the ideal network to the chip's integers: one cause after another.

    ideal         the network of the file under its own update rule
    update-rule   with the chip's reset, spikes a step, membrane floor and input
    rewrites      in the form that is mapped (real numbers, no latency)
    order-delay   with the chip's delays, its way to start and to add constants, and (Xylo)
                  several spikes of a neuron in a step and membranes that rest above 0
    time-constants  with the decays that are stored, gains made to match
    weights       with the weights, biases and thresholds that are stored
    saturation    in the chip's integers: the emulator (Speck: a step's events summed)
    event-order   event by event, in seeded orders (Speck only)

Each link is a simulation of its own. What differs from the link before is the loss by
that cause, so the parts sum to the whole loss; another order of the causes would give
other parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mapper.emulate import ideal, twin
from mapper.emulate.bundle import Run, emulate, read_as_membrane, settle
from mapper.emulate.loaded import Loaded
from mapper.emulate.twin import Twin
from mapper.families.family import Family
from mapper.solving.outcome import Placed
from mapper.verbs.compare.twins import on_chip, rewritten, stored
from nir_io.arrays import AnyArray as Array
from nir_io.graph import Graph
from nir_io.semantics import Semantics

Runs = Callable[[Array], "Ran"]

SAYS: Mapping[str, str] = {
    "update-rule": "reset, spikes a step, membrane floor and input as the chip has them",
    "rewrites": "the form that is mapped, in real numbers",
    "order-delay": "the chip's delays, start, spikes a step and what a spike takes away",
    "time-constants": "the decays that are stored",
    "weights": "the weights, biases and thresholds that are stored",
    "saturation": "the chip's integer states, that round and saturate",
    "event-order": "event by event, one spike an event",
    "all": "everything together (not split by cause)",
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ran:
    """outputs: (sample, step, value) by output; populations: spikes (sample, step, neuron)."""

    outputs: Mapping[str, Array]
    populations: Mapping[str, Array]


def _always_new(_: Array) -> bool:
    return False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Link:
    """One simulation of the chain. `cause`: what is new in it; several runs: seeded orders.

    idle: nothing is new for this network, so that the link before need not run again.
    """

    cause: str
    runs: tuple[Runs, ...]
    idle: Callable[[Array], bool] = _always_new


def chain(
    placed: Placed, bundle: Loaded, graph: Graph, family: Family, *, orders: int = 3
) -> tuple[Link, ...]:
    """All links, the ideal network first. graph: as the file has it."""
    semantics = placed.question.semantics
    traits = placed.question.traits
    most = traits.input_events
    ours = stored(family.decoder(bundle, placed.question.profile), placed)
    rule = chip_rule(placed, ours)
    names = _nodes(graph, bundle)
    flat = rewritten(placed, rule)
    exact, rounded = (on_chip(placed, ours, rounded=r) for r in (False, True))
    same_rule = replace(rule, origins=()) == replace(semantics, origins=())
    same_decays = all(
        np.array_equal(a.syn_decay, b.syn_decay) and np.array_equal(a.mem_decay, b.mem_decay)
        for a, b in zip(exact.cells, rounded.cells, strict=True)
    )
    links = [
        Link(cause="ideal", runs=(lambda x: _ideal(graph, semantics, names, bundle, x),)),
        Link(
            cause="update-rule",
            runs=(lambda x: _ideal(graph, rule, names, bundle, taken(x, most)),),
            idle=lambda x: same_rule and taken(x, most) is x,
        ),
        Link(cause="rewrites", runs=(_twin(flat, bundle, most),)),
        Link(cause="order-delay", runs=(_twin(exact, bundle, most),)),
        Link(
            cause="time-constants",
            runs=(_twin(rounded, bundle, most),),
            idle=lambda _: same_decays,
        ),
        Link(cause="weights", runs=(_twin(ours, bundle, most),)),
        Link(cause="saturation", runs=(lambda x: _emulated(bundle, x, family.run, None),)),
    ]
    if traits.event_by_event:
        seeded = tuple(_seeded(bundle, family.run, seed) for seed in range(max(1, orders)))
        links.append(Link(cause="event-order", runs=seeded))
    return tuple(links)


def ideal_run(placed: Placed, bundle: Loaded, graph: Graph, raster: Array) -> Ran:
    """The first link alone: the ideal network. graph: as the file has it."""
    names = _nodes(graph, bundle)
    return _ideal(graph, placed.question.semantics, names, bundle, raster)


def chip_rule(placed: Placed, ours: Twin) -> Semantics:
    """The update rule with what the chip's neurons do otherwise."""
    semantics, traits = placed.question.semantics, placed.question.traits
    resets = {cells.reset for cells in ours.cells if cells.spiking}
    reset = next(iter(resets)) if len(resets) == 1 else semantics.reset
    several = traits.several == "always" or (
        traits.several == "asked" and semantics.spikes == "many"
    )
    return replace(
        semantics,
        reset=reset,
        spikes="many" if several and reset == "subtract" else "one",
        v_min=semantics.v_min if traits.floor else None,
    )


def taken(raster: Array, most: int | None) -> Array:
    """The events that the chip takes of those that are sent; most: of a channel in a step."""
    if most is None or raster.max(initial=0) <= most:
        return raster
    return np.minimum(raster, most)


def _nodes(graph: Graph, bundle: Loaded) -> dict[str, str]:
    """Population -> the neuron of the file that it is, where it is one, size for size."""
    return {
        name: name
        for name in bundle.populations
        if name in graph.nodes and int(np.prod(graph.nodes[name].shape_out)) == bundle.size(name)
    }


def _ideal(
    graph: Graph, semantics: Semantics, names: Mapping[str, str], bundle: Loaded, raster: Array
) -> Ran:
    inputs = {
        name: raster[:, :, row["offset"] : row["offset"] + bundle.size(name)]
        for name, row in bundle.inputs.items()
    }
    outputs = [row["name"] for row in bundle.manifest["outputs"]]
    ran = ideal.run(graph, semantics, inputs, record=[*dict.fromkeys((*names.values(), *outputs))])
    return Ran(
        outputs={name: _flat(ran.sent[name]) for name in outputs},
        populations={name: _flat(ran.sent[node]) for name, node in names.items()},
    )


def _flat(values: Array) -> Array:
    return values.reshape(*values.shape[:2], -1)


def _twin(one: Twin, bundle: Loaded, most: int | None) -> Runs:
    read = read_as_membrane(bundle)
    late = max(one.late.values(), default=0)

    def of(raster: Array) -> Ran:
        flat = taken(raster, most)
        samples, steps, channels = flat.shape
        longer = np.concatenate([flat, np.zeros((samples, late, channels), flat.dtype)], axis=1)
        rasters = {
            name: longer[:, :, row["offset"] : row["offset"] + bundle.size(name)]
            for name, row in bundle.inputs.items()
        }
        spikes, membranes = twin.run(one, rasters, steps + late, read)
        done = settle(bundle, flat, spikes, membranes, one.late)
        return Ran(outputs=done.outputs, populations=done.populations)

    return of


def _emulated(bundle: Loaded, raster: Array, run: Run, seed: int | None) -> Ran:
    done = emulate(bundle, raster, run, seed=seed)
    return Ran(outputs=done.outputs, populations=done.populations)


def _seeded(bundle: Loaded, run: Run, seed: int) -> Runs:
    return lambda x: _emulated(bundle, x, run, seed)
