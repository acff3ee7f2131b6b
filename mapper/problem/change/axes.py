"""Which nodes of a graph share their channels: they can only be resized together.

The first axis of what a node takes or gives are its channels. Neurons, scales, delays and
pools keep them, Flatten spreads each over a block, an edge hands them on; weights end them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import gcd, prod

import networkx as nx

from nir_io.graph import Affine, Conv1d, Conv2d, Graph, Input, Linear, Node, Output

Port = tuple[str, str]  # (node, 'in' or 'out')
WEIGHTED = (Linear, Affine, Conv1d, Conv2d)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Axis:
    """Channels that several ports share.

    count: channels, each a block of equally many values in C order at every port. ports:
    where they are found. inputs, outputs: graph inputs and outputs among the nodes.
    """

    count: int
    ports: frozenset[Port]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def axes(graph: Graph) -> Mapping[Port, Axis]:
    """The axis of every port."""
    joined: nx.Graph[Port] = nx.Graph()
    joined.add_nodes_from((name, end) for name in graph.nodes for end in ("in", "out"))
    for node in graph.nodes.values():
        joined.add_edges_from(((node.name, "in"), (node.name, "out")) for _ in range(_keeps(node)))
    joined.add_edges_from(((a, "out"), (b, "in")) for a, b in graph.edges)
    found: dict[Port, Axis] = {}
    for component in nx.connected_components(joined):
        ports = frozenset(component)
        axis = Axis(
            count=gcd(*(shape_of(graph, port)[0] for port in ports), *_groups(graph, ports)),
            ports=ports,
            inputs=tuple(_of(graph, ports, Input)),
            outputs=tuple(_of(graph, ports, Output)),
        )
        found |= dict.fromkeys(ports, axis)
    return found


def shape_of(graph: Graph, port: Port) -> tuple[int, ...]:
    """What passes the port; a number is one channel of one value."""
    node = graph.nodes[port[0]]
    return (node.shape_in if port[1] == "in" else node.shape_out) or (1,)


def block(graph: Graph, port: Port, axis: Axis) -> int:
    """Values of one channel at this port."""
    return prod(shape_of(graph, port)) // axis.count


def _keeps(node: Node) -> int:
    """1 where the node's output has the channels of its input, else 0."""
    if isinstance(node, Conv1d | Conv2d):
        return int(node.groups > 1)
    return int(not isinstance(node, WEIGHTED))


def _groups(graph: Graph, ports: frozenset[Port]) -> Iterator[int]:
    """Groups of convolutions, which can only be had whole."""
    for name, _ in ports:
        node = graph.nodes[name]
        if isinstance(node, Conv1d | Conv2d) and node.groups > 1:
            yield node.groups


def _of(graph: Graph, ports: frozenset[Port], kind: type[Node]) -> Iterator[str]:
    yield from sorted({name for name, _ in ports if isinstance(graph.nodes[name], kind)})
