"""Xylo: 8-bit weights with one shift a matrix, bit-shift decays, 16-bit states, 8-bit biases.

Order of operations (xylosim 0.1.3): the current takes its input, then decays, then is
used. A weight w << shift delivers the charge (w << shift) (2^dash_syn - 1) where the
equations deliver 2^dash_syn, so weights are divided by 1 - 2^-dash_syn.

States saturate at 2^15, so the fewer units a threshold has, the deeper can a neuron be
inhibited: 2^10 leave 32 thresholds on either side. What is above the threshold at a spike,
though, stays, and a hidden neuron fires again for it in the same step. Where the network
does not do that, the membrane *rests* above 0 by a constant bias, and threshold and what a
spike takes away are higher by as much: a spike then takes the usual overshoot along. Where
that is large, 2^14 units keep a neuron to one spike: the membrane saturates below two.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.bundle.integers.dial import GAINS, NOTHING, Chosen, Dial, dial, read
from mapper.bundle.integers.draft import ENOUGH, Arrays, Quantized, Stored, loss
from mapper.bundle.integers.overshoot import overshoot
from mapper.bundle.integers.units import Unit, unit, weights
from mapper.emulate.manifest import ConstantRow, Params, RelayParams
from mapper.problem.question import Question
from mapper.solving.outcome import Placed
from nir_io.arrays import AnyArray

RELAY = 64  # weight of a relay
UNITS = 1024.0  # of a threshold, aimed at
AROUND = 2.0 ** np.linspace(-0.5, 0.5, 5)  # shares of it that a neuron may have instead
LEAST_UNITS = 32.0  # below, a bias is rather clipped than the threshold made coarser
BURSTS = 1.5  # overshoot in thresholds from which on a neuron is kept to one spike a step
SLOWEST_REST = 6  # dash_mem; a slower membrane takes more than 64 steps to reach its rest


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A population on its way: threshold-unit weights by kind of matrix, decays, bias.

    `raised`: thresholds above 0 at which its neurons should rest; `units`: aimed at; `more`:
    units that '>' adds to a threshold, since Xylo fires at v >= threshold.
    """

    name: str
    unit: Unit
    dash_syn: NDArray[np.int64]
    dash_mem: NDArray[np.int64]
    matrices: dict[str, tuple[str, NDArray[np.float64]]]
    constant: NDArray[np.float64]
    raised: NDArray[np.float64]
    units: float
    gain: float
    output: bool
    more: int


def dials(placed: Placed) -> tuple[Dial, ...]:
    """Per population the units of a threshold, its raised rest, and a gain of its weights."""
    usual = _usual(placed)
    found: list[Dial] = []
    for population in placed.question.network.populations:
        name = population.name
        found += [
            dial("rest", name, (0.0, 0.25, 0.5, 0.75, 1.0, 1.5), usual[name].rest),
            dial("units", name, (256.0, 512.0, 1024.0, 2048.0, 4096.0, 16384.0), usual[name].units),
            dial("gain", name, GAINS, 1.0),
        ]
    return tuple(found)


def quantize(placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
    """Weights, shifts, thresholds, dashes and biases."""
    network, profile = placed.question.network, placed.question.profile
    channels = sum(int(np.prod(shape)) for _, shape in network.inputs)
    usual = _usual(placed)
    parts = [_part(placed, p.name, usual[p.name], chosen) for p in network.populations]
    two = int(profile.limit("synapses_per_hidden").value) > 1
    arrays = Arrays()
    shifts, units = _scales(parts, profile, two)
    populations: dict[str, Stored] = {}
    projections: dict[str, Stored] = {}
    floats: dict[tuple[str, str], AnyArray] = {}
    alarms: list[str] = []
    constants: list[ConstantRow] = []
    for part in parts:
        size = units[part.name]
        rows = _matrices(part, size, shifts, channels, profile, arrays)
        projections |= rows.stored
        floats |= {(key, "weight"): values for key, values in rows.floats.items()}
        constants += rows.constants
        channels += len(rows.constants)
        given = rows.floats.get(f"bias:{part.name}")
        constant = part.constant if given is None else part.unit.constant(given[:, 0])
        stored, values, said = _cells(part, size, constant, profile, arrays)
        _ids(placed, part.name, stored.params, arrays, shifts["out"])
        populations[part.name] = stored
        floats |= {(part.name, key): array for key, array in values.items()}
        alarms += said
    return Quantized(
        arrays=arrays,
        populations=populations,
        projections=projections,
        pools={
            "weight_shift_in": shifts["in"],
            "weight_shift_rec": shifts["rec"],
            "weight_shift_out": shifts["out"],
            "hidden": sum(len(ids) for ids in placed.hidden_ids.values()),
            "outputs": sum(len(ids) for ids in placed.output_ids.values()),
            "channels": channels,
        },
        constant_inputs=tuple(constants),
        silent_steps=_silence(parts),
        alarms=tuple(alarms),
        floats=floats,
    )


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is chosen without data: units of a threshold, and the rest in thresholds."""

    units: float
    rest: float


def _usual(placed: Placed) -> dict[str, _Usual]:
    """What is chosen without data, by population.

    Small overshoots: for a network that resets hard, what a spike takes away is on average
    what its reset would, the height and the overshoot. For one spike a step the overshoot
    stays, but a hidden neuron here fires again for it: half of it is taken along. Large
    ones: a threshold that keeps a neuron to one spike a step, or a loop would run away. An
    output fires once a step whatever its threshold.
    """
    question: Question = placed.question
    semantics = question.semantics
    names = [population.name for population in question.network.populations]
    if semantics.spikes == "many":
        return dict.fromkeys(names, _Usual(UNITS, 0.0))
    over = overshoot(question)
    once = float(question.profile.limit("one_spike_threshold").value)
    hard = semantics.reset == "zero"
    found: dict[str, _Usual] = {}
    for name in names:
        output, above = placed.chosen[name].role == "output", over.get(name, 0.0)
        rest = float(np.round(min(above, 1.0) if hard else above / 2, 3))
        if output:
            found[name] = _Usual(UNITS, rest if hard else 0.0)
        else:
            found[name] = _Usual(once, 0.0) if above > BURSTS else _Usual(UNITS, rest)
    return found


def _part(placed: Placed, name: str, usual: _Usual, chosen: Chosen) -> _Part:
    network = placed.question.network
    inputs = {given for given, _ in network.inputs}
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
    raised = np.where(mem <= SLOWEST_REST, read(chosen, "rest", name, usual.rest), 0.0)
    return _Part(
        name=name,
        unit=u,
        dash_syn=syn,
        dash_mem=mem,
        matrices=matrices,
        constant=u.leak if source else u.constant(),
        raised=raised,
        units=read(chosen, "units", name, usual.units),
        gain=read(chosen, "gain", name, 1.0),
        output=output,
        more=int(placed.question.semantics.comparison == ">"),
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
    """A shift per kind of matrix, and per neuron the units of a threshold.

    Of all shifts, and sizes around the one aimed at, those with the least square error of
    the weights, clipping included. A membrane bias that would not fit 8 bits makes its
    neuron's threshold smaller.
    """
    low, high = (int(profile.limit(f"weight_shift_{end}").value) for end in ("min", "max"))
    tried = range(low, high + 1)
    most = int(profile.limit("weight_max").value)
    sizes = {part.name: _sizes(part, profile) for part in parts}
    errors = {
        part.name: {
            kind: [
                _error(part, kind, sizes[part.name], shift, most * (2 if two else 1))
                if kind != "out"
                else _error(part, kind, sizes[part.name], shift, most)
                for shift in tried
            ]
            for kind in dict.fromkeys(kind for kind, _ in part.matrices.values())
        }
        for part in parts
    }

    def lost(part: _Part, shift: dict[str, int]) -> NDArray[np.float64]:
        found = [by[shift[kind] - low] for kind, by in errors[part.name].items() if kind in shift]
        return np.sum(found, axis=0) if found else np.zeros((1, 1))

    shifts: dict[str, int] = {}
    for group in (("in", "rec"), ("out",)):
        best: tuple[float, dict[str, int]] | None = None
        for values in product(tried, repeat=len(group)):
            shift = dict(zip(group, values, strict=True))
            total = sum(float(lost(part, shift).min(axis=0).sum()) for part in parts)
            if best is None or total < best[0] * (1.0 - 1e-9):
                best = (total, shift)
        assert best is not None
        shifts |= best[1]
    # relays repeat spikes the better, the finer their current is resolved
    if not any(part.output for part in parts):
        shifts["out"] = high
    units: dict[str, NDArray[np.int64]] = {}
    for part in parts:
        found, size = lost(part, shifts), sizes[part.name]
        pick = np.broadcast_to(np.argmin(found, axis=0), size.shape[1])
        units[part.name] = size[pick, np.arange(size.shape[1])].astype(np.int64)
    return shifts, units


def _sizes(part: _Part, profile: Profile) -> NDArray[np.float64]:
    """(candidate, neuron): units of a threshold, the size aimed at first."""
    constant = np.abs(part.constant) + part.raised * 2.0 ** -part.dash_mem.astype(np.float64)
    room = np.maximum(
        (int(profile.limit("bias_max").value) - 1) / np.maximum(constant, 1e-12), LEAST_UNITS
    )
    ceiling = (int(profile.limit("threshold_max").value) - 1) / (1.0 + part.raised)
    around = sorted(AROUND, key=lambda share: abs(np.log(share)))
    sizes = part.units * np.array(around)[:, None]
    return np.floor(np.clip(sizes, 1.0, np.minimum(room, ceiling)))


def _error(
    part: _Part, kind: str, sizes: NDArray[np.float64], shift: int, reach: int
) -> NDArray[np.float64]:
    """(candidate, neuron): summed square error of its weights of one kind, in thresholds.

    What a weight has beyond ENOUGH thresholds does not count.
    """
    found = np.zeros(sizes.shape)
    for key, (of, w) in part.matrices.items():
        if of != kind or key.startswith("bias:"):
            continue
        wanted = w * part.gain
        felt = np.clip(wanted, -ENOUGH, ENOUGH)
        for i, size in enumerate(sizes):
            unit_size = (size / _kick(part) / 2.0**shift)[:, None]
            stored = np.clip(np.rint(wanted * unit_size), -reach, reach) / unit_size
            found[i] += ((np.clip(stored, -ENOUGH, ENOUGH) - felt) ** 2).sum(axis=1)
    return found


def _weights(
    w: NDArray[np.float64],
    part: _Part,
    size: NDArray[np.int64],
    shift: int,
    profile: Profile,
    two: bool,
) -> tuple[NDArray[np.int8], NDArray[np.int8] | None, NDArray[np.float64], int]:
    """(first synapse, second or None, threshold-unit values they stand for, clipped)."""
    low, high = int(profile.limit("weight_min").value), int(profile.limit("weight_max").value)
    unit_size = size[:, None] / _kick(part)[:, None] / 2.0**shift
    raw = np.rint(w * part.gain * unit_size)
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
    size: NDArray[np.int64],
    shift: int,
    profile: Profile,
    channels: int,
) -> tuple[Params, list[ConstantRow], NDArray[np.float64]]:
    """Two spare channels that carry constant events: coarse with many, fine with one.

    bias = count w_1 + w_2, in units of 1 << shift; count is the least that reaches the
    largest bias.
    """
    low, high = int(profile.limit("weight_min").value), int(profile.limit("weight_max").value)
    unit_size = size / _kick(part) / 2.0**shift
    raw = part.unit.bias * unit_size
    most = int(profile.limit("input_events").value)
    count = int(np.clip(np.ceil(np.abs(raw).max(initial=0.0) / high), 1, most))
    coarse = np.clip(np.rint(raw / count), low, high)
    fine = np.clip(np.rint(raw - count * coarse), low, high)
    got = (count * coarse + fine) / unit_size
    stored = np.stack([coarse, fine], axis=1).astype(np.int8)
    clipped = int(np.count_nonzero(np.abs(got - part.unit.bias) > 1.0 / unit_size))
    ref = arrays.add(stored, f"bias of '{part.name}'", loss(part.unit.bias, got, clipped))
    rows: list[ConstantRow] = [
        {"channel": channels + i, "count": n, "from_step": 0, "population": part.name}
        for i, n in enumerate((count, 1))
    ]
    return {"weight": ref}, rows, got[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Projections as they are stored, what they stand for, and channels that must be fed."""

    stored: dict[str, Stored]
    floats: dict[str, AnyArray]
    constants: list[ConstantRow]


def _matrices(
    part: _Part,
    size: NDArray[np.int64],
    shifts: dict[str, int],
    channels: int,
    profile: Profile,
    arrays: Arrays,
) -> _Rows:
    """The weights of a population; channels: of the input that are taken already."""
    pair = int(profile.limit("synapses_per_hidden").value) > 1 and not part.output
    rows = _Rows({}, {}, [])
    params: Params
    for key, (kind, w) in part.matrices.items():
        if key.startswith("bias:"):
            taken = channels + len(rows.constants)
            params, constants, got = _bias_source(arrays, part, size, shifts["in"], profile, taken)
            rows.constants.extend(constants)
        else:
            first, second, got, clipped = _weights(w, part, size, shifts[kind], profile, pair)
            lost = loss(w, got, clipped)
            params = {"weight": arrays.add(first, f"weights of '{key}'", lost)}
            if second is not None:
                params["weight_2"] = arrays.add(second, f"second synapse of '{key}'")
        rows.stored[key] = Stored(params=params)
        rows.floats[key] = got
    return rows


def _cells(
    part: _Part,
    size: NDArray[np.int64],
    constant: NDArray[np.float64],
    profile: Profile,
    arrays: Arrays,
) -> tuple[Stored, dict[str, AnyArray], list[str]]:
    """Decays, thresholds, biases and rests of a population, what they stand for, and alarms."""
    name = part.name
    lift = np.rint(part.raised * size * 2.0**-part.dash_mem).astype(np.int64)
    rest = lift << part.dash_mem
    threshold = np.minimum(size + rest + part.more, int(profile.limit("threshold_max").value))
    bias = np.rint(constant * size) + lift
    low, high = int(profile.limit("bias_min").value), int(profile.limit("bias_max").value)
    stored = np.clip(bias, low, high)
    clipped = int(np.count_nonzero(bias != stored))
    alarms = [f"'{name}': {clipped} biases exceed 8 bits and are clipped"] if clipped else []
    params: Params = {
        "dash_mem": arrays.add(part.dash_mem.astype(np.int8), f"membrane decay of '{name}'"),
        "dash_syn": arrays.add(part.dash_syn.astype(np.int8), f"synaptic decay of '{name}'"),
        "threshold": arrays.add(threshold.astype(np.int16), f"threshold of '{name}'"),
        "bias": arrays.add(
            stored.astype(np.int16),
            f"bias of '{name}'",
            loss(constant, (stored - lift) / size, clipped),
        ),
    }
    if np.any(rest):
        params["rest"] = arrays.add(rest.astype(np.int16), f"rest of '{name}'")
    scale = arrays.add(size.astype(np.int32), f"units per threshold of '{name}'")
    floats = {"leak": stored / size, "threshold": (size + rest) / size}
    return Stored(scale=scale, params=params), floats, alarms


def _ids(placed: Placed, name: str, params: Params, arrays: Arrays, shift: int) -> None:
    for key, ids in (("hidden_ids", placed.hidden_ids), ("output_ids", placed.output_ids)):
        if name in ids:
            params[key] = arrays.add(np.array(ids[name], dtype=np.int32), f"{key} of '{name}'")
    if placed.chosen[name].role == "hidden+relay":
        # One spike in, one spike out a step later: the current halves before it is used and
        # the membrane forgets at once, so only the first step's half reaches the threshold.
        relay: RelayParams = {
            "weight": RELAY,
            "dash_syn": 1,
            "dash_mem": 0,
            "threshold": (RELAY << shift) // 2,
        }
        params["relay"] = relay
