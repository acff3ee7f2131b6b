"""What `map` and `check` give back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mapper.errors import DOES_NOT_FIT, FITS, UNDECIDED
from mapper.outcome import Impossible, Outcome, Placed
from mapper.settings import Settings
from nir_io.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from device_profiles.profile import Profile
    from mapper.bundle import Bundle
    from mapper.fixes.fix import Fix
    from mapper.verify.report import Checked
    from nir_io.semantics import Semantics


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Source:
    """A network as it was read, and where it came from.

    `sha256`: of the file's bytes, None for a network that came from no file.
    """

    graph: Graph
    name: str
    path: Path | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Calibrate:
    """Data that a quantizer's free choices are made on: a file, or (raster, labels or None).

    evaluations: of candidates, at most.
    """

    data: Path | tuple[NDArray[Any], NDArray[Any] | None]
    evaluations: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Asked:
    """All that an answer depends on.

    profile_path: the file of a device of the user's own; calibrate: data, or None.
    """

    source: Source
    profile: Profile
    profile_path: Path | None
    semantics: Semantics
    settings: Settings
    calibrate: Calibrate | None = None


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
    def exit_code(self) -> int:
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
    def facts(self) -> Mapping[str, Any]:
        """All that a report says, as plain values for JSON."""
        from mapper.report.facts import facts

        return facts(self)

    @property
    def certificate(self) -> Mapping[str, Any] | None:
        """Of a refusal: its limits as data and a proof of them (docs/bundle.md); else None."""
        if not isinstance(self.outcome, Impossible):
            return None
        from mapper.certificate import certificate

        return certificate(self.outcome, sha256=self.sha256)

    @property
    def text(self) -> str:
        """The report as plain text."""
        from mapper.report.page import plain
        from mapper.report.words import result_page

        return plain(result_page(self.facts))

    @property
    def html(self) -> str:
        """The report as one self-contained page, with drawings."""
        from mapper.report.html import result_html

        return result_html(self)
