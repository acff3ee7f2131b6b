"""Facts as JSON text: ASCII only, so that no name can steer a terminal; no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def dumps(facts: Any) -> str:
    """One JSON document, ending in a newline. What JSON has no number for becomes null."""
    return json.dumps(_plain(facts), indent=1, allow_nan=False) + "\n"


def line(facts: Any) -> str:
    """The same on one line, without its newline, keys in the order given."""
    return json.dumps(_plain(facts), separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    return _plain(value.item())  # a number of numpy's
