"""Small graphs for the rules, and what it means that two of them compute the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.emulate.ideal import run
from nir_io.graph import (
    IF,
    LI,
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    CubaLI,
    Delay,
    Flatten,
    Graph,
    Input,
    Linear,
    Node,
    Output,
    Scale,
    Shape,
    SumPool2d,
    frozen,
    make_graph,
)
from nir_io.semantics import Semantics
from rewrite_rules.rule import Proposal
from rewrite_rules.target import Target

DT = 1e-3
EULER = Semantics(file_dt=DT, chip_dt=None, reset="subtract")
TARGET = Target(
    family="any",
    semantics=EULER,
    neurons=frozenset(),
    projections=frozenset(),
    resets=frozenset(),
)


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return frozen(np.random.default_rng((seed, *shape)).normal(size=shape))


def source(shape: Shape, name: str = "in") -> Input:
    return Input(name=name, shape_in=shape, shape_out=shape)


def sink(shape: Shape, name: str = "out") -> Output:
    return Output(name=name, shape_in=shape, shape_out=shape)


def linear(name: str, n: int, m: int, seed: int = 0) -> Linear:
    return Linear(name=name, shape_in=(n,), shape_out=(m,), weight=numbers(m, n, seed=seed))


def affine(name: str, n: int, m: int, seed: int = 0) -> Affine:
    return Affine(
        name=name,
        shape_in=(n,),
        shape_out=(m,),
        weight=numbers(m, n, seed=seed),
        bias=numbers(m, seed=seed),
    )


def scale(name: str, shape: Shape, by: str = "element") -> Scale:
    """`by`: factors for each element, or one for each 'channel'."""
    one = numbers(*shape) if by == "element" else numbers(shape[0])
    spread = one if by == "element" else one.reshape(-1, *[1] * (len(shape) - 1))
    return Scale(
        name=name, shape_in=shape, shape_out=shape, scale=frozen(np.broadcast_to(spread, shape))
    )


def delay(name: str, shape: Shape, steps: Any) -> Delay:
    spread = np.broadcast_to(np.asarray(steps) * DT, shape)
    return Delay(name=name, shape_in=shape, shape_out=shape, delay=frozen(spread))


def flatten(name: str, shape: Shape) -> Flatten:
    flat = (int(np.prod(shape)),)
    return Flatten(name=name, shape_in=shape, shape_out=flat, start_dim=0, end_dim=-1)


def conv(
    name: str,
    shape: tuple[int, int, int],
    features: int,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    bias: bool = True,
) -> Conv2d:
    room = (shape[1] + padding[0] + padding[1], shape[2] + padding[2] + padding[3])
    places = [(room[a] - (kernel[a] - 1) * dilation[a] - 1) // stride[a] + 1 for a in (0, 1)]
    return Conv2d(
        name=name,
        shape_in=shape,
        shape_out=(features, places[0], places[1]),
        weight=numbers(features, shape[0] // groups, *kernel),
        bias=frozen(numbers(features) * bias),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def conv1d(name: str, shape: tuple[int, int], features: int, kernel: int) -> Conv1d:
    return Conv1d(
        name=name,
        shape_in=shape,
        shape_out=(features, (shape[1] + 3 - kernel) // 2 + 1),
        weight=numbers(features, shape[0], kernel),
        bias=numbers(features),
        stride=2,
        padding=(1, 2),
        dilation=1,
        groups=1,
    )


def pool(
    name: str,
    shape: tuple[int, int, int],
    kernel: tuple[int, int] = (2, 2),
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int] = (0, 0),
    kind: type[SumPool2d] = SumPool2d,
) -> SumPool2d:
    stride = stride or kernel
    places = [(shape[1 + a] + 2 * padding[a] - kernel[a]) // stride[a] + 1 for a in (0, 1)]
    return kind(
        name=name,
        shape_in=shape,
        shape_out=(shape[0], places[0], places[1]),
        kernel_size=kernel,
        stride=stride,
        padding=padding,
    )


def average(name: str, shape: tuple[int, int, int], kernel: tuple[int, int]) -> SumPool2d:
    return pool(name, shape, kernel, kind=AvgPool2d)


def li(name: str, shape: Shape) -> LI:
    """A neuron whose output is its membrane: any difference in its input shows."""
    return LI(
        name=name,
        shape_in=shape,
        shape_out=shape,
        tau=frozen(np.full(shape, 3 * DT)),
        r=frozen(np.ones(shape)),
        v_leak=frozen(np.full(shape, 0.25)),
    )


def cuba(name: str, shape: Shape) -> CubaLI:
    full = {"tau_syn": 2 * DT, "tau_mem": 5 * DT, "r": 1.5, "v_leak": 0.0, "w_in": 1.0}
    arrays = {key: frozen(np.full(shape, value)) for key, value in full.items()}
    return CubaLI(name=name, shape_in=shape, shape_out=shape, **arrays)


def integrator(name: str, shape: Shape, threshold: float = 1.0) -> IF:
    full = {"r": 1.0, "v_threshold": threshold, "v_reset": 0.0}
    arrays = {key: frozen(np.full(shape, value)) for key, value in full.items()}
    return IF(name=name, shape_in=shape, shape_out=shape, **arrays)


def chain(*nodes: Node) -> Graph:
    """in -> nodes -> out."""
    names = ["in", *(node.name for node in nodes), "out"]
    ends = (source(nodes[0].shape_in), sink(nodes[-1].shape_out))
    return make_graph((*ends, *nodes), list(pairwise(names)))


def net(*nodes: Node, edges: str) -> Graph:
    """Nodes and 'a>b b>c' edges."""
    pairs = [tuple(edge.split(">")) for edge in edges.split()]
    return make_graph(nodes, [(a, b) for a, b in pairs])


def agree(before: Graph, after: Graph, steps: int = 9) -> bool:
    """Whether both send the same to every Output at every step, for random real inputs."""
    rng = np.random.default_rng(7)
    inputs = {
        node.name: rng.normal(size=(2, steps, *node.shape_out)) for node in before.of_kind(Input)
    }
    outputs = [node.name for node in before.of_kind(Output)]
    if outputs != [node.name for node in after.of_kind(Output)]:
        return False
    first = run(before, EULER, inputs, record=outputs).sent
    second = run(after, EULER, inputs, record=outputs).sent
    return all(close(first[name], second[name]) for name in outputs)


def close(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Equal up to the rounding of float64 (relative to the largest number)."""
    return bool(np.abs(a - b).max(initial=0.0) <= 1e-12 * (1.0 + np.abs(a).max(initial=0.0)))


def spoilt(proposal: Proposal) -> Proposal:
    """A deliberately wrong version: one number changed, or where there is none an edge lost."""
    for i, node in enumerate(proposal.use):
        for field in ("weight", "scale", "delay", "bias"):
            if not hasattr(node, field):
                continue
            array = getattr(node, field).copy()
            array.flat[-1] += 0.5 if field != "delay" else 2 * DT
            wrong = replace(node, **{field: frozen(array)})
            return replace(proposal, use=(*proposal.use[:i], wrong, *proposal.use[i + 1 :]))
    return replace(proposal, edges=(proposal.edges or ())[1:], cut=())
