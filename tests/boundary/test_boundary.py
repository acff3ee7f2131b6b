"""Each limit at its value and one past it: none illegal accepted, none legal refused."""

from __future__ import annotations

from collections import Counter

import pytest

from device_profiles.load import load, names
from mapper.solving.outcome import Impossible, Placed
from nir_io.errors import BadInput
from tests.asking import decide, pose
from tests.boundary import loihi2, speck, spinnaker2, xylo
from tests.boundary.case import Case

CASES = tuple(case for family in (speck, xylo, spinnaker2, loihi2) for case in family.cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_limit_is_where_the_documents_have_it(case: Case) -> None:
    graph, profile = case.net().graph(), load(case.device)
    if case.expect == "bad input":
        with pytest.raises(BadInput, match="time constant"):
            decide(pose(graph, profile, case.semantics, case.settings))
        return
    outcome = decide(pose(graph, profile, case.semantics, case.settings))
    if case.expect != "fits":
        assert isinstance(outcome, Impossible), outcome
        kinds = {claim.kind for conflict in outcome.conflicts for claim in conflict.claims}
        assert case.expect in kinds
        return
    why = [c.headline for c in outcome.conflicts] if isinstance(outcome, Impossible) else outcome
    assert isinstance(outcome, Placed), why
    if case.cores is not None:
        assert outcome.cores == case.cores
    if case.error is not None:
        assert outcome.objectives[0][:2] == ("error", case.error)
    if case.form is not None:
        last = outcome.question.network.populations[-1].name
        assert {p.form for p in outcome.chosen[last].form.projections} == {case.form}
    if case.neurons is not None:
        assert outcome.objectives[1][:2] == ("neurons", case.neurons)


def test_every_device_has_cases_on_both_sides() -> None:
    accepted = Counter(case.device for case in CASES if case.expect == "fits")
    refused = Counter(case.device for case in CASES if case.expect != "fits")
    assert len(CASES) >= 100
    assert min(accepted[name] for name in names()) >= 5
    assert min(refused[name] for name in names()) >= 5
    assert len({case.id for case in CASES}) == len(CASES)
