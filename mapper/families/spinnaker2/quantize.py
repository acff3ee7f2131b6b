"""SpiNNaker2: integer weights with one scale a population, float32 parameters.

Formulas: py-spinnaker2's s2_nir (profile, source `converter`), with the scale chosen by
error instead of by the largest weight: 127 / percentile, larger weights clipped.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.bundle.integers.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.bundle.integers.draft import Arrays, Loss, Quantized, Stored, best_share, loss, scale_of
from mapper.bundle.integers.units import first_membrane, unit, weights
from mapper.emulate.manifest import Params
from mapper.solving.offer.plans import Form
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray

PERCENTILES = (100.0, 99.9, 99.5, 99.0, 98.0, 97.0)


def dials(placed: Placed) -> tuple[Dial, ...]:
    """Per population the percentile of the weights that is kept, and a gain of them."""
    found: list[Dial] = []
    for population in placed.question.network.populations:
        name = population.name
        form = placed.chosen[name].form
        u = unit(population, form.neuron)
        kept = best_share(_all(form, u.gain), _most(placed, form), PERCENTILES)
        found += [dial("clip", name, PERCENTILES, kept), dial("gain", name, GAINS, 1.0)]
    return tuple(found)


def _all(form: Form, gain: AnyArray) -> AnyArray:
    """The weights of all projections; a bias source does not set the scale.

    What its weight cannot carry, i_offset does.
    """
    flat = [np.ravel(weights(p, gain)) for p in form.projections]
    return np.concatenate(flat) if flat else np.zeros(1)


def _most(placed: Placed, form: Form) -> int:
    delayed = not form.neuron.device_model.endswith("_no_delay") and "conv" not in {
        p.form for p in form.projections
    }
    key = "weight_magnitude_delay" if delayed else "weight_magnitude"
    return int(placed.question.profile.limit(key).value)


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """Weights, thresholds and decays of every population."""
    semantics = placed.question.semantics
    arrays = Arrays()
    populations: dict[str, Stored] = {}
    projections: dict[str, Stored] = {}
    floats: dict[tuple[str, str], AnyArray] = {}
    for population in placed.question.network.populations:
        name = population.name
        form = placed.chosen[name].form
        u = unit(population, form.neuron)
        most = _most(placed, form)
        wanted = {p.id: weights(p, u.gain) for p in form.projections}
        source = form.neuron.bias == "source"
        if source:
            wanted[f"bias:{name}"] = u.bias[:, None]
        every, gain = _all(form, u.gain), read(chosen, "gain", name, 1.0)
        kept = read(chosen, "clip", name, best_share(every, most, PERCENTILES))
        scale = scale_of(every * gain, most, kept)
        for projection in form.projections:
            conv = projection.form == "conv"
            what = f"{'kernel' if conv else 'weights'} of '{projection.id}'"
            integers, error = _stored(wanted[projection.id], scale, most, gain)
            floats[(projection.id, "weight")] = integers / scale
            ref = arrays.add(integers, what, error)
            projections[projection.id] = Stored(params={"kernel" if conv else "weight": ref})
        if source:
            integers, error = _stored(wanted[f"bias:{name}"], scale, most)
            floats[(f"bias:{name}", "weight")] = integers / scale
            ref = arrays.add(integers, f"bias of '{name}'", error)
            projections[f"bias:{name}"] = Stored(params={"weight": ref})
        constant = u.constant(floats[(f"bias:{name}", "weight")][:, 0] if source else 0.0)
        offset = constant * scale
        threshold = np.full(population.size, scale, dtype=np.float32)
        if semantics.comparison == ">":
            threshold = np.nextafter(threshold, np.float32(np.inf))
        params: Params = {
            "threshold": arrays.add(threshold, f"threshold of '{name}'"),
            "alpha_decay": _float(arrays, u.mem_decay, f"membrane decay of '{name}'"),
            "i_offset": _float(arrays, offset, f"constant input of '{name}'"),
            "v_reset": _float(arrays, np.zeros(population.size), f"reset value of '{name}'"),
            "v_init": _float(
                arrays,
                first_membrane(u, constant, placed.lag[name]) * scale,
                f"first membrane of '{name}'",
            ),
        }
        if form.neuron.dynamics.has_synapse:
            for key in ("exc_decay", "inh_decay"):
                params[key] = _float(arrays, u.syn_decay, f"{key} of '{name}'")
        populations[name] = Stored(scale=float(scale), params=params)
        floats[(name, "leak")] = offset / scale
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections=projections,
        alarms=(),
        floats=floats,
    )


def _stored(
    wanted: AnyArray, scale: float, most: int, gain: float = 1.0
) -> tuple[NDArray[np.int8], Loss]:
    """The integers of weights in threshold units times the gain, and their error.

    Zeros are left alone: they are nearly all of an unrolled convolution.
    """
    flat = np.ravel(wanted)
    at = np.flatnonzero(flat)
    values = flat[at]
    scaled = values * gain * scale
    rounded = np.clip(np.rint(scaled), -most, most)
    clipped = int(np.count_nonzero(np.abs(scaled) > most + 0.5))
    integers = np.zeros(flat.size, dtype=np.int8)
    integers[at] = rounded
    error = loss(values, rounded / scale, clipped, exact=flat.size - at.size)
    return integers.reshape(wanted.shape), error


def _float(arrays: Arrays, values: AnyArray, what: str) -> str:
    return arrays.add(np.asarray(values, dtype=np.float32), what)
