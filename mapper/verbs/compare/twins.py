"""Twins of a placement: its network in real numbers, with more and more of the chip in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mapper.bundle.integers.units import Unit, first_membrane, unit, weights
from mapper.emulate.decoder import Decoder
from mapper.emulate.loaded import is_bias, scale_of
from mapper.emulate.manifest import ProjectionRow
from mapper.emulate.steps import Wire
from mapper.emulate.twin import Cells, Twin
from mapper.emulate.wires import delayed, integers, sum_pool
from mapper.problem.network import Population
from mapper.solving.offer.plans import NeuronForm, ProjectionForm
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray as Array
from nir_io.graph import Conv2d, Neuron, Node, Scale, frozen
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import discretise

GRID = "decays-on-grid"  # the rewrite that is a loss by time constants


def rewritten(placed: Placed, semantics: Semantics) -> Twin:
    """The placement's forms without anything of the chip: no delay, exact decays and weights.

    semantics: the update rule, with the chip's limits on spikes and membrane in it.
    """
    most = np.ones(1) if semantics.spikes == "one" else None
    cells: list[Cells] = []
    wires: list[Wire] = []
    for population in placed.question.network.populations:
        neuron = placed.chosen[population.name].form.neuron
        u = _before_grid(population, neuron, placed)
        cells.append(
            Cells(
                name=population.name,
                size=population.size,
                syn_decay=u.syn_decay,
                mem_decay=u.mem_decay,
                leak=u.leak,
                bias=u.bias,
                v_init=u.v_init,
                reset=neuron.reset,
                comparison=placed.question.semantics.comparison,
                most=most,
                floor=_floor(neuron, semantics),
                spiking=neuron.dynamics.spiking,
            )
        )
        wires += _wires(placed, population, u, chip=False)
    return Twin(cells=tuple(cells), wires=tuple(wires), late={})


def on_chip(placed: Placed, stored: Twin, *, rounded: bool) -> Twin:
    """The chip's delays, start and spikes a step; exact decays, or those that are stored.

    stored: the twin of the bundle (`stored`), for what the chip fixes. Weights are exact;
    with stored decays they keep the area of each response, as the quantizers aim for.
    """
    traits = placed.question.traits
    hops = traits.hops
    known = {cells.name: cells for cells in stored.cells}
    out: list[Cells] = []
    wires: list[Wire] = []
    for population in placed.question.network.populations:
        name, neuron = population.name, placed.chosen[population.name].form.neuron
        kept = known[name]
        u = _before_grid(population, neuron, placed)
        if rounded:
            u = _with_decays(u, kept.syn_decay, kept.mem_decay)
        source = neuron.bias == "source"
        leak = u.leak if source else u.constant()
        lag = placed.lag[name]
        v_init = u.v_init
        if traits.start == "compensated":
            v_init = first_membrane(u, leak, lag)
        elif traits.start == "zero":
            v_init = np.zeros(population.size)
        out.append(
            replace(
                kept,
                syn_decay=u.syn_decay,
                mem_decay=u.mem_decay,
                leak=leak + kept.rest * (1.0 - u.mem_decay),
                bias=u.bias if source else np.zeros(population.size),
                bias_from=lag if hops.between and hops.from_input else 0,
                v_init=v_init,
                threshold=1.0 + kept.rest,
            )
        )
        wires += _wires(placed, population, u, chip=True)
    return Twin(cells=tuple(out), wires=tuple(wires), late=dict(placed.lag))


def stored(decoder: Decoder, placed: Placed) -> Twin:
    """What the bundle stores, divided by its scales: decoded from the bundle alone.

    placed: for what is not a number of the bundle: comparison, delays of connections.
    """
    bundle, traits = decoder.bundle, placed.question.traits
    cells = [decoder.cells(row) for row in bundle.populations.values()]
    comparison = placed.question.semantics.comparison
    more = float(comparison == ">" and traits.stored_above)
    spiking = {name: plan.form.neuron.dynamics.spiking for name, plan in placed.chosen.items()}
    cells = [
        replace(
            c,
            comparison=comparison,
            spiking=spiking[c.name],
            threshold=c.threshold - more / scale_of(bundle, bundle.populations[c.name]),
        )
        for c in cells
    ]
    late = {name: row["latency"] for name, row in bundle.populations.items()}
    biases = {row["target"]: row for row in bundle.manifest["projections"] if is_bias(bundle, row)}
    hops = traits.hops
    done: list[Cells] = []
    for c in cells:
        row = biases.get(c.name)
        if row is not None:
            values = _bias(decoder, row, c)
            c = replace(c, bias=values, bias_from=row.get("from_step", 0) + hops.from_input)
        done.append(c)
    return Twin(cells=tuple(done), wires=tuple(decoder.wires(hops)), late=late)


# --- exact values -------------------------------------------------------------------------


def _before_grid(population: Population, neuron: NeuronForm, placed: Placed) -> Unit:
    """The population in threshold units, with the decays from before they went onto a grid."""
    u = unit(population, neuron)
    node: Neuron = population.node
    for proposal in neuron.proposals:
        if proposal.rule == GRID:
            own = discretise(node, placed.question.semantics)
            return _with_decays(u, np.ravel(own.syn_decay), np.ravel(own.mem_decay))
        if proposal.use and isinstance(proposal.use[0], Neuron):
            node = proposal.use[0]
    return u


def _with_decays(u: Unit, syn_decay: Array, mem_decay: Array) -> Unit:
    """Other decays, and gains that keep the area of the response to a spike."""
    area = response_area(u.syn_decay, u.mem_decay, syn_decay, mem_decay)
    return replace(
        u, syn_decay=syn_decay, mem_decay=mem_decay, gain=u.gain * area, bias=u.bias * area
    )


def response_area(syn: Array, mem: Array, new_syn: Array, new_mem: Array) -> Array:
    """(1 - a') (1 - b') / ((1 - a) (1 - b)); an integrator (b = 1, or b' = 1) has no area."""
    leaky = (mem < 1.0) & (new_mem < 1.0)
    ratio = np.ones_like(mem)
    ratio[leaky] = (1.0 - new_mem[leaky]) / (1.0 - mem[leaky])
    return ratio * (1.0 - new_syn) / (1.0 - syn)


def _floor(neuron: NeuronForm, semantics: Semantics) -> Array | None:
    """The lower bound of v in threshold units."""
    d = neuron.dynamics
    if semantics.v_min is None or not d.spiking:
        return None
    low, height = np.ravel(d.threshold) * semantics.v_min, np.ravel(d.threshold)
    if neuron.reset == "zero":
        rest = np.ravel(d.v_reset)
        return (low - rest) / (height - rest)
    return low / height


def _wires(placed: Placed, population: Population, u: Unit, *, chip: bool) -> Iterator[Wire]:
    hops = placed.question.traits.hops
    shapes = {p.id: p.source_shape for p in population.projections}
    for form in placed.chosen[population.name].form.projections:
        inside = form.source in placed.chosen
        delay = form.extra_delay + (hops.between if inside else hops.from_input)
        if not chip:
            delay -= placed.lag[population.name] - placed.lag.get(form.source, 0)
        shape = shapes[form.id]
        nodes = [n for n in (sum_pool(form.pool, shape), _weight(form, u)) if n is not None]
        yield from delayed(form.source, population.name, delay, form.delay, shape, nodes)


def _weight(form: ProjectionForm, u: Unit) -> Node:
    match form.weight:
        case Scale() as node:
            gain = np.reshape(u.gain, node.shape_out)
            return replace(node, scale=frozen(node.scale * gain))
        case Conv2d() as node:
            none = frozen(np.zeros(node.weight.shape[0]))
            return replace(node, weight=frozen(weights(form, u.gain)), bias=none)
        case node:
            return replace(node, weight=frozen(weights(form, u.gain)))


def _bias(decoder: Decoder, row: ProjectionRow, cells: Cells) -> Array:
    """What a bias source delivers a step, in threshold units."""
    values = integers(decoder.bundle, row) * decoder.unit_of(row)[:, None]
    constants = decoder.bundle.manifest["contract"]["constant_inputs"]
    counts = [c["count"] for c in constants if c["population"] == cells.name]
    return values @ np.asarray(counts or [1.0], dtype=np.float64)
