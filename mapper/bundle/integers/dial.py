"""What a quantizer may choose freely, by name: the choices that a calibration turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Chosen = Mapping[str, float]
NOTHING: Chosen = MappingProxyType({})
GAINS = (0.8, 0.9, 0.95, 1.05, 1.1, 1.25)  # of weights, beside 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """A free choice: `name` is 'KIND@POPULATION', `values` what is tried, in order.

    `usual`: what is chosen without data, one of the values.
    """

    name: str
    values: tuple[float, ...]
    usual: float


def dial(kind: str, population: str, values: tuple[float, ...], usual: float) -> Dial:
    """The dial of one population, its usual value among the values."""
    tried = tuple(sorted({*values, usual}))
    return Dial(name=f"{kind}@{population}", values=tried, usual=usual)


def read(chosen: Chosen, kind: str, population: str, usual: float) -> float:
    """The value chosen for a population, or the usual one."""
    return chosen.get(f"{kind}@{population}", usual)
