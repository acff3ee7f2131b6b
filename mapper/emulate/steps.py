"""Layers that hear each other whole steps later: the loop of Loihi 2 and SpiNNaker2.

Every connection delays by at least one step. Layers that are on no cycle are therefore run
one after another, each over all of its steps: what reaches it is one matrix product. Only
layers on a cycle are run step by step together. Samples are independent, and are cut into
chunks that fit a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import networkx as nx
import numpy as np

from mapper.emulate.record import Record
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

CHUNK = 2**23  # numbers in the drive of the largest layer over all steps


class Running(Protocol):
    """The state of a layer, of some samples."""

    def step(self, tick: int, drive: Array) -> Array:
        """Advance to step `tick` (1, 2, ...) and give the spikes (sample, neuron)."""
        ...

    def states(self) -> Mapping[str, Array]:
        """Variable -> (sample, neuron)."""
        ...


class Layer(Protocol):
    """Neurons. `drive` is the shape of what reaches them in a step, e.g. (neuron,)."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def drive(self) -> tuple[int, ...]: ...

    def start(self, samples: int) -> Running:
        """The initial state."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """`apply` takes spikes (rows, neuron) and gives the drive (rows, *drive), `delay` later."""

    source: str
    target: str
    delay: int
    apply: Callable[[Array], Array]


def check_names(
    layers: Sequence[str], inputs: Collection[str], ends: Sequence[tuple[str, str]]
) -> list[str]:
    """Findings about names: double ones, and connections that begin or end nowhere."""
    said = [
        f"the name '{name}' is used {times} times; each layer and input needs its own"
        for name in sorted({*layers, *inputs})
        if (times := [*layers, *inputs].count(name)) > 1
    ]
    for source, target in ends:
        if source not in layers and source not in inputs:
            said.append(f"a connection starts at '{source}', which is no layer and no input")
        if target not in layers:
            said.append(f"a connection ends at '{target}', which is no layer")
    return said


def flat_inputs(
    inputs: Mapping[str, Array], sizes: Mapping[str, int]
) -> tuple[dict[str, Array], int, int]:
    """Inputs as (sample, step, neuron), with the numbers of samples and steps."""
    said: list[str] = []
    for name in sizes:
        if name not in inputs:
            said.append(f"input '{name}' is missing; given: {', '.join(inputs) or 'none'}")
        elif inputs[name].ndim < 3:
            said.append(
                f"input '{name}' has {inputs[name].ndim} axes; needed: sample, step, channels"
            )
    if said:
        raise BadInput(said)
    runs = {name: inputs[name].shape[:2] for name in sizes}
    if len(set(runs.values())) != 1:
        raise BadInput([f"inputs of unlike samples and steps: {runs}"])
    ((samples, steps),) = set(runs.values())
    flat = {name: inputs[name].reshape(samples, steps, -1) for name in sizes}
    for name, size in sizes.items():
        if flat[name].shape[2] != size:
            said.append(f"input '{name}' has {flat[name].shape[2]} channels; needed: {size}")
        if flat[name].dtype.kind not in "biu":
            said.append(f"input '{name}' holds {flat[name].dtype}; counts are integers")
    if said:
        raise BadInput(said)
    return flat, samples, steps


def simulate(
    layers: Sequence[Layer],
    wires: Sequence[Wire],
    inputs: Mapping[str, Array],
    samples: int,
    steps: int,
    *,
    drive_type: type[np.generic],
    record: Collection[str] | None,
    states: Collection[str],
) -> Record:
    """Run `inputs` (sample, step, neuron) through the layers.

    record: layers whose spikes are kept, all if None; states: layers whose states are.
    """
    known = {layer.name: layer for layer in layers}
    keep = list(known) if record is None else list(record)
    wanted = {*keep, *states}
    if not wanted <= known.keys():
        raise BadInput([f"there is no layer '{name}'" for name in sorted(wanted - known.keys())])
    order = _groups(layers, wires)
    spikes = {name: np.zeros((samples, steps, known[name].size), np.uint8) for name in keep}
    traces = {name: dict[str, Array]() for name in states}
    widest = max((int(np.prod(layer.drive)) for layer in layers), default=1)
    chunk = max(1, CHUNK // (widest * max(steps, 1)))
    for low in range(0, samples, chunk):
        part = slice(low, min(low + chunk, samples))
        # Time first: a step is then one piece of memory.
        heard = {name: np.ascontiguousarray(x[part].swapaxes(0, 1)) for name, x in inputs.items()}
        for group in order:
            for name, now, state in _run_group(group, wires, heard, drive_type):
                if name not in traces:
                    continue
                for variable, value in state.states().items():
                    if variable not in traces[name]:
                        shape = (samples, steps, value.shape[1])
                        traces[name][variable] = np.zeros(shape, value.dtype)
                    traces[name][variable][part, now] = value
        for name in keep:
            spikes[name][part] = heard[name].swapaxes(0, 1)
    return Record(spikes, traces)


def _groups(layers: Sequence[Layer], wires: Sequence[Wire]) -> list[list[Layer]]:
    """Layers in order of signal flow, those on cycles with each other together."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    graph.add_nodes_from(layer.name for layer in layers)
    graph.add_edges_from((w.source, w.target) for w in wires if w.source in graph)
    groups = nx.condensation(graph)
    return [
        [layer for layer in layers if layer.name in groups.nodes[group]["members"]]
        for group in nx.topological_sort(groups)
    ]


def _run_group(
    group: Sequence[Layer],
    wires: Sequence[Wire],
    heard: dict[str, Array],
    drive_type: type[np.generic],
) -> Iterator[tuple[str, int, Running]]:
    """Run layers on cycles with each other, or a single one; adds their spikes to `heard`.

    heard: name -> (step, sample, neuron). Yields each layer's state after each step.
    """
    steps, samples = next(iter(heard.values())).shape[:2]
    inner = {layer.name for layer in group}
    drives: dict[str, Array] = {}
    for layer in group:
        drive = np.zeros((steps, samples, *layer.drive), drive_type)
        for wire in wires:
            if wire.target != layer.name or wire.source in inner or wire.delay >= steps:
                continue
            sent = heard[wire.source][: steps - wire.delay]
            rows = sent.reshape(-1, sent.shape[2])
            drive[wire.delay :] += wire.apply(rows).reshape(-1, samples, *layer.drive)
        drives[layer.name] = drive
    loops = [wire for wire in wires if wire.source in inner and wire.target in inner]
    running = {layer.name: layer.start(samples) for layer in group}
    for layer in group:
        heard[layer.name] = np.zeros((steps, samples, layer.size), np.uint8)
    for now in range(steps):
        for wire in loops:
            if now >= wire.delay:
                drives[wire.target][now] += wire.apply(heard[wire.source][now - wire.delay])
        for layer in group:
            state = running[layer.name]
            heard[layer.name][now] = state.step(now + 1, drives[layer.name][now])
            yield layer.name, now, state
