"""What `compare` hands out: a comparison with its report, as facts, text and page."""

from __future__ import annotations

from dataclasses import dataclass

from mapper.verbs.compare.compared import Compared
from mapper.verbs.compare.document import CompareFacts


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison(Compared):
    """A comparison that can be read: by programs, on a terminal, as a page."""

    @property
    def facts(self) -> CompareFacts:
        """All that the report says, as plain values for JSON."""
        from mapper.verbs.compare.words import compare_facts

        return compare_facts(self)

    @property
    def text(self) -> str:
        """The report as plain text."""
        from mapper.report.page import plain
        from mapper.verbs.compare.words import compare_page

        return plain(compare_page(self.facts))

    @property
    def html(self) -> str:
        """The report as one self-contained page, with drawings."""
        from mapper.verbs.compare.page import compare_html

        return compare_html(self.facts)
