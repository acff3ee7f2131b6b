"""What `map` and `check` hand out: a result with its report, as facts, text and page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapper.bundle.result import Result

if TYPE_CHECKING:
    from mapper.report import document


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Report(Result):
    """A result that can be read: by programs (`facts`), on a terminal (`text`), as a page (`html`)."""

    @property
    def facts(self) -> document.Report:
        """All that a report says, as plain values for JSON."""
        from mapper.report.facts import facts

        return facts(self)

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

        return result_html(self, self.facts)
