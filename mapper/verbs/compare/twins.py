"""Twins of a placement: its network in real numbers, with more and more of the chip in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.bundle.integers.units import Unit, first_membrane, unit, weights
from mapper.emulate.layers import layer
from mapper.emulate.loaded import Loaded, as_map, each_neuron, scale_of
from mapper.emulate.steps import Wire
from mapper.emulate.twin import Cells, Twin
from mapper.families.loihi2.decode import cells_loihi2
from mapper.families.speck.decode import cells_speck
from mapper.families.spinnaker2.decode import cells_spinnaker2
from mapper.families.xylo.decode import cells_xylo
from mapper.problem.network import Population
from mapper.solving.offer.plans import NeuronForm, ProjectionForm
from mapper.solving.outcome import Placed
from nir_io.graph import Conv2d, Linear, Neuron, Node, Scale, SumPool2d, frozen
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import discretise

Array = NDArray[Any]
GRID = "decays-on-grid"  # the rewrite that is a loss by time constants


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """Steps that a connection takes on the chip, from an input and between populations."""

    from_input: int
    between: int


def hops_of(placed: Placed) -> Hops:
    """As the profile has them."""
    profile = placed.question.profile
    return Hops(
        from_input=int(profile.limit("delay_from_input").value),
        between=int(profile.limit("delay_per_connection").value),
    )


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
    family = placed.question.profile.family
    hops = hops_of(placed)
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
        if family in ("loihi2", "spinnaker2"):
            v_init = first_membrane(u, leak, lag)
        elif family == "xylo":
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


def stored(bundle: Loaded, placed: Placed) -> Twin:
    """What the bundle stores, divided by its scales: decoded from the bundle alone.

    placed: for what is not a number of the bundle: comparison, delays of connections.
    """
    family = bundle.manifest["device"]["family"]
    cells = [_STORED[family](bundle, row) for row in bundle.populations.values()]
    comparison = placed.question.semantics.comparison
    # chips that fire at v >= threshold store one unit more where the network compares by >
    more = float(comparison == ">" and family in ("xylo", "speck"))
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
    biases = {row["target"]: row for row in bundle.manifest["projections"] if _is_bias(bundle, row)}
    hops = hops_of(placed)
    done: list[Cells] = []
    for c in cells:
        row = biases.get(c.name)
        if row is not None:
            values = _bias(bundle, row, c)
            c = replace(c, bias=values, bias_from=row.get("from_step", 0) + hops.from_input)
        done.append(c)
    return Twin(cells=tuple(done), wires=tuple(_stored_wires(bundle, hops)), late=late)


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
    hops = hops_of(placed)
    shapes = {p.id: p.source_shape for p in population.projections}
    for form in placed.chosen[population.name].form.projections:
        inside = form.source in placed.chosen
        delay = form.extra_delay + (hops.between if inside else hops.from_input)
        if not chip:
            delay -= placed.lag[population.name] - placed.lag.get(form.source, 0)
        shape = shapes[form.id]
        nodes = [n for n in (_pool(form.pool, shape), _weight(form, u)) if n is not None]
        yield from _delayed(form.source, population.name, delay, form.delay, shape, nodes)


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


def _pool(pool: tuple[int, int] | None, shape: tuple[int, ...]) -> SumPool2d | None:
    """The sum over windows; what does not fill one is cut off."""
    if pool is None or pool == (1, 1):
        return None
    c, y, x = as_map(shape)
    return SumPool2d(
        name="pool",
        shape_in=(c, y, x),
        shape_out=(c, y // pool[0], x // pool[1]),
        kernel_size=pool,
        stride=pool,
        padding=(0, 0),
    )


def _delayed(
    source: str,
    target: str,
    delay: int,
    own: Array | None,
    shape: tuple[int, ...],
    nodes: Sequence[Node],
) -> Iterator[Wire]:
    """A wire for each delay; `own`: further steps of each element of the source."""
    if own is None or not np.any(own):
        yield Wire(source, target, delay, _apply(nodes, shape, None))
        return
    steps = np.ravel(np.broadcast_to(own, (int(np.prod(shape)),) if np.ndim(own) < 2 else shape))
    for more in np.unique(steps):
        mask = steps == more
        yield Wire(source, target, delay + int(more), _apply(nodes, shape, mask))


def _apply(
    nodes: Sequence[Node], shape: tuple[int, ...], mask: Array | None
) -> Callable[[Array], Array]:
    parts = [(node.shape_in, layer(node, np.float64)) for node in nodes]

    def of(rows: Array) -> Array:
        x = rows.astype(np.float64)
        if mask is not None:
            x = x * mask
        for shape_in, part in parts:
            x = part(x.reshape(len(rows), *shape_in))
        return x.reshape(len(rows), -1)

    return of


# --- stored values ------------------------------------------------------------------------


_STORED: Mapping[str, Callable[[Loaded, Mapping[str, Any]], Cells]] = {
    "loihi2": cells_loihi2,
    "spinnaker2": cells_spinnaker2,
    "xylo": cells_xylo,
    "speck": cells_speck,
}


def _is_bias(bundle: Loaded, row: Mapping[str, Any]) -> bool:
    return row["source"].startswith("bias:") and row["source"] not in bundle.populations


def _bias(bundle: Loaded, row: Mapping[str, Any], cells: Cells) -> Array:
    """What a bias source delivers a step, in threshold units."""
    values = _integers(bundle, row) * _unit_of(bundle, row)[:, None]
    constants = bundle.manifest["contract"]["constant_inputs"]
    counts = [c["count"] for c in constants if c["population"] == cells.name]
    return values @ np.asarray(counts or [1.0], dtype=np.float64)


def _integers(bundle: Loaded, row: Mapping[str, Any]) -> Array:
    key = "kernel" if row["form"] == "conv" else "weight"
    total = np.asarray(bundle.param(row, key), dtype=np.float64)
    if "weight_2" in row["params"]:
        total = total + bundle.param(row, "weight_2")
    return total


def _unit_of(bundle: Loaded, row: Mapping[str, Any]) -> Array:
    """Threshold units of an integer weight of 1, per target neuron."""
    target = bundle.populations[row["target"]]
    scale = scale_of(bundle, target)
    match bundle.manifest["device"]["family"]:
        case "loihi2":
            return 2.0 ** (float(bundle.param(row, "exponent")) + 6.0) / scale
        case "xylo":
            pools = bundle.manifest["pools"]
            kind = _kind(bundle, row)
            kept = 1.0 - 2.0 ** -each_neuron(bundle, target, "dash_syn")
            return 2.0 ** pools[f"weight_shift_{kind}"] * kept / scale
        case _:
            return 1.0 / scale


def _kind(bundle: Loaded, row: Mapping[str, Any]) -> str:
    if "hidden_ids" not in bundle.populations[row["target"]]["params"]:
        return "out"
    return "in" if row["source"] in bundle.inputs or _is_bias(bundle, row) else "rec"


def _stored_wires(bundle: Loaded, hops: Hops) -> Iterator[Wire]:
    if bundle.manifest["device"]["family"] == "speck":
        for row in bundle.populations.values():
            yield from _speck_wires(bundle, row)
        return
    for row in bundle.manifest["projections"]:
        if _is_bias(bundle, row):
            continue
        source, target = row["source"], row["target"]
        hop = hops.between if source in bundle.populations else hops.from_input
        shape = bundle.shape(source)
        per = _unit_of(bundle, row)
        values = _integers(bundle, row)
        if row["form"] == "conv":
            pool = _pool(tuple(row["pool"]), shape) if row["pool"] else None
            kernel = values * per[0]
            nodes = [pool, _conv(bundle, row, kernel, bundle.shape(target))]
        else:
            nodes = [None, _linear(values * per[:, None])]
        delay = bundle.value(row["delay"])
        own = None if np.ndim(delay) == 0 else np.asarray(delay)
        more = int(delay) if own is None else 0
        used = [node for node in nodes if node is not None]
        yield from _delayed(source, target, hop + more, own, shape, used)


def _speck_wires(bundle: Loaded, row: Mapping[str, Any]) -> Iterator[Wire]:
    kernel = np.asarray(bundle.param(row, "kernel"), dtype=np.float64)
    kernel = kernel / float(bundle.value(row["scale"]))
    for entry in row["params"]["inputs"]:
        first = entry["offset"]
        own = kernel[:, first : first + entry["channels"]]
        shape = bundle.shape(entry["source"])
        pool = _pool((entry["pool"], entry["pool"]), shape)
        node = _conv(bundle, row, own, bundle.shape(row["name"]))
        used = [n for n in (pool, node) if n is not None]
        yield Wire(entry["source"], row["name"], 0, _apply(used, shape, None))


def _linear(values: Array) -> Linear:
    rows, columns = values.shape
    return Linear(name="w", shape_in=(columns,), shape_out=(rows,), weight=frozen(values))


def _conv(bundle: Loaded, row: Mapping[str, Any], kernel: Array, shape: tuple[int, ...]) -> Conv2d:
    get = row["params"]
    sides = tuple(get["padding"])
    top, bottom, left, right = (
        (sides[0], sides[0], sides[1], sides[1]) if len(sides) == 2 else sides
    )
    _, y, x = get["input_shape"]
    sy, sx = get["stride"]
    dy, dx = get.get("dilation", (1, 1))
    return Conv2d(
        name="w",
        shape_in=(kernel.shape[1], y, x),
        shape_out=as_map(shape),
        weight=frozen(kernel),
        bias=frozen(np.zeros(kernel.shape[0])),
        stride=(sy, sx),
        padding=(top, bottom, left, right),
        dilation=(dy, dx),
        groups=1,
    )
