"""Known defects of exporters that show as shapes that do not agree.

Batch or time dimensions: some exporters leave the leading axes of the sample that they
traced on Inputs, Outputs, Flatten and even neuron parameters. Boundary of a nested
graph: its Input declares the size of the outer network's input. Parameters that a framework
broadcasts: one value for a layer, or one a channel of a map.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from nir_io.drafts import Draft, Flat, Pattern, Same, UnfitError, fits, known
from nir_io.graph import Shape
from nir_io.raw import Edge, Report
from nir_io.shapes import Clash, Shapes, infer

ROUNDS = 20  # a repair may uncover the next one; chains of defects are short


def inferred(
    drafts: dict[str, Draft],
    edges: tuple[Edge, ...],
    junctions: frozenset[str],
    most: int,
    report: Report,
) -> Shapes:
    """Shapes of `drafts`, in which known defects are mended in place and reported."""
    shapes = infer(drafts, edges, most)
    for _ in range(ROUNDS):
        mended: set[str] = set()
        for clash in sorted(shapes.clashes, key=lambda clash: not _declares(drafts[clash.target])):
            for name, other in ((clash.source, clash.taken), (clash.target, clash.given)):
                if mended & {clash.source, clash.target}:
                    break
                better = _better(drafts[name], other, clash, shapes, junctions, report)
                if better is not None:
                    drafts[name] = better
                    mended.add(name)
        if not mended:
            break
        shapes = infer(drafts, edges, most)
    return shapes


def _declares(draft: Draft) -> bool:
    """Whether it is a Flatten with a shape of its own; that is compared before what follows."""
    return isinstance(draft, Flat) and draft.shape is not None


def _better(
    draft: Draft,
    other: Pattern,
    clash: Clash,
    shapes: Shapes,
    junctions: frozenset[str],
    report: Report,
) -> Draft | None:
    """`draft` without its defect, if it has a known one."""
    reading = draft.name == clash.source
    neighbour = clash.target if reading else clash.source
    if isinstance(draft, Flat):
        return _flat(draft, clash, shapes, report)
    if not isinstance(draft, Same) or draft.shape is None or other is None:
        return None
    extra = len(draft.shape) - len(other)
    verb = "takes" if reading else "gives"
    if draft.name in junctions:
        report.mend(
            draft.where,
            f"the {draft.kind} of a nested graph declares {draft.shape}, but '{neighbour}' {verb} "
            f"{shown(other)}",
            "takes the shape from around it",
        )
        return replace(draft, shape=None)
    if not reading and _stands_for(draft, known(other)):
        report.mend(
            draft.where,
            f"its parameters of shape {draft.shape} are fewer than the {shown(other)} that "
            f"'{neighbour}' {verb}",
            "takes each of them for all values along the sides of 1, as the framework does",
        )
        return replace(draft, shape=None)
    if not reading and draft.kind == "Output" and _is_one(draft, known(other)):
        report.mend(
            f"{draft.where}/shape",
            f"{draft.shape} is one value, but '{neighbour}' {verb} {shown(other)}",
            "takes the shape of what arrives",
        )
        return replace(draft, shape=None)
    if extra < 1 or not fits(draft.shape[extra:], other):
        return None
    if not draft.arrays:
        report.mend(
            f"{draft.where}/shape",
            f"{draft.shape} has {extra} more dimension{'s' if extra > 1 else ''} than "
            f"{shown(other)}, which '{neighbour}' {verb}",
            f"drops the batch or time dimension: {draft.shape[extra:]}",
        )
        return replace(draft, shape=draft.shape[extra:])
    if prod(draft.shape[:extra]) != 1:
        return None
    report.mend(
        draft.where,
        f"its parameters of shape {draft.shape} hold a batch dimension: '{neighbour}' {verb} "
        f"{shown(other)}",
        f"drops it: {draft.shape[extra:]}",
    )
    arrays = {
        name: array.reshape(draft.shape[extra:]) if array.shape else array
        for name, array in draft.arrays.items()
    }
    return replace(draft, arrays=arrays, shape=draft.shape[extra:])


def _is_one(draft: Same, given: Shape | None) -> bool:
    """Whether an Output declares one value where more arrive, as behind such parameters."""
    return given is not None and draft.shape is not None and prod(draft.shape) == 1 < prod(given)


def _stands_for(draft: Same, given: Shape | None) -> bool:
    """Whether parameters are one value for all, or one along a side: (1,), (channels, 1, 1)."""
    if given is None or draft.shape is None or not draft.arrays or draft.shape == given:
        return False
    if prod(draft.shape) == 1:
        return prod(given) > 1
    return len(draft.shape) == len(given) and all(
        own in (1, side) for own, side in zip(draft.shape, given, strict=True)
    )


def _flat(draft: Flat, clash: Clash, shapes: Shapes, report: Report) -> Draft | None:
    """A Flatten whose dimensions, and perhaps shape, count a batch dimension."""
    start = draft.start_dim - 1 if draft.start_dim > 0 else draft.start_dim
    end = draft.end_dim - 1 if draft.end_dim > 0 else draft.end_dim
    better = replace(draft, start_dim=start, end_dim=end)
    if clash.target == draft.name:
        if draft.shape is None or clash.given is None or not fits(draft.shape[1:], clash.given):
            return None
        better = replace(better, shape=draft.shape[1:])
        found = (
            f"input_type {draft.shape} holds a batch dimension: '{clash.source}' gives "
            f"{shown(clash.given)}"
        )
    else:
        shape = shapes.ins.get(draft.name)
        if shape is None or not fits(_out(better, shape), clash.taken):
            return None
        found = (
            f"flattens {shape} from dimension {draft.start_dim} to {shown(clash.given)}, but "
            f"'{clash.target}' takes {shown(clash.taken)}"
        )
    report.mend(draft.where, found, f"counts dimensions without a batch: {start} to {end}")
    return better


def _out(draft: Flat, shape: Shape) -> Pattern:
    try:
        return draft.forward(shape)
    except UnfitError:
        return ()


def shown(pattern: Pattern) -> str:
    """A shape as text, with `?` for an open side."""
    if pattern is None:
        return "any shape"
    sides = ", ".join("?" if side is None else str(side) for side in pattern)
    return f"({sides},)" if len(pattern) == 1 else f"({sides})"
