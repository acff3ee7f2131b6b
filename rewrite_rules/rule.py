"""What a rewrite is: a rule looks at a node and proposes, refuses, or passes.

A proposal replaces a chain of nodes by another chain. What enters the first replaced
node enters the first new one; what read the last replaced node reads the last new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from nir_io.graph import Graph, Node, make_graph
from rewrite_rules.target import Target


@dataclass(frozen=True, slots=True)
class Exact:
    """Holds in real arithmetic (up to latency)."""


@dataclass(frozen=True, slots=True)
class Within:
    """An approximation with a membrane-response error (DESIGN 3.2), dimensionless."""

    bound: float
    because: str


@dataclass(frozen=True, slots=True)
class Unbounded:
    """An approximation for which no bound is known; needs `--allow RULE`."""

    because: str


Keeps = Exact | Within | Unbounded


@dataclass(frozen=True, slots=True)
class Proposal:
    """Put the chain `use` where the chain `instead_of` stands (both in order).

    `use` may be empty: then the replaced chain's ends are joined. `says` is one sentence
    for a person, with the user's names in quotes.
    """

    rule: str
    instead_of: tuple[str, ...]
    use: tuple[Node, ...]
    keeps: Keeps
    says: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why `rule` does not apply at `at`, with the numbers."""

    rule: str
    at: str
    because: str


class Rule(Protocol):
    """One rewrite; each module of this package with a `RULE` holds one."""

    name: str

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`: None means 'not my kind of node'."""
        ...


def apply(graph: Graph, proposal: Proposal) -> Graph:
    """`graph` with the proposal carried out. New nodes inherit `origin` from the caller."""
    gone = set(proposal.instead_of)
    first, last = proposal.instead_of[0], proposal.instead_of[-1]
    heads = [a for a in graph.before(first) if a not in gone]
    tails = [b for b in graph.after(last) if b not in gone]
    nodes = {name: node for name, node in graph.nodes.items() if name not in gone}
    nodes |= {node.name: node for node in proposal.use}
    edges = [(a, b) for a, b in graph.edges if a not in gone and b not in gone]
    names = [node.name for node in proposal.use]
    edges += list(zip(names, names[1:], strict=False))
    if names:
        edges += [(a, names[0]) for a in heads] + [(names[-1], b) for b in tails]
    else:
        edges += [(a, b) for a in heads for b in tails]
    return make_graph(
        nodes, edges, metadata=graph.metadata, notes=graph.notes, fingerprint=graph.fingerprint
    )
