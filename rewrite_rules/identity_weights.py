"""Give a path into a population that has no weights a Scale of ones. Exact.

A neuron that hears another one, or an Input, without weights in between is an identity
projection; chips store it like any other. Delay, pooling and Flatten are no weights.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import Delay, Flatten, Graph, Input, Neuron, Node, Scale, SumPool2d, frozen
from rewrite_rules.linear_nodes import fresh, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Canonical
from rewrite_rules.target import Target


class IdentityWeights(Rule):
    """The last node before a neuron on a path without weights."""

    name = "identity-weights"
    stages = (Canonical.WEIGHTS,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, where the path's last edge begins."""
        if not _unweighted(graph, at):
            return None
        readers = [b for b in graph.after(at) if isinstance(graph.nodes[b], Neuron)]
        if not readers:
            return None
        ones = [_ones(graph, at, graph.nodes[reader]) for reader in readers]
        edges = [(at, one.name) for one in ones]
        edges += [(one.name, reader) for one, reader in zip(ones, readers, strict=True)]
        names = ", ".join(f"'{name}'" for name in readers)
        says = f"what '{at}' sends to {names} without weights gets weights of 1"
        return Proposal(
            self.name,
            (),
            tuple(ones),
            Exact(),
            says,
            edges=tuple(edges),
            cut=tuple((at, reader) for reader in readers),
        )


def _unweighted(graph: Graph, name: str) -> bool:
    """Whether all that reaches the end of `name` passed no weights since the last neuron."""
    while isinstance(graph.nodes[name], Delay | SumPool2d | Flatten):
        before = graph.before(name)
        if len(before) != 1:
            return False
        name = before[0]
    return isinstance(graph.nodes[name], Neuron | Input)


def _ones(graph: Graph, source: str, reader: Node) -> Scale:
    return Scale(
        name=fresh(graph, f"{source}@{reader.name}"),
        shape_in=reader.shape_in,
        shape_out=reader.shape_in,
        origin=stands_for(reader),
        scale=frozen(np.broadcast_to(1.0, reader.shape_in)),
    )


RULE = IdentityWeights()
