"""Small networks built in memory, for tests of semantics."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from nir_io.graph import (
    IF,
    LIF,
    Affine,
    CubaLIF,
    Graph,
    Input,
    Linear,
    Node,
    Output,
    frozen,
    make_graph,
)

COUNT = 3


def full(value: Any) -> Any:
    return frozen(np.broadcast_to(np.asarray(value, dtype=float), (COUNT,)))


def shaped(name: str) -> dict[str, Any]:
    return {"name": name, "shape_in": (COUNT,), "shape_out": (COUNT,)}


def make_lif(name: str = "n", *, tau: Any = 0.02, r: Any = 1, reset: Any = 0) -> LIF:
    return LIF(
        tau=full(tau),
        r=full(r),
        v_leak=full(0),
        v_threshold=full(1),
        v_reset=full(reset),
        **shaped(name),
    )


def make_cuba(name: str, syn: Any, mem: Any, *, r: Any = 1, w_in: Any = 1) -> CubaLIF:
    return CubaLIF(
        tau_syn=full(syn),
        tau_mem=full(mem),
        r=full(r),
        w_in=full(w_in),
        v_leak=full(0),
        v_threshold=full(1),
        v_reset=full(0),
        **shaped(name),
    )


def make_if(name: str = "n", *, r: Any = 1, reset: Any = 0) -> IF:
    return IF(r=full(r), v_threshold=full(1), v_reset=full(reset), **shaped(name))


def net(*nodes: Node, **more: Any) -> Graph:
    """Input, a weight matrix 'w', then `nodes` in a chain, and Output."""
    weight = frozen(np.eye(COUNT))
    first = Linear(weight=weight, **shaped("w"))
    chain = [Input(**shaped("in")), first, *nodes, Output(**shaped("out"))]
    edges = [(a.name, b.name) for a, b in pairwise(chain)]
    return make_graph(tuple(chain), edges, **more)


def numbered(*nodes: Callable[[str], Node]) -> Graph:
    """Input, nodes called '0', '1', ..., Output."""
    made = [make(str(index)) for index, make in enumerate(nodes)]
    chain = [Input(**shaped("input")), *made, Output(**shaped("output"))]
    edges = [(a.name, b.name) for a, b in pairwise(chain)]
    return make_graph(tuple(chain), edges)


def affine(name: str) -> Node:
    return Affine(weight=frozen(np.eye(COUNT)), bias=full(0), **shaped(name))
