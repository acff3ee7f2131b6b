"""What a network computes with, as one SHA-256.

Covers kinds, names, edges, shapes and all values, in name order. Does not depend on how
numbers were stored, on the order of nodes and edges, on compression, nor on the sign of
a zero. Notes and metadata do not enter.
"""

# fields of nodes by name
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from hashlib import sha256

import numpy as np

from nir_io.graph import Array, Graph, Node
from nir_io.raw import Edge

VERSION = "nirmap network 1"
BLOCK = 1 << 20  # values hashed at a time


def fingerprint(graph: Graph) -> str:
    """The fingerprint of `graph`, 64 hexadecimal digits."""
    return fingerprint_of(graph.nodes, graph.edges)


def fingerprint_of(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> str:
    """The fingerprint of nodes by name and edges."""
    digest = sha256()

    def text(value: str) -> None:
        raw = value.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)

    text(VERSION)
    for name in sorted(nodes):
        node = nodes[name]
        text(node.kind)
        text(name)
        for item in sorted(fields(node), key=lambda item: item.name):
            if item.name in ("name", "origin"):
                continue
            value: object = getattr(node, item.name)
            text(item.name)
            if isinstance(value, np.ndarray):
                text(repr(value.shape))
                for block in _blocks(value):
                    digest.update(block)
            else:
                text(repr(value))
    for start, end in sorted(edges):
        text(start)
        text(end)
    return digest.hexdigest()


def _blocks(array: Array) -> Iterable[bytes]:
    """Bytes of the values as little-endian float64 in C order, zeros without a sign."""
    if array.strides and not any(array.strides):
        value = (array[(0,) * array.ndim] + 0.0).astype("<f8").tobytes()
        left = array.size
        while left:
            yield value * min(left, BLOCK)
            left -= min(left, BLOCK)
        return
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        yield (flat[start : start + BLOCK] + 0.0).astype("<f8", copy=False).tobytes()
