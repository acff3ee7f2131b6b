"""A family of chips as one typed value: all that it adds, no field with a default.

A new family is a folder here that defines `FAMILY`; the type checker lists what it owes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from device_profiles.profile import Profile
from mapper.bundle.integers.dial import NOTHING, Chosen, Dial
from mapper.bundle.integers.draft import Quantized
from mapper.emulate.bundle import Run
from mapper.emulate.decoder import Decoder
from mapper.emulate.fans import Load, Rate
from mapper.emulate.loaded import Loaded
from mapper.solving.claims.common import Resource
from mapper.solving.family import Backend
from mapper.solving.outcome import Placed


class Quantize(Protocol):
    """The chip's integers of a placement, with the dials that are chosen."""

    def __call__(self, placed: Placed, chosen: Chosen = NOTHING) -> Quantized:
        """Raises nothing: what could fail is a claim before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What a family of chips adds.

    backend: forms, claims and placement; resources: the profile's name of each demand of a
    slice; dials, quantize: the chip's integers and the choices in making them; run: the
    integer emulator; decoder: the integers as real numbers; rates: what real time allows.
    """

    name: str
    backend: Backend
    resources: tuple[Resource, ...]
    dials: Callable[[Placed], tuple[Dial, ...]]
    quantize: Quantize
    run: Run
    decoder: Callable[[Loaded, Profile], Decoder]
    rates: Callable[[Loaded, Profile, Load, float], Iterator[Rate]]
