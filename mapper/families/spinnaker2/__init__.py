"""SpiNNaker2: all that the mapper knows of this family of chips."""

from __future__ import annotations

from mapper.families.family import Family
from mapper.families.spinnaker2.backend import BACKEND, RESOURCES
from mapper.families.spinnaker2.decode import Spinnaker2Decoder
from mapper.families.spinnaker2.load import run
from mapper.families.spinnaker2.quantize import dials, quantize
from mapper.families.spinnaker2.rates import rates

FAMILY = Family(
    name="spinnaker2",
    backend=BACKEND,
    resources=RESOURCES,
    dials=dials,
    quantize=quantize,
    run=run,
    decoder=Spinnaker2Decoder,
    rates=rates,
)
