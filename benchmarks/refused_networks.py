"""Networks that do not fit: the corpus' own, changed in a seeded way until a device refuses.

`instances` gives questions, the same for the same seed. A family has its share of them and
shares it among its devices; no shape of refusal (a device with the kinds of limits that its
first conflict names) takes more than a sixth of a device's share while others are found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng

from device_profiles.load import load, names
from mapper import api
from mapper.problem.asked import Asked, Source
from mapper.problem.change.axes import axes, shape_of
from mapper.problem.change.change import Change, applied
from mapper.problem.change.resize import CannotResizeError, signed
from mapper.problem.settings import Settings
from mapper.solving.outcome import Impossible
from nir_io.errors import BadInput
from nir_io.graph import (
    IF,
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
    SumPool2d,
    frozen,
    make_graph,
)
from nir_io.semantics import Semantics, per_step
from tests.asking import decide, pose

ROOT = Path(__file__).resolve().parent.parent
SIDECAR = ROOT / "benchmarks" / "corpus_models.toml"
FOLDERS = ("paper/current", "paper/history", "paper/others", "exported", "trained")
LARGEST = 1_000_000  # weights of an instance: what a person would try
TRIES = 4_000  # networks that are tried for a device before fewer instances are accepted
MOST_CHANGES = 5
STEP = 0.01  # seconds that a step lasts on the chip, for files that count in steps


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Instance:
    """A refused question: `id` names the network, `changes` what was done to it.

    outcome: the refusal; cpu, wall: the seconds that it took, from a loaded graph: normal
    form, options, claims, solving and explanation.
    """

    id: str
    family: str
    device: str
    changes: tuple[str, ...]
    asked: Asked
    outcome: Impossible
    cpu: float
    wall: float


@dataclass(frozen=True, slots=True, eq=False)
class _Net:
    """What changes work on."""

    graph: Graph
    semantics: Semantics
    settings: Settings


Mutation = Callable[[Generator, _Net], "tuple[_Net, str] | None"]


def instances(corpus: Path, count: int, seed: int, family: str = "") -> Iterator[Instance]:
    """`count` refused instances over all families, or of one `family` its share."""
    profiles = [load(name) for name in names()]
    families = sorted({profile.family for profile in profiles})
    for rank, own in enumerate(families):
        quota = count // len(families) + (rank < count % len(families))
        devices = [profile for profile in profiles if profile.family == own]
        if family and own != family:
            continue
        for i, profile in enumerate(devices):
            share = quota // len(devices) + (i < quota % len(devices))
            yield from _of_device(corpus, profile.name, share, seed)


def _of_device(corpus: Path, device: str, share: int, seed: int) -> Iterator[Instance]:
    found, seen = 0, Counter[tuple[str, ...]]()
    most = max(1, share // 6)
    for attempt in range(TRIES):
        if found == share:
            return
        rng = default_rng([seed, attempt, *device.encode()])
        made = _made(corpus, rng, device)
        if made is None:
            continue
        shape = kinds(made)
        if seen[shape] >= most and attempt < TRIES // 2:
            continue
        seen[shape] += 1
        found += 1
        yield replace(made, id=f"{device}-{attempt}:{made.id}")


def kinds(instance: Instance) -> tuple[str, ...]:
    """Kinds of the limits of its first conflict."""
    first = instance.outcome.conflicts[0] if instance.outcome.conflicts else None
    return tuple(sorted({claim.kind for claim in first.claims})) if first else ()


def _made(corpus: Path, rng: Generator, device: str) -> Instance | None:
    """A network of the corpus, changed until it is refused; None where it never is."""
    path = _files(corpus)[rng.integers(len(_files(corpus)))]
    source = _read(path)
    if source is None:
        return None
    base, semantics = source
    net = _Net(base.graph, semantics, Settings())
    done: list[str] = []
    for _ in range(MOST_CHANGES):
        changed = _changed(rng, net)
        if changed is None:
            continue
        net, said = changed
        done.append(said)
        asked = Asked(
            source=replace(base, graph=net.graph, sha256=None),
            profile=load(device),
            profile_path=None,
            semantics=net.semantics,
            settings=net.settings,
        )
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            graph = per_step(asked.source.graph, asked.semantics)
            outcome = decide(pose(graph, asked.profile, asked.semantics, asked.settings))
        except BadInput:
            return None
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if isinstance(outcome, Impossible):
            return Instance(
                id=path.name,
                family=asked.profile.family,
                device=device,
                changes=tuple(done),
                asked=asked,
                outcome=outcome,
                cpu=cpu,
                wall=wall,
            )
    return None


def _changed(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """One change at random that can be made to this network."""
    for i in rng.permutation(len(MUTATIONS)):
        try:
            made = MUTATIONS[i](rng, net)
        except (CannotResizeError, BadInput, ValueError):
            continue
        if made is None:
            continue
        new, said = made
        if _weights(new.graph) <= LARGEST:
            return replace_graph(new), said
    return None


def replace_graph(net: _Net) -> _Net:
    """With the fingerprint of what its graph now holds."""
    return _Net(signed(net.graph), net.semantics, net.settings)


@cache
def _files(corpus: Path) -> tuple[Path, ...]:
    found = [p for folder in FOLDERS for p in sorted((corpus / folder).glob("*.nir"))]
    if not found:
        raise SystemExit(f"no networks in {corpus}")
    return tuple(found)


@cache
def _read(path: Path) -> tuple[Source, Semantics] | None:
    """A file as it was meant; None for what cannot be read or whose rule is not known."""
    try:
        asked = api.ask(path, "loihi2", models=SIDECAR, repair=True)
    except BadInput:
        return None
    if _weights(asked.source.graph) > LARGEST:
        return None
    chip_dt = STEP if asked.semantics.chip_dt is None else asked.semantics.chip_dt
    return asked.source, replace(asked.semantics, chip_dt=chip_dt)


def _weights(graph: Graph) -> int:
    return sum(n.weight.size for n in graph.of_kind(Linear, Affine, Conv2d)) + sum(
        prod(n.shape_out) for n in graph.of_kind(Neuron)
    )


def _with(net: _Net, graph: Graph) -> _Net:
    return _Net(graph, net.semantics, net.settings)


def _pick(rng: Generator, found: Sequence[Any]) -> Any:
    return found[rng.integers(len(found))]


def _apply(net: _Net, change: Change, said: str) -> tuple[_Net, str]:
    graph, semantics = applied(net.graph, net.semantics, change)
    return _Net(graph, semantics, net.settings), said


def wider(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A layer with more channels: its weights, memory, and what it feeds grow."""
    return _channels(rng, net, inputs=False)


def more_inputs(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """More input channels: a larger fan-in of the first layer."""
    return _channels(rng, net, inputs=True)


def _channels(rng: Generator, net: _Net, *, inputs: bool) -> tuple[_Net, str] | None:
    unique = list({id(axis): axis for axis in axes(net.graph).values()}.values())
    rows = [
        a for a in unique if bool(a.inputs) == inputs and any(end == "out" for _, end in a.ports)
    ]
    if not rows:
        return None
    axis = _pick(rng, rows)
    name = min(name for name, end in axis.ports if end == "out")
    per_channel = shape_of(net.graph, (name, "out"))[0] // axis.count
    now = axis.count * per_channel
    new = max(now + 1, int(now * 2.0 ** rng.uniform(0.2, 4.5)))
    return _apply(net, Change(channels={name: new}), f"channels of {name}: {now} -> {new}")


def larger_input(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A larger map."""
    rows = [n for n in net.graph.of_kind(Input) if len(n.shape_out) == 3]
    if not rows:
        return None
    node = _pick(rng, rows)
    channels, *sides = node.shape_out
    factor = 2.0 ** rng.uniform(0.3, 3.0)
    new = (channels, *(max(1, round(side * factor)) for side in sides))
    return _apply(net, Change(inputs={node.name: new}), f"input {node.shape_out} -> {new}")


def larger_kernel(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A wider kernel, padding with it."""
    rows = list(net.graph.of_kind(Conv2d))
    if not rows:
        return None
    node = _pick(rng, rows)
    now = max(node.weight.shape[2:])
    new = now + 2 * int(rng.integers(1, 9))
    return _apply(net, Change(kernels={node.name: new}), f"kernel of {node.name}: {now} -> {new}")


def other_stride(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A stride or window of pooling that not every chip has."""
    rows = list(net.graph.of_kind(Conv2d, SumPool2d))
    if not rows:
        return None
    node, new = _pick(rng, rows), int(rng.integers(2, 7))
    return _apply(net, Change(strides={node.name: new}), f"stride of {node.name}: {new}")


def deeper(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """More layers like one that is there, in a row behind it."""
    rows = [n for n in net.graph.of_kind(Neuron) if len(n.shape_out) in (1, 3)]
    if not rows:
        return None
    node, times = _pick(rng, rows), int(rng.integers(1, 12))
    nodes, edges = dict(net.graph.nodes), list(net.graph.edges)
    last = node.name
    for i in range(times):
        weight, neuron = _layer(rng, node, f"{node.name}.deeper{i}")
        nodes |= {weight.name: weight, neuron.name: neuron}
        edges += [(last, weight.name), (weight.name, neuron.name)]
        last = neuron.name
    moved = [
        (
            last
            if a == node.name
            and b in net.graph.after(node.name)
            and not _loops(net.graph, node.name, b)
            else a,
            b,
        )
        for a, b in edges
    ]
    graph = replace(make_graph(nodes, moved), metadata=net.graph.metadata, notes=net.graph.notes)
    return _with(net, graph), f"{times} layers behind {node.name}"


def _loops(graph: Graph, name: str, reader: str) -> bool:
    """Whether `reader` leads straight back to the neuron `name`."""
    return name == reader or name in graph.after(reader)


def _layer(rng: Generator, like: Neuron, name: str) -> tuple[Node, Neuron]:
    shape = like.shape_out
    neuron = replace(like, name=name)
    if len(shape) == 3:
        n = shape[0]
        weight = rng.normal(0.06, 1.0 / np.sqrt(9 * n), (n, n, 3, 3))
        return (
            Conv2d(
                name=f"{name}.w",
                shape_in=shape,
                shape_out=shape,
                weight=frozen(weight),
                bias=frozen(np.zeros(n)),
                stride=(1, 1),
                padding=(1, 1, 1, 1),
                dilation=(1, 1),
                groups=1,
            ),
            neuron,
        )
    n = shape[0]
    return _dense(rng, f"{name}.w", shape, shape), neuron


def _dense(
    rng: Generator, name: str, shape_in: tuple[int, ...], shape_out: tuple[int, ...]
) -> Linear:
    n_in, n_out = prod(shape_in), prod(shape_out)
    weight = rng.normal(0.0, 1.0 / np.sqrt(n_in), (n_out, n_in))
    return Linear(name=name, shape_in=shape_in, shape_out=shape_out, weight=frozen(weight))


def recurrent(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A population that reads itself."""
    rows = [n for n in net.graph.of_kind(IF, LIF, CubaLIF) if len(n.shape_out) == 1]
    rows = [n for n in rows if n.shape_out[0] <= 1024]
    if not rows:
        return None
    node = _pick(rng, rows)
    weight = _dense(rng, f"{node.name}.rec", node.shape_out, node.shape_in)
    return _joined(net, [weight], [(node.name, weight.name), (weight.name, node.name)]), (
        f"{node.name} reads itself"
    )


def _joined(net: _Net, nodes: Sequence[Node], edges: Sequence[tuple[str, str]]) -> _Net:
    made = {**net.graph.nodes, **{node.name: node for node in nodes}}
    graph = make_graph(made, [*net.graph.edges, *edges])
    return _with(net, replace(graph, metadata=net.graph.metadata, notes=net.graph.notes))


def skip(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A layer that reads an earlier one, too, some steps late: paths of different length meet."""
    rows = [n for n in net.graph.of_kind(Neuron) if len(n.shape_out) == 1]
    if len(rows) < 2:
        return None
    i, j = sorted(rng.choice(len(rows), 2, replace=False))
    a, b = rows[i], rows[j]
    if a.shape_out[0] * b.shape_out[0] > LARGEST:
        return None
    weight = _dense(rng, f"{a.name}.to.{b.name}", a.shape_out, b.shape_in)
    nodes: list[Node] = [weight]
    edges = [(a.name, weight.name), (weight.name, b.name)]
    steps = int(_pick(rng, (0, 0, 1, 40, 100)))
    if steps:
        late = Delay(
            name=f"{weight.name}.late",
            shape_in=a.shape_out,
            shape_out=a.shape_out,
            delay=frozen(np.full(a.shape_out, steps * (net.semantics.file_dt or 1.0))),
        )
        nodes.append(late)
        edges = [(a.name, late.name), (late.name, weight.name), (weight.name, b.name)]
    return _joined(net, nodes, edges), f"{b.name} reads {a.name}, {steps} steps late"


def delayed(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A delay before some weights."""
    rows = [
        (a, b)
        for a, b in net.graph.edges
        if isinstance(net.graph.nodes[b], Linear | Affine | Conv2d)
    ]
    if not rows:
        return None
    a, b = rows[rng.integers(len(rows))]
    steps, shape = int(_pick(rng, (1, 5, 30, 70, 300))), net.graph.nodes[b].shape_in
    node = Delay(
        name=f"{b}.delay",
        shape_in=shape,
        shape_out=shape,
        delay=frozen(np.full(shape, steps * (net.semantics.file_dt or 1.0))),
    )
    edges = [e for e in net.graph.edges if e != (a, b)] + [(a, node.name), (node.name, b)]
    graph = make_graph({**net.graph.nodes, node.name: node}, edges)
    return _with(net, graph), f"{steps} steps of delay before {b}"


def off_grid(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """Time constants that no bit shift makes."""
    rows = list(net.graph.of_kind(LIF, CubaLIF))
    dt = net.semantics.file_dt
    if not rows or dt is None:
        return None
    node = _pick(rng, rows)
    fields = ("tau",) if isinstance(node, LIF) else ("tau_syn", "tau_mem")
    spread = bool(rng.integers(2))
    new: dict[str, Any] = {}
    for field in fields:
        old = getattr(node, field)
        factor = 2.0 ** rng.uniform(-1.0, 2.0, old.shape if spread else ())
        new[field] = frozen(np.maximum(old * factor, 1.5 * dt))
    nodes = {**net.graph.nodes, node.name: replace(node, **new)}
    graph = replace(net.graph, nodes=MappingProxyType(nodes))
    return _with(net, graph), f"time constants of {node.name} off the grid"


def biased(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A leak potential: a bias of every step."""
    rows = list(net.graph.of_kind(LIF, CubaLIF))
    if not rows:
        return None
    node = _pick(rng, rows)
    value = frozen(node.v_threshold * rng.uniform(-0.8, 0.8, node.shape_out))
    nodes = {**net.graph.nodes, node.name: replace(node, v_leak=value)}
    return _with(net, replace(net.graph, nodes=MappingProxyType(nodes))), f"v_leak in {node.name}"


def other_neuron(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """Neurons of another kind."""
    rows = list(net.graph.of_kind(IF, LIF, CubaLIF))
    if not rows or net.semantics.file_dt is None:
        return None
    node = _pick(rng, rows)
    kind = _pick(rng, [k for k in ("IF", "LIF", "CubaLIF") if k != node.kind])
    return _apply(net, Change(neurons={node.name: kind}), f"{node.name} as {kind}")


def other_reset(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """The other reset."""
    new = "zero" if net.semantics.reset == "subtract" else "subtract"
    return (
        _Net(net.graph, replace(net.semantics, reset=new), net.settings),
        f"reset {new}",
    )


def more_readers(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """Further outputs that read one population: destinations, outputs, windows."""
    rows = [n for n in net.graph.of_kind(IF, LIF, CubaLIF) if prod(n.shape_out) <= 4096]
    if not rows:
        return None
    node, times = _pick(rng, rows), int(rng.integers(2, 5))
    nodes: list[Node] = []
    edges: list[tuple[str, str]] = []
    size = prod(node.shape_out)
    for i in range(times):
        at = f"{node.name}.head{i}"
        last = node.name
        if len(node.shape_out) > 1:
            nodes.append(
                Flatten(
                    name=f"{at}.flat",
                    shape_in=node.shape_out,
                    shape_out=(size,),
                    start_dim=0,
                    end_dim=len(node.shape_out) - 1,
                )
            )
            edges.append((last, f"{at}.flat"))
            last = f"{at}.flat"
        weight = _dense(rng, f"{at}.w", (size,), (10,))
        arrays = {
            field: frozen(np.resize(getattr(node, field), (10,)))
            for field in node.__slots__
            if isinstance(getattr(node, field, None), np.ndarray)
        }
        neuron = replace(node, name=at, shape_in=(10,), shape_out=(10,), **arrays)
        nodes += [weight, neuron, Output(name=f"{at}.out", shape_in=(10,), shape_out=(10,))]
        edges += [(last, weight.name), (weight.name, at), (at, f"{at}.out")]
    return _joined(net, nodes, edges), f"{times} heads on {node.name}"


def stricter(rng: Generator, net: _Net) -> tuple[_Net, str] | None:
    """A policy that forbids more, or inputs that promise less."""
    if rng.integers(4) == 0:
        kind = f"counts:{int(_pick(rng, (2, 10, 40)))}"
        return _Net(net.graph, replace(net.semantics, input_kind=kind), net.settings), kind
    options: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("--exact", {"exact": True}),
        ("--no-host", {"host": False}),
        ("--max-error 0.01", {"max_error": 0.01}),
    )
    said, values = options[rng.integers(len(options))]
    return _Net(net.graph, net.semantics, replace(net.settings, **values)), said


MUTATIONS: tuple[Mutation, ...] = (
    wider,
    wider,
    wider,
    more_inputs,
    larger_input,
    larger_input,
    larger_kernel,
    other_stride,
    deeper,
    deeper,
    recurrent,
    skip,
    delayed,
    off_grid,
    biased,
    other_neuron,
    other_reset,
    more_readers,
    stricter,
)
