"""Loihi 2: all that the mapper knows of this family of chips."""

from __future__ import annotations

from mapper.families.family import Family
from mapper.families.loihi2.backend import BACKEND
from mapper.families.loihi2.decode import Loihi2Decoder
from mapper.families.loihi2.load import run
from mapper.families.loihi2.quantize import dials, quantize
from mapper.families.loihi2.rates import rates
from mapper.families.loihi2.units import RESOURCES

FAMILY = Family(
    name="loihi2",
    backend=BACKEND,
    resources=RESOURCES,
    dials=dials,
    quantize=quantize,
    run=run,
    decoder=Loihi2Decoder,
    rates=rates,
)
