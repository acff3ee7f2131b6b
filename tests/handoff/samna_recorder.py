"""A stand-in for samna's configuration of Speck: the documented fields, types and ranges.

Any other attribute, a numpy number where samna takes Python's, or a value out of range
raises. It is our reading of the documentation; samna itself was never run here.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

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
        "dimensions": (_dimensions, None),
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


class Recorder:
    """The modules of a stand-in samna, and what was done with them."""

    def __init__(self, chip: str, *, valid: bool = True) -> None:
        self.made: list[SpeckConfiguration] = []
        self.done: list[str] = []
        recorder = self

        class Made(SpeckConfiguration):
            def __init__(self) -> None:
                super().__init__()
                recorder.made.append(self)

        def validate(found: Any) -> tuple[bool, str]:
            recorder.done.append("validate")
            return valid, "" if valid else "kernel memory\nexceeded"

        def open_device(name: str) -> Any:
            recorder.done.append(f"open {name}")
            model = SimpleNamespace(apply_configuration=lambda _: recorder.done.append("apply"))
            clock = SimpleNamespace(
                set_slow_clk_rate=lambda rate: recorder.done.append(f"rate {rate}"),
                set_slow_clk=lambda on: recorder.done.append(f"clock {on}"),
            )
            return SimpleNamespace(get_model=lambda: model, get_io_module=lambda: clock)

        samna, module = ModuleType("samna"), ModuleType(f"samna.{chip}")
        configuration = ModuleType(f"samna.{chip}.configuration")
        vars(samna)["device"] = SimpleNamespace(open_device=open_device)
        vars(module)["validate_configuration"] = validate
        vars(configuration)["SpeckConfiguration"] = Made
        self.modules = {m.__name__: m for m in (samna, module, configuration)}
