"""The same rows from a Dask cluster, also when one of its workers is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mapper import api
from mapper.verbs.batch import cluster
from mapper.verbs.batch.run import Step
from nir_io.errors import BadInput

distributed = pytest.importorskip("distributed", reason="the extra nirmap[cluster]")
DEVICES = "loihi2,speck2f,xylo-imu"


@pytest.fixture
def dask() -> Iterator[Any]:
    """A cluster of two worker processes on this machine."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as found:
        yield found


def test_a_cluster_gives_the_same_rows_when_a_worker_is_killed(
    dask: Any, examples: Path, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"devices": DEVICES, "models": examples / "models.toml"}
    here = api.fit(examples, **given, output=tmp_path / "here", workers=2)
    victims = [nanny.process.pid for nanny in dask.workers.values()]

    def kill_one(step: Step) -> None:
        if victims:
            os.kill(victims.pop(), signal.SIGKILL)
            victims.clear()

    there = api.fit(
        examples,
        **given,
        output=tmp_path / "there",
        scheduler=dask.scheduler_address,
        progress=kill_one,
    )
    assert there.new == 12
    assert there.rows == here.rows
    same = ("results.jsonl", "results.csv", "summary.json", "report.html")
    assert all(
        (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
        for name in same
    )


def test_a_scheduler_that_is_not_there_is_bad_input(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(
        BadInput, match=r"option scheduler: no Dask scheduler at 'tcp://127.0.0.1:1'"
    ):
        api.fit(examples, scheduler="tcp://127.0.0.1:1")
