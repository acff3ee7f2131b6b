"""The page of a batch."""

from __future__ import annotations

from collections.abc import Sequence

from mapper.report.html import rendered, script_data
from mapper.verbs.batch.columns import change
from mapper.verbs.batch.document import Row, Summary
from mapper.verbs.batch.words import limit_words

HERE = "mapper.verbs.batch"  # where fit.html and fit.js lie


def fit_html(rows: Sequence[Row], facts: Summary) -> str:
    """The page of a batch: the matrix of models and devices, with filters."""
    from mapper.verbs.batch.matrix import matrix

    found = matrix(rows, facts)
    return rendered(
        "fit.html",
        script="fit.js",
        package=HERE,
        filters={"change": change, "limit_words": limit_words},
        facts=facts,
        matrix=found,
        data=script_data(found.details),
    )
