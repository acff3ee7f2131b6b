"""A graph laid out in layers, top to bottom, as shapes with coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

WIDE, HIGH = 206, 44  # of a node, in pixels
GAP_X, GAP_Y = 22, 24
THIN = 14  # the width that a passing edge takes in a row
MARGIN = 14
MOST_LAYERS = 24  # more are folded in the middle
MOST_IN_A_ROW = 6
SWEEPS = 4
FOLDED = "folded "  # begins the id of a node that stands for several; no node is called so


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """title, text: its two lines; kind: 'port', 'neuron', 'linear'; says: what hovering tells.

    badge: a short mark; letter, hue: of the population that it belongs to; marks: classes
    that change how it is drawn.
    """

    id: str
    title: str
    text: str
    kind: str
    says: str
    badge: str = ""
    letter: str = ""
    hue: int = 0
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A node and the corner at its top left."""

    node: Node
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """An edge as an SVG path, its arrow as a polygon; back: against the flow."""

    path: str
    arrow: str
    back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What is to be drawn, and the words for those who do not see it."""

    width: float
    height: float
    nodes: tuple[Placed, ...]
    wires: tuple[Wire, ...]
    label: str
    wide: float = WIDE
    high: float = HIGH


Edge = tuple[str, str]


def draw(nodes: Iterable[Node], edges: Iterable[Edge], label: str) -> Drawing:
    """Nodes in layers by their depth; long graphs and wide rows are folded, and say so."""
    found = {node.id: node for node in nodes}
    flow = sorted({(a, b) for a, b in edges if a in found and b in found})
    found, flow = _folded(found, flow)
    back = _back_edges(found, flow)
    forward = [edge for edge in flow if edge not in back]
    layer = _layers(found, forward)
    rows, chains = _rows(layer, forward)
    _untangle(rows, chains)
    return _shapes(found, rows, chains, sorted(back), label)


def _back_edges(nodes: Iterable[str], edges: Sequence[Edge]) -> set[Edge]:
    """Edges that close a cycle, seen from the nodes that nothing precedes, in order."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    entered = {b for _, b in edges}
    for a, b in edges:
        after[a].append(b)
    back: set[Edge] = set()
    state: dict[str, int] = {}
    for root in sorted(after, key=lambda node: (node in entered, node)):
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            node, left = stack[-1]
            following = next(left, None)
            if following is None:
                state[node] = 2
                stack.pop()
            elif state.get(following) == 1:
                back.add((node, following))
            elif following not in state:
                state[following] = 1
                stack.append((following, iter(after[following])))
    return back


def _layers(nodes: Iterable[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way from a node that nothing precedes."""
    before: dict[str, list[str]] = {node: [] for node in nodes}
    after: dict[str, list[str]] = {node: [] for node in before}
    for a, b in edges:
        before[b].append(a)
        after[a].append(b)
    waiting = {node: len(found) for node, found in before.items()}
    ready = sorted(node for node, n in waiting.items() if n == 0)
    layer: dict[str, int] = {}
    while ready:
        node = ready.pop()
        layer[node] = max((layer[a] + 1 for a in before[node]), default=0)
        for b in after[node]:
            waiting[b] -= 1
            if waiting[b] == 0:
                ready.append(b)
    return layer


def _folded(nodes: dict[str, Node], edges: list[Edge]) -> tuple[dict[str, Node], list[Edge]]:
    """The same with the middle of a long graph, and the rest of a wide row, as one node each."""
    layer = _layers(nodes, [e for e in edges if e not in _back_edges(nodes, edges)])
    into: dict[str, str] = {}
    depth = max(layer.values(), default=0) + 1
    keep = MOST_LAYERS // 2
    rows: dict[int, list[str]] = {}
    for name in nodes:
        at = layer[name]
        if depth > MOST_LAYERS and keep <= at < depth - keep:
            into[name] = f"{FOLDED}middle"
        else:
            rows.setdefault(at, []).append(name)
    for at, names in rows.items():
        if len(names) > MOST_IN_A_ROW:
            into |= dict.fromkeys(names[MOST_IN_A_ROW - 1 :], f"{FOLDED}{at}")
    if not into:
        return nodes, edges
    counts: dict[str, int] = {}
    for group in into.values():
        counts[group] = counts.get(group, 0) + 1
    marks = {into[name] for name, node in nodes.items() if name in into and "hit" in node.marks}
    kept = {name: node for name, node in nodes.items() if name not in into}
    for group, n in counts.items():
        kept[group] = Node(
            id=group,
            title=f"{n:,} more nodes",
            text="not drawn",
            kind="port",
            says=f"{n:,} nodes that are not drawn",
            marks=("hit",) if group in marks else (),
        )
    moved = {(into.get(a, a), into.get(b, b)) for a, b in edges}
    return kept, sorted(edge for edge in moved if edge[0] != edge[1] or edge[0] not in counts)


Point = tuple[int, str]  # a place in a row: (layer, node), or the passage of an edge


def _rows(
    layer: Mapping[str, int], edges: Sequence[Edge]
) -> tuple[list[list[Point]], dict[Edge, list[Point]]]:
    """Rows of nodes and passages, and the points of each edge from start to end."""
    rows: list[list[Point]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name, at in layer.items():
        rows[at].append((at, name))
    chains: dict[Edge, list[Point]] = {}
    for a, b in edges:
        chain: list[Point] = [(layer[a], a)]
        for at in range(layer[a] + 1, layer[b]):
            point = (at, f"{FOLDED}{a}\n{b}")
            rows[at].append(point)
            chain.append(point)
        chains[a, b] = [*chain, (layer[b], b)]
    return rows, chains


def _untangle(rows: list[list[Point]], chains: Mapping[Edge, list[Point]]) -> None:
    """Order each row by the mean place of its neighbours, down and up again."""
    above: dict[Point, list[Point]] = {}
    below: dict[Point, list[Point]] = {}
    for chain in chains.values():
        for a, b in pairwise(chain):
            below.setdefault(a, []).append(b)
            above.setdefault(b, []).append(a)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        near = above if down else below
        place = {point: i for row in rows for i, point in enumerate(row)}
        for row in rows if down else reversed(rows):
            means = {
                point: sum(place[q] for q in near[point]) / len(near[point])
                if point in near
                else float(place[point])
                for point in row
            }
            row.sort(key=lambda point: (means[point], point))
            place |= {point: i for i, point in enumerate(row)}


@dataclass(slots=True)
class _Sheet:
    """Centres of points; `right`: the edge of the drawing so far."""

    x: dict[Point, float] = field(default_factory=dict[Point, float])
    width: float = 0.0


def _shapes(
    nodes: Mapping[str, Node],
    rows: list[list[Point]],
    chains: Mapping[Edge, list[Point]],
    back: Sequence[Edge],
    label: str,
) -> Drawing:
    sheet = _spread(nodes, rows)
    spare = 34.0 if back else 0.0  # what goes back swings out at the right
    at = {name: (sheet.x[p], p[0]) for row in rows for p in row for name in [p[1]] if name in nodes}
    placed = [
        Placed(node=nodes[name], x=round(x - WIDE / 2, 1), y=_top(layer))
        for name, (x, layer) in at.items()
    ]
    wires = [_down([(sheet.x[p], p) for p in chain]) for chain in chains.values()]
    wires += [_up(*at[a], *at[b]) for a, b in back]
    return Drawing(
        width=round(sheet.width + spare, 1),
        height=_top(len(rows) - 1) + HIGH + MARGIN,
        nodes=tuple(sorted(placed, key=lambda p: (p.y, p.x))),
        wires=tuple(wires),
        label=label,
    )


def _spread(nodes: Mapping[str, Node], rows: list[list[Point]]) -> _Sheet:
    """Every row centred over the widest."""

    def wide(point: Point) -> int:
        return WIDE if point[1] in nodes else THIN

    widths = [sum(map(wide, row)) + GAP_X * (len(row) - 1) for row in rows]
    sheet = _Sheet(width=max(widths, default=0) + 2 * MARGIN)
    for row, width in zip(rows, widths, strict=True):
        x = (sheet.width - width) / 2
        for point in row:
            sheet.x[point] = x + wide(point) / 2
            x += wide(point) + GAP_X
    return sheet


def _top(layer: int) -> float:
    return MARGIN + layer * (HIGH + GAP_Y)


def _down(points: list[tuple[float, Point]]) -> Wire:
    """From the bottom of the first point through the passages to the top of the last."""
    x, (layer, _) = points[0]
    y = _top(layer) + HIGH
    path = [f"M{x:.1f} {y:.1f}"]
    for i, (to_x, (to_layer, _)) in enumerate(points[1:], 2):
        to_y = _top(to_layer)
        bend = (to_y - y) / 2
        path.append(f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
        if i < len(points):  # straight past the nodes of this row
            y += HIGH
            path.append(f"L{x:.1f} {y:.1f}")
    arrow = f"{x:.1f},{y:.1f} {x - 4:.1f},{y - 8:.1f} {x + 4:.1f},{y - 8:.1f}"
    return Wire(path="".join(path), arrow=arrow, back=False)


def _up(x: float, layer: int, to_x: float, to_layer: int) -> Wire:
    """Out at the right of one node and in at the right of another, or of itself."""
    right, to_right = x + WIDE / 2, to_x + WIDE / 2
    y, to_y = _top(layer) + HIGH * 0.7, _top(to_layer) + HIGH * 0.3
    out = max(right, to_right) + 30
    path = f"M{right:.1f} {y:.1f}C{out:.1f} {y:.1f} {out:.1f} {to_y:.1f} {to_right:.1f} {to_y:.1f}"
    x, y = to_right, to_y
    arrow = f"{x:.1f},{y:.1f} {x + 8:.1f},{y - 4:.1f} {x + 8:.1f},{y + 4:.1f}"
    return Wire(path=path, arrow=arrow, back=True)
