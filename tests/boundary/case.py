"""A boundary case: a small question with the answer that the chip's documents give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mapper.problem.settings import Settings
from nir_io.semantics import Semantics
from tests.boundary.build import Net

SOFT = Semantics(file_dt=1.0, chip_dt=1e-3, reset="subtract")
HARD = Semantics(file_dt=1.0, chip_dt=1e-3, reset="zero")


@dataclass(frozen=True, kw_only=True)
class Case:
    """`expect`: 'fits', 'bad input', or the kind of a claim that a conflict must name.

    `cores`: cores in use where that tells which limit bound it (PEs with those of the input).
    `error`: the first objective, in steps of 1e-4. `neurons` (Xylo): hidden and output ones.
    `form`: of every projection into the last population.
    """

    name: str
    device: str
    net: Callable[[], Net]
    expect: str
    cores: int | None = None
    error: int | None = None
    neurons: int | None = None
    form: str | None = None
    semantics: Semantics = SOFT
    settings: Settings = field(default_factory=Settings)

    @property
    def id(self) -> str:
        """What pytest calls it."""
        return f"{self.device}: {self.name}"
