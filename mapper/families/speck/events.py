"""One core's queue of events, fast: the k-th event of every sample at once.

Within an event each neuron is touched once, and samples do not meet; so a batch of one
event per sample has no conflicts. What an event touches is a window of the map: its place
and weights are looked up in tables. The map has margins, so that windows at its edge are
as large as elsewhere; neurons out there live and fire, and their spikes are dropped.
"""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from nir_io.arrays import AnyArray as Array

Sweep = Literal["pixel", "channel", "random"]
CELLS = 2**20  # states of one chunk of samples: 4 MB


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Which outputs an input coordinate reaches, along one axis.

    start (in,): the first output of the window, counted from the margin's edge.
    kind (in,): which row of `tap` holds for it.
    tap (kinds, window): the kernel's index for each output of the window, -1 for none.
    before: outputs in the margin ahead of the map; total: all of them; out: real ones.
    """

    start: Array
    kind: Array
    tap: Array
    before: int
    total: int
    out: int

    @staticmethod
    def of(size: int, out: int, kernel: int, stride: int, padding: int) -> Axis:
        """The window of `kernel` / `stride` outputs, or the whole axis where that is less."""
        at = np.arange(size)
        window = -(-kernel // stride)
        if out <= window:
            tap = at[:, None] + padding - np.arange(out) * stride
            tap = np.where((tap >= 0) & (tap < kernel), tap, -1)
            return Axis(np.zeros_like(at), at, tap, 0, out, out)
        last = (at + padding) // stride
        before = max(0, window - 1 - int(last.min()))
        total = max(int(last.max()) + 1, out) + before
        taps = np.arange(stride)[:, None] + np.arange(window)[::-1] * stride
        tap = np.where(taps < kernel, taps, -1)
        return Axis(last - window + 1 + before, (at + padding) % stride, tap, before, total, out)

    @property
    def window(self) -> int:
        """Outputs in a window."""
        return self.tap.shape[1]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Field:
    """A core's layer for `fire`. kernel: (out, in, ky, kx); bias (out,); initial (out, y, x)."""

    kernel: Array
    rows: Axis
    columns: Axis
    threshold: int
    lower: int
    subtract: bool
    bias: Array | None
    initial: Array | None

    @property
    def features(self) -> int:
        """Output channels."""
        return self.kernel.shape[0]

    @property
    def cells(self) -> int:
        """Neurons of a sample with those in the margins."""
        return self.rows.total * self.columns.total * self.features

    def weights(self) -> Array:
        """(in, row kind, column kind; window): what the neurons of a window get."""
        padded = np.pad(self.kernel.astype(np.int32), ((0, 0), (0, 0), (0, 1), (0, 1)))
        taken = padded[:, :, self.rows.tap[:, :, None, None], self.columns.tap]
        # (out, in, row kind, row, column kind, column) to window order (row, column, out).
        ordered = taken.transpose(1, 2, 4, 3, 5, 0)
        return np.ascontiguousarray(ordered).reshape(np.prod(ordered.shape[:3]), -1)

    def touched(self) -> Array | None:
        """As `weights`, True where the kernel reaches; None where that makes no difference.

        A neuron that an event does not reach must not fire. It cannot, if a neuron always
        ends an event below its threshold.
        """
        rows, columns = self.rows.tap >= 0, self.columns.tap >= 0
        calm = not self.subtract or int(self.kernel.max(initial=0)) <= self.threshold
        low = self.initial is None or int(self.initial.max()) < self.threshold
        if (calm and low and self.bias is None) or (rows.all() and columns.all()):
            return None
        both = rows[:, None, :, None] & columns[None, :, None, :]
        spread = np.broadcast_to(
            both[None, ..., None], (self.kernel.shape[1], *both.shape, self.features)
        )
        return np.ascontiguousarray(spread).reshape(-1, spread[0, 0, 0].size)

    def window(self) -> Array:
        """The places of a window's neurons, relative to its first: (window,)."""
        row = np.arange(self.rows.window)[:, None, None] * self.columns.total
        column = np.arange(self.columns.window)[None, :, None]
        return ((row + column) * self.features + np.arange(self.features)).reshape(-1)

    def lookups(self) -> tuple[Array, Array]:
        """For each place of an event: its row of `weights`, and the first of its window."""
        channel = np.arange(self.kernel.shape[1])[:, None, None]
        kinds = len(self.rows.tap), len(self.columns.tap)
        row = (channel * kinds[0] + self.rows.kind[:, None]) * kinds[1] + self.columns.kind
        corner = (
            self.rows.start[:, None] * self.columns.total + self.columns.start
        ) * self.features
        return row.reshape(-1), np.broadcast_to(corner, row.shape).reshape(-1)

    def places(self) -> Array:
        """For each cell its place over (out, y, x); -1 in the margins."""
        rows, columns = self.rows, self.columns
        full = np.full((rows.total, columns.total, self.features), -1)
        inner = full[
            rows.before : rows.before + rows.out, columns.before : columns.before + columns.out
        ]
        numbers = np.arange(inner.size).reshape(self.features, rows.out, columns.out)
        inner[:] = numbers.transpose(1, 2, 0)
        return full.reshape(-1)

    def rest(self) -> Array:
        """The initial states (cells,)."""
        full = np.zeros((self.rows.total, self.columns.total, self.features), np.int32)
        if self.initial is not None:
            top, left = self.rows.before, self.columns.before
            inner = full[top : top + self.rows.out, left : left + self.columns.out]
            inner[:] = self.initial.transpose(1, 2, 0)
        return full.reshape(-1)


def fire(
    field: Field,
    sample: Array,
    step: Array,
    place: Array,
    *,
    samples: int,
    tick_every: int | None,
    sweep: Sweep,
    draw: np.random.Generator,
) -> tuple[Array, Array]:
    """Feed a queue of events to a core.

    sample, step, place: (event,), sorted by sample; place is flat over (in, y, x).
    Returns for each spike the number of the event that caused it, in the order of the
    queue, and its place, flat over (out, y, x).
    """
    weights, touched, rank = field.weights(), field.touched(), _ranks(field, sweep, draw)
    chunk = max(1, CELLS // field.cells)
    edges = np.searchsorted(sample, np.arange(0, samples + chunk, chunk))
    ticking = tick_every is not None and field.bias is not None
    causes: list[Array] = []
    places: list[Array] = []
    for number, low in enumerate(edges[:-1]):
        part = slice(low, edges[number + 1])
        if part.start == part.stop:
            continue
        queue = _Queue(field, sample[part] - number * chunk, step[part], place[part], tick_every)
        hits = _loop(field, queue, weights, touched, ticking)
        cause, where = queue.decode(hits, rank)
        causes.append(cause + low)
        places.append(where)
    none = np.zeros(0, np.int64)
    return np.concatenate([none, *causes]), np.concatenate([none, *places])


def _ranks(field: Field, sweep: Sweep, draw: np.random.Generator) -> Array | None:
    """The position of each neuron of a window in the order of the sweep; None: as stored."""
    size = field.rows.window * field.columns.window * field.features
    if sweep == "pixel":
        return None
    if sweep == "random":
        return draw.permutation(size)
    pixels = field.rows.window * field.columns.window
    return np.arange(size).reshape(field.features, pixels).T.reshape(-1)


class _Queue:
    """Events in the order in which they are computed: by tick, number in sample, sample."""

    def __init__(
        self, field: Field, sample: Array, step: Array, place: Array, tick_every: int | None
    ) -> None:
        self.field = field
        many = np.bincount(sample)
        # Samples with many events first: those still busy are then the first lanes.
        lane_of = np.empty(len(many), np.int64)
        lane_of[np.argsort(-many, kind="stable")] = np.arange(len(many))
        self.lanes = len(many)
        lane = lane_of[sample]
        number = np.arange(len(sample))
        first = np.cumsum(many) - many
        turn = number - first[sample]
        if tick_every is None:
            # The k-th batch holds the k-th event of the samples that have one, by lane.
            busy = np.searchsorted(np.sort(many), np.arange(many.max()), side="right")
            self.starts = np.append(0, np.cumsum(len(many) - busy))
            self.stretch = np.zeros(len(self.starts) - 1, np.int64)
            self.order = np.empty_like(number)
            self.order[self.starts[turn] + lane] = number
        else:
            stretch = step // tick_every
            new = np.flatnonzero(np.diff(sample, prepend=-1) | np.diff(stretch, prepend=-1))
            turn = number - np.repeat(new, np.diff(new, append=len(sample)))
            self.order = np.lexsort((lane, turn, stretch))
            turn, stretch = turn[self.order], stretch[self.order]
            starts = np.flatnonzero(np.diff(stretch, prepend=-1) | np.diff(turn, prepend=-1))
            self.starts = np.append(starts, len(sample))
            self.stretch = stretch[starts]
        row, corner = field.lookups()
        self.lane = lane[self.order]
        self.row = row[place[self.order]]
        self.corner = corner[place[self.order]]

    def decode(self, hits: Array, rank: Array | None) -> tuple[Array, Array]:
        """Hits (computed event * window + position) as causes in the queue, and places."""
        window = self.field.window()
        if rank is not None:
            event = hits // len(window)
            hits = np.sort(event * len(window) + rank[hits - event * len(window)])
            window = window[np.argsort(rank)]
        event = hits // len(window)
        place = self.field.places()[self.corner[event] + window[hits - event * len(window)]]
        event, place = event[place >= 0], place[place >= 0]
        # To the order of the queue; the spikes of one event are together, and stay so.
        many = np.bincount(event, minlength=len(self.order))
        in_queue = np.empty_like(many)
        in_queue[self.order] = many
        begin = (np.cumsum(in_queue) - in_queue)[self.order]
        at = np.arange(len(event)) + (begin - (np.cumsum(many) - many))[event]
        cause, where = np.empty_like(event), np.empty_like(place)
        cause[at] = self.order[event]
        where[at] = place
        return cause, where


def _loop(
    field: Field,
    queue: _Queue,
    weights: Array,
    touched: Array | None,
    ticking: bool,
) -> Array:
    """Compute the events batch by batch; gives `event * window + position` of each spike."""
    window = field.window()
    size, lanes = len(window), queue.lanes
    state = np.tile(field.rest(), lanes)
    whole = size == field.cells and not ticking
    base = queue.lane * field.cells + queue.corner
    cells = np.empty((lanes, size), np.int64)
    value, change = np.empty((lanes, size), np.int32), np.empty((lanes, size), np.int32)
    fired = np.empty((lanes, size), bool)
    hits: list[Array] = []
    bias = None if field.bias is None else np.tile(field.bias, field.cells // field.features)
    stretch = -1
    for number, (start, stop) in enumerate(zip(queue.starts, queue.starts[1:], strict=False)):
        if bias is not None and ticking:
            while stretch < queue.stretch[number]:
                stretch += 1
                state.reshape(lanes, -1)[:] += bias.astype(np.int32)
                np.maximum(state, field.lower, out=state)
        n = stop - start
        v, hit = value[:n], fired[:n]
        weights.take(queue.row[start:stop], axis=0, out=change[:n], mode="clip")
        if whole:
            v = state.reshape(lanes, -1)[:n]
        else:
            np.add(base[start:stop, None], window, out=cells[:n])
            state.take(cells[:n], out=v, mode="clip")
        v += change[:n]
        np.greater_equal(v, field.threshold, out=hit)
        if touched is not None:
            hit &= touched[queue.row[start:stop]]
        where = hit.reshape(-1).nonzero()[0]
        if where.size:
            hits.append(where + start * size)
            flat = v.reshape(-1)
            if field.subtract:
                flat[where] -= field.threshold
            else:
                flat[where] = 0
        np.maximum(v, field.lower, out=v)
        if not whole:
            state[cells[:n]] = v
    return np.concatenate([np.zeros(0, np.int64), *hits])
