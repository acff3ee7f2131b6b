"""ODIN by looking at everything: one way a population, one crossbar."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.oracle.answer import Answer, Feasible, Infeasible
from mapper.oracle.unroll import unrolled
from mapper.problem.network import Network
from mapper.problem.settings import Settings
from nir_io.graph import IF
from nir_io.semantics import Semantics


def decide(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> Answer:
    """Whether every neuron is ODIN's as it is, and all find an address."""
    asked = sum(prod(shape) for _, shape in network.inputs) + network.neurons()
    if asked > profile.limit("addresses").value:
        return Infeasible(because=f"{asked} addresses")
    signs: dict[tuple[str, str], NDArray[np.bool_]] = {}
    for population in network.populations:
        node = population.node
        plain = isinstance(node, IF) and not np.any(node.v_reset) and population.bias is None
        if not plain or semantics.reset != "zero" or semantics.v_min != 0:
            return Infeasible(because=f"'{population.name}' is no neuron of ODIN's")
        for p in population.projections:
            if p.ideal_delay or p.delay is not None:
                return Infeasible(because=f"'{p.id}' takes steps")
            w = unrolled(p)
            up, down = (signs.setdefault((p.source, s), np.zeros(w.shape[1], bool)) for s in "+-")
            up |= np.any(w > 0, axis=0)
            down |= np.any(w < 0, axis=0)
            if np.any(up & down):
                return Infeasible(because=f"'{p.source}' has rows of both signs")
    return Feasible(objectives=(("error", 0),), example={})


def combined(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> int:
    """One way each."""
    return 1
