"""Drop the last rows and columns of a map that no reader looks at.

A pooling or a strided convolution ignores what is left over at the far side (17 rows pooled
by 2: the last one). The convolutions that make the map get zeros at the far side of their
kernel, so that the map becomes as large as what is used. Exact. On a chip it saves neurons,
and keeps events away from places that the reader did not declare.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from nir_io.graph import Array, Conv2d, Graph, Neuron, Node, SumPool2d, frozen
from rewrite_rules.linear_nodes import neighbours, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.target import Target


class DeadRows(Rule):
    """A neuron on a map, all of whose readers are poolings or convolutions."""

    name = "dead-rows"
    # For chips on which what happens to events beyond a map is not known; normalise would have
    # to ask the target for that, and to look at neurons.
    stages = ()

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the neuron."""
        neuron = graph.nodes[at]
        if not isinstance(neuron, Neuron) or len(neuron.shape_out) != 3:
            return None
        readers = [graph.nodes[b] for b in graph.after(at)]
        if not readers or not all(isinstance(b, SumPool2d | Conv2d) for b in readers):
            return None
        if any(b.shape_in != neuron.shape_out for b in readers):
            return None
        channels, high, wide = neuron.shape_out
        used = [max(_used(b, axis) for b in readers) for axis in (0, 1)]
        if used == [high, wide] or not all(used):
            return None
        said = f"{high - used[0]} of {high} rows and {wide - used[1]} of {wide} columns are unused"
        shape = (channels, used[0], used[1])
        convs: list[Node] = []
        for name in graph.before(at):
            conv = graph.nodes[name]
            alone = graph.after(name) == (at,) and at not in graph.before(name)
            if not isinstance(conv, Conv2d) or not alone or conv.shape_out != neuron.shape_in:
                return Refusal(
                    self.name, at, f"{said}, but '{name}' is not a convolution for '{at}' alone"
                )
            if conv.dilation != (1, 1):
                return Refusal(self.name, at, f"{said}, but '{name}' has dilation {conv.dilation}")
            convs.append(_shortened(conv, shape))
        use = (
            *convs,
            _cropped(neuron, shape),
            *(replace(b, shape_in=shape, origin=stands_for(b)) for b in readers),
        )
        names = tuple(node.name for node in use)
        edges = {edge for name in names for edge in neighbours(graph, name)}
        return Proposal(
            self.name,
            names,
            use,
            Exact(),
            f"'{at}': {said} and are dropped",
            edges=tuple(sorted(edges)),
        )


def _used(reader: Node, axis: int) -> int:
    """How many entries of its input along y (0) or x (1) `reader` looks at."""
    assert isinstance(reader, SumPool2d | Conv2d)
    if isinstance(reader, Conv2d):
        before = reader.padding[2 * axis]
        reach = (reader.weight.shape[2 + axis] - 1) * reader.dilation[axis]
    else:
        before, reach = reader.padding[axis], reader.kernel_size[axis] - 1
    last = (reader.shape_out[1 + axis] - 1) * reader.stride[axis] + reach - before
    return min(last + 1, reader.shape_in[1 + axis])


def _shortened(conv: Conv2d, shape: tuple[int, int, int]) -> Conv2d:
    """`conv` with zeros at the far side of its kernel, so that its map is `shape`."""
    more: list[tuple[int, int]] = []
    for axis in (0, 1):
        whole = conv.shape_in[1 + axis] + sum(conv.padding[2 * axis : 2 * axis + 2])
        kernel = conv.weight.shape[2 + axis]
        more.append((0, max(0, whole - shape[1 + axis] * conv.stride[axis] + 1 - kernel)))
    return replace(
        conv,
        shape_out=shape,
        weight=frozen(np.pad(conv.weight, [(0, 0), (0, 0), *more])),
        origin=stands_for(conv),
    )


def _cropped(neuron: Neuron, shape: tuple[int, int, int]) -> Neuron:
    own = {f.name for f in fields(neuron)} - {"name", "shape_in", "shape_out", "origin"}
    cut: dict[str, Array] = {
        name: frozen(getattr(neuron, name)[:, : shape[1], : shape[2]]) for name in own
    }
    return replace(neuron, shape_in=shape, shape_out=shape, origin=stands_for(neuron), **cut)


RULE = DeadRows()
