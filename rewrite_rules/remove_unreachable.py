"""Remove nodes that cannot matter: from which no Output is reached, or that stay silent.

Exact. A node that no Input reaches is silent if it adds no constant, never fires and hears
only silent nodes; one that drives itself (a bias, a v_leak above the threshold) stays.
Inputs and Outputs stay: they are what the network promises.
"""

from __future__ import annotations

import numpy as np

from nir_io.graph import IF, LI, LIF, CubaLI, CubaLIF, Graph, Input, Neuron, Node, Output, Threshold
from rewrite_rules.linear_nodes import bias_of
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Canonical
from rewrite_rules.target import Target


class RemoveUnreachable(Rule):
    """All nodes that cannot matter, at once."""

    name = "remove-unreachable"
    stages = (Canonical.NODES,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, one of them."""
        if isinstance(graph.nodes[at], Input | Output):
            return None
        gone = unneeded(graph)
        if at in gone:
            names = tuple(sorted(gone))
            few = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
            says = f"removed, for no output depends on them: {few} ({len(names)} nodes)"
            return Proposal(self.name, names, (), Exact(), says, edges=())
        if at in _heard(graph):
            return None
        return Refusal(
            self.name, at, f"no input reaches '{at}', but a bias, a v_leak or a threshold drives it"
        )


def unneeded(graph: Graph) -> frozenset[str]:
    """Nodes on which no Output depends."""
    useful = _reached(graph, [node.name for node in graph.of_kind(Output)], forward=False)
    gone = (set(graph.nodes) - useful) | _silent(graph, _heard(graph))
    return frozenset(gone - {node.name for node in graph.of_kind(Input, Output)})


def _heard(graph: Graph) -> set[str]:
    return _reached(graph, [node.name for node in graph.of_kind(Input)], forward=True)


def _reached(graph: Graph, start: list[str], *, forward: bool) -> set[str]:
    found, waiting = set(start), list(start)
    while waiting:
        name = waiting.pop()
        following = graph.after(name) if forward else graph.before(name)
        waiting += [n for n in following if n not in found]
        found.update(following)
    return found


def _silent(graph: Graph, heard: set[str]) -> set[str]:
    """Nodes that send nothing but zeros; `heard` are those that an Input reaches."""
    quiet = {name for name in graph.nodes if name not in heard and _still(graph.nodes[name])}
    loud = [name for name in graph.nodes if name not in quiet]
    while loud:
        name = loud.pop()
        woken = [b for b in graph.after(name) if b in quiet]
        quiet.difference_update(woken)
        loud += woken
    return quiet


def _still(node: Node) -> bool:
    """Whether `node` sends zeros as long as it hears zeros."""
    if isinstance(node, LI | CubaLI):
        return not np.any(node.v_leak)
    if isinstance(node, Threshold):
        return bool(np.all(node.threshold > 0.0))
    if isinstance(node, IF):
        return bool(np.all(node.v_threshold > 0.0))
    if isinstance(node, LIF | CubaLIF):
        return bool(np.all(node.v_threshold > np.maximum(node.v_leak, 0.0)))
    return isinstance(node, Neuron) or bias_of(node) is None


RULE = RemoveUnreachable()
