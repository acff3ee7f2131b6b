"""Speck one event at a time, in plain Python, from the rules of its documents.

Independent of the emulator: no tables, no batches; depth is by input event, core by core.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Reference:
    """One sample. `cores` in order of signal flow, as plain values of speck.Core."""

    def __init__(self, network: Any, sweep: str = "pixel") -> None:
        self.network = network
        self.sweep = sweep
        self.states = {
            core.name: np.zeros(core.out_shape, int)
            if core.initial is None
            else core.initial.astype(int).copy()
            for core in network.cores
        }
        self.lost = {core.name: 0 for core in network.cores}

    def tick(self) -> None:
        """The slow clock: biases, then the lower bound; nobody fires."""
        for core in self.network.cores:
            if core.bias is None:
                continue
            state = self.states[core.name]
            for feature, bias in enumerate(core.bias):
                state[feature] = np.maximum(state[feature] + bias, core.lower)

    def event(self, channel: int, y: int, x: int) -> dict[str, list[tuple[int, int, int]]]:
        """All spikes of each core that one input event leads to, in order."""
        queues: dict[str, list[tuple[int, int, int]]] = {c.name: [] for c in self.network.cores}
        spikes: dict[str, list[tuple[int, int, int]]] = {c.name: [] for c in self.network.cores}
        links = self.network.links()
        for entry in self.network.entries:
            self.deliver(queues, entry, [(channel, y, x)])
        for core in self.network.order():
            # What other cores send here, in the order in which the links are listed.
            for source, _, destination in links:
                if source is not None and destination.core == core.name:
                    self.deliver(queues, destination, spikes[source])
            for arriving in queues[core.name]:
                spikes[core.name] += self.touch(core, *arriving)
        return spikes

    def deliver(self, queues: Any, destination: Any, events: list[tuple[int, int, int]]) -> None:
        target = next(c for c in self.network.cores if c.name == destination.core)
        for feature, y, x in events:
            y, x = y // destination.pool, x // destination.pool
            if y < target.shape[1] and x < target.shape[2]:
                queues[target.name].append((feature + destination.shift, y, x))
            else:
                self.lost[target.name] += 1

    def touch(self, core: Any, channel: int, y: int, x: int) -> list[tuple[int, int, int]]:
        features, height, width = core.out_shape
        state, spikes = self.states[core.name], []
        for oy in range(height):
            for ox in range(width):
                ky = y + core.padding[0] - oy * core.stride[0]
                kx = x + core.padding[1] - ox * core.stride[1]
                if not (0 <= ky < core.kernel.shape[2] and 0 <= kx < core.kernel.shape[3]):
                    continue
                for f in range(features):
                    v = int(state[f, oy, ox]) + int(core.kernel[f, channel, ky, kx])
                    if v >= core.threshold:
                        spikes.append((f, oy, ox))
                        v = v - core.threshold if core.reset == "subtract" else 0
                    state[f, oy, ox] = max(v, core.lower)
        return sorted(spikes) if self.sweep == "channel" else spikes


def run(
    network: Any, inputs: Any, tick_every: int | None = None, sweep: str = "pixel"
) -> tuple[dict[str, list[tuple[int, ...]]], dict[str, int]]:
    """Core -> (sample, step, root, place) of each spike, and the events lost."""
    seen: dict[str, list[tuple[int, ...]]] = {core.name: [] for core in network.cores}
    lost = {core.name: 0 for core in network.cores}
    _, height, width = inputs.shape
    for sample in range(inputs.samples):
        chip = Reference(network, sweep)
        number = 0
        for step in range(inputs.steps):
            if tick_every is not None and step % tick_every == 0:
                chip.tick()
            here = (inputs.sample == sample) & (inputs.step == step)
            for place in inputs.place[here]:
                channel, rest = divmod(int(place), height * width)
                spikes = chip.event(channel, *divmod(rest, width))
                for name, list_of in spikes.items():
                    shape = next(c for c in network.cores if c.name == name).out_shape
                    seen[name] += [
                        (sample, step, number, int(np.ravel_multi_index(at, shape)))
                        for at in list_of
                    ]
                number += 1
        for name, count in chip.lost.items():
            lost[name] += count
    return seen, lost
