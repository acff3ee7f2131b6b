"""What looks wrong in a network under given semantics; nothing here stops anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nir_io.graph import (
    IF,
    LIF,
    Affine,
    Array,
    AvgPool2d,
    Conv1d,
    Conv2d,
    CubaLI,
    CubaLIF,
    Flatten,
    Graph,
    I,
    Input,
    Linear,
)
from nir_io.raw import first_of

if TYPE_CHECKING:
    from nir_io.semantics import Semantics

SLOW = 1e5  # steps; slower membranes are likely in other units
ROUNDING = 2.0**-22  # files hold time constants as float32
MUTE = 1 / 3  # of a network that cannot fire, from which on that is no accident
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


def _mute(graph: Graph, semantics: Semantics) -> list[str]:
    """Neurons with a leak that no input can lift to their thresholds, where they are many.

    The most that a membrane reaches is where its leak balances the largest input of every step,
    v_leak + r w_in sum of the weights that lift it, whatever the time step.
    """
    found: list[tuple[str, Array]] = []
    for node in graph.of_kind(LIF, CubaLIF):
        reach = [_most(graph, name, node.r, semantics) for name in graph.before(node.name)]
        known = [most for most in reach if most is not None]
        gain = node.w_in if isinstance(node, CubaLIF) else np.ones(node.shape_out)
        if not known or len(known) < len(reach) or (gain < 0).any():
            continue
        total = node.v_leak + gain * np.reshape(np.sum(known, axis=0), node.shape_out)
        height = np.where(node.v_threshold > 0, node.v_threshold, np.nan)
        found.append((node.name, np.ravel(total / height)))
    mute = {name: int(np.count_nonzero(share < 1.0)) for name, share in found}
    all_of_them = sum(int(np.prod(node.shape_out)) for node in graph.of_kind(IF, LIF, CubaLIF))
    if sum(mute.values()) < MUTE * all_of_them or not any(mute.values()):
        return []
    most = max(float(np.max(share[share < 1.0], initial=0.0)) for _, share in found)
    where = [f"{n:,} in '{name}'" for name, n in mute.items() if n]
    return [
        f"{sum(mute.values()):,} of {all_of_them:,} neurons cannot fire, whatever the input "
        f"({first_of(where, 4)}): with every input in every step they reach at most "
        f"{100 * most:.3g} % of their thresholds; are the weights in other units?"
    ]


def _most(graph: Graph, name: str, r: Array, semantics: Semantics) -> Array | None:
    """What a weight node sends at most into neurons of resistance r, times r: one value a neuron.

    None where that is not known: other nodes, real inputs, several spikes a step.
    """
    node = graph.nodes[name]
    if not isinstance(node, Linear | Affine | Conv1d | Conv2d):
        return None
    events = _events(graph, name, semantics)
    if events is None:
        return None
    axes = tuple(range(1, node.weight.ndim))
    up, down = (np.maximum(sign * node.weight, 0).sum(axis=axes) for sign in (1, -1))
    bias = np.zeros(len(up)) if isinstance(node, Linear) else node.bias
    wide = int(np.prod(node.shape_out)) // len(up)
    up, down, bias = (np.repeat(values, wide) for values in (up, down, bias))
    each = np.ravel(r)
    return np.where(each > 0, each * (up * events + bias), each * (bias - down * events))


def _events(graph: Graph, name: str, semantics: Semantics) -> float | None:
    """Most events a step that one input of a weight node gets; None where there is no most."""
    total = 0.0
    for before in graph.before(name):
        node = graph.nodes[before]
        while isinstance(node, Flatten | AvgPool2d) and len(graph.before(node.name)) == 1:
            node = graph.nodes[graph.before(node.name)[0]]
        if isinstance(node, Input) and semantics.max_count is not None:
            total += semantics.max_count
        elif isinstance(node, IF | LIF | CubaLIF) and semantics.spikes == "one":
            total += 1
        else:
            return None
    return total


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
    found += _mute(graph, semantics)
    if semantics.reset == "subtract":
        found += [
            f"v_reset of '{node.name}' is not 0, and reset 'subtract' does not use it"
            for node in graph.of_kind(IF, LIF, CubaLIF)
            if node.v_reset.any()
        ]
    return tuple(found)
