"""Possible fixes of a refusal: each was solved again before it is offered.

    Impossible -> repairs (what its conflicts name) -> Fix each, cheapest first

`fixes` is the search, `Fix` a way out as a value that can be applied, and `verified` makes
and checks the bundle of each.
"""

from __future__ import annotations

from mapper.problem.fix import Fix
from mapper.verbs.fixes.search import fixes, verified

__all__ = ["Fix", "fixes", "verified"]
