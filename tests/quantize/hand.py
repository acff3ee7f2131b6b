"""Small networks placed on a chip, and the integers that a quantizer gives them.

What is expected of them is worked out on paper in the tests, from the number formats of the
chips. Networks are those of tests/boundary/build.py: inputs are 'in0', neurons 'n2', ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from device_profiles.load import load
from mapper.bundle.integers.dial import NOTHING, Chosen
from mapper.bundle.integers.draft import Quantized, Stored
from mapper.families import family_named
from mapper.problem.settings import Settings
from mapper.solving.outcome import Placed
from nir_io.graph import Conv2d, frozen
from nir_io.semantics import Semantics
from tests.asking import decide, pose
from tests.boundary.build import Net

PLAIN = Semantics(file_dt=1.0, chip_dt=1e-3, reset="zero")
ONLY = "in0->n2"  # the projection of a network of one layer


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Integers by population or projection and parameter."""

    placed: Placed
    quantized: Quantized

    def value(self, what: Any) -> Any:
        """The array of a reference as nested lists; anything else as it is."""
        arrays = self.quantized.arrays.values
        return arrays[what].tolist() if isinstance(what, str) and what in arrays else what

    def of(self, name: str, *keys: str) -> Any:
        """Parameters of a population or projection: one alone, or several in a list."""
        found = [self.value(self._row(name).params.get(key)) for key in keys]
        return found[0] if len(found) == 1 else found

    def array(self, name: str, key: str) -> NDArray[Any]:
        """A parameter that is an array."""
        return self.quantized.arrays.values[self._row(name).params[key]]

    def scale(self, name: str) -> Any:
        """Units of a threshold."""
        return self.value(self.quantized.populations[name].scale)

    def error(self, name: str, key: str) -> dict[str, float]:
        """What is stated of an array's deviation."""
        return self.quantized.arrays.rows[self._row(name).params[key]]["error"]

    def _row(self, name: str) -> Stored:
        both = {**self.quantized.populations, **self.quantized.projections}
        return both[name]


def placed(net: Net, device: str, *, settings: Settings | None = None, **semantics: Any) -> Placed:
    """The network on the device; its last node is the output unless it has one."""
    if not net.nodes[-1].name.startswith("out"):
        net.output(net.nodes[-1].name)
    how = replace(PLAIN, **semantics)
    outcome = decide(pose(net.graph(), load(device), how, settings or Settings()))
    assert isinstance(outcome, Placed), outcome
    return outcome


def quantized(found: Placed, chosen: Chosen = NOTHING) -> Sheet:
    """A placement's integers."""
    family = family_named(found.question.profile.family)
    return Sheet(found, family.quantize(found, chosen))


def integers(net: Net, device: str, *, chosen: Chosen = NOTHING, **how: Any) -> Sheet:
    """Both."""
    return quantized(placed(net, device, **how), chosen)


def layer(weight: ArrayLike, kind: str = "IF", bias: ArrayLike | None = None, **params: Any) -> Net:
    """One dense layer; gains 1: an input of 1 adds 1 to the current, and that to the membrane."""
    net = Net(kind)
    matrix = np.asarray(weight, dtype=np.float64)
    net.dense(
        net.input(matrix.shape[1]), matrix.shape[0], weight=matrix, bias=bias, **gains(kind, params)
    )
    return net


def gains(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with r and w_in such that all gains are 1 (forward Euler, steps of 1)."""
    found = dict(params)
    if kind == "LIF":
        found.setdefault("r", np.asarray(found.get("tau", 4.0)))
    if kind == "CubaLIF":
        found.setdefault("r", np.asarray(found.get("tau_mem", 4.0)))
        found.setdefault("w_in", np.asarray(found.get("tau_syn", 4.0)))
    return found


def recurrent(weight: ArrayLike, back: ArrayLike, kind: str = "IF", **params: Any) -> Net:
    """in0 -> n2 -> n2: a dense layer with a matrix from itself to itself."""
    net = layer(weight, kind, **params)
    matrix = np.asarray(back, dtype=np.float64)
    net.join(net.linear("n2", len(matrix), weight=matrix), "n2")
    net.output("n2")
    return net


def conv(weight: ArrayLike, size: int, bias: ArrayLike = 0.0, **params: Any) -> Net:
    """in0 -> one convolution, its kernel (out, in, y, x) over a map of that size."""
    kernel = np.asarray(weight, dtype=np.float64)
    net = Net("IF")
    at = net.kernel(
        net.input(kernel.shape[1], size, size), kernel.shape[0], kernel.shape[2], bias=bias
    )
    plain = net.nodes[-1]
    assert isinstance(plain, Conv2d)
    net.nodes[-1] = replace(plain, weight=frozen(kernel))
    net.neuron(at, **params)
    return net
