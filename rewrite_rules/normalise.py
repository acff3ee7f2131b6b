"""Bring the linear part of a network into normal form, by exact rules only.

Afterwards every node without a state lies on exactly one path from an Input or neuron to a
neuron or Output, and each such path reads

    [Delay] [SumPool2d, kernel = stride, no padding] [Flatten] [Scale | Linear | Affine | Conv2d]

with each part there or not, but weights always in front of a neuron. Convolutions have no
groups. What the direct rules cannot bring there is written out as a matrix; what is too
large for that, or has no exact form, stays: `refusals` says why.

Which rules those are, the rules say: `Canonical` and `Normal` in their `stages`. Rules are
applied in waves: all that propose at nodes which do not touch each other, at once. After a
wave only the surroundings of what changed are looked at again, so the work grows with the
number of nodes, not with its square.

It ends. A copy of a node stands for fewer of the paths through it, so that there are fewer
copies than paths through all nodes. Then every rule lowers a measure of its path: the sum of
weights of its nodes (a SumPool2d, say, weighs more than a convolution, that more than a Flatten
and an Affine), or, where that stays, the number of pairs of nodes in the wrong order. Paths of
a sum W take at most W + 2 W^2 rewrites; tests/rewrite_rules/measure.py has the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nir_io.graph import Conv2d, Delay, Flatten, Graph, Input, Neuron, Node, SumPool2d
from nir_io.order import groups
from rewrite_rules import rules_of
from rewrite_rules.linear_nodes import LINEAR, WEIGHTS, is_sum_pool
from rewrite_rules.remove_unreachable import unneeded
from rewrite_rules.rule import Proposal, Refusal, Rule, apply
from rewrite_rules.stage import Canonical, Normal, Stage
from rewrite_rules.target import Target

MOST_COPIES = 4096  # of one node, one for each path that it lies on

Path = tuple[Node, ...]


def normalise(graph: Graph, target: Target) -> tuple[Graph, tuple[Proposal, ...]]:
    """The normal form of `graph`, and the proposals that led there, in order.

    Some paths may have none: `refusals` says which, and why. Raises BadInput for a cycle
    without a neuron.
    """
    groups(graph)
    done: list[Proposal] = []
    lost = unneeded(graph)
    if lost:
        graph = _settle(graph, Canonical.NODES, [min(lost)], target, done)
    graph = _settle(graph, Canonical.WEIGHTS, _ends(graph), target, done)
    tangled = _tangled(graph)
    split = [name for name in _linear(graph) if name not in tangled]
    graph = _settle(graph, Canonical.PATHS, split, target, done)
    graph = _settle(graph, Normal.ANYWHERE, _linear(graph), target, done)
    while wave := _wave(graph, target)[0]:
        before = graph
        graph = apply(graph, *wave)
        done += wave
        changed = [n for n, node in graph.nodes.items() if node is not before.nodes.get(n)]
        graph = _settle(graph, Normal.ANYWHERE, _around(graph, changed), target, done)
    graph = _settle(graph, Canonical.WEIGHTS, _ends(graph), target, done)
    # with weights behind them, empty nodes of paths side by side can be told apart and dropped
    empty = [node.name for node in graph.of_kind(Delay, Flatten)]
    return _settle(graph, Normal.ANYWHERE, empty, target, done), tuple(done)


def refusals(graph: Graph, target: Target) -> tuple[Refusal, ...]:
    """Why paths of a normalised graph are not in normal form, by node; empty if all are."""
    tangled = [_too_many(name, paths) for name, paths in sorted(_tangled(graph).items())]
    return (*tangled, *_wave(graph, target)[1])


def _wave(graph: Graph, target: Target) -> tuple[list[Proposal], list[Refusal]]:
    """What helps the paths that are not in normal form, one proposal each; and what does not."""
    wave: list[Proposal] = []
    refused: list[Refusal] = []
    for path in _paths(graph):
        for rule, at in _remedies(path):
            answer = rule.propose(graph, at, target)
            if isinstance(answer, Proposal):
                wave.append(answer)
                break
            if isinstance(answer, Refusal):
                refused.append(answer)
    return wave, refused


def _settle(
    graph: Graph, stage: Stage, start: Iterable[str], target: Target, done: list[Proposal]
) -> Graph:
    """`graph` after the rules of `stage` have nothing more to propose at `start` and around."""
    rules = rules_of(stage)
    waiting = set(start)
    while waiting:
        wave: list[Proposal] = []
        gone: set[str] = set()
        touched: set[str] = set()
        made: set[tuple[str, str]] = set()
        later: set[str] = set()
        for at in sorted(waiting & graph.nodes.keys()):
            for one in rules:
                answer = one.propose(graph, at, target)
                if not isinstance(answer, Proposal):
                    continue
                own = set(answer.instead_of)
                near = own | _touched(graph, answer) | {node.name for node in answer.use}
                joined = _joined(graph, answer)
                if own & touched or near & gone or joined & made:
                    later.add(at)
                else:
                    wave.append(answer)
                    gone |= own
                    gone.update(n.name for n in answer.use if n.name not in graph.nodes)
                    touched |= near
                    made |= joined
                break
        if not wave:
            break
        graph = apply(graph, *wave)
        done += wave
        new = {node.name for proposal in wave for node in proposal.use}
        waiting = later | _around(graph, new | (touched & graph.nodes.keys()))
    return graph


def _joined(graph: Graph, proposal: Proposal) -> set[tuple[str, str]]:
    """The edges between nodes that stay which a proposal without new nodes makes."""
    if proposal.use or proposal.edges is not None:
        return set()
    heads = graph.before(proposal.instead_of[0])
    return {(a, b) for a in heads for b in graph.after(proposal.instead_of[-1])}


def _around(graph: Graph, names: Iterable[str]) -> set[str]:
    """`names` and the linear nodes that look at them: rules look at most two nodes away."""
    found = set(names)
    for _ in range(2):
        linear = [name for name in found if isinstance(graph.nodes[name], LINEAR)]
        found.update(n for name in linear for n in (*graph.before(name), *graph.after(name)))
    return found


def _touched(graph: Graph, proposal: Proposal) -> set[str]:
    """The nodes that stay and to which a proposal's edges lead."""
    found = {name for edge in (*(proposal.edges or ()), *proposal.cut) for name in edge}
    for name in proposal.instead_of:
        found.update(graph.before(name), graph.after(name))
    return found


def _linear(graph: Graph) -> list[str]:
    return [node.name for node in graph.of_kind(*LINEAR)]


def _ends(graph: Graph) -> list[str]:
    """Nodes at which a path without weights may end."""
    return [node.name for node in graph.of_kind(Input, Neuron, Delay, SumPool2d, Flatten)]


def _paths(graph: Graph) -> Iterator[Path]:
    """The linear nodes between two others, source to target, of every path without a fork."""
    for source in graph.of_kind(Input, Neuron):
        for name in graph.after(source.name):
            path: list[Node] = []
            while isinstance(graph.nodes[name], LINEAR) and len(graph.before(name)) == 1:
                path.append(graph.nodes[name])
                if len(graph.after(name)) != 1:
                    break
                name = graph.after(name)[0]
            if path:
                yield tuple(path)


def _remedies(path: Path) -> list[tuple[Rule, str]]:
    """Rules to try, and where, at the first node that is out of place; none if none is."""
    stage, places = _out_of_place(path)
    return [(rule, node.name) for rule in rules_of(*stage) for node in places]


def _out_of_place(path: Path) -> tuple[tuple[Normal, ...], tuple[Node, ...]]:
    """What is wrong with the first node that is out of place, and where to look; () if none is."""
    last = -1
    for i, node in enumerate(path):
        rank = _rank(node)
        if rank > last:
            last = rank
            continue
        before = path[i - 1]
        if is_sum_pool(node):
            return (Normal.POOL,), (node,)
        if isinstance(node, Conv2d) and node.groups > 1:
            return (Normal.GROUPS,), (node,)
        if isinstance(node, Delay):
            return (Normal.DELAY,), (node,)
        convs = tuple(n for n in (before, node) if isinstance(n, Conv2d))
        return ((Normal.CONVOLUTION,), convs) if convs else ((Normal.MATRIX,), (before,))
    return (), ()


def _rank(node: Node) -> int:
    """The place of a node in the normal form, -1 for one that has none."""
    match node:
        case Delay():
            return 0
        case SumPool2d():
            plain = node.kernel_size == node.stride and not any(node.padding)
            return 1 if plain and is_sum_pool(node) else -1
        case Flatten():
            return 2
        case Conv2d():
            return 3 if node.groups == 1 else -1
        case _:
            return 3 if isinstance(node, WEIGHTS) else -1


def _tangled(graph: Graph) -> dict[str, int]:
    """Nodes not to be split: of a part where some node lies on too many paths, with its paths."""
    import networkx as nx

    names = _linear(graph)
    inside = set(names)
    if not any(len(graph.before(n)) > 1 or len(graph.after(n)) > 1 for n in names):
        return {}
    flow: nx.DiGraph[str] = nx.DiGraph()
    flow.add_nodes_from(names)
    flow.add_edges_from((a, b) for a, b in graph.edges if a in inside and b in inside)
    order = list(nx.lexicographical_topological_sort(flow))
    into: dict[str, int] = {}
    out: dict[str, int] = {}
    for name in order:
        into[name] = sum(into.get(a, 1) for a in graph.before(name))
    for name in reversed(order):
        out[name] = sum(out.get(b, 1) for b in graph.after(name))
    found: dict[str, int] = {}
    for part in nx.weakly_connected_components(flow):
        most = max(into[name] * out[name] for name in part)
        if most > MOST_COPIES:
            found |= {name: most for name in part}
    return found


def _too_many(at: str, paths: int) -> Refusal:
    return Refusal(
        rules_of(Canonical.PATHS)[0].name,
        at,
        f"'{at}' is part of a net of linear nodes with {paths} paths through one of them; at most "
        f"{MOST_COPIES} copies of a node are made",
    )
