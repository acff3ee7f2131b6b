"""Choose a quantizer's dials on data: a bounded search with the integer emulator as judge.

Even samples are for the search, odd ones for the report: what is told of a calibration was
not used by it. The search turns one dial after the other by one value, in a fixed order,
and keeps what does better; it ends with a round that changes nothing, or with its budget of
evaluations. There is no random number and no clock in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mapper.bundle.bundle import build
from mapper.bundle.integers.dial import Chosen, Dial
from mapper.emulate import ideal
from mapper.emulate.bundle import emulate
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import CalibrationRow
from mapper.families.family import Family
from mapper.problem.options import EVALUATIONS
from mapper.solving.outcome import Placed
from mapper.verbs.compare.statistics import Share, paired_difference, share
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

if TYPE_CHECKING:
    from mapper.bundle.integers.draft import Quantized

SEARCHED, TOLD = 400, 1000  # samples at most
WORK = 2**26  # neurons x steps x samples of one evaluation at most
LIKENESS = 0.2  # of a decision: what the spike counts' cosine similarity is worth


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Examples:
    """Data of a calibration. raster: counts (sample, step, channel), inputs flat in name order.

    labels: (sample,), or None: then the ideal network's decisions are what is right. sha256:
    of the raster and the labels.
    """

    name: str
    raster: Array
    labels: Array | None
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was chosen, and what it brought on the samples that it did not use.

    chosen: dials turned away from their usual value. before, after: shares of right
    decisions on those samples; difference: of both, paired; ideal: the ideal network's share.
    """

    data: str
    sha256: str
    labels: bool
    budget: int
    evaluations: int
    searched: int
    told: int
    chosen: Chosen
    searched_before: float
    searched_after: float
    ideal: Share
    before: Share
    after: Share
    difference: Share

    def as_json(self) -> CalibrationRow:
        """As the manifest stores it."""
        return {
            "data": self.data,
            "sha256": self.sha256,
            "labels": self.labels,
            "budget": self.budget,
            "evaluations": self.evaluations,
            "searched": self.searched,
            "reported": self.told,
            "chosen": dict(sorted(self.chosen.items())),
            "searched_before": round(self.searched_before, 6),
            "searched_after": round(self.searched_after, 6),
            "ideal": self.ideal.as_json(),
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "difference": self.difference.as_json(),
        }


def examples(placed: Placed, data: Path | tuple[Array, Array | None]) -> Examples:
    """The data of a file, or of arrays, for this network. Raises BadInput."""
    from mapper.verbs.compare import data as reading

    network, semantics = placed.question.network, placed.question.semantics
    wanted = reading.Wanted(
        inputs=network.inputs,
        dt=semantics.chip_dt,
        steps=semantics.steps,
        classes=sum(int(np.prod(shape)) for _, shape in network.outputs),
    )
    found = (
        reading.read(data, wanted)
        if isinstance(data, Path)
        else reading.of_array(*data, wanted, "the data")
    )
    digest = hashlib.sha256(repr(found.raster.shape).encode())
    digest.update(np.ascontiguousarray(found.raster, dtype=np.uint16).tobytes())
    if found.labels is not None:
        digest.update(found.labels.tobytes())
    return Examples(
        name=found.name, raster=found.raster, labels=found.labels, sha256=digest.hexdigest()
    )


def calibrate(
    placed: Placed, examples: Examples, family: Family, budget: int = EVALUATIONS
) -> tuple[Quantized, Calibration]:
    """The quantized network with the dials that do best, and how well that is.

    Raises BadInput where there are fewer than two samples.
    """
    if len(examples.raster) < 2:
        raise BadInput(
            [
                f"{examples.name}: has {len(examples.raster)} samples; a calibration needs at least "
                "2, one to search with and one to report on"
            ]
        )
    dials = family.dials(placed)
    judge = _Judge(placed, family, _part(placed, examples, 0, SEARCHED, 1))
    chosen = _search(judge, dials, budget)
    usual = {d.name: d.usual for d in dials}
    turned = {name: value for name, value in chosen.items() if value != usual[name]}
    teller = _Judge(placed, family, _part(placed, examples, 1, TOLD, 4))
    before = teller.right({})
    after = teller.right(turned) if turned else before
    return family.quantize(placed, turned), Calibration(
        data=examples.name,
        sha256=examples.sha256,
        labels=examples.labels is not None,
        budget=budget,
        evaluations=judge.spent,
        searched=len(judge.part.raster),
        told=len(teller.part.raster),
        chosen=turned,
        searched_before=float(judge.right({}).mean()),
        searched_after=float(judge.right(turned).mean()),
        ideal=share(teller.ideal_right),
        before=share(before),
        after=share(after),
        difference=paired_difference(after, before),
    )


def _part(placed: Placed, examples: Examples, first: int, most: int, times: int) -> Examples:
    """Every second sample from `first` on, evenly thinned to what may be run at once."""
    steps = examples.raster.shape[1]
    work = placed.question.network.neurons() * steps
    most = int(np.clip(WORK * times // max(work, 1), 1, most))
    index = np.arange(first, len(examples.raster), 2)
    if index.size > most:
        index = index[np.arange(most) * index.size // most]
    labels = None if examples.labels is None else examples.labels[index]
    return replace(examples, raster=examples.raster[index], labels=labels)


def _search(judge: _Judge, dials: tuple[Dial, ...], budget: int) -> dict[str, float]:
    """The dials that do best: coordinate by coordinate, neighbours first."""
    at = {dial.name: dial.values.index(dial.usual) for dial in dials}
    best = judge.score(_values(dials, at))
    changed = True
    while changed and judge.spent < budget:
        changed = False
        for dial in dials:
            for step in (1, -1):
                while judge.spent < budget and 0 <= at[dial.name] + step < len(dial.values):
                    tried = at | {dial.name: at[dial.name] + step}
                    found = judge.score(_values(dials, tried))
                    if found <= best:
                        break
                    at, best, changed = tried, found, True
    return _values(dials, at)


def _values(dials: tuple[Dial, ...], at: Mapping[str, int]) -> dict[str, float]:
    return {dial.name: dial.values[at[dial.name]] for dial in dials}


class _Judge:
    """Runs candidates on some samples; each is run once."""

    def __init__(self, placed: Placed, family: Family, part: Examples) -> None:
        self.placed, self.family, self.part = placed, family, part
        self.spent = 0
        self._known: dict[tuple[tuple[str, float], ...], Array] = {}
        question = placed.question
        given: dict[str, Array] = {}
        offset = 0
        for name, shape in question.network.inputs:
            size = int(np.prod(shape))
            flat = part.raster[:, :, offset : offset + size]
            given[name] = flat.reshape(*flat.shape[:2], *shape)
            offset += size
        semantics = replace(question.semantics, integrator="per-step")
        ran = ideal.run(question.network.graph, semantics, given, dtype=np.float32)
        wanted = [ran.counts[name] for name, _ in question.network.outputs]
        self.wanted = np.concatenate([c.reshape(len(c), -1) for c in wanted], axis=1)
        decided = self.wanted.argmax(axis=1)
        self.truth = decided if part.labels is None else part.labels
        self.ideal_right: Array = decided == self.truth

    def counts(self, chosen: Chosen) -> Array:
        """(sample, output) of a candidate."""
        key = tuple(sorted(chosen.items()))
        if key not in self._known:
            bundle = build(self.placed, self.family.quantize(self.placed, chosen), {})
            loaded = Loaded(bundle.manifest, bundle.arrays)
            ran = emulate(loaded, self.part.raster, self.family.run)
            self._known[key] = ran.counts()
            self.spent += 1
        return self._known[key]

    def right(self, chosen: Chosen) -> Array:
        """(sample,) whether its decision is right."""
        return self.counts(chosen).argmax(axis=1) == self.truth

    def score(self, chosen: Chosen) -> float:
        """Share of right decisions, and a little for counts like the ideal's."""
        counts = self.counts(chosen)
        sizes = np.linalg.norm(counts, axis=1) * np.linalg.norm(self.wanted, axis=1)
        alike = (counts * self.wanted).sum(axis=1) / np.maximum(sizes, 1e-9)
        return float(self.right(chosen).mean() + LIKENESS * alike.mean())
