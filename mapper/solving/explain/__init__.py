"""Why a network does not fit: subset-minimal sets of limits, and one sentence for each.

    ledger -> blocked, joint -> Conflict each -> told: equal reasons once, the gravest first

What stays in a conflict cannot hold together, and could without any one of its limits. What
was asked (each population is placed) holds throughout. Conflicts that are listed share no
limit but the number of cores: none of them goes where another is lifted.
"""

from __future__ import annotations

from mapper.solving.explain.conflicts import MOST, conflicts, counted_out
from mapper.solving.explain.headline import headline

__all__ = ["MOST", "conflicts", "counted_out", "headline"]
