"""What py-spinnaker2 would get, beside what its own `s2_nir` converter makes of the same files.

The golden values are those of s2_nir (mid-2025, as copied in SpiNNakerManchester/sPiNNIRker
at 47c758b) run with `dt=1e-4, conn_delay=0, scale_weights=True, FORWARD` on the NIR paper's
networks: thresholds in integer units, decays. It scales a population's weights so that the
largest becomes 127; the single LIF was run unscaled (threshold 2.5 weights).

Ours differ from them where, and only where
- a scale clips a few large weights, to lose less of the others: then the threshold is larger;
- a pool before a dense layer is folded into its weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapper import api
from tests.corpus import CORPUS, ROOT
from tests.handoff import spinnaker2_recorder
from tests.handoff.bundles import loaded

PAPER = CORPUS / "paper" / "current"
pytestmark = pytest.mark.skipif(not PAPER.is_dir(), reason="the corpus is not here")

IF = {"alpha_decay": 1.0, "reset": "reset_by_subtraction"}
GOLDEN: dict[str, list[dict[str, Any]]] = {
    "cnn_sinabs": [
        IF | {"size": 4096, "model": "lif_conv2d", "threshold": 70.978},
        IF | {"size": 4096, "model": "lif_conv2d", "threshold": 126.589},
        IF | {"size": 512, "model": "lif_conv2d", "threshold": 203.071},
        IF | {"size": 256, "model": "lif_no_delay", "threshold": 107.190},
        IF | {"size": 10, "model": "lif_no_delay", "threshold": 195.749},
    ],
    "braille_noDelay_bias_zero": [
        {"size": 38, "alpha_decay": 0.9, "exc_decay": 0.55, "threshold": 9.4856},
        {"size": 7, "alpha_decay": 0.55, "exc_decay": 0.5, "threshold": 18.3230},
    ],
    "braille_noDelay_noBias_subtract": [
        {"size": 40, "alpha_decay": 0.85, "exc_decay": 0.75, "threshold": 34.2298},
        {"size": 7, "alpha_decay": 0.7, "exc_decay": 0.45, "threshold": 69.7967},
    ],
    "lif_norse": [
        {"size": 1, "model": "lif_no_delay", "alpha_decay": 0.96, "threshold": 2.5 * 127},
    ],
}
for _rows in GOLDEN.values():
    for _row in _rows:
        _row.setdefault("model", "lif_curr_exp_no_delay")


@pytest.fixture(params=GOLDEN, scope="module")
def handed_over(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Any, Any]:
    """(name, the bundle, what the recorder got)."""
    folder = tmp_path_factory.mktemp("golden") / "out"
    file = PAPER / f"{request.param}.nir"
    models = ROOT / "benchmarks" / "corpus_models.toml"
    assert api.map(file, "spinnaker2", output=folder, models=models).fits
    deploy = loaded(folder)
    net = deploy.load(str(folder), "spinnaker2")
    deploy.check(net)
    events = {name: np.ones((2, net.size(name)), int) for name in net.inputs}
    snn = spinnaker2_recorder.modules()["spinnaker2.snn"]
    network, _ = deploy.build(snn, net, events, 2, (), list(net.populations))
    return request.param, net, network


def test_populations_and_parameters_agree(handed_over: tuple[str, Any, Any]) -> None:
    name, _, network = handed_over
    made = [
        part
        for part in network.parts
        if isinstance(part, spinnaker2_recorder.Population) and part.neuron_model != "spike_list"
    ]
    assert len(made) == len(GOLDEN[name])
    for ours, theirs in zip(made, GOLDEN[name], strict=True):
        assert ours.size == theirs["size"]
        assert ours.neuron_model == theirs["model"]
        for key in ("alpha_decay", "exc_decay", "inh_decay"):
            wanted = theirs.get("exc_decay" if key == "inh_decay" else key)
            if wanted is not None:
                assert np.allclose(ours.params[key], wanted, rtol=1e-6), key
        zero = name.endswith(("zero", "norse"))
        assert ours.params["reset"] == ("reset_to_v_reset" if zero else "reset_by_subtraction")


def test_a_scale_differs_only_where_weights_are_clipped(handed_over: tuple[str, Any, Any]) -> None:
    name, net, network = handed_over
    for i, ((population, row), theirs) in enumerate(
        zip(net.populations.items(), GOLDEN[name], strict=True)
    ):
        into = [part for part in network.parts if getattr(part, "post", None) is not None]
        into = [part for part in into if part.post.name == f"p{i:03d}"]
        assert into
        refs = [
            value
            for projection in net.projections
            if projection["target"] == population
            for key, value in projection["params"].items()
            if key in ("weight", "kernel")
        ]
        clipped = sum(net.manifest["arrays"][ref]["error"]["clipped"] for ref in refs)
        ours = float(np.ravel(net.param(row, "threshold"))[0])
        largest = max(np.abs(net.arrays[ref]).max() for ref in refs)
        assert largest == 127 or clipped == 0
        if clipped:
            assert ours > 1.01 * theirs["threshold"]
        else:
            assert ours == pytest.approx(theirs["threshold"], rel=1e-4)
