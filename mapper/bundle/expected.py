"""A small input and what the bundle gives for it: `expected.npz`, for a self-test on a chip.

`raster` (1, step, channel) holds input events, graph inputs concatenated flat in name
order. `output000`, ... are what the outputs give, in the manifest's order, and
`population000`, ... the spikes of the populations, all (1, step, value) with latencies
removed. They come from the family's integer emulator.
"""

from __future__ import annotations

import numpy as np

from mapper.bundle.bundle import Bundle, npz_bytes
from mapper.emulate.bundle import Run, emulate
from mapper.emulate.loaded import Loaded

STEPS = 20
BUSY = 100  # events a step at most, however many channels there are
DENSITY = 0.2


def expected(bundle: Bundle, run: Run) -> bytes:
    """The archive's bytes, the same for the same bundle; run: the family's emulator."""
    rng = np.random.default_rng(0)
    channels = sum(int(np.prod(row["shape"])) for row in bundle.manifest["inputs"])
    chance = min(DENSITY, BUSY / max(channels, 1))
    raster = (rng.random((1, STEPS, channels)) < chance).astype(np.uint8)
    ran = emulate(Loaded(bundle.manifest, bundle.arrays), raster, run)
    arrays = {"raster": raster}
    arrays |= {f"output{i:03d}": out for i, out in enumerate(ran.outputs.values())}
    arrays |= {
        f"population{i:03d}": np.asarray(spikes, dtype=np.uint16)
        for i, spikes in enumerate(ran.populations.values())
    }
    return npz_bytes(arrays)
