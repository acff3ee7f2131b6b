"""What looks wrong in a network under given semantics; nothing here stops anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nir_io.graph import IF, LIF, CubaLI, CubaLIF, Graph, I

if TYPE_CHECKING:
    from nir_io.semantics import Semantics

SLOW = 1e5  # steps; slower membranes are likely in other units
ROUNDING = 2.0**-22  # files hold time constants as float32
FAST = 100.0  # r of an IF from which it is likely 1/dt


def time_constants(graph: Graph) -> tuple[tuple[str, str, float, float], ...]:
    """(node, field, least, largest) of each time constant, fastest first."""
    found = [
        (node.name, field, float(array.min()), float(array.max()))
        for node in graph.nodes.values()
        for field in ("tau", "tau_mem", "tau_syn")
        if (array := getattr(node, field, None)) is not None
    ]
    return tuple(sorted(found, key=lambda entry: (entry[2], entry[0], entry[1])))


def largest_kick(graph: Graph, dt: float | None) -> tuple[str, float] | None:
    """The neuron that one input spike lifts furthest, in thresholds, in the first step.

    Forward Euler: r w for an IF, (dt / tau) r w for a LIF, with (dt / tau_syn) w_in before
    it for a CubaLIF. None if no neuron follows weights, or dt is not known.
    """
    found: list[tuple[float, str]] = []
    for node in graph.of_kind(IF, LIF, CubaLIF):
        gain = node.r
        if isinstance(node, LIF):
            gain = gain * (dt or 0.0) / node.tau
        elif isinstance(node, CubaLIF):
            gain = gain * (dt or 0.0) / node.tau_mem * (dt or 0.0) / node.tau_syn * node.w_in
        for source in graph.before(node.name):
            weight = getattr(graph.nodes[source], "weight", None)
            if weight is not None and (node.v_threshold > 0).all():
                found.append((float(weight.max() * (gain / node.v_threshold).max()), node.name))
    kick, name = max(found, default=(0.0, ""))
    return (name, kick) if kick > 0 else None


def _fast(name: str, field: str, tau: float, semantics: Semantics) -> str:
    """What is said of a time constant of a step or less."""
    dt = semantics.file_dt or 0.0
    if tau <= 0.1 * dt:
        return (
            f"{field} of '{name}' is {tau / dt:.3g} dt: ten times or more smaller than a "
            f"framework's usual step? ({field} {tau:g}, file_dt {dt:g})"
        )
    turns = semantics.discretization == "forward-euler" and tau < dt * (1 - ROUNDING)
    how = f"a step multiplies by {1 - dt / tau:.3g}" if turns else "it forgets within a step"
    return f"{field} of '{name}' is {tau / dt:.3g} dt ({field} {tau:g}, file_dt {dt:g}): {how}"


def warnings(graph: Graph, semantics: Semantics) -> tuple[str, ...]:
    """What looks wrong in `graph` under `semantics`, a sentence each."""
    found: list[str] = []
    dt = semantics.file_dt
    for name, field, least, largest in time_constants(graph):
        if dt is None:
            break
        if least <= dt * (1 + ROUNDING):
            found.append(_fast(name, field, least, semantics))
        elif largest > SLOW * dt:
            found.append(
                f"{field} of '{name}' is {largest / dt:.3g} dt ({field} {largest:g}, file_dt "
                f"{dt:g}): it hardly leaks; is the step in other units?"
            )
    for node in graph.of_kind(I, IF):
        rate = float(np.abs(node.r).max())
        if semantics.integrator == "per-step" and rate >= FAST:
            found.append(
                f"r of '{node.name}' is {rate:g}, which each step adds; if that is 1/dt "
                "(spikingjelly), set integrator to per-time"
            )
    for node in graph.of_kind(CubaLIF, CubaLI):
        if dt is None or not np.allclose(node.w_in, 1.0):
            continue
        gain = float((dt / node.tau_syn).max())
        if gain < 0.5 and np.allclose(node.r * dt, node.tau_mem, rtol=0.7):
            found.append(
                f"w_in of '{node.name}' is 1 while r is about tau_mem/dt: its synapse passes only "
                f"{gain:.3g} of each weight (rockpool and old snnTorch files leave w_in out)"
            )
    if semantics.reset == "subtract":
        found += [
            f"v_reset of '{node.name}' is not 0, and reset 'subtract' does not use it"
            for node in graph.of_kind(IF, LIF, CubaLIF)
            if node.v_reset.any()
        ]
    return tuple(found)
