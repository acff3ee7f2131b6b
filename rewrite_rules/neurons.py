"""Helpers that the rules on neurons share: decays to time constants and back, errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import LIF, Array, CubaLIF, Neuron, frozen
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import discretise
from rewrite_rules.response import Response, response_error
from rewrite_rules.rule import Keeps, Unbounded, Within


def tau_for(decay: Array, semantics: Semantics) -> Array:
    """The time constant in the file's unit whose decay per step is `decay` (0 < decay < 1)."""
    dt = semantics.file_dt if semantics.file_dt is not None else 1.0
    if semantics.discretization == "exponential":
        return frozen(-dt / np.log(decay))
    return frozen(dt / (1.0 - decay))


def with_decays(node: CubaLIF, syn_decay: Array, mem_decay: Array, semantics: Semantics) -> CubaLIF:
    """`node` with other decays per step and the same response to a constant input.

    The steady gain w_in r of the equations does not depend on the time constants, so
    they alone change: equal area under the response to one spike.
    """
    return replace(
        node,
        tau_syn=tau_for(syn_decay, semantics),
        tau_mem=tau_for(mem_decay, semantics),
    )


def as_cuba(node: LIF, syn_decay: Array, semantics: Semantics) -> CubaLIF:
    """A CubaLIF of the same steady gain: tau_syn from `syn_decay`, w_in = 1."""
    return CubaLIF(
        name=node.name,
        shape_in=node.shape_in,
        shape_out=node.shape_out,
        origin=node.origin,
        tau_syn=tau_for(syn_decay, semantics),
        tau_mem=node.tau,
        r=node.r,
        v_leak=node.v_leak,
        w_in=frozen(np.broadcast_to(1.0, node.shape_out)),
        v_threshold=node.v_threshold,
        v_reset=node.v_reset,
    )


def compare(before: Neuron, after: Neuron, semantics: Semantics, because: str) -> Keeps:
    """The membrane-response error of putting `after` for `before`, the worst neuron's."""
    old, new = discretise(before, semantics), discretise(after, semantics)
    error = response_error(
        Response(old.syn_decay, old.mem_decay),
        Response(new.syn_decay, new.mem_decay),
        semantics.steps,
    )
    if error is None:
        return Unbounded(f"{because}; without a leak its error grows with the run, pass --steps")
    return Within(float(np.max(error, initial=0.0)), because)
