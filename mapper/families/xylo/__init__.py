"""Xylo: all that the mapper knows of this family of chips."""

from __future__ import annotations

from mapper.families.family import Family
from mapper.families.xylo.backend import BACKEND
from mapper.families.xylo.decode import XyloDecoder
from mapper.families.xylo.load import run
from mapper.families.xylo.quantize import dials, quantize
from mapper.families.xylo.rates import rates

FAMILY = Family(
    name="xylo",
    backend=BACKEND,
    resources=(),
    dials=dials,
    quantize=quantize,
    run=run,
    decoder=XyloDecoder,
    rates=rates,
)
