"""How much a file may declare before any of it is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on a file from a stranger; each is an option of the command line.

    elements: values of all arrays together, as the headers declare them, and entries of
        all node shapes together; 100 million are 0.8 GB once read.
    nodes, edges: counted over nested graphs. depth: graphs within graphs.
    name: characters in the name of a node. text: bytes of any text but a name.
    entries: fields of one node, and metadata entries of one graph or node.
    """

    elements: int = 100_000_000
    nodes: int = 10_000
    edges: int = 100_000
    depth: int = 16
    name: int = 200
    text: int = 10_000
    entries: int = 200


@dataclass(slots=True)
class Spent:
    """What has been declared so far; each method says whether the limit still holds."""

    limits: Limits
    elements: int = 0
    nodes: int = 0
    edges: int = 0

    def take_elements(self, count: int) -> bool:
        """Count `count` more values, unless they are too many (then they are not read)."""
        if self.elements + count > self.limits.elements:
            return False
        self.elements += count
        return True

    def take_nodes(self, count: int) -> bool:
        """Count `count` more nodes."""
        self.nodes += count
        return self.nodes <= self.limits.nodes

    def take_edges(self, count: int) -> bool:
        """Count `count` more edges."""
        self.edges += count
        return self.edges <= self.limits.edges
