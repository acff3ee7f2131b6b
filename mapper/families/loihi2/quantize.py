"""Loihi 2 in Lava's fixed point: weights with exponents, 12-bit decays, 17-bit thresholds.

Arithmetic: lava-nc 0.10, proc/lif/models.py, proc/dense/models.py (fact sheet, section 3).
One threshold unit is S = vth_mant 2^6 membrane units; a synapse adds w 2^(e + 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.bundle.integers.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.bundle.integers.draft import Arrays, Loss, Quantized, Stored, loss, smallest_clip
from mapper.bundle.integers.units import Unit, first_membrane, unit, weights
from mapper.emulate.manifest import Params
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


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Part:
    """A population with its decays on the chip's grid, in parts of `one`; bits: of a weight."""

    population: Population
    form: Form
    u: Unit
    syn: NDArray[np.int32]
    mem: NDArray[np.int32]
    one: int
    bits: int
    profile: Profile

    @property
    def name(self) -> str:
        """The population's."""
        return self.population.name

    @property
    def soft(self) -> bool:
        """Whether its membrane is never reset (ATRLIF)."""
        return self.form.neuron.device_model == "ATRLIF"

    @property
    def source(self) -> str:
        """The projection that stands for its bias; '' where it has none."""
        return f"bias:{self.name}" if self.form.neuron.bias == "source" else ""

    def area(self) -> NDArray[np.float64]:
        """Gain that keeps the area of the response."""
        has_synapse = self.form.neuron.dynamics.has_synapse
        return _area(self.u, self.syn / self.one, self.mem / self.one, has_synapse)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Weights:
    """Projections as they are stored; floats: what their integers stand for, in thresholds."""

    mantissa: int  # of the threshold
    stored: dict[str, Stored]
    floats: dict[str, AnyArray]


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """Mantissas and exponents of every population and projection."""
    arrays = Arrays()
    populations: dict[str, Stored] = {}
    projections: dict[str, Stored] = {}
    floats: dict[tuple[str, str], AnyArray] = {}
    alarms: list[str] = []
    for population in placed.question.network.populations:
        part = _part(population, placed)
        made = _projections(part, chosen, arrays)
        stored, leak, said = _membranes(part, made, placed.lag[part.name], arrays)
        populations[part.name] = stored
        projections |= made.stored
        floats |= {(key, "weight"): values for key, values in made.floats.items()}
        floats[(part.name, "leak")] = leak
        alarms += said
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections=projections,
        alarms=tuple(alarms),
        floats=floats,
    )


def _part(population: Population, placed: Placed) -> _Part:
    profile, form = placed.question.profile, placed.chosen[population.name].form
    one = int(profile.limit("decay_one").value)
    u = unit(population, form.neuron)
    syn = np.clip(np.rint(one * (1.0 - u.syn_decay)), 1, one).astype(np.int32)
    mem = np.clip(np.rint(one * (1.0 - u.mem_decay)), 0, one - 1).astype(np.int32)
    if not form.neuron.dynamics.has_synapse:
        syn = np.full(population.size, one, dtype=np.int32)
    return _Part(
        population=population,
        form=form,
        u=u,
        syn=syn,
        mem=mem,
        one=one,
        bits=stored_bits(profile, placed.question.settings),
        profile=profile,
    )


def _projections(part: _Part, chosen: Chosen, arrays: Arrays) -> _Weights:
    """Weights, and the mantissa of the threshold that they are measured in."""
    area, gain = part.area(), read(chosen, "gain", part.name, 1.0)
    wanted = {p.id: weights(p, part.u.gain * area * gain) for p in part.form.projections}
    if part.source:
        wanted[part.source] = (part.u.bias * area)[:, None]
    mantissa, exponents = _scales(part, wanted, read(chosen, "fill", part.name, FILL))
    convs = {p.id for p in part.form.projections if p.form == "conv"}
    stored: dict[str, Stored] = {}
    floats: dict[str, AnyArray] = {}
    for key, w in wanted.items():
        e = exponents[key]
        integers, lost = _weights(w, mantissa, e, part.profile, part.bits)
        if gain != 1.0 and key != part.source:
            lost = loss(w / gain, integers * 2.0**e / mantissa, lost.clipped)
        what = "kernel" if key in convs else "weights"
        ref = arrays.add(integers.astype(np.int32), f"{what} of '{key}'", lost)
        floats[key] = integers * 2.0**e / mantissa
        stored[key] = Stored(
            params={
                "kernel" if key in convs else "weight": ref,
                "exponent": e,
                "bits": part.bits,
                "sign_mode": "MIXED",
            }
        )
    return _Weights(mantissa=mantissa, stored=stored, floats=floats)


def _membranes(
    part: _Part, made: _Weights, lag: int, arrays: Arrays
) -> tuple[Stored, AnyArray, list[str]]:
    """Biases, decays, thresholds and first membranes; the leak they stand for; alarms."""
    name, u, profile = part.name, part.u, part.profile
    unit_size = made.mantissa << int(profile.limit("threshold_shift").value)
    delivered = made.floats[part.source][:, 0] / part.area() if part.source else 0.0
    has_synapse = part.form.neuron.dynamics.has_synapse
    constant = u.constant(delivered) if has_synapse else u.leak + u.bias
    first = first_membrane(u, constant, lag)
    half = (part.mem / part.one) / 2.0 if part.soft else 0.0
    bias, bias_exp, lost = _bias((constant - half) * unit_size, unit_size, profile)
    alarms = [f"'{name}': {lost.clipped} biases are clipped"] if lost.clipped else []
    wanted_start = np.rint(first * unit_size) - (unit_size // 2 if part.soft else 0)
    most = 2 ** (int(profile.limit("state_bits").value) - 1) - 1
    v_init = np.clip(wanted_start, -most, most).astype(np.int64)
    if off := int(np.count_nonzero(v_init != wanted_start)):
        alarms.append(
            f"'{name}': {off} membranes would have to start beyond the chip's {most:,} units to be "
            f"right when the input arrives, {lag} steps late; the start is off by up to "
            f"{float(np.max(np.abs(v_init - wanted_start))) / unit_size:.3g} thresholds, and decays"
        )
    params: Params = {
        "bias_mant": arrays.add(bias.astype(np.int32), f"bias of '{name}'", lost),
        "bias_exp": bias_exp,
        "v_init": arrays.add(v_init.astype(np.int32), f"first membrane of '{name}'"),
    }
    syn_loss = loss(1.0 - u.syn_decay, part.syn / part.one) if has_synapse else None
    mem_loss = loss(1.0 - u.mem_decay, part.mem / part.one)
    keys = ("delta_i", "delta_v") if part.soft else ("du", "dv")
    params[keys[0]] = arrays.add(part.syn - 1, f"synaptic decay of '{name}'", syn_loss)
    params[keys[1]] = arrays.add(part.mem, f"membrane decay of '{name}'", mem_loss)
    if part.soft:
        params["theta_0"] = made.mantissa // 2
    elif part.form.neuron.dynamics.spiking:
        params["vth_mant"] = made.mantissa
    else:
        params["vth_mant"] = int(profile.limit("threshold_mantissa_max").value)
    leak = bias * 2.0**bias_exp / unit_size + half
    return Stored(scale=int(unit_size), params=params), leak, alarms


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


def _scales(part: _Part, wanted: dict[str, AnyArray], fill: float) -> tuple[int, dict[str, int]]:
    """Threshold mantissa and a weight exponent per projection.

    The largest weight that is kept fills its range: vth_mant = largest 2^e / w, for the e that
    brings it nearest to `fill`, as long as |u| and |v| stay below 2^(state bits - 1).
    """
    profile, spiking = part.profile, part.form.neuron.dynamics.spiking
    step, largest = _grid(profile, part.bits)
    steps = largest // step
    tops = {
        key: steps / smallest_clip(w, steps, PERCENTILES) for key, w in wanted.items() if np.any(w)
    }
    top = max(tops.values(), default=1.0)
    limit = 2 ** (int(profile.limit("state_bits").value) - 1)
    shift = int(profile.limit("threshold_shift").value)
    worst = _worst(wanted, part.u, part.syn / part.one)
    room = limit / 2**shift / max(worst, 1e-9)
    # ATRLIF never resets its membrane: the smallest exponent leaves it the most headroom
    aim = 1.0 if part.soft else min(fill, room) if spiking else room / 2
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
    mantissa = max(2, mantissa - mantissa % 2) if part.soft else max(mantissa, 1)  # theta_0 is half
    exponents: dict[str, int] = {}
    for key in wanted:
        high = tops.get(key, 0.0) * mantissa
        exponents[key] = max(0, int(np.ceil(np.log2(max(high, 1e-9) / largest) - 1e-9)))
    return mantissa, exponents


def _worst(wanted: dict[str, AnyArray], u: Unit, syn: NDArray[np.float64]) -> float:
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
