"""What the rates of Xylo allow, beside what the data ask."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from device_profiles.profile import Profile
from mapper.emulate.fans import Load, Rate, stored_fans
from mapper.emulate.loaded import Loaded


def rates(bundle: Loaded, profile: Profile, load: Load, dt: float) -> Iterator[Rate]:
    """Cycles of a step whatever the data: the vendor's formula; no limit of the clock is known."""
    if "cycles_per_hidden_neuron" not in profile.limits:
        return
    fans = stored_fans(bundle)
    heard = sum(
        np.count_nonzero(f.out) and bundle.size(f.target) for f in fans if f.source in bundle.inputs
    )
    pairs = sum(float(f.out.sum()) for f in fans if f.source in bundle.populations)
    hidden = bundle.manifest["pools"]["hidden"]
    get = {
        k: float(profile.limit(k).value)
        for k in (
            "cycles_per_input_target",
            "cycles_per_recurrent_pair",
            "cycles_per_hidden_neuron",
        )
    }
    number = profile.limit("cycles_per_hidden_neuron")
    cycles = 16 * (get["cycles_per_input_target"] * heard + 1)
    cycles += hidden * get["cycles_per_hidden_neuron"] + get["cycles_per_recurrent_pair"] * pairs
    yield Rate(
        what="clock that real time needs, if every source fires in every step",
        where="core",
        mean=cycles / dt / 1e6,
        peak=cycles / dt / 1e6,
        limit=None,
        unit="MHz",
        source=number.source,
        confidence=number.confidence,
    )
