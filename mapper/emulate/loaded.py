"""A bundle's manifest and arrays as the emulators read them: by name, references resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from mapper.emulate.manifest import InputRow, Manifest, PopulationRow, ProjectionRow, Ref, sizes_of
from nir_io.arrays import AnyArray as Array

Row = PopulationRow | ProjectionRow


@dataclass(frozen=True, eq=False)
class Loaded:
    """`manifest` and `arrays` of docs/bundle.md."""

    manifest: Manifest
    arrays: Mapping[str, Array]

    @classmethod
    def of(cls, rows: list[PopulationRow], arrays: Mapping[str, Array]) -> Loaded:
        """Populations alone, before there is a manifest: what a Decoder's `cells` reads."""
        return cls(cast(Manifest, {"populations": rows, "inputs": []}), arrays)

    @cached_property
    def populations(self) -> dict[str, PopulationRow]:
        """The manifest's populations by name."""
        return {row["name"]: row for row in self.manifest["populations"]}

    @cached_property
    def inputs(self) -> dict[str, InputRow]:
        """The graph inputs by name."""
        return {row["name"]: row for row in self.manifest["inputs"]}

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a population or a graph input."""
        row = self.populations.get(name) or self.inputs[name]
        return tuple(row["shape"])

    def size(self, name: str) -> int:
        """Neurons of a population, channels of an input."""
        return int(np.prod(self.shape(name)))

    def value(self, what: Ref | float) -> Array:
        """The array of a reference; a number as an array without axes."""
        return self.arrays[what] if isinstance(what, str) else np.asarray(what)

    def param(self, row: Row, key: str) -> Array:
        """A parameter of a population or projection, stored as an array or as a number."""
        found = row["params"][key]
        assert isinstance(found, str | int | float), f"{key} is no array or number"
        return self.value(found)

    def sizes(self, row: Row, key: str) -> tuple[int, ...]:
        """A parameter that is a list of sizes: strides, paddings, shapes."""
        return sizes_of(row["params"], key)

    def latency(self) -> int:
        """The largest lag of anything that is read, in steps."""
        found = [row["latency"] for row in self.manifest["outputs"]]
        return max([*found, *(row["latency"] for row in self.manifest["populations"])], default=0)

    def constant(self, name: str, samples: int, steps: int) -> Array:
        """What the source 'bias:NAME' of a chip with always-firing neurons sends."""
        row = next(p for p in self.manifest["projections"] if p["source"] == name)
        raster = np.zeros((samples, steps, 1), dtype=np.uint8)
        raster[:, row.get("from_step", 0) :] = 1
        return raster


def is_bias(bundle: Loaded, row: ProjectionRow) -> bool:
    """Whether a projection comes from a source that stands for a constant input."""
    return row["source"].startswith("bias:") and row["source"] not in bundle.populations


def as_map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, height, width); missing axes have one element."""
    c, y, x = (*shape, 1, 1)[:3]
    return c, y, x


def each_neuron(bundle: Loaded, row: PopulationRow, key: str) -> Array:
    """A parameter as one number a neuron."""
    value = np.ravel(np.asarray(bundle.param(row, key), dtype=np.float64))
    return np.broadcast_to(value, (bundle.size(row["name"]),))


def scale_of(bundle: Loaded, row: PopulationRow) -> Array:
    """Units of the file's threshold that the integers of each neuron are multiplied by."""
    scale = np.asarray(bundle.value(row["scale"]), dtype=np.float64)
    return np.broadcast_to(np.ravel(scale), (bundle.size(row["name"]),))
