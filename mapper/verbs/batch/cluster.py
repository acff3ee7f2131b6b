"""The same tasks on a Dask cluster (extra `nirmap[cluster]`).

A task runs on one Dask worker, which keeps processes of its own for it: jobs have the same
limits there as here. Models and profiles are read from the paths that they have here, so
the machines share a file system; a file that differs is noticed by its hash. A Dask worker
that dies gives its tasks to another.
"""

# distributed is optional and has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypedDict

from mapper.verbs.batch.document import Body
from mapper.verbs.batch.judge import Task, plain, task_of
from mapper.verbs.batch.messages import TaskValue
from mapper.verbs.batch.pool import Allowance, Answer, Pool, Remaining
from mapper.verbs.batch.question import made_by
from mapper.verbs.batch.row import bug
from mapper.verbs.batch.run import Runner
from nir_io.errors import BadInput
from nir_io.raw import printable

if TYPE_CHECKING:
    from distributed import Client  # pyright: ignore[reportMissingImports]

CONNECT_SECONDS = 10
_here = threading.local()


class AllowanceValue(TypedDict):
    """An Allowance."""

    seconds: float
    memory_mb: int


class AnswerValue(TypedDict):
    """An Answer, without its task."""

    device: str
    fingerprint: str | None
    body: Body
    seconds: float
    read_seconds: float
    peak_mb: int


class Done(TypedDict):
    """What became of a task, and which program did it."""

    made_by: str
    answers: list[AnswerValue]


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
        client: Client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
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


def _run(client: Client, tasks: tuple[Task, ...], allowance: Allowance) -> Iterator[Answer]:
    from distributed import as_completed  # pyright: ignore[reportMissingImports]

    allowed: AllowanceValue = {"seconds": allowance.seconds, "memory_mb": allowance.memory_mb}
    futures = {client.submit(carry_out, plain(task), allowed, pure=False): task for task in tasks}
    for future in as_completed(tuple(futures), loop=client.loop):
        task = futures.pop(future)
        if future.status != "finished":
            told = printable(str(future.exception()), 300)
            yield from _all(task, f"the cluster gave this task up: {told}")
            continue
        found: Done = future.result()
        if found["made_by"] != made_by():
            raise BadInput(
                [f"the cluster runs another nirmap: {found['made_by']}; here: {made_by()}"]
            )
        for answer in found["answers"]:
            yield Answer(
                task=task,
                device=answer["device"],
                fingerprint=answer["fingerprint"],
                body=answer["body"],
                seconds=answer["seconds"],
                read_seconds=answer["read_seconds"],
                peak_mb=answer["peak_mb"],
            )


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


def carry_out(raw: TaskValue, allowance: AllowanceValue) -> Done:
    """One task, on a Dask worker: the answers of all its devices, as plain values."""
    task = task_of(raw)
    pool = _pool(Allowance(**allowance))
    told = pool.run([task], 1, lambda task, fingerprint: task.devices)
    answers = [_value(answer) for answer in told]
    return {"made_by": made_by(), "answers": answers}


def _value(answer: Answer) -> AnswerValue:
    return {
        "device": answer.device,
        "fingerprint": answer.fingerprint,
        "body": answer.body,
        "seconds": answer.seconds,
        "read_seconds": answer.read_seconds,
        "peak_mb": answer.peak_mb,
    }


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
