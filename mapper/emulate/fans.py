"""Connections of each projection, counted from the stored weights, and the load that spikes make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from device_profiles.profile import Confidence, Number
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import Params, ProjectionRow, sizes_of
from nir_io.arrays import AnyArray as Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`mean` and `peak` over the steps, of the busiest core; `limit` None: none is known."""

    what: str
    where: str
    mean: float
    peak: float
    limit: float | None
    unit: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fan:
    """A projection: connections of each neuron of the source."""

    source: str
    target: str
    out: Array


@dataclass(slots=True)
class Load:
    """What populations receive, over samples that come in parts: mean and peak of a step."""

    fans: tuple[Fan, ...]
    steps: int = 0
    total: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    peak: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    def add(self, inputs: Mapping[str, Array], spikes: Mapping[str, Array]) -> None:
        """Events by input and by population: (sample, step, neuron)."""
        sent = {**inputs, **spikes}
        samples, steps = next(iter(sent.values())).shape[:2]
        self.steps += samples * steps
        found: dict[tuple[str, str], Array] = {}

        def gather(key: tuple[str, str], values: Array) -> None:
            found[key] = found[key] + values if key in found else values

        for fan in self.fans:
            source = sent[fan.source]
            gather(("synops", fan.target), source @ fan.out)
            gather(("events", fan.target), source.sum(axis=2, dtype=np.float64))
        for name, fired in spikes.items():
            gather(("spikes", name), fired.sum(axis=2, dtype=np.float64))
        for key, values in found.items():
            self.total[key] = self.total.get(key, 0.0) + float(values.sum())
            self.peak[key] = max(self.peak.get(key, 0.0), float(values.max(initial=0.0)))

    def of(self, what: str, name: str) -> tuple[float, float]:
        """(mean, peak) of a step."""
        return self.total.get((what, name), 0.0) / max(self.steps, 1), self.peak.get(
            (what, name), 0.0
        )


def stored_fans(bundle: Loaded) -> tuple[Fan, ...]:
    """The connections of each projection, counted from its stored weights."""
    return tuple(
        _fan(bundle, row)
        for row in bundle.manifest["projections"]
        if row["source"] in bundle.populations or row["source"] in bundle.inputs
    )


def _fan(bundle: Loaded, row: ProjectionRow) -> Fan:
    if row["form"] == "conv":
        pool = tuple(row["pool"]) if row["pool"] else (1, 1)
        kernel = bundle.param(row, "kernel").shape
        return convolved_fan(bundle, row["source"], row["target"], row["params"], kernel, pool)
    stored = bundle.param(row, "weight") != 0
    if "weight_2" in row["params"]:
        stored = stored | (bundle.param(row, "weight_2") != 0)
    return Fan(source=row["source"], target=row["target"], out=stored.sum(axis=0, dtype=np.float64))


def convolved_fan(
    bundle: Loaded,
    source: str,
    target: str,
    params: Params,
    kernel: tuple[int, ...],
    pool: tuple[int, ...],
) -> Fan:
    """Outputs under the kernel, per neuron of the source: a product of both axes.

    kernel: (out, in, y, x); pool: sides of the windows that are summed before it.
    """
    channels, height, width = (*bundle.shape(source), 1, 1)[:3]
    _, out_y, out_x = (*bundle.shape(target), 1, 1)[:3]
    shape = sizes_of(params, "input_shape")
    if len(bundle.shape(source)) == 2 and len(shape) == 3:
        _, height, width = shape
        if height * width != bundle.shape(source)[1]:
            height, width = bundle.shape(source)[1], 1
    if out_y * out_x * kernel[0] != bundle.size(target):
        out_y, out_x = 1, bundle.size(target) // kernel[0]
    sides, stride = sizes_of(params, "padding"), sizes_of(params, "stride")
    top, left = (sides[0], sides[1]) if len(sides) == 2 else (sides[0], sides[2])
    dilation = sizes_of(params, "dilation", (1, 1))
    rows = _reach(height // pool[0], out_y, kernel[2], stride[0], top, dilation[0])
    columns = _reach(width // pool[1], out_x, kernel[3], stride[1], left, dilation[1])
    at_y, at_x = np.arange(height) // pool[0], np.arange(width) // pool[1]
    rows, columns = np.append(rows, 0.0), np.append(columns, 0.0)
    y = rows[np.minimum(at_y, len(rows) - 1)]
    x = columns[np.minimum(at_x, len(columns) - 1)]
    one = kernel[0] * y[:, None] * x
    out = np.broadcast_to(one, (channels, height, width)).reshape(-1)
    return Fan(source=source, target=target, out=out)


def _reach(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> Array:
    """How many outputs each coordinate of an axis reaches."""
    tap = np.arange(size)[:, None] + padding - np.arange(out) * stride
    hit = (tap >= 0) & (tap <= dilation * (kernel - 1)) & (tap % dilation == 0)
    return hit.sum(axis=1, dtype=np.float64)


def share_of(bundle: Loaded, name: str) -> float:
    """The largest part of a population on one core."""
    size = bundle.size(name)
    parts = [
        int(np.prod([stop - start for start, stop in row["box"]])) / size
        for row in bundle.manifest["slices"]
        if row["population"] == name
    ]
    return max(parts, default=1.0)


def busiest(
    bundle: Loaded, load: Load, what: str, number: Number, limit: float, unit: str, says: str
) -> Rate:
    whole = what == "events"  # every core that holds a part hears every event
    by = {
        name: tuple(v * (1.0 if whole else share_of(bundle, name)) for v in load.of(what, name))
        for name in bundle.populations
    }
    name = max(by, key=lambda n: by[n][1])
    mean, peak = by[name]
    return Rate(
        what=says,
        where=name,
        mean=mean,
        peak=peak,
        limit=limit,
        unit=unit,
        source=number.source,
        confidence=number.confidence,
    )
