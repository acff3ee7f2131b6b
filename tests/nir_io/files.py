"""NIR files written with h5py alone: what exporters write, and what nobody should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Fields = dict[str, Any]
EDGES = [("input", "fc"), ("fc", "lif"), ("lif", "output")]


def lif(count: int | tuple[int, ...] = 4, **more: Any) -> Fields:
    """A LIF with `count` neurons; `more` replaces fields, None removes one."""
    one = np.ones(count, np.float32)
    found: Fields = {
        "type": "LIF",
        "tau": 0.02 * one,
        "r": one,
        "v_leak": 0 * one,
        "v_threshold": one,
        "v_reset": 0 * one,
    }
    return {key: value for key, value in {**found, **more}.items() if value is not None}


def port(kind: str, *shape: int) -> Fields:
    """An Input or Output."""
    return {"type": kind, "shape": np.array(shape)}


def linear(outs: int, ins: int) -> Fields:
    """A Linear with distinct weights."""
    weight = np.arange(outs * ins, dtype=np.float32).reshape(outs, ins) / 8 - 1
    return {"type": "Linear", "weight": weight}


def conv(outs: int, ins: int, *kernel: int, **more: Any) -> Fields:
    """A Conv1d or Conv2d with stride 1, no padding, dilation 1, one group."""
    axes = len(kernel)
    found: Fields = {
        "type": f"Conv{axes}d",
        "weight": np.ones((outs, ins, *kernel), np.float32),
        "bias": np.zeros(outs, np.float32),
        "stride": np.ones(axes, np.int64),
        "padding": np.zeros(axes, np.int64),
        "dilation": np.ones(axes, np.int64),
        "groups": 1,
    }
    return {key: value for key, value in {**found, **more}.items() if value is not None}


def chain(**nodes: Fields) -> dict[str, Fields]:
    """Input (6) -> fc -> lif -> Output (4), with nodes replaced or added."""
    plain = {
        "input": port("Input", 6),
        "fc": linear(4, 6),
        "lif": lif(4),
        "output": port("Output", 4),
    }
    return {**plain, **nodes}


def store(
    path: Path,
    nodes: Mapping[str, Fields],
    edges: Sequence[tuple[str, str]] = tuple(EDGES),
    *,
    version: str | None = "1.0.8",
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Write a NIR file; `options` go to every array (compression, chunks)."""
    with h5py.File(path, "w") as file:
        if version is not None:
            file["version"] = version
        graph: Fields = {"type": "NIRGraph", "nodes": dict(nodes), "edges": list(edges)}
        if metadata:
            graph["metadata"] = dict(metadata)
        put(file.create_group("node"), graph, options)
    return path


def put(group: h5py.Group, fields: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Write fields into a group: mappings as groups, texts, numbers, lists of edges."""
    for key, value in fields.items():
        if isinstance(value, Mapping):
            put(group.create_group(key), value, options)
        elif isinstance(value, str):
            group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif key == "edges" and isinstance(value, list):
            pairs = np.array(value, dtype=object).reshape(-1, 2)
            group.create_dataset(key, data=pairs, dtype=h5py.string_dtype())
        elif isinstance(value, np.ndarray) and value.shape:
            group.create_dataset(key, data=value, **options)
        else:
            group.create_dataset(key, data=value)
