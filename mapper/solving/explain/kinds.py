"""Every kind of limit that a claim can be about, and what sort of reason it is.

The sort decides which conflict is told first and which recogniser speaks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Sort = Literal[
    "asked",  # the question itself, nobody's limit
    "support",  # the chip cannot compute this
    "item",  # one population, or one slice of it, is too large
    "total",  # all together are too much
    "wiring",  # destinations, fan-out, windows
    "time",  # delays and path lengths
    "policy",  # an approximation, a host stage: the user may allow it
]

SORTS: Mapping[str, Sort] = MappingProxyType(
    {
        "placed": "asked",
        "slices-on-cores": "asked",
        "edge-forms": "asked",
        "unsupported": "support",
        "recurrence": "support",
        "merge-shape": "support",
        "kernel-size": "item",
        "stride": "item",
        "padding": "item",
        "pooling": "item",
        "square-kernel": "item",
        "symmetric-padding": "item",
        "input-map": "item",
        "output-map": "item",
        "kernel-memory": "item",
        "neuron-memory": "item",
        "bias-memory": "item",
        "features": "item",
        "input-features": "item",
        "neurons-per-core": "item",
        "groups-per-core": "item",
        "core-units": "item",
        "axon-in": "item",
        "axon-map": "item",
        "axon-mem": "item",
        "synapse-words": "item",
        "sram": "item",
        "atoms": "item",
        "atoms-conv": "item",
        "cores": "total",
        "one-slice-a-core": "total",
        "input-channels": "total",
        "input-events": "total",
        "hidden-neurons": "total",
        "output-neurons": "total",
        "recurrent-pairs": "total",
        "destinations": "wiring",
        "dvs-destinations": "wiring",
        "fan-out": "wiring",
        "input-window": "wiring",
        "output-window": "wiring",
        "window-overlap": "wiring",
        "latency": "time",
        "conv-delay": "time",
        "slow-clock": "time",
        "host-stage": "policy",
        "needs-allow": "policy",
        "max-error": "policy",
        "exact-only": "policy",
    }
)

ORDER: tuple[Sort, ...] = ("support", "item", "total", "wiring", "time", "policy", "asked")


def sort_of(kind: str) -> Sort:
    """The sort of reason that claims of this kind give."""
    return SORTS.get(kind, "item")


def rank(kind: str) -> int:
    """The place of a kind among reasons: what no option lifts comes first."""
    return ORDER.index(sort_of(kind))
