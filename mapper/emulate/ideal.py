"""The ideal network: NIR in floating point, under a stated Semantics.

One pass over the nodes per step, in the order of nir_io.order; an edge that leaves a neuron
and lies on a cycle carries what that neuron sent in the previous step. With `forward-euler`,
`leak-then-input` and one spike a step this is the rule by which the reference outputs of
the NIR paper's networks were computed.

Nodes on no cycle are run one after another, each over many steps at once; only the nodes of
a loop are run step by step. Samples are independent and run in chunks, so that a step of a
chunk fits a cache; long runs are cut into spans of steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mapper.emulate.layers import Floats, Layer, layer
from mapper.emulate.membranes import DelayLine, Membrane, delay_steps, membrane
from nir_io.arrays import AnyArray, FloatType
from nir_io.errors import BadInput
from nir_io.graph import Delay, Graph, Input, Neuron, Node, Output
from nir_io.order import groups, late_edges
from nir_io.semantics import Semantics, per_step

CHUNK = 2**16  # numbers of the widest node in a step, all samples of a chunk together
SPAN = 2**20  # numbers of the widest node in a span of steps: 8 MB in float64


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ideal:
    """What a run gave; all arrays of the dtype that it was run in.

    counts: Output -> (sample, *shape), the sum over all steps of what arrives: spike
        counts, or summed values behind a node without spikes.
    totals: neuron -> (sample, *shape), the same for each neuron node that was asked for.
    sent: recorded node -> (sample, step, *shape), what it sends (an Output: what arrives).
    voltages: recorded neuron -> (sample, step, *shape), its membrane after the step.
    overshoot: neuron that was asked for -> mean of (v - v_threshold) / height over its
        spikes, before the reset (height: v_threshold - v_reset, or v_threshold for a reset
        by subtraction); None where it is silent.
    """

    counts: Mapping[str, Floats]
    totals: Mapping[str, Floats]
    sent: Mapping[str, Floats]
    voltages: Mapping[str, Floats]
    overshoot: Mapping[str, float | None]


def run(
    graph: Graph,
    semantics: Semantics,
    inputs: Mapping[str, AnyArray] | AnyArray,
    *,
    record: Collection[str] = (),
    totals: Collection[str] = (),
    overshoot: Collection[str] = (),
    dtype: FloatType = np.float64,
) -> Ideal:
    """Simulate `graph` on inputs (sample, step, *shape) per Input (or for the only one).

    A graph that `nir_io.semantics.per_step` has turned must come with `integrator` per-step,
    or its I and IF are turned twice. Raises BadInput with all findings: inputs that do not fit, nodes that are not there, a
    cycle without a neuron, settings that do not suit a neuron.
    """
    given = _inputs(graph, inputs)
    graph = per_step(graph, semantics)
    machine = _Machine(graph, semantics, dtype, (*record, *totals, *overshoot))
    samples, steps = next(iter(given.values())).shape[:2]
    sums = {name: machine.blank(name, samples) for name in (*machine.outputs, *totals)}
    sent = {name: machine.blank(name, samples, steps) for name in record}
    states = [n for n in record if isinstance(machine.parts[n], Membrane)]
    voltages = {name: machine.blank(name, samples, steps) for name in states}
    over = {name: [0.0, 0.0] for name in overshoot}
    chunk = max(1, min(samples, CHUNK // machine.widest))
    span = max(1, SPAN // (chunk * machine.widest))
    for first in range(0, samples, chunk):
        some = slice(first, min(first + chunk, samples))
        running = _Running(machine, some.stop - first, voltages)
        for name, tally in over.items():
            state = running.states.get(name)
            if isinstance(state, Membrane.State):
                state.over = tally
        for begin in range(0, steps, span):
            while_ = slice(begin, min(begin + span, steps))
            block = {
                name: np.moveaxis(x[some, while_], 0, 1).astype(dtype) for name, x in given.items()
            }
            for name, out, volts in running.advance(block):
                if name in sums:
                    sums[name][some] += out.sum(axis=0)
                if name in sent:
                    sent[name][some, while_] = np.moveaxis(out, 0, 1)
                if volts is not None:
                    voltages[name][some, while_] = np.moveaxis(volts, 0, 1)
    return Ideal(
        counts=_sealed({name: sums[name] for name in machine.outputs}),
        totals=_sealed({name: sums[name] for name in totals}),
        sent=_sealed(sent),
        voltages=_sealed(voltages),
        overshoot=MappingProxyType({n: total / k if k else None for n, (total, k) in over.items()}),
    )


class _Machine:
    """The graph made ready to run: what each node does, and in which order."""

    def __init__(
        self, graph: Graph, semantics: Semantics, dtype: FloatType, asked: Collection[str]
    ) -> None:
        self.graph, self.semantics, self.dtype = graph, semantics, dtype
        said = [
            f"'{name}' is to be recorded; the graph has no such node"
            for name in asked
            if name not in graph.nodes
        ]
        if semantics.spikes == "many" and semantics.reset != "subtract":
            said.append("several spikes a step need the reset 'subtract'; it is 'zero'")
        self.parts: dict[str, Layer | Membrane | Delay] = {}
        for name, node in graph.nodes.items():
            try:
                self.parts[name] = _part(node, semantics, dtype)
            except BadInput as error:
                said.extend(error.findings)
        try:
            self.groups = groups(graph)
        except BadInput as error:
            said.extend(error.findings)
        if said:
            raise BadInput(said)
        self.late = late_edges(graph)
        self.outputs = tuple(node.name for node in graph.of_kind(Output))
        self.widest = max(1, *(_size(node.shape_out) for node in graph.nodes.values()))
        self.asked = frozenset(asked)

    def blank(self, name: str, *lengths: int) -> Floats:
        return np.zeros((*lengths, *self.graph.nodes[name].shape_out), self.dtype)


class _Running:
    """The states of one chunk of samples."""

    def __init__(self, machine: _Machine, samples: int, watched: Collection[str]) -> None:
        self.machine, self.samples, self.watched = machine, samples, watched
        self.states: dict[str, Membrane.State | DelayLine] = {}
        self.before: dict[str, Floats] = {}  # what the neurons of loops sent a step ago
        for name, part in machine.parts.items():
            if isinstance(part, Membrane):
                self.states[name] = part.start(samples, machine.dtype)
            if isinstance(part, Delay):
                self.states[name] = DelayLine(part, machine.semantics, samples, machine.dtype)
        for name, _ in machine.late:
            self.before[name] = machine.blank(name, samples)

    def advance(self, block: Mapping[str, Floats]) -> Iterator[tuple[str, Floats, Floats | None]]:
        """Per node its name, what it sends (step, sample, *shape), and its membrane."""
        graph = self.machine.graph
        steps = len(next(iter(block.values())))
        readers = {name: len(graph.after(name)) for name in graph.nodes}
        ready: dict[str, Floats] = {}
        for names in self.machine.groups:
            within = frozenset(names)
            arrived = {name: self._sum(name, within, ready, block, steps) for name in names}
            volts = {name: np.empty_like(arrived[name]) for name in names if name in self.watched}
            if len(names) == 1 and names[0] not in graph.after(names[0]):
                found = {names[0]: self._do(names[0], arrived[names[0]], volts.get(names[0]))}
            else:
                found = self._loop(names, arrived, volts, steps)
            for name in names:
                yield name, found[name], volts.get(name)
                for source in graph.before(name):
                    readers[source] -= 1
                    if readers[source] == 0:
                        ready.pop(source, None)
            ready |= {name: out for name, out in found.items() if readers[name]}

    def _sum(
        self,
        name: str,
        within: frozenset[str],
        ready: Mapping[str, Floats],
        block: Mapping[str, Floats],
        steps: int,
    ) -> Floats:
        """What reaches a node from outside its loop, (step, sample, *shape_in)."""
        shape = (steps, self.samples, *self.machine.graph.nodes[name].shape_in)
        if name in block:
            return block[name].reshape(shape)
        sources = [a for a in self.machine.graph.before(name) if a not in within]
        if not sources:
            return np.zeros(shape, self.machine.dtype)
        total = ready[sources[0]].reshape(shape)
        for source in sources[1:]:
            total = total + ready[source].reshape(shape)
        return total

    def _do(self, name: str, x: Floats, volts: Floats | None = None) -> Floats:
        """One node over x (step, sample, *shape_in)."""
        state = self.states.get(name)
        if isinstance(state, DelayLine):
            return state.advance(x)
        if state is not None:
            return state.advance(x, volts)
        part = self.machine.parts[name]
        assert callable(part)
        rows = part(x.reshape(-1, *x.shape[2:]))
        return rows.reshape(*x.shape[:2], *rows.shape[1:])

    def _loop(
        self,
        names: tuple[str, ...],
        arrived: Mapping[str, Floats],
        volts: Mapping[str, Floats],
        steps: int,
    ) -> dict[str, Floats]:
        """The nodes of a loop, step by step."""
        graph, late = self.machine.graph, self.machine.late
        within = frozenset(names)
        inner = {
            name: [(a, (a, name) in late) for a in graph.before(name) if a in within]
            for name in names
        }
        found = {name: self.machine.blank(name, steps, self.samples) for name in names}
        for t in range(steps):
            for name in names:
                x = arrived[name][t : t + 1]
                for source, is_late in inner[name]:
                    heard = self.before[source] if is_late else found[source][t]
                    x = x + heard.reshape(x.shape)
                watched = volts[name][t : t + 1] if name in volts else None
                found[name][t] = self._do(name, x, watched)[0]
            for name in names:
                if name in self.before:
                    self.before[name] = found[name][t]
        for name in names:
            if name in self.before:
                self.before[name] = self.before[name].copy()
        return found


def _part(node: Node, semantics: Semantics, dtype: FloatType) -> Layer | Membrane | Delay:
    if isinstance(node, Neuron):
        return membrane(node, semantics, dtype)
    if not isinstance(node, Delay):
        return layer(node, dtype)
    least = int(delay_steps(node, semantics).min(initial=0))
    if least < 0:
        raise BadInput([f"'{node.name}': a delay of {least} steps; expected 0 or more"])
    return node


def _inputs(graph: Graph, inputs: Mapping[str, AnyArray] | AnyArray) -> dict[str, AnyArray]:
    """Inputs by name as (sample, step, *shape). Raises BadInput."""
    names = [node.name for node in graph.of_kind(Input)]
    if not isinstance(inputs, Mapping):
        if len(names) != 1:
            raise BadInput([f"one array is given; the graph has {len(names)} inputs: {names}"])
        inputs = {names[0]: inputs}
    said = [f"input '{name}' has no data" for name in names if name not in inputs]
    said += [
        f"data for '{name}'; the graph has no such input" for name in inputs if name not in names
    ]
    given: dict[str, AnyArray] = {}
    for name in sorted(set(names) & set(inputs)):
        x, shape = np.asarray(inputs[name]), graph.nodes[name].shape_out
        if x.ndim < 2 or _size(x.shape[2:]) != _size(shape):
            wanted = ", ".join(map(str, shape))
            said.append(
                f"data for '{name}' have shape {x.shape}; expected (sample, step, {wanted})"
            )
            continue
        given[name] = x.reshape(*x.shape[:2], *shape)
    lengths = {x.shape[:2] for x in given.values()}
    if len(lengths) > 1:
        said.append(f"inputs differ in (samples, steps): {sorted(lengths)}")
    if not names:
        said.append("the graph has no input")
    if said:
        raise BadInput(said)
    return given


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _sealed(arrays: dict[str, Floats]) -> Mapping[str, Floats]:
    for array in arrays.values():
        array.flags.writeable = False
    return MappingProxyType(arrays)
