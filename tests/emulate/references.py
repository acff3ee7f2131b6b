"""The corpus networks with stored float outputs: where they lie and how they were run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nir_io.graph import IF, Graph
from nir_io.reader import read
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from tests.corpus import CORPUS, records

Counts = NDArray[Any]


@dataclass(frozen=True)
class Reference:
    """One network: files relative to the corpus, and its step in the file's unit of time."""

    model: str
    outputs: str
    inputs: str
    file_dt: float | None

    @property
    def name(self) -> str:
        return self.model.rsplit("/", 1)[-1].removesuffix(".nir")

    def graph(self) -> Graph:
        return read(CORPUS / self.model)

    def events(self) -> NDArray[np.uint8]:
        """(sample, step, *shape); unpacked as the corpus README says."""
        z = np.load(CORPUS / self.inputs)
        shape = tuple(z["shape"])
        if "packed" in z:
            bits = np.unpackbits(z["packed"], axis=1)[:, : np.prod(shape)]
            return bits.reshape(-1, *shape)
        x = np.zeros(shape, np.uint8)
        x[tuple(z["events"].astype(int))] = z["counts"]
        return x

    def counts(self, reset: Reset) -> Counts:
        """Stored output spike counts (sample, neuron)."""
        return np.load(CORPUS / self.outputs)[f"counts_nir_{reset}"]

    def stored(self, name: str) -> Counts:
        return np.load(CORPUS / self.outputs)[name]

    def semantics(self, graph: Graph, reset: Reset) -> Semantics:
        """The reference's rule: `>=` for the IF networks, which sinabs trained."""
        integrators = any(True for _ in graph.of_kind(IF))
        return Semantics(
            file_dt=self.file_dt,
            chip_dt=None,
            reset=reset,
            comparison=">=" if integrators else ">",
        )


def references() -> tuple[Reference, ...]:
    """All of them, in name order; none where the corpus is absent."""
    found: list[Reference] = []
    for record in records("trained"):
        dt = record["dt"] if isinstance(record["dt"], float) else None
        outputs = f"trained/{record['reference']}"
        found.append(Reference(f"trained/{record['file']}", outputs, outputs, dt))
    for record in records("paper/reference"):
        if not record["outputs"].endswith(".npz"):
            continue
        dt = record["dt"] if isinstance(record["dt"], float) else None
        outputs = f"paper/{record['outputs']}"
        inputs = f"paper/{record.get('inputs', record['outputs'])}"
        found.append(Reference(f"paper/{record['model']}", outputs, inputs, dt))
    return tuple(sorted(found, key=lambda one: one.name))
