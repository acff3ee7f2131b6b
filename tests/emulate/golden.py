"""Stored traces of the vendors' simulators; see data/README.md."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.sdk import cases

DATA = Path(__file__).parent / "data"


@cache
def traces(vendor: str) -> list[dict[str, Any]]:
    """Cases with their results: {"case", "result"}; integers as wide as the emulators' own."""
    return [_wide(both) for both in cases.read(DATA / f"{vendor}.npz")]


@cache
def published(name: str) -> Any:
    """A published trace of one LIF neuron: (step; input, membrane, spike)."""
    with np.load(DATA / "published_lif.npz", allow_pickle=False) as stored:
        return stored[name]


def _wide(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _wide(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_wide(inner) for inner in value]
    return value.astype(np.int64) if isinstance(value, np.ndarray) else value
