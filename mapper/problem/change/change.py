"""A change to a network as a value, in the words of `--with` and `--vary`.

    channels@NODE=12   neurons@NODE=96   kernel@NODE=3   stride@NODE=2   input=32x32
    dt=0.002           neuron@NODE=IF    delay@NODE=7    rest@NODE=0

NODE is a name of the file, in quotes where it must be. What changes size becomes dense.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from types import MappingProxyType

import numpy as np

from mapper.problem.change.axes import WEIGHTED, Port, axes, block
from mapper.problem.change.neurons import converted
from mapper.problem.change.resize import CannotResizeError, resized, signed
from mapper.problem.change.retime import retimed
from nir_io.errors import BadInput
from nir_io.graph import (
    LI,
    LIF,
    Conv1d,
    Conv2d,
    CubaLI,
    CubaLIF,
    Delay,
    Graph,
    Input,
    Neuron,
    Shape,
    SumPool2d,
    frozen,
)
from nir_io.raw import first_of, printable
from nir_io.semantics import Semantics

PLAIN = re.compile(r"[\w./:-]+")
KINDS = ("channels", "neurons", "kernel", "stride", "input", "dt", "neuron", "delay", "rest")
NOTE = "changed before mapping: {words}; resized layers are dense, their weights not the file's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs. Keys are nodes; `channels` those that a node gives; `delays` in steps.

    `rests`: neurons whose v_leak and v_reset become 0.
    """

    channels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    kernels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    strides: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    inputs: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))
    neurons: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    delays: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    rests: tuple[str, ...] = ()
    dt: float | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """As `--with` takes them."""
        rows: list[str] = []
        for kind, entries in (
            ("channels", self.channels),
            ("kernel", self.kernels),
            ("stride", self.strides),
            ("neuron", self.neurons),
            ("delay", self.delays),
            ("rest", dict.fromkeys(self.rests, 0)),
        ):
            rows += [f"{kind}@{called(name)}={value}" for name, value in entries.items()]
        rows += [f"input@{called(name)}={'x'.join(map(str, s))}" for name, s in self.inputs.items()]
        if self.dt is not None:
            rows.append(f"dt={self.dt:.6g}")
        return tuple(rows)

    @property
    def sizes(self) -> bool:
        """Whether any array changes its shape."""
        return bool(self.channels or self.kernels or self.strides or self.inputs)

    def plus(self, other: Change) -> Change:
        """Both; where both say something of one node, what `other` says."""
        return Change(
            channels={**self.channels, **other.channels},
            kernels={**self.kernels, **other.kernels},
            strides={**self.strides, **other.strides},
            inputs={**self.inputs, **other.inputs},
            neurons={**self.neurons, **other.neurons},
            delays={**self.delays, **other.delays},
            rests=tuple(dict.fromkeys((*self.rests, *other.rests))),
            dt=self.dt if other.dt is None else other.dt,
        )


def called(name: str) -> str:
    """A node's name as these words have it: in quotes where it is not plain."""
    return name if PLAIN.fullmatch(name) else f"'{name}'"


def applied(graph: Graph, semantics: Semantics, change: Change) -> tuple[Graph, Semantics]:
    """The changed network. Raises CannotResizeError, and BadInput for a time step."""
    if change.sizes:
        graph = resized(
            graph,
            channels={_port(graph, name): n for name, n in change.channels.items()},
            kernels=change.kernels,
            strides=change.strides,
            inputs=change.inputs,
        )
    for name, kind in change.neurons.items():
        graph = converted(graph, name, kind, semantics)
    nodes = dict(graph.nodes)
    for name, steps in change.delays.items():
        node = nodes[name]
        assert isinstance(node, Delay)
        most = steps * (semantics.file_dt or 1.0)
        nodes[name] = replace(node, delay=frozen(np.minimum(node.delay, most)))
    for name in change.rests:
        nodes[name] = _at_rest(nodes[name])
    graph = replace(graph, nodes=MappingProxyType(nodes), fingerprint="")
    if change.dt is not None:
        graph, semantics = retimed(graph, semantics, change.dt)
    return graph, semantics


def noted(graph: Graph, change: Change) -> Graph:
    """`graph`, changed so, with a note that says it and a fingerprint of its own."""
    words = " ".join(f"--with {word}" for word in change.words)
    return signed(replace(graph, notes=(*graph.notes, NOTE.format(words=words))))


def parsed(texts: tuple[str, ...], graph: Graph) -> Change:
    """The change that `texts` say. Raises BadInput with every finding."""
    change, findings = Change(), list[str]()
    for text in texts:
        head, sign, value = text.rpartition("=")
        try:
            if not sign:
                raise ValueError("expected KIND@NODE=VALUE")
            kind, name = address(head, graph)
            change = change.plus(_one(graph, kind, name, value.strip()))
        except ValueError as error:
            findings.append(f"option --with '{printable(text)}': {error}")
    if findings:
        raise BadInput(findings)
    return change


def address(text: str, graph: Graph) -> tuple[str, str]:
    """(kind, node) of KIND or KIND@NODE. Raises ValueError."""
    kind, at, name = text.partition("@")
    kind, name = kind.strip(), name.strip()
    if kind not in KINDS and kind != "weight_bits":
        raise ValueError(f"there is no '{printable(kind)}'; there are: {', '.join(KINDS)}")
    if len(name) > 1 and name[0] == name[-1] and name[0] in "'\"":
        name = name[1:-1]
    if kind in ("dt", "weight_bits"):
        if at:
            raise ValueError(f"{kind} is of the whole network, not of a node")
        return kind, ""
    if kind == "input" and not name:
        names = [node.name for node in graph.of_kind(Input)]
        if len(names) != 1:
            raise ValueError(f"say which: input@NODE, of {', '.join(map(repr, names))}")
        return kind, names[0]
    if name not in graph.nodes:
        raise ValueError(f"there is no node '{printable(name)}'; there are: {_some(graph)}")
    wanted = WANTED.get(kind)
    if wanted is not None and not isinstance(graph.nodes[name], wanted):
        kinds = ", ".join(sorted(k.__name__ for k in wanted))
        raise ValueError(f"'{printable(name)}' is a {graph.nodes[name].kind}; {kind} is of {kinds}")
    return kind, name


WANTED: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "kernel": (Conv1d, Conv2d),
        "stride": (Conv1d, Conv2d, SumPool2d),
        "input": (Input,),
        "neuron": (Neuron,),
        "delay": (Delay,),
        "rest": (Neuron,),
        "neurons": (Neuron,),
    }
)


def _one(graph: Graph, kind: str, name: str, value: str) -> Change:
    match kind:
        case "channels":
            return Change(channels={name: _whole(value)})
        case "neurons":
            port = (name, "out")
            each = block(graph, port, axes(graph)[port])
            size, rest = divmod(_whole(value), each)
            if rest:
                raise ValueError(f"a channel of '{printable(name)}' has {each} neurons")
            return Change(channels={name: size})
        case "kernel":
            return Change(kernels={name: _whole(value)})
        case "stride":
            return Change(strides={name: _whole(value)})
        case "input":
            return _input(graph, name, tuple(_whole(part) for part in value.split("x")))
        case "dt":
            return Change(dt=_positive(value))
        case "neuron":
            return Change(neurons={name: value})
        case "delay":
            return Change(delays={name: _whole(value, least=0)})
        case _:
            if value not in ("0", "0.0"):
                raise ValueError("only rest@NODE=0 is there: v_leak and v_reset become 0")
            return Change(rests=(name,))


def _input(graph: Graph, name: str, sides: Shape) -> Change:
    """A graph input's size: its channels where it is flat, else the sides of its map."""
    shape = graph.nodes[name].shape_out
    if len(shape) == 1 and len(sides) == 1:
        return Change(channels={name: sides[0]})
    if len(sides) == len(shape) and sides[0] == shape[0]:
        return Change(inputs={name: sides})
    if len(sides) == len(shape) - 1:
        return Change(inputs={name: (shape[0], *sides)})
    raise ValueError(f"'{printable(name)}' has the shape {'x'.join(map(str, shape))}")


def _port(graph: Graph, name: str) -> Port:
    """The port whose channels a node's name stands for: what it gives."""
    if name not in graph.nodes:
        raise CannotResizeError(f"there is no node '{name}'")
    return (name, "out")


def _at_rest(node: object) -> Neuron:
    assert isinstance(node, Neuron)
    zero = frozen(np.zeros(node.shape_out))
    names = ["v_reset"] if hasattr(node, "v_reset") else []
    names += ["v_leak"] if isinstance(node, LI | LIF | CubaLI | CubaLIF) else []
    return replace(node, **dict.fromkeys(names, zero))


def _whole(value: str, least: int = 1) -> int:
    if not value.isdecimal() or int(value) < least or int(value) > 2**31:
        raise ValueError(f"'{printable(value)}' is no whole number of at least {least}")
    return int(value)


def _positive(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"'{printable(value)}' is no number of seconds") from None
    if not 0.0 < number < 1e9:
        raise ValueError(f"'{printable(value)}' is no positive number of seconds")
    return number


def _some(graph: Graph) -> str:
    names = [f"'{printable(n)}'" for n in graph.nodes]
    return first_of(names, 8)


def size_of(graph: Graph, name: str) -> int:
    """Values that a node gives in a step."""
    return prod(graph.nodes[name].shape_out)


__all__ = ["KINDS", "WEIGHTED", "Change", "address", "applied", "noted", "parsed", "size_of"]
