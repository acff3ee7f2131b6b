"""A neuron node of another kind with the same kick a spike, as one would retrain it.

Nothing is claimed of the answers that the changed network gives: kinds differ. Rest and
reset become 0; a membrane without a threshold gets 1. A current decays half a step's share,
a membrane that the chip shifts takes the nearest power of two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from nir_io.graph import IF, LI, LIF, Array, CubaLIF, Graph, Neuron, frozen
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import Dynamics, discretise

DEFAULT_DECAY = 0.9375  # 1 - 2^-4, on every grid, for a neuron that had no leak
CURRENT = 0.5  # 1 - 2^-1: the shortest current on a grid of shifts


def converted(graph: Graph, name: str, kind: str, semantics: Semantics) -> Graph:
    """`graph` with neuron `name` as `kind`. Raises ValueError for a kind that cannot be made."""
    node = graph.nodes[name]
    if not isinstance(node, Neuron):
        raise ValueError(f"'{name}' is a {node.kind}, not a neuron")
    if kind not in MAKERS:
        raise ValueError(f"cannot make a '{kind}'; expected {', '.join(MAKERS)}")
    made = MAKERS[kind](node, discretise(node, semantics), semantics)
    nodes = {**graph.nodes, name: made}
    return replace(graph, nodes=MappingProxyType(nodes), fingerprint="")


def _tau(decay: Array, semantics: Semantics) -> Array:
    """The time constant whose step keeps `decay`."""
    dt = semantics.file_dt or 1.0
    if semantics.discretization == "exponential":
        return frozen(-dt / np.log(decay))
    return frozen(dt / (1.0 - decay))


def _on_grid(decay: Array) -> Array:
    """The nearest 1 - 2^-n, n at least 1; a decay of 1 (no leak) becomes the default."""
    share = np.where((decay >= 1.0) | (decay <= 0.0), 1.0 - DEFAULT_DECAY, 1.0 - decay)
    return 1.0 - 2.0 ** -np.clip(np.rint(-np.log2(share)), 1, 15)


def _shared(node: Neuron, dynamics: Dynamics) -> dict[str, object]:
    return {
        "name": node.name,
        "shape_in": node.shape_in,
        "shape_out": node.shape_out,
        "origin": node.origin,
        "v_threshold": frozen(dynamics.threshold),
        "v_reset": frozen(np.zeros(node.shape_out)),
    }


def _if(node: Neuron, dynamics: Dynamics, _: Semantics) -> IF:
    return IF(r=frozen(dynamics.gain), **_shared(node, dynamics))  # pyright: ignore[reportArgumentType]


def _lif(node: Neuron, dynamics: Dynamics, semantics: Semantics) -> LIF:
    decay = np.where(
        (dynamics.mem_decay >= 1.0) | (dynamics.mem_decay <= 0.0),
        DEFAULT_DECAY,
        dynamics.mem_decay,
    )
    return LIF(
        tau=_tau(decay, semantics),
        r=frozen(dynamics.gain / (1.0 - decay)),
        v_leak=frozen(np.zeros(node.shape_out)),
        **_shared(node, dynamics),  # pyright: ignore[reportArgumentType]
    )


def _cubalif(node: Neuron, dynamics: Dynamics, semantics: Semantics) -> CubaLIF:
    syn = _on_grid(dynamics.syn_decay) if dynamics.has_synapse else np.full(node.shape_out, CURRENT)
    mem = _on_grid(dynamics.mem_decay)
    return CubaLIF(
        tau_syn=_tau(syn, semantics),
        tau_mem=_tau(mem, semantics),
        w_in=frozen(1.0 / (1.0 - syn)),
        r=frozen(dynamics.gain / (1.0 - mem)),
        v_leak=frozen(np.zeros(node.shape_out)),
        **_shared(node, dynamics),  # pyright: ignore[reportArgumentType]
    )


def _silent(node: Neuron, dynamics: Dynamics, semantics: Semantics) -> Neuron:
    """A membrane that is read, not a spiking neuron."""
    made = _lif(node, dynamics, semantics)
    names = ("name", "shape_in", "shape_out", "origin", "r")
    same = {name: getattr(made, name) for name in names}
    return LI(tau=made.tau, v_leak=made.v_leak, **same)


Maker = Callable[[Neuron, Dynamics, Semantics], Neuron]
MAKERS: Mapping[str, Maker] = MappingProxyType(
    {"IF": _if, "LIF": _lif, "CubaLIF": _cubalif, "LI": _silent}
)
