"""Which framework wrote a file, as far as names and parameters give it away.

What is found here is an assumption and is shown as one. A setting that a framework
leaves to its user is only given where its default is what its users use: the reset of
an snnTorch network is therefore not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from nir_io.graph import (
    IF,
    LI,
    LIF,
    Affine,
    Array,
    Conv1d,
    Conv2d,
    CubaLI,
    CubaLIF,
    Flatten,
    Graph,
    Linear,
    Neuron,
    Node,
    SumPool2d,
)
from nir_io.graph import Input as InputNode
from nir_io.graph import Output as OutputNode
from nir_io.presets import PRESETS, Setting

PORTS = (InputNode, OutputNode)
SNNTORCH_DT = 1e-4
NORSE_DT = 1e-3
ROCKPOOL = re.compile(r"(\d+_\w+(Torch|Jax))|((seq|spiking)\.\w+_(linear|neurons))")
SPIKINGJELLY = re.compile(r"_\d+")
SPYX = re.compile(r"layer_\d+(_threshold|/layer_\d+\.(lif|w_rec))?")
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The framework, the settings that follow from it, and what gave it away."""

    framework: str
    settings: Mapping[str, Setting]
    because: str


def recognise(graph: Graph) -> Evidence | None:
    """The framework that wrote `graph`, or None."""
    for rule in RULES.values():
        found = rule(graph)
        if found is not None:
            return found
    return None


def evidence_for(graph: Graph, framework: str) -> Evidence | None:
    """What `graph` tells if `framework` wrote it; None if it does not look so."""
    rule = RULES.get(framework)
    return rule(graph) if rule else None


def leaky(graph: Graph) -> Iterator[tuple[Node, Array, Array]]:
    """Nodes with a membrane time constant, with it and r."""
    for node in graph.of_kind(LI, LIF):
        yield node, node.tau, node.r
    for node in graph.of_kind(CubaLI, CubaLIF):
        yield node, node.tau_mem, node.r


def _preset(framework: str, *without: str, **instead: Setting) -> Mapping[str, Setting]:
    kept = {key: value for key, value in PRESETS[framework].settings.items() if key not in without}
    return MappingProxyType({**kept, **instead})


def _rockpool(graph: Graph) -> Evidence | None:
    """Names such as '1_LIFTorch', and r = tau exp(-dt / tau) / dt, which gives dt."""
    if not _named(graph, ROCKPOOL):
        return None
    steps = [tau * _lambert(1.0 / r) for _, tau, r in leaky(graph) if (r > 0).all()]
    dt = _common(steps)
    if dt is None:
        return None
    return Evidence(
        "rockpool",
        _preset("rockpool", file_dt=dt),
        f"names end in Torch or begin with 'seq.', and r = tau exp(-dt/tau) / dt with dt = {dt:g}",
    )


def _spikingjelly(graph: Graph) -> Evidence | None:
    """Names such as '_3'; IF neurons with r = 1 / dt."""
    if not _named(graph, SPIKINGJELLY):
        return None
    rates = [1.0 / node.r for node in graph.of_kind(IF) if (node.r > 0).all()]
    dt = _common(rates) if rates else 1e-4
    if dt is None or any((tau < dt).any() for _, tau, _ in leaky(graph)):
        return None
    return Evidence(
        "spikingjelly", _preset("spikingjelly", file_dt=dt), "nodes are called '_0', '_1', ..."
    )


def _spyx(graph: Graph) -> Evidence | None:
    """Names such as 'layer_3', and r = beta = 1 - dt / tau, which gives dt."""
    if not _named(graph, SPYX):
        return None
    steps = [tau * (1.0 - r) for node, tau, r in leaky(graph) if not isinstance(node, (LI, CubaLI))]
    dt = _common(steps) if steps else None
    if steps and dt is None:
        return None
    settings = _preset("spyx", "file_dt") if dt is None else _preset("spyx", file_dt=dt)
    return Evidence("spyx", settings, "nodes are called 'layer_0', 'layer_1', ...")


def _snntorch(graph: Graph) -> Evidence | None:
    """r = tau / 1e-4 and w_in = tau_syn / 1e-4, or 1 in older files."""
    others = [node for node in graph.of_kind(Neuron) if not isinstance(node, (LIF, CubaLIF))]
    found = list(leaky(graph))
    if others or not found:
        return None
    if not all(_close(r * SNNTORCH_DT, tau) for _, tau, r in found):
        return None
    for node in graph.of_kind(CubaLIF):
        if not _close(node.w_in * SNNTORCH_DT, node.tau_syn) and not _close(node.w_in, 1.0):
            return None
    return Evidence(
        "snntorch", _preset("snntorch", "reset"), "r = tau / 1e-4, the step that its exporter fixes"
    )


def _sinabs(graph: Graph) -> Evidence | None:
    """Numbered nodes, r = 1, tau in steps; with IF alone, a pool or Flatten among them."""
    kinds = (*PORTS, Affine, Conv1d, Conv2d, SumPool2d, Flatten, IF, LIF, LI)
    if not _numbered(graph, kinds):
        return None
    found = list(leaky(graph))
    if any((tau < 1).any() for _, tau, _ in found):
        return None
    if not found and not any(graph.of_kind(SumPool2d, Flatten)):
        return None
    return Evidence("sinabs", _preset("sinabs"), "numbered nodes, r = 1, no bias left out")


def _norse(graph: Graph) -> Evidence | None:
    """Numbered nodes, r = w_in = 1, tau below a second.

    norse 1.1.0 writes tau multiplied by its step of 1 ms; then all are below that step,
    and a step of 1e-6 gives the decays that it trained with.
    """
    kinds = (*PORTS, Affine, Linear, Conv2d, IF, LIF, LI, CubaLIF)
    found = list(leaky(graph))
    if not found or not _numbered(graph, kinds) or any((tau >= 1).any() for _, tau, _ in found):
        return None
    if not all(_close(node.w_in, 1.0) for node in graph.of_kind(CubaLIF)):
        return None
    if all((tau < NORSE_DT).all() for _, tau, _ in found):
        return Evidence(
            "norse",
            _preset("norse", file_dt=NORSE_DT**2, chip_dt=NORSE_DT),
            f"numbered nodes, r = 1, every tau below norse's step of {NORSE_DT:g} s: norse 1.1 "
            "writes tau multiplied by that step",
        )
    return Evidence("norse", _preset("norse", "file_dt"), "numbered nodes, r = 1, tau below 1")


RULES: Mapping[str, Callable[[Graph], Evidence | None]] = MappingProxyType(
    {
        "rockpool": _rockpool,
        "spikingjelly": _spikingjelly,
        "spyx": _spyx,
        "snntorch": _snntorch,
        "sinabs": _sinabs,
        "norse": _norse,
    }
)


def _named(graph: Graph, pattern: re.Pattern[str]) -> bool:
    """Whether there are neurons and all nodes but Inputs and Outputs are called so."""
    names = [name for name, node in graph.nodes.items() if not isinstance(node, PORTS)]
    return (
        bool(names)
        and any(graph.of_kind(Neuron))
        and all(pattern.fullmatch(name) for name in names)
    )


def _numbered(graph: Graph, kinds: tuple[type[Node], ...]) -> bool:
    """Whether nodes are numbered, of these kinds, with r = 1, v_reset 0 and thresholds."""
    if not _named(graph, NUMBER) or not all(
        isinstance(node, kinds) for node in graph.nodes.values()
    ):
        return False
    for node in graph.of_kind(IF, LIF, LI, CubaLIF):
        if not _close(node.r, 1.0):
            return False
    return all(not node.v_reset.any() for node in graph.of_kind(IF, LIF, CubaLIF))


def _close(values: Array, wanted: Array | float) -> bool:
    return bool(np.allclose(values, wanted, rtol=1e-4, atol=0.0))


def _common(values: list[Array]) -> float | None:
    """The one value that all have, to 4 digits; None if they differ or there is none."""
    if not values:
        return None
    flat = np.concatenate([array.reshape(-1) for array in values])
    middle = float(np.median(flat))
    if not middle > 0 or not _close(flat, middle):
        return None
    return float(f"{middle:.4g}")


def _lambert(values: Array) -> Array:
    """x with x exp(x) = values, for positive values (Newton, quadratic)."""
    x = np.log1p(values)
    for _ in range(20):
        grown = np.exp(x)
        x = x - (x * grown - values) / (grown * (x + 1.0))
    return x
