"""Plots as shapes with coordinates, for pages and for SVG files: bars, spikes, traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mapper.emulate.manifest import IntervalRow
from mapper.report.page import safe

WIDE = 760  # pixels
LEFT, RIGHT = 190, 150  # beside the bars
ROW = 30
SPIKE = 5  # pixels a neuron in a plot of spikes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rect:
    """A box of the class `kind`."""

    x: float
    y: float
    w: float
    h: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A polyline: points as SVG has them."""

    points: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A text; anchor: start, middle or end."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Shapes in order, and the words for those who do not see them."""

    width: float
    height: float
    title: str
    rects: tuple[Rect, ...] = ()
    lines: tuple[Line, ...] = ()
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A share up to a cause, and what that changed: None for the first."""

    name: str
    kept: IntervalRow
    change: IntervalRow | None


def waterfall(bars: Sequence[Bar], key: str) -> Plot:
    """From the ideal network's share, cause by cause, to that of what ran.

    key: what is shared, 'accuracy' or 'agreement'. A bar spans the change; a whisker the
    interval of it.
    """
    ends = [bar.kept["value"] for bar in bars]
    changes = [bar.change for bar in bars]
    spans = [
        ends[i - 1] + side
        for i, change in enumerate(changes)
        if change is not None
        for side in (change["low"], change["high"])
    ]
    low, high = _round_span(min([*ends, *spans]), max([*ends, *spans]))
    room = WIDE - LEFT - RIGHT

    def at(value: float) -> float:
        return round(LEFT + room * (value - low) / (high - low), 1)

    rects: list[Rect] = []
    lines: list[Line] = []
    labels: list[Label] = []
    bottom = 30 + ROW * len(bars)
    for tick in range(6):
        value = low + (high - low) * tick / 5
        x = at(value)
        lines.append(Line(points=f"{x},24 {x},{bottom}", kind="grid"))
        labels.append(Label(x=x, y=16, text=f"{100 * value:.4g} %", anchor="middle", kind="soft"))
    for i, bar in enumerate(bars):
        change = bar.change
        y = 30 + ROW * i
        before = low if change is None else ends[i - 1]
        kind = "whole" if change is None else "gain" if ends[i] >= before else "loss"
        left, right = sorted((at(before), at(ends[i])))
        rects.append(Rect(x=left, y=y + 5, w=max(right - left, 1.5), h=ROW - 12, kind=kind))
        labels.append(Label(x=LEFT - 10, y=y + 18, text=bar.name, anchor="end"))
        said = f"{100 * bar.kept['value']:.1f} %"
        if change is not None:
            middle = y + 5 + (ROW - 12) / 2
            reach = (before + change["low"], before + change["high"])
            ends_at = tuple(at(min(max(value, low), high)) for value in reach)
            lines.append(
                Line(points=f"{ends_at[0]},{middle} {ends_at[1]},{middle}", kind="whisker")
            )
            said = f"{100 * change['value']:+.1f} to {said}" if change["value"] else said
        labels.append(Label(x=WIDE - RIGHT + 12, y=y + 18, text=said))
    return Plot(
        width=WIDE,
        height=bottom + 6,
        title=f"{key} by cause: "
        + ", ".join(f"{bar.name} {100 * bar.kept['value']:.1f} %" for bar in bars),
        rects=tuple(rects),
        lines=tuple(lines),
        labels=tuple(labels),
    )


def _round_span(low: float, high: float) -> tuple[float, float]:
    """Ends that are whole hundredths, with room, within 0 and 1."""
    step = 0.01 if high - low < 0.08 else 0.05
    low = max(0.0, (low // step) * step)
    high = min(1.0, -((-high) // step) * step)
    return (low, high) if high > low else (max(0.0, low - step), min(1.0, low + step))


def spikes(population: str, ideal: Sequence[Sequence[int]], ran: Sequence[Sequence[int]]) -> Plot:
    """Spikes of a population in one sample: the ideal above, what ran below; (step, neuron)."""
    steps, neurons = len(ran), len(ran[0]) if ran else 0
    room = WIDE - LEFT - 20
    high = SPIKE * max(neurons, 1)
    rects: list[Rect] = []
    labels: list[Label] = []
    for i, (name, rows) in enumerate((("ideal network", ideal), ("what ran", ran))):
        top = 10 + i * (high + 26)
        rects.append(Rect(x=LEFT, y=top, w=room, h=high, kind="frame"))
        labels.append(Label(x=LEFT - 10, y=top + min(high, 14), text=name, anchor="end"))
        for step, row in enumerate(rows):
            for neuron, fired in enumerate(row):
                if fired:
                    x = round(LEFT + room * step / max(steps, 1), 1)
                    width = round(max(room / max(steps, 1) * 0.8, 1.2), 1)
                    at = top + SPIKE * neuron + 0.5
                    rects.append(Rect(x=x, y=at, w=width, h=SPIKE - 1, kind=f"spike{i}"))
        labels.append(
            Label(x=LEFT + room, y=top + high + 14, text=f"step {steps}", anchor="end", kind="soft")
        )
    return Plot(
        width=WIDE,
        height=2 * (high + 26) + 12,
        title=f"Spikes of {safe(population)} in the first sample",
        rects=tuple(rects),
        labels=tuple(labels),
    )


def curves(
    title: str,
    series: Sequence[tuple[str, Sequence[float], str]],
    *,
    unit: str,
    height: float = 180,
    level: float | None = None,
    along: str = "step",
) -> Plot:
    """Curves over the same steps: (name, values, kind of line); `level`: a line across.

    along: what is counted from left to right.
    """
    values = [v for _, found, _ in series for v in found] + ([] if level is None else [level])
    low, high = min(values), max(values)
    high = high if high > low else low + 1.0
    steps = max(len(found) for _, found, _ in series)
    room, tall = WIDE - LEFT - 20, height - 40

    def point(i: int, v: float) -> str:
        x = LEFT + room * i / max(steps - 1, 1)
        return f"{x:.1f},{12 + tall * (1 - (v - low) / (high - low)):.1f}"

    lines = [
        Line(points=" ".join(point(i, v) for i, v in enumerate(found)), kind=kind)
        for _, found, kind in series
    ]
    labels = [
        Label(x=LEFT - 8, y=18, text=f"{high:.3g} {unit}", anchor="end", kind="soft"),
        Label(x=LEFT - 8, y=12 + tall, text=f"{low:.3g} {unit}", anchor="end", kind="soft"),
        Label(x=LEFT + room, y=height - 12, text=f"{along} {steps}", anchor="end", kind="soft"),
    ]
    if level is not None:
        lines.append(Line(points=f"{point(0, level)} {point(steps - 1, level)}", kind="grid"))
    labels += [
        Label(x=4, y=40 + 16 * i, text=name, kind=kind) for i, (name, _, kind) in enumerate(series)
    ]
    return Plot(width=WIDE, height=height, title=title, lines=tuple(lines), labels=tuple(labels))
