"""What the rates of Loihi 2 allow, beside what the data ask."""

from __future__ import annotations

from collections.abc import Iterator

from device_profiles.profile import Profile
from mapper.emulate.fans import Load, Rate, share_of
from mapper.emulate.loaded import Loaded


def rates(bundle: Loaded, profile: Profile, load: Load, dt: float) -> Iterator[Rate]:
    """Time of a step: the barrier, and the busiest core's neurons, synapses and spikes."""
    ns = {
        key: float(profile.limit(key).value)
        for key in (
            "barrier_time",
            "message_in_time",
            "synop_time_dense",
            "neuron_time",
            "spike_time",
        )
    }
    best: tuple[float, float, str] = (0.0, 0.0, "")
    for name in bundle.populations:
        share = share_of(bundle, name)
        values: list[float] = []
        for i in (0, 1):
            synops, events = load.of("synops", name)[i], load.of("events", name)[i]
            time = ns["barrier_time"] + share * bundle.size(name) * ns["neuron_time"]
            time += share * synops * ns["synop_time_dense"] + events * ns["message_in_time"]
            values.append(time + share * load.of("spikes", name)[i] * ns["spike_time"])
        if values[1] > best[1]:
            best = (values[0], values[1], name)
    number = profile.limit("synop_time_dense")
    yield Rate(
        what="time of a step",
        where=best[2],
        mean=best[0] * 1e-3,
        peak=best[1] * 1e-3,
        limit=dt * 1e6,
        unit="us",
        source=number.source,
        confidence=number.confidence,
    )
