"""Random networks: forks, sums, loops, delays, maps of all shapes; numbers are dyadic.

Quarters with small exponents add and multiply without rounding, so that a rewritten network
must spike exactly alike.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nir_io.graph import (
    IF,
    LIF,
    Affine,
    Array,
    AvgPool2d,
    Conv1d,
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
    Scale,
    Shape,
    SumPool2d,
    frozen,
    make_graph,
)
from tests.rewrite_rules.networks import DT

Rng = np.random.Generator
SHAPES: tuple[Shape, ...] = ((2, 5, 6), (3, 4), (5,), (1, 7, 3))


def quarters(rng: Rng, *shape: int) -> Array:
    return frozen(rng.integers(-4, 5, shape) / 4)


def some(rng: Rng, low: int, high: int) -> int:
    """low..high, both included."""
    return int(rng.integers(low, high + 1))


def biased(rng: Rng, n: int) -> Array:
    return frozen(quarters(rng, n) * some(rng, 0, 1))


def linear_node(rng: Rng, name: str, shape: Shape) -> Node:
    """A node without a state that takes `shape`."""
    n, same = math.prod(shape), {"name": name, "shape_in": shape, "shape_out": shape}
    kinds = ["dense", "scale", "flatten", "delay"]
    kinds += ["conv", "conv", "pool", "pool"] if len(shape) == 3 else []
    kinds += ["conv1d"] if len(shape) == 2 else []
    match str(rng.choice(kinds)):
        case "dense":
            m = some(rng, 1, 5)
            ends: dict[str, Any] = {"name": name, "shape_in": (n,), "shape_out": (m,)}
            if some(rng, 0, 1):
                return Linear(**ends, weight=quarters(rng, m, n))
            return Affine(**ends, weight=quarters(rng, m, n), bias=biased(rng, m))
        case "scale":
            one = quarters(rng, shape[0], *[1] * (len(shape) - 1))
            whole = np.broadcast_to(one, shape) if some(rng, 0, 2) else quarters(rng, *shape)
            return Scale(**same, scale=frozen(whole))
        case "flatten":
            ends = {"name": name, "shape_in": shape, "shape_out": (n,)}
            return Flatten(**ends, start_dim=0, end_dim=-1)
        case "delay":
            steps = rng.integers(0, 3, shape) if some(rng, 0, 2) == 0 else some(rng, 0, 2)
            return Delay(**same, delay=frozen(np.broadcast_to(steps, shape) * DT))
        case "conv1d":
            return conv1d(rng, name, shape)
        case "pool":
            return pool(rng, name, shape)
        case _:
            return conv(rng, name, shape)


def conv1d(rng: Rng, name: str, shape: Shape) -> Conv1d:
    channels, length = shape
    out, kernel, stride = some(rng, 1, 2), some(rng, 1, min(3, length)), some(rng, 1, 2)
    padding = (some(rng, 0, 1), some(rng, 0, 1))
    return Conv1d(
        name=name,
        shape_in=shape,
        shape_out=(out, (length + sum(padding) - kernel) // stride + 1),
        weight=quarters(rng, out, channels, kernel),
        bias=biased(rng, out),
        stride=stride,
        padding=padding,
        dilation=1,
        groups=1,
    )


def pool(rng: Rng, name: str, shape: Shape) -> SumPool2d:
    """Plain (kernel = stride) more often than overlapping, gapped or padded."""
    channels, *size = shape
    side = some(rng, 1, min(2, *size))
    kernel, stride, padding = (side, side), (side, side), (0, 0)
    if some(rng, 0, 4) < 2:
        kernel = (some(rng, 1, min(3, size[0])), some(rng, 1, min(3, size[1])))
        stride = (some(rng, 1, 3), some(rng, 1, 3))
        padding = (some(rng, 0, kernel[0] // 2), some(rng, 0, kernel[1] // 2))
    out = [(size[a] + 2 * padding[a] - kernel[a]) // stride[a] + 1 for a in (0, 1)]
    kind = SumPool2d if some(rng, 0, 1) else AvgPool2d
    return kind(
        name=name,
        shape_in=shape,
        shape_out=(channels, out[0], out[1]),
        kernel_size=kernel,
        stride=stride,
        padding=padding,
    )


def conv(rng: Rng, name: str, shape: Shape) -> Conv2d:
    channels, *size = shape
    groups = channels if some(rng, 0, 3) == 0 else 1
    features = groups * some(rng, 1, 2)
    padding = [some(rng, 0, 2) * some(rng, 0, 1) for _ in range(4)]
    dilation = (some(rng, 1, 2), some(rng, 1, 2))
    stride = (some(rng, 1, 2), some(rng, 1, 2))
    room = [size[a] + sum(padding[2 * a : 2 * a + 2]) for a in (0, 1)]
    kernel = [min(some(rng, 1, 3), (room[a] - 1) // dilation[a] + 1) for a in (0, 1)]
    out = [(room[a] - (kernel[a] - 1) * dilation[a] - 1) // stride[a] + 1 for a in (0, 1)]
    return Conv2d(
        name=name,
        shape_in=shape,
        shape_out=(features, out[0], out[1]),
        weight=quarters(rng, features, channels // groups, *kernel),
        bias=biased(rng, features),
        stride=stride,
        padding=(padding[0], padding[1], padding[2], padding[3]),
        dilation=dilation,
        groups=groups,
    )


def neuron(rng: Rng, name: str, shape: Shape) -> Neuron:
    """Time constants of 2 and 4 steps: the update rule multiplies by powers of two."""

    def full(**values: float) -> dict[str, Any]:
        ends = {"name": name, "shape_in": shape, "shape_out": shape}
        return ends | {key: frozen(np.full(shape, value)) for key, value in values.items()}

    fires = {"v_threshold": 1.0, "v_reset": 0.0}
    match some(rng, 0, 2):
        case 0:
            return IF(**full(r=1.0, **fires))
        case 1:
            return LIF(**full(tau=4 * DT, r=4.0, v_leak=0.25, **fires))
        case _:
            taus = {"tau_syn": 2 * DT, "tau_mem": 4 * DT}
            return CubaLIF(**full(**taus, r=4.0, v_leak=0.0, w_in=2.0, **fires))


def random_network(rng: Rng) -> Graph:
    """Nodes each read an earlier one, some several; neurons may feed back."""
    shape = SHAPES[some(rng, 0, len(SHAPES) - 1)]
    nodes: list[Node] = [Input(name="in", shape_in=shape, shape_out=shape)]
    edges: set[tuple[str, str]] = set()
    for i in range(some(rng, 1, 8)):
        before = nodes[some(rng, 0, len(nodes) - 1)]
        make = neuron if some(rng, 0, 9) < 3 else linear_node
        node = make(rng, f"n{i}", before.shape_out)
        fits = [a for a in nodes if math.prod(a.shape_out) == math.prod(node.shape_in)]
        edges |= {(a.name, node.name) for a in fits if a is before or some(rng, 0, 9) < 4}
        nodes.append(node)
    for i, late in enumerate(nodes):
        for early in nodes[1 : i + 1]:
            fits = math.prod(late.shape_out) == math.prod(early.shape_in)
            if isinstance(late, Neuron) and fits and some(rng, 0, 3) == 0:
                edges.add((late.name, early.name))
    ends = [node for node in nodes[1:] if some(rng, 0, 9) < 4] or nodes[-1:]
    for i, end in enumerate(ends):
        same = {"shape_in": end.shape_out, "shape_out": end.shape_out}
        nodes.append(Output(name=f"out{i}", **same))
        edges.add((end.name, f"out{i}"))
    return make_graph(tuple(nodes), tuple(edges))
