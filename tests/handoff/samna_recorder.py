"""A stand-in for samna's Speck: the documented fields, types, ranges, nodes and boards.

Any other attribute, a numpy number where samna takes Python's, or a value out of range
raises. Its board and its specksim compute, event by event and from what they were given
alone, what the datasheet says (v += w; one spike at v >= threshold_high; then
v >= threshold_low). It is our reading of the documentation and of sinabs 3.1.3, which calls
samna; samna itself was never run here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import numpy as np

CORES = 9


def _whole(low: int, high: int) -> Any:
    def check(value: Any) -> Any:
        if type(value) is not int or not low <= value <= high:
            raise TypeError(f"{value!r} ({type(value).__name__}) is no integer {low}..{high}")
        return value

    return check


def _flag(value: Any) -> Any:
    if type(value) is not bool:
        raise TypeError(f"{value!r} is no bool")
    return value


def _one_of(*allowed: int) -> Any:
    def check(value: Any) -> Any:
        if type(value) is not int or value not in allowed:
            raise TypeError(f"{value!r} is none of {allowed}")
        return value

    return check


def _nested(depth: int, low: int, high: int) -> Any:
    inner = _whole(low, high) if depth == 1 else None

    def check(value: Any) -> Any:
        if type(value) is not list:
            raise TypeError(f"{type(value).__name__} where a list is wanted")
        for entry in value:
            (inner or _nested(depth - 1, low, high))(entry)
        return value

    return check


def _dimensions(value: Any) -> Any:
    size = _whole(0, 64)

    def vector(found: Any) -> None:
        assert set(found) == {"x", "y"}
        size(found["x"]), size(found["y"])

    assert set(value) == {"input_shape", "output_shape", "kernel_size", "stride", "padding"}
    for key in ("input_shape", "output_shape"):
        assert set(value[key]) == {"feature_count", "size"}
        _whole(1, 1024)(value[key]["feature_count"])
        vector(value[key]["size"])
    vector(value["stride"])
    vector(value["padding"])
    _whole(1, 16)(value["kernel_size"])
    return value


class _Strict:
    """Fields of `FIELDS` only: name -> (check, default)."""

    FIELDS: ClassVar[dict[str, tuple[Any, Any]]]

    def __init__(self) -> None:
        for name, (_, default) in self.FIELDS.items():
            object.__setattr__(self, name, default() if isinstance(default, type) else default)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.FIELDS or self.FIELDS[name][0] is None:
            raise AttributeError(f"{type(self).__name__} has no field '{name}' to set")
        object.__setattr__(self, name, self.FIELDS[name][0](value))


class Destination(_Strict):
    FIELDS: ClassVar = {
        "enable": (_flag, False),
        "layer": (_one_of(*range(CORES), 12), 0),
        "pooling": (_one_of(1, 2, 4), 1),
        "feature_shift": (_whole(0, 1023), 0),
    }


class CnnLayer(_Strict):
    FIELDS: ClassVar = {
        "dimensions": (_dimensions, None),  # unset: the core is not used
        "weights": (_nested(4, -128, 127), list),
        "biases": (_nested(1, -(2**15), 2**15 - 1), list),
        "neurons_initial_value": (_nested(3, -(2**15), 2**15 - 1), list),
        "threshold_high": (_whole(0, 2**15 - 1), 1),
        "threshold_low": (_whole(-(2**15), 0), -1),
        "return_to_zero": (_flag, False),
        "leak_enable": (_flag, False),
        "leak_internal_slow_clk_enable": (_flag, False),
        "monitor_enable": (_flag, False),
        "destinations": (None, None),
    }

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "destinations", (Destination(), Destination()))


class Vector(_Strict):
    FIELDS: ClassVar = {"x": (_whole(0, 127), 0), "y": (_whole(0, 127), 0)}


class SensorDestination(_Strict):
    FIELDS: ClassVar = {"enable": (_flag, False), "layer": (_one_of(*range(CORES)), 0)}


class DvsLayer(_Strict):
    FIELDS: ClassVar = {
        "pass_sensor_events": (_flag, True),
        "merge": (_flag, False),
        "origin": (None, Vector),
        "cut": (None, Vector),
        "destinations": (None, None),
    }

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "destinations", (SensorDestination(), SensorDestination()))


class SpeckConfiguration:
    """What deploy.py fills."""

    def __init__(self) -> None:
        self.cnn_layers = tuple(CnnLayer() for _ in range(CORES))
        self.dvs_layer = DvsLayer()


class Spike(_Strict):
    """An event into or out of the chip; time stamps in microseconds."""

    FIELDS: ClassVar = {
        "layer": (_whole(0, 13), 0),
        "feature": (_whole(0, 1023), 0),
        "x": (_whole(0, 127), 0),
        "y": (_whole(0, 127), 0),
        "timestamp": (_whole(0, 2**32 - 1), 0),
    }


class Node:
    """A source or sink of events in samna's graphs."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []
        self.after: list[Callable[[list[Any]], None]] = []

    def write(self, events: list[Any]) -> None:
        assert type(events) is list
        for read in self.after:
            read(events)

    def get_events(self) -> list[Any]:
        found, self.waiting = self.waiting, []
        return found


class Graph:
    """samna.graph.EventFilterGraph: nodes in a row; nothing flows before it is started."""

    def __init__(self) -> None:
        self.running = False

    def sequential(self, nodes: list[Any]) -> list[Any]:
        for left, right in pairwise(nodes):
            left.after.append(lambda events, to=right: self._pass(to, events))
        return nodes

    def _pass(self, to: Any, events: list[Any]) -> None:
        assert self.running, "events before the graph was started"
        if hasattr(to, "take"):
            to.take(events)
        else:
            to.waiting += events

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False


class Core:
    """One core's states, from its configured layer."""

    def __init__(self, layer: CnnLayer) -> None:
        d = layer.dimensions
        self.layer = layer
        self.weights = np.array(layer.weights).transpose(0, 1, 3, 2)
        self.v = np.array(layer.neurons_initial_value).transpose(0, 2, 1).astype(np.int64)
        self.stride = d["stride"]["y"], d["stride"]["x"]
        self.padding = d["padding"]["y"], d["padding"]["x"]
        size = d["input_shape"]["size"]
        self.takes = d["input_shape"]["feature_count"], size["y"], size["x"]

    def event(self, c: int, y: int, x: int) -> Iterable[tuple[int, int, int]]:
        """The neurons that spike, pixel by pixel."""
        assert not self.layer.leak_enable, "the stand-in keeps no slow clock"
        assert all(0 <= at < most for at, most in zip((c, y, x), self.takes, strict=True))
        spikes: list[tuple[int, int, int]] = []
        for oy, ox, f in np.ndindex(self.v.shape[1], self.v.shape[2], self.v.shape[0]):
            ky = y + self.padding[0] - oy * self.stride[0]
            kx = x + self.padding[1] - ox * self.stride[1]
            if not (0 <= ky < self.weights.shape[2] and 0 <= kx < self.weights.shape[3]):
                continue
            v = self.v[f, oy, ox] + self.weights[f, c, ky, kx]
            if v >= self.layer.threshold_high:
                spikes.append((f, oy, ox))
                v = 0 if self.layer.return_to_zero else v - self.layer.threshold_high
            self.v[f, oy, ox] = max(v, self.layer.threshold_low)
        return spikes


class Model:
    """The chip on a board: configured, then fed by a graph."""

    def __init__(self, done: list[str]) -> None:
        self.done, self.out, self.config = done, Node(), SpeckConfiguration()
        self.cores: dict[int, Core] = {}

    def apply_configuration(self, config: SpeckConfiguration) -> None:
        self.done.append("apply")
        self.config = config
        used = [i for i, layer in enumerate(config.cnn_layers) if layer.dimensions is not None]
        self.cores = {i: Core(config.cnn_layers[i]) for i in used}

    def get_sink_node(self) -> Any:
        return self

    def get_source_node(self) -> Any:
        return self.out

    def take(self, events: list[Any]) -> None:
        """Run events in the order of their time stamps, each with all that follows from it."""
        assert all(isinstance(event, Spike) for event in events)
        assert [e.timestamp for e in events] == sorted(e.timestamp for e in events)
        spikes: list[Spike] = []
        for event in events:
            queue = deque([(event.layer, event.feature, event.y, event.x)])
            while queue:
                number, *at = queue.popleft()
                layer = self.config.cnn_layers[number]
                for f, y, x in self.cores[number].event(*at):
                    for end in layer.destinations:
                        if end.enable:
                            pool = end.pooling
                            place = (f + end.feature_shift, y // pool, x // pool)
                            queue.append((end.layer, *place))
                    if layer.monitor_enable:
                        spike = Spike()
                        spike.layer, spike.feature, spike.y, spike.x = number, f, y, x
                        spike.timestamp = event.timestamp + 7  # the chip takes a moment
                        spikes.append(spike)
        for read in self.out.after:
            read(spikes)


class Filter(Node):
    """A specksim filter; `take` events (feature, y, x, timestamp) one by one."""

    def take(self, events: list[Any]) -> None:
        for event in events:
            found = self.one(event)
            for read in self.after:
                read(found)

    def one(self, event: Any) -> list[Any]:
        raise NotImplementedError


class SimSpike:
    """samna.specksim.events.Spike(feature, y, x, timestamp), as sinabs makes it."""

    def __init__(self, feature: int, y: int, x: int, timestamp: int) -> None:
        assert all(type(value) is int for value in (feature, y, x, timestamp))
        self.feature, self.y, self.x, self.timestamp = feature, y, x, timestamp


class Convolution(Filter):
    """Gives weighted events to the filter after it."""

    def set_parameters(self, *given: Any) -> None:
        self.inputs, self.outputs, self.kernel, self.shape, self.stride, self.padding = given

    def set_weights(self, weights: Any) -> None:
        assert type(weights) is list
        self.weights = np.array(weights)
        assert self.weights.shape == (self.outputs, self.inputs, *self.kernel)

    def one(self, event: Any) -> list[Any]:
        assert event.feature < self.inputs
        assert event.y < self.shape[0] and event.x < self.shape[1]
        found: list[Any] = []
        height, width = (
            (self.shape[i] + 2 * self.padding[i] - self.kernel[i]) // self.stride[i] + 1
            for i in (0, 1)
        )
        for oy, ox in np.ndindex(height, width):
            ky = event.y + self.padding[0] - oy * self.stride[0]
            kx = event.x + self.padding[1] - ox * self.stride[1]
            if 0 <= ky < self.kernel[0] and 0 <= kx < self.kernel[1]:
                for f in range(self.outputs):
                    weight = self.weights[f, event.feature, ky, kx]
                    found.append((f, oy, ox, weight, event.timestamp))
        return found


class Fire(Filter):
    """Integrate and fire, subtracting."""

    def set_parameters(self, features: int, shape: tuple[int, int], high: Any, low: Any) -> None:
        assert type(high) is float and type(low) is float
        self.v, self.high, self.low = np.zeros((features, *shape)), high, low

    def get_layer(self) -> Any:
        return SimpleNamespace(reset_states=lambda: self.v.fill(0))

    def one(self, event: Any) -> list[Any]:
        f, y, x, weight, when = event
        v = self.v[f, y, x] + weight
        fired = v >= self.high
        self.v[f, y, x] = max(v - self.high if fired else v, self.low)
        return [SimSpike(f, y, x, when)] if fired else []


class SumPool(Filter):
    """Divides coordinates."""

    def set_parameters(self, kernel: tuple[int, int], shape: tuple[int, int]) -> None:
        self.kernel = kernel

    def one(self, event: Any) -> list[Any]:
        y, x = event.y // self.kernel[0], event.x // self.kernel[1]
        return [SimSpike(event.feature, y, x, event.timestamp)]


SOURCES = {
    "speck2e": "BasicSourceNode_speck2e_event_speck2e_input_event",
    "speck2f": "BasicSourceNode_speck2f_event_input_event",
}


class Recorder:
    """The modules of a stand-in samna, and what was done with them.

    boards: samna's device_type_name of each connected board.
    """

    def __init__(
        self, chip: str, *, valid: bool = True, boards: tuple[str, ...] = ("Speck2fDevKit",)
    ) -> None:
        self.made: list[SpeckConfiguration] = []
        self.done: list[str] = []
        self.model = Model(self.done)
        recorder = self

        class Made(SpeckConfiguration):
            def __init__(self) -> None:
                super().__init__()
                recorder.made.append(self)

        def validate(found: Any) -> tuple[bool, str]:
            recorder.done.append("validate")
            return valid, "" if valid else "kernel memory\nexceeded"

        def note(said: str) -> Callable[..., None]:
            return lambda *what: recorder.done.append(" ".join([said, *map(str, what)]))

        def open_device(info: Any) -> Any:
            recorder.done.append(f"open {info.device_type_name}")
            clock = SimpleNamespace(set_slow_clk_rate=note("rate"), set_slow_clk=note("clock"))
            watch = SimpleNamespace(reset=note("reset"), start=note("start"), stop=note("stop"))
            return SimpleNamespace(
                get_model=lambda: recorder.model,
                get_io_module=lambda: clock,
                get_stop_watch=lambda: watch,
            )

        samna, module = ModuleType("samna"), ModuleType(f"samna.{chip}")
        configuration = ModuleType(f"samna.{chip}.configuration")
        specksim, nodes = ModuleType("samna.specksim"), ModuleType("samna.specksim.nodes")
        events = ModuleType("samna.specksim.events")
        devices = [SimpleNamespace(device_type_name=name) for name in boards]
        vars(samna)["device"] = SimpleNamespace(
            open_device=open_device,
            get_all_devices=lambda: devices,
            close_device=lambda _: recorder.done.append("close"),
        )
        vars(samna)["graph"] = SimpleNamespace(EventFilterGraph=Graph)
        for name in (
            SOURCES[chip],
            f"BasicSinkNode_{chip}_event_output_event",
            "BasicSourceNode_specksim_events_spike",
            "BasicSinkNode_specksim_events_spike",
        ):
            vars(samna)[name] = Node
        vars(module)["validate_configuration"] = validate
        vars(module)["event"] = SimpleNamespace(Spike=Spike)
        vars(configuration)["SpeckConfiguration"] = Made
        vars(nodes)["SpecksimConvolutionalFilterNode"] = Convolution
        vars(nodes)["SpecksimIAFFilterNode"] = Fire
        vars(nodes)["SpecksimSumPoolingFilterNode"] = SumPool
        vars(events)["Spike"] = SimSpike
        found = (samna, module, configuration, specksim, nodes, events)
        self.modules = {m.__name__: m for m in found}
