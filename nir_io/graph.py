"""A NIR network as immutable values: nodes, edges, shapes.

Nested graphs are inlined by the reader; the name of an inner node is the path of names
joined by '/'. Arrays are read-only. A node knows the shape that it takes and gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shape = tuple[int, ...]
N = TypeVar("N", bound="Node")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Node:
    """A primitive. `origin` names the nodes of the file that it stands for."""

    name: str
    shape_in: Shape
    shape_out: Shape
    origin: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The NIR name of the primitive."""
        return type(self).__name__


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Input(Node):
    """Where spikes or currents enter."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Output(Node):
    """Where results leave."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Linear(Node):
    """y = W x; weight is (out, in)."""

    weight: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Affine(Node):
    """y = W x + b; weight is (out, in), bias (out,)."""

    weight: Array
    bias: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scale(Node):
    """y = s x, element by element; scale has the node's shape."""

    scale: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Conv1d(Node):
    """Cross-correlation; weight is (out, in / groups, kernel), bias (out,).

    `padding` is (before, after), zeros.
    """

    weight: Array
    bias: Array
    stride: int
    padding: tuple[int, int]
    dilation: int
    groups: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Conv2d(Node):
    """Cross-correlation; weight is (out, in / groups, kernel_y, kernel_x), bias (out,).

    `padding` is (top, bottom, left, right), zeros; stride and dilation are (y, x).
    """

    weight: Array
    bias: Array
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SumPool2d(Node):
    """Sum over windows of (y, x); padding is (y, x) zeros on both sides."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AvgPool2d(SumPool2d):
    """SumPool2d divided by the window's area (padding counts as entries)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Flatten(Node):
    """Dimensions start_dim..end_dim (of the shape without batch) become one, C order."""

    start_dim: int
    end_dim: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Delay(Node):
    """y(t) = x(t - delay); delay in the file's unit of time, shape of the node."""

    delay: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Neuron(Node):
    """Every node with a state, and Threshold. Parameters have the node's shape."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Threshold(Neuron):
    """y = 1 where x > threshold, no state."""

    threshold: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class I(Neuron):  # noqa: E742 -- NIR's own name
    """dv/dt = r i."""

    r: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class IF(Neuron):
    """dv/dt = r i; spike and reset at v_threshold."""

    r: Array
    v_threshold: Array
    v_reset: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LI(Neuron):
    """tau dv/dt = v_leak - v + r i."""

    tau: Array
    r: Array
    v_leak: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LIF(Neuron):
    """tau dv/dt = v_leak - v + r i; spike and reset at v_threshold."""

    tau: Array
    r: Array
    v_leak: Array
    v_threshold: Array
    v_reset: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CubaLI(Neuron):
    """tau_syn ds/dt = -s + w_in i; tau_mem dv/dt = v_leak - v + r s."""

    tau_syn: Array
    tau_mem: Array
    r: Array
    v_leak: Array
    w_in: Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CubaLIF(Neuron):
    """tau_syn ds/dt = -s + w_in i; tau_mem dv/dt = v_leak - v + r s; spike at v_threshold."""

    tau_syn: Array
    tau_mem: Array
    r: Array
    v_leak: Array
    w_in: Array
    v_threshold: Array
    v_reset: Array


KINDS: Mapping[str, type[Node]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            Input,
            Output,
            Affine,
            Linear,
            Scale,
            Conv1d,
            Conv2d,
            SumPool2d,
            AvgPool2d,
            Flatten,
            Delay,
            Threshold,
            I,
            LI,
            IF,
            LIF,
            CubaLI,
            CubaLIF,
        )
    }
)
SPIKING = (IF, LIF, CubaLIF, Threshold)


def frozen(array: object) -> Array:
    """`array` as float64, read-only; a broadcast view stays a view."""
    out = np.asarray(array, dtype=np.float64)
    if out.flags.writeable:
        out = out.view()
        out.flags.writeable = False
    return out


@dataclass(frozen=True, slots=False, eq=False, kw_only=True)
class Graph:
    """Nodes by name and directed edges, both in sorted order.

    `metadata` holds the file's scalar metadata as text or numbers (with 'nir_version');
    `notes` what the reader repaired or assumed, a sentence each; `fingerprint` is the
    SHA-256 of what the network computes with (kinds, names, edges, shapes, arrays).
    """

    nodes: Mapping[str, Node]
    edges: tuple[tuple[str, str], ...]
    metadata: Mapping[str, str | int | float] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    fingerprint: str = ""

    @cached_property
    def _after(self) -> Mapping[str, tuple[str, ...]]:
        return _adjacent(self.nodes, self.edges)

    @cached_property
    def _before(self) -> Mapping[str, tuple[str, ...]]:
        return _adjacent(self.nodes, tuple((b, a) for a, b in self.edges))

    def after(self, name: str) -> tuple[str, ...]:
        """Names of the nodes that read `name`, sorted."""
        return self._after[name]

    def before(self, name: str) -> tuple[str, ...]:
        """Names of the nodes that `name` reads, sorted."""
        return self._before[name]

    def of_kind(self, *kinds: type[N]) -> Iterator[N]:
        """Nodes of the given kinds in name order."""
        for node in self.nodes.values():
            if isinstance(node, kinds):
                yield node


def _adjacent(
    nodes: Mapping[str, Node], edges: tuple[tuple[str, str], ...]
) -> Mapping[str, tuple[str, ...]]:
    lists: dict[str, list[str]] = {name: [] for name in nodes}
    for a, b in edges:
        lists[a].append(b)
    return {name: tuple(sorted(ends)) for name, ends in lists.items()}


def make_graph(
    nodes: Mapping[str, Node] | tuple[Node, ...],
    edges: tuple[tuple[str, str], ...] | list[tuple[str, str]],
    **more: object,
) -> Graph:
    """A Graph with nodes and edges sorted; `more` are the other fields of Graph."""
    found = nodes.values() if isinstance(nodes, Mapping) else nodes
    by_name = {node.name: node for node in sorted(found, key=lambda node: node.name)}
    return Graph(nodes=MappingProxyType(by_name), edges=tuple(sorted(edges)), **more)  # pyright: ignore[reportArgumentType]
