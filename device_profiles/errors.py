"""What makes a profile unusable: one exception, all findings."""

from __future__ import annotations

from collections.abc import Sequence


class ProfileError(Exception):
    """A device that is not there, or a profile that cannot be used.

    `findings` are whole sentences: file and line, table and key, what was found, what was
    expected.
    """

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))

    def __reduce__(self) -> tuple[type[ProfileError], tuple[tuple[str, ...]]]:
        """Survives the way back from a worker process with its findings apart."""
        return (ProfileError, (self.findings,))


def quoted(name: object) -> str:
    """A user's name in single quotes, safe to print."""
    text = str(name)
    text = text if len(text) <= 80 else text[:77] + "..."
    return f"'{text}'" if text.isprintable() else repr(text)
