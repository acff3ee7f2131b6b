"""Networks as NIR graphs and files, through the nir package; numbers stay float64.

What NIR cannot keep: a name with '/' (from a nested graph) becomes one with '.', and the
name itself stands in the node's metadata, where the reader finds it. Writing and reading
gives a graph with the same fingerprint.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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

Metadata = dict[str, Any]


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
        if _padding(node) is None
    ]
    if findings:
        raise BadInput(findings)
    names = written_names(graph)
    own, rest = _metadata(graph)
    nodes: dict[str, nir.NIRNode] = {}
    for name, node in graph.nodes.items():
        made = MAKERS[type(node)](node)
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


def _padding(node: Conv1d | Conv2d) -> Any:
    """The padding as NIR says it, or None."""
    sides = node.padding
    before, after = sides[::2], sides[1::2]
    if before == after:
        return before[0] if isinstance(node, Conv1d) else before
    stride = (node.stride,) if isinstance(node, Conv1d) else node.stride
    gaps = (node.dilation,) if isinstance(node, Conv1d) else node.dilation
    spans = [gap * (side - 1) for gap, side in zip(gaps, node.weight.shape[2:], strict=True)]
    same = tuple(side for span in spans for side in (span // 2, span - span // 2))
    return "same" if same == sides and set(stride) == {1} else None


def _conv1d(node: Conv1d) -> nir.NIRNode:
    return nir.Conv1d(
        input_shape=node.shape_in[1],
        weight=np.array(node.weight),
        stride=node.stride,
        padding=_padding(node),
        dilation=node.dilation,
        groups=node.groups,
        bias=np.array(node.bias),
    )


def _conv2d(node: Conv2d) -> nir.NIRNode:
    return nir.Conv2d(
        input_shape=(node.shape_in[1], node.shape_in[2]),
        weight=np.array(node.weight),
        stride=node.stride,
        padding=_padding(node),
        dilation=node.dilation,
        groups=node.groups,
        bias=np.array(node.bias),
    )


def _pool(kind: Any) -> Callable[[Any], nir.NIRNode]:
    return lambda node: kind(
        kernel_size=np.array(node.kernel_size),
        stride=np.array(node.stride),
        padding=np.array(node.padding),
    )


def _arrays(kind: Any, *fields: str) -> Callable[[Any], nir.NIRNode]:
    return lambda node: kind(**{field: np.array(getattr(node, field)) for field in fields})


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


MAKERS: Mapping[type[Node], Callable[[Any], nir.NIRNode]] = {
    Input: lambda node: nir.Input({"input": np.array(node.shape_in)}),
    Output: lambda node: nir.Output({"output": np.array(node.shape_out)}),
    Linear: _arrays(nir.Linear, "weight"),
    Affine: _arrays(nir.Affine, "weight", "bias"),
    Scale: _arrays(nir.Scale, "scale"),
    Conv1d: _conv1d,
    Conv2d: _conv2d,
    SumPool2d: _pool(nir.SumPool2d),
    AvgPool2d: _pool(nir.AvgPool2d),
    Flatten: _flatten,
    Delay: _arrays(nir.Delay, "delay"),
    Threshold: _arrays(nir.Threshold, "threshold"),
    I: _arrays(nir.I, "r"),
    IF: _arrays(nir.IF, "r", "v_threshold", "v_reset"),
    LI: _arrays(nir.LI, "tau", "r", "v_leak"),
    LIF: _arrays(nir.LIF, "tau", "r", "v_leak", "v_threshold", "v_reset"),
    CubaLI: _arrays(nir.CubaLI, "tau_syn", "tau_mem", "r", "v_leak", "w_in"),
    CubaLIF: _arrays(
        nir.CubaLIF, "tau_syn", "tau_mem", "r", "v_leak", "w_in", "v_threshold", "v_reset"
    ),
}
