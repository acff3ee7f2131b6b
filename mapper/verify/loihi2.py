"""Loihi 2 through Lava: fields of LIF and ATRLIF, weights, and the units of a core.

    units = axon_in + groups + neurons + syn_words + axon_map + axon_mem
    dense axon with f targets on the core: ceil((f (bits + 12) + 10) / 64) words
    convolution: cin ky kx (ceil(cout bits / 64) + 1 + slack) words

Facts: lava-nc b6822fbc (proc/lif, dense, conv, atrlif) and the per-core tables in
lava-dl's notebooks, as cited in the profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.verify.arrays import Array
from mapper.verify.case import Case, conv, indices, magnitude, matrix, pooled, scale_findings
from mapper.verify.manifest import Population, Projection, Slice
from mapper.verify.placement import held, is_grid
from mapper.verify.report import shown
from mapper.verify.timing import is_delayed

RESOURCES = (
    # resource, fault, limit, unit
    ("neurons", "neurons-per-core", "neurons_per_core", "neurons"),
    ("groups", "groups-per-core", "groups_per_core", "groups"),
    ("axon_in", "axon-in", "axon_in_units", "input axons"),
    ("synapse_words", "synapse-words", "synapse_units", "synapse words"),
    ("axon_map", "axon-map", "axon_map_units", "axon map units"),
    ("axon_mem", "axon-mem", "axon_mem_units", "axon memory units"),
    ("units", "core-units", "units_per_core", "units"),
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Weights:
    """Weights of a projection, their bits and exponent; `kernel`: (out, in, y, x)."""

    array: Array
    bits: int
    exponent: int
    kernel: bool
    delayed: bool
    projection: Projection


def check_loihi2(case: Case) -> None:
    """Every population, projection and core."""
    for population in case.manifest.populations.values():
        groups = _neurons(case, population)
        weights = [_weights(case, population, p) for p in case.into[population.name]]
        found = [w for w in weights if w is not None]
        _overflow(case, population, found)
        if groups is None or len(found) < len(weights):
            continue
        name = population.name
        readers = {p.form == "conv" for p in case.manifest.projections if p.source == name}
        if case.leaves(name):
            readers.add(False)
        for piece in case.parts[name]:
            _slice_shape(case, population, piece, found)
            demand = _demand(case, population, piece, found, groups, readers)
            for resource, fault, limit, unit in RESOURCES:
                case.charge(piece, resource, fault, limit, demand[resource], unit)


def _neurons(case: Case, population: Population) -> NDArray[np.int64] | None:
    """Ranges of a process's fields; the group of each neuron (equal decays and threshold)."""
    d, params, n = case.device, case.of_population(population), population.size
    u_low = d.limit("decay_u_min") - d.limit("decay_u_offset")
    u_high = d.limit("decay_u_max") - d.limit("decay_u_offset")
    v_low, v_high = d.limit("decay_v_min"), d.limit("decay_v_max")
    vth_low, vth_high = d.limit("threshold_mantissa_min"), d.limit("threshold_mantissa_max")
    state = 2 ** (d.limit("state_bits") - 1) - 1
    names = {"LIF": ("du", "dv", "vth_mant"), "ATRLIF": ("delta_i", "delta_v", "theta_0")}
    if population.device_model not in names:
        case.book.find(
            "device-model",
            f"{params.where} runs as {shown(population.device_model)}; Lava's are {', '.join(names)}",
        )
        return None
    if population.kind not in d.words("neuron_models"):
        case.book.find("neuron-model", f"{params.where} is a {shown(population.kind)}")
    soft = population.device_model == "ATRLIF"
    if soft != (population.reset == "subtract"):
        case.book.find(
            "reset",
            f"{params.where} resets by '{population.reset}', {population.device_model} does not",
        )
    u_key, v_key, threshold_key = names[population.device_model]
    du = params.ints(u_key, (n,), u_low, u_high, "decay-range", "/4096")
    dv = params.ints(v_key, (n,), v_low, v_high, "decay-range", "/4096")
    threshold = params.whole(threshold_key, vth_low, vth_high, "threshold-range")
    bias_low, bias_high = d.limit("bias_mantissa_min"), d.limit("bias_mantissa_max")
    params.ints("bias_mant", (n,), bias_low, bias_high, "bias-range")
    params.whole("bias_exp", 0, d.limit("bias_exponent_max"), "exponent-range", "bits")
    params.ints("v_init", (n,), -state, state, "state-range")
    if threshold is not None:
        unit = 2 ** d.limit("threshold_shift") * (2 if soft else 1)
        scale_findings(case, population, np.array(threshold * unit), float(unit))
    if du is None or dv is None:
        return None
    if population.kind == "Threshold" and not (np.all(du == u_high) and np.all(dv == v_high)):
        case.book.find(
            "neuron-model",
            f"{params.where} is a 'Threshold', which keeps nothing for the next step; its decays "
            f"{u_key} and {v_key} must be {u_high} and {v_high}, and are {np.min(du)} and {np.min(dv)}",
        )
    pairs = du.astype(np.int64) << 16 | dv.astype(np.int64)
    return np.unique(pairs, return_inverse=True)[1].reshape(-1)


def _weights(case: Case, population: Population, projection: Projection) -> _Weights | None:
    """Weights within Lava's mantissas, even where signs are mixed, and their exponent."""
    d, params = case.device, case.of_projection(projection)
    low, high = d.limit("weight_mantissa_min"), d.limit("weight_mantissa_max")
    e_low, e_high = d.limit("weight_exponent_min"), d.limit("weight_exponent_max")
    exponent = params.whole("exponent", e_low, e_high, "exponent-range", "bits")
    bits, legal = params.raw.get("bits"), d.values("weight_bits_legal")
    if bits not in legal or isinstance(bits, bool):
        case.book.find(
            "weight-bits", f"{params.where} has weights of {shown(bits)} bits; legal are {legal}"
        )
        return None
    if params.raw.get("sign_mode") != "MIXED":
        case.book.find(
            "sign-mode", f"{params.where} has the sign mode {shown(params.raw.get('sign_mode'))}"
        )
    kernel = projection.form == "conv"
    array = (
        _kernel(case, population, projection, low, high)
        if kernel
        else matrix(case, projection, "weight", low, high)
    )
    if array is None or exponent is None:
        return None
    step = d.limit("weight_mixed_step") * 2 ** (d.limit("weight_bits") - bits)
    odd = int(np.count_nonzero(array.astype(np.int32) % step))
    if odd:
        case.book.find(
            "weight-step",
            f"{params.where}: {odd} of {array.size} weights are no multiples of {step}, the step of "
            f"{bits} bits and mixed signs",
        )
    if case.manifest.is_bias(projection) and array.shape[1] != 1:
        case.book.find(
            "bias-source", f"{params.where} has {array.shape[1]} columns; one source fires"
        )
    return _Weights(
        array=array,
        bits=int(bits),
        exponent=int(np.clip(exponent, e_low, e_high)),
        kernel=kernel,
        delayed=is_delayed(projection, case.store),
        projection=projection,
    )


def _kernel(
    case: Case, population: Population, projection: Projection, low: int, high: int
) -> Array | None:
    params = case.of_projection(projection)
    found = conv(case, params, population, low, high, dilated=True)
    if found is None:
        return None
    source = pooled(case.source_shape(projection), (1, 1))
    if projection.pool is not None or found.input_shape != source:
        case.book.find(
            "conv-shape",
            f"{params.where} reads a map of {found.input_shape}; {shown(projection.source)} gives "
            f"{source}, which nothing pools here",
        )
    top, bottom, left, right = found.padding
    if top != bottom or left != right:
        case.book.find(
            "symmetric-padding",
            f"{params.where} pads {found.padding}; Lava's Conv pads both sides alike",
        )
    if is_delayed(projection, case.store) and not case.device.switch("conv_delays"):
        case.book.find("delay-range", f"{params.where} delays; a convolution takes 0 steps")
    most = case.device.limit("conv_x_max")
    if max(found.input_shape[2], population.map[2]) > most:
        case.book.find(
            "conv-width",
            f"{params.where}: a map of {max(found.input_shape[2], population.map[2])} columns; "
            f"spikes are lost beyond {most}",
        )
    return found.kernel


def _overflow(case: Case, population: Population, weights: list[_Weights]) -> None:
    """|u| = sum |w| 2^(e + 6) events / ((du + 1) / 4096) stays below 2^23: u wraps.

    The bound of the fact sheet, section 3.1: every source brings its most events every step.
    """
    d = case.device
    ref = population.params.get("du", population.params.get("delta_i"))
    du: Any = case.store.arrays.get(ref) if isinstance(ref, str) else ref
    if du is None or np.shape(du) not in ((), (population.size,)):
        return
    share = np.broadcast_to(np.asarray(du, dtype=np.float64), (population.size,))
    share = np.maximum(share + d.limit("decay_u_offset"), 1) / d.limit("decay_one")
    channels = population.map[0]
    total = np.zeros(population.size)
    for w in weights:
        count = case.manifest.contract["max_count"] if case.from_input(w.projection) else None
        reach = magnitude(w.array).astype(np.float64) * 2.0 ** (w.exponent + d.limit("input_shift"))
        each = np.repeat(reach, population.size // channels) if w.kernel else reach
        total += each * (count or d.limit("spikes_per_step"))
    most, limit = float(np.max(total / share, initial=0.0)), 2 ** (d.limit("state_bits") - 1)
    if most >= limit:
        case.book.find(
            "overflow",
            f"population {shown(population.name)}: |u| can reach {most:,.0f}; it wraps at {limit:,}",
        )


def _slice_shape(case: Case, population: Population, piece: Slice, weights: list[_Weights]) -> None:
    """Slices of a convolution are boxes whose columns are a power of two wide and aligned."""
    conv_fed = any(w.kernel for w in weights) and len(population.shape) > 2
    if not conv_fed or not is_grid(population, piece.box):
        return
    *_, (start, stop) = piece.box
    wide = 2 ** (stop - start - 1).bit_length()
    ends = stop - start == wide or stop == population.map[2]
    if case.device.switch("conv_width_power_of_two") and (start % wide or not ends):
        case.book.find(
            "tile-width",
            f"{shown(piece.population)} on core {piece.core} holds the columns {start}:{stop}; tiles "
            f"of a convolution are a power of two wide and start at its multiples ({wide})",
        )


def _demand(
    case: Case,
    population: Population,
    piece: Slice,
    weights: list[_Weights],
    groups: NDArray[np.int64],
    readers: set[bool],
) -> dict[str, int]:
    """Units of one slice, from its weights; `readers`: whether each is a convolution.

    What leaves the chip is like a dense reader: an entry of the axon map a neuron.
    """
    d, size = case.device, held(population, piece.box)
    mine = indices(population, piece)
    axons = words = 0
    for w in weights:
        if w.kernel:
            axons += d.limit("axon_in_per_conv")
            words += _conv_words(case, w, size["channels"])
        else:
            targets = np.count_nonzero(w.array[mine], axis=0)
            axons += int(np.count_nonzero(targets)) * d.limit("axon_in_per_source")
            words += dense_words(case, targets, w.bits, w.delayed)
    maps = size["neurons"] * d.limit("axon_map_per_neuron") if False in readers else 0
    memory = 0
    if True in readers:
        maps += size["pixels"] * d.limit("axon_map_per_pixel")
        memory = ceil(d.exact("axon_mem_per_map") * size["pixels"])
    inside = len(np.unique(groups[mine]))
    found = {
        "neurons": size["neurons"],
        "groups": inside,
        "axon_in": axons,
        "synapse_words": words,
        "axon_map": maps,
        "axon_mem": memory,
    }
    per = {"neurons": d.limit("units_per_neuron"), "groups": d.limit("units_per_group")}
    return found | {"units": sum(used * per.get(key, 1) for key, used in found.items())}


def dense_words(case: Case, targets: Array, bits: int, delayed: bool) -> int:
    """Synapse words of axons with so many targets each; an axon without any has none."""
    d = case.device
    each = bits + d.limit("synapse_index_bits")
    each += d.limit("synapse_delay_bits") if delayed else 0
    f = targets[targets > 0].astype(np.int64)
    return int(np.sum(-(-(f * each + d.limit("synapse_header_bits")) // d.limit("word_bits"))))


def _conv_words(case: Case, w: _Weights, channels: int) -> int:
    d = case.device
    taps = int(np.prod(w.array.shape[1:]))
    return taps * (-(-channels * w.bits // d.limit("word_bits")) + 1 + d.limit("conv_word_slack"))
