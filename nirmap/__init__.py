"""nirmap: NIR spiking networks on neuromorphic chips.

    import nirmap

    result = nirmap.check("model.nir", "speck2f", semantics="sinabs")
    result.fits, result.text, result.facts

Each verb of the command line is a function here, on a path or an nir.NIRGraph. A network
that does not fit is a result; exceptions are for bad input (BadInput), unusable device
profiles (ProfileError) and faults of nirmap itself (OurBug).
"""

from __future__ import annotations

from device_profiles.errors import ProfileError
from mapper.api import (
    check,
    compare,
    devices,
    diff,
    explain,
    fit,
    headroom,
    inspect,
    map,
    placements,
    rules,
    support,
    training,
    vary,
    verify,
    why_not,
)
from mapper.bundle.result import Result
from mapper.errors import OurBug
from nir_io.errors import BadInput

__all__ = [
    "BadInput",
    "OurBug",
    "ProfileError",
    "Result",
    "check",
    "compare",
    "devices",
    "diff",
    "explain",
    "fit",
    "headroom",
    "inspect",
    "map",
    "placements",
    "rules",
    "support",
    "training",
    "vary",
    "verify",
    "why_not",
]
