"""Loihi 2: the connections, as Lava's fixed-point models compute them.

Dense, Sparse, DelayDense, DelaySparse and Conv of lava-nc 0.10. Each gives 32-bit sums one
step after the spikes that it got.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mapper.emulate.exact import Matrix, Sparse, correlation, no_further, only, product
from mapper.emulate.steps import Wire
from nir_io.arrays import AnyArray as Array

SignMode = Literal["mixed", "excitatory", "inhibitory"]

CEILING = 2**23  # of the 24-bit sums of Conv
TURN = 2**24


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
            for some in (only(stored, self.delays == delay),)
        ]

    def _sum(self, weights: Matrix, peak: int) -> Callable[[Array], Array]:
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
        across, along = self.padding
        correlate, _ = correlation(
            self._spread(),
            self.shape,
            self.stride,
            ((across, across), (along, along)),
            peak if self.graded else 1,
        )
        exponent, graded = self.weight_exp, self.graded

        def apply(spikes: Array) -> Array:
            total = correlate(spikes if graded else spikes != 0) * 2**exponent
            if total.max(initial=0) >= CEILING or total.min(initial=0) < -CEILING:
                total = (total.astype(np.float64) + CEILING) % TURN - CEILING
            return total.astype(np.int32)

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
