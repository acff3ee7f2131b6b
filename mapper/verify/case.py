"""What every family's check works on, and what all of them measure alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from mapper.verify.arrays import Array, Params, Store
from mapper.verify.device import Device
from mapper.verify.manifest import Manifest, Population, Projection, Slice, as_map
from mapper.verify.placement import is_grid
from mapper.verify.report import Book, shown

SILENT = ("I", "LI", "CubaLI")  # neurons without a threshold


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Case:
    """A manifest that is sound as JSON, with its arrays and the device's limits."""

    manifest: Manifest
    device: Device
    store: Store
    book: Book
    into: Mapping[str, list[Projection]]
    parts: Mapping[str, list[Slice]]

    def of_population(self, population: Population) -> Params:
        """The population's params."""
        return self.params(f"population {shown(population.name)}", population.params)

    def of_projection(self, projection: Projection) -> Params:
        """The projection's params."""
        return self.params(f"projection {shown(projection.id)}", projection.params)

    def params(self, where: str, raw: Mapping[str, Any]) -> Params:
        """Params from anywhere."""
        return Params(raw, where, self.store, self.book)

    def source_shape(self, projection: Projection) -> tuple[int, ...]:
        """Shape of what a projection comes from; a bias source has any number of columns."""
        return self.manifest.sources.get(projection.source, (-1,))

    def from_input(self, projection: Projection) -> bool:
        """Whether a projection comes from a graph input."""
        source = projection.source
        return source in self.manifest.sources and source not in self.manifest.populations

    def leaves(self, name: str) -> bool:
        """Whether the population's spikes or membranes are read from outside the chip."""
        by_host = any(name in host.sources for host in self.manifest.hosts)
        return by_host or any(output.population == name for output in self.manifest.outputs)

    def charge(
        self, piece: Slice, resource: str, fault: str, limit: str, used: int, unit: str
    ) -> None:
        """Compare what a slice really uses with the core's limit and with what is stated."""
        if piece.core not in self.device.cores:
            return
        available = self.device.of_core(piece.core, limit)
        self.book.use(piece.chip, piece.core, resource, used, available)
        where = f"{shown(piece.population)} on chip {piece.chip}, core {piece.core}"
        if used > available:
            self.book.find(
                fault, f"{where} uses {used:,} {unit}; the core has {available:,} ({limit})"
            )
        stated = piece.demand.get(resource)
        if stated is None or stated < used:
            self.book.find(
                "demand",
                f"{where} uses {used:,} {unit}; the bundle states "
                + ("no " + resource if stated is None else f"{stated:,}"),
            )
        elif stated > available >= used:
            self.book.find(
                "demand",
                f"{where} is said to use {stated:,} {unit}; the core has {available:,} ({limit})",
            )


def scale_findings(
    case: Case, population: Population, threshold: Array | None, slack: float
) -> None:
    """The scale is positive and the threshold is one scale, up to `slack` integer units."""
    where = f"population {shown(population.name)}"
    scale: Any = population.scale
    if isinstance(scale, str):
        scale = case.store.get(scale, f"{where}, scale")
        if scale is None:
            return
        if scale.shape != (population.size,):
            case.book.find(
                "array-shape",
                f"{where}: scale has the shape {scale.shape}; expected ({population.size},)",
            )
            return
    values = np.asarray(scale, dtype=np.float64)
    if not np.all(np.isfinite(values)) or np.any(values <= 0):
        case.book.find("scale", f"{where}: its scale is {np.min(values):g}; expected more than 0")
        return
    if threshold is None or population.kind in SILENT:
        return
    off = np.max(np.abs(np.asarray(threshold, dtype=np.float64) - values))
    if off > slack:
        case.book.find(
            "scale",
            f"{where}: threshold and scale differ by {off:g} units; a threshold is one scale, up "
            f"to {slack:g}",
        )


def matrix(case: Case, projection: Projection, key: str, low: int, high: int) -> Array | None:
    """Integer weights (out, in) of a dense, sparse or diagonal projection."""
    if projection.pool is not None:
        case.book.find(
            "pooling", f"projection {shown(projection.id)} pools; only convolutions can here"
        )
    target = case.manifest.populations[projection.target].size
    shape = case.source_shape(projection)
    columns = -1 if shape == (-1,) else prod(shape)
    params = case.of_projection(projection)
    return params.ints(key, (target, columns), low, high, "weight-range")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Conv:
    """A convolution whose geometry is sound: kernel (out, in, y, x)."""

    kernel: Array
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    input_shape: tuple[int, ...]


def conv(
    case: Case,
    params: Params,
    target: Population,
    low: int,
    high: int,
    dilated: bool = False,
) -> Conv | None:
    """A convolution onto a population's map, its kernel within low..high."""
    stride, padding = params.sizes("stride", 2, 1), params.sizes("padding", 4, 0)
    inputs = params.sizes("input_shape", 3, 1)
    dilation = params.sizes("dilation", 2, 1) if dilated else (1, 1)
    if stride is None or padding is None or inputs is None or dilation is None:
        return None
    channels, height, width = target.map
    kernel = params.ints("kernel", (channels, inputs[0], -1, -1), low, high, "weight-range")
    if kernel is None:
        return None
    ky, kx = kernel.shape[2:]
    made = tuple(
        (size + before + after - gap * (side - 1) - 1) // step + 1
        for size, before, after, gap, side, step in (
            (inputs[1], padding[0], padding[1], dilation[0], ky, stride[0]),
            (inputs[2], padding[2], padding[3], dilation[1], kx, stride[1]),
        )
    )
    if made != (height, width) or ky < 1 or kx < 1:
        case.book.find(
            "conv-shape",
            f"{params.where}: a kernel of {ky} x {kx} over {inputs[1]} x {inputs[2]} pixels gives "
            f"a map of {made[0]} x {made[1]}; {shown(target.name)} is {height} x {width}",
        )
        return None
    return Conv(kernel=kernel, stride=stride, padding=padding, input_shape=inputs)


def pooled(shape: tuple[int, ...], pool: tuple[int, int]) -> tuple[int, int, int]:
    """A source's map after pooling; what does not fill a window is cut off."""
    c, y, x = as_map(shape)
    return c, y // pool[0], x // pool[1]


def magnitude(weights: Array) -> Array:
    """Sum of |w| over all axes but the first, without overflow of narrow types."""
    axes = tuple(range(1, weights.ndim))
    positive = np.maximum(weights, 0).sum(axis=axes, dtype=np.int64)
    return positive - np.minimum(weights, 0).sum(axis=axes, dtype=np.int64)


def indices(population: Population, piece: Slice) -> Array:
    """The neurons of a slice, in C order."""
    if is_grid(population, piece.box):
        grid = np.arange(population.size).reshape(population.shape)
        return grid[tuple(slice(*edge) for edge in piece.box)].ravel()
    start, stop = next(iter(piece.box))
    return np.arange(start, min(stop, population.size))
