"""The ideal network equals the outputs that others computed. All samples: benchmarks/."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapper.emulate.ideal import run
from nir_io.reader import read
from nir_io.semantics import Semantics
from nir_io.settings import Discretization, Reset
from tests.corpus import CORPUS, records
from tests.emulate.references import Reference, references

CASES = [(one, reset) for one in references() for reset in ("zero", "subtract")]
PER_NETWORK = 25  # samples of a dense network; of a convolutional one:
PER_IMAGE = 3


@pytest.mark.parametrize(("one", "reset"), CASES, ids=[f"{a.name}-{b}" for a, b in CASES])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_counts_equal_the_stored_outputs(one: Reference, reset: Reset, dtype: Any) -> None:
    graph = one.graph()
    events = one.events()
    many = PER_IMAGE if events.ndim == 5 else PER_NETWORK
    some = np.linspace(0, len(events) - 1, many).astype(int)
    found = run(graph, one.semantics(graph, reset), events[some], dtype=dtype)
    (counts,) = found.counts.values()
    assert np.array_equal(counts, one.counts(reset)[some])


BRAILLE = [one for one in references() if one.name.startswith("braille")]
CNN = [one for one in references() if one.name == "cnn_sinabs"]


@pytest.mark.parametrize("one", BRAILLE, ids=[one.name for one in BRAILLE])
def test_the_hidden_raster_of_the_papers_first_test_sample(one: Reference) -> None:
    reset: Reset = "zero" if one.name.endswith("zero") else "subtract"
    graph = one.graph()
    recording = np.load(CORPUS / one.inputs)["test0"][None]
    found = run(
        graph, one.semantics(graph, reset), recording, record=["lif1.lif"], dtype=np.float32
    )
    assert np.array_equal(found.sent["lif1.lif"][0], one.stored("test0_hidden"))
    assert np.array_equal(found.counts["output"][0], one.stored("test0_counts"))


@pytest.mark.parametrize("one", CNN, ids=[one.name for one in CNN])
def test_layer_totals_of_the_papers_cnn(one: Reference) -> None:
    graph = one.graph()
    layers = ["1", "3", "6", "10"]
    found = run(
        graph, one.semantics(graph, "zero"), one.events()[:2], totals=layers, dtype=np.float32
    )
    sums = [found.totals[name].reshape(2, -1).sum(axis=1) for name in layers]
    assert np.array_equal(np.stack(sums, axis=1), one.stored("layer_spikes_zero")[:2])


HERE = bool(records("paper/reference"))
TRACES: list[tuple[str, Discretization, float, float]] = [
    ("norse", "forward-euler", 1.0, 1e-7),
    ("snntorch", "forward-euler", 25.0, 1e-5),
    ("spinnaker2", "forward-euler", 25.0, 1e-3),
    ("exact", "exponential", 1.0, 1e-3),
]


@pytest.mark.parametrize(
    ("platform", "discretization", "unit", "tolerance"), TRACES if HERE else []
)
def test_the_published_trace_of_one_neuron(
    platform: str, discretization: Discretization, unit: float, tolerance: float
) -> None:
    """Three platforms follow this rule (two count v in units of dt / tau), as does the exact
    solution in steps."""
    table = np.loadtxt(CORPUS / f"paper/reference/lif/lif_{platform}.csv", delimiter=",")
    graph = read(CORPUS / "paper/current/lif_norse.nir")
    reset: Reset = "subtract" if platform == "exact" else "zero"
    rule = Semantics(file_dt=1e-4, chip_dt=None, reset=reset, discretization=discretization)
    found = run(graph, rule, table[None, :, :1], record=["1"], dtype=np.float32)
    assert np.array_equal(found.sent["1"][0, :, 0], table[:, 2])
    assert np.abs(found.voltages["1"][0, :, 0] * unit - table[:, 1]).max() < tolerance
