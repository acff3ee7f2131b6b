"""ODIN: all that the mapper knows of this family of chips."""

from __future__ import annotations

from mapper.families.odin.backend import BACKEND, RESOURCES
from mapper.families.odin.decode import OdinDecoder
from mapper.families.odin.emulate import rates, run
from mapper.families.odin.quantize import dials, quantize

from mapper.families.family import Family

FAMILY = Family(
    name="odin",
    backend=BACKEND,
    resources=RESOURCES,
    dials=dials,
    quantize=quantize,
    run=run,
    decoder=OdinDecoder,
    rates=rates,
)
