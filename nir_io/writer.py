"""Networks as NIR graphs and files, through the nir package; numbers stay float64.

What NIR cannot keep: a name with '/' (from a nested graph) becomes one with '.', and the
name itself stands in the node's metadata, where the reader finds it. Writing and reading
gives a graph with the same fingerprint.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import nir
import numpy as np

from nir_io.errors import BadInput
from nir_io.graph import (
    IF,
    LI,
    LIF,
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    CubaLI,
    CubaLIF,
    Delay,
    Flatten,
    Graph,
    I,
    Input,
    Linear,
    Node,
    Output,
    Scale,
    SumPool2d,
    Threshold,
)
from nir_io.raw import NAME_KEY

Metadata: TypeAlias = "dict[str, str | int | float | Metadata]"


def write(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write `graph` to the NIR file `path`: whole, or not at all. Raises BadInput."""
    target = Path(path)
    made = to_nir(graph)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    try:
        nir.write(name, made)
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def to_nir(graph: Graph) -> nir.NIRGraph:
    """`graph` as an object of the nir package, with correct types on every node.

    Raises BadInput for paddings that NIR cannot say (unequal ones other than 'same').
    """
    findings = [
        f"'{node.name}' pads {node.padding}; NIR has one padding for both sides, or 'same'"
        for node in graph.of_kind(Conv1d, Conv2d)
        if not _is_equal(node) and not _is_same(node)
    ]
    if findings:
        raise BadInput(findings)
    names = written_names(graph)
    own, rest = _metadata(graph)
    nodes: dict[str, nir.NIRNode] = {}
    for name, node in graph.nodes.items():
        made = _made(node)
        made.input_type = {"input": np.array(node.shape_in)}
        made.output_type = {"output": np.array(node.shape_out)}
        made.metadata = dict(own.get(name, {}))
        if names[name] != name:
            made.metadata[NAME_KEY] = name
        nodes[names[name]] = made
    edges = [(names[start], names[end]) for start, end in graph.edges]
    return nir.NIRGraph(nodes, edges, metadata=rest, type_check=False)


def written_names(graph: Graph) -> Mapping[str, str]:
    """The name of each node in the file: without '/', all different."""
    taken = {name for name in graph.nodes if "/" not in name}
    names = {name: name for name in taken}
    for name in graph.nodes:
        if "/" not in name:
            continue
        plain = name.replace("/", ".")
        while plain in taken:
            plain += "_"
        taken.add(plain)
        names[name] = plain
    return names


def _metadata(graph: Graph) -> tuple[Mapping[str, Metadata], Metadata]:
    """Metadata of nodes, and of the graph; a key with '/' becomes a group in a group."""
    own: dict[str, Metadata] = {}
    rest: Metadata = {}
    for key, value in graph.metadata.items():
        if key == "nir_version":
            continue
        name, _, last = key.rpartition("/")
        if name in graph.nodes:
            own.setdefault(name, {})[last] = value
            continue
        *groups, last = [part for part in key.split("/") if part] or [key]
        place = rest
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                break
        if isinstance(place, dict) and not isinstance(place.get(last), dict):
            place[last] = value
    return own, rest


def _made(node: Node) -> nir.NIRNode:
    match node:
        case Input():
            return nir.Input({"input": np.array(node.shape_in)})
        case Output():
            return nir.Output({"output": np.array(node.shape_out)})
        case Conv1d():
            return _conv1d(node)
        case Conv2d():
            return _conv2d(node)
        case AvgPool2d():
            return _pool(nir.AvgPool2d, node)
        case SumPool2d():
            return _pool(nir.SumPool2d, node)
        case Flatten():
            return _flatten(node)
        case _:
            make, names = ARRAYS[type(node)]
            return make(**{name: np.array(getattr(node, name)) for name in names})


def _is_equal(node: Conv1d | Conv2d) -> bool:
    """Whether it pads as much before as after."""
    return node.padding[::2] == node.padding[1::2]


def _is_same(node: Conv1d | Conv2d) -> bool:
    """Whether it pads what NIR calls 'same'."""
    stride = (node.stride,) if isinstance(node, Conv1d) else node.stride
    gaps = (node.dilation,) if isinstance(node, Conv1d) else node.dilation
    spans = [gap * (side - 1) for gap, side in zip(gaps, node.weight.shape[2:], strict=True)]
    same = tuple(side for span in spans for side in (span // 2, span - span // 2))
    return same == node.padding and set(stride) == {1}


def _conv1d(node: Conv1d) -> nir.NIRNode:
    return nir.Conv1d(
        input_shape=node.shape_in[1],
        weight=np.array(node.weight),
        stride=node.stride,
        padding=node.padding[0] if _is_equal(node) else "same",
        dilation=node.dilation,
        groups=node.groups,
        bias=np.array(node.bias),
    )


def _conv2d(node: Conv2d) -> nir.NIRNode:
    return nir.Conv2d(
        input_shape=(node.shape_in[1], node.shape_in[2]),
        weight=np.array(node.weight),
        stride=node.stride,
        padding=(node.padding[0], node.padding[2]) if _is_equal(node) else "same",
        dilation=node.dilation,
        groups=node.groups,
        bias=np.array(node.bias),
    )


def _pool(kind: type[nir.SumPool2d] | type[nir.AvgPool2d], node: SumPool2d) -> nir.NIRNode:
    return kind(
        kernel_size=np.array(node.kernel_size),
        stride=np.array(node.stride),
        padding=np.array(node.padding),
    )


def _flatten(node: Flatten) -> nir.NIRNode:
    return nir.Flatten(
        input_type={"input": np.array(node.shape_in)},
        start_dim=node.start_dim,
        end_dim=node.end_dim,
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


ARRAYS: Mapping[type[Node], tuple[Callable[..., nir.NIRNode], Sequence[str]]] = {
    Linear: (nir.Linear, ("weight",)),
    Affine: (nir.Affine, ("weight", "bias")),
    Scale: (nir.Scale, ("scale",)),
    Delay: (nir.Delay, ("delay",)),
    Threshold: (nir.Threshold, ("threshold",)),
    I: (nir.I, ("r",)),
    IF: (nir.IF, ("r", "v_threshold", "v_reset")),
    LI: (nir.LI, ("tau", "r", "v_leak")),
    LIF: (nir.LIF, ("tau", "r", "v_leak", "v_threshold", "v_reset")),
    CubaLI: (nir.CubaLI, ("tau_syn", "tau_mem", "r", "v_leak", "w_in")),
    CubaLIF: (
        nir.CubaLIF,
        ("tau_syn", "tau_mem", "r", "v_leak", "w_in", "v_threshold", "v_reset"),
    ),
}
