"""What a rewrite is: a rule looks at a node and proposes, refuses, or passes.

A proposal replaces a chain of nodes by another chain. What enters the first replaced
node enters the first new one; what read the last replaced node reads the last new one.
Where a chain is too narrow (a copy per reader), the proposal lists its edges itself.

Every rewrite may rely on this: the ends of an edge have equally many elements, and where
their shapes differ the values are taken in C order (so a Flatten computes nothing).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise

from nir_io.graph import Graph, Node, make_graph
from nir_io.settings import Reset
from rewrite_rules.stage import Stage
from rewrite_rules.target import Target


@dataclass(frozen=True, slots=True)
class Exact:
    """Holds in real arithmetic (up to latency)."""


@dataclass(frozen=True, slots=True)
class Within:
    """An approximation with a membrane-response error (docs/architecture.md), dimensionless."""

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
    for a person, with the user's names in quotes. `reset`: the kind that the neuron has
    from then on, where the rule changes it. `edges`: where given, all edges of the new
    nodes, to each other and to nodes that stay; nothing is joined by itself then. `cut`:
    edges between nodes that stay, to be removed.
    """

    rule: str
    instead_of: tuple[str, ...]
    use: tuple[Node, ...]
    keeps: Keeps
    says: str
    reset: Reset | None = None
    edges: tuple[tuple[str, str], ...] | None = None
    cut: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why `rule` does not apply at `at`, with the numbers."""

    rule: str
    at: str
    because: str


class Rule(ABC):
    """One rewrite; each module of this package with a `RULE` holds one.

    stages: the sets that it belongs to; in none, it is never called. after: names of rules
    that are tried before it wherever both are tried, because they may propose at the same
    node, or because they make what it looks for.
    """

    name: str
    stages: tuple[Stage, ...]
    after: tuple[str, ...] = ()

    @abstractmethod
    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`: None means 'not my kind of node'."""
        ...


def apply(graph: Graph, *proposals: Proposal) -> Graph:
    """`graph` with the proposals carried out. New nodes inherit `origin` from the caller.

    Several at once must not touch each other: none replaces a node that another replaces,
    or to which another ties its new nodes.
    """
    gone = {name for proposal in proposals for name in proposal.instead_of}
    cut = {edge for proposal in proposals for edge in proposal.cut}
    nodes = {name: node for name, node in graph.nodes.items() if name not in gone}
    nodes |= {node.name: node for proposal in proposals for node in proposal.use}
    edges = {e for e in graph.edges if e[0] not in gone and e[1] not in gone and e not in cut}
    for proposal in proposals:
        edges.update(_joined(graph, proposal) if proposal.edges is None else proposal.edges)
    return make_graph(
        nodes,
        tuple(edges),
        metadata=graph.metadata,
        notes=graph.notes,
        fingerprint=graph.fingerprint,
    )


def _joined(graph: Graph, proposal: Proposal) -> list[tuple[str, str]]:
    """The edges that put the chain `use` where the chain `instead_of` stood."""
    gone = set(proposal.instead_of)
    first, last = proposal.instead_of[0], proposal.instead_of[-1]
    heads = [a for a in graph.before(first) if a not in gone]
    tails = [b for b in graph.after(last) if b not in gone]
    names = [node.name for node in proposal.use]
    if not names:
        return [(a, b) for a in heads for b in tails]
    loop = [(names[-1], names[0])] if first in graph.after(last) else []
    inner = pairwise(names)
    return [*inner, *loop, *((a, names[0]) for a in heads), *((names[-1], b) for b in tails)]
