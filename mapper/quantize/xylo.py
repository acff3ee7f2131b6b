"""Xylo: 8-bit weights with one shift a matrix, bit-shift decays, 16-bit states, 8-bit biases.

Order of operations (xylosim 0.1.3): the current takes its input, then decays, then is
used. A weight w << shift delivers the charge (w << shift) (2^dash_syn - 1) where the
equations deliver 2^dash_syn, so weights are divided by 1 - 2^-dash_syn. A threshold of
at least 2^14 keeps a neuron to one spike a step: the 16-bit membrane saturates below two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.outcome import Placed
from mapper.quantize.draft import Arrays, Quantized, loss
from mapper.quantize.units import Unit, unit, weights

RELAY = 64  # weight of a relay
CLIP = 99.5  # percentile of a neuron's weights that must be in range; larger ones are clipped


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A population on its way: threshold-unit weights by kind of matrix, decays, bias."""

    name: str
    unit: Unit
    dash_syn: NDArray[np.int64]
    dash_mem: NDArray[np.int64]
    matrices: dict[str, tuple[str, NDArray[np.float64]]]
    constant: NDArray[np.float64]
    output: bool


def quantize(placed: Placed) -> Quantized:
    """Weights, shifts, thresholds, dashes and biases."""
    question = placed.question
    profile = question.profile
    inputs = {name for name, _ in question.network.inputs}
    channels = sum(int(np.prod(shape)) for _, shape in question.network.inputs)
    parts = [_part(placed, population.name, inputs) for population in question.network.populations]
    two = int(profile.limit("synapses_per_hidden").value) > 1
    arrays = Arrays()
    shifts, thresholds = _scales(parts, profile, two)
    populations: dict[str, dict[str, Any]] = {}
    projections: dict[str, dict[str, Any]] = {}
    floats: dict[tuple[str, str], Any] = {}
    alarms: list[str] = []
    constants: list[dict[str, Any]] = []
    for part in parts:
        threshold = thresholds[part.name]
        for key, (kind, w) in part.matrices.items():
            pair = two and not part.output
            if key.startswith("bias:"):
                params, rows, got = _bias_source(
                    arrays, part, threshold, shifts["in"], profile, channels
                )
                constants += rows
                channels += len(rows)
                projections[key] = {"params": params}
                floats[(key, "weight")] = got
                continue
            first, second, got, clipped = _weights(w, part, threshold, shifts[kind], profile, pair)
            params = {"weight": arrays.add(first, f"weights of '{key}'", loss(w, got, clipped))}
            if second is not None:
                params["weight_2"] = arrays.add(second, f"second synapse of '{key}'")
            projections[key] = {"params": params}
            floats[(key, "weight")] = got
        constant = part.constant
        if (f"bias:{part.name}", "weight") in floats:
            constant = part.unit.constant(floats[(f"bias:{part.name}", "weight")][:, 0])
        bias = np.rint(constant * threshold)
        low, high = int(profile.limit("bias_min").value), int(profile.limit("bias_max").value)
        stored = np.clip(bias, low, high)
        clipped = int(np.count_nonzero(bias != stored))
        if clipped:
            alarms.append(f"'{part.name}': {clipped} biases exceed 8 bits and are clipped")
        populations[part.name] = {
            "scale": arrays.add(
                threshold.astype(np.int32), f"units per threshold of '{part.name}'"
            ),
            "params": {
                "dash_mem": arrays.add(
                    part.dash_mem.astype(np.int8), f"membrane decay of '{part.name}'"
                ),
                "dash_syn": arrays.add(
                    part.dash_syn.astype(np.int8), f"synaptic decay of '{part.name}'"
                ),
                "threshold": arrays.add(threshold.astype(np.int16), f"threshold of '{part.name}'"),
                "bias": arrays.add(
                    stored.astype(np.int16),
                    f"bias of '{part.name}'",
                    loss(constant, stored / threshold, clipped),
                ),
            },
        }
        floats[(part.name, "leak")] = stored / threshold
        _ids(placed, part.name, populations[part.name]["params"], arrays, shifts["out"])
    pools = {
        "weight_shift_in": shifts["in"],
        "weight_shift_rec": shifts["rec"],
        "weight_shift_out": shifts["out"],
        "hidden": sum(len(ids) for ids in placed.hidden_ids.values()),
        "outputs": sum(len(ids) for ids in placed.output_ids.values()),
        "channels": channels,
    }
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections=projections,
        extra={"pools": pools, "constant_inputs": constants, "silent_steps": _silence(parts)},
        alarms=tuple(alarms),
        floats=floats,
    )


def _part(placed: Placed, name: str, inputs: set[str]) -> _Part:
    network = placed.question.network
    population, plan = network.population(name), placed.chosen[name]
    u = unit(population, plan.form.neuron)
    output = plan.role == "output"
    matrices: dict[str, tuple[str, NDArray[np.float64]]] = {}
    for p in plan.form.projections:
        kind = "in" if p.source in inputs else "out" if output else "rec"
        matrices[p.id] = (kind, weights(p, u.gain))
    source = plan.form.neuron.bias == "source"
    if source:
        matrices[f"bias:{name}"] = ("in", u.bias[:, None])
    dashes = (np.rint(-np.log2(1.0 - d)).astype(np.int64) for d in (u.syn_decay, u.mem_decay))
    syn, mem = dashes
    return _Part(
        name=name,
        unit=u,
        dash_syn=syn,
        dash_mem=mem,
        matrices=matrices,
        constant=u.leak if source else u.constant(),
        output=output,
    )


def _silence(parts: list[_Part]) -> int:
    """Silent steps after which every state is 0 again, wherever it stood.

    A state of 2^15 falls by 2^-d of itself a step down to 2^d, then by 1: at most
    2^d ((15 - d) ln 2 + 1) steps. Currents first, membranes then, hop by hop.
    """

    def fall(dash: int) -> float:
        return 2.0**dash * ((15 - dash) * np.log(2.0) + 1.0)

    longest = [fall(int(p.dash_syn.max())) + fall(int(p.dash_mem.max())) for p in parts]
    return int(np.ceil(sum(longest))) + len(parts)


def _kick(part: _Part) -> NDArray[np.float64]:
    """What a weight must be divided by so that its charge is the equations'."""
    return 1.0 - 2.0 ** -part.dash_syn.astype(np.float64)


def _scales(
    parts: list[_Part], profile: Profile, two: bool
) -> tuple[dict[str, int], dict[str, NDArray[np.int64]]]:
    """A shift per kind of matrix, a threshold per neuron.

    A neuron's threshold is the largest, up to the one-spike threshold, at which the given
    percentile of its weights fits the 8-bit range at the largest shift, and, where it has a
    membrane bias, at which that fits 8 bits with it. Shifts shrink where no weight needs
    them.
    """
    top_shift = int(profile.limit("weight_shift_max").value)
    top = int(profile.limit("one_spike_threshold").value)
    high = int(profile.limit("weight_max").value)
    bias_high = int(profile.limit("bias_max").value)
    thresholds: dict[str, NDArray[np.int64]] = {}
    need: dict[str, float] = {"in": 0.0, "rec": 0.0, "out": 0.0}
    for part in parts:
        reach = high * 2**top_shift * (2 if two and not part.output else 1)
        size = part.unit.gain.size
        large = np.zeros(size)
        for key, (_, w) in part.matrices.items():
            if not key.startswith("bias:") and w.size:
                large = np.maximum(
                    large,
                    np.percentile(np.abs(w), 100.0 if part.output else CLIP, axis=1) / _kick(part),
                )
        threshold = np.minimum(top, reach / np.maximum(large, 1e-9))
        with_bias = bias_high / np.maximum(np.abs(part.constant), 1e-12)
        threshold = np.minimum(threshold, np.maximum(with_bias, 64.0))
        thresholds[part.name] = np.maximum(1, np.floor(threshold)).astype(np.int64)
        for key, (kind, w) in part.matrices.items():
            if w.size and not key.startswith("bias:"):
                wanted = np.abs(w) / _kick(part)[:, None] * thresholds[part.name][:, None]
                share = 2 if two and not part.output else 1
                need[kind] = max(
                    need[kind],
                    float(np.percentile(wanted, 100.0 if part.output else CLIP)) / (high * share),
                )
    low = int(profile.limit("weight_shift_min").value)
    # relays repeat spikes the better, the finer their current is resolved
    need["out"] = need["out"] if any(part.output for part in parts) else 2.0**top_shift
    shifts = {
        k: int(np.clip(np.ceil(np.log2(max(v, 1e-9))), low, top_shift)) for k, v in need.items()
    }
    return shifts, thresholds


def _weights(
    w: NDArray[np.float64],
    part: _Part,
    threshold: NDArray[np.int64],
    shift: int,
    profile: Profile,
    two: bool,
) -> tuple[NDArray[np.int8], NDArray[np.int8] | None, NDArray[np.float64], int]:
    """(first synapse, second or None, threshold-unit values they stand for, clipped)."""
    low, high = int(profile.limit("weight_min").value), int(profile.limit("weight_max").value)
    unit_size = threshold[:, None] / _kick(part)[:, None] / 2.0**shift
    raw = np.rint(w * unit_size)
    if not two or not np.any((raw > high) | (raw < low)):
        stored = np.clip(raw, low, high)
        return (
            stored.astype(np.int8),
            None,
            stored / unit_size,
            int(np.count_nonzero(raw != stored)),
        )
    total = np.clip(raw, 2 * low, 2 * high)
    first = np.clip(np.floor(total / 2), low, high)
    second = total - first
    return (
        first.astype(np.int8),
        second.astype(np.int8),
        total / unit_size,
        int(np.count_nonzero(raw != total)),
    )


def _bias_source(
    arrays: Arrays,
    part: _Part,
    threshold: NDArray[np.int64],
    shift: int,
    profile: Profile,
    channels: int,
) -> tuple[dict[str, Any], list[dict[str, Any]], NDArray[np.float64]]:
    """Two spare channels that carry constant events: coarse with many, fine with one.

    bias = count w_1 + w_2, in units of 1 << shift; count is the least that reaches the
    largest bias.
    """
    low, high = int(profile.limit("weight_min").value), int(profile.limit("weight_max").value)
    unit_size = threshold / _kick(part) / 2.0**shift
    raw = part.unit.bias * unit_size
    most = int(profile.limit("input_events").value)
    count = int(np.clip(np.ceil(np.abs(raw).max(initial=0.0) / high), 1, most))
    coarse = np.clip(np.rint(raw / count), low, high)
    fine = np.clip(np.rint(raw - count * coarse), low, high)
    got = (count * coarse + fine) / unit_size
    stored = np.stack([coarse, fine], axis=1).astype(np.int8)
    clipped = int(np.count_nonzero(np.abs(got - part.unit.bias) > 1.0 / unit_size))
    ref = arrays.add(stored, f"bias of '{part.name}'", loss(part.unit.bias, got, clipped))
    rows = [
        {"channel": channels + i, "count": n, "from_step": 0, "population": part.name}
        for i, n in enumerate((count, 1))
    ]
    return {"weight": ref}, rows, got[:, None]


def _ids(placed: Placed, name: str, params: dict[str, Any], arrays: Arrays, shift: int) -> None:
    for key, ids in (("hidden_ids", placed.hidden_ids), ("output_ids", placed.output_ids)):
        if name in ids:
            params[key] = arrays.add(np.array(ids[name], dtype=np.int32), f"{key} of '{name}'")
    if placed.chosen[name].role == "hidden+relay":
        # One spike in, one spike out a step later: the current halves before it is used and
        # the membrane forgets at once, so only the first step's half reaches the threshold.
        relay = {"weight": RELAY, "dash_syn": 1, "dash_mem": 0, "threshold": (RELAY << shift) // 2}
        params["relay"] = relay
