"""Random networks whose shapes fit, of every kind of node, and files of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from nir_io.fields import PARAMETERS
from nir_io.graph import (
    KINDS,
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Flatten,
    Graph,
    Input,
    Linear,
    Node,
    Output,
    SumPool2d,
    frozen,
    make_graph,
)
from tests.nir_io.files import Fields, store

LETTERS = st.characters(
    exclude_categories=("C", "Z"), exclude_characters="/.", max_codepoint=0x2FFF
)
NAMES = st.text(LETTERS, min_size=1, max_size=8) | st.sampled_from(["a b", "0", "lif.lif", "class"])
PORTS = ("input", "out0", "out1")
SAME = tuple(PARAMETERS)


@dataclass
class _Maker:
    """Draws nodes; numbers are exact in float32 so that any storage keeps them."""

    rng: np.random.Generator
    names: list[str]

    def name(self) -> str:
        return self.names.pop()

    def numbers(self, *shape: int) -> Any:
        values = self.rng.normal(size=shape)
        values[self.rng.random(shape) < 0.2] = 0.0
        return frozen(values.astype(np.float32).astype(np.float64))

    def positive(self, *shape: int) -> Any:
        return frozen((np.abs(self.numbers(*shape)) + 0.25).astype(np.float32))

    def parameter(self, name: str, shape: tuple[int, ...]) -> Any:
        make = self.positive if name.startswith(("tau", "delay")) else self.numbers
        if self.rng.random() < 0.4:
            return frozen(np.broadcast_to(make(), shape))
        return make(*shape)

    def same(self, kind: str, shape: tuple[int, ...]) -> Node:
        arrays = {name: self.parameter(name, shape) for name in PARAMETERS[kind]}
        name = self.name()
        return KINDS[kind](name=name, shape_in=shape, shape_out=shape, origin=(name,), **arrays)

    def dense(self, shape: tuple[int, ...]) -> Node:
        outs = int(self.rng.integers(1, 5))
        name = self.name()
        common: Fields = {"name": name, "shape_in": shape, "shape_out": (outs,), "origin": (name,)}
        weight = self.numbers(outs, *shape)
        if self.rng.random() < 0.5:
            return Linear(weight=weight, **common)
        return Affine(weight=weight, bias=self.numbers(outs), **common)

    def conv(self, shape: tuple[int, ...]) -> Node | None:
        axes, name = len(shape) - 1, self.name()
        groups = int(self.rng.choice([g for g in range(1, shape[0] + 1) if shape[0] % g == 0]))
        outs = groups * int(self.rng.integers(1, 3))
        kernel = tuple(int(k) for k in self.rng.integers(1, 4, axes))
        dilation = tuple(int(d) for d in self.rng.integers(1, 3, axes))
        stride = tuple(int(s) for s in self.rng.integers(1, 4, axes))
        spans = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if self.rng.random() < 0.3:
            stride = (1,) * axes
            sides = [(span // 2, span - span // 2) for span in spans]
        else:
            sides = [(int(p), int(p)) for p in self.rng.integers(0, 3, axes)]
        size = [side + sum(p) - span for side, p, span in zip(shape[1:], sides, spans, strict=True)]
        if min(size) < 1:
            return None
        common: Fields = {
            "name": name,
            "origin": (name,),
            "shape_in": shape,
            "shape_out": (outs, *(-(-s // step) for s, step in zip(size, stride, strict=True))),
            "weight": self.numbers(outs, shape[0] // groups, *kernel),
            "bias": self.numbers(outs),
            "groups": groups,
        }
        if axes == 1:
            return Conv1d(stride=stride[0], padding=sides[0], dilation=dilation[0], **common)
        return Conv2d(
            stride=(stride[0], stride[1]),
            padding=(*sides[0], *sides[1]),
            dilation=(dilation[0], dilation[1]),
            **common,
        )

    def pool(self, shape: tuple[int, ...]) -> Node | None:
        kernel = tuple(int(k) for k in self.rng.integers(1, 4, 2))
        stride = tuple(int(s) for s in self.rng.integers(1, 4, 2))
        padding = tuple(int(self.rng.integers(0, k)) for k in kernel)
        size = [s + 2 * p - k for s, p, k in zip(shape[1:], padding, kernel, strict=True)]
        if min(size) < 0:
            return None
        name = self.name()
        kind: Any = SumPool2d if self.rng.random() < 0.5 else AvgPool2d
        return kind(
            name=name,
            origin=(name,),
            shape_in=shape,
            shape_out=(shape[0], *(s // step + 1 for s, step in zip(size, stride, strict=True))),
            kernel_size=kernel,
            stride=stride,
            padding=padding,
        )

    def flatten(self, shape: tuple[int, ...]) -> Node:
        start = int(self.rng.integers(0, len(shape)))
        end = int(self.rng.integers(start, len(shape)))
        middle = int(np.prod(shape[start : end + 1]))
        name = self.name()
        return Flatten(
            name=name,
            origin=(name,),
            shape_in=shape,
            shape_out=(*shape[:start], middle, *shape[end + 1 :]),
            start_dim=start,
            end_dim=end,
        )

    def any_after(self, shape: tuple[int, ...]) -> Node:
        makers: list[Callable[[tuple[int, ...]], Node | None]] = [
            lambda s: self.same(str(self.rng.choice(SAME)), s),
            self.flatten,
        ]
        if len(shape) == 1:
            makers += [self.dense, self.dense]
        if len(shape) in (2, 3):
            makers += [self.conv, self.conv]
        if len(shape) == 3:
            makers.append(self.pool)
        made = makers[int(self.rng.integers(len(makers)))](shape)
        return made or self.same("LIF", shape)


@st.composite
def graphs(draw: st.DrawFn, most: int = 7) -> Graph:
    """A network with 1 Input, up to `most` nodes in a tree, skips, loops and 1 or 2 Outputs."""
    own = NAMES.filter(lambda name: name not in PORTS)
    names = draw(st.lists(own, min_size=2 * most + 8, max_size=2 * most + 8, unique=True))
    nested = [f"{names[0]}/{name}" if index % 4 == 3 else name for index, name in enumerate(names)]
    maker = _Maker(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), nested)
    rng = maker.rng
    shape = tuple(int(side) for side in rng.integers(1, 7, int(rng.integers(1, 4))))
    first = Input(name="input", shape_in=shape, shape_out=shape, origin=("input",))
    nodes: list[Node] = [first]
    edges: set[tuple[str, str]] = set()
    for _ in range(draw(st.integers(1, most))):
        source = nodes[int(rng.integers(len(nodes)))] if rng.random() < 0.3 else nodes[-1]
        made = maker.any_after(source.shape_out)
        edges.add((source.name, made.name))
        for other in nodes:  # skips: several edges into one node add up
            if other.shape_out == made.shape_in and rng.random() < 0.15:
                edges.add((other.name, made.name))
        if made.kind in ("LIF", "CubaLIF", "IF", "LI") and rng.random() < 0.3:
            edges.add((made.name, made.name))
        nodes.append(made)
    for index, last in enumerate({nodes[-1].name: nodes[-1], nodes[-2].name: nodes[-2]}.values()):
        name = f"out{index}"
        nodes.append(
            Output(name=name, shape_in=last.shape_out, shape_out=last.shape_out, origin=(name,))
        )
        edges.add((last.name, name))
    return make_graph(tuple(nodes), tuple(edges))


def fields_of(node: Node, rng: np.random.Generator, *, bare: bool) -> Fields:
    """The node as a file holds it, in a random number format; `bare`: only what must be.

    Bare files leave out sizes that can be inferred and store equal parameters as one.
    """
    found: Fields = {"type": node.kind}
    if node.kind in ("Input", "Output"):
        return found | {"shape": np.array(node.shape_in)}
    for field in fields(node)[len(fields(Node)) :]:
        key, value = field.name, getattr(node, field.name)
        if isinstance(value, np.ndarray):
            uniform = node.kind in PARAMETERS and value.size and (value == value.flat[0]).all()
            found[key] = _stored(value.flat[0] if bare and uniform else value, rng)
        else:
            found[key] = np.array(value) if isinstance(value, tuple) else value
    if isinstance(node, (Conv1d, Conv2d)):
        found["padding"] = _padding(node)
        if not bare:
            size = np.array(node.shape_in[1:])
            found["input_shape"] = size if isinstance(node, Conv2d) else size[0]
    if isinstance(node, Flatten) and not bare:
        found["input_type"] = np.array(node.shape_in)
    return found


def store_randomly(path: Path, graph: Graph, seed: int, *, bare: bool = False) -> Path:
    """Write `graph` with nodes, edges, number formats and compression at random."""
    rng = np.random.default_rng(seed)
    names: Mapping[str, str] = {name: name.replace("/", "|") for name in graph.nodes}
    order = [list(graph.nodes)[i] for i in rng.permutation(len(graph.nodes))]
    edges = [graph.edges[i] for i in rng.permutation(len(graph.edges))]
    nodes = {names[name]: fields_of(graph.nodes[name], rng, bare=bare) for name in order}
    for name in graph.nodes:
        if "/" in name:
            nodes[names[name]]["metadata"] = {"nirmap_name": name}
    options: Fields = [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "chunks": True},
        {"compression": "lzf"},
        {"fletcher32": True},
    ][int(rng.integers(5))]
    return store(path, nodes, [(names[a], names[b]) for a, b in edges], **options)


def _stored(value: Any, rng: np.random.Generator) -> Any:
    formats = ["<f4", ">f4", "<f8", ">f8"]
    array = np.asarray(value)
    if (array == np.round(array)).all() and np.abs(array).max() < 100:
        formats += ["i1", "<i4", ">i8", "<f2"]
    return array.astype(str(rng.choice(formats)))


def _padding(node: Conv1d | Conv2d) -> Any:
    before, after = node.padding[::2], node.padding[1::2]
    if before != after:
        return "same"
    return np.array(before) if any(before) else "valid"
