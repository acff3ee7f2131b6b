"""The page of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mapper.report.html import rendered

HERE = "mapper.verbs.compare"  # where compare.html lies


def compare_html(facts: Mapping[str, Any]) -> str:
    """The page of a comparison: what is kept, the chain of causes, spikes."""
    from mapper.report.plots import spikes, waterfall
    from mapper.verbs.compare.words import compare_page

    key = "agreement" if facts["accuracy"] is None else "accuracy"
    return rendered(
        "compare.html",
        script="print.js",
        package=HERE,
        facts=facts,
        page=compare_page(facts),
        waterfall=waterfall(facts["causes"], key),
        traces=[spikes(trace) for trace in facts["traces"]],
    )
