"""How far over the threshold the membranes of the ideal network are when they spike.

Where a chip resets by subtraction or fires several times a step, what lies above the
threshold is what it treats otherwise than the network's own rule. It is measured on seeded
random input: no data are needed, and the same network gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mapper.problem.question import Question

SAMPLES, STEPS, DENSITY = 16, 100, 0.2
MOST = 2**24  # numbers of all neurons in all steps: a larger network is not run


def overshoot(question: Question) -> Mapping[str, float]:
    """Population -> mean of (v - threshold) / height over its spikes, before the reset.

    height: v_threshold - v_reset for a hard reset, else v_threshold. Populations that stay
    silent, and networks too large to run, are left out.
    """
    from mapper.emulate import ideal

    network, semantics = question.network, question.semantics
    if network.neurons() * SAMPLES * STEPS > MOST:
        return {}
    rng = np.random.default_rng(0)
    most = semantics.max_count or 1
    given: dict[str, NDArray[np.int64]] = {}
    for name, shape in network.inputs:
        events = rng.random((SAMPLES, STEPS, *shape)) < DENSITY
        given[name] = events * rng.integers(1, most + 1, events.shape)
    names = [p.name for p in network.populations if p.name in network.graph.nodes]
    # the pipeline has turned I and IF to one step already
    stepped = replace(semantics, integrator="per-step")
    ran = ideal.run(network.graph, stepped, given, overshoot=names, dtype=np.float32)
    return {name: value for name, value in ran.overshoot.items() if value is not None}
