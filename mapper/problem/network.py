"""A normalised graph read as populations and projections.

A population is one neuron node with every projection that ends in it and the outputs it
emits (docs/architecture.md). Linear nodes between a neuron and an Output are host stages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import networkx as nx
import numpy as np

from nir_io.errors import BadInput
from nir_io.graph import (
    Affine,
    Array,
    Conv2d,
    Delay,
    Flatten,
    Graph,
    Input,
    Linear,
    Neuron,
    Node,
    Output,
    Scale,
    Shape,
    SumPool2d,
    frozen,
)
from nir_io.semantics import Semantics

READ_OUTS = frozenset({"I", "LI", "CubaLI"})  # neurons that only outputs read


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Projection:
    """What one source sends to one population: pooled, then weighted.

    `source` is a population or a graph input. `weight` is the one weight node (None: as it
    is); its bias is in the population's. `delay`: steps per source element, None for none.
    `ideal_delay`: 1 where the edge lies on a cycle, which carries the previous step's
    spikes, else 0. `nodes`: the linear nodes in order, source to target.
    """

    id: str
    source: str
    target: str
    source_shape: Shape
    pool: tuple[int, int] | None
    weight: Linear | Affine | Conv2d | Scale | None
    delay: Array | None
    ideal_delay: int
    nodes: tuple[Node, ...]

    @property
    def origin(self) -> tuple[str, ...]:
        """The nodes of the file that this projection covers."""
        return tuple(
            sorted({name for node in self.nodes for name in (node.origin or (node.name,))})
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Population:
    """`bias` is the constant input of every step, before the neuron's gains, or None.

    `outputs`: the Output nodes that read it; 'host:NAME' for one that a host stage makes.
    """

    name: str
    node: Neuron
    projections: tuple[Projection, ...]
    bias: Array | None
    outputs: tuple[str, ...]

    @property
    def shape(self) -> Shape:
        """The neurons' shape: (channels, y, x), (channels, x) or (n,)."""
        return self.node.shape_out

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(np.prod(self.shape))

    @property
    def origin(self) -> tuple[str, ...]:
        """The nodes of the file that this population covers, projections included."""
        own = self.node.origin or (self.node.name,)
        return tuple(sorted({*own, *(name for p in self.projections for name in p.origin)}))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class HostStage:
    """A read-out that the host computes for `output` from recorded spikes.

    `paths`: (source population or input, linear nodes source to read-out), summed;
    `neuron`: the non-spiking neuron that integrates them, or None.
    """

    output: str
    paths: tuple[tuple[str, tuple[Node, ...]], ...]
    neuron: Neuron | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, weakref_slot=True)
class Network:
    """Populations from inputs to outputs; `inputs` and `outputs` are (name, shape) by name.

    `steps`: the run length where it is stated; None otherwise.
    """

    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape], ...]
    populations: tuple[Population, ...]
    host: tuple[HostStage, ...]
    graph: Graph
    steps: int | None = None

    def population(self, name: str) -> Population:
        """The population of that name. Raises KeyError."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(name)

    @property
    def projections(self) -> tuple[Projection, ...]:
        """All projections, by population."""
        return tuple(p for population in self.populations for p in population.projections)

    def readers(self, name: str) -> tuple[Projection, ...]:
        """Projections that leave population or input `name`."""
        return tuple(p for p in self.projections if p.source == name)

    def neurons(self) -> int:
        """Neurons of all populations."""
        return sum(population.size for population in self.populations)


def extract(graph: Graph, semantics: Semantics, on_host: frozenset[str] = frozenset()) -> Network:
    """The populations of a graph in normal form (rewrite_rules.normalise).

    Neurons of the kinds `on_host` that only Outputs read become host stages, unless that
    would leave no population. Raises BadInput where the graph has no neuron, or a path that is not in normal form.
    """
    every = tuple(graph.of_kind(Neuron))
    if not every:
        raise BadInput(["the graph has no neuron: there is nothing to map"])
    last = [n for n in every if n.kind in on_host and _read_by_outputs_only(graph, n.name)]
    neurons = tuple(n for n in every if n not in last) if len(last) < len(every) else every
    stages = tuple(_host_stages(graph, tuple(last) if len(last) < len(every) else ()))
    walks = {
        node.name: [_walk(graph, before) for before in graph.before(node.name)] for node in neurons
    }
    flow: nx.DiGraph[str] = nx.DiGraph()
    flow.add_nodes_from(node.name for node in neurons)
    flow.add_edges_from((source, name) for name, found in walks.items() for source, _ in found)
    component = {
        n: i for i, group in enumerate(nx.strongly_connected_components(flow)) for n in group
    }
    order = _order(flow)
    populations: list[Population] = []
    for name in sorted(walks, key=order.__getitem__):
        node = graph.nodes[name]
        assert isinstance(node, Neuron)
        projections: list[Projection] = []
        bias: Array | None = None
        for source, chain in walks[name]:
            loop = component[source] == component[name] and (
                source != name or flow.has_edge(name, name)
            )
            number = sum(p.source == source for p in projections)
            projections.append(
                _projection(graph, semantics, source, node, chain, int(loop), number)
            )
            for link in chain:
                bias = _add_bias(bias, link, node.shape_out)
        outputs = tuple(b for b in graph.after(name) if isinstance(graph.nodes[b], Output))
        outputs += tuple(f"host:{s.output}" for s in stages if name in dict(s.paths))
        populations.append(
            Population(
                name=name, node=node, projections=tuple(projections), bias=bias, outputs=outputs
            )
        )
    return Network(
        inputs=tuple((n.name, n.shape_out) for n in graph.of_kind(Input)),
        outputs=tuple((n.name, n.shape_in) for n in graph.of_kind(Output)),
        populations=tuple(populations),
        host=stages,
        graph=graph,
        steps=semantics.steps,
    )


def _order(flow: nx.DiGraph[str]) -> dict[str, int]:
    """Populations by depth from the inputs; members of a cycle in name order."""
    condensed = nx.condensation(flow)

    def first(group: int) -> str:
        return min(condensed.nodes[group]["members"])

    groups = nx.lexicographical_topological_sort(condensed, key=first)
    names = [name for i in groups for name in sorted(condensed.nodes[i]["members"])]
    return {name: i for i, name in enumerate(names)}


def _walk(graph: Graph, name: str) -> tuple[str, tuple[Node, ...]]:
    """From `name` upstream to a neuron or Input: (its name, linear nodes source to target)."""
    chain: list[Node] = []
    while not isinstance(graph.nodes[name], Neuron | Input):
        chain.append(graph.nodes[name])
        before = graph.before(name)
        if len(before) != 1:
            raise BadInput(
                [
                    f"'{name}' sums {len(before)} inputs before it is weighted; expected 1 after normalising"
                ]
            )
        name = before[0]
    return name, tuple(reversed(chain))


def _projection(
    graph: Graph,
    semantics: Semantics,
    source: str,
    target: Neuron,
    chain: tuple[Node, ...],
    loop: int,
    number: int,
) -> Projection:
    pool, weight, delay = None, None, None
    for node in chain:
        match node:
            case Delay():
                dt = semantics.file_dt or 1.0
                steps = np.rint(node.delay / dt)
                delay = frozen(steps) if np.any(steps > 0) else None
            case SumPool2d():
                pool = node.kernel_size
            case Flatten():
                pass
            case Linear() | Affine() | Conv2d() | Scale():
                weight = node
            case _:
                raise BadInput(
                    [f"'{node.name}' ({node.kind}) is left between '{source}' and '{target.name}'"]
                )
    return Projection(
        id=f"{source}->{target.name}" + (f"#{number + 1}" if number else ""),
        source=source,
        target=target.name,
        source_shape=graph.nodes[source].shape_out,
        pool=pool,
        weight=weight,
        delay=delay,
        ideal_delay=loop,
        nodes=chain,
    )


def _add_bias(bias: Array | None, node: Node, shape: Shape) -> Array | None:
    if not isinstance(node, Affine | Conv2d) or not np.any(node.bias):
        return bias
    value = (
        node.bias.reshape(-1, *[1] * (len(shape) - 1)) if isinstance(node, Conv2d) else node.bias
    )
    full = np.broadcast_to(value, shape) if isinstance(node, Conv2d) else value.reshape(shape)
    return frozen(full if bias is None else bias + full)


def _read_by_outputs_only(graph: Graph, name: str) -> bool:
    after = graph.after(name)
    return bool(after) and all(isinstance(graph.nodes[b], Output) for b in after)


def _host_stages(graph: Graph, last: tuple[Neuron, ...]) -> Iterator[HostStage]:
    for output in graph.of_kind(Output):
        for before in graph.before(output.name):
            node = graph.nodes[before]
            if isinstance(node, Neuron):
                if node in last:
                    paths = tuple(_walk(graph, b) for b in graph.before(before))
                    yield HostStage(output=output.name, paths=paths, neuron=node)
            else:
                yield HostStage(output=output.name, paths=(_walk(graph, before),), neuron=None)
