"""How alike two runs of a population are: rates, numbers and times of spikes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nir_io.arrays import AnyArray as Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """A population on the chip beside the same in the ideal network.

    cosine: of the spike rates of the neurons, mean over the samples in which both fire, None
        where there is none. counted: those samples; one_silent: samples in which just one fires.
    ideal, chip: spikes in all. shift: mean time of a spike on the chip minus that in the
        ideal network, latency removed, in steps, over the spikes that both have (the k-th
        spike of a neuron with the k-th); None where there is none. jitter: the same of its
        absolute value. same: share of the samples in which every spike is the same.
    """

    cosine: float | None
    counted: int
    one_silent: int
    ideal: int
    chip: int
    shift: float | None
    jitter: float | None
    same: float

    @property
    def ratio(self) -> float | None:
        """Spikes on the chip over those in the ideal network."""
        return self.chip / self.ideal if self.ideal else None


@dataclass(slots=True)
class Tally:
    """Likeness of samples that come in parts."""

    cosines: list[Array] = field(default_factory=list[Array])
    one_silent: int = 0
    ideal: int = 0
    chip: int = 0
    matched: int = 0
    off: int = 0
    apart: int = 0
    same: int = 0
    samples: int = 0
    both: list[Array] = field(default_factory=list[Array])

    def add(self, ideal: Array, chip: Array) -> None:
        """Spikes (sample, step, neuron) of both, of the same samples."""
        a, b = (x.sum(axis=1, dtype=np.float64) for x in (ideal, chip))
        both, one = a.any(axis=1) & b.any(axis=1), a.any(axis=1) != b.any(axis=1)
        size = np.linalg.norm(a[both], axis=1) * np.linalg.norm(b[both], axis=1)
        self.cosines.append((a[both] * b[both]).sum(axis=1) / size)
        self.one_silent += int(np.count_nonzero(one))
        self.ideal += int(a.sum())
        self.chip += int(b.sum())
        self.samples += len(a)
        equal = (ideal == chip).reshape(len(a), -1).all(axis=1)
        self.same += int(np.count_nonzero(equal))
        matched, off, apart = _shifts(ideal, chip)
        self.matched += matched
        self.off += off
        self.apart += apart

    def likeness(self) -> Likeness:
        """Of all that was added."""
        cosines = np.concatenate([np.zeros(0), *self.cosines])
        return Likeness(
            cosine=float(cosines.mean()) if cosines.size else None,
            counted=cosines.size,
            one_silent=self.one_silent,
            ideal=self.ideal,
            chip=self.chip,
            shift=self.off / self.matched if self.matched else None,
            jitter=self.apart / self.matched if self.matched else None,
            same=self.same / max(self.samples, 1),
        )


def _shifts(ideal: Array, chip: Array) -> tuple[int, int, int]:
    """(spikes that both have, sum of their shifts in steps, sum of the absolute shifts)."""
    cell_a, rank_a, step_a = _spikes(ideal)
    cell_b, rank_b, step_b = _spikes(chip)
    longest = int(max(rank_a.max(initial=0), rank_b.max(initial=0))) + 1
    _, at_a, at_b = np.intersect1d(
        cell_a * longest + rank_a, cell_b * longest + rank_b, True, return_indices=True
    )
    off = step_b[at_b] - step_a[at_a]
    return off.size, int(off.sum()), int(np.abs(off).sum())


def _spikes(spikes: Array) -> tuple[Array, Array, Array]:
    """Per spike: its neuron (of all samples), its number there, its step."""
    neurons = spikes.shape[2]
    sample, step, neuron = np.nonzero(spikes)
    many = spikes[sample, step, neuron].astype(np.int64)
    cell = np.repeat(sample.astype(np.int64) * neurons + neuron, many)
    step = np.repeat(step, many)
    order = np.argsort(cell, kind="stable")
    cell, step = cell[order], step[order]
    first = np.searchsorted(cell, cell)
    return cell, np.arange(len(cell)) - first, step
