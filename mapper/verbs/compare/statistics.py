"""Shares and paired differences with 95 % intervals, by closed formulas: no random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from mapper.emulate.manifest import IntervalRow
from nir_io.arrays import AnyArray

Z = 1.959963984540054  # two-sided 95 %: the normal distribution's 97.5 % quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`value` = hits of `samples`, with the interval that holds the true one in 95 of 100 runs."""

    value: float
    low: float
    high: float
    samples: int

    def as_json(self) -> IntervalRow:
        """Rounded to 6 digits."""
        return {
            "value": round(self.value, 6),
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "samples": self.samples,
        }


def share(hits: AnyArray) -> Share:
    """The share of hits (sample,) of booleans, with Wilson's score interval.

    E. B. Wilson (1927), J. Am. Stat. Assoc. 22, 209-212. Raises ValueError without samples.
    """
    n = hits.size
    if n == 0:
        raise ValueError("a share of no samples")
    p = float(np.count_nonzero(hits)) / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Share(value=p, low=min(low, p), high=max(high, p), samples=n)


def paired_difference(after: AnyArray, before: AnyArray) -> Share:
    """share(after) - share(before) on the same samples, with the interval of Bonett and Price.

    after, before: booleans (sample,), e.g. whether a decision is right. D. G. Bonett and
    R. M. Price (2012), J. Educ. Behav. Stat. 37, 479-488: Wald's interval with one sample
    added to each of the two discordant cells. Raises ValueError where there are no samples,
    or not as many of each.
    """
    n = before.size
    if n == 0 or before.shape != after.shape:
        raise ValueError(f"{after.shape} samples after, {before.shape} before; expected the same")
    gained = int(np.count_nonzero(after & ~before))
    lost = int(np.count_nonzero(before & ~after))
    up, down = (gained + 1) / (n + 2), (lost + 1) / (n + 2)
    half = Z * sqrt((up + down - (up - down) ** 2) / (n + 2))
    value = (gained - lost) / n
    low, high = max(-1.0, up - down - half), min(1.0, up - down + half)
    return Share(value=value, low=min(low, value), high=max(high, value), samples=n)


def mean_difference(after: AnyArray, before: AnyArray) -> Share:
    """The mean of after - before over paired samples, with a normal 95 % interval.

    after, before: numbers (sample,). One sample has no interval: it is the value itself.
    """
    off = np.asarray(after, dtype=np.float64) - before
    if off.size == 0:
        raise ValueError("a mean of no samples")
    value = float(off.mean())
    half = Z * float(off.std(ddof=1)) / sqrt(off.size) if off.size > 1 else 0.0
    return Share(value=value, low=value - half, high=value + half, samples=off.size)
