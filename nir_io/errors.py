"""What can be wrong with a file or with what was asked: one exception, all findings."""

from __future__ import annotations

from collections.abc import Sequence


class BadInput(Exception):  # noqa: N818 -- a user's file or option, named for what it is
    """A file, option or profile that cannot be used. `findings` are whole sentences.

    A finding names where (file, path inside it), what was found, what was expected and
    what to do.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))
