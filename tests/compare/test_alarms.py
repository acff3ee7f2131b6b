"""Alarms of a mapping stand on its first screen and in its bundle, and only where there is cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

import nir
import numpy as np
import pytest

from mapper import api
from mapper.families import family_named
from tests.compare.networks import cuba, line, weights
from tests.handoff.bundles import convolved

PLAIN = {"semantics": "snntorch", "file_dt": 1e-3, "reset": "subtract"}


def alarms(network: nir.NIRGraph, device: str, **options: object) -> list[str]:
    result = api.check(
        network, device, **{k: v for k, v in (PLAIN | options).items() if v is not None}
    )
    found = result.facts["alarms"]
    assert list(result.bundle.manifest["alarms"]) == found if result.bundle else not found
    assert all(says.split(":")[0] in result.text for says in found)
    if found:
        assert result.text.index("Alarms") < result.text.index("Where (")
    return found


def test_a_network_that_keeps_its_answers_has_none() -> None:
    network = line(nir.Linear(weights(6, 5, 1)), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
    assert alarms(network, "loihi2") == []
    assert alarms(network, "spinnaker2") == []


def test_weights_that_all_become_0_are_told() -> None:
    values = weights(6, 5, 1)
    values[2] = 1e-5
    network = line(nir.Linear(values), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
    for device in ("loihi2", "spinnaker2"):
        (says,) = alarms(network, device)
        assert says.startswith("'n1': all weights of 1 of 6 neurons are too small")


def test_a_population_that_falls_silent_is_told() -> None:
    """One large weight sets the scale of a layer whose neurons live on small ones."""
    values = np.full((8, 5), 0.012)
    values[0, 0] = 40.0
    network = line(nir.Linear(values), cuba(8), nir.Linear(weights(3, 8, 2)), cuba(3))
    options = {"weight_bits": 2}
    assert any(
        "too small" in says or "silent" in says for says in alarms(network, "loihi2", **options)
    )


def test_saturation_is_told_with_its_end() -> None:
    low = line(nir.Linear(np.full((6, 5), -60.0)), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
    found = alarms(low, "xylo-audio2", spikes="many")
    assert any("'n1' saturates: its membrane stands at the lower end" in says for says in found)


def test_bursts_by_the_order_of_events_are_told_on_data_alone() -> None:
    """In which order random events come says nothing of what the user will send."""
    network = convolved()
    network.nodes["w"] = nir.Linear(np.tile([3.0, -3.0], (3, 32)))
    found = alarms(network, "speck2f", semantics="sinabs", file_dt=None)
    assert not any("bursts on the chip" in says for says in found), found
    raster = (np.random.default_rng(0).random((2, 60, 2, 8, 8)) < 0.2).astype(np.uint8)
    told = api.compare(
        network, "speck2f", data=(raster, None), semantics="sinabs", orders=1, split=False
    )
    assert any("bursts on the chip" in says for says in told.alarms), told.alarms


@pytest.fixture
def steps_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], list[int]]]:
    """Start to count: the steps of every run of a family's emulator from then on."""

    def of(family: str) -> list[int]:
        module = import_module(f"mapper.families.{family}")
        really, found = module.FAMILY.run, list[int]()

        def run(bundle: Any, rasters: Any, steps: int, *more: Any, **named: Any) -> Any:
            found.append(steps)
            return really(bundle, rasters, steps, *more, **named)

        monkeypatch.setattr(module, "FAMILY", replace(module.FAMILY, run=run))
        family_named.cache_clear()
        return found

    yield of
    family_named.cache_clear()


@pytest.mark.parametrize("device", ["loihi2", "spinnaker2", "xylo-audio2"])
def test_the_trial_is_run_once(device: str, steps_run: Callable[[str], list[int]]) -> None:
    """Spikes and membranes come from one run, of the trial's steps and the latency."""
    network = line(nir.Linear(weights(6, 5, 1)), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
    family = "xylo" if device.startswith("xylo") else device
    ran = steps_run(family)
    result = api.check(network, device, **PLAIN, spikes="many" if family == "xylo" else None)
    assert result.fits
    (steps,) = ran
    assert 60 <= steps < 70


def test_what_shows_no_alarm_runs_no_trial(steps_run: Callable[[str], list[int]]) -> None:
    network = line(nir.Linear(weights(6, 5, 1)), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
    ran = steps_run("loihi2")
    assert api.headroom(network, "loihi2", **PLAIN).value is not None
    assert ran == []
    raster = np.ones((2, 7, 5), np.uint8)
    api.compare(network, "loihi2", data=(raster, None), split=False, **PLAIN)
    assert ran and max(ran) < 60
