"""The page of a comparison."""

from __future__ import annotations

from mapper.report.html import rendered
from mapper.verbs.compare.document import CompareFacts

HERE = "mapper.verbs.compare"  # where compare.html lies


def compare_html(facts: CompareFacts) -> str:
    """The page of a comparison: what is kept, the chain of causes, spikes."""
    from mapper.report.plots import Bar, spikes, waterfall
    from mapper.verbs.compare.words import compare_page, kept_and_change

    labels = facts["accuracy"] is not None
    parts = [(part["cause"], *kept_and_change(part, labels=labels)) for part in facts["causes"]]
    bars = [Bar(name=name, kept=kept, change=change) for name, kept, change in parts]
    return rendered(
        "compare.html",
        script="print.js",
        package=HERE,
        facts=facts,
        page=compare_page(facts),
        waterfall=waterfall(bars, "accuracy" if labels else "agreement"),
        traces=[spikes(t["population"], t["ideal"], t["ran"]) for t in facts["traces"]],
    )
