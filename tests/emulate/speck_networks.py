"""Random Speck networks: chains, branches, merges, splits; and their events."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper.families.speck import emulate as speck


def random_network(seed: int, module: Any = speck) -> Any:
    """Two to four small cores in the order of signal flow."""
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(1, 3)), int(draw.integers(3, 8)), int(draw.integers(3, 8)))
    number = int(draw.integers(2, 5))
    plans: list[dict[str, Any]] = []
    links: list[list[Any]] = [[] for _ in range(number)]
    entries: list[Any] = []
    made: list[tuple[int, int, int]] = []
    for index in range(number):
        # The sources: the core before, at times an earlier one or the input too.
        sources = [index - 1]
        if index > 1 and draw.random() < 0.5:
            sources.append(int(draw.integers(-1, index - 1)))
        together = bool(draw.random() < 0.5)
        channels, sizes, shift = 0, [], 0
        for source in sources:
            sent = shape if source < 0 else made[source]
            pool = int(draw.choice([1, 1, 2])) if min(sent[1:]) >= 2 else 1
            shift = 0 if together else channels
            (entries if source < 0 else links[source]).append((f"c{index}", pool, shift))
            channels = max(channels, sent[0]) if together else channels + sent[0]
            sizes.append((sent[1] // pool, sent[2] // pool))
        channels += int(draw.random() < 0.2)
        height, width = (max(1, min(axis)) for axis in zip(*sizes, strict=True))
        padding = (int(draw.integers(0, 3)), int(draw.integers(0, 3)))
        kernel = tuple(
            int(draw.integers(1, min(4, side + 2 * pad) + 1))
            for side, pad in zip((height, width), padding, strict=True)
        )
        plans.append(
            {
                "name": f"c{index}",
                "kernel": draw.integers(-40, 90, (int(draw.integers(1, 4)), channels, *kernel)),
                "shape": (channels, height, width),
                "threshold": int(draw.choice([20, 60, 130])),
                "lower": int(draw.choice([-1, -60, -3000])),
                "stride": (int(draw.choice([1, 1, 2, 4])), int(draw.choice([1, 1, 2]))),
                "padding": padding,
                "reset": str(draw.choice(["subtract", "zero"])),
            }
        )
        core = module.Core(**plans[-1])
        if draw.random() < 0.3:
            plans[-1]["bias"] = draw.integers(-30, 60, core.out_shape[0])
        if draw.random() < 0.3:
            plans[-1]["initial"] = draw.integers(max(core.lower, -50), 200, core.out_shape)
        made.append(core.out_shape)
    cores = [
        module.Core(**plan, destinations=tuple(module.Destination(*link) for link in sent))
        for plan, sent in zip(plans, links, strict=True)
    ]
    to = tuple(module.Destination(*entry) for entry in entries)
    return module.Network(tuple(cores), to, shape)


def random_raster(network: Any, seed: int, samples: int = 3, steps: int = 6) -> Any:
    """Counts 0..2; some samples and some steps are silent."""
    draw = np.random.default_rng(seed)
    shape = (samples, steps, *network.shape)
    busy = draw.choice([0.0, 0.1, 0.4], samples)[:, None, None, None, None]
    busy = busy * (draw.random(steps) < 0.7)[None, :, None, None, None]
    return ((draw.random(shape) < busy) * draw.integers(1, 3, shape)).astype(np.uint8)
