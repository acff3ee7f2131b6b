"""Xylo, core versions 2 (Audio 2, Audio 3, IMU) and 1, as xylosim 0.1.3 computes it.

All states are 16-bit integers that saturate. One step:

    I_k = sat(I_k + n (w << shift))     source by source: inputs, then the hidden spikes of
                                        the step before; n is at most 15 of an input
    I_k -= d(I_k, dash_syn_k)
    V = sat(V + dV), dV = sat(sat(I_1 + I_2 - d(V, dash_mem)) + bias)     (core 2)
    V = sat(V - d(V, dash_mem) + I_1 + I_2)                               (core 1)
    while V >= threshold and fewer than 31 spikes (outputs: 1): a spike, V -= threshold

d(x, k) = floor(x / 2^k), but 1 where that is 0 and x > 0. An alias adds a neuron's spikes
to those of another without touching its V. A sum that cannot saturate on the way is one
matrix product; the others are added source by source.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mapper.emulate.exact import no_further, product
from mapper.emulate.record import Record
from nir_io.arrays import AnyArray
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

LOW, HIGH = -(2**15), 2**15 - 1
MOST_EVENTS = 15  # of an input channel in a step
MOST_SPIKES = 31  # of a hidden neuron in a step
CHUNK = 2**21  # numbers in the input drive of one chunk of samples


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Network:
    """What is written to the chip. Names as in the vendor's specification.

    weights_in: (channel, first hidden neurons, synapse); weights_rec: (hidden source,
        hidden target, synapse) or None; weights_out: (last hidden neurons, output).
        Integers of 8 bits; one or two synapses.
    dash_mem (hidden,), dash_syn (hidden, synapse), dash_mem_out, dash_syn_out (output,).
    threshold, threshold_out, bias, bias_out; bias None: 0. Core 1 has no bias.
    aliases (hidden,): the hidden neuron that also gets the spikes, or -1.
    """

    weights_in: Array
    weights_rec: Array | None
    weights_out: Array
    dash_mem: Array
    dash_syn: Array
    dash_mem_out: Array
    dash_syn_out: Array
    threshold: Array
    threshold_out: Array
    bias: Array | None = None
    bias_out: Array | None = None
    weight_shift_in: int = 0
    weight_shift_rec: int = 0
    weight_shift_out: int = 0
    aliases: Array | None = None
    core: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        said = _shape_findings(self) or _range_findings(self)
        if said:
            raise BadInput(said)

    @property
    def hidden(self) -> int:
        """Number of hidden neurons."""
        return len(self.threshold)

    @property
    def outputs(self) -> int:
        """Number of output neurons."""
        return len(self.threshold_out)


def _shape_findings(net: Network) -> list[str]:
    hidden, outputs = net.threshold.size, net.threshold_out.size
    synapses = net.dash_syn.shape[1] if net.dash_syn.ndim == 2 else 0
    said = [
        f"{name} has shape {value.shape}; needed: {shape}"
        for name, value, shape in (
            ("threshold", net.threshold, (hidden,)),
            ("threshold_out", net.threshold_out, (outputs,)),
            ("dash_mem", net.dash_mem, (hidden,)),
            ("dash_syn", net.dash_syn, (hidden, synapses)),
            ("dash_mem_out", net.dash_mem_out, (outputs,)),
            ("dash_syn_out", net.dash_syn_out, (outputs,)),
            ("bias", net.bias, (hidden,)),
            ("bias_out", net.bias_out, (outputs,)),
            ("aliases", net.aliases, (hidden,)),
            ("weights_rec", net.weights_rec, (hidden, hidden, synapses)),
        )
        if value is not None and value.shape != shape
    ]
    if synapses not in (1, 2):
        said.append(f"dash_syn has shape {net.dash_syn.shape}; needed: ({hidden}, 1 or 2)")
    if net.weights_in.ndim != 3 or net.weights_in.shape[1] > hidden:
        said.append(f"weights_in has shape {net.weights_in.shape}; there are {hidden} hidden")
    elif net.weights_in.shape[2] != synapses:
        said.append(f"weights_in has {net.weights_in.shape[2]} synapses, dash_syn {synapses}")
    if net.weights_out.ndim != 2 or net.weights_out.shape[0] > hidden:
        said.append(f"weights_out has shape {net.weights_out.shape}; there are {hidden} hidden")
    elif net.weights_out.shape[1] != outputs:
        said.append(f"weights_out has {net.weights_out.shape[1]} outputs, threshold_out {outputs}")
    return said


def _range_findings(net: Network) -> list[str]:
    said: list[str] = []
    for name, low, high in (
        ("weights_in", -128, 127),
        ("weights_rec", -128, 127),
        ("weights_out", -128, 127),
        ("dash_mem", 0, 15),
        ("dash_syn", 0, 15),
        ("dash_mem_out", 0, 15),
        ("dash_syn_out", 0, 15),
        ("threshold", LOW, HIGH),
        ("threshold_out", LOW, HIGH),
        ("bias", LOW, HIGH),
        ("bias_out", LOW, HIGH),
        ("aliases", -1, net.hidden - 1),
    ):
        value: Array | None = getattr(net, name)
        if value is not None:
            said += no_further(value, low, high, name)
    for name in ("weight_shift_in", "weight_shift_rec", "weight_shift_out"):
        said += no_further(np.array(getattr(net, name)), 0, 8, name)
    if net.core == 1 and any(b is not None and b.any() for b in (net.bias, net.bias_out)):
        said.append("core 1 has no bias; use core 2 or leave bias and bias_out out")
    return said


def run(
    network: Network,
    inputs: Array,
    *,
    record: Collection[str] = ("hidden", "output"),
    states: Collection[str] = (),
) -> Record:
    """Spikes of the layers `hidden` and `output`: (sample, step, neuron).

    inputs: events (sample, step, channel), of which 15 a cell count.
    states: layers whose states are kept: `i1`, `v`, and `i2` where there is one.
    Raises BadInput where inputs do not fit the network.
    """
    sizes = {"hidden": network.hidden, "output": network.outputs}
    said = [f"there is no layer '{name}'" for name in {*record, *states} - sizes.keys()]
    if inputs.ndim != 3 or inputs.shape[-1] != len(network.weights_in):
        said.append(
            f"inputs have shape {inputs.shape}; needed: sample, step and "
            f"{len(network.weights_in)} channels"
        )
    elif inputs.size and (inputs.min() < 0 or inputs.dtype.kind not in "biu"):
        said.append("inputs are counts of events: integers from 0")
    if said:
        raise BadInput(said)
    samples, steps, _ = inputs.shape
    spikes = {name: np.zeros((samples, steps, sizes[name]), np.uint8) for name in record}
    traces = {name: dict[str, Array]() for name in states}
    synapses = network.dash_syn.shape[1]
    chunk = max(1, CHUNK // max(1, steps * network.hidden * synapses))
    for low in range(0, samples, chunk):
        part = slice(low, min(low + chunk, samples))
        core = _Core(network, np.minimum(inputs[part], MOST_EVENTS))
        for now in range(steps):
            core.step(now)
            for name, pool in (("hidden", core.hidden), ("output", core.output)):
                if name in spikes:
                    spikes[name][part, now] = pool.spikes
                if name not in traces:
                    continue
                for variable, value in pool.states().items():
                    if variable not in traces[name]:
                        shape = (samples, steps, sizes[name])
                        traces[name][variable] = np.zeros(shape, np.int16)
                    traces[name][variable][part, now] = value
    return Record(spikes, traces)


class _Core:
    """One chip, of some samples."""

    def __init__(self, net: Network, events: Array) -> None:
        hidden, synapses = net.dash_syn.shape
        samples = len(events)
        biased = any(b is not None and b.any() for b in (net.bias, net.bias_out))
        self._order = _alias_order(net.aliases, hidden)
        self.hidden = _Pool(
            samples,
            net.dash_mem,
            net.dash_syn,
            net.threshold,
            net.bias if biased else None,
            MOST_SPIKES,
            net.core,
        )
        self.output = _Pool(
            samples,
            net.dash_mem_out,
            net.dash_syn_out[:, None],
            net.threshold_out,
            net.bias_out if biased else None,
            1,
            net.core,
        )
        weights_in = np.zeros((len(net.weights_in), hidden, synapses), np.int64)
        weights_in[:, : net.weights_in.shape[1]] = net.weights_in
        rec = np.zeros((0, hidden, synapses)) if net.weights_rec is None else net.weights_rec
        self._from_input = _Sums(weights_in, net.weight_shift_in, MOST_EVENTS)
        self._from_hidden = _Sums(rec, net.weight_shift_rec, MOST_SPIKES)
        weights_out = net.weights_out[:, :, None]
        self._to_output = _Sums(weights_out, net.weight_shift_out, MOST_SPIKES)
        self._drivers = slice(hidden - len(net.weights_out), hidden)
        self._events = events
        rows = events.swapaxes(0, 1).reshape(-1, events.shape[2])
        self._ahead = [
            part.reshape(events.shape[1], samples, -1) for part in self._from_input.parts(rows)
        ]

    def step(self, now: int) -> None:
        before = self.hidden.spikes
        ahead = (self._ahead[0][now], self._ahead[1][now])
        terms = [(self._from_input, self._events[:, now], ahead)]
        if self._from_hidden.sources:
            terms.append((self._from_hidden, before, self._from_hidden.parts(before)))
        self.hidden.collect(terms)
        driving = before[:, self._drivers]
        if self._to_output.sources:
            parts = self._to_output.parts(driving)
            self.output.collect([(self._to_output, driving, parts)])
        self.hidden.integrate()
        self.hidden.fire(self._order)
        self.output.integrate()
        self.output.fire([])


class _Sums:
    """Weights of one matrix: (source, target, synapse), shifted."""

    def __init__(self, weights: Array, shift: int, peak: int) -> None:
        shifted = np.left_shift(weights.astype(np.int64), shift)
        self.sources = len(shifted)
        # A column for each pair of target and synapse, synapses apart: (synapse, target).
        size = shifted.shape[1] * shifted.shape[2]
        self.columns = shifted.swapaxes(1, 2).reshape(self.sources, size)
        self._width = self.columns.shape[1]
        both = np.hstack([np.maximum(self.columns, 0), np.maximum(-self.columns, 0)])
        self._product = product(both.T, peak)

    def parts(self, counts: Array) -> tuple[Array, Array]:
        """What raises and what lowers: (rows, column) each, not negative."""
        both = self._product(counts)
        return both[:, : self._width], both[:, self._width :]


# What adds to the currents: weights, counts (sample, source), and `parts` of the counts.
Term = tuple[_Sums, Array, tuple[Array, Array]]
# Neurons that fire, those among them with an alias, and the alias of each.
Round = tuple[Array, Array, Array]


class _Pool:
    """Neurons of one kind, with their states: v (sample, neuron), i (sample, synapse, neuron)."""

    def __init__(
        self,
        samples: int,
        dash_mem: Array,
        dash_syn: Array,
        threshold: Array,
        bias: Array | None,
        most: int,
        core: int,
    ) -> None:
        size, synapses = dash_syn.shape
        self._dash_mem = dash_mem.astype(np.int32)
        self._dash_syn = np.ascontiguousarray(dash_syn.T, np.int32)
        self._threshold = threshold.astype(np.int32)
        self._bias = None if bias is None else bias.astype(np.int32)
        self._most, self._core = most, core
        self.v = np.zeros((samples, size), np.int32)
        self.i = np.zeros((samples, synapses, size), np.int32)
        self.spikes = np.zeros((samples, size), np.int32)

    def states(self) -> dict[str, Array]:
        named = {f"i{k + 1}": self.i[:, k] for k in range(self.i.shape[1])}
        return named | {"v": self.v}

    def collect(self, terms: list[Term]) -> None:
        """Add what arrives, source after source, each sum saturating."""
        flat = self.i.reshape(len(self.i), -1)
        high, low = flat.astype(np.float64), flat.astype(np.float64)
        for _, _, (up, down) in terms:
            high += up
            low -= down
        total = high + low - flat
        sure = (high <= HIGH) & (low >= LOW)
        if not sure.all():
            row, column = np.nonzero(~sure)
            value = flat[row, column]
            for sums, counts, _ in terms:
                for source in np.flatnonzero(counts[row].any(axis=0)):
                    value += counts[row, source] * sums.columns[source, column].astype(np.int32)
                    np.minimum(value, HIGH, out=value)
                    np.maximum(value, LOW, out=value)
            total[row, column] = value
        flat[:] = total

    def integrate(self) -> None:
        """Decay the currents, and put them on the membrane."""
        self.i -= _decay(self.i, self._dash_syn)
        current = self.i.sum(axis=1, dtype=np.int32)
        if self._core == 1:
            self.v += current - _decay(self.v, self._dash_mem)
        else:
            change = -_decay(self.v, self._dash_mem)
            # As a 16-bit number, -(-2^15) stays -2^15.
            np.copyto(change, LOW, where=change > HIGH)
            change += current
            np.clip(change, LOW, HIGH, out=change)
            if self._bias is not None:
                change += self._bias
                np.clip(change, LOW, HIGH, out=change)
            self.v += change
        np.clip(self.v, LOW, HIGH, out=self.v)

    def fire(self, aliases: list[Round]) -> None:
        """Spike as often as V and the limit allow; `aliases` as `_alias_order` gives them."""
        self.spikes = np.zeros_like(self.v)
        if not aliases:
            self._fire(slice(None))
            return
        for neurons, sources, targets in aliases:
            self._fire(neurons)
            np.add.at(self.spikes.T, targets, self.spikes[:, sources].T)
            self.spikes[:, targets] = np.minimum(self.spikes[:, targets], self._most)

    def _fire(self, neurons: slice | AnyArray) -> None:
        v, threshold = self.v[:, neurons], self._threshold[neurons]
        room = self._most - self.spikes[:, neurons]
        fits = np.minimum(v // np.maximum(threshold, 1), room)
        fired = np.where((v >= threshold) & (threshold > 0), fits, 0)
        left = v - fired * threshold
        if (threshold <= 0).any():
            # Subtracting raises V here, until the 16-bit number turns over.
            for _ in range(self._most):
                again = (threshold <= 0) & (left >= threshold) & (fired < room)
                fired += again
                left = (left - again * threshold).astype(np.int16).astype(np.int32)
        self.spikes[:, neurons] += fired
        self.v[:, neurons] = left


def _decay(x: Array, dash: Array) -> Array:
    """d(x, dash): a part of x, at least 1 of a positive x."""
    decay = x >> dash
    np.copyto(decay, 1, where=(decay == 0) & (x > 0))
    return decay


def _alias_order(aliases: Array | None, hidden: int) -> list[Round]:
    """Rounds in which neurons can act together as if they acted in ascending order.

    Of a source and its target the lower one acts first: a target hears of a lower source
    before it fires, and of a higher one after it has passed its own spikes on.
    """
    if aliases is None or (aliases < 0).all():
        return []
    sources = np.flatnonzero(aliases >= 0)
    targets = aliases[sources].astype(np.int64)
    level = np.zeros(hidden, np.int64)
    first, second = np.minimum(sources, targets), np.maximum(sources, targets)
    for index in np.argsort(second, kind="stable"):
        low, high = first[index], second[index]
        if low != high:
            level[high] = max(level[high], level[low] + 1)
    return [
        (np.flatnonzero(level == now), sources[acting], targets[acting])
        for now in range(int(level.max()) + 1)
        for acting in (level[sources] == now,)
    ]
