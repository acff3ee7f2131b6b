"""Pages as files, and one browser for all tests; where there is none, that is said or fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, chromium
from tests.report.pages import write_pages

ABSENT = (
    "the tests of the pages were NOT run: there is no Chromium (Debian: apt-get install chromium; "
    "elsewhere NIRMAP_CHROMIUM=/path/to/chrome)"
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says at the end what skipped tests would only say on request."""
    if chromium() is None:
        terminalreporter.write_line(ABSENT, yellow=True, bold=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Without one the tests are skipped, aloud; under CI they fail."""
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    with Browser() as found:
        yield found


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of tests.report.pages, by name."""
    return write_pages(tmp_path_factory.mktemp("pages"))
