"""Random chains of convolutions, as cases for sinabs and as networks for Speck's emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper.families.speck.emulate import Core, Destination, Network

Case = dict[str, Any]


def random_case(seed: int) -> Case:
    """One to three layers of integer weights; some thresholds below the largest weight."""
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(1, 3)), *(int(n) for n in draw.integers(5, 12, 2)))
    raster = draw.integers(0, 3, (2, int(draw.integers(5, 20)), *shape))
    raster *= draw.random(raster.shape) < draw.choice([0.05, 0.3])
    cores: list[Case] = []
    for _ in range(int(draw.integers(1, 4))):
        padding = [int(n) for n in draw.integers(0, 2, 2)]
        sides = [side + 2 * pad for side, pad in zip(shape[1:], padding, strict=True)]
        kernel = tuple(int(draw.integers(1, min(side, 4) + 1)) for side in sides)
        weights = draw.integers(-60, 100, (int(draw.integers(1, 5)), shape[0], *kernel))
        stride = [int(draw.choice([1, 2])) for _ in range(2)]
        threshold = int(draw.choice([20, 100, 400]))
        core: Case = {
            "kernel": weights,
            "shape": list(shape),
            "stride": stride,
            "padding": padding,
            "threshold": threshold,
            "lower": -int(draw.choice([1, threshold])),
            "reset": str(draw.choice(["subtract", "subtract", "zero"])),
        }
        out = Core(name="c", **_arguments(core)).out_shape
        core["pool"] = int(draw.choice([1, 2])) if min(out[1:]) >= 2 else 1
        cores.append(core)
        shape = (out[0], out[1] // core["pool"], out[2] // core["pool"])
    return {"raster": raster, "cores": cores}


def _arguments(core: Case) -> Case:
    pairs = ("shape", "stride", "padding")
    given = {key: tuple(core[key]) for key in pairs}
    return given | {key: core[key] for key in core if key not in (*pairs, "pool")}


def network(case: Case) -> Network:
    """The same network for the emulator."""
    cores = [
        Core(
            name=f"c{index}",
            destinations=(Destination(f"c{index + 1}", core["pool"]),)
            if index + 1 < len(case["cores"])
            else (),
            **_arguments(core),
        )
        for index, core in enumerate(case["cores"])
    ]
    first = tuple(case["cores"][0]["shape"])
    return Network(tuple(cores), (Destination("c0"),), first)
