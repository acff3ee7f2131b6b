"""Wires of a network in real numbers: what a source's spikes add to its target's input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mapper.emulate.layers import layer
from mapper.emulate.loaded import Loaded, Row, as_map, is_bias
from mapper.emulate.manifest import ProjectionRow, sizes_of
from mapper.emulate.steps import Wire
from mapper.problem.traits import Hops
from nir_io.arrays import AnyArray as Array
from nir_io.graph import Conv2d, Linear, Node, SumPool2d, frozen

UnitOf = Callable[[ProjectionRow], Array]


def delayed(
    source: str,
    target: str,
    delay: int,
    own: Array | None,
    shape: tuple[int, ...],
    nodes: Sequence[Node],
) -> Iterator[Wire]:
    """A wire for each delay; `own`: further steps of each element of the source."""
    if own is None or not np.any(own):
        yield Wire(source, target, delay, applied(nodes, shape, None))
        return
    steps = np.ravel(np.broadcast_to(own, (int(np.prod(shape)),) if np.ndim(own) < 2 else shape))
    for more in np.unique(steps):
        mask = steps == more
        yield Wire(source, target, delay + int(more), applied(nodes, shape, mask))


def applied(
    nodes: Sequence[Node], shape: tuple[int, ...], mask: Array | None
) -> Callable[[Array], Array]:
    """Linear nodes, one after the other, on rows of the source's elements (where `mask` holds)."""
    parts = [(node.shape_in, layer(node, np.float64)) for node in nodes]

    def of(rows: Array) -> Array:
        x = rows.astype(np.float64)
        if mask is not None:
            x = x * mask
        for shape_in, part in parts:
            x = part(x.reshape(len(rows), *shape_in))
        return x.reshape(len(rows), -1)

    return of


def sum_pool(pool: tuple[int, int] | None, shape: tuple[int, ...]) -> SumPool2d | None:
    """The sum over windows; what does not fill one is cut off."""
    if pool is None or pool == (1, 1):
        return None
    c, y, x = as_map(shape)
    return SumPool2d(
        name="pool",
        shape_in=(c, y, x),
        shape_out=(c, y // pool[0], x // pool[1]),
        kernel_size=pool,
        stride=pool,
        padding=(0, 0),
    )


def dense(values: Array) -> Linear:
    """A matrix (target, source)."""
    rows, columns = values.shape
    return Linear(name="w", shape_in=(columns,), shape_out=(rows,), weight=frozen(values))


def convolution(row: Row, kernel: Array, shape: tuple[int, ...]) -> Conv2d:
    """The convolution that a row of a manifest describes.

    row: a projection, or a population that holds its kernel; kernel: (out, in, y, x); shape:
    of what comes out.
    """
    params = row["params"]
    sides = sizes_of(params, "padding")
    top, bottom, left, right = (
        (sides[0], sides[0], sides[1], sides[1]) if len(sides) == 2 else sides
    )
    _, y, x = sizes_of(params, "input_shape")
    sy, sx = sizes_of(params, "stride")
    dy, dx = sizes_of(params, "dilation", (1, 1))
    return Conv2d(
        name="w",
        shape_in=(kernel.shape[1], y, x),
        shape_out=as_map(shape),
        weight=frozen(kernel),
        bias=frozen(np.zeros(kernel.shape[0])),
        stride=(sy, sx),
        padding=(top, bottom, left, right),
        dilation=(dy, dx),
        groups=1,
    )


def integers(bundle: Loaded, row: ProjectionRow) -> Array:
    """The stored weights of a projection, both of its synapses added."""
    key = "kernel" if row["form"] == "conv" else "weight"
    total = np.asarray(bundle.param(row, key), dtype=np.float64)
    if "weight_2" in row["params"]:
        total = total + bundle.param(row, "weight_2")
    return total


def stored_wires(bundle: Loaded, hops: Hops, unit_of: UnitOf) -> Iterator[Wire]:
    """The projections of a bundle in threshold units, bias sources left out.

    unit_of: threshold units of an integer weight of 1, per neuron of the projection's target.
    """
    for row in bundle.manifest["projections"]:
        if is_bias(bundle, row):
            continue
        source, target = row["source"], row["target"]
        hop = hops.between if source in bundle.populations else hops.from_input
        shape = bundle.shape(source)
        per = unit_of(row)
        values = integers(bundle, row)
        if row["form"] == "conv":
            pool = sum_pool((row["pool"][0], row["pool"][1]), shape) if row["pool"] else None
            nodes = [pool, convolution(row, values * per[0], bundle.shape(target))]
        else:
            nodes = [None, dense(values * per[:, None])]
        delay = bundle.value(row["delay"])
        own = None if np.ndim(delay) == 0 else np.asarray(delay)
        more = int(delay) if own is None else 0
        used = [node for node in nodes if node is not None]
        yield from delayed(source, target, hop + more, own, shape, used)
