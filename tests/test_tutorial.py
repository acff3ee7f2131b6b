"""The tutorial's network computes here what it computed in snnTorch, and keeps its accuracy."""

from __future__ import annotations

import re

import numpy as np
import pytest

from mapper import api
from mapper.emulate import ideal
from mapper.emulate.loaded import Loaded
from nir_io.presets import PRESETS
from nir_io.reader import read
from nir_io.semantics import Semantics
from tests.asking import emulate
from tests.corpus import ROOT

DIGITS = ROOT / "examples" / "digits"


def test_spike_counts_are_snntorchs() -> None:
    graph = read(DIGITS / "digits.nir")
    settings = PRESETS["snntorch"].settings
    semantics = Semantics(**{"chip_dt": None, "steps": None, **settings})
    with np.load(DIGITS / "digits_test.npz") as stored:
        found = ideal.run(graph, semantics, stored["raster"], record=("output",))
        counts = found.sent["output"].sum(axis=1)
        assert counts.sum() > 10_000
        assert np.count_nonzero(counts != stored["snntorch_counts"]) <= 2  # float32 there


@pytest.mark.parametrize(
    ("device", "name"), [("xylo-audio3", "Xylo Audio 3"), ("loihi2", "Loihi 2")]
)
def test_accuracy_on_the_chips_is_the_tutorials(device: str, name: str) -> None:
    with np.load(DIGITS / "digits_test.npz") as stored:
        raster, labels = stored["raster"], stored["labels"]
    bundle = api.map(DIGITS / "digits.nir", device, semantics="snntorch").bundle
    assert bundle is not None
    counts = emulate(Loaded(bundle.manifest, bundle.arrays), raster).counts()
    right = np.count_nonzero(counts.argmax(axis=1) == labels)
    said = re.search(rf"emulator of {name} \| (\d+) ", (ROOT / "docs" / "tutorial.md").read_text())
    assert said is not None
    assert right == int(said[1]), "its figures, of steps 4 to 6 too, are of another quantization"
