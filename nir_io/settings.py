"""Names and values of the settings that make up a Semantics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from nir_io.presets import Setting
from nir_io.raw import printable

Discretization = Literal["forward-euler", "exponential"]
Reset = Literal["zero", "subtract"]
Comparison = Literal[">", ">="]
Order = Literal["leak-then-input", "input-then-leak"]
Spikes = Literal["one", "many"]
Integrator = Literal["per-step", "per-time"]
Origin = Literal["option", "sidecar", "metadata", "exporter", "default"]

SETTINGS = (
    "file_dt",
    "chip_dt",
    "discretization",
    "reset",
    "comparison",
    "order",
    "spikes",
    "v_min",
    "input_kind",
    "steps",
    "integrator",
)
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "discretization": get_args(Discretization),
        "reset": get_args(Reset),
        "comparison": get_args(Comparison),
        "order": get_args(Order),
        "spikes": get_args(Spikes),
        "integrator": get_args(Integrator),
    }
)


def parsed(key: str, value: object) -> Setting:
    """`value` as the type of setting `key`. Raises ValueError with what is expected."""
    if key not in SETTINGS:
        raise ValueError(
            f"there is no setting '{printable(key)}'; there are: {', '.join(SETTINGS)}"
        )
    text = str(value).strip()
    if key in CHOICES:
        if text not in CHOICES[key]:
            raise ValueError(f"{key} is '{printable(text)}'; expected {' or '.join(CHOICES[key])}")
        return text
    if key == "input_kind":
        count = text.removeprefix("counts:")
        if text in ("spikes", "real") or (text != count and count.isdecimal() and int(count) > 0):
            return text
        raise ValueError(f"input_kind is '{printable(text)}'; expected spikes, counts:N or real")
    if key in ("v_min", "steps", "chip_dt") and (value is None or text.lower() == "none"):
        return None
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{key} is '{printable(text)}'; expected a number") from None
    if key == "steps":
        if number < 1 or number != int(number):
            raise ValueError(f"steps is {text}; expected a whole number of at least 1")
        return int(number)
    if key == "v_min":
        if not -math.inf < number <= 0:
            raise ValueError(f"v_min is {text}; expected at most 0, in thresholds")
        return number
    if not 0 < number < math.inf:
        raise ValueError(f"{key} is {text}; expected a positive number of seconds")
    return number


def spelled(key: str) -> str:
    """A setting as an option spells it ('file-dt') in the spelling of `Semantics`."""
    return key.strip().lstrip("-").replace("-", "_")
