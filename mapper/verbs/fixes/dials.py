"""Sizes that can be turned down: channels of a layer, an input, a kernel.

`largest` finds the largest value of one dial that still fits, by bisection: a placement
of a larger layer holds a smaller one, so what fits stays so downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from mapper.problem.change.axes import Axis, axes, shape_of
from mapper.problem.change.change import Change
from nir_io.graph import Conv1d, Conv2d, Graph, Input, Neuron
from nir_io.raw import first_of

COARSE = (2, 4, 8, 16)  # first guesses: the size divided by these


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """A size: `kind` is channels, input or kernel, `name` the node that it is called by.

    now: its value in the file; least: the smallest to try; step: between two values; role:
    'input', 'output' or 'hidden'.
    """

    kind: str
    name: str
    now: int
    least: int
    step: int
    role: str
    shape: tuple[int, ...] = ()
    also: tuple[str, ...] = ()

    def change(self, value: int) -> Change:
        """The change that sets it."""
        match self.kind:
            case "channels":
                return Change(channels={self.name: value})
            case "kernel":
                return Change(kernels={self.name: value})
            case _:
                return Change(inputs={self.name: self._scaled(value)})

    def at_most(self, value: int) -> int:
        """The largest value of the dial up to `value`, at least the least."""
        down = max(0, self.now - value)
        return max(self.least, self.now - -(-down // self.step) * self.step)

    def says(self, value: int, *, neighbour: bool = True) -> str:
        """What is done, in words; `neighbour`: the next larger value was shown not to fit."""
        more = value + self.step
        beyond = f"; {more:,} do not fit" if neighbour and more < self.now else ""
        match self.kind:
            case "channels":
                what = "input channels" if self.role == "input" else "channels"
                if len(self.shape) == 1 and self.role != "input":
                    what = "neurons"
                same = f", and {_named(self.also)} with it" if self.also else ""
                return f"'{self.name}' with {value:,} {what} instead of {self.now:,}{same}{beyond}"
            case "kernel":
                return f"'{self.name}' with a kernel of {value} instead of {self.now}{beyond}"
            case _:
                sides = " x ".join(map(str, self._scaled(value)))
                old = " x ".join(map(str, self.shape))
                return f"an input '{self.name}' of {sides} instead of {old}"

    def _scaled(self, value: int) -> tuple[int, ...]:
        """The input's shape when its largest side is `value`."""
        channels, *sides = self.shape
        return (channels, *(max(1, round(side * value / self.now)) for side in sides))


def dials(graph: Graph) -> tuple[Dial, ...]:
    """All sizes: one dial for each set of channels that go together, each map, each kernel."""
    found = axes(graph)
    unique = {id(axis): axis for axis in found.values()}.values()
    out = [dial for axis in unique if (dial := _of_axis(graph, axis)) is not None]
    out += _of_inputs(graph)
    out += _of_kernels(graph)
    return tuple(out)


def _of_axis(graph: Graph, axis: Axis) -> Dial | None:
    names = sorted({name for name, end in axis.ports if end == "out"})
    if not names or axis.count < 2:
        return None
    neurons = [name for name in names if isinstance(graph.nodes[name], Neuron)]
    inputs = [name for name in axis.inputs if name in names]
    name = (neurons or inputs or names)[0]
    role = "output" if axis.outputs else "input" if axis.inputs else "hidden"
    return Dial(
        kind="channels",
        name=name,
        now=axis.count,
        least=1,
        step=1,
        role=role,
        shape=shape_of(graph, (name, "out")),
        also=tuple(neurons[1:]),
    )


def _of_inputs(graph: Graph) -> Iterator[Dial]:
    for node in graph.of_kind(Input):
        if len(node.shape_out) > 1 and max(node.shape_out[1:]) > 1:
            side = max(node.shape_out[1:])
            yield Dial(
                kind="input",
                name=node.name,
                now=side,
                least=1,
                step=1,
                role="input",
                shape=node.shape_out,
            )


def _of_kernels(graph: Graph) -> Iterator[Dial]:
    for node in graph.of_kind(Conv1d, Conv2d):
        side = max(node.weight.shape[2:])
        if side > 2:
            yield Dial(
                kind="kernel", name=node.name, now=side, least=2 - side % 2, step=2, role="hidden"
            )


def largest(dial: Dial, fits: Callable[[int], bool]) -> int | None:
    """The largest value below `now` that fits, next to one that does not; None: none found."""
    values = range(dial.now, dial.least - 1, -dial.step)
    good: int | None = None
    bad = 0
    for divisor in (*COARSE, 0):
        at = len(values) - 1 if divisor == 0 else len(values) - max(1, len(values) // divisor)
        if at <= bad:
            continue
        if fits(values[at]):
            good = at
            break
        bad = at
    if good is None:
        return None
    while good - bad > 1:
        middle = (good + bad) // 2
        if fits(values[middle]):
            good = middle
        else:
            bad = middle
    return values[good]


def neurons_of(graph: Graph) -> int:
    """Neurons in all populations."""
    return sum(prod(node.shape_out) for node in graph.of_kind(Neuron))


def _named(names: Sequence[str]) -> str:
    return first_of([f"'{name}'" for name in names], 2)
