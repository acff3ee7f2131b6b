"""Where a placement departs from the network's update rule, beyond what a rewrite tells.

Several spikes a step, and a lower bound of the membrane, are parts of the rule that some
chips have no counterpart for. What cannot happen in a network is not told: a neuron whose
whole input of a step is at most a threshold fires once at most, and a membrane that nothing
pulls down needs no bound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.bundle.integers.units import Unit, unit, weights
from mapper.solving.offer.plans import Form, ProjectionForm
from mapper.solving.outcome import Placed
from nir_io.raw import first_of


def departures(placed: Placed) -> tuple[str, ...]:
    """One sentence for each kind of departure, with the populations that it may concern."""
    question = placed.question
    traits, semantics = question.traits, question.semantics
    often: list[str] = []
    low: list[str] = []
    single = _single(placed)
    for population in question.network.populations:
        name = population.name
        form = placed.chosen[name].form
        if not form.neuron.dynamics.spiking:
            continue
        if name not in single:
            often.append(name)
        if semantics.v_min is not None and _falls(form, unit(population, form.neuron)):
            low.append(name)
    found: list[str] = []
    device = question.profile.name
    if often and semantics.spikes == "many" and traits.several == "never":
        found.append(
            f"{_names(often)}: the network fires several times a step where it is far above "
            f"threshold, {device} once: the rest follows in later steps"
        )
    hidden = [n for n in often if placed.chosen[n].role != "output"]
    if hidden and semantics.spikes == "one" and traits.several == "asked":
        found.append(
            f"{_names(hidden)}: the network fires once a step, a hidden neuron of {device} up to "
            f"{traits.hidden_spikes} times where it is far above threshold"
        )
    if low and not traits.floor:
        found.append(
            f"{_names(low)}: the network's membranes stop at {semantics.v_min:g} thresholds, those of "
            f"{device} fall further"
        )
    return tuple(found)


def _single(placed: Placed) -> frozenset[str]:
    """Populations that fire once a step at most, whatever the input.

    By v < 1 before a step, the most that a step adds is at most 1: v < 2. With a synapse
    the current builds up, so none is claimed.
    """
    question = placed.question
    most = {name: question.semantics.max_count for name, _ in question.network.inputs}
    once: set[str] = set()
    again = True
    while again:
        again = False
        for population in question.network.populations:
            name = population.name
            form = placed.chosen[name].form
            if name in once or form.neuron.dynamics.has_synapse:
                continue
            u = unit(population, form.neuron)
            total: NDArray[np.float64] | None = np.maximum(u.bias, 0.0) + np.maximum(u.leak, 0.0)
            for p in form.projections:
                count = 1 if p.source in once else most.get(p.source)
                total = None if count is None or total is None else total + count * _up(p, u)
            if total is not None and float(np.max(total, initial=0.0)) <= 1.0:
                once.add(name)
                again = True
    return frozenset(once)


def _up(p: ProjectionForm, u: Unit) -> NDArray[np.float64]:
    """Per neuron, what its positive weights add if every source fires once; pools add up."""
    w = np.maximum(weights(p, u.gain), 0.0)
    flat = w.reshape(len(w), -1).sum(axis=1) * (np.prod(p.pool) if p.pool else 1)
    return flat if flat.size == u.gain.size else np.repeat(flat, u.gain.size // flat.size)


def _falls(form: Form, u: Unit) -> bool:
    """Whether anything can pull a membrane below 0."""
    if np.any(u.bias < 0.0) or np.any(u.leak < 0.0) or np.any(u.v_init < 0.0):
        return True
    return any(np.any(weights(p, u.gain) < 0.0) for p in form.projections)


def _names(names: list[str]) -> str:
    return first_of([f"'{name}'" for name in names], 4)
