"""The same tasks on a Dask cluster (extra `nirmap[cluster]`).

A task runs on one Dask worker, which keeps processes of its own for it: jobs have the same
limits there as here. Models and profiles are read from the paths that they have here, so
the machines share a file system; a file that differs is noticed by its hash. A Dask worker
that dies gives its tasks to another.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mapper.verbs.batch.judge import Task
from mapper.verbs.batch.pool import Allowance, Answer, Pool, Remaining
from mapper.verbs.batch.question import made_by
from mapper.verbs.batch.row import bug
from mapper.verbs.batch.run import Runner
from nir_io.errors import BadInput
from nir_io.raw import printable

CONNECT_SECONDS = 10
_here = threading.local()


def on_cluster(address: str) -> Runner:
    """A runner for the cluster whose scheduler is at `address`. Raises BadInput."""
    try:
        from distributed import Client  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise BadInput(
            ["option scheduler: needs Dask; install it with: pip install 'nirmap[cluster]'"]
        ) from error
    shown = printable(address)
    try:
        client: Any = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        told = printable(str(error), 200)
        raise BadInput([f"option scheduler: no Dask scheduler at '{shown}': {told}"]) from error

    def runner(
        tasks: Iterable[Task], allowance: Allowance, workers: int, remaining: Remaining
    ) -> Iterator[Answer]:
        try:
            yield from _run(client, tuple(tasks), allowance)
        finally:
            client.close()

    return runner


def _run(client: Any, tasks: tuple[Task, ...], allowance: Allowance) -> Iterator[Answer]:
    from distributed import as_completed  # pyright: ignore[reportMissingImports]

    plain = asdict(allowance)
    futures = {client.submit(carry_out, asdict(task), plain, pure=False): task for task in tasks}
    for future in as_completed(tuple(futures), loop=client.loop):
        task = futures.pop(future)
        if future.status != "finished":
            told = printable(str(future.exception()), 300)
            yield from _all(task, f"the cluster gave this task up: {told}")
            continue
        found: Mapping[str, Any] = future.result()
        if found["made_by"] != made_by():
            raise BadInput(
                [f"the cluster runs another nirmap: {found['made_by']}; here: {made_by()}"]
            )
        for answer in found["answers"]:
            yield Answer(task=task, **answer)


def _all(task: Task, says: str) -> Iterator[Answer]:
    for device in task.devices:
        yield Answer(
            task=task,
            device=device["name"],
            fingerprint=None,
            body=bug([says]),
            seconds=0.0,
            read_seconds=0.0,
            peak_mb=0,
        )


def carry_out(raw: Mapping[str, Any], allowance: Mapping[str, Any]) -> dict[str, Any]:
    """One task, on a Dask worker: the answers of all its devices, as plain values."""
    task = Task(**raw)
    pool = _pool(Allowance(**allowance))
    told = pool.run([task], 1, lambda task, fingerprint: task.devices)
    answers = [_plain(answer) for answer in told]
    return {"made_by": made_by(), "answers": answers}


def _plain(answer: Answer) -> dict[str, Any]:
    names = ("device", "fingerprint", "body", "seconds", "read_seconds", "peak_mb")
    return {name: getattr(answer, name) for name in names}


def _pool(allowance: Allowance) -> Pool:
    """This thread's pool, which keeps its process from task to task."""
    pool: Pool | None = getattr(_here, "pool", None)
    if pool is not None and pool.allowance == allowance:
        return pool
    if pool is not None:
        pool.close()
    pool = Pool(allowance)
    atexit.register(pool.close)
    _here.pool = pool
    return pool
