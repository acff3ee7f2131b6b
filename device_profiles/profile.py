"""A chip as data: every number with its unit, its source and how sure we are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Confidence = Literal["published", "inferred", "assumed"]
Kind = Literal["limit", "floor", "cost", "fact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A limit. `value` is the safe one; `optimistic`, where given, what it may really be.

    `kind`: limit (at most; more is better), floor (at least; less is better), cost (what
    one thing takes; less is better), fact (no better side, never optimistic). `source` is
    the text of the profile's source entry that it cites, `confidence`: published (vendor or
    paper), inferred (from a vendor tool's code, tables or runs), assumed (our guess).
    """

    value: int | float
    unit: str
    source: str
    confidence: Confidence
    optimistic: int | float | None = None
    note: str = ""
    kind: Kind = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreClass:
    """Cores that are equal: `ids` as the vendor numbers them, limits per core."""

    name: str
    ids: tuple[int, ...]
    limits: Mapping[str, Number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One device.

    limits: chip-wide numbers; cores: classes in order; lists: named lists of text or
    integers with a source each ('neuron_models', 'resets', 'strides', ...); switches:
    named true/false facts with a source; hash: SHA-256 of the TOML file's bytes.
    """

    name: str
    title: str
    vendor: str
    family: str
    sources: Mapping[str, str]
    limits: Mapping[str, Number]
    cores: tuple[CoreClass, ...]
    lists: Mapping[str, Values]
    switches: Mapping[str, Switch]
    hash: str

    def limit(self, name: str) -> Number:
        """A chip-wide number, or one of the cores where all cores are alike.

        Raises KeyError with the names that there are.
        """
        if name in self.limits:
            return self.limits[name]
        alike: Mapping[str, Number] = self.cores[0].limits if len(self.cores) == 1 else {}
        if name in alike:
            return alike[name]
        names = ", ".join((*self.limits, *alike))
        raise KeyError(f"{self.name} has no limit '{name}'; there are: {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A list of legal values, for example strides."""

    values: tuple[str | int, ...]
    source: str
    confidence: Confidence
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A fact that is true or false, for example 'cores may be shared'."""

    value: bool
    source: str
    confidence: Confidence
    note: str = ""
