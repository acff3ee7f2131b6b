"""The same network in another size, its changed layers dense.

The answer is about size: values of changed arrays are the old ones repeated or cut, and
zeros among them are filled, so that no sparsity of the user's own weights decides.
"""

# fields of nodes by name
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from math import prod
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from mapper.problem.change.axes import Axis, Port, axes, block, shape_of
from nir_io.fingerprint import fingerprint
from nir_io.graph import (
    Affine,
    Array,
    Conv1d,
    Conv2d,
    Flatten,
    Graph,
    Input,
    Linear,
    Node,
    Shape,
    SumPool2d,
    frozen,
    make_graph,
)

N = TypeVar("N", bound=Node)
MOST_ENTRIES = 2**25  # weights of a changed layer, 256 MiB; larger ones are not made


class CannotResizeError(Exception):
    """The network cannot have that size; the text says why."""


def resized(
    graph: Graph,
    *,
    channels: Mapping[Port, int] = MappingProxyType({}),
    kernels: Mapping[str, int] = MappingProxyType({}),
    strides: Mapping[str, int] = MappingProxyType({}),
    inputs: Mapping[str, Shape] = MappingProxyType({}),
) -> Graph:
    """`graph` with so many channels at a port's axis, kernels so wide, inputs of that shape.

    Kernels stay square if they were; their padding grows so that maps keep their size. A
    stride is that of a convolution, or the window and stride of a pool. Weights at an axis
    or kernel that is named become dense even where its size stays. The result has no
    fingerprint yet (`signed`). Raises CannotResizeError; TooLargeToTryError is one.
    """
    found = axes(graph)
    counts = {id(axis): axis.count for axis in found.values()}
    counts |= {id(found[port]): count for port, count in channels.items()}
    if any(count < 1 for count in counts.values()):
        raise CannotResizeError("a layer needs at least 1 channel")
    return _Resize(graph, found, counts, kernels, strides, inputs, channels).run()


def signed(graph: Graph) -> Graph:
    """`graph` with the fingerprint of what it holds."""
    return replace(graph, fingerprint=fingerprint(graph))


class TooLargeToTryError(CannotResizeError):
    """The changed network would take more memory than a question is worth."""


class _Resize:
    def __init__(
        self,
        graph: Graph,
        found: Mapping[Port, Axis],
        counts: Mapping[int, int],
        kernels: Mapping[str, int],
        strides: Mapping[str, int],
        inputs: Mapping[str, Shape],
        named: Iterable[Port],
    ) -> None:
        self.graph, self.found, self.counts = graph, found, counts
        self.kernels, self.strides, self.inputs = kernels, strides, inputs
        self.named = {id(found[port]) for port in named}
        self.made: dict[str, Node] = {}

    def run(self) -> Graph:
        waiting = [node.name for node in self.graph.of_kind(Input)]
        waiting += [n for n in self.graph.nodes if not self.graph.before(n) and n not in waiting]
        shapes = {name: self._first(name) for name in waiting}
        while waiting:
            name = waiting.pop(0)
            node = self._node(self.graph.nodes[name], shapes[name])
            self.made[name] = node
            for reader in self.graph.after(name):
                if reader not in shapes:
                    shapes[reader] = self._as_taken(reader, name, node.shape_out)
                    waiting.append(reader)
        missing = [name for name in self.graph.nodes if name not in self.made]
        if missing:
            raise CannotResizeError(f"'{missing[0]}' gets nothing from any input")
        for a, b in self.graph.edges:
            gives, takes = prod(self.made[a].shape_out), prod(self.made[b].shape_in)
            if gives != takes:
                raise CannotResizeError(f"'{a}' would give {gives} values, '{b}' take {takes}")
        return make_graph(
            self.made, self.graph.edges, metadata=self.graph.metadata, notes=self.graph.notes
        )

    def count(self, port: Port) -> int:
        """Channels of the port after the change."""
        axis = self.found[port]
        return shape_of(self.graph, port)[0] // axis.count * self.counts[id(axis)]

    def _first(self, name: str) -> Shape:
        """The shape of a node that nothing feeds."""
        if name in self.inputs:
            return self.inputs[name]
        shape = self.graph.nodes[name].shape_in
        return (self.count((name, "in")), *shape[1:]) if shape else shape

    def _as_taken(self, reader: str, source: str, shape: Shape) -> Shape:
        """The shape in which `reader` takes what `source` now gives: its own number of axes."""
        own = self.graph.nodes[reader].shape_in
        if len(own) == len(shape) and own[1:] == self.graph.nodes[source].shape_out[1:]:
            return shape
        if not own or len(own) == 1:
            return (prod(shape),) if own else ()
        first = self.count((reader, "in"))
        rest = prod(own[1:])
        if first * rest != prod(shape):
            raise CannotResizeError(f"'{reader}' cannot take {prod(shape)} values as a map")
        return (first, *own[1:])

    def _node(self, node: Node, shape: Shape) -> Node:
        match node:
            case Linear() | Affine():
                return self._dense(node, shape)
            case Conv1d() | Conv2d():
                return self._conv(node, shape)
            case SumPool2d():
                if node.name in self.strides:
                    side = self.strides[node.name]
                    node = replace(node, kernel_size=(side, side), stride=(side, side))
                sides = tuple(
                    (n + 2 * p - k) // s + 1
                    for n, p, k, s in zip(
                        shape[1:], node.padding, node.kernel_size, node.stride, strict=True
                    )
                )
                if min(sides) < 1:
                    raise CannotResizeError(f"'{node.name}' would pool a map of {_x(shape[1:])}")
                return replace(node, shape_in=shape, shape_out=(shape[0], *sides))
            case Flatten():
                a, b = node.start_dim, node.end_dim
                out = (*shape[:a], prod(shape[a : b + 1]), *shape[b + 1 :])
                return replace(node, shape_in=shape, shape_out=out)
            case _:
                return _same(node, shape)

    def _dense(self, node: N, shape: Shape) -> N:
        out_port, in_port = (node.name, "out"), (node.name, "in")
        old: Array = node.weight  # pyright: ignore[reportAttributeAccessIssue]
        n_out = self.count(out_port)
        n_in = prod(shape)
        if (n_out, n_in) == old.shape and not self._is_named(node):
            return replace(node, shape_in=shape)
        _small_enough(node.name, n_out * n_in)
        rows = self._indices(out_port, n_out)
        columns = self._indices(in_port, n_in)
        changes: dict[str, Array] = {"weight": frozen(_filled(old[np.ix_(rows, columns)]))}
        if isinstance(node, Affine):
            changes["bias"] = frozen(node.bias[rows])
        return replace(node, shape_in=shape, shape_out=(n_out,), **changes)

    def _is_named(self, node: Node) -> bool:
        ends = {id(self.found[(node.name, end)]) for end in ("in", "out")}
        return bool(ends & self.named) or node.name in self.kernels

    def _indices(self, port: Port, new: int) -> np.ndarray:
        """Which old value each new one repeats: channel by channel, position by position."""
        axis = self.found[port]
        old_block = block(self.graph, port, axis)
        channels = self.counts[id(axis)]
        new_block = new // channels
        if new_block * channels != new:
            return np.arange(new) % (old_block * axis.count)
        channel, place = np.divmod(np.arange(new), new_block)
        return (channel % axis.count) * old_block + place % old_block

    def _conv(self, node: N, shape: Shape) -> N:
        assert isinstance(node, Conv1d | Conv2d)
        old = node.weight
        out = self.count((node.name, "out"))
        groups = node.groups
        if groups > 1:
            per_in, per_out = shape[0] / (old.shape[1] * groups), out / old.shape[0]
            if per_in != per_out or (shape[0] * groups) % (old.shape[1] * groups):
                raise CannotResizeError(
                    f"'{node.name}' has {groups} groups, which cannot be cut so"
                )
            groups = shape[0] // old.shape[1]
        sides = _kernel(node, self.kernels.get(node.name))
        size = (out, shape[0] // groups, *sides)
        _small_enough(node.name, prod(size))
        padding = _padding(node, sides)
        new = _resampled(old, size) if size != old.shape or self._is_named(node) else old
        if node.name in self.strides:
            step = self.strides[node.name]
            node = replace(node, stride=step if isinstance(node, Conv1d) else (step, step))
        gap = (node.dilation,) if isinstance(node, Conv1d) else node.dilation
        step = (node.stride,) if isinstance(node, Conv1d) else node.stride
        pads = [padding[i : i + 2] for i in range(0, len(padding), 2)]
        maps = tuple(
            (n + sum(p) - d * (k - 1) - 1) // s + 1
            for n, p, d, k, s in zip(shape[1:], pads, gap, sides, step, strict=True)
        )
        if min(maps) < 1:
            raise CannotResizeError(
                f"'{node.name}': a kernel of {_x(sides)} is larger than its map"
            )
        return replace(
            node,
            shape_in=shape,
            shape_out=(out, *maps),
            weight=frozen(new),
            bias=frozen(node.bias[np.arange(out) % node.bias.size]),
            padding=padding,
            groups=groups,
        )


def _small_enough(name: str, entries: int) -> None:
    if entries > MOST_ENTRIES:
        raise TooLargeToTryError(
            f"'{name}' would have {entries:,} weights; layers of more than {MOST_ENTRIES:,} are "
            "not tried"
        )


def _same(node: Node, shape: Shape) -> Node:
    """A node of one shape, its arrays repeated or cut."""
    if shape == node.shape_in:
        return node
    arrays = {
        f.name: frozen(_resampled(value, shape, fill=False))
        for f in fields(node)
        if isinstance(value := getattr(node, f.name), np.ndarray)
    }
    return replace(node, shape_in=shape, shape_out=shape, **arrays)


def _resampled(old: Array, shape: Shape, *, fill: bool = True) -> Array:
    """`old` repeated or cut to `shape`, axis by axis."""
    if len(shape) != old.ndim:
        return np.resize(old, shape)
    index = np.ix_(*(np.arange(n) % m for n, m in zip(shape, old.shape, strict=True)))
    return _filled(old[index]) if fill else old[index]


def _filled(weight: Array) -> Array:
    """Zeros replaced by the mean size of the others: a dense layer."""
    zero = weight == 0.0
    if not zero.any():
        return weight
    usual = float(np.abs(weight[~zero]).mean()) if not zero.all() else 1.0
    return np.where(zero, usual, weight)


def _kernel(node: Conv1d | Conv2d, side: int | None) -> tuple[int, ...]:
    """Kernel sides; the widest becomes `side`, the others keep their distance to it."""
    old = node.weight.shape[2:]
    return old if side is None else tuple(max(1, n + side - max(old)) for n in old)


def _padding(node: Conv1d | Conv2d, sides: tuple[int, ...]) -> tuple[int, ...]:
    """Padding that grows with the kernel, half on each side, never below 0."""
    gap = (node.dilation,) if isinstance(node, Conv1d) else node.dilation
    out: list[int] = []
    for i, (new, old) in enumerate(zip(sides, node.weight.shape[2:], strict=True)):
        more = gap[i] * (new - old)
        before, after = node.padding[2 * i : 2 * i + 2]
        out += [max(0, before + more // 2), max(0, after + more - more // 2)]
    return tuple(out)


def _x(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))
