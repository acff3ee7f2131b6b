"""A seeded share of benchmarks/mutants.py: real bundles with one thing spoilt are rejected by name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mapper.verify import verify
from tests.examples_path import ROOT

sys.path.append(str(ROOT / "benchmarks"))
from mutants import Draft, caught, examined, examples, in_range, mutant, written

PAIRS = (
    ("residual_if", "speck2f"),
    ("cnn_if", "loihi2"),
    ("srnn_cuba", "spinnaker2"),
    ("srnn_cuba", "xylo-imu"),
)
COUNT = 400


@pytest.fixture(scope="module")
def drafts() -> list[Draft]:
    """A valid bundle of each family."""
    return examples(PAIRS)


def test_valid_bundles_are_accepted(drafts: list[Draft]) -> None:
    assert [examined(draft).findings for draft in drafts] == [()] * len(PAIRS)
    assert {draft.family for draft in drafts} == {"loihi2", "speck", "spinnaker2", "xylo"}


def test_every_mutant_is_rejected_with_words_that_name_its_fault(drafts: list[Draft]) -> None:
    missed: list[str] = []
    kinds: set[str] = set()
    for number in range(COUNT):
        draft, fault = mutant(drafts, number, 7)
        kinds.add(fault.did)
        wrong = caught(fault, examined(draft))
        if wrong:
            missed.append(f"{number}, {draft.name}: {fault.did}: {wrong}")
    assert missed == []
    assert len(kinds) > 40


def test_a_written_mutant_has_its_hashes_and_is_rejected_all_the_same(
    drafts: list[Draft], tmp_path: Path
) -> None:
    for number in range(12):
        draft, fault = mutant(drafts, number, 8)
        checked = verify(written(draft, tmp_path / str(number)))
        assert caught(fault, checked) == "", (fault, checked.findings)
        assert "file-hash" not in {finding.fault for finding in checked.findings}


def test_a_weight_changed_within_its_range_is_seen_with_the_model(
    drafts: list[Draft], tmp_path: Path
) -> None:
    for number, draft in enumerate(drafts):
        spoilt = draft.copied()
        assert in_range(spoilt, np.random.default_rng(number)) is not None
        place = written(spoilt, tmp_path / str(number))
        model = spoilt.manifest["model"]["fingerprint"]
        assert verify(place).ok
        assert {f.fault for f in verify(place, fingerprint=model).findings} == {"mapped"}
