"""A stand-in for py-spinnaker2: the documented classes, parameters, types and ranges.

Its Brian2 backend runs what was recorded on our emulator, so that a wrong order, sign or
name of a parameter shows as wrong spikes. py-spinnaker2 itself was never run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from mapper.families.spinnaker2 import emulate as spinnaker2

LIF = {"threshold", "alpha_decay", "i_offset", "v_init", "v_reset", "reset"}
PARAMETERS = {
    "lif": LIF,
    "lif_no_delay": LIF,
    "lif_curr_exp": LIF | {"exc_decay", "inh_decay", "t_refrac"},
    "lif_curr_exp_no_delay": LIF | {"exc_decay", "inh_decay", "t_refrac"},
    "lif_conv2d": {"threshold", "alpha_decay", "i_offset", "reset"},
}
CONV = {"in_height", "in_width", "stride_x", "stride_y", "pool_x", "pool_y"} | {
    f"pad_{side}" for side in ("top", "bottom", "left", "right")
}


class Population:
    def __init__(
        self,
        size: int,
        neuron_model: str,
        params: Mapping[Any, Any],
        name: str,
        record: list[str] | None = None,
    ) -> None:
        assert type(size) is int and size > 0
        assert name.isidentifier()
        assert type(record or []) is list
        assert set(record or ()) <= {"spikes", "v", "v_last", "time_done"}
        if neuron_model == "spike_list":
            for index, ticks in params.items():
                assert type(index) is int and 0 <= index < size
                assert all(type(t) is int and t >= 0 for t in ticks)
        else:
            assert set(params) == PARAMETERS[neuron_model] - (
                set() if "curr_exp" in neuron_model else {"exc_decay", "inh_decay", "t_refrac"}
            )
            assert params["reset"] in ("reset_by_subtraction", "reset_to_v_reset")
            for value in params.values():
                assert isinstance(value, str) or np.shape(value) in ((), (size,))
        self.size, self.neuron_model, self.params, self.name = size, neuron_model, params, name
        self.record, self.most = record or [], None
        self.spikes: Any = None
        self.voltages: Any = None

    def set_max_atoms_per_core(self, most: int) -> None:
        assert type(most) is int and 0 < most <= (256 if self.neuron_model == "lif_conv2d" else 250)
        self.most = most

    def get_spikes(self) -> dict[int, list[int]]:
        return {i: np.flatnonzero(self.spikes[:, i]).tolist() for i in range(self.size)}

    def get_voltages(self) -> dict[int, Any]:
        return {i: self.voltages[:, i] for i in range(self.size)}


class Projection:
    def __init__(self, pre: Population, post: Population, connections: Any, name: str) -> None:
        most, longest = (127, 0) if post.neuron_model.endswith("no_delay") else (15, 7)
        assert connections and name.isidentifier()
        assert post.neuron_model not in ("lif_conv2d", "spike_list")
        for row in connections:
            assert type(row) is list and all(type(value) is int for value in row)
            i, o, weight, delay = row
            assert 0 <= i < pre.size and 0 <= o < post.size
            assert 0 < abs(weight) <= most and 0 <= delay <= longest
        assert len({tuple(row[:2]) for row in connections}) == len(connections)
        self.pre, self.post, self.connections = pre, post, connections

    def emulated(self) -> Any:
        weights = np.zeros((self.post.size, self.pre.size), np.int64)
        delays = np.zeros_like(weights)
        for i, o, weight, delay in self.connections:
            weights[o, i], delays[o, i] = weight, delay
        return spinnaker2.Projection(
            source=self.pre.name,
            target=self.post.name,
            weights=weights,
            delays=delays if delays.any() else None,
        )


class Conv2DProjection:
    def __init__(
        self, pre: Population, post: Population, weights: Any, params: Any, name: str
    ) -> None:
        assert set(params) == CONV and all(type(value) is int for value in params.values())
        assert weights.dtype == np.int8 and weights.ndim == 4
        assert post.neuron_model == "lif_conv2d"
        self.pre, self.post, self.weights, self.params, self.name = pre, post, weights, params, name

    def emulated(self) -> Any:
        p = self.params
        return spinnaker2.ConvProjection(
            source=self.pre.name,
            target=self.post.name,
            kernel=self.weights,
            shape=(len(self.weights), p["in_height"], p["in_width"]),
            stride=(p["stride_y"], p["stride_x"]),
            pool=(p["pool_y"], p["pool_x"]),
            padding=tuple(p[f"pad_{side}"] for side in ("top", "bottom", "left", "right")),
        )


class Network:
    def __init__(self, name: str) -> None:
        self.parts: list[Any] = []

    def add(self, *parts: Any) -> None:
        assert all(isinstance(p, (Population, Projection, Conv2DProjection)) for p in parts)
        self.parts += parts


class Brian2Backend:
    def run(self, network: Network, timesteps: int) -> None:
        populations = [p for p in network.parts if isinstance(p, Population)]
        joined = [p for p in network.parts if not isinstance(p, Population)]
        assert {id(e) for p in joined for e in (p.pre, p.post)} <= {id(p) for p in populations}
        inputs = {p.name: _raster(p, timesteps) for p in populations if _is_source(p)}
        wired = {p.pre.name for p in joined}
        neurons = [p for p in populations if not _is_source(p)]
        found = spinnaker2.run(
            spinnaker2.Network(
                tuple(_emulated(p) for p in neurons), tuple(p.emulated() for p in joined)
            ),
            {name: raster for name, raster in inputs.items() if name in wired},
            states=tuple(p.name for p in neurons if "v" in p.record),
        )
        for p in neurons:
            p.spikes = found.spikes[p.name][0] if "spikes" in p.record else None
            if "v" in p.record:
                p.voltages = found.states[p.name]["v"][0]


class Chip:
    """hardware.SpiNNaker2Chip: made for one run; `done` keeps what was asked of all of them."""

    def __init__(self, done: list[Any], **address: str) -> None:
        self.done, self.fresh = done, True
        done.append(address)

    def run(self, network: Network, timesteps: int, sys_tick_in_s: float = 1e-3) -> None:
        assert self.fresh and type(sys_tick_in_s) is float
        self.fresh = False
        recorded = [p.name for p in network.parts if isinstance(p, Population) and p.record]
        self.done.append((recorded, timesteps, sys_tick_in_s))
        Brian2Backend().run(network, timesteps)


def _is_source(population: Population) -> bool:
    return population.neuron_model == "spike_list"


def _raster(population: Population, steps: int) -> Any:
    raster = np.zeros((1, steps, population.size), np.uint8)
    for index, ticks in population.params.items():
        raster[0, ticks, index] = 1
    return raster


def _emulated(population: Population) -> Any:
    return spinnaker2.Population(
        name=population.name,
        size=population.size,
        model=population.neuron_model,
        **population.params,
    )


def modules(done: list[Any] | None = None) -> dict[str, ModuleType]:
    """The modules of a stand-in py-spinnaker2; `done` gets what was asked of its chips."""
    hardware, asked = ModuleType("spinnaker2.hardware"), [] if done is None else done
    for board, addresses in (
        ("SpiNNaker2Chip", {"eth_ip"}),
        ("SpiNNcloud48NodeBoard", {"stm_ip", "eth_ip"}),
    ):
        vars(hardware)[board] = _board(addresses, asked)
    package, snn = ModuleType("spinnaker2"), ModuleType("spinnaker2.snn")
    brian2 = ModuleType("spinnaker2.brian2_sim")
    for made in (Population, Projection, Conv2DProjection, Network):
        vars(snn)[made.__name__] = made
    vars(brian2)["Brian2Backend"] = Brian2Backend
    vars(package).update(snn=snn, brian2_sim=brian2, hardware=hardware)
    return {m.__name__: m for m in (package, snn, brian2, hardware)}


def _board(addresses: set[str], done: list[Any]) -> Any:
    def make(**given: str) -> Chip:
        assert set(given) == addresses
        return Chip(done, **given)

    return make
