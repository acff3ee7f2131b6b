"""CP-SAT and the exhaustive solver agree on random small networks of each family.

Both say the same of every one: whether it fits, the least error and the fewest cores. What
is placed passes the stand-alone checker. benchmarks/agreement.py asks ten times as much.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mapper.oracle.answer import Feasible
from tests.exhaustive.agree import compare, searched
from tests.exhaustive.instances import FAMILIES, instance

EACH = 200  # questions a family
BLOCK = 25


@pytest.mark.parametrize("start", range(0, EACH, BLOCK))
@pytest.mark.parametrize("family", FAMILIES)
def test_both_solvers_agree_on_random_networks(family: str, start: int, tmp_path: Path) -> None:
    found = {
        seed: compare(instance(family, seed), tmp_path) for seed in range(start, start + BLOCK)
    }
    differ = [f"{family} {seed}: {one.differs}" for seed, one in found.items() if one.differs]
    assert not differ, "\n".join(differ)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_random_networks_fall_on_both_sides(family: str) -> None:
    fits = Counter(isinstance(searched(instance(family, seed)), Feasible) for seed in range(40))
    assert fits[True] >= 8
    assert fits[False] >= 8


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_number_gives_the_same_question(family: str) -> None:
    first, second = instance(family, 3), instance(family, 3)
    assert first.text == second.text
    assert first.graph.edges == second.graph.edges
    assert repr(first.graph.nodes) == repr(second.graph.nodes)
    assert (first.semantics, first.settings) == (second.semantics, second.settings)
