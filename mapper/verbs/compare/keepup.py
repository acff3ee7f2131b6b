"""Does the chip keep up with the data? Events and synaptic operations a step against its rates.

A spike of a source costs one synaptic operation for each connection that is stored. What a
core does is estimated as its share of its population's neurons. Limits and their sources
are the profile's; an estimate that leans on an unpublished number says so.
"""

from __future__ import annotations

from device_profiles.profile import Profile
from mapper.emulate.fans import Load, Rate
from mapper.emulate.loaded import Loaded
from mapper.families.family import Family


def rates(bundle: Loaded, profile: Profile, load: Load, family: Family) -> tuple[Rate, ...]:
    """What the chip's rates allow, beside what the data ask: the fullest first."""
    dt = bundle.manifest["semantics"]["chip_dt"]
    if dt is None:
        return ()
    found = list(family.rates(bundle, profile, load, float(dt)))
    return tuple(sorted(found, key=lambda r: -(r.peak / r.limit if r.limit else 0.0)))
