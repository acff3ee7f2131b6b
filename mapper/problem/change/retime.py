"""Another time step: gains rescaled, so that a spike kicks as before; inputs re-binned.

With k the share that a step takes (dt / tau, or 1 - exp(-dt / tau)), dt -> dt':

    LIF, LI      r' = r k / k'                      k r, the kick of a spike, stays
    CubaLIF      w_in' = w_in k_syn / k_syn',       the kick of the current stays, and the
                 r' = r (k_mem / k_syn) (k_syn' / k_mem')    charge that one spike brings
    bias         b' = b dt' / dt                    a step stands for dt' / dt old steps
    I, IF        per step (docs/architecture.md): only the bias changes

Delays are in the file's unit of time and stay. Not exact: spikes of dt' / dt steps fall
together.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from types import MappingProxyType

from nir_io.graph import (
    LI,
    LIF,
    Affine,
    Array,
    Conv1d,
    Conv2d,
    CubaLI,
    CubaLIF,
    Graph,
    Node,
    frozen,
)
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import step_share


def retimed(graph: Graph, semantics: Semantics, dt: float) -> tuple[Graph, Semantics]:
    """`graph` and `semantics` for steps of `dt` seconds. Raises BadInput as `step_share`.

    Raises ValueError where no time step is known to start from.
    """
    old = semantics.file_dt
    if old is None:
        raise ValueError("the network has no time constant, so no time step to change")
    chip = dt if semantics.chip_dt == old else semantics.chip_dt
    steps = None if semantics.steps is None else max(1, ceil(semantics.steps * old / dt))
    new = replace(semantics, file_dt=dt, chip_dt=chip, steps=steps)
    nodes = {name: _node(node, semantics, new) for name, node in graph.nodes.items()}
    return replace(graph, nodes=MappingProxyType(nodes), fingerprint=""), new


def _node(node: Node, old: Semantics, new: Semantics) -> Node:
    def share(tau: Array) -> Array:
        """k / k' of every neuron."""
        return step_share(tau, old, node.name) / step_share(tau, new, node.name)

    match node:
        case LIF() | LI():
            return replace(node, r=frozen(node.r * share(node.tau)))
        case CubaLIF() | CubaLI():
            syn, mem = share(node.tau_syn), share(node.tau_mem)
            return replace(node, w_in=frozen(node.w_in * syn), r=frozen(node.r * mem / syn))
        case Affine() | Conv1d() | Conv2d() if node.bias.any():
            assert old.file_dt is not None and new.file_dt is not None
            return replace(node, bias=frozen(node.bias * new.file_dt / old.file_dt))
        case _:
            return node
