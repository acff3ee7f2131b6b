"""What `inspect` says of a network: facts per neuron node, as values for JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from mapper.report.document import Inspected, InspectedPopulation, KickFacts
from mapper.report.facts import semantics_facts
from nir_io.arrays import AnyArray
from nir_io.graph import Affine, Conv1d, Conv2d, Flatten, Graph, Linear, Neuron, Node, Scale
from nir_io.semantics import Semantics, per_step
from nir_io.suspicions import time_constants, warnings
from rewrite_rules.dynamics import Dynamics, discretise

SCHEMA: Final = "nirmap-inspect-1"
WEIGHTED = (Affine, Conv1d, Conv2d, Linear, Scale)
TAUS = ("tau", "tau_mem", "tau_syn")


def look(
    graph: Graph, name: str, semantics: Semantics | None, missing: tuple[str, ...]
) -> Inspected:
    """Facts of `graph`; without semantics what can be said without, and what is missing."""
    meant = graph if semantics is None else per_step(graph, semantics)
    return {
        "schema": SCHEMA,
        "model": {
            "name": name,
            "fingerprint": graph.fingerprint,
            "nodes": len(graph.nodes),
            "edges": len(graph.edges),
            "neurons": sum(_size(node) for node in graph.of_kind(Neuron)),
            "weights": sum(_weights(node).size for node in graph.of_kind(*WEIGHTED)),
            "kinds": _kinds(graph),
            "metadata": dict(graph.metadata),
            "notes": list(graph.notes),
        },
        "semantics": None if semantics is None else semantics_facts(semantics),
        "missing": list(missing),
        "time_constants": [
            {"node": node, "field": field, "least": least, "largest": largest}
            for node, field, least, largest in time_constants(graph)
        ],
        "populations": [
            _population(meant, node, semantics)
            for node in sorted(meant.of_kind(Neuron), key=lambda node: _natural(node.name))
        ],
        "warnings": [] if semantics is None else list(warnings(graph, semantics)),
    }


def _population(graph: Graph, node: Neuron, semantics: Semantics | None) -> InspectedPopulation:
    found: InspectedPopulation = {
        "name": node.name,
        "kind": node.kind,
        "shape": list(node.shape_out),
        "neurons": _size(node),
        "taus": {
            key: _range(array) for key in TAUS if (array := getattr(node, key, None)) is not None
        },
    }
    if semantics is None:
        return found
    d = discretise(node, semantics)
    dt = semantics.file_dt
    steps = (
        {key: [value / dt for value in pair] for key, pair in found["taus"].items()} if dt else {}
    )
    return {
        **found,
        "tau_steps": steps,
        "decay": _range(d.mem_decay),
        "synaptic_decay": _range(d.syn_decay) if d.has_synapse else None,
        "kick_percent": _kick(graph, node, d, semantics),
        "reset": semantics.reset if d.spiking else None,
    }


def _kick(graph: Graph, node: Neuron, d: Dynamics, semantics: Semantics) -> KickFacts | None:
    """What one input spike adds to the membrane in the step of its arrival, in % of threshold.

    typical: the median of all weights that are not 0, largest: their largest size, both
    with the neurons' median gain; of the last weights before the neuron. None for a
    read-out, which has no threshold.
    """
    if not d.spiking:
        return None
    height = d.threshold - d.v_reset if semantics.reset == "zero" else d.threshold
    gain = float(np.median(np.abs(d.gain / np.where(height == 0, 1.0, height))))
    sizes: list[float] = []
    for name in graph.before(node.name):
        weights = np.abs(_weights(_weighted(graph, name)))
        sizes += list(weights[weights > 0]) if weights.size < 4096 else _quantiles(weights)
    if not sizes:
        return None
    return {
        "typical": 100.0 * gain * float(np.median(sizes)),
        "largest": 100.0 * gain * float(np.max(sizes)),
    }


def _quantiles(weights: AnyArray) -> list[float]:
    """Enough of many weights for a median, with the largest."""
    found = weights[weights > 0]
    return [float(v) for v in np.quantile(found, np.linspace(0, 1, 1001))] if found.size else []


def _weighted(graph: Graph, name: str) -> Node:
    """The node with weights at or before `name`, behind nothing but Flattens."""
    node = graph.nodes[name]
    while isinstance(node, Flatten) and len(graph.before(node.name)) == 1:
        node = graph.nodes[graph.before(node.name)[0]]
    return node


def _weights(node: Node) -> AnyArray:
    """The weights of a node, flat; one weight of 1 for a node that has none."""
    if isinstance(node, Scale):
        return np.ravel(node.scale)
    if isinstance(node, Affine | Conv1d | Conv2d | Linear):
        return np.ravel(node.weight)
    return np.ones(1)


def _natural(name: str) -> tuple[tuple[str, int], ...]:
    """Sorts 'n2' before 'n10': pairs of text and the number behind it."""
    return tuple(
        (text, int(digits or 0)) for text, digits in re.findall(r"([^0-9]*)([0-9]{0,18})", name)
    )


def _range(array: AnyArray) -> list[float]:
    return [float(np.min(array)), float(np.max(array))]


def _size(node: Node) -> int:
    return int(np.prod(node.shape_out))


def _kinds(graph: Graph) -> Mapping[str, int]:
    kinds = sorted(node.kind for node in graph.nodes.values())
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
