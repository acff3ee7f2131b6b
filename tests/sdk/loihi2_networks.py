"""Random Loihi 2 networks, as cases for Lava and as networks for the emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper.emulate.exact import Sparse
from mapper.emulate.loihi2 import AtrLif, Conv, Dense, Lif, Network

Case = dict[str, Any]


def random_case(seed: int) -> Case:
    """A network of one to four layers: feed-forward, recurrent, delayed, convolutional."""
    draw = np.random.default_rng(seed)
    steps = int(draw.integers(12, 40))
    graded = bool(draw.random() < 0.2)
    shape = None
    inputs: dict[str, Any] = {}
    layers: list[Case] = []
    connections: list[Case] = []
    if draw.random() < 0.25:
        conv = _conv(draw, "x", "h0", graded)
        shape = conv["shape"]
        size = int(np.prod(Conv(**_arguments(conv)).out_shape))
        connections.append(conv)
        layers.append(_neurons(draw, "h0", list(Conv(**_arguments(conv)).out_shape)))
        channels = int(np.prod(shape))
    else:
        channels, size = int(draw.integers(1, 12)), int(draw.integers(1, 14))
        layers.append(_neurons(draw, "h0", [size]))
        connections.append(_dense(draw, "x", "h0", channels, size, graded))
    for index in range(1, int(draw.integers(1, 4))):
        width = int(draw.integers(1, 10))
        layers.append(_neurons(draw, f"h{index}", [width]))
        before = layers[index - 1]
        connections.append(
            _dense(draw, before["name"], f"h{index}", int(np.prod(before["shape"])), width, False)
        )
    if draw.random() < 0.5:
        # A loop: to itself, or back to an earlier layer, or a skip forward.
        one, two = draw.integers(0, len(layers), 2)
        sizes = [int(np.prod(layer["shape"])) for layer in layers]
        connections.append(
            _dense(draw, layers[one]["name"], layers[two]["name"], sizes[one], sizes[two], False)
        )
    density = draw.choice([0.1, 0.4, 0.8])
    data = (draw.random((steps, channels)) < density).astype(np.int64)
    if graded:
        data *= draw.integers(-40, 257, data.shape)
    shape = [int(n) for n in shape] if shape else [channels]
    inputs["x"] = data.reshape(steps, *shape)
    return {"steps": steps, "inputs": inputs, "layers": layers, "connections": connections}


def _neurons(draw: np.random.Generator, name: str, shape: list[int]) -> Case:
    size = int(np.prod(shape))
    case: Case = {"name": name, "shape": [int(n) for n in shape], "kind": "lif"}
    if draw.random() < 0.5:
        case["bias_mant"] = draw.integers(-4096, 4096, size) // int(draw.choice([1, 16, 256]))
        case["bias_exp"] = draw.integers(-3, 8, size)
    if draw.random() < 0.3:
        case["u"] = draw.integers(-(2**23) + 1, 2**23, size) // int(draw.choice([1, 64, 4096]))
        case["v"] = draw.integers(-(2**23) + 1, 2**23, size) // int(draw.choice([1, 64, 4096]))
    if draw.random() < 0.25:
        mantissa = int(draw.integers(1, 2 ** int(draw.integers(2, 12))))
        return case | {
            "kind": "atrlif",
            "delta_i": int(draw.choice([4095, draw.integers(0, 4096)])),
            "delta_v": int(draw.choice([0, 4096, draw.integers(0, 4096)])),
            "delta_theta": int(draw.choice([0, 4096, draw.integers(0, 4096)])),
            "delta_r": int(draw.choice([0, 4096, draw.integers(0, 4096)])),
            "theta_0": mantissa,
            "theta_step": int(draw.choice([0, draw.integers(0, mantissa + 1)])),
        }
    case |= {
        "du": int(draw.choice([0, 4095, draw.integers(0, 4096)])),
        "dv": int(draw.choice([0, 4095, draw.integers(0, 4096)])),
        "vth": int(draw.choice([0, 131071, draw.integers(1, 2 ** draw.integers(2, 18))])),
    }
    if draw.random() < 0.15:
        case["reset_interval"] = int(draw.integers(1, 12))
        case["reset_offset"] = int(draw.integers(0, 20))
    return case


def _dense(
    draw: np.random.Generator, source: str, target: str, columns: int, rows: int, graded: bool
) -> Case:
    mode = draw.choice(["mixed", "excitatory", "inhibitory", ""])
    low, high = {"excitatory": (0, 256), "inhibitory": (-255, 1)}.get(mode, (-256, 256))
    if draw.random() < 0.15:
        low, high = low - 60, high + 60  # beyond what can be stored: clipped
    weights = draw.integers(low, high, (rows, columns))
    weights *= draw.random(weights.shape) < draw.choice([0.3, 1.0])
    delays = None
    if draw.random() < 0.25:
        delays = draw.integers(0, int(draw.choice([2, 6, 64])), weights.shape)
    return {
        "kind": "sparse" if weights.any() and draw.random() < 0.3 else "dense",
        "source": source,
        "target": target,
        "weights": weights,
        "weight_exp": int(draw.integers(-4, 7)),
        "weight_bits": int(draw.choice([8, 8, draw.integers(1, 9)])),
        "sign_mode": str(mode),
        "graded": graded,
        "delays": delays,
    }


def _conv(draw: np.random.Generator, source: str, target: str, graded: bool) -> Case:
    groups = int(draw.choice([1, 1, 2]))
    kernel = draw.integers(1, 4, 2)
    dilation = draw.integers(1, 3, 2)
    need = dilation * (kernel - 1) + 1
    shape = [*(int(n) for n in need + draw.integers(0, 4, 2)), groups * int(draw.integers(1, 3))]
    out = groups * int(draw.integers(1, 3))
    return {
        "kind": "conv",
        "source": source,
        "target": target,
        "kernel": draw.integers(-256, 256, (out, *kernel, shape[2] // groups)),
        "shape": shape,
        "stride": [int(n) for n in draw.integers(1, 3, 2)],
        "padding": [int(n) for n in draw.integers(0, 2, 2)],
        "dilation": [int(n) for n in dilation],
        "groups": groups,
        "graded": graded,
    }


def _arguments(case: Case) -> dict[str, Any]:
    pairs = ("shape", "stride", "padding", "dilation")
    return {
        key: tuple(value) if key in pairs else value for key, value in case.items() if key != "kind"
    }


def network(case: Case) -> Network:
    """The same network for the emulator."""
    layers: list[Lif | AtrLif] = []
    for entry in case["layers"]:
        size = int(np.prod(entry["shape"]))
        given = {key: entry[key] for key in entry if key not in ("kind", "shape")}
        layers.append((AtrLif if entry["kind"] == "atrlif" else Lif)(size=size, **given))
    connections: list[Dense | Conv] = []
    for entry in case["connections"]:
        if entry["kind"] == "conv":
            connections.append(Conv(**_arguments(entry)))
            continue
        given = {key: entry[key] for key in entry if key != "kind"}
        given["sign_mode"] = entry["sign_mode"] or None
        if entry["kind"] == "sparse":
            rows, columns = np.nonzero(entry["weights"])
            shape = entry["weights"].shape
            given["weights"] = Sparse(rows, columns, entry["weights"][rows, columns], shape)
            if entry["delays"] is not None:
                given["delays"] = entry["delays"][rows, columns]
        connections.append(Dense(**given))
    return Network(tuple(layers), tuple(connections))
