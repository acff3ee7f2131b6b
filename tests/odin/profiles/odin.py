"""ODIN: one crossbar of 256 addresses, weights of 3 bits, one sign a row."""

from __future__ import annotations

from device_profiles.families import (
    SEMANTIC_LISTS,
    SEMANTIC_NUMBERS,
    SEMANTIC_SWITCHES,
    Family,
    cost,
    floor,
    limit,
)

FAMILY = Family(
    name="odin",
    core_count="cores_per_chip",
    groups={
        "chip": {
            "cores_per_chip": limit("cores", "cores of the chip"),
            "chips_per_system": limit("chips", "chips that one network may use"),
        },
        "number formats": {
            "weight_max": limit("LSB", "largest magnitude of a weight"),
            "threshold_min": floor("LSB", "least threshold"),
            "threshold_max": limit("LSB", "largest threshold"),
            "state_max": limit("LSB", "largest membrane; the least is 0"),
        },
        "semantics": SEMANTIC_NUMBERS,
        "timing": {"cycles_per_event": cost("cycles", "clock cycles of a spike event")},
    },
    cores={"addresses": limit("addresses", "neurons and input channels together")},
    lists=SEMANTIC_LISTS,
    switches={**SEMANTIC_SWITCHES, "sign_per_source": "all weights of a source have one sign"},
)
