"""Random recurrent networks of two layers, and how to map them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper import api
from mapper.bundle.result import Result
from mapper.emulate.loaded import Loaded
from nir_io.graph import Affine, CubaLIF, Graph, Input, Linear, Node, Output, frozen, make_graph

DT = 1e-4
SYN, MEM = 0.75, 0.875  # decays that every family can have


def shaped(name: str, into: int, out: int | None = None) -> dict[str, Any]:
    return {"name": name, "shape_in": (into,), "shape_out": (into if out is None else out,)}


def cuba(name: str, n: int, threshold: float = 1.0) -> CubaLIF:
    """Gains of 1: an input of 1 adds 1 to the current, and that to the membrane."""
    ones = frozen(np.ones(n))
    syn, mem = DT / (1.0 - SYN), DT / (1.0 - MEM)
    return CubaLIF(
        **shaped(name, n),
        tau_syn=frozen(np.full(n, syn)),
        tau_mem=frozen(np.full(n, mem)),
        w_in=frozen(np.full(n, syn / DT)),
        r=frozen(np.full(n, mem / DT)),
        v_leak=frozen(np.zeros(n)),
        v_threshold=frozen(np.full(n, threshold)),
        v_reset=frozen(0.0 * ones),
    )


def srnn(seed: int, hidden: int = 12, outputs: int = 3, size: float = 0.4) -> Graph:
    """6 inputs -> hidden (recurrent, biased) -> outputs."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Any:
        return frozen(rng.normal(0.0, size, shape))

    nodes: tuple[Node, ...] = (
        Input(**shaped("in", 6)),
        Affine(**shaped("fc1", 6, hidden), weight=normal(hidden, 6), bias=frozen(np.zeros(hidden))),
        Linear(**shaped("rec", hidden), weight=normal(hidden, hidden)),
        cuba("h", hidden),
        Linear(**shaped("fc2", hidden, outputs), weight=normal(outputs, hidden)),
        cuba("o", outputs),
        Output(**shaped("out", outputs)),
    )
    edges = [("in", "fc1"), ("fc1", "h"), ("h", "rec"), ("rec", "h"), ("h", "fc2")]
    return make_graph(nodes, (*edges, ("fc2", "o"), ("o", "out")))


def mapped(graph: Graph, device: str, **options: Any) -> Result:
    given: dict[str, Any] = {"semantics": "snntorch", "file_dt": DT, "reset": "subtract"} | options
    result = api.check(graph, device, **given)
    assert result.fits, result.text
    return result


def loaded(result: Result) -> Loaded:
    assert result.bundle is not None
    return Loaded(result.bundle.manifest, result.bundle.arrays)


def events(seed: int, samples: int, steps: int, channels: int = 6, rate: float = 0.25) -> Any:
    return (np.random.default_rng(seed).random((samples, steps, channels)) < rate).astype(np.uint8)
