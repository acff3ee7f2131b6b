"""What a chip does otherwise than the update rule is told, and only where it can matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapper import api
from mapper.solving.outcome import Undecided
from nir_io.graph import IF, Graph, Input, Linear, Output, frozen, make_graph


def net(weight: list[list[float]]) -> Graph:
    """2 inputs -> 2 IF with threshold 1."""
    at: dict[str, Any] = {"shape_in": (2,), "shape_out": (2,)}
    ones = frozen(np.ones(2))
    return make_graph(
        (
            Input(name="in", **at),
            Linear(name="w", weight=frozen(np.array(weight)), **at),
            IF(name="n", r=ones, v_threshold=ones, v_reset=frozen(np.zeros(2)), **at),
            Output(name="out", **at),
        ),
        (("in", "w"), ("w", "n"), ("n", "out")),
    )


STRONG, WEAK, MIXED = [[2.0, 0.5], [0.5, 2.0]], [[0.4, 0.5], [0.5, 0.4]], [[0.5, -0.4], [-0.4, 0.5]]


@pytest.mark.parametrize(
    ("weight", "device", "options", "words"),
    [
        (STRONG, "loihi2", {"spikes": "many"}, ["several times a step"]),
        (STRONG, "loihi2", {"spikes": "one"}, []),
        (WEAK, "loihi2", {"spikes": "many"}, []),
        (MIXED, "spinnaker2", {"v_min": -1.0}, ["stop at -1 thresholds"]),
        (STRONG, "spinnaker2", {"v_min": -1.0}, []),
        (MIXED, "speck2f", {"v_min": -1.0, "spikes": "many"}, []),
        (STRONG, "spinnaker2", {"v_min": -1.0, "spikes": "many"}, ["several times a step"]),
    ],
)
def test_departures_are_told_where_they_can_matter(
    weight: list[list[float]], device: str, options: dict[str, Any], words: list[str]
) -> None:
    result = api.check(net(weight), device, semantics="nir", reset="subtract", **options)
    found = result.facts["departures"]
    assert len(found) == len(words), found
    for says, word in zip(found, words, strict=True):
        assert word in says
    assert ("exact but for integers" in result.text) == (not words)


def test_exact_refuses_a_departure() -> None:
    given: dict[str, Any] = {"semantics": "nir", "reset": "subtract", "spikes": "many"}
    result = api.check(net(STRONG), "loihi2", exact=True, **given)
    assert isinstance(result.outcome, Undecided)
    assert "--exact" in result.text and result.exit_code == 3
    assert api.check(net(WEAK), "loihi2", exact=True, **given).fits


def test_a_hidden_neuron_of_xylo_may_burst() -> None:
    given: dict[str, Any] = {"reset": "subtract", "allow": ("if-to-lif", "lif-to-cubalif")}
    given |= {"max_error": 2.0, "steps": 20, "semantics": "nir", "file_dt": 1.0}
    one, many = (api.check(net(STRONG), "xylo-imu", spikes=s, **given) for s in ("one", "many"))
    assert one.fits and many.fits
    assert "up to 31 times" in " ".join(one.facts["departures"])
    assert not many.facts["departures"]
