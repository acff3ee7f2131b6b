"""The mapped network as NIR: integers divided by their scale, unsplit, float64.

It computes what the chip computes but for the rounding of states, in threshold units and
without the chip's latency. What NIR cannot say stands in the metadata: the update rule (as
settings that nirmap reads back), and per population its reset, latency and role.

NIR can flatten a map but not fold it up again. A population that a matrix feeds is
therefore flat here, and so is what reads it through a convolution, which then is a matrix.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mapper.bundle.integers.draft import Quantized
from mapper.bundle.mapped_neurons import NEARLY_KEPT, neuron, rates
from mapper.bundle.mapped_paths import Route, as_conv1d, constant_input, matrix, routes, with_bias
from mapper.emulate.decoder import Decoder
from mapper.problem.network import Population
from mapper.solving.outcome import Placed
from nir_io.graph import (
    Conv1d,
    Conv2d,
    Delay,
    Flatten,
    Graph,
    Input,
    Linear,
    Node,
    Output,
    Scale,
    Shape,
    frozen,
    make_graph,
)
from nir_io.semantics import Semantics
from nir_io.settings import SETTINGS


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mapped:
    """`nodes`: population or projection (its id) -> its node in `graph`, for all projections
    whose stored weights are that node's, entry by entry.

    `semantics`: the update rule under which the graph computes what the chip does.
    """

    graph: Graph
    nodes: Mapping[str, str]
    semantics: Semantics


def mapped(placed: Placed, quantized: Quantized, decoder: Decoder) -> Mapped:
    """The network that the integers of `quantized` stand for.

    decoder: of a bundle whose manifest has these populations.
    """
    network = placed.question.network
    semantics = chip_semantics(placed)
    shapes = _shapes(placed)
    draft = _Draft(shapes=dict(shapes))
    for name, shape in network.inputs:
        draft.put(Input(name=name, shape_in=shape, shape_out=shape))
    for population in network.populations:
        draft.taken.add(population.name)
    for output, _ in network.outputs:
        draft.taken.add(output)
    for population in network.populations:
        _population(draft, placed, quantized, decoder, population, shapes, semantics)
    _outputs(draft, placed)
    metadata = _metadata(placed, semantics)
    return Mapped(
        graph=make_graph(draft.nodes, draft.edges, metadata=metadata),
        nodes=draft.named,
        semantics=semantics,
    )


def chip_semantics(placed: Placed) -> Semantics:
    """The question's semantics with the reset that the chip's neurons have."""
    semantics = placed.question.semantics
    resets = {
        plan.form.neuron.reset
        for plan in placed.chosen.values()
        if plan.form.neuron.dynamics.spiking
    }
    reset = next(iter(resets)) if len(resets) == 1 else semantics.reset
    return replace(
        semantics,
        reset=reset,
        spikes=semantics.spikes if reset == "subtract" else "one",
        file_dt=semantics.file_dt or 1.0,
        integrator="per-step",
    )


def nir_bytes(graph: Graph) -> bytes:
    """The graph as a NIR file."""
    from nir_io.writer import write  # imports nir, which is slow

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mapped.nir"
        write(graph, path)
        return path.read_bytes()


@dataclass(slots=True)
class _Draft:
    """The graph while it grows.

    taken: names that are spoken for; shapes: what each node gives, also the populations
    that are still to come.
    """

    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    edges: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    named: dict[str, str] = field(default_factory=dict[str, str])
    taken: set[str] = field(default_factory=set[str])
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])

    def put(self, node: Node, *after: str) -> None:
        """Add a node that reads `after`."""
        self.nodes[node.name] = node
        self.taken.add(node.name)
        self.shapes[node.name] = node.shape_out
        self.edges += [(name, node.name) for name in after]

    def free(self, wanted: str) -> str:
        """`wanted`, or the first of wanted_2, wanted_3, ... that no node has."""
        name, n = wanted, 1
        while name in self.taken:
            n += 1
            name = f"{wanted}_{n}"
        self.taken.add(name)
        return name

    def flat(self, at: str) -> str:
        """`at`, flattened where it is not."""
        shape = self.shapes[at]
        if len(shape) == 1:
            return at
        name = self.free(f"{at}_flat")
        size = (int(np.prod(shape)),)
        self.put(Flatten(name=name, shape_in=shape, shape_out=size, start_dim=0, end_dim=-1), at)
        return name

    def chain(self, at: str, node: Node) -> str:
        """`node` behind `at`, as a matrix where `at` is too flat for it; its name."""
        given = self.shapes[at]
        if given == node.shape_in:
            self.put(node, at)
        elif len(node.shape_in) == 1:
            self.put(node, self.flat(at))
        elif len(given) == 1:
            self.put(matrix(node), at)
        elif isinstance(node, Conv2d) and node.shape_in in ((*given, 1), (given[0], 1, *given[1:])):
            self.put(as_conv1d(node), at)
        else:
            raise ValueError(f"'{node.name}' takes {node.shape_in}, '{at}' gives {given}")
        return node.name


def _shapes(placed: Placed) -> dict[str, Shape]:
    """The shape of each input and population here: its own, or flat."""
    network = placed.question.network
    shapes = dict(network.inputs) | {p.name: p.shape for p in network.populations}
    moved = True
    while moved:
        moved = False
        for population in network.populations:
            if len(shapes[population.name]) == 1:
                continue
            for form in placed.chosen[population.name].form.projections:
                if isinstance(form.weight, Linear) or len(shapes[form.source]) == 1:
                    shapes[population.name] = (population.size,)
                    moved = True
    return shapes


def _population(
    draft: _Draft,
    placed: Placed,
    quantized: Quantized,
    decoder: Decoder,
    population: Population,
    shapes: Mapping[str, Shape],
    semantics: Semantics,
) -> None:
    """The population's node and what projects to it."""
    name, shape = population.name, shapes[population.name]
    found, bias = rates(quantized, decoder, population), constant_input(quantized, population)
    node, constant = neuron(placed, population, found, shape, semantics)
    entering = constant + bias
    ends: list[str] = []
    for route in routes(placed, quantized, population):
        weight, entering = with_bias(route.weight, entering)
        at = route.source
        if route.delay is not None and np.any(route.delay):
            at = _delayed(draft, at, route, semantics)
        if route.pool is not None:
            at = draft.chain(at, replace(route.pool, name=draft.free(route.pool.name)))
        at = draft.chain(at, replace(weight, name=draft.free(weight.name)))
        made = draft.nodes[at]
        if route.whole and (isinstance(made, Conv1d) or _entries(made) == _entries(weight)):
            draft.named |= dict.fromkeys(route.ids, at)
        ends.append(draft.flat(at) if len(shape) == 1 else at)
    if np.any(entering):
        steady = found.leak + bias / np.maximum(1.0 - found.syn_decay, 1e-12)
        leaky = replace(found, mem_decay=np.minimum(found.mem_decay, NEARLY_KEPT), leak=steady)
        node, _ = neuron(placed, population, leaky, shape, semantics)
    draft.put(node, *ends)
    draft.named[name] = name


def _entries(node: Node) -> int:
    """Weights of a node."""
    weight = node.scale if isinstance(node, Scale) else getattr(node, "weight", None)
    return 0 if weight is None else int(np.size(weight))


def _delayed(draft: _Draft, at: str, route: Route, semantics: Semantics) -> str:
    """A Delay behind `at`, in the file's unit of time."""
    assert route.delay is not None
    shape = draft.shapes[at]
    steps = np.broadcast_to(route.delay, (int(np.prod(shape)),)).reshape(shape)
    name = draft.free(f"{route.weight.name}_delay")
    dt = semantics.file_dt or 1.0
    draft.put(Delay(name=name, shape_in=shape, shape_out=shape, delay=frozen(steps * dt)), at)
    return name


def _outputs(draft: _Draft, placed: Placed) -> None:
    """Outputs, and the host's read-outs in front of them as they are in the file."""
    network = placed.question.network
    sources: dict[str, list[str]] = {name: [] for name, _ in network.outputs}
    for population in network.populations:
        for output in population.outputs:
            if output in sources:  # not one that a host stage makes
                sources[output].append(population.name)
    for stage in network.host:
        ends: list[str] = []
        for source, nodes in stage.paths:
            at = source
            for node in nodes:
                at = draft.chain(at, replace(node, name=draft.free(node.name)))
            ends.append(at)
        if stage.neuron is not None:
            if len(stage.neuron.shape_in) == 1:
                ends = [draft.flat(at) for at in ends]
            draft.put(stage.neuron, *ends)
            ends = [stage.neuron.name]
        sources[stage.output] += ends
    for output, wanted in network.outputs:
        ends = sources[output]
        if any(len(draft.shapes[at]) < len(wanted) for at in ends):
            wanted = (int(np.prod(wanted)),)
        ends = [draft.flat(at) if len(wanted) == 1 else at for at in ends]
        draft.put(Output(name=output, shape_in=wanted, shape_out=wanted), *ends)


def _metadata(placed: Placed, semantics: Semantics) -> dict[str, str | int | float]:
    """The update rule as nirmap reads it back, and what else NIR has no field for."""
    question = placed.question
    found: dict[str, str | int | float] = {
        key: value for key in SETTINGS if (value := getattr(semantics, key)) is not None
    }
    found.setdefault("chip_dt", "none")
    found["nirmap_device"] = question.profile.name
    found["nirmap_profile"] = question.profile.hash
    found["nirmap_model"] = question.network.graph.fingerprint
    for name, plan in placed.chosen.items():
        found[f"{name}/reset"] = plan.form.neuron.reset
        found[f"{name}/device_model"] = plan.form.neuron.device_model
        found[f"{name}/latency"] = placed.lag[name]
        if plan.role:
            found[f"{name}/role"] = plan.role
    return found
