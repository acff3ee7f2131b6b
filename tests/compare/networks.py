"""Small networks and their chains of causes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import nir
import numpy as np

from mapper import api
from mapper.emulate.loaded import Loaded
from mapper.families import family_named
from mapper.solving.outcome import Placed
from mapper.verbs.answer import answer
from mapper.verbs.compare.causes import Link, Ran, chain

Array = Any


@dataclass(frozen=True, slots=True, eq=False)
class Chained:
    """A mapped network with its chain."""

    links: tuple[Link, ...]
    bundle: Loaded
    placed: Placed

    def ran(self, cause: str, raster: Array) -> Ran:
        """The first run of a link."""
        return next(link for link in self.links if link.cause == cause).runs[0](raster)


def chained(network: nir.NIRGraph, device: str, **options: Any) -> Chained:
    """`network` mapped onto `device`."""
    asked = api.ask(network, device, **({"semantics": "snntorch", "file_dt": 1e-3} | options))
    result = answer(asked, whole=False)
    assert result.bundle is not None, result.text
    assert isinstance(result.outcome, Placed)
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    links = chain(
        result.outcome,
        bundle,
        asked.source.graph,
        family_named(asked.profile.family),
        orders=2,
    )
    return Chained(links, bundle, result.outcome)


def line(*nodes: nir.NIRNode) -> nir.NIRGraph:
    """Nodes one after another between an input and an output; their names are their numbers."""
    first, last = nodes[0].input_type["input"], nodes[-1].output_type["output"]
    found = {"input": nir.Input(first)} | {f"n{i}": node for i, node in enumerate(nodes)}
    found["output"] = nir.Output(last)
    return nir.NIRGraph(nodes=found, edges=list(pairwise(found)))


def cuba(n: int, syn: float = 4e-3, mem: float = 8e-3, gain: float = 32.0) -> nir.CubaLIF:
    """n CubaLIF; at a step of 1 ms decays of 3/4 and 7/8, and a gain of 1."""
    ones = np.ones(n)
    return nir.CubaLIF(
        tau_syn=ones * syn,
        tau_mem=ones * mem,
        r=ones * gain / 4,
        w_in=ones * 4,
        v_leak=ones * 0,
        v_threshold=ones,
        v_reset=ones * 0,
    )


def weights(rows: int, columns: int, seed: int, unit: float = 1 / 16) -> Array:
    """Multiples of `unit`, between -4 and 8 of them."""
    return np.random.default_rng(seed).integers(-4, 9, (rows, columns)) * unit


def events(*shape: int, density: float = 0.3, seed: int = 0) -> Array:
    """0 or 1 (sample, step, channel)."""
    return (np.random.default_rng(seed).random(shape) < density).astype(np.uint8)


def spikes(ran: Ran) -> dict[str, Array]:
    """Spikes of the populations."""
    return {name: np.asarray(value) for name, value in ran.populations.items()}


def same(a: Ran, b: Ran, *, but: tuple[str, ...] = ()) -> bool:
    """Whether all spikes and outputs are equal; `but` populations, and outputs then."""
    names = [name for name in a.populations if name not in but]
    fired = all(np.array_equal(a.populations[name], b.populations[name]) for name in names)
    return fired and (bool(but) or all(np.allclose(a.outputs[k], b.outputs[k]) for k in a.outputs))
