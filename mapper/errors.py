"""Exit codes, and the exception for our own faults."""

from __future__ import annotations

from pathlib import Path
from typing import Final

# exit codes of the command line
FITS: Final = 0
DOES_NOT_FIT: Final = 1
BAD_INPUT: Final = 2
UNDECIDED: Final = 3
OUR_BUG: Final = 4


class OurBug(Exception):  # noqa: N818 -- named for what it is
    """The checker rejected a bundle that we made, or two solvers disagree.

    `findings` are sentences; `kept`: the folder in which the bundle and the checker's
    report lie, if it was written.
    """

    def __init__(self, findings: tuple[str, ...], kept: Path | None = None) -> None:
        self.findings = findings
        self.kept = kept
        super().__init__("\n".join(findings))
