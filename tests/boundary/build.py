"""Networks in a line or two: sources, dense layers, convolutions, neurons with one parameter each.

Weights are ones unless given; large ones are views of a single number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from nir_io.graph import (
    IF,
    LI,
    LIF,
    Affine,
    Conv2d,
    CubaLIF,
    Delay,
    Flatten,
    Graph,
    Input,
    Linear,
    Neuron,
    Node,
    Output,
    Shape,
    SumPool2d,
    frozen,
    make_graph,
)


def spread(value: ArrayLike, shape: Shape) -> np.ndarray:
    """`value` over `shape`, read-only."""
    return frozen(np.broadcast_to(np.asarray(value, dtype=np.float64), shape))


def neuron(kind: str, shape: Shape, name: str = "n", **params: ArrayLike) -> Neuron:
    """A neuron of `kind`: gains and thresholds 1, no leak potential, time constants 4 steps."""
    kinds = {"IF": IF, "LIF": LIF, "CubaLIF": CubaLIF, "LI": LI}
    defaults: dict[str, ArrayLike] = {
        "r": 1.0,
        "v_threshold": 1.0,
        "v_reset": 0.0,
        "tau": 4.0,
        "tau_syn": 4.0,
        "tau_mem": 4.0,
        "v_leak": 0.0,
        "w_in": 1.0,
    }
    own = [key for key in kinds[kind].__dataclass_fields__ if key in defaults]
    values = {key: spread(params.get(key, defaults[key]), shape) for key in own}
    unknown = set(params) - set(own)
    if unknown:
        raise TypeError(f"{kind} has no {', '.join(sorted(unknown))}")
    return kinds[kind](name=name, shape_in=shape, shape_out=shape, **values)  # type: ignore[call-arg]


def window(n: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """How many windows fit."""
    return (n + before + after - (kernel - 1) * dilation - 1) // stride + 1


@dataclass
class Net:
    """A graph that grows; each method returns the name of what it added."""

    kind: str = "IF"
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def _add(self, node: Node, *before: str) -> str:
        self.nodes.append(node)
        self.edges += [(name, node.name) for name in before]
        return node.name

    def _name(self, stem: str) -> str:
        return f"{stem}{len(self.nodes)}"

    def shape(self, name: str) -> Shape:
        """What a node sends."""
        return next(node.shape_out for node in self.nodes if node.name == name)

    def input(self, *shape: int) -> str:
        """An Input."""
        return self._add(Input(name=self._name("in"), shape_in=shape, shape_out=shape))

    def neuron(self, before: str, kind: str | None = None, **params: ArrayLike) -> str:
        """A neuron on what `before` sends."""
        kind = kind or self.kind
        shape = self.shape(before)
        return self._add(neuron(kind, shape, self._name("n"), **params), before)

    def alone(self, n: int, kind: str | None = None, **params: ArrayLike) -> str:
        """n neurons that nothing projects to."""
        return self._add(neuron(kind or self.kind, (n,), self._name("n"), **params))

    def flat(self, before: str) -> str:
        """`before`, flattened if it is a map."""
        shape = self.shape(before)
        if len(shape) == 1:
            return before
        size = (int(np.prod(shape)),)
        node = Flatten(
            name=self._name("flat"), shape_in=shape, shape_out=size, start_dim=0, end_dim=-1
        )
        return self._add(node, before)

    def linear(
        self,
        before: str,
        n: int,
        *,
        weight: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        delay: float = 0.0,
    ) -> str:
        """[Delay] [Flatten] and a matrix of n rows."""
        if delay:
            shape = self.shape(before)
            node = Delay(
                name=self._name("delay"),
                shape_in=shape,
                shape_out=shape,
                delay=spread(delay, shape),
            )
            before = self._add(node, before)
        before = self.flat(before)
        (m,) = self.shape(before)
        matrix = spread(1.0 if weight is None else weight, (n, m))
        shapes = {"shape_in": (m,), "shape_out": (n,)}
        name = self._name("w")
        if bias is None:
            return self._add(Linear(name=name, weight=matrix, **shapes), before)
        return self._add(
            Affine(name=name, weight=matrix, bias=spread(bias, (n,)), **shapes), before
        )

    def dense(self, before: str, n: int, **more: object) -> str:
        """A matrix and its neuron; `more`: of `linear`, the rest of the neuron."""
        own = {k: more.pop(k) for k in ("weight", "bias", "delay") if k in more}
        return self.neuron(self.linear(before, n, **own), **more)  # type: ignore[arg-type]

    def kernel(
        self,
        before: str,
        channels: int,
        k: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        pad: int | tuple[int, int, int, int] = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: ArrayLike = 0.0,
    ) -> str:
        """A Conv2d; `pad` may be (top, bottom, left, right)."""
        c, high, wide = self.shape(before)
        ky, kx = (k, k) if isinstance(k, int) else k
        sy, sx = (stride, stride) if isinstance(stride, int) else stride
        top, bottom, left, right = (pad,) * 4 if isinstance(pad, int) else pad
        out = (
            channels,
            window(high, ky, sy, top, bottom, dilation),
            window(wide, kx, sx, left, right, dilation),
        )
        node = Conv2d(
            name=self._name("conv"),
            shape_in=(c, high, wide),
            shape_out=out,
            weight=spread(1.0, (channels, c // groups, ky, kx)),
            bias=spread(bias, (channels,)),
            stride=(sy, sx),
            padding=(top, bottom, left, right),
            dilation=(dilation, dilation),
            groups=groups,
        )
        return self._add(node, before)

    def conv(self, before: str, channels: int, k: int | tuple[int, int], **more: object) -> str:
        """A convolution and its neuron; `more`: of `kernel`, the rest of the neuron."""
        keys = ("stride", "pad", "dilation", "groups", "bias")
        own = {key: more.pop(key) for key in keys if key in more}
        return self.neuron(self.kernel(before, channels, k, **own), **more)  # type: ignore[arg-type]

    def pool(self, before: str, side: int | tuple[int, int]) -> str:
        """A SumPool2d, stride = kernel."""
        c, high, wide = self.shape(before)
        ky, kx = (side, side) if isinstance(side, int) else side
        node = SumPool2d(
            name=self._name("pool"),
            shape_in=(c, high, wide),
            shape_out=(c, high // ky, wide // kx),
            kernel_size=(ky, kx),
            stride=(ky, kx),
            padding=(0, 0),
        )
        return self._add(node, before)

    def join(self, before: str, after: str) -> None:
        """One more edge."""
        self.edges.append((before, after))

    def output(self, *names: str) -> Net:
        """An Output for each; the net itself."""
        for name in names:
            shape = self.shape(name)
            self._add(Output(name=self._name("out"), shape_in=shape, shape_out=shape), name)
        return self

    def graph(self) -> Graph:
        """What has grown."""
        return make_graph(tuple(self.nodes), self.edges)


def chain(kind: str, sizes: Sequence[int], **params: ArrayLike) -> Net:
    """Dense layers in a row, the first size the input's."""
    net = Net(kind)
    at = net.input(sizes[0])
    for n in sizes[1:]:
        at = net.dense(at, n, **params)
    return net.output(at)


def sparse(rows: int, columns: int, entries: int, most: int | None = None) -> np.ndarray:
    """(rows, columns) of zeros but for `entries` ones, at most `most` in a column, round robin."""
    weight = np.zeros((rows, columns))
    each = most or rows
    columns_used = -(-entries // each)
    if columns_used > columns or each > rows:
        raise ValueError(f"{entries} entries do not fit {rows} x {columns} by {each}")
    for column in range(columns_used):
        count = min(each, entries - column * each)
        weight[(column + np.arange(count)) % rows, column] = 1.0
    return frozen(weight)
