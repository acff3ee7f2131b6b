"""How far two neurons' membranes drift apart: the membrane-response error (docs/architecture.md).

    h[n] = gain sum_{j=0..n} mem_decay^(n-j) syn_decay^j      (n = 0, 1, ... steps)

is the membrane after one unit of input in step 0. Without spikes v[t] = sum_n h[n] x[t-n],
x the summed input of a step. With g delayed by `lag` and multiplied by `gain`,

    |v_h[t] - v_g[t + lag]|  <=  max|x| * sum_n |h[n] - gain g[n + lag]|
                              =  max|x| * error * sum_n |h[n]|,

for every step t < steps. `error` is dimensionless: the deviation relative to the membrane
that a constant input of one unit would build up. So |dv| / threshold is at most
error * total(h, steps) * max|x| / threshold, up to the first spike that differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nir_io.graph import Array, frozen

Charge = Literal["area", "peak"]

MEMORY = 25.0  # slowest time constants that matter: (1 + 25) exp(-25) = 4e-10 is left out
LONGEST = 2**22  # steps; a neuron that remembers for longer counts as one that never forgets
CELLS = 2**20  # numbers in a temporary array
EVERY = 64  # lags that are all tried
COARSER = 4  # steps in one, where there are more
REMEMBERED = 1024  # rows of a table whose answer is kept: layers and devices ask the same again


@dataclass(frozen=True, slots=True)
class Response:
    """Per neuron, arrays of any shapes that broadcast: decays per step and gain.

    `syn_decay` 0: no synapse; `mem_decay` 1: an integrator. `gain`: what a unit of input
    adds to the membrane in the step of its arrival.
    """

    syn_decay: ArrayLike
    mem_decay: ArrayLike
    gain: ArrayLike = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Per neuron: `error` (dimensionless), `lag` in steps and `gain` to apply to g."""

    error: Array
    lag: NDArray[np.int64]
    gain: Array


def response_error(
    h: Response, g: Response, steps: int | None, *, charge: Charge = "area"
) -> Array | None:
    """`compare_responses(...).error`, shaped as the parameters; None where it has none."""
    found = compare_responses(h, g, steps, charge=charge)
    return None if found is None else found.error


def compare_responses(
    h: Response, g: Response, steps: int | None, *, charge: Charge = "area"
) -> Difference | None:
    """sum_n |h[n] - gain g[n + lag]| / sum_n |h[n]| over n < steps, at the best whole lag.

    `gain` makes the areas over the run (or the peaks) equal. A positive lag: g is late. A
    neuron h that no input moves (gain 0) is met exactly by a gain of 0; a g that no input
    moves has error 1. None where no run length is stated and a neuron never forgets (an
    integrator, or a decay so near to 1 that more than 2^22 steps matter). Raises ValueError
    for a decay outside 0..1 or a run shorter than one step.
    """
    arrays = np.broadcast_arrays(h.syn_decay, h.mem_decay, g.syn_decay, g.mem_decay, h.gain, g.gain)
    shape = arrays[0].shape
    table = np.stack([np.asarray(a, dtype=np.float64).ravel() for a in arrays], axis=1)
    _check(table[:, :4], steps)
    unique, back = _distinct(table[:, :4])
    known = _recalled if len(unique) <= REMEMBERED else _differences
    rows = known(unique.tobytes(), steps, charge)
    if rows is None:
        return None
    error, lag, gain = rows[back].T
    still, mute = table[:, 4] == 0.0, table[:, 5] == 0.0
    ratio = np.divide(table[:, 4], table[:, 5], out=np.ones(len(table)), where=~mute)
    error = np.where(still, 0.0, np.where(mute, 1.0, error))
    return Difference(
        frozen(error.reshape(shape)),
        lag.astype(np.int64).reshape(shape),
        frozen((gain * ratio).reshape(shape)),
    )


def total(response: Response, steps: int | None) -> Array | None:
    """sum_n |h[n]| over the run: the membrane per unit of constant input. None as above."""
    arrays = np.broadcast_arrays(response.syn_decay, response.mem_decay, response.gain)
    table = np.stack([np.asarray(a, dtype=np.float64).ravel() for a in arrays], axis=1)
    _check(table[:, :2], steps)
    unique, back = _distinct(table[:, :2])
    lengths = _lengths(unique, steps)
    if lengths is None:
        return None
    parts = [impulse(unique[part], 0, n).sum(axis=1) for part, n in _parts(lengths)]
    areas = np.concatenate([np.empty(0), *parts])
    return frozen((areas[back] * np.abs(table[:, 2])).reshape(arrays[0].shape))


def impulse(decays: Array, start: int, stop: int) -> Array:
    """h[start..stop-1] (neuron, step) with a gain of 1, 0 before step 0; decays (neuron, 2).

    Closed form high^n (1 - q^(n+1)) / (1 - q), q = low / high, stable where q is near 1.
    """
    low, high = np.sort(decays, axis=1).T[:, :, None]
    n = np.arange(max(start, 0), max(stop, 0), dtype=np.float64)[None, :]
    share = np.divide(high - low, high, out=np.ones_like(high), where=high > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.log1p(-share)  # log q; -inf without a synapse
        grown = np.where(share > 0.0, np.expm1((n + 1.0) * step) / np.expm1(step), n + 1.0)
    before = np.zeros((len(decays), max(min(0, stop) - start, 0)))
    return np.concatenate([before, high**n * grown], axis=1)


def _distinct(table: Array) -> tuple[Array, NDArray[np.intp]]:
    """The different rows of `table`, sorted, and for each row which of them it is."""
    if len(table) and bool((table == table[0]).all()):
        return np.ascontiguousarray(table[:1]), np.zeros(len(table), dtype=np.intp)
    unique, back = np.unique(table, axis=0, return_inverse=True)
    return np.ascontiguousarray(unique), back.ravel()


def _differences(rows: bytes, steps: int | None, charge: Charge) -> Array | None:
    """Error, lag and gain of each row of decays (float64, four a row); None as above."""
    decays = np.frombuffer(rows, dtype=np.float64).reshape(-1, 4)
    lengths = _lengths(decays, steps)
    if lengths is None:
        return None
    parts = [_rows(decays[part], n, charge) for part, n in _parts(lengths)]
    return frozen(np.concatenate([np.empty((0, 3)), *parts]))


_recalled = lru_cache(maxsize=512)(_differences)


def _check(decays: Array, steps: int | None) -> None:
    if decays.size and not (decays.min() >= 0.0 and decays.max() <= 1.0):
        raise ValueError(f"decays from {decays.min():g} to {decays.max():g}; expected 0 to 1")
    if steps is not None and steps < 1:
        raise ValueError(f"a run of {steps} steps; expected at least 1")


def _lengths(decays: Array, steps: int | None) -> NDArray[np.int64] | None:
    """Per row of `decays`, the steps that matter."""
    if steps is not None:
        return np.full(len(decays), steps)
    slowest = decays.max(axis=1)
    if np.any(slowest >= 1.0):
        return None
    enough = MEMORY / -np.log(np.maximum(slowest, 1e-3)) + 2.0
    return None if np.any(enough > LONGEST) else np.ceil(enough).astype(np.int64)


def _parts(lengths: NDArray[np.int64]) -> Iterator[tuple[slice, int]]:
    """Consecutive rows whose responses fit a temporary array, and the steps that they need."""
    start = 0
    while start < len(lengths):
        longest = np.maximum.accumulate(lengths[start : start + CELLS])
        fits = longest * np.arange(1, len(longest) + 1) <= CELLS
        stop = start + max(1, int(np.argmin(fits)) if not fits.all() else len(fits))
        yield slice(start, stop), int(longest[stop - start - 1])
        start = stop


def _rows(decays: Array, length: int, charge: Charge) -> Array:
    """(neuron, 3): error, lag, gain of h = decays[:, :2] and g = decays[:, 2:], gains of 1.

    The lags between no lag, equal peaks and equal medians are tried, and one on each side;
    where these are many, those near the best one in steps that are COARSER times as long.
    """
    h, g = impulse(decays[:, :2], 0, length), impulse(decays[:, 2:], 0, length)
    near = np.stack(
        [np.zeros_like(_median(h)), g.argmax(axis=1) - h.argmax(axis=1), _median(g) - _median(h)]
    )
    least, most = near.min(axis=0) - 1, near.max(axis=0) + 1
    many = most - least > EVERY
    if many.any():
        coarse = _rows(decays[many] ** COARSER, -(-length // COARSER), charge)[:, 1]
        middle = COARSER * coarse.astype(np.int64)
        least[many], most[many] = middle - COARSER - 1, middle + COARSER + 1
    low, high = int(least.min()), int(most.max())
    wide = impulse(decays[:, 2:], min(low, 0), length + max(high, 0))
    area, peak = h.sum(axis=1), h.max(axis=1)
    best = np.tile([np.inf, 0.0, 1.0], (len(h), 1))
    for lag in sorted(range(low, high + 1), key=lambda lag: (abs(lag), lag)):
        rows = np.flatnonzero((least <= lag) & (lag <= most))
        ahead = max(lag, 0)  # what g does before h begins counts as well
        first = lag - ahead - min(low, 0)
        late = wide[rows, first : first + length + ahead]
        share, size = late.sum(axis=1), area[rows]
        if charge == "peak":
            share, size = g[rows].max(axis=1), peak[rows]
        gain = np.divide(size, share, out=np.zeros_like(share), where=share > 0.0)
        late *= gain[:, None]
        late[:, ahead:] -= h[rows]
        error = np.where(share > 0.0, np.abs(late).sum(axis=1) / area[rows], np.inf)
        better = error < best[rows, 0]
        found = np.stack([error, np.full_like(error, lag), gain], axis=1)
        best[rows[better]] = found[better]
    same = (np.sort(decays[:, :2], axis=1) == np.sort(decays[:, 2:], axis=1)).all(axis=1)
    best[same] = (0.0, 0.0, 1.0)
    return best


def _median(response: Array) -> NDArray[np.int64]:
    """The step by which half of the area has passed; the best lag lies by their difference."""
    grown = np.cumsum(response, axis=1)
    return np.argmax(grown >= grown[:, -1:] / 2.0, axis=1)
