"""Small networks mapped into bundles, and their deploy.py run in this process."""

from __future__ import annotations

import sys
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import nir
import numpy as np
import pytest

from mapper import api

ODD = "..\\'\"<b>$(x)`; __import__('os')"


def recurrent(name: str = "hidden") -> nir.NIRGraph:
    """5 inputs, 6 recurrent CubaLIF neurons with a bias, 3 LIF neurons."""
    rng = np.random.default_rng(4)

    def cuba(n: int) -> nir.CubaLIF:
        ones = np.ones(n)
        return nir.CubaLIF(
            tau_syn=ones * 4e-3,
            tau_mem=ones * 8e-3,
            r=ones * 8,
            w_in=ones * 4,
            v_leak=ones * 0,
            v_threshold=ones,
            v_reset=ones * 0,
        )

    return nir.NIRGraph(
        nodes={
            "input": nir.Input(np.array([5])),
            "w": nir.Affine(rng.normal(0.3, 0.5, (6, 5)), rng.normal(0, 0.1, 6)),
            name: cuba(6),
            "rec": nir.Linear(rng.normal(0, 0.2, (6, 6))),
            "read": nir.Linear(rng.normal(0.3, 0.4, (3, 6))),
            "out": cuba(3),
            "output": nir.Output(np.array([3])),
        },
        edges=[
            ("input", "w"),
            ("w", name),
            (name, "rec"),
            ("rec", name),
            (name, "read"),
            ("read", "out"),
            ("out", "output"),
        ],
    )


def convolved(name: str = "a") -> nir.NIRGraph:
    """A 2 x 8 x 8 input, a convolution with stride, pooling, and a dense layer; IF neurons."""
    rng = np.random.default_rng(5)

    def fire(*shape: int) -> nir.IF:
        return nir.IF(r=np.ones(shape), v_threshold=np.ones(shape), v_reset=np.zeros(shape))

    nodes = {
        "input": nir.Input(np.array([2, 8, 8])),
        "conv": nir.Conv2d(
            input_shape=(8, 8),
            weight=rng.normal(0.1, 0.3, (4, 2, 3, 3)),
            stride=1,
            padding=1,
            dilation=1,
            groups=1,
            bias=np.zeros(4),
        ),
        name: fire(4, 8, 8),
        "pool": nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        "conv2": nir.Conv2d(
            input_shape=(4, 4),
            weight=rng.normal(0.1, 0.3, (4, 4, 3, 3)),
            stride=1,
            padding=1,
            dilation=1,
            groups=1,
            bias=np.zeros(4),
        ),
        "b": fire(4, 4, 4),
        "flat": nir.Flatten({"input": np.array([4, 4, 4])}, start_dim=0),
        "w": nir.Linear(rng.normal(0, 0.3, (3, 64))),
        "c": fire(3),
        "output": nir.Output(np.array([3])),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes=nodes, edges=list(pairwise(names)))


def mapped(network: nir.NIRGraph, device: str, folder: Path, **options: Any) -> Path:
    """The folder of the network's bundle."""
    given = {"semantics": "snntorch", "file_dt": 1e-3, "seed": 1} | options
    result = api.map(network, device, output=folder, **given)
    assert result.fits, result.text
    return folder


def loaded(folder: Path) -> Any:
    """The bundle's own deploy.py as a module; nothing is run."""
    file = folder / "deploy.py"
    module = ModuleType("deploy")
    vars(module)["__file__"] = str(file)
    exec(compile(file.read_bytes(), str(file), "exec"), vars(module))
    return module


class Shell:
    """Runs a bundle's deploy.py with stand-ins for the vendor's modules."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = patch, capture
        self._versions: dict[str, str] = {}
        patch.setattr(metadata, "version", self._version)

    def _version(self, name: str) -> str:
        if name not in self._versions:
            raise metadata.PackageNotFoundError(name)
        return self._versions[name]

    def install(self, name: str, version: str, modules: dict[str, ModuleType]) -> None:
        """Pretend that a package is installed."""
        self._versions[name] = version
        for module, found in modules.items():
            self._patch.setitem(sys.modules, module, found)

    def run(self, folder: Path, *words: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error)."""
        module = loaded(folder)
        self._patch.setattr(sys, "argv", ["deploy.py", *words])
        self._capture.readouterr()
        code = module.main(module.Family())
        said = self._capture.readouterr()
        return code, said.out, said.err


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell of its own for a test."""
    return Shell(monkeypatch, capsys)
