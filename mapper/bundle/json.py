"""Facts as JSON text: ASCII only, so that no name can steer a terminal; no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np


def dumps(facts: object) -> str:
    """One JSON document, ending in a newline. What JSON has no number for becomes null."""
    return json.dumps(_plain(facts), indent=1, allow_nan=False) + "\n"


def line(facts: object) -> str:
    """The same on one line, without its newline, keys in the order given."""
    return json.dumps(_plain(facts), separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        held = cast(Mapping[object, object], value)
        return {str(key): _plain(one) for key, one in held.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in cast(Sequence[object], value)]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, np.generic):
        return _plain(cast(object, value.item()))
    raise TypeError(f"no fact: {type(value).__name__}")
