"""Why normalising ends: what every rewrite of a stage lowers.

    nodes          the nodes of the graph
    weights        the edges into neurons from nodes without weights
    paths          over all linear nodes: the paths through it, less the node itself; and the
                   Delays that stand for edges that carry the previous step
    normal form    the weights of all linear nodes; where that stays, the pairs of nodes of a
                   path that stand in the wrong order

A node weighs more than what any rule makes of it: an AvgPool2d than a SumPool2d and a Scale,
a SumPool2d than a convolution with groups, that than one without, that than a Flatten and an
Affine, that than a Linear. So a rewrite that turns a node into others lowers the sum W. It may
put at most W pairs out of order; a rewrite that moves a node puts one in order. A graph of
sum W with I <= W^2 such pairs thus takes at most W + I + W^2 rewrites.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from nir_io.graph import (
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Delay,
    Flatten,
    Graph,
    Linear,
    Neuron,
    Node,
    Scale,
    SumPool2d,
)
from nir_io.order import late_edges
from rewrite_rules.linear_nodes import LINEAR, WEIGHTS
from rewrite_rules.rule import Proposal, apply
from rewrite_rules.stage import Canonical, Normal

Measure = Callable[[Graph], tuple[int, ...]]


def nodes(graph: Graph) -> tuple[int, ...]:
    """Number of nodes."""
    return (len(graph.nodes),)


def unweighted(graph: Graph) -> tuple[int, ...]:
    """Number of edges into neurons from nodes without weights."""
    into = [a for a, b in graph.edges if isinstance(graph.nodes[b], Neuron)]
    return (sum(not isinstance(graph.nodes[a], WEIGHTS) for a in into),)


def copies(graph: Graph) -> tuple[int, ...]:
    """Copies of linear nodes that there are to make: one for each path, but the node itself.

    A path goes from a node that is not linear, or from nothing, to another, or to nothing. An
    edge that carries the previous step counts as a Delay that may have to be made for each path.
    """
    into: dict[str, int] = {}
    out: dict[str, int] = {}

    def count(name: str, known: dict[str, int], following: Callable[[str], tuple[str, ...]]) -> int:
        if not isinstance(graph.nodes[name], LINEAR):
            return 1
        if name not in known:
            known[name] = sum(count(n, known, following) for n in following(name)) or 1
        return known[name]

    linear = [node.name for node in graph.of_kind(*LINEAR)]
    made = sum(count(n, into, graph.before) * count(n, out, graph.after) - 1 for n in linear)
    late = [b for _, b in late_edges(graph) if b in linear]
    return (made + sum(count(b, out, graph.after) for b in late),)


def normal(graph: Graph) -> tuple[int, ...]:
    """Sum of the weights of all linear nodes, and pairs of them in the wrong order."""
    linear = tuple(graph.of_kind(*LINEAR))
    return sum(_weight(node) for node in linear), sum(_wrong(graph, node) for node in linear)


def _weight(node: Node) -> int:
    match node:
        case AvgPool2d():
            return 8
        case Conv1d():
            return 6 + (node.groups > 1)
        case SumPool2d():
            return 6
        case Conv2d():
            return 4 + (node.groups > 1)
        case Affine():
            return 2
        case _:
            assert isinstance(node, Linear | Scale | Flatten | Delay), node.kind
            return 1


def _wrong(graph: Graph, node: Node) -> int:
    """Nodes in front of `node` on its path that belong behind it."""
    belongs_behind: tuple[type[Node], ...] = ()
    if isinstance(node, Delay):
        belongs_behind = tuple(kind for kind in LINEAR if kind is not Delay)
    if isinstance(node, SumPool2d | Flatten):
        belongs_behind = (Scale,)
    found, before = 0, graph.before(node.name)
    while len(before) == 1 and isinstance(graph.nodes[before[0]], LINEAR):
        found += isinstance(graph.nodes[before[0]], belongs_behind)
        before = graph.before(before[0])
    return found


MEASURES: MappingProxyType[Canonical | type[Normal], Measure] = MappingProxyType(
    {
        Canonical.NODES: nodes,
        Canonical.WEIGHTS: unweighted,
        Canonical.PATHS: copies,
        Normal: normal,
    }
)


def most(graph: Graph) -> int:
    """Rewrites to normal form that `graph`, all paths apart, can take at most."""
    total, wrong = normal(graph)
    return total + wrong + total**2


def lowered(graph: Graph, proposal: Proposal, measure: Measure) -> Graph:
    """`graph` after `proposal`, which must lower `measure`."""
    after = apply(graph, proposal)
    assert measure(after) < measure(graph), (
        f"rule '{proposal.rule}' does not lower the measure of its stage (tests/rewrite_rules/"
        f"measure.py): {measure(graph)}, then {measure(after)}: {proposal.says}. Normalising may "
        "not end; give the kinds weights that it lowers, or another stage to the rule"
    )
    return after
