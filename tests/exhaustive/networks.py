"""Random small networks of every shape that the families can or cannot take.

Chains, skips, fan-out, sums, splits, recurrence; sparse integer weights; biases; strides,
kernels, pools, paddings and dilations that chips have and that they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from nir_io.graph import (
    IF,
    LI,
    LIF,
    Affine,
    Array,
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

DT = 1.0  # the file's unit of time: time constants below are in steps


@dataclass(frozen=True, kw_only=True)
class Style:
    """What networks of a family look like; chances are per population or projection."""

    neurons: Sequence[str]
    populations: int = 4
    maps: float = 0.0  # chance that a population is a map, fed by a convolution
    most: int = 4  # neurons of a population that is no map
    inputs: int = 4
    side: int = 6
    channels: int = 4
    bias: float = 0.2
    recurrent: float = 0.15
    again: float = 0.35  # chance of one more source
    density: float = 0.7
    delay: float = 0.0
    onto_maps: float = 0.0  # chance that a dense node ends in a map
    off_grid: float = 0.3
    leak: float = 0.1
    read_out: float = 0.0
    wild: float = 1.0  # how often geometry and parameters are what few chips take


@dataclass
class _Maker:
    rng: Generator
    style: Style
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, *values: int) -> int:
        return int(self.rng.choice(values))

    def name(self, stem: str) -> str:
        return f"{stem}{len(self.nodes)}"

    def add(self, node: Node, before: str | None = None) -> str:
        self.nodes[node.name] = node
        if before is not None:
            self.edges.append((before, node.name))
        return node.name

    def weights(self, *shape: int) -> Array:
        """Small integers, so that sums are exact; none at `1 - density` of the places."""
        values = self.rng.integers(1, 8, shape) * self.rng.choice([-1, 1], shape)
        return frozen(values * (self.rng.random(shape) < self.style.density))


def network(rng: Generator, style: Style) -> Graph:
    """A network; the same generator state gives the same one."""
    made = _Maker(rng, style)
    sources: list[str] = []
    for _ in range(1 + made.chance(0.2)):
        shape = _input_shape(made)
        name = made.name("in")
        sources.append(made.add(Input(name=name, shape_in=shape, shape_out=shape)))
    inputs = len(sources)
    for _ in range(int(rng.integers(1, style.populations + 1))):
        sources.append(_population(made, sources))
    for name in sources[inputs:]:
        if made.chance(style.recurrent):
            _back(made, name, sources[sources.index(name) :])
    for name in sources[inputs:]:
        read = any(a == name for a, _ in made.edges)
        if not read or made.chance(0.15):
            shape = made.nodes[name].shape_out
            made.add(Output(name=made.name("out"), shape_in=shape, shape_out=shape), name)
    for name in sources[:inputs]:
        if not any(a == name for a, _ in made.edges):
            _project(made, name, sources[inputs])
    return make_graph(made.nodes, made.edges)


def _input_shape(made: _Maker) -> Shape:
    if not made.chance(made.style.maps):
        return (int(made.rng.integers(1, made.style.inputs + 1)),)
    side = int(made.rng.integers(2, made.style.side + 1))
    wide = side if made.chance(0.7) else int(made.rng.integers(2, made.style.side + 1))
    return (made.pick(1, 2), side, wide)


def _population(made: _Maker, sources: list[str]) -> str:
    """A population on a random source, and sometimes on one more."""
    near = min(len(sources), 3)
    source = sources[-int(made.rng.integers(1, near + 1))]
    if made.chance(made.style.maps) and len(made.nodes[source].shape_out) == 3:
        last, shape = _convolution(made, source, None)
    else:
        shape = (int(made.rng.integers(1, made.style.most + 1)),)
        last, shape = _dense(made, source, shape), shape
    neuron = made.add(_neuron(made, shape), last)
    while made.chance(made.style.again):
        _project(made, sources[int(made.rng.integers(len(sources)))], neuron)
    return neuron


def _back(made: _Maker, name: str, later: list[str]) -> None:
    source = later[int(made.rng.integers(len(later)))]
    _project(made, source, name)


def _project(made: _Maker, source: str, target: str) -> None:
    """One more path from `source` to the neuron `target`, whatever fits their shapes."""
    shape, wanted = made.nodes[source].shape_out, made.nodes[target].shape_in
    if shape == wanted and made.chance(0.3):
        if made.chance(0.5) and (source, target) not in made.edges:
            made.edges.append((source, target))
            return
        flat = len(shape) == 1 or made.chance(0.2)
        scale = made.weights(*shape) if flat else made.weights(shape[0], 1, 1)
        scale = frozen(np.broadcast_to(scale, shape) + 8.0)
        node = Scale(name=made.name("scale"), shape_in=shape, shape_out=shape, scale=scale)
        made.edges.append((made.add(node, source), target))
        return
    if len(wanted) == 3 and len(shape) == 3:
        for _ in range(20):
            found = _window(made, shape)
            if found is not None and found[2][1:] == wanted[1:]:
                last, _ = _convolution(made, source, (found, wanted[0]))
                made.edges.append((last, target))
                return
    if len(wanted) == 1 or made.chance(made.style.onto_maps):
        made.edges.append((_dense(made, source, wanted), target))


def _dense(made: _Maker, source: str, shape: Shape) -> str:
    """[Delay] [SumPool] [Flatten] Linear | Affine."""
    last, before = source, made.nodes[source].shape_out
    if made.chance(made.style.delay):
        steps = frozen(np.full(before, float(made.pick(0, 1, 1, 2, 3))))
        delay = Delay(name=made.name("delay"), shape_in=before, shape_out=before, delay=steps)
        last = made.add(delay, last)
    if len(before) == 3:
        if made.chance(0.4):
            last = _pool(made, last, made.pick(2, 2, 3, 4))
            before = made.nodes[last].shape_out
        flat = (int(np.prod(before)),)
        node = Flatten(
            name=made.name("flat"), shape_in=before, shape_out=flat, start_dim=0, end_dim=-1
        )
        last, before = made.add(node, last), flat
    rows = int(np.prod(shape))
    weight = made.weights(rows, before[0])
    name = made.name("dense")
    if made.chance(made.style.bias):
        bias = made.weights(rows)
        node = Affine(name=name, shape_in=before, shape_out=(rows,), weight=weight, bias=bias)
    else:
        node = Linear(name=name, shape_in=before, shape_out=(rows,), weight=weight)
    return made.add(node, last)


def _pool(made: _Maker, source: str, side: int) -> str:
    c, y, x = made.nodes[source].shape_out
    py, px = (max(1, min(side, n)) for n in (y, x))
    node = SumPool2d(
        name=made.name("pool"),
        shape_in=(c, y, x),
        shape_out=(c, y // py, x // px),
        kernel_size=(py, px),
        stride=(py, px),
        padding=(0, 0),
    )
    return made.add(node, source)


Window = tuple[int, tuple[tuple[int, int, int, int, int], ...], Shape]


def _window(made: _Maker, shape: Shape) -> Window | None:
    """(pool, (kernel, stride, before, after, dilation) in y and x, shape after): None if empty."""
    wild = made.chance(made.style.wild)
    pool = made.pick(1, 1, 1, 2, 2, 3, 4) if wild else made.pick(1, 1, 2)
    square = not wild or made.chance(0.8)
    rows: list[tuple[int, int, int, int, int]] = []
    for axis in (0, 1):
        if axis == 1 and square:
            rows.append(rows[0])
            continue
        if not wild:
            kernel, before = made.pick(1, 2, 3), made.pick(0, 1)
            rows.append((kernel, made.pick(1, 1, 2), before, before, 1))
            continue
        kernel, stride = made.pick(1, 2, 2, 3, 3, 4, 5), made.pick(1, 1, 1, 2, 2, 3)
        before = made.pick(0, 0, 0, 1, 1, 2)
        after = before if made.chance(0.85) else made.pick(0, 1, 2)
        rows.append((kernel, stride, before, after, 2 if made.chance(0.08) else 1))
    sizes: list[int] = []
    for n, (kernel, stride, before, after, dilation) in zip(shape[1:], rows, strict=True):
        reach = n // min(pool, n) + before + after - (kernel - 1) * dilation - 1
        if reach < 0:
            return None
        sizes.append(reach // stride + 1)
    return pool, tuple(rows), (shape[0], *sizes)


def _convolution(made: _Maker, source: str, given: tuple[Window, int] | None) -> tuple[str, Shape]:
    """[SumPool] Conv2d; a random window where none is given."""
    shape = made.nodes[source].shape_out
    found, channels = given or (None, int(made.rng.integers(1, made.style.channels + 1)))
    while found is None:
        found = _window(made, shape)
    pool, (ys, xs), sizes = found
    last = source if pool == 1 else _pool(made, source, pool)
    before, after = made.nodes[last].shape_out, (channels, *sizes[1:])
    groups = 2 if before[0] == 2 and channels % 2 == 0 and made.chance(0.1) else 1
    node = Conv2d(
        name=made.name("conv"),
        shape_in=before,
        shape_out=after,
        weight=made.weights(channels, before[0] // groups, ys[0], xs[0]),
        bias=made.weights(channels) if made.chance(made.style.bias) else frozen(np.zeros(channels)),
        stride=(ys[1], xs[1]),
        padding=(ys[2], ys[3], xs[2], xs[3]),
        dilation=(ys[4], xs[4]),
        groups=groups,
    )
    return made.add(node, last), after


def _neuron(made: _Maker, shape: Shape) -> Neuron:
    """A neuron whose parameters are equal, per channel, or (rarely) differ within one."""
    kind = str(made.rng.choice(made.style.neurons))
    if made.chance(made.style.read_out):
        kind = "LI"
    common = {"name": made.name("n"), "shape_in": shape, "shape_out": shape}
    one, none = frozen(np.ones(shape)), frozen(np.zeros(shape))
    threshold = _values(made, shape, (1.0, 2.0, 4.0))
    leak = threshold * 0.25 if made.chance(made.style.leak) else none
    v_reset = frozen(-one) if made.chance(0.08 * made.style.wild) else none
    match kind:
        case "IF":
            r = _values(made, shape, (1.0, 0.5))
            return IF(r=r, v_threshold=threshold, v_reset=v_reset, **common)
        case "LIF":
            tau = _taus(made, shape)
            return LIF(
                tau=tau, r=one, v_leak=leak, v_threshold=threshold, v_reset=v_reset, **common
            )
        case "LI":
            return LI(tau=_taus(made, shape), r=one, v_leak=none, **common)
        case _:
            return CubaLIF(
                tau_syn=_taus(made, shape),
                tau_mem=_taus(made, shape),
                r=one,
                v_leak=leak,
                w_in=one,
                v_threshold=threshold,
                v_reset=v_reset,
                **common,
            )


def _taus(made: _Maker, shape: Shape) -> Array:
    """Time constants in steps: powers of two, or a little beside them."""
    exact = _values(made, shape, (2.0, 4.0, 8.0, 16.0))
    if not made.chance(made.style.off_grid):
        return exact
    return frozen(exact * float(made.rng.choice([0.9, 1.02, 1.1, 1.4])))


def _values(made: _Maker, shape: Shape, choices: Sequence[float]) -> Array:
    kind = made.rng.random()
    if kind < 0.6:
        return frozen(np.full(shape, float(made.rng.choice(choices))))
    per_channel = made.rng.choice(choices, (shape[0], *[1] * (len(shape) - 1)))
    if kind < 1.0 - 0.08 * made.style.wild or len(shape) == 1:
        return frozen(np.broadcast_to(per_channel, shape).copy())
    return frozen(made.rng.choice(choices, shape))
