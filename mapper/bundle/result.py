"""What `map` and `check` give back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mapper.errors import DOES_NOT_FIT, FITS, UNDECIDED
from mapper.solving.outcome import Impossible, Outcome, Placed
from nir_io.graph import Graph

if TYPE_CHECKING:
    from mapper.bundle.bundle import Bundle
    from mapper.problem.fix import Fix
    from mapper.solving.document import Certificate
    from mapper.verify.report import Checked


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Result:
    """An outcome, and what was made of it.

    model: the name of the file, or 'network'. bundle, checked: of a network that fits.
    fixes: possible fixes of a refusal. confirmed: what the exhaustive solver did. path:
    where the bundle, or the refusal, was written, or None. sha256: of the model's file.
    """

    model: str
    graph: Graph
    outcome: Outcome
    bundle: Bundle | None = None
    checked: Checked | None = None
    fixes: tuple[Fix, ...] = ()
    confirmed: str = ""
    path: Path | None = None
    sha256: str | None = None

    @property
    def fits(self) -> bool:
        """Whether there is a placement."""
        return isinstance(self.outcome, Placed)

    @property
    def exit_code(self) -> Literal[0, 1, 3]:
        """As the command line's: 0 fits, 1 does not fit, 3 undecided.

        A refusal that the optimistic value of an uncertain limit would lift is undecided.
        """
        match self.outcome:
            case Placed():
                return FITS
            case Impossible(optimistic=()):
                return DOES_NOT_FIT
            case _:
                return UNDECIDED

    @property
    def certificate(self) -> Certificate | None:
        """Of a refusal: its limits as data and a proof of them (docs/bundle.md); else None."""
        if not isinstance(self.outcome, Impossible):
            return None
        from mapper.bundle.certificate import certificate

        return certificate(self.outcome, sha256=self.sha256)
