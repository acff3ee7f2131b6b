"""Loihi 2 in Lava's fixed point: weights with exponents, 12-bit decays, 17-bit thresholds.

Arithmetic: lava-nc 0.10, proc/lif/models.py, proc/dense/models.py (fact sheet, section 3).
One threshold unit is S = vth_mant 2^6 membrane units; a synapse adds w 2^(e + 6).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.bundle.integers.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.bundle.integers.draft import Arrays, Loss, Quantized, Stored, loss, smallest_clip
from mapper.bundle.integers.units import Unit, first_membrane, unit, weights
from mapper.families.loihi2.units import stored_bits
from mapper.problem.network import Population
from mapper.solving.offer.plans import Form
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray

PERCENTILES = (100.0, 99.9, 99.5, 99.0, 98.0, 97.0)
FILL = 1024.0  # aim for the threshold mantissa: the fact sheet's trials are flat from 64 to 4096


def dials(placed: Placed) -> tuple[Dial, ...]:
    """Per population the mantissa of the threshold that is aimed at, and a gain of weights."""
    found: list[Dial] = []
    for population in placed.question.network.populations:
        name = population.name
        aims = (64.0, 256.0, 4096.0)
        found += [dial("fill", name, aims, FILL), dial("gain", name, GAINS, 1.0)]
    return tuple(found)


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """Mantissas and exponents of every population and projection."""
    profile = placed.question.profile
    arrays = Arrays()
    populations: dict[str, Stored] = {}
    projections: dict[str, Stored] = {}
    floats: dict[tuple[str, str], Any] = {}
    alarms: list[str] = []
    for population in placed.question.network.populations:
        form = placed.chosen[population.name].form
        _population(
            population,
            form,
            placed,
            profile,
            chosen,
            arrays,
            populations,
            projections,
            floats,
            alarms,
        )
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections=projections,
        alarms=tuple(alarms),
        floats=floats,
    )


def _population(
    population: Population,
    form: Form,
    placed: Placed,
    profile: Profile,
    chosen: Chosen,
    arrays: Arrays,
    populations: dict[str, Stored],
    projections: dict[str, Stored],
    floats: dict[tuple[str, str], Any],
    alarms: list[str],
) -> None:
    name = population.name
    one = int(profile.limit("decay_one").value)
    u = unit(population, form.neuron)
    has_synapse, spiking = form.neuron.dynamics.has_synapse, form.neuron.dynamics.spiking
    syn = np.clip(np.rint(one * (1.0 - u.syn_decay)), 1, one).astype(np.int32)
    mem = np.clip(np.rint(one * (1.0 - u.mem_decay)), 0, one - 1).astype(np.int32)
    if not has_synapse:
        syn = np.full(population.size, one, dtype=np.int32)
    area = _area(u, syn / one, mem / one, has_synapse)
    gain = read(chosen, "gain", name, 1.0)
    wanted = {p.id: weights(p, u.gain * area * gain) for p in form.projections}
    source = form.neuron.bias == "source"
    if source:
        wanted[f"bias:{name}"] = (u.bias * area)[:, None]
    bits = stored_bits(profile, placed.question.settings)
    fill = read(chosen, "fill", name, FILL)
    mantissa, exponents = _scales(wanted, u, syn, one, form, profile, spiking, bits, fill)
    unit_size = mantissa << int(profile.limit("threshold_shift").value)
    for key, w in wanted.items():
        e = exponents[key]
        integers, lost = _weights(w, mantissa, e, profile, bits)
        if gain != 1.0 and not key.startswith("bias:"):
            lost = loss(w / gain, integers * 2.0**e / mantissa, lost.clipped)
        conv = any(p.id == key and p.form == "conv" for p in form.projections)
        ref = arrays.add(
            integers.astype(np.int32), f"{'kernel' if conv else 'weights'} of '{key}'", lost
        )
        floats[(key, "weight")] = integers * 2.0**e / mantissa
        projections[key] = Stored(
            params={
                "kernel" if conv else "weight": ref,
                "exponent": e,
                "bits": bits,
                "sign_mode": "MIXED",
            }
        )
    delivered = floats[(f"bias:{name}", "weight")][:, 0] / area if source else 0.0
    constant = u.constant(delivered) if has_synapse else u.leak + u.bias
    first = first_membrane(u, constant, placed.lag[name])
    soft = form.neuron.device_model == "ATRLIF"
    if soft:
        constant = constant - (mem / one) / 2.0
    bias, bias_exp, lost = _bias(constant * unit_size, unit_size, profile)
    floats[(name, "leak")] = bias * 2.0**bias_exp / unit_size + ((mem / one) / 2.0 if soft else 0.0)
    if lost.clipped:
        alarms.append(f"'{name}': {lost.clipped} biases are clipped")
    wanted_start = np.rint(first * unit_size) - (unit_size // 2 if soft else 0)
    most = 2 ** (int(profile.limit("state_bits").value) - 1) - 1
    v_init = np.clip(wanted_start, -most, most).astype(np.int64)
    if off := int(np.count_nonzero(v_init != wanted_start)):
        alarms.append(
            f"'{name}': {off} membranes would have to start beyond the chip's {most:,} units to be "
            f"right when the input arrives, {placed.lag[name]} steps late; the start is off by up to "
            f"{float(np.max(np.abs(v_init - wanted_start))) / unit_size:.3g} thresholds, and decays"
        )
    params: dict[str, Any] = {
        "bias_mant": arrays.add(bias.astype(np.int32), f"bias of '{name}'", lost),
        "bias_exp": bias_exp,
        "v_init": arrays.add(v_init.astype(np.int32), f"first membrane of '{name}'"),
    }
    syn_loss = loss(1.0 - u.syn_decay, syn / one) if has_synapse else None
    mem_loss = loss(1.0 - u.mem_decay, mem / one)
    if soft:
        params |= {
            "delta_i": arrays.add(syn - 1, f"synaptic decay of '{name}'", syn_loss),
            "delta_v": arrays.add(mem, f"membrane decay of '{name}'", mem_loss),
            "theta_0": mantissa // 2,
        }
    else:
        params |= {
            "du": arrays.add(syn - 1, f"synaptic decay of '{name}'", syn_loss),
            "dv": arrays.add(mem, f"membrane decay of '{name}'", mem_loss),
            "vth_mant": mantissa if spiking else int(profile.limit("threshold_mantissa_max").value),
        }
    populations[name] = Stored(scale=int(unit_size), params=params)


def _area(
    u: Unit, syn: NDArray[np.float64], mem: NDArray[np.float64], has_synapse: bool
) -> NDArray[np.float64]:
    """Gain that keeps the area of the response after decays are rounded (1 for integrators)."""
    ratio = np.ones_like(mem)
    leaky = (u.mem_decay < 1.0) & (mem > 0)
    ratio[leaky] = mem[leaky] / (1.0 - u.mem_decay[leaky])
    if has_synapse:
        ratio = ratio * syn / (1.0 - u.syn_decay)
    return ratio


def _scales(
    wanted: dict[str, AnyArray],
    u: Unit,
    syn: AnyArray,
    one: int,
    form: Form,
    profile: Profile,
    spiking: bool,
    bits: int,
    fill: float,
) -> tuple[int, dict[str, int]]:
    """Threshold mantissa and a weight exponent per projection.

    The largest weight that is kept fills its range: vth_mant = largest 2^e / w, for the e that
    brings it nearest to `fill`, as long as |u| and |v| stay below 2^(state bits - 1).
    """
    step, largest = _grid(profile, bits)
    steps = largest // step
    tops = {
        key: steps / smallest_clip(w, steps, PERCENTILES) for key, w in wanted.items() if np.any(w)
    }
    top = max(tops.values(), default=1.0)
    limit = 2 ** (int(profile.limit("state_bits").value) - 1)
    shift = int(profile.limit("threshold_shift").value)
    worst = _worst(wanted, u, syn / one, form)
    room = limit / 2**shift / max(worst, 1e-9)
    soft = form.neuron.device_model == "ATRLIF"
    # ATRLIF never resets its membrane: the smallest exponent leaves it the most headroom
    aim = 1.0 if soft else min(fill, room) if spiking else room / 2
    e = int(
        np.clip(
            np.floor(np.log2(max(aim, 1e-9) * top / largest)),
            0,
            int(profile.limit("weight_exponent_max").value),
        )
    )
    mantissa = int(
        np.clip(
            np.floor(largest * 2.0**e / top),
            1,
            min(room, int(profile.limit("threshold_mantissa_max").value)),
        )
    )
    mantissa = max(2, mantissa - mantissa % 2) if soft else max(mantissa, 1)  # theta_0 is half
    exponents: dict[str, int] = {}
    for key in wanted:
        high = tops.get(key, 0.0) * mantissa
        exponents[key] = max(0, int(np.ceil(np.log2(max(high, 1e-9) / largest) - 1e-9)))
    return mantissa, exponents


def _worst(wanted: dict[str, AnyArray], u: Unit, syn: NDArray[np.float64], form: Form) -> float:
    """Largest |u| in threshold units if every source fired in every step."""
    total = np.zeros(u.gain.size)
    for w in wanted.values():
        flat = np.abs(w).reshape(w.shape[0], -1).sum(axis=1)
        total = total + (
            flat if flat.size == total.size else np.repeat(flat, total.size // flat.size)
        )
    return (
        float(np.max(total / syn, initial=1.0)) + float(np.max(np.abs(u.leak), initial=0.0)) + 1.0
    )


def _grid(profile: Profile, bits: int) -> tuple[int, int]:
    """(step, largest) of mixed weights in so many bits: 2 at 8 bits, twice that a bit fewer.

    Lava floors to multiples of the step, so weights are rounded to them here.
    """
    fewer = int(profile.limit("weight_bits").value) - bits
    step = int(profile.limit("weight_mixed_step").value) << fewer
    return step, int(profile.limit("weight_mantissa_max").value) // step * step


def _weights(
    w: AnyArray, mantissa: int, e: int, profile: Profile, bits: int
) -> tuple[AnyArray, Loss]:
    """Multiples of the grid's step, clipped to its range."""
    step, largest = _grid(profile, bits)
    raw = w * mantissa / 2.0**e
    integers = np.clip(step * np.rint(raw / step), -largest, largest)
    clipped = int(np.count_nonzero(np.abs(raw) > largest + step / 2))
    return integers, loss(w, integers * 2.0**e / mantissa, clipped)


def _bias(
    values: NDArray[np.float64], unit_size: int, profile: Profile
) -> tuple[AnyArray, int, Loss]:
    """Mantissas and the least exponent that holds the largest bias."""
    high = int(profile.limit("bias_mantissa_max").value)
    most = int(profile.limit("bias_exponent_max").value)
    top = float(np.abs(values).max(initial=0.0))
    e = int(np.clip(np.ceil(np.log2(max(top, 1e-9) / high)), 0, most))
    raw = values / 2.0**e
    mantissa = np.clip(np.rint(raw), -high, high)
    clipped = int(np.count_nonzero(np.abs(raw) > high + 0.5))
    return mantissa, e, loss(values / unit_size, mantissa * 2.0**e / unit_size, clipped)
