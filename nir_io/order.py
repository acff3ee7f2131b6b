"""In which order a step visits the nodes, and which edges carry the previous step.

NIR is continuous in time and says nothing of order. The rule here is the one that the
reference outputs of the NIR paper's networks follow: an edge that leaves a neuron and lies
on a cycle carries what that neuron sent in the previous step; every other edge is felt in
the same step.
"""

# networkx' cycles are typed in part
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from weakref import WeakKeyDictionary

from nir_io.errors import BadInput
from nir_io.graph import Graph, Neuron

Edge = tuple[str, str]
Groups = tuple[tuple[str, ...], ...]

_groups: WeakKeyDictionary[Graph, Groups] = WeakKeyDictionary()
_late: WeakKeyDictionary[Graph, frozenset[Edge]] = WeakKeyDictionary()


def groups(graph: Graph) -> Groups:
    """Strongly connected components, sources first, each in the order of one step.

    A component of several nodes (or one with an edge to itself) is a recurrent loop. Raises
    BadInput where a cycle holds no neuron: nothing would say when its values arrive.
    """
    if graph not in _groups:
        _groups[graph] = _sorted_groups(graph)
    return _groups[graph]


def late_edges(graph: Graph) -> frozenset[Edge]:
    """Edges that carry the previous step: out of a neuron, on a cycle. Raises as `groups`."""
    if graph not in _late:
        where = {name: i for i, names in enumerate(groups(graph)) for name in names}
        _late[graph] = frozenset(
            (a, b)
            for a, b in graph.edges
            if isinstance(graph.nodes[a], Neuron) and where[a] == where[b]
        )
    return _late[graph]


def _sorted_groups(graph: Graph) -> Groups:
    import networkx as nx

    flow: nx.DiGraph[str] = nx.DiGraph()
    flow.add_nodes_from(graph.nodes)
    flow.add_edges_from(graph.edges)
    whole = nx.condensation(flow)
    members = {i: sorted(whole.nodes[i]["members"]) for i in whole}
    found: list[tuple[str, ...]] = []
    stuck: list[str] = []
    first = {i: names[0] for i, names in members.items()}
    for i in nx.lexicographical_topological_sort(whole, key=first.__getitem__):
        alone = first[i]
        if len(members[i]) == 1 and (
            alone not in graph.after(alone) or isinstance(graph.nodes[alone], Neuron)
        ):
            found.append((alone,))
            continue
        prompt: nx.DiGraph[str] = nx.DiGraph()
        prompt.add_nodes_from(members[i])
        within = flow.subgraph(members[i]).edges
        prompt.add_edges_from(e for e in within if not isinstance(graph.nodes[e[0]], Neuron))
        if nx.is_directed_acyclic_graph(prompt):
            found.append(tuple(nx.lexicographical_topological_sort(prompt)))
            continue
        names = " -> ".join(f"'{a}'" for a, _ in sorted(nx.find_cycle(prompt)))
        stuck.append(f"cycle without a neuron: {names}; put a neuron on it, or remove an edge")
    if stuck:
        raise BadInput(stuck)
    return tuple(found)
