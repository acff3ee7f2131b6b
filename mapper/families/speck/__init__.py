"""Speck: all that the mapper knows of this family of chips."""

from __future__ import annotations

from mapper.families.family import Family
from mapper.families.speck.backend import BACKEND, RESOURCES
from mapper.families.speck.decode import SpeckDecoder
from mapper.families.speck.load import run
from mapper.families.speck.quantize import dials, quantize
from mapper.families.speck.rates import rates

FAMILY = Family(
    name="speck",
    backend=BACKEND,
    resources=RESOURCES,
    dials=dials,
    quantize=quantize,
    run=run,
    decoder=SpeckDecoder,
    rates=rates,
)
