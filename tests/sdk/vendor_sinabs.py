"""Runs cases in sinabs (torch): convolutions and IAF layers of integers, step by step.

    python vendor_sinabs.py CASES.npz RESULTS.npz

Result: {"seconds": ..., "layers": [(sample, step, feature, y, x) spikes of each layer]}.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cases
import numpy as np
import torch
from sinabs.activation import MembraneReset, MembraneSubtract, MultiSpike, SingleSpike
from sinabs.layers import IAFSqueeze


def run(case: dict[str, Any]) -> dict[str, Any]:
    samples, steps = case["raster"].shape[:2]
    x = torch.tensor(case["raster"], dtype=torch.float32).flatten(0, 1)
    layers = []
    for entry in case["cores"]:
        features, channels, *kernel = entry["kernel"].shape
        weigh = torch.nn.Conv2d(
            channels,
            features,
            kernel,
            stride=tuple(entry["stride"]),
            padding=tuple(entry["padding"]),
            bias=False,
            dtype=torch.float32,
        )
        weigh.weight.data = torch.tensor(entry["kernel"], dtype=torch.float32)
        subtract = entry["reset"] == "subtract"
        neurons = IAFSqueeze(
            batch_size=samples,
            spike_threshold=torch.tensor(float(entry["threshold"]), dtype=torch.float32),
            min_v_mem=float(entry["lower"]),
            spike_fn=MultiSpike if subtract else SingleSpike,
            reset_fn=MembraneSubtract() if subtract else MembraneReset(),
        )
        layers.append((weigh, neurons, entry["pool"]))
    spikes = []
    started = time.perf_counter()
    with torch.no_grad():
        for weigh, neurons, pool in layers:
            x = neurons(weigh(x))
            spikes.append(x)
            x = torch.nn.functional.avg_pool2d(x, pool, divisor_override=1) if pool > 1 else x
    seconds = time.perf_counter() - started
    given = [s.reshape(samples, steps, *s.shape[1:]).numpy().astype(np.int32) for s in spikes]
    return {"seconds": seconds, "layers": given}


if __name__ == "__main__":
    torch.set_num_threads(1)
    given = cases.read(Path(sys.argv[1]))
    cases.write(Path(sys.argv[2]), [run(case) for case in given])
