"""Loihi 2: the neurons, as Lava's fixed-point models LIF, LIFReset and ATRLIF compute them.

States are kept in float64, in which all of this is exact (the largest product is 2^44).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapper.emulate.exact import no_further
from nir_io.arrays import AnyArray as Array

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
