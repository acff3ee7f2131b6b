"""Exit codes, and the exception for our own faults."""

from __future__ import annotations

from pathlib import Path

FITS, DOES_NOT_FIT, BAD_INPUT, UNDECIDED, OUR_BUG = range(5)  # exit codes of the command line


class OurBug(Exception):  # noqa: N818 -- named for what it is
    """The checker rejected a bundle that we made, or two solvers disagree.

    `findings` are sentences; `kept`: the folder in which the bundle and the checker's
    report lie, if it was written.
    """

    def __init__(self, findings: tuple[str, ...], kept: Path | None = None) -> None:
        self.findings = findings
        self.kept = kept
        super().__init__("\n".join(findings))
