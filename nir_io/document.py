"""Values of JSON documents as types that JSON schemas are written from (scripts/schemas.py).

A document is a TypedDict: its keys, what may be absent (NotRequired) and null (`| None`). A
string in `Annotated` describes a value; `Least` and `Matches` are held by the schema alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Least:
    """A number is at least this."""

    value: int


@dataclass(frozen=True, slots=True)
class Matches:
    """A text matches this regular expression."""

    pattern: str


Count = Annotated[int, Least(0)]
Rank = Annotated[int, Least(1)]
Share = Annotated[float, Least(0)]
Sha256 = Annotated[str, Matches("^[0-9a-f]{64}$")]
