"""Random Loihi 2 networks, as cases for Lava and as networks for the emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper.emulate.exact import Sparse
from mapper.families.loihi2 import emulate as loihi2
from mapper.families.loihi2.emulate import Conv

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
        # At times payloads meet a connection that takes any value for 1.
        heard = graded and bool(draw.random() < 0.5)
        connections.append(_dense(draw, "x", "h0", channels, size, heard))
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


def case(number: int) -> Case:
    """Edge cases first, then random networks."""
    edges = edge_cases()
    return edges[number] if number < len(edges) else random_case(number)


def edge_cases() -> list[Case]:
    """Sums at the very ends of 24 and 32 bits, which random networks hardly meet."""
    cases: list[Case] = []
    # 64 a = +-2^23 and one beyond, with a u and a v that keep all of it or nothing.
    ends = [131072, -131072, 131071, -131071, 131073]
    for du, dv in ((4095, 4095), (4095, 0), (0, 0)):
        layers = [{"name": "h0", "shape": [5], "kind": "lif", "du": du, "dv": dv, "vth": 131071}]
        connections = [_plain("x", "h0", np.eye(5, dtype=np.int64), graded=True)]
        data = np.zeros((6, 5), np.int64)
        data[:3] = ends
        cases.append(
            {"steps": 6, "inputs": {"x": data}, "layers": layers, "connections": connections}
        )
    # Sums beyond 32 bits, with and without a shift to the right.
    for exponent in (0, 6, -9):
        weights = np.array([[255, 254], [-256, -254], [128, 0]])
        layers = [{"name": "h0", "shape": [3], "kind": "lif", "du": 0, "dv": 0, "vth": 131071}]
        connection = _plain("x", "h0", weights, graded=True) | {"weight_exp": exponent}
        data = np.array([[2**22, 2**22], [2**23 - 1, 2**22], [-(2**23), -5], [7, 9], [0, 0]])
        cases.append(
            {
                "steps": 5,
                "inputs": {"x": data},
                "layers": layers,
                "connections": [connection],
            }
        )
    # ATRLIF exactly at its threshold, and with a v that saturates above and below.
    layer = {"name": "h0", "shape": [4], "kind": "atrlif", "delta_i": 4095, "delta_v": 0}
    layer |= {"delta_theta": 0, "delta_r": 1000, "theta_0": 16, "theta_step": 3}
    data = np.array([[16, 15, 131071, -131071]] * 5 + [[0, 1, 131071, -131071]])
    cases.append(
        {
            "steps": 6,
            "inputs": {"x": data},
            "layers": [layer],
            "connections": [_plain("x", "h0", np.eye(4, dtype=np.int64), graded=True)],
        }
    )
    # A convolution beyond 24 bits, and biases that do not shift evenly.
    conv = {
        "kind": "conv",
        "source": "x",
        "target": "h0",
        "kernel": np.array([[[[250]], [[-30]]]]),
        "shape": [3, 1, 1],
        "stride": [1, 1],
        "padding": [1, 0],
        "dilation": [1, 1],
        "groups": 1,
        "graded": True,
    }
    layer = {"name": "h0", "shape": [4, 1, 1], "kind": "lif", "du": 4095, "dv": 1000, "vth": 4000}
    layer |= {"bias_mant": np.array([-7, 7, -4096, 4095]), "bias_exp": np.array([-2, -2, 7, 7])}
    data = np.array([[2**16, 2**15, -(2**16)], [2**15, 0, 2**16], [1, 2, 3], [0, 0, 0]])
    cases.append(
        {
            "steps": 4,
            "inputs": {"x": data.reshape(4, 3, 1, 1)},
            "layers": [layer],
            "connections": [conv],
        }
    )
    return cases


def _plain(source: str, target: str, weights: Any, graded: bool) -> Case:
    return {
        "kind": "dense",
        "source": source,
        "target": target,
        "weights": weights,
        "weight_exp": 0,
        "weight_bits": 8,
        "sign_mode": "mixed" if weights.min() < 0 else "excitatory",
        "graded": graded,
        "delays": None,
    }


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
    mode = draw.choice(["mixed", "excitatory", "inhibitory"])
    low, high = {"excitatory": (0, 256), "inhibitory": (-255, 1)}.get(mode, (-256, 256))
    if draw.random() < 0.3:
        mode = ""  # left to be derived from the weights
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


def network(given: Case, module: Any = loihi2) -> Any:
    """The same network for the emulator, or for a changed copy of it."""
    layers: list[Any] = []
    for entry in given["layers"]:
        size = int(np.prod(entry["shape"]))
        values = {key: entry[key] for key in entry if key not in ("kind", "shape")}
        kind = module.AtrLif if entry["kind"] == "atrlif" else module.Lif
        layers.append(kind(size=size, **values))
    connections: list[Any] = []
    for entry in given["connections"]:
        if entry["kind"] == "conv":
            connections.append(module.Conv(**_arguments(entry)))
            continue
        values = {key: entry[key] for key in entry if key != "kind"}
        values["sign_mode"] = entry["sign_mode"] or None
        if entry["kind"] == "sparse":
            rows, columns = np.nonzero(entry["weights"])
            shape = entry["weights"].shape
            values["weights"] = Sparse(rows, columns, entry["weights"][rows, columns], shape)
            if entry["delays"] is not None:
                values["delays"] = entry["delays"][rows, columns]
        connections.append(module.Dense(**values))
    return module.Network(tuple(layers), tuple(connections))
