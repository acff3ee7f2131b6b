"""What the rules on nodes without a state share: kinds, chains, origins, sizes."""

from __future__ import annotations

import math

import numpy as np

from nir_io.graph import (
    Affine,
    Array,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Delay,
    Flatten,
    Graph,
    Linear,
    Node,
    Scale,
    Shape,
    SumPool2d,
    frozen,
)

LINEAR = (Linear, Affine, Scale, Conv1d, Conv2d, SumPool2d, Flatten, Delay)
WEIGHTS = (Linear, Affine, Scale, Conv1d, Conv2d)
DENSE = (Linear, Affine)


def size(shape: Shape) -> int:
    """Number of elements."""
    return math.prod(shape)


def stands_for(*nodes: Node) -> tuple[str, ...]:
    """The nodes of the file that `nodes` stand for together, each once, in order."""
    return tuple(dict.fromkeys(name for node in nodes for name in (node.origin or (node.name,))))


def is_sum_pool(node: Node) -> bool:
    """SumPool2d itself; AvgPool2d is another kind with the same fields."""
    return isinstance(node, SumPool2d) and not isinstance(node, AvgPool2d)


def next_in_chain(graph: Graph, at: str) -> Node | None:
    """The node that alone reads `at` and reads nothing else; None where there is none."""
    readers = graph.after(at)
    if len(readers) != 1 or len(graph.before(readers[0])) != 1:
        return None
    return graph.nodes[readers[0]]


def previous_in_chain(graph: Graph, at: str) -> Node | None:
    """The node that `at` reads and that feeds nothing else; None where there is none."""
    sources = graph.before(at)
    if len(sources) != 1 or len(graph.after(sources[0])) != 1:
        return None
    return graph.nodes[sources[0]]


def why_no_chain(graph: Graph, first: str, second: str) -> str:
    """Why two neighbours cannot be folded into one node."""
    feeds, reads = len(graph.after(first)), len(graph.before(second))
    if feeds != 1:
        return f"'{first}' feeds {feeds} nodes; folding needs exactly 1"
    return f"'{second}' sums {reads} inputs; folding needs exactly 1"


def other_map(first: Node, second: Node) -> str | None:
    """Why `second` does not slide over the map that `first` gives; None if it does."""
    if first.shape_out == second.shape_in:
        return None
    return f"'{second.name}' reads the map {first.shape_out} of '{first.name}' as {second.shape_in}"


def neighbours(graph: Graph, at: str) -> tuple[tuple[str, str], ...]:
    """The edges at a node, those into it first."""
    return (*((a, at) for a in graph.before(at)), *((at, b) for b in graph.after(at)))


def fresh(graph: Graph, name: str) -> str:
    """`name`, or with as many primes as keep it apart from the graph's names."""
    while name in graph.nodes:
        name += "'"
    return name


def bias_of(node: Node) -> Array | None:
    """The constant that a node adds to its output (*shape_out); None where it adds nothing."""
    if isinstance(node, Affine) and np.any(node.bias):
        return frozen(node.bias.reshape(node.shape_out))
    if isinstance(node, Conv1d | Conv2d) and np.any(node.bias):
        spread = node.bias.reshape(-1, *[1] * (len(node.shape_out) - 1))
        return frozen(np.broadcast_to(spread, node.shape_out))
    return None


def dense(name: str, weight: Array, bias: Array | None, origin: tuple[str, ...]) -> Linear | Affine:
    """A Linear, or an Affine where there is a bias; weight (out, in), bias of any shape."""
    shapes = {"shape_in": (weight.shape[1],), "shape_out": (weight.shape[0],)}
    if bias is None:
        return Linear(name=name, weight=frozen(weight), origin=origin, **shapes)
    flat = frozen(bias.reshape(-1))
    return Affine(name=name, weight=frozen(weight), bias=flat, origin=origin, **shapes)


def per_channel(values: Array, shape: Shape) -> Array | None:
    """(channels,) where `values` (as many as `shape` has) are equal within each channel."""
    flat = values.reshape(shape[0], -1)
    if np.any(flat != flat[:, :1]):
        return None
    return frozen(flat[:, 0])


def joins_twice(graph: Graph, at: str) -> tuple[str, str] | None:
    """An edge that is there already and would be there twice without node `at`."""
    found = set(graph.edges)
    for a in graph.before(at):
        for b in graph.after(at):
            if (a, b) in found:
                return a, b
    return None
