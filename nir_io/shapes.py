"""Shapes of all nodes, from what each declares and from its neighbours.

Forward first: what leaves a node enters all its readers, also around cycles. Where that
leaves gaps, backward: what enters a node has left all that it reads. A shape that a node
declares is never overruled; where neighbours disagree there is a clash.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from nir_io.drafts import Draft, Pattern, UnfitError, fits, known
from nir_io.graph import Shape
from nir_io.raw import Edge


@dataclass(frozen=True, slots=True)
class Clash:
    """`source` gives what `target` does not take."""

    source: str
    target: str
    given: Pattern
    taken: Pattern


@dataclass(slots=True)
class Shapes:
    """Result of inference; shapes that are not in `ins` or `outs` are unknown."""

    ins: dict[str, Shape] = field(default_factory=dict[str, Shape])
    outs: dict[str, Shape] = field(default_factory=dict[str, Shape])
    clashes: list[Clash] = field(default_factory=list[Clash])
    unfit: dict[str, str] = field(default_factory=dict[str, str])


def infer(drafts: Mapping[str, Draft], edges: Iterable[Edge], most: int) -> Shapes:
    """Shapes of `drafts`; one of more than `most` entries is unfit."""
    return _Inference(drafts, tuple(edges), most).run()


class _Inference:
    def __init__(self, drafts: Mapping[str, Draft], edges: tuple[Edge, ...], most: int) -> None:
        self.drafts = drafts
        self.edges = edges
        self.most = most
        self.found = Shapes()
        self.after: dict[str, list[str]] = {name: [] for name in drafts}
        self.before: dict[str, list[str]] = {name: [] for name in drafts}
        for start, end in edges:
            self.after[start].append(end)
            self.before[end].append(start)
        self.forward: deque[str] = deque()
        self.backward: deque[str] = deque()

    def run(self) -> Shapes:
        for name, draft in self.drafts.items():
            takes, gives = known(draft.takes), known(draft.gives)
            if takes is not None:
                self.enter(name, takes)
            if gives is not None:
                self.leave(name, gives)
        while self.forward or self.backward:
            if self.forward:
                self.spread(self.forward.popleft())
            else:
                self.trace(self.backward.popleft())
        self.found.clashes = list(self.clashes())
        return self.found

    def enter(self, name: str, shape: Shape) -> None:
        """`shape` enters `name`, unless it is known that something else does."""
        if name in self.found.ins or name in self.found.unfit:
            return
        if not fits(self.drafts[name].takes, shape) or not self.bounded(name, shape):
            return
        self.found.ins[name] = shape
        self.backward.append(name)
        if name in self.found.outs:
            return
        try:
            self.leave(name, self.drafts[name].forward(shape))
        except UnfitError as reason:
            self.found.unfit[name] = str(reason)

    def leave(self, name: str, shape: Shape) -> None:
        """`shape` leaves `name`, unless it is known that something else does."""
        if name in self.found.outs or name in self.found.unfit:
            return
        if not fits(self.drafts[name].gives, shape) or not self.bounded(name, shape):
            return
        self.found.outs[name] = shape
        self.forward.append(name)
        self.backward.append(name)

    def spread(self, name: str) -> None:
        """What leaves a node enters its readers."""
        for reader in self.after[name]:
            self.enter(reader, self.found.outs[name])

    def trace(self, name: str) -> None:
        """What leaves a node tells what entered; what enters it left all that it reads."""
        if name not in self.found.ins and name in self.found.outs:
            shape = self.drafts[name].backward(self.found.outs[name])
            if shape is not None:
                self.enter(name, shape)
        if name in self.found.ins:
            for source in self.before[name]:
                self.leave(source, self.found.ins[name])

    def bounded(self, name: str, shape: Shape) -> bool:
        if prod(shape) <= self.most:
            return True
        self.found.unfit[name] = f"a shape of {shape} has more than {self.most} entries, the limit"
        return False

    def clashes(self) -> Iterable[Clash]:
        for start, end in self.edges:
            given = self.found.outs.get(start, self.drafts[start].gives)
            taken = self.found.ins.get(end, self.drafts[end].takes)
            if not fits(given, taken):
                yield Clash(start, end, given, taken)
