"""The bundle's arrays while it is being built: named in order, each with its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mapper.emulate.manifest import ArrayRow, ConstantRow, ErrorRow, Params, Ref
from nir_io.arrays import AnyArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Deviation of an array from the float values, in threshold units."""

    max: float
    rms: float
    clipped: int

    def as_json(self) -> ErrorRow:
        """As the manifest stores it, rounded to 6 digits."""
        return {
            "max": float(f"{self.max:.6g}"),
            "rms": float(f"{self.rms:.6g}"),
            "clipped": self.clipped,
        }


def loss(wanted: AnyArray, got: AnyArray, clipped: int = 0, *, exact: int = 0) -> Loss:
    """The largest and the root-mean-square deviation of `got` from `wanted`.

    exact: values that are not among them and met exactly, such as zeros.
    """
    off = np.asarray(got, dtype=np.float64) - wanted
    if not off.size:
        return Loss(max=0.0, rms=0.0, clipped=clipped)
    square = float(np.sum(off * off)) / (off.size + exact)
    return Loss(max=float(np.max(np.abs(off))), rms=float(np.sqrt(square)), clipped=clipped)


@dataclass(slots=True)
class Arrays:
    """Arrays in the order in which they are added, `a000` first."""

    values: dict[str, AnyArray] = field(default_factory=dict[str, AnyArray])
    rows: dict[str, ArrayRow] = field(default_factory=dict[str, ArrayRow])

    def add(self, array: AnyArray, what: str, error: Loss | None = None) -> str:
        """The new array's ref."""
        ref = f"a{len(self.values):03d}"
        kept = np.ascontiguousarray(array)
        self.values[ref] = kept
        self.rows[ref] = {
            "shape": list(kept.shape),
            "dtype": str(kept.dtype),
            "what": what,
            "error": error.as_json() if error else None,
        }
        return ref


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The integers of a population or projection: params by name, refs or numbers.

    scale: integer units per threshold unit, of a population.
    """

    params: Params
    scale: Ref | float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """Integers of one placement: what of the manifest depends on them.

    populations, projections: by name; pools (Xylo): what the three matrices share;
    silent_steps: that stand in for a reset between samples where the chip has none; floats:
    the values that the integers stand for, {(projection or population, param): array}.
    """

    arrays: Arrays
    populations: Mapping[str, Stored]
    projections: Mapping[str, Stored]
    alarms: tuple[str, ...]
    floats: Mapping[tuple[str, str], AnyArray]
    pools: Mapping[str, int] = field(default_factory=dict[str, int])
    silent_steps: int = 0
    constant_inputs: tuple[ConstantRow, ...] = ()


ENOUGH = 3.0  # threshold units: a weight beyond this fires or silences its neuron anyway


def best_share(values: AnyArray, most: int, shares: tuple[float, ...]) -> float:
    """The percentile of |values| whose scale has the least mean square error.

    Candidates map the given percentiles of |values| to `most`; larger values are clipped.
    What a weight has beyond ENOUGH thresholds does not count: one outlier would else cost
    every other weight its resolution.
    """
    magnitudes = _nonzero(values)
    if not magnitudes.size:
        return shares[0]
    felt = np.minimum(magnitudes, ENOUGH)
    best: tuple[float, float] | None = None
    for share, top in zip(shares, np.percentile(magnitudes, shares), strict=True):
        scale = most / float(top)
        stored = np.clip(np.rint(magnitudes * scale), 0, most) / scale
        error = float(np.mean((np.minimum(stored, ENOUGH) - felt) ** 2))
        if best is None or error < best[0] - 1e-18:
            best = (error, share)
    assert best is not None
    return best[1]


def scale_of(values: AnyArray, most: int, share: float) -> float:
    """Integer units per threshold unit that map that percentile of |values| to `most`."""
    magnitudes = _nonzero(values)
    return most / float(np.percentile(magnitudes, share)) if magnitudes.size else float(most)


def smallest_clip(values: AnyArray, most: int, shares: tuple[float, ...]) -> float:
    """The scale (integer units per threshold unit) of the best of the given percentiles."""
    return scale_of(values, most, best_share(values, most, shares))


def _nonzero(values: AnyArray) -> AnyArray:
    magnitudes = np.abs(np.ravel(values))
    return magnitudes[magnitudes > 0]
