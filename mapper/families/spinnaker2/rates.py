"""What the rates of SpiNNaker2 allow, beside what the data ask."""

from __future__ import annotations

from collections.abc import Iterator

from device_profiles.profile import Profile
from mapper.emulate.fans import Load, Rate, busiest
from mapper.emulate.loaded import Loaded


def rates(bundle: Loaded, profile: Profile, load: Load, dt: float) -> Iterator[Rate]:
    core = profile.cores[0].limits
    number = core["synaptic_events_per_ms"]
    limit = float(number.value) * dt / 1e-3
    yield busiest(
        bundle, load, "synops", number, limit, "a step", "synaptic operations a step and core"
    )
    buffer = core["receive_buffer"]
    yield busiest(
        bundle, load, "events", buffer, float(buffer.value), "a step", "packets a step and core"
    )
