"""What the rates of Speck allow, beside what the data ask."""

from __future__ import annotations

from collections.abc import Iterator

from device_profiles.profile import Profile
from mapper.emulate.fans import Load, Rate, busiest
from mapper.emulate.loaded import Loaded


def rates(bundle: Loaded, profile: Profile, load: Load, dt: float) -> Iterator[Rate]:
    for key, what, says in (
        ("synops_per_second", "synops", "synaptic operations a step and core"),
        ("events_per_second", "events", "events a step and core"),
    ):
        number = profile.limit(key)
        yield busiest(bundle, load, what, number, float(number.value) * dt, "a step", says)
