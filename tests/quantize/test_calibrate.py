"""Calibration: what it chose holds on data that it did not see, is stored, and is bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper import api
from mapper.bundle.integers.draft import Quantized
from mapper.families import family_named
from mapper.solving.outcome import Placed
from mapper.verbs.calibrate import Calibration, Examples
from mapper.verbs.calibrate import calibrate as calibrated
from nir_io.errors import BadInput
from tests.asking import emulate
from tests.quantize.networks import DT, events, loaded, mapped, srnn

DEVICES = ("xylo-audio2", "loihi2", "spinnaker2")
HOW: dict[str, Any] = {"semantics": "snntorch", "file_dt": DT, "reset": "subtract"}


def calibrate(placed: Placed, examples: Examples, budget: int) -> tuple[Quantized, Calibration]:
    family = family_named(placed.question.profile.family)
    return calibrated(placed, examples, family, budget)


def given(seed: int, samples: int = 40) -> Examples:
    return Examples(name="events", raster=events(seed, samples, 30), labels=None, sha256="")


def placed(device: str) -> Placed:
    outcome = mapped(srnn(7, size=0.15), device).outcome
    assert isinstance(outcome, Placed)
    return outcome


@pytest.mark.parametrize("device", DEVICES)
def test_a_search_never_does_worse_on_its_own_samples_and_keeps_its_budget(device: str) -> None:
    _, told = calibrate(placed(device), given(0), budget=12)
    assert told.evaluations <= 12
    assert told.searched == told.told == 20
    assert told.searched_after >= told.searched_before - 0.2  # likeness counts a fifth


def test_even_samples_choose_and_odd_ones_are_reported() -> None:
    """Spoiling the odd samples changes what is told, not what is chosen."""
    plain, spoilt = given(1), given(1)
    spoilt.raster[1::2] = 0
    one, other = (calibrate(placed("xylo-audio2"), x, budget=10)[1] for x in (plain, spoilt))
    assert one.chosen == other.chosen
    assert one.searched_after == other.searched_after
    spoilt.raster[0::2] = 0
    assert calibrate(placed("xylo-audio2"), spoilt, budget=10)[1].chosen != one.chosen


def test_the_report_is_what_the_bundle_does(tmp_path: Path) -> None:
    x, y = events(3, 30, 30), np.arange(30) % 3
    np.savez(tmp_path / "data.npz", raster=x, labels=y)
    result = api.map(
        srnn(7, size=0.15),
        "xylo-imu",
        calibrate=tmp_path / "data.npz",
        evaluations=8,
        output=tmp_path / "out",
        **HOW,
    )
    told = loaded(result).manifest["calibration"]
    right = emulate(loaded(result), x[1::2]).counts().argmax(axis=1) == y[1::2]
    assert told["after"]["value"] == pytest.approx(right.mean(), abs=1e-6)
    assert told["reported"] == 15 and told["budget"] == 8
    assert "Calibrated" in result.text
    assert api.verify(tmp_path / "out").ok


def test_the_same_data_give_the_same_bytes_and_others_another_hash() -> None:
    x = events(4, 20, 20)
    first, again, other = (
        api.check(srnn(2, size=0.15), "spinnaker2", calibrate=(raster, None), evaluations=6, **HOW)
        for raster in (x, x.copy(), 1 - x)
    )
    assert first.bundle is not None and again.bundle is not None and other.bundle is not None
    assert first.bundle.all_files() == again.bundle.all_files()
    hashes = {r.bundle.manifest["calibration"]["sha256"] for r in (first, other) if r.bundle}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("data", "more", "says"),
    [
        ((np.zeros((1, 5, 6), np.uint8), None), {}, "needs at least 2"),
        ((np.zeros((4, 5, 7), np.uint8), None), {}, "7 channels"),
        (None, {"evaluations": 3}, "add --calibrate FILE"),
        ((np.zeros((4, 5, 6), np.uint8), None), {"evaluations": 0}, "from 1 to"),
    ],
)
def test_bad_data_and_options_are_one_line(data: Any, more: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        api.check(srnn(2), "spinnaker2", calibrate=data, **more, **HOW)
