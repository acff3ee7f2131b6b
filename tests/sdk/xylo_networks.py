"""Random Xylo networks, as cases for xylosim and as networks for the emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper.families.xylo import emulate as xylo

Case = dict[str, Any]


def random_case(seed: int) -> Case:
    """Any core, one or two synapses, windows, biases, aliases, mild or saturating."""
    draw = np.random.default_rng(seed)
    channels, outputs = int(draw.integers(1, 17)), int(draw.integers(1, 9))
    hidden = int(draw.choice([draw.integers(1, 8), draw.integers(4, 60)]))
    count = int(draw.integers(1, 3))
    core = int(draw.choice([1, 2, 2]))
    wild = bool(draw.random() < 0.4)
    wide = 8 if wild else 4

    def weights(*shape: int) -> Any:
        bound = int(draw.choice([128, 128, 40]))
        values = draw.integers(-bound, bound, shape)
        return values * (draw.random(shape) < draw.choice([0.1, 0.4, 1.0]))

    def dashes(*shape: int) -> Any:
        low, high = draw.choice([(1, 6), (0, 16), (1, 4)])
        return draw.integers(low, high, shape)

    def thresholds(size: int) -> Any:
        low = -200 if wild and draw.random() < 0.3 else 1
        return draw.integers(low, int(draw.choice([200, 5000, 32768])), size)

    def bias(size: int) -> Any:
        if core == 1 or draw.random() < 0.5:
            return None
        bound = int(draw.choice([128, 2**15 if wild else 128]))
        return draw.integers(-bound, bound, size)

    first = int(draw.integers(1, hidden + 1)) if draw.random() < 0.3 else hidden
    last = int(draw.integers(1, hidden + 1)) if draw.random() < 0.3 else hidden
    aliases = None
    if draw.random() < 0.4:
        aliases = np.where(draw.random(hidden) < 0.5, draw.integers(0, hidden, hidden), -1)
    steps = int(draw.integers(30, 120))
    most = int(draw.choice([2, 5, 21]))
    inputs = draw.integers(0, most, (steps, channels))
    inputs *= draw.random(inputs.shape) < draw.choice([0.05, 0.3, 1.0])
    return {
        "core": core,
        "inputs": inputs,
        "weights_in": weights(channels, first, count),
        "weights_rec": weights(hidden, hidden, count) if draw.random() < 0.8 else None,
        "weights_out": weights(last, outputs),
        "weight_shift_in": int(draw.integers(0, wide)),
        "weight_shift_rec": int(draw.integers(0, wide)),
        "weight_shift_out": int(draw.integers(0, wide)),
        "dash_mem": dashes(hidden),
        "dash_syn": dashes(hidden, count),
        "dash_mem_out": dashes(outputs),
        "dash_syn_out": dashes(outputs),
        "threshold": thresholds(hidden),
        "threshold_out": thresholds(outputs),
        "bias": bias(hidden),
        "bias_out": bias(outputs),
        "aliases": aliases,
    }


def case(number: int) -> Case:
    """Edge cases first, then random networks."""
    edges = edge_cases()
    return edges[number] if number < len(edges) else random_case(number)


def edge_cases() -> list[Case]:
    """Membranes at the lower end of 16 bits that keep nothing of themselves, on each core."""
    size = 3
    weights = np.zeros((2, size, 2), np.int64)
    weights[0], weights[1] = -128, 127
    inputs = np.array([[15, 0]] * 6 + [[0, 15]] * 6 + [[0, 0]] * 6 + [[15, 15], [1, 3]] * 3)
    shared = {
        "inputs": inputs,
        "weights_in": weights,
        "weights_rec": None,
        "weights_out": np.full((size, 1), -128),
        "weight_shift_in": 7,
        "weight_shift_rec": 0,
        "weight_shift_out": 7,
        "dash_mem": np.array([0, 0, 3]),
        "dash_syn": np.array([[1, 2], [0, 3], [2, 2]]),
        "dash_mem_out": np.array([0]),
        "dash_syn_out": np.array([1]),
        "threshold": np.array([32767, 500, 16384]),
        "threshold_out": np.array([100]),
        "aliases": None,
    }
    biases = [(None, None), (np.array([0, 300, -300]), np.array([-32768]))]
    cores = [(2, *biases[0]), (2, *biases[1]), (1, *biases[0])]
    return [{"core": core, "bias": b, "bias_out": out, **shared} for core, b, out in cores]


def network(given: Case, module: Any = xylo) -> Any:
    """The same network for the emulator, or for a changed copy of it."""
    return module.Network(**{key: value for key, value in given.items() if key != "inputs"})
