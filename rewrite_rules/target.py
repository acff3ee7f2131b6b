"""All that a rewrite rule knows of a chip: semantics and capabilities, no profile."""

from __future__ import annotations

from dataclasses import dataclass

from nir_io.semantics import Semantics


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Capabilities, built by a backend from the profile.

    neurons: neuron kinds that the chip runs natively (NIR names).
    projections: linear kinds that it runs natively ('Linear', 'Conv2d', 'Scale').
    resets: `zero`, `subtract`.
    pool_sizes: sum-pooling factors in front of a projection (square, stride = size).
    decay_grid: None (free), or 'bit-shift': decays 1 - 2^-n with n in dash range.
    dash: (least for the synapse, least for the membrane, most).
    max_delay: steps that a projection can add.
    max_dense_entries: weights that a rule may write out as one matrix.
    """

    family: str
    semantics: Semantics
    neurons: frozenset[str]
    projections: frozenset[str]
    resets: frozenset[str]
    pool_sizes: tuple[int, ...] = ()
    decay_grid: str | None = None
    dash: tuple[int, int, int] = (1, 0, 15)
    max_delay: int = 0
    max_dense_entries: int = 2**24
