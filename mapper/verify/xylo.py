"""Xylo: one core with pools of hidden and output neurons, windows by id, recurrent pairs.

With H hidden neurons in use, ids 0..H-1: one that receives input has an id below the
input window, one that drives an output an id of at least H less the output window.
Facts: rockpool 3.1.0, devices/xylo, and xylosim 0.1.3, as cited in the profiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mapper.verify.arrays import Array
from mapper.verify.case import Case, matrix, scale_findings
from mapper.verify.manifest import Population, Projection
from mapper.verify.placement import held
from mapper.verify.report import shown
from mapper.verify.stored import Floats, Stored, array_of, in_units, per_neuron

HIDDEN = ("hidden", "hidden+relay")
OUTPUT = ("output", "hidden+relay")
SHIFTS = ("weight_shift_in", "weight_shift_rec", "weight_shift_out")
MODEL = "XyloLIF"
STEPS = 64  # after a spike, more than any dash keeps a relay's states alive for long

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Pair:
    """Weights of all projections from one source to one population, synapses stacked.

    weights: (synapse, out, in), summed over projections.
    """

    source: str
    target: Population
    weights: Array

    @property
    def used(self) -> Mask:
        """Which (out, in) have a weight at all."""
        return np.any(self.weights != 0, axis=0)


def check_xylo(case: Case) -> None:
    """Neurons, weights, pools, windows."""
    manifest, d = case.manifest, case.device
    for key in SHIFTS:
        _pool(case, key, "weight_shift_min", "weight_shift_max", "shift-range", "bits")
    for population in manifest.populations.values():
        _neurons(case, population)
        for piece in case.parts[population.name]:
            used, stated = held(population, piece.box)["neurons"], piece.demand.get("neurons")
            if stated is None or stated < used:
                case.book.find(
                    "demand",
                    f"{shown(population.name)} uses {used} neurons; the bundle states {stated}",
                )
            elif stated > (room := d.limit("hidden_neurons") + d.limit("output_neurons")):
                case.book.find(
                    "demand",
                    f"{shown(population.name)} is said to use {stated:,} neurons; there are {room:,}",
                )
    hidden = _ids(case, "hidden_ids", HIDDEN, "hidden", "hidden_neurons")
    _ids(case, "output_ids", OUTPUT, "outputs", "output_neurons")
    _roles(case)
    _channels(case)
    pairs = _pairs(case)
    if hidden is None or pairs is None:
        return
    _recurrent(case, pairs)
    _windows(case, pairs, hidden)


def _pool(case: Case, key: str, low: str, high: str, fault: str, unit: str) -> int:
    """A number of the manifest's pools within two limits of the profile."""
    found = case.manifest.pools.get(key)
    if found is None:
        case.book.find("schema", f"manifest, pools: key '{key}' is missing")
        return 0
    least, most = case.device.limit(low), case.device.limit(high)
    if not least <= found <= most:
        case.book.find(fault, f"{key} is {found}; the chip takes {least}..{most} {unit}")
    return found


def _neurons(case: Case, population: Population) -> None:
    """Dashes, thresholds, biases; a soft reset; a relay that fires once for a spike."""
    d, params, n = case.device, case.of_population(population), population.size
    if population.kind not in d.words("neuron_models"):
        case.book.find("neuron-model", f"{params.where} is a {shown(population.kind)}")
    if population.device_model != MODEL:
        case.book.find("device-model", f"{params.where} runs as {shown(population.device_model)}")
    if population.reset not in d.words("resets"):
        case.book.find(
            "reset",
            f"{params.where} resets by '{population.reset}'; {d.name} by {d.words('resets')}",
        )
    params.ints(
        "dash_mem", (n,), d.limit("dash_mem_min"), d.limit("dash_max"), "dash-range", "bits"
    )
    params.ints(
        "dash_syn", (n,), d.limit("dash_syn_min"), d.limit("dash_max"), "dash-range", "bits"
    )
    threshold = params.ints(
        "threshold", (n,), d.limit("threshold_min"), d.limit("threshold_max"), "threshold-range"
    )
    params.ints("bias", (n,), d.limit("bias_min"), d.limit("bias_max"), "bias-range")
    if threshold is not None and "rest" in population.params:
        rest = params.ints("rest", (n,), 0, d.limit("threshold_max"), "rest-range")
        threshold = None if rest is None else threshold.astype(np.int64) - rest
    scale_findings(case, population, threshold, 1.0)
    if population.role == "hidden+relay":
        _relay(case, population)


def _relay(case: Case, population: Population) -> None:
    """One spike in, one spike out in the same step of the output, and none later."""
    d, raw = case.device, population.params.get("relay")
    where = f"population {shown(population.name)}, relay"
    if not isinstance(raw, dict):
        case.book.find("schema", f"{where}: param 'relay' is no object")
        return
    params = case.params(where, cast("dict[str, object]", raw))
    weight = params.whole("weight", d.limit("weight_min"), d.limit("weight_max"), "weight-range")
    syn = params.whole("dash_syn", d.limit("dash_syn_min"), d.limit("dash_max"), "dash-range")
    mem = params.whole("dash_mem", d.limit("dash_mem_min"), d.limit("dash_max"), "dash-range")
    least, most = d.limit("threshold_min"), d.limit("threshold_max")
    threshold = params.whole("threshold", least, most, "threshold-range")
    shift = case.manifest.pools.get("weight_shift_out", 0)
    if weight is None or syn is None or mem is None or threshold is None:
        return
    if not (0 <= syn <= 15 and 0 <= mem <= 15 and 0 <= shift <= 15 and threshold > 0):
        return  # each is a finding of its own already
    spikes = relay_spikes(weight << shift, syn, mem, threshold)
    if spikes != [0]:
        case.book.find(
            "relay",
            f"{where}: one spike of weight {weight} << {shift} at threshold {threshold} makes it fire "
            f"{len(spikes)} times (after {spikes[:4]} steps); it must fire 1 time, at once",
        )


def relay_spikes(charge: int, dash_syn: int, dash_mem: int, threshold: int) -> list[int]:
    """Steps, counted from its arrival, in which a neuron fires after one input of `charge`.

    xylosim's order (fact sheet, section 4): the current decays, then it is used.
    """
    current, v, spikes = _saturated(charge), 0, list[int]()
    for step in range(STEPS):
        current -= _decay(current, dash_syn)
        v = _saturated(v + _saturated(current - _decay(v, dash_mem)))
        if v >= threshold:
            v -= threshold
            spikes.append(step)
    return spikes


def _decay(x: int, dash: int) -> int:
    return (x >> dash) or int(x > 0)


def _saturated(x: int) -> int:
    return max(-(2**15), min(2**15 - 1, x))


def _ids(
    case: Case, key: str, roles: tuple[str, ...], pool: str, limit: str
) -> dict[str, Array] | None:
    """Ids of each population in a pool; together they are 0, 1, ... without gaps."""
    found: dict[str, Array] = {}
    members = [p for p in case.manifest.populations.values() if p.role in roles]
    total = sum(p.size for p in members)
    fault = key.replace("_", "-")
    for population in members:
        ids = case.of_population(population).ints(
            key, (population.size,), 0, max(total - 1, 0), fault, "ids"
        )
        if ids is not None:
            found[population.name] = ids.astype(np.int64)
    stated, most = case.manifest.pools.get(pool), case.device.limit(limit)
    case.book.use(0, min(case.device.cores), limit, total, most)
    if stated != total:
        case.book.find("pools", f"pools: {pool} is {stated}; the populations have {total} neurons")
    if total > most:
        case.book.find(
            limit.replace("_", "-"), f"the network uses {total} {pool} neurons; there are {most}"
        )
    if len(found) < len(members):
        return None
    together = np.concatenate(list(found.values())) if found else np.empty(0, np.int64)
    distinct = np.unique(together)
    if distinct.size < total:
        case.book.find(
            fault, f"{total} neurons share {distinct.size} {pool} ids; expected 0..{total - 1} once"
        )
        return None
    return found


def _roles(case: Case) -> None:
    """Output neurons emit to the outside only and read hidden neurons only."""
    manifest = case.manifest
    emits = {p.source for p in manifest.projections}
    leaving = {output.population for output in manifest.outputs}
    for population in manifest.populations.values():
        name, role = population.name, population.role
        if role not in (*HIDDEN, "output"):
            case.book.find("role", f"{shown(name)} has the role {shown(role)}, which is none")
        if name in leaving and role == "hidden":
            case.book.find("role", f"{shown(name)} is read outside; only output neurons are")
        if role == "output" and name in emits:
            case.book.find("role", f"{shown(name)} is an output and projects to other neurons")
        by_input = any(case.from_input(p) or manifest.is_bias(p) for p in case.into[name])
        if role == "output" and by_input:
            case.book.find("role", f"{shown(name)} is an output and receives input channels")


def _channels(case: Case) -> None:
    """Graph inputs and constant inputs share the channels; constants are the highest."""
    manifest, d = case.manifest, case.device
    inputs = sum(prod(port.shape) for port in manifest.inputs)
    total, most = inputs + len(manifest.constants), d.limit("input_channels")
    case.book.use(0, min(d.cores), "input_channels", total, most)
    if manifest.pools.get("channels") != total:
        case.book.find(
            "pools", f"pools: channels is {manifest.pools.get('channels')}; {total} are in use"
        )
    if total > most:
        case.book.find(
            "input-channels", f"the network has {total} input channels; there are {most}"
        )
    if sorted(c.channel for c in manifest.constants) != list(range(inputs, total)):
        case.book.find(
            "constant-input",
            f"{len(manifest.constants)} constant inputs do not have the channels {inputs}..{total - 1}",
        )
    for constant in manifest.constants:
        known = manifest.populations.get(constant.population)
        if constant.count > d.limit("input_events") or known is None or known.bias != "source":
            case.book.find(
                "constant-input",
                f"channel {constant.channel} brings {constant.count} events a step to "
                f"{shown(constant.population)}; at most {d.limit('input_events')}, to a population "
                "with a bias source",
            )


def _pairs(case: Case) -> list[_Pair] | None:
    """Stored weights by source and target; None where some are not sound."""
    d, out = case.device, list[_Pair]()
    low, high = d.limit("weight_min"), d.limit("weight_max")
    sound = True
    for population in case.manifest.populations.values():
        synapses = d.limit(
            "synapses_per_output" if population.role == "output" else "synapses_per_hidden"
        )
        grouped: dict[str, list[Array]] = {}
        for projection in case.into[population.name]:
            found = _stack(case, projection, synapses, low, high)
            if found is None:
                sound = False
            else:
                grouped.setdefault(projection.source, []).append(found)
        for source, stacks in grouped.items():
            pair = _Pair(source=source, target=population, weights=_sum(stacks))
            least, most = (int(f(pair.weights, initial=0)) for f in (np.min, np.max))
            if len(stacks) > 1 and (least < low or most > high):
                case.book.find(
                    "weight-range",
                    f"{len(stacks)} projections from {shown(source)} to {shown(population.name)} add "
                    f"up to {least}..{most}; one entry holds {low}..{high}",
                )
            out.append(pair)
    return out if sound else None


def _stack(case: Case, projection: Projection, synapses: int, low: int, high: int) -> Array | None:
    """(synapse, out, in) of one projection."""
    name = shown(projection.id)
    if projection.form == "conv":
        case.book.find("schema", f"projection {name} is a convolution; Xylo stores dense weights")
        return None
    if case.manifest.is_bias(projection):
        mine = sum(c.population == projection.target for c in case.manifest.constants)
    else:
        mine = -1
    layers = [matrix(case, projection, "weight", low, high)]
    if "weight_2" in projection.params:
        layers.append(matrix(case, projection, "weight_2", low, high))
        if synapses < 2:
            case.book.find(
                "second-synapse",
                f"projection {name} has 2 synapses; a neuron of {shown(projection.target)} has {synapses}",
            )
    sound = [layer for layer in layers if layer is not None]
    if len(sound) < len(layers) or len({layer.shape for layer in sound}) > 1:
        return None
    if mine >= 0 and sound[0].shape[1] != mine:
        case.book.find(
            "constant-input",
            f"projection {name} has {sound[0].shape[1]} columns; {shown(projection.target)} has "
            f"{mine} constant inputs",
        )
        return None
    return np.stack(sound)


def _sum(stacks: list[Array]) -> Array:
    """Weights of several projections added up, the first synapses and the second."""
    if len(stacks) == 1:
        return stacks[0]
    total = np.zeros((max(len(s) for s in stacks), *stacks[0].shape[1:]), dtype=np.int64)
    for stack in stacks:
        total[: len(stack)] += stack
    return total


def _recurrent(case: Case, pairs: list[_Pair]) -> None:
    """Distinct hidden pairs, and how many hidden neurons each projects to."""
    d, hidden = case.device, set[str]()
    hidden = {p.name for p in case.manifest.populations.values() if p.role in HIDDEN}
    fan_out: dict[str, Array] = {}
    count = 0
    for pair in pairs:
        if pair.target.name not in hidden or pair.source not in hidden:
            continue
        used = pair.used
        count += int(np.count_nonzero(used))
        each = np.count_nonzero(used, axis=0)
        fan_out[pair.source] = fan_out.get(pair.source, np.zeros_like(each)) + each
    core = min(d.cores)
    most = d.limit("recurrent_pairs")
    case.book.use(0, core, "recurrent_pairs", count, most)
    if count > most:
        case.book.find(
            "recurrent-pairs",
            f"hidden neurons have {count:,} connections among them; {d.name} stores {most:,}",
        )
    widest = max((int(np.max(each)) for each in fan_out.values()), default=0)
    case.book.use(0, core, "recurrent_fan_out", widest, d.limit("recurrent_fan_out"))
    for source, each in fan_out.items():
        if int(np.max(each)) > d.limit("recurrent_fan_out"):
            case.book.find(
                "fan-out",
                f"a neuron of {shown(source)} projects to {int(np.max(each))} hidden neurons; "
                f"{d.name} allows {d.limit('recurrent_fan_out')}",
            )


def _windows(case: Case, pairs: list[_Pair], ids: dict[str, Array]) -> None:
    """Receivers of input have the lowest ids, drivers of outputs the highest in use."""
    d = case.device
    takes = {name: np.zeros(each.size, dtype=bool) for name, each in ids.items()}
    gives = {
        name: np.full(each.size, case.manifest.populations[name].role == "hidden+relay")
        for name, each in ids.items()
    }
    for pair in pairs:
        if pair.source not in case.manifest.populations and pair.target.name in takes:
            takes[pair.target.name] |= np.any(pair.used, axis=1)
        if pair.target.role == "output" and pair.source in gives:
            gives[pair.source] |= np.any(pair.used, axis=0)
    total = sum(each.size for each in ids.values())
    wide_in, wide_out = d.limit("input_window"), d.limit("output_window")
    receiving = [int(i) for name in ids for i in ids[name][takes[name]]]
    driving = [int(i) for name in ids for i in ids[name][gives[name]]]
    core = min(d.cores)
    case.book.use(0, core, "input_window", max(chain([-1], receiving)) + 1, wide_in)
    case.book.use(0, core, "output_window", total - min(chain([total], driving)), wide_out)
    late = sum(i >= wide_in for i in receiving)
    early = sum(i < total - wide_out for i in driving)
    if late:
        case.book.find(
            "input-window",
            f"{late} of {len(receiving)} neurons that receive input have ids of {wide_in} or more "
            f"(up to {max(receiving)})",
        )
    if early:
        case.book.find(
            "output-window",
            f"{early} of {len(driving)} neurons that drive outputs have ids below "
            f"{total - wide_out} (down to {min(driving)}); {total} are in use",
        )


def xylo_weights(
    case: Case, projection: Projection, population: Population, scale: Floats
) -> Iterator[Stored]:
    """(w + w_2) 2^shift (1 - 2^-dash_syn) / scale: the current decays before it is used."""
    first = array_of(case, projection.params.get("weight"))
    second = array_of(case, projection.params.get("weight_2"))
    dash = per_neuron(case, population, population.params.get("dash_syn"))
    if first is None or dash is None:
        return
    total = first.astype(np.int64)
    if second is not None and second.shape == first.shape:
        total = total + second
    by_input = case.from_input(projection)
    kind = "in" if by_input else "out" if population.role == "output" else "rec"
    shift = case.manifest.pools.get(f"weight_shift_{kind}", 0)
    factor = 2.0 ** min(shift, 64) * (1.0 - 2.0**-dash)
    yield in_units(population, scale, total, factor)
