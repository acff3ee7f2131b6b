"""Whatever a job does to its process costs its own row and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from mapper.verbs.batch.judge import Task
from mapper.verbs.batch.pool import Allowance, Answer, Pool
from tests.batch import scripted

ALLOWANCE = Allowance(seconds=0.6, memory_mb=100)
SCRIPT = str(Path(scripted.__file__))


def task(name: str, *devices: str) -> Task:
    told = tuple({"name": device, "path": None, "profile": "p"} for device in devices)
    return Task(name=name, path=f"/models/{name}", sha256="s", question={}, devices=told)


def answers(
    tmp_path: Path, tasks: Iterable[Task], workers: int = 1
) -> dict[tuple[str, str], Answer]:
    pool = Pool(ALLOWANCE, (sys.executable, "-S", SCRIPT, str(tmp_path)))
    try:
        found = list(pool.run(tasks, workers, lambda task, fingerprint: task.devices))
    finally:
        pool.close()
    by_pair = {(a.task.name, a.device): a for a in found}
    assert len(by_pair) == len(found)
    return by_pair


def test_every_pair_is_answered_with_the_fingerprint_of_its_model(tmp_path: Path) -> None:
    found = answers(tmp_path, [task("a", "x", "y"), task("b", "x")], workers=2)
    assert {pair: a.fingerprint for pair, a in found.items()} == {
        ("a", "x"): "print of a",
        ("a", "y"): "print of a",
        ("b", "x"): "print of b",
    }
    assert all(a.body == {"status": "fits"} and a.peak_mb == 7 for a in found.values())


def test_a_file_that_cannot_be_used_gives_all_its_rows_at_once(tmp_path: Path) -> None:
    found = answers(tmp_path, [task("unreadable", "x", "y"), task("b", "x")])
    assert found["unreadable", "x"].body == found["unreadable", "y"].body == {"status": "bad-input"}
    assert found["unreadable", "x"].fingerprint is None
    assert found["b", "x"].body["status"] == "fits"


@pytest.mark.parametrize(
    ("what", "status", "stopped", "says"),
    [
        ("hang", "limit-hit", "time", "the verdict took more than 0.6 s, the limit of time"),
        (
            "memory",
            "limit-hit",
            "memory",
            "the verdict needs more than 100 MB, the limit of memory",
        ),
        (
            "bad-alloc",
            "limit-hit",
            "memory",
            "the verdict needs more than 100 MB, the limit of memory",
        ),
        ("kill", "limit-hit", "memory", "its process was killed twice (SIGKILL), as happens when"),
        ("die", "bug", None, "its process died twice: exit code 3; it wrote: something broke"),
    ],
)
def test_a_job_that_breaks_its_process_is_one_row_and_the_rest_goes_on(
    tmp_path: Path, what: str, status: str, stopped: str | None, says: str
) -> None:
    found = answers(tmp_path, [task("a", "x", what, "y"), task("b", "x")])
    assert len(found) == 4
    body = found["a", what].body
    assert body["status"] == status
    assert (body["stopped"] or {}).get("what") == stopped
    assert body["says"].startswith(says)
    assert [found[pair].body["status"] for pair in (("a", "x"), ("a", "y"), ("b", "x"))] == [
        "fits"
    ] * 3


@pytest.mark.parametrize("what", ["hang", "memory", "kill", "die"])
def test_a_model_whose_reading_breaks_is_a_row_for_each_device(tmp_path: Path, what: str) -> None:
    found = answers(tmp_path, [task(f"read-{what}", "x", "y"), task("b", "x")])
    assert len({str(found[f"read-{what}", device].body) for device in "xy"}) == 1
    assert found[f"read-{what}", "x"].body["status"] in ("limit-hit", "bug")
    if what in ("hang", "memory"):
        assert found[f"read-{what}", "x"].body["says"].startswith("reading it")
    assert found["b", "x"].body["status"] == "fits"


@pytest.mark.parametrize("what", ["kill", "die"])
def test_a_worker_that_dies_once_costs_no_row(tmp_path: Path, what: str) -> None:
    found = answers(tmp_path, [task("once", "x", what, "y")])
    assert [a.body["status"] for a in found.values()] == ["fits"] * 3


def test_a_verdict_stands_when_the_search_for_changes_takes_too_long(tmp_path: Path) -> None:
    found = answers(tmp_path, [task("a", "changing", "x")])
    assert found["a", "changing"].body == {"status": "not"}
    assert found["a", "x"].body == {"status": "fits"}


def test_only_what_remains_is_tried(tmp_path: Path) -> None:
    pool = Pool(ALLOWANCE, (sys.executable, "-S", SCRIPT, str(tmp_path)))
    asked: list[str] = []

    def remaining(task: Task, fingerprint: str):
        asked.append(fingerprint)
        return task.devices[1:]

    try:
        found = list(pool.run([task("a", "x", "y"), task("unreadable", "z")], 1, remaining))
    finally:
        pool.close()
    assert [(a.task.name, a.device) for a in found] == [("a", "y"), ("unreadable", "z")]
    assert asked == ["print of a"]


def test_workers_that_do_not_start_end_the_batch(tmp_path: Path) -> None:
    pool = Pool(ALLOWANCE, (sys.executable, "-c", "import sys; sys.exit('no such module')"))
    with pytest.raises(
        RuntimeError, match="no worker starts: exit code 1; it wrote: no such module"
    ):
        list(pool.run([task("a", "x")], 1, lambda task, fingerprint: task.devices))
    pool.close()


def test_no_process_outlives_its_pool(tmp_path: Path) -> None:
    pool = Pool(ALLOWANCE, (sys.executable, "-S", SCRIPT, str(tmp_path)))
    running = pool.run(
        [task("a", "x"), task("b", "hang")], 2, lambda task, fingerprint: task.devices
    )
    next(running)
    processes = [worker.process for worker in pool._workers]
    assert len(processes) == 2
    pool.close()
    assert [process.reap().says.split(";")[0] for process in processes] == ["SIGKILL", "SIGKILL"]
