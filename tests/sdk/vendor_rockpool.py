"""Hands a Xylo bundle over to rockpool. Started with the Python of its own environment.

    python vendor_rockpool.py BUNDLE CONFIG.npz [deploy.py's options]

The bundle's deploy.py gives its dictionary to the chip's own `config_from_specification`;
CONFIG.npz holds the configuration as read back. Then deploy.py runs with rockpool's XyloSim,
made from the same dictionary, in place of xylosim's layer.

samna, which rockpool fills, is a stand-in: its configuration takes the fields that rockpool
3.1.0 sets and no others, and holds every number to the field's width. It validates nothing.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

CHIPS = {"xylo-audio2": "syns61201", "xylo-audio3": "syns65302", "xylo-imu": "syns63300"}


class Strict:
    """Fields of `FIELDS` only, as whole numbers low..high, or anything for None."""

    FIELDS: ClassVar[dict[str, tuple[int, int] | None]]

    def __init__(self) -> None:
        for name in self.FIELDS:
            object.__setattr__(self, name, 0)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.FIELDS:
            raise AttributeError(f"{type(self).__name__} has no field '{name}'")
        limits = self.FIELDS[name]
        if limits is not None:
            found = np.asarray(value)
            assert found.dtype.kind in "iub", f"{name}: {found.dtype}"
            assert found.size == 0 or (limits[0] <= found.min() and found.max() <= limits[1]), name
        object.__setattr__(self, name, value)


BYTE, FLAG, SHIFT = (-128, 127), (0, 1), (0, 7)


class Neuron(Strict):
    FIELDS: ClassVar = {
        "alias_target": (0, 999),
        "i_syn_decay": (0, 15),
        "i_syn2_decay": (0, 15),
        "v_mem_decay": (0, 15),
        "threshold": (0, 65535),
        "v_mem_bias": BYTE,
    }


class Part(Strict):
    FIELDS: ClassVar = {
        "weights": BYTE,
        "syn2_weights": BYTE,
        "weight_bit_shift": SHIFT,
        "neurons": None,
        "aliasing": FLAG,
    }


class Debug(Strict):
    FIELDS: ClassVar = {
        **{f"{what}_clock_enable": FLAG for what in ("isyn", "isyn2", "ra", "bias", "hm")},
        "ram_power_enable": FLAG,
        "always_update_omp_stat": FLAG,
    }


class Configuration(Strict):
    FIELDS: ClassVar = {
        "input": None,
        "hidden": None,
        "reservoir": None,
        "readout": None,
        "debug": None,
        "bias_enable": FLAG,
        "synapse2_enable": FLAG,
        "imu_if_input_enable": FLAG,
    }

    def __init__(self) -> None:
        super().__init__()
        for part in ("input", "hidden", "reservoir", "readout"):
            setattr(self, part, Part())
        self.debug = Debug()


class Anything(type):
    """Whatever else of samna rockpool names while it is imported; none of it is called."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(name, (), {})


class StandIn(ModuleType):
    __path__: ClassVar[list[str]] = []
    KNOWN: ClassVar[dict[str, Any]] = {
        "XyloConfiguration": Configuration,
        "ReservoirNeuron": Neuron,
        "HiddenNeuron": Neuron,
        "OutputNeuron": Neuron,
        "validate_configuration": staticmethod(lambda config: (True, "")).__func__,
    }

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.KNOWN.get(name) or Anything(name, (), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves `samna` and all below it."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname.split(".")[0] != "samna":
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: Any) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__version__"] = "0"  # without one rockpool takes samna for absent


def deploy_of(bundle: Path) -> Any:
    """The bundle's deploy.py as a module; nothing is run."""
    file = bundle / "deploy.py"
    module = ModuleType("deploy")
    vars(module)["__file__"] = str(file)
    exec(compile(file.read_bytes(), str(file), "exec"), vars(module))
    return module


def read_back(config: Any) -> dict[str, Any]:
    """The configuration as arrays."""
    parts = {"in": config.input, "out": config.readout}
    parts["rec"] = config.reservoir if np.size(config.reservoir.weights) > 1 else config.hidden
    found: dict[str, Any] = {
        "bias_enable": config.bias_enable,
        "synapse2_enable": config.synapse2_enable,
    }
    for key, part in parts.items():
        found[f"{key} weights"] = part.weights
        found[f"{key} syn2_weights"] = part.syn2_weights
        found[f"{key} weight_bit_shift"] = part.weight_bit_shift
        if key != "in":
            for field in Neuron.FIELDS:
                found[f"{key} {field}"] = [getattr(neuron, field) for neuron in part.neurons]
    return {key: np.asarray(value) for key, value in found.items()}


def main() -> int:
    bundle, config_file = Path(sys.argv[1]), Path(sys.argv[2])
    if find_spec("samna") is None:
        sys.meta_path.insert(0, Finder())
    deploy = deploy_of(bundle)
    net = deploy.load(str(bundle), "xylo")
    chip = net.manifest["device"]["name"]
    vendor: Any = importlib.import_module(f"rockpool.devices.xylo.{CHIPS[chip]}")
    given = deploy.handed_over(deploy.specification(net), chip)
    config, valid, said = vendor.config_from_specification(**given)
    assert valid, said
    np.savez(config_file, **read_back(config))

    renamed = {("bias" if key == "bias_hidden" else key): v for key, v in given.items()}

    def simulate(core: Any, spec: Any, raster: Any) -> dict[str, Any]:
        layer = vendor.XyloSim.from_specification(**renamed)
        out, _, record = layer.evolve(raster, record=True)
        return {
            "output": np.asarray(out),
            "hidden": np.asarray(record["Spikes"]),
            "output v": np.asarray(record["Vmem_out"]),
            "hidden v": np.asarray(record["Vmem"]),
        }

    deploy.simulate = simulate
    sys.argv = ["deploy.py", *sys.argv[3:]]
    return deploy.main(deploy.Family())


if __name__ == "__main__":
    sys.exit(main())
