"""A fifth family, from file to verified bundle and emulation, in a folder of its own."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from mapper import api
from mapper.emulate.loaded import Loaded
from tests.asking import emulate
from tests.compare.networks import line
from tests.odin.conftest import PROFILE

RULE: dict[str, Any] = {"semantics": "sinabs", "reset": "zero", "v_min": 0.0}


def fires(n: int, threshold: float = 1.0) -> nir.IF:
    ones = np.ones(n)
    return nir.IF(r=ones, v_threshold=ones * threshold, v_reset=ones * 0.0)


def rows(seed: int, targets: int, sources: int) -> np.ndarray[Any, Any]:
    """Weights of one sign a source, a few sevenths of a threshold each."""
    rng = np.random.default_rng(seed)
    sign = np.where(rng.random(sources) < 0.3, -1.0, 1.0)
    return rng.integers(0, 8, (targets, sources)) * sign / 20.0


def network(*sizes: int) -> nir.NIRGraph:
    nodes: list[nir.NIRNode] = []
    for i, (sources, targets) in enumerate(pairwise(sizes)):
        nodes += [nir.Linear(rows(i, targets, sources)), fires(targets)]
    return line(*nodes)


def raster(seed: int, channels: int, samples: int = 3, steps: int = 30) -> np.ndarray[Any, Any]:
    return (np.random.default_rng(seed).random((samples, steps, channels)) < 0.4).astype(np.uint8)


def test_a_network_becomes_a_bundle_that_the_checker_takes(tmp_path: Path) -> None:
    file = tmp_path / "net.nir"
    nir.write(file, network(20, 30, 5))
    result = api.map(file, PROFILE, output=tmp_path / "out", **RULE)
    assert result.fits, result.text
    assert result.exit_code == 0
    assert api.verify(tmp_path / "out", file, profile=PROFILE).ok
    assert not (tmp_path / "out" / "deploy.py").exists()
    assert "nirmap has no hand-off" in result.text
    for name in ("report.html", "mapped.nir", "expected.npz"):
        assert (tmp_path / "out" / name).is_file()


def test_its_integers_are_those_of_the_network_and_run_as_it_does() -> None:
    """Twentieths are held exactly, at 20 units a threshold; '>=' is as ODIN compares."""
    result = api.check(network(20, 30, 5), PROFILE, comparison=">=", **RULE)
    assert result.bundle is not None, result.text
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    assert {bundle.param(row, "threshold")[0] for row in bundle.populations.values()} == {20}
    first = bundle.param(bundle.manifest["projections"][0], "weight")
    assert np.array_equal(first, np.rint(rows(0, 30, 20) * 20))
    data = raster(1, 20)
    ran = emulate(bundle, data)
    assert ran.counts().sum() > 20


def test_one_event_at_a_time_by_hand() -> None:
    """Threshold 10, weights 7, 3 and -5: 7, 10 fires; -5 stops at 0; then 7 and 3 fire again."""
    weight = np.array([[0.7, 0.3, -0.5]])
    result = api.check(line(nir.Linear(weight), fires(1)), PROFILE, comparison=">=", **RULE)
    assert result.bundle is not None, result.text
    bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
    assert bundle.param(bundle.manifest["projections"][0], "weight").tolist() == [[7, 3, -5]]
    steps = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    ran = emulate(bundle, np.array([steps], np.uint8), seed=None, states=("n1",))
    assert ran.populations["n1"][0, :, 0].tolist() == [0, 1, 0, 0, 1, 0, 0]
    assert ran.states["n1"][0, :, 0].tolist() == [7, 0, 0, 7, 0, 7, 2]


@pytest.mark.parametrize(("sizes", "fits"), [((156, 90, 10), True), ((157, 90, 10), False)])
def test_addresses_are_counted_to_the_last(sizes: tuple[int, ...], fits: bool) -> None:
    result = api.check(network(*sizes), PROFILE, **RULE)
    assert result.fits is fits
    if not fits:
        (conflict,) = result.outcome.conflicts  # type: ignore[union-attr]
        assert conflict.headline == (
            "the network takes 257 addresses, 157 of them for input channels; the crossbar has 256"
        )


def test_a_refusal_has_a_certificate_that_is_proven(tmp_path: Path) -> None:
    api.map(network(157, 90, 10), PROFILE, output=tmp_path / "out", **RULE)
    proven = api.verify(tmp_path / "out.refused", profile=PROFILE)
    assert proven.ok, proven


def test_signs_are_one_a_row() -> None:
    mixed = line(nir.Linear(np.array([[0.5, 0.1], [-0.5, 0.1]])), fires(2))
    result = api.check(mixed, PROFILE, **RULE)
    assert not result.fits
    assert "weights of both signs" in result.text


def test_what_its_neuron_is_not_is_said() -> None:
    plain = network(4, 3)
    assert (
        "the network's v_min is -1"
        in api.check(plain, PROFILE, semantics="sinabs", reset="zero").text
    )
    assert "odin only to v_reset" in api.check(plain, PROFILE, semantics="sinabs", v_min=0.0).text


@pytest.mark.parametrize("sizes", [(3, 4, 2), (5, 2), (150, 110)])
def test_the_exhaustive_search_agrees(sizes: tuple[int, ...]) -> None:
    result = api.check(network(*sizes), PROFILE, solver="exhaustive", **RULE)
    assert "agrees" in result.text or "finds no placement either" in result.text


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (lambda m, a, w: a[w].__setitem__((0, 0), 9), "weight-range"),
        (lambda m, a, w: a[w].__setitem__((slice(2), 0), (3, -3)), "sign"),
        (lambda m, a, w: m["populations"][0].update(reset="subtract"), "reset"),
        (lambda m, a, w: m["projections"][0].update(delay=1), "delay-range"),
    ],
)
def test_the_checker_notices(what: Any, fault: str, tmp_path: Path) -> None:
    from mapper.bundle.bundle import npz_bytes
    from mapper.verify import examine

    result = api.check(network(6, 5), PROFILE, **RULE)
    assert result.bundle is not None
    manifest = json.loads(json.dumps(result.bundle.manifest))
    arrays = {name: array.copy() for name, array in result.bundle.arrays.items()}
    what(manifest, arrays, manifest["projections"][0]["params"]["weight"])
    found = examine(manifest, npz_bytes(arrays), profile=PROFILE)
    assert fault in {finding.fault for finding in found.findings}


def test_comparing_tells_the_loss_by_cause() -> None:
    found = api.compare(network(20, 30, 5), PROFILE, data=(raster(2, 20), None), **RULE)
    assert found.family == "odin"
    assert found.parts[-1].cause == "event-order"
