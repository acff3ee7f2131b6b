"""Loihi 2 as Lava's fixed-point model computes it, bit by bit.

Equations: lava-nc 0.10, tag `fixed_pt`: LIF, LIFReset, ATRLIF, Dense, Sparse, DelayDense,
DelaySparse, Conv. Step t = 1, 2, ...; every connection delays by one step:

    a = sum of what the connections give            (32 bits, wraps)
    u = trunc(u (4095 - du) / 4096) + 64 a          (24 bits, wraps once)
    v = trunc(v (4096 - dv) / 4096) + u + bias      (saturates at +-(2^23 - 1))
    spike where v > 64 vth, and there v = 0

States are kept in float64, in which all of this is exact (the largest product is 2^44).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mapper.emulate.exact import Matrix, Sparse, correlation, no_further, product
from mapper.emulate.record import Record
from mapper.emulate.steps import Wire, check_names, flat_inputs, simulate
from nir_io.errors import BadInput

Array = NDArray[Any]
SignMode = Literal["mixed", "excitatory", "inhibitory"]

CEILING = 2**23  # of the 24-bit states u and v
TURN = 2**24
WORD = 2**32
UNITY = 4096  # of the 12-bit decays
STATE_SHIFT = 6  # synaptic input and threshold are multiples of 64 in units of u and v


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Lif:
    """Current-based leaky integrate and fire, reset to zero (Lava: LIF, LIFReset).

    du, dv: decays, 0..4095; u keeps 4095 - du, v keeps 4096 - dv of 4096 parts a step.
    vth: mantissa of the threshold, in units of 64.
    bias_mant (neuron,), bias_exp: added to v each step as mantissa * 2^exponent.
    u, v: initial states (neuron,), 0 if None.
    reset_interval, reset_offset: u = v = 0 before the steps t with
        t = offset modulo interval; None: never.
    """

    name: str
    size: int
    du: int
    dv: int
    vth: int
    bias_mant: Array | None = None
    bias_exp: Array | None = None
    u: Array | None = None
    v: Array | None = None
    reset_interval: int | None = None
    reset_offset: int = 0

    @property
    def drive(self) -> tuple[int, ...]:
        return (self.size,)

    def start(self, samples: int) -> LifState:
        return LifState(self, samples)

    def findings(self) -> list[str]:
        where = f"layer '{self.name}'"
        said = [
            f"{where}: {key} is {value}; {low}..{high} can be stored"
            for key, value, low, high in (
                ("du", self.du, 0, UNITY - 1),
                ("dv", self.dv, 0, UNITY - 1),
                ("vth", self.vth, -(2**25), 2**25 - 1),
            )
            if not low <= value <= high
        ]
        return said + _common_findings(self)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AtrLif:
    """Adaptive threshold and refractory state (Lava: ATRLIF).

        u, v as in `Lif`; theta -> theta_0 and r -> 0 decay in the same way
        spike where v - r >= theta; there r += 2 theta, theta += theta_step

    delta_i, delta_v, delta_theta, delta_r: decays in parts of 4096 (Lava takes fractions).
    theta_0, theta_step: mantissas, in units of 64.

    v is never reset. With delta_r = delta_v, no decay and no step of theta, theta_0 = T/2,
    bias = -(delta_v / 4096) T/2 and v = -T/2 at the start, v - r + T/2 is a neuron with
    threshold T that is reset by subtracting T.
    """

    name: str
    size: int
    delta_i: int
    delta_v: int
    delta_theta: int
    delta_r: int
    theta_0: int
    theta_step: int = 0
    bias_mant: Array | None = None
    bias_exp: Array | None = None
    u: Array | None = None
    v: Array | None = None
    r: Array | None = None

    @property
    def drive(self) -> tuple[int, ...]:
        return (self.size,)

    def start(self, samples: int) -> AtrLifState:
        return AtrLifState(self, samples)

    def findings(self) -> list[str]:
        where = f"layer '{self.name}'"
        said = [
            f"{where}: {key} is {value}; {low}..{high} can be stored"
            for key, value, low, high in (
                ("delta_i", self.delta_i, 0, UNITY - 1),
                ("delta_v", self.delta_v, 0, UNITY),
                ("delta_theta", self.delta_theta, 0, UNITY),
                ("delta_r", self.delta_r, 0, UNITY),
                ("theta_0", self.theta_0, 0, 2**17 - 1),
                ("theta_step", self.theta_step, 0, 2**17 - 1),
            )
            if not low <= value <= high
        ]
        return said + _common_findings(self)


def _common_findings(layer: Lif | AtrLif) -> list[str]:
    where = f"layer '{layer.name}'"
    said: list[str] = []
    for key in ("bias_mant", "bias_exp", "u", "v"):
        value: Array | None = getattr(layer, key)
        if value is not None and value.shape != (layer.size,):
            said.append(f"{where}: {key} has shape {value.shape}; needed: ({layer.size},)")
    for key in ("u", "v"):
        value = getattr(layer, key)
        if value is not None:
            said += no_further(value, 1 - CEILING, CEILING - 1, f"{where}: {key}")
    if layer.bias_mant is not None:
        said += no_further(layer.bias_mant, -(2**15), 2**15 - 1, f"{where}: bias_mant")
    if layer.bias_exp is not None:
        said += no_further(layer.bias_exp, -15, 15, f"{where}: bias_exp")
    return said


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Dense:
    """Weights, one a pair of neurons (Lava: Dense, Sparse, and both with delays).

    weights: integers (target, source) or `Sparse`, as handed to Lava, which clips them to
        the range of their sign mode and drops low bits; see `stored_weights`.
    weight_exp: the sum is shifted left by it, or right if negative.
    weight_bits: 1..8. sign_mode: None derives it from the weights, as Lava does.
    graded: sources send their value (an input's payload); else any value counts as 1.
    delays: 0..63 further steps, of the weights' shape (`Sparse`: one an entry), or None.
    """

    source: str
    target: str
    weights: Matrix
    weight_exp: int = 0
    weight_bits: int = 8
    sign_mode: SignMode | None = None
    graded: bool = False
    delays: Array | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """(target, source)."""
        rows, columns = self.weights.shape
        return rows, columns

    def wires(self, peak: int) -> list[Wire]:
        """One a delay. `peak`: the largest value that a source can send."""
        stored = stored_weights(self.weights, self.weight_bits, self.sign_mode)
        if self.delays is None:
            return [Wire(self.source, self.target, 1, self._sum(stored, peak))]
        return [
            Wire(self.source, self.target, 1 + int(delay), self._sum(some, peak))
            for delay in np.unique(self.delays)
            for some in (_only(stored, self.delays == delay),)
        ]

    def _sum(self, weights: Matrix, peak: int) -> Any:
        multiply = product(weights, peak if self.graded else 1)
        exponent, graded = self.weight_exp, self.graded

        def apply(spikes: Array) -> Array:
            total = multiply(spikes if graded else spikes != 0).astype(np.int64)
            if graded:
                total = total.astype(np.int32).astype(np.int64)
            shifted = total << exponent if exponent > 0 else total >> -exponent
            return shifted.astype(np.int32)

        return apply

    def findings(self) -> list[str]:
        where = f"'{self.source}' to '{self.target}'"
        said: list[str] = []
        if not 1 <= self.weight_bits <= 8:
            said.append(f"{where}: {self.weight_bits} bits a weight; 1..8 can be stored")
        if not -16 <= self.weight_exp <= 16:
            said.append(f"{where}: weight_exp is {self.weight_exp}; -16..16 can be computed")
        if self.delays is not None:
            values = self.weights.weight if isinstance(self.weights, Sparse) else self.weights
            if self.delays.shape != values.shape:
                said.append(f"{where}: delays {self.delays.shape} for weights {values.shape}")
            said += no_further(self.delays, 0, 63, f"{where}: the delay")
        return said


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Conv:
    """Convolution of (x, y, channel) maps, flat in this order (Lava: Conv).

    kernel: integers (out, kx, ky, in / groups), turned over in x and y as convolutions are.
    shape: (x, y, in); stride, padding, dilation: (x, y).
    Lava's CPU model neither truncates these weights nor reads an exponent; the sum wraps
    to 24 bits. `weight_exp` stands for what the chip does with it: a left shift.
    """

    source: str
    target: str
    kernel: Array
    shape: tuple[int, int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    weight_exp: int = 0
    graded: bool = False

    @property
    def sizes(self) -> tuple[int, int]:
        """(target, source)."""
        out = self.out_shape
        return out[0] * out[1] * out[2], self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """(x, y, out)."""
        x, y = (
            (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
            for size, pad, dilation, kernel, stride in zip(
                self.shape[:2],
                self.padding,
                self.dilation,
                self.kernel.shape[1:3],
                self.stride,
                strict=True,
            )
        )
        return x, y, self.kernel.shape[0]

    def wires(self, peak: int) -> list[Wire]:
        correlate, _ = correlation(
            self._spread(),
            self.shape,
            self.stride,
            ((self.padding[0],) * 2, (self.padding[1],) * 2),
            peak if self.graded else 1,
        )
        exponent, graded = self.weight_exp, self.graded

        def apply(spikes: Array) -> Array:
            total = correlate(spikes if graded else spikes != 0).astype(np.int64) << exponent
            return ((total + CEILING) % TURN - CEILING).astype(np.int32)

        return [Wire(self.source, self.target, 1, apply)]

    def _spread(self) -> Array:
        """The kernel of the plain cross-correlation (kx, ky, in, out)."""
        out, kx, ky, per_group = self.kernel.shape
        dx, dy = self.dilation
        full = np.zeros((dx * (kx - 1) + 1, dy * (ky - 1) + 1, self.shape[2], out), np.int64)
        out_per_group = out // self.groups
        for group in range(self.groups):
            features = slice(group * out_per_group, (group + 1) * out_per_group)
            channels = slice(group * per_group, (group + 1) * per_group)
            turned = self.kernel[features, ::-1, ::-1].transpose(1, 2, 3, 0)
            full[::dx, ::dy, channels, features] = turned
        return full

    def findings(self) -> list[str]:
        where = f"'{self.source}' to '{self.target}'"
        out, _, _, per_group = self.kernel.shape
        said: list[str] = []
        if per_group * self.groups != self.shape[2] or out % self.groups:
            said.append(
                f"{where}: {self.groups} groups of {per_group} input channels, {out} features; "
                f"the map has {self.shape[2]} channels"
            )
        if min(self.out_shape[:2]) < 1:
            said.append(f"{where}: the convolution gives a map of {self.out_shape}")
        if not 0 <= self.weight_exp <= 16:
            said.append(f"{where}: weight_exp is {self.weight_exp}; 0..16 can be computed")
        return said


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Layers and what connects them. Names are free, one for each layer and input.

    A layer cut into slices is several layers; give their connections `sign_mode`.
    """

    layers: tuple[Lif | AtrLif, ...]
    connections: tuple[Dense | Conv, ...]

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        ends = [(c.source, c.target) for c in self.connections]
        inputs = [source for source, _ in ends if source not in names]
        said = check_names(names, set(inputs), ends)
        for part in (*self.layers, *self.connections):
            said += part.findings()
        if not said:
            said += _size_findings(self.layers, self.connections)
        if said:
            raise BadInput(said)

    def inputs(self) -> dict[str, int]:
        """The name of each input, and its number of channels."""
        names = {layer.name for layer in self.layers}
        return {c.source: c.sizes[1] for c in self.connections if c.source not in names}


def _size_findings(
    layers: Sequence[Lif | AtrLif], connections: Sequence[Dense | Conv]
) -> list[str]:
    sizes: dict[str, int] = {layer.name: layer.size for layer in layers}
    said: list[str] = []
    for connection in connections:
        rows, columns = connection.sizes
        for name, size in ((connection.target, rows), (connection.source, columns)):
            if sizes.setdefault(name, size) != size:
                said.append(
                    f"'{connection.source}' to '{connection.target}': weights for {size} neurons "
                    f"of '{name}', which has {sizes[name]}"
                )
    return said


def stored_weights(weights: Matrix, bits: int = 8, sign_mode: SignMode | None = None) -> Matrix:
    """The weights that are used: clipped to 8 bits and a sign, low bits dropped.

    Mixed weights span -256..255 and lose one bit more than those of one sign (0..255).
    Rounding is towards minus infinity, for `inhibitory` towards zero.
    """
    if isinstance(weights, Sparse):
        # Lava looks at the whole matrix, in which absent pairs are zeros.
        values = np.append(weights.weight, 0)
        if weights.weight.size == weights.shape[0] * weights.shape[1]:
            values = weights.weight
        used = _stored(weights.weight, bits, sign_mode or _sign_mode(values))
        return Sparse(weights.target, weights.source, used, weights.shape)
    return _stored(weights, bits, sign_mode or _sign_mode(weights))


def _sign_mode(weights: Array) -> SignMode:
    if weights.min(initial=0) >= 0:
        return "excitatory"
    return "inhibitory" if weights.max() <= 0 else "mixed"


def _stored(weights: Array, bits: int, mode: SignMode) -> Array:
    mixed = mode == "mixed"
    value = -weights.astype(np.int64) if mode == "inhibitory" else weights.astype(np.int64)
    dropped = 8 - bits + mixed
    value = (np.clip(value, -256 if mixed else 0, 255) >> dropped) << dropped
    return -value if mode == "inhibitory" else value


def _only(weights: Matrix, chosen: Array) -> Matrix:
    """The weights where `chosen`; elsewhere nothing."""
    if isinstance(weights, Sparse):
        return Sparse(
            weights.target[chosen], weights.source[chosen], weights.weight[chosen], weights.shape
        )
    return np.where(chosen, weights, 0)


def run(
    network: Network,
    inputs: Mapping[str, Array],
    *,
    record: Collection[str] | None = None,
    states: Collection[str] = (),
) -> Record:
    """Spikes of each layer, step by step.

    inputs: name -> integers (sample, step, channels...), 0 or 1 unless `graded`.
    record: layers whose spikes are kept, all if None.
    states: layers whose states are kept: `u` and `v`, of ATRLIF `theta` and `r` too.
    Raises BadInput where inputs do not fit the network.
    """
    flat, samples, steps = flat_inputs(inputs, network.inputs())
    sizes = {layer.name for layer in network.layers}
    wires: list[Wire] = []
    for connection in network.connections:
        peak = 1
        if connection.source not in sizes and flat[connection.source].size:
            peak = int(np.abs(flat[connection.source].astype(np.int64)).max())
        wires += connection.wires(peak)
    return simulate(
        network.layers,
        wires,
        flat,
        samples,
        steps,
        drive_type=np.int32,
        record=record,
        states=states,
    )


def _bias(layer: Lif | AtrLif) -> Array:
    """Mantissa * 2^exponent, rounded down: (neuron,)."""
    none = np.zeros(layer.size, np.int64)
    mantissa = none if layer.bias_mant is None else layer.bias_mant.astype(np.int64)
    exponent = none if layer.bias_exp is None else layer.bias_exp.astype(np.int64)
    up, down = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    return ((mantissa << up) >> down).astype(np.float64)


def _initial(value: Array | None, samples: int, size: int) -> Array:
    start = np.zeros((samples, size))
    if value is not None:
        start[:] = value
    return start


def _word(x: Array) -> None:
    """Wrap to 32 bits, in place."""
    if x.max(initial=0) >= WORD // 2 or x.min(initial=0) < -WORD // 2:
        x -= WORD * np.floor((x + WORD // 2) / WORD)


def _wrap_once(x: Array) -> None:
    """Wrap to (-2^23, 2^23] by one turn at most, in place."""
    if x.max(initial=0) > CEILING:
        np.subtract(x, TURN, out=x, where=x > CEILING)
    if x.min(initial=0) <= -CEILING:
        np.add(x, TURN, out=x, where=x <= -CEILING)


def _leak(x: Array, kept: int) -> None:
    """x = kept/4096 of it, rounded towards zero, in place."""
    if kept == UNITY:
        return
    np.multiply(x, kept / UNITY, out=x)
    np.trunc(x, out=x)


class _Charge:
    """The part that LIF and ATRLIF share: u and v."""

    def __init__(self, layer: Lif | AtrLif, samples: int, kept_u: int, kept_v: int) -> None:
        self.u = _initial(layer.u, samples, layer.size)
        self.v = _initial(layer.v, samples, layer.size)
        self._kept_u, self._kept_v = kept_u, kept_v
        self._bias = _bias(layer)
        self._biased = bool(self._bias.any())

    def add(self, drive: Array) -> None:
        _leak(self.u, self._kept_u)
        # int32, so that what is shifted out is lost.
        self.u += np.left_shift(drive, STATE_SHIFT)
        _word(self.u)
        _wrap_once(self.u)
        _leak(self.v, self._kept_v)
        self.v += self.u
        if self._biased:
            self.v += self._bias
        _word(self.v)
        np.clip(self.v, 1 - CEILING, CEILING - 1, out=self.v)


class LifState:
    """A running `Lif`."""

    def __init__(self, layer: Lif, samples: int) -> None:
        self._layer = layer
        self._charge = _Charge(layer, samples, UNITY - 1 - layer.du, UNITY - layer.dv)

    def step(self, tick: int, drive: Array) -> Array:
        layer, charge = self._layer, self._charge
        if layer.reset_interval is not None:
            due = layer.reset_offset % layer.reset_interval
            if tick % layer.reset_interval == due:
                charge.u[:] = 0
                charge.v[:] = 0
        charge.add(drive)
        spikes = charge.v > (layer.vth << STATE_SHIFT)
        np.copyto(charge.v, 0, where=spikes)
        return spikes

    def states(self) -> dict[str, Array]:
        return {key: getattr(self._charge, key).astype(np.int32) for key in ("u", "v")}


class AtrLifState:
    """A running `AtrLif`."""

    def __init__(self, layer: AtrLif, samples: int) -> None:
        self._charge = _Charge(layer, samples, UNITY - 1 - layer.delta_i, UNITY - layer.delta_v)
        self._kept_theta = UNITY - layer.delta_theta
        self._kept_r = UNITY - layer.delta_r
        self._rest = float(layer.theta_0 << STATE_SHIFT)
        self._rise = float(layer.theta_step << STATE_SHIFT)
        self._theta = np.full((samples, layer.size), self._rest)
        self._r = _initial(layer.r, samples, layer.size)

    def step(self, tick: int, drive: Array) -> Array:
        self._charge.add(drive)
        self._theta -= self._rest
        _leak(self._theta, self._kept_theta)
        self._theta += self._rest
        _leak(self._r, self._kept_r)
        gap = self._charge.v - self._r
        _word(gap)
        spikes = gap >= self._theta
        np.add(self._r, 2 * self._theta, out=self._r, where=spikes)
        _word(self._r)
        np.add(self._theta, self._rise, out=self._theta, where=spikes)
        return spikes

    def states(self) -> dict[str, Array]:
        values = {
            "u": self._charge.u,
            "v": self._charge.v,
            "theta": self._theta,
            "r": self._r,
        }
        return {key: value.astype(np.int32) for key, value in values.items()}
