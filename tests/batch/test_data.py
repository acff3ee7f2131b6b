"""`fit` on data: devices ranked by agreement with the ideal network's decisions."""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from mapper import api
from mapper.verbs.batch.verb import Fitted
from nir_io.errors import BadInput
from tests.compare.networks import events
from tests.handoff.bundles import recurrent

RULE = {"semantics": "snntorch", "file_dt": "1e-3", "reset": "zero", "allow": ["reset-kind"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    nir.write(place / "net.nir", recurrent())
    np.savez(place / "net.npz", raster=events(20, 60, 5))
    np.savez(place / "wide.npz", raster=events(20, 60, 6))
    return place


def fit(folder: Path, data: Path | None, **options: str) -> Fitted:
    return api.fit(
        folder / "net.nir", ["loihi2", "xylo-audio2"], data=data, workers=1, **(RULE | options)
    )


def test_devices_are_ranked_by_agreement(folder: Path) -> None:
    found = fit(folder, folder / "net.npz")
    each = {row["device"]: row for row in found.rows}
    for device, row in each.items():
        alone = api.compare(
            folder / "net.nir", device, data=folder / "net.npz", split=False, orders=1, **RULE
        )
        assert row["agreement"] == pytest.approx(alone.agreement.value, abs=1e-6)
        assert [says for says in alone.alarms if says in row["alarms"]] == list(alone.alarms)
    best = max(each, key=lambda device: each[device]["agreement"])
    assert found.facts["models"][0]["ranking"][0]["device"] == best
    assert "% agree" in found.text


def test_a_folder_of_data_is_looked_through_by_name(folder: Path) -> None:
    found = {row["device"]: row["agreement"] for row in fit(folder, folder).rows}
    assert found == {r["device"]: r["agreement"] for r in fit(folder, folder / "net.npz").rows}


def test_data_that_do_not_fit_leave_the_verdict(folder: Path) -> None:
    for row in fit(folder, folder / "wide.npz").rows:
        assert row["status"] == "fits" and row["agreement"] is None
        assert any("not judged on data" in says for says in row["alarms"])


def test_rows_are_made_again_for_other_data(folder: Path) -> None:
    first, again, other = (
        {row["key"] for row in fit(folder, data).rows}
        for data in (folder / "net.npz", folder / "net.npz", folder / "wide.npz")
    )
    assert first == again and not first & other


def test_what_is_not_there_is_said_before_anything_runs(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"option input: .* is not there"):
        fit(folder, folder / "none.npz")
    with pytest.raises(BadInput, match="option --decode: 'loud'"):
        fit(folder, folder / "net.npz", decode="loud")
