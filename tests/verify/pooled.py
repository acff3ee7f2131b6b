"""Hand-made bundles of Xylo and Speck. Demands are worked out on paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.verify.draft import (
    ROUNDED,
    Draft,
    add_helper,
    add_link,
    add_output,
    add_population,
    add_projection,
    add_slice,
    numbers,
    start,
)


def _xylo(draft: Draft, name: str, n: int, role: str, late: int, **more: Any) -> None:
    """A CubaLIF population with dashes 2 and 3 and the threshold 8192, alone on the core."""
    params: dict[str, Any] = {
        "dash_mem": draft.ref([3] * n, "int8"),
        "dash_syn": draft.ref([2] * n, "int8"),
        "threshold": draft.ref([8192] * n, "int16"),
        "bias": draft.ref(more.pop("biases", [0] * n), "int16", "bias", ROUNDED),
        **more.pop("params", {}),
    }
    common = {"kind": "CubaLIF", "device_model": "XyloLIF", "reset": "subtract"}
    scale = draft.ref([8192] * n, "int32")
    add_population(
        draft, name, (n,), **common, role=role, latency=late, scale=scale, params=params, **more
    )
    add_slice(draft, name, [(0, n)], 0, neurons=n)


def _pools(draft: Draft, hidden: int, outputs: int, channels: int, shift: int) -> None:
    shifts = {f"weight_shift_{kind}": shift for kind in ("in", "rec", "out")}
    draft.manifest["pools"] = {
        **shifts,
        "hidden": hidden,
        "outputs": outputs,
        "channels": channels,
    }


def _weights(draft: Draft, shape: tuple[int, int]) -> dict[str, Any]:
    return {"weight": draft.ref(numbers(shape, -128, 127), "int8", "weights", ROUNDED)}


def _ids(draft: Draft, first: int, n: int) -> str:
    return draft.ref(np.arange(first, first + n), "int32")


def _xylo_node(draft: Draft, name: str, shift: int) -> None:
    """mapped.nir: (w + w_2) 2^shift (1 - 2^-2) / 8192."""
    row = draft.projection(name)
    total = draft.arrays[row["params"]["weight"]].astype(int)
    if "weight_2" in row["params"]:
        total = total + draft.arrays[row["params"]["weight_2"]]
    row["node"] = name.replace(">", "")
    draft.nodes[row["node"]] = total * 2.0**shift * 0.75 / 8192


def xylo_recurrent() -> Draft:
    """Audio 2: 2 channels -> 3 (recurrent, both synapses, biased) -> 2."""
    draft = start("xylo-audio2", "xylo", {"in": (2,)})
    params = {"hidden_ids": draft.ref([2, 0, 1], "int32")}
    _xylo(draft, "hid", 3, "hidden", 0, bias="neuron", biases=[5, -128, 127], params=params)
    _xylo(draft, "out", 2, "output", 1, params={"output_ids": draft.ref([0, 1], "int32")})
    add_projection(draft, "in", "hid", params=_weights(draft, (3, 2)))
    both = _weights(draft, (3, 3))
    both["weight_2"] = draft.ref(numbers((3, 3), -9, 9), "int8")
    add_projection(draft, "hid", "hid", params=both)
    add_projection(draft, "hid", "out", params=_weights(draft, (2, 3)))
    for name in ("in->hid", "hid->hid", "hid->out"):
        _xylo_node(draft, name, 6)
    _pools(draft, 3, 2, 2, 6)
    add_output(draft, "y", (2,), "out", 1)
    return draft


def xylo_windows() -> Draft:
    """Audio 3: 2 channels -> 100 -> 60 -> 100 -> 3, more hidden neurons than both windows."""
    draft = start("xylo-audio3", "xylo", {"in": (2,)})
    draft.manifest["contract"]["reset_between_samples"] = 40
    at = 0
    for late, (name, n) in enumerate((("a", 100), ("b", 60), ("c", 100))):
        _xylo(draft, name, n, "hidden", late, params={"hidden_ids": _ids(draft, at, n)})
        at += n
    _xylo(draft, "out", 3, "output", 3, params={"output_ids": _ids(draft, 0, 3)})
    for source, target, shape in (
        ("in", "a", (100, 2)),
        ("a", "b", (60, 100)),
        ("b", "c", (100, 60)),
        ("c", "out", (3, 100)),
    ):
        add_projection(draft, source, target, params=_weights(draft, shape))
    _pools(draft, 260, 3, 2, 5)
    add_output(draft, "y", (3,), "out", 3)
    return draft


def xylo_relay() -> Draft:
    """IMU: 2 channels and a constant bias -> 3, relayed as outputs -> 2 hidden -> 1 output."""
    draft = start("xylo-imu", "xylo", {"in": (2,)})
    draft.manifest["contract"]["reset_between_samples"] = 40
    relay = {"weight": 64, "dash_syn": 1, "dash_mem": 0, "threshold": 64}
    _xylo(
        draft,
        "hid",
        3,
        "hidden+relay",
        0,
        bias="source",
        params={
            "hidden_ids": _ids(draft, 0, 3),
            "output_ids": _ids(draft, 0, 3),
            "relay": relay,
        },
    )
    _xylo(draft, "h2", 2, "hidden", 1, params={"hidden_ids": _ids(draft, 3, 2)})
    _xylo(draft, "out", 1, "output", 2, params={"output_ids": _ids(draft, 3, 1)})
    for source, target, shape in (
        ("in", "hid", (3, 2)),
        ("bias:hid", "hid", (3, 2)),
        ("hid", "h2", (2, 3)),
        ("h2", "out", (1, 2)),
    ):
        add_projection(draft, source, target, params=_weights(draft, shape))
    _pools(draft, 5, 4, 4, 1)
    draft.manifest["contract"]["constant_inputs"] = [
        {"channel": channel, "count": count, "from_step": 0, "population": "hid"}
        for channel, count in ((2, 15), (3, 1))
    ]
    add_output(draft, "y", (3,), "hid", 1)
    add_output(draft, "z", (1,), "out", 2)
    return draft


def _speck(
    draft: Draft,
    name: str,
    shape: tuple[int, ...],
    inputs: list[tuple[str, int, int]],
    input_map: tuple[int, int],
    kernel: int,
    padding: int = 0,
    stride: int = 1,
    **more: Any,
) -> None:
    """An IF population with threshold 100; inputs are (source, pool, channels)."""
    table: list[dict[str, Any]] = []
    at = 0
    for source, pool, channels in inputs:
        table.append({"source": source, "pool": pool, "channels": channels, "offset": at})
        at += channels
        add_projection(draft, source, name, form="conv", pool=None if pool == 1 else [pool, pool])
    biases = more.pop("biases", [0] * shape[0])
    values = numbers((shape[0], at, kernel, kernel), -128, 127)
    params = {
        "threshold_high": 100,
        "threshold_low": -100,
        "bias": draft.ref(biases, "int16", "bias", ROUNDED),
        "v_init": draft.ref([0] * shape[0], "int16"),
        "kernel": draft.ref(values, "int8", "kernel", ROUNDED),
        "stride": [stride, stride],
        "padding": [padding] * 4,
        "inputs": table,
        "input_shape": [at, *input_map],
    }
    common = {"kind": "IF", "device_model": "IF", "reset": "subtract", "latency": 0}
    add_population(draft, name, shape, **common, scale=100.0, params=params, **more)
    for entry in table:
        row = draft.projection(f"{entry['source']}->{name}")
        row["node"] = row["id"].replace(">", "")
        part = slice(entry["offset"], entry["offset"] + entry["channels"])
        draft.nodes[row["node"]] = values[:, part] / 100.0


def _part(
    draft: Draft,
    name: str,
    box: list[tuple[int, int]],
    core: int,
    words: tuple[int, int, int, int, int],
    copy: int = 0,
) -> None:
    names = ("kernel_words", "neuron_words", "bias_words", "features", "input_features")
    add_slice(draft, name, box, core, copy, **dict(zip(names, words, strict=True)))


def speck_chain() -> Draft:
    """2x8x8 -> conv 4x8x8 -> pool 2, conv with stride 2 to 3x2x2 -> 5, biases on a clock."""
    draft = start("speck2f", "speck", {"in": (2, 8, 8)})
    _speck(draft, "c1", (4, 8, 8), [("in", 1, 2)], (8, 8), 3, padding=1)
    _speck(
        draft, "c2", (3, 2, 2), [("c1", 2, 4)], (4, 4), 3, padding=1, stride=2, bias="neuron",
        biases=[0, -3, 200],
    )  # fmt: skip
    _speck(draft, "out", (5,), [("c2", 1, 3)], (2, 2), 2)
    draft.manifest["contract"]["slow_clock_hz"] = 1000.0
    # 2 inputs x 2^(lg 9 + lg 4), 4 x 2^(3 + 3); 4 x 2^(4 + 2), 3 x 2^2; 3 x 2^(2 + 3), 5.
    _part(draft, "c1", [(0, 4), (0, 8), (0, 8)], 0, (128, 256, 0, 4, 2))
    _part(draft, "c2", [(0, 3), (0, 2), (0, 2)], 1, (256, 12, 3, 3, 4))
    _part(draft, "out", [(0, 5)], 8, (96, 5, 0, 5, 3))
    add_link(draft, -1, 0, 0, 0)
    add_link(draft, 0, 0, 1, 0, pool=2)
    add_link(draft, 1, 1, 8, 0)
    add_output(draft, "y", (5,), "out", 0)
    return draft


def speck_split() -> Draft:
    """Five channels on two cores, the second part flush; its reader has two inputs."""
    draft = start("speck2e", "speck", {"in": (2, 8, 8)})
    _speck(draft, "c1", (5, 8, 8), [("in", 1, 2)], (8, 8), 3, padding=1)
    _speck(draft, "c2", (2, 4, 4), [("c1", 2, 5), ("in", 2, 2)], (4, 4), 1)
    for core, low, high in ((3, 0, 3), (5, 3, 5)):
        _part(draft, "c1", [(low, high), (0, 8), (0, 8)], core, (128, 192, 0, 3, 2))
    _part(draft, "c2", [(0, 2), (0, 4), (0, 4)], 0, (14, 32, 0, 2, 7))
    for port, (core, shift, pool) in enumerate(((3, 0, 1), (5, 0, 1), (0, 5, 2))):
        add_link(draft, -1, port, core, shift, pool)
    add_link(draft, 3, 0, 0, 0, pool=2)
    add_link(draft, 5, 0, 0, 2, pool=2)  # channel 0 of the part is channel 5 - 3
    add_output(draft, "y", (2, 4, 4), "c2", 0)
    return draft


def speck_relay() -> Draft:
    """A source in two parts with three readers: a destination each, the rest by a relay."""
    draft = start("speck2f", "speck", {"in": (1, 8, 8)})
    _speck(draft, "src", (4, 8, 8), [("in", 1, 1)], (8, 8), 1)
    _speck(draft, "a", (2, 8, 8), [("src", 1, 4)], (8, 8), 3, padding=1)
    _speck(draft, "b", (1, 4, 4), [("src", 2, 4)], (4, 4), 1)
    _speck(draft, "c", (1, 2, 2), [("src", 4, 4), ("b", 2, 1)], (2, 2), 1)
    for core, low in ((0, 0), (1, 2)):
        _part(draft, "src", [(low, low + 2), (0, 8), (0, 8)], core, (2, 128, 0, 2, 1))
    _part(draft, "a", [(0, 2), (0, 8), (0, 8)], 2, (128, 128, 0, 2, 4))
    _part(draft, "b", [(0, 1), (0, 4), (0, 4)], 3, (4, 16, 0, 1, 4))
    _part(draft, "c", [(0, 1), (0, 2), (0, 2)], 4, (5, 4, 0, 1, 5))
    add_helper(draft, "relay", "src", 7)
    for port, core in enumerate((0, 1)):
        add_link(draft, -1, port, core, 0)
    for core, base in ((0, 0), (1, 2)):
        add_link(draft, core, 0, 2, base)
        add_link(draft, core, 1, 7, base, pool=2)
    add_link(draft, 7, 0, 3, 0)
    add_link(draft, 7, 1, 4, 0, pool=2)
    add_link(draft, 3, 0, 4, 4, pool=2)
    for name, shape in (("a", (2, 8, 8)), ("c", (1, 2, 2))):
        add_output(draft, f"y{name}", shape, name, 0)
    return draft


def speck_copies() -> Draft:
    """A source on two cores, one a copy of the other, which feed three readers."""
    draft = start("speck2f", "speck", {"in": (1, 8, 8)})
    _speck(draft, "src", (4, 8, 8), [("in", 1, 1)], (8, 8), 1, copies=2)
    for core, copy in ((0, 0), (1, 1)):
        _part(draft, "src", [(0, 4), (0, 8), (0, 8)], core, (4, 256, 0, 4, 1), copy)
        add_link(draft, -1, core, core, 0)
    for i, name in enumerate("abc"):
        _speck(draft, name, (2, 8, 8), [("src", 1, 4)], (8, 8), 1)
        _part(draft, name, [(0, 2), (0, 8), (0, 8)], 2 + i, (8, 128, 0, 2, 4))
        add_link(draft, i // 2, i % 2, 2 + i, 0)
        add_output(draft, f"y{name}", (2, 8, 8), name, 0)
    return draft
