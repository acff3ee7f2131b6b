"""What NIR leaves open: time step, update rule, reset. Chosen in the open, stored.

NIR gives differential equations. Two simulators run the same file with different time
steps, resets and orders of operation; on the NIR paper's networks that costs more
accuracy than 8-bit weights do. So each of these settings has a value and an origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from nir_io.graph import IF, Graph, I, frozen
from nir_io.presets import Setting
from nir_io.settings import (
    Comparison,
    Discretization,
    Integrator,
    Order,
    Origin,
    Reset,
    Spikes,
)

DEFAULTS: Mapping[str, Setting] = MappingProxyType(
    {
        "file_dt": None,
        "discretization": "forward-euler",
        "reset": "zero",
        "comparison": ">",
        "order": "leak-then-input",
        "spikes": "one",
        "v_min": None,
        "input_kind": "spikes",
        "steps": None,
        "integrator": "per-step",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Semantics:
    """The update rule of one network.

    file_dt: seconds (or the file's own unit of time) that a step stands for in the time
        constants; None only where no time constant is in the file.
    chip_dt: wall-clock seconds of a step; changes no coefficient.
    discretization: `forward-euler`: k = dt/tau; `exponential`: k = 1 - exp(-dt/tau).
    reset: `zero`: v = v_reset; `subtract`: v -= v_threshold.
    comparison: a spike where v > v_threshold, or v >= v_threshold.
    order: `leak-then-input`: v = (1-k) v + k (v_leak + r i); `input-then-leak`: the new
        input leaks once before the comparison, v = (1-k) (v + k r i) + k v_leak.
    spikes: at most one spike a step, or floor(v / v_threshold) of them (subtract only).
    v_min: lower bound of the membrane in units of v_threshold (-1.0: sinabs), or None.
    input_kind: `spikes` (0 or 1 a step and channel), `counts:N` (0..N), `real`.
    steps: run length in steps, None if not stated.
    integrator: `per-step`: I and IF do v += r i; `per-time`: v += dt r i (spikingjelly),
        which `per_step` turns into the other.
    origins: (setting, origin) for each setting, in field order.
    """

    file_dt: float | None
    chip_dt: float | None
    discretization: Discretization = "forward-euler"
    reset: Reset
    comparison: Comparison = ">"
    order: Order = "leak-then-input"
    spikes: Spikes = "one"
    v_min: float | None = None
    input_kind: str = "spikes"
    steps: int | None = None
    integrator: Integrator = "per-step"
    origins: tuple[tuple[str, Origin], ...] = ()

    @property
    def max_count(self) -> int | None:
        """Most events a step and input channel; None for real values."""
        if self.input_kind == "spikes":
            return 1
        if self.input_kind.startswith("counts:"):
            return int(self.input_kind.removeprefix("counts:"))
        return None


def per_step(graph: Graph, semantics: Semantics) -> Graph:
    """`graph` with every I and IF integrating per step: r times file_dt if it was per time."""
    if semantics.integrator == "per-step" or semantics.file_dt is None:
        return graph
    nodes = {
        name: replace(node, r=frozen(node.r * semantics.file_dt))
        if isinstance(node, (I, IF))
        else node
        for name, node in graph.nodes.items()
    }
    return replace(graph, nodes=MappingProxyType(nodes))
