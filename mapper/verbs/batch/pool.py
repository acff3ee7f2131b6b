"""Workers as processes of their own, so that a job that dies or hangs costs one row.

Each job (reading a model, one verdict) has its own limit of time and memory. A worker that
dies by itself is replaced and the job tried once more; the second time it is a row.
"""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mapper.verbs.batch.document import Body
from mapper.verbs.batch.judge import Task, plain
from mapper.verbs.batch.messages import DeviceValue, Message
from mapper.verbs.batch.process import Process, memory_says, worker_command
from mapper.verbs.batch.row import bug, limit_hit

READ = "read"
MOST_DEATHS = 2  # of one job, before it is its fault
MOST_STARTS = 3  # in a row, before workers are given up
START_SECONDS = 120.0

Devices = tuple[DeviceValue, ...]
Remaining = Callable[[Task, str], Devices]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The body of one pair. fingerprint: None where the model could not be read."""

    task: Task
    device: str
    fingerprint: str | None
    body: Body
    seconds: float
    read_seconds: float
    peak_mb: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a job may take: seconds of wall clock, and MB beyond the program itself."""

    seconds: float
    memory_mb: int


@dataclass(slots=True)
class _Work:
    """A task on its way: what is left, and how often its present job died."""

    task: Task
    deaths: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(slots=True)
class _Worker:
    """A process and what it is doing. `at`: the job, None while it starts or waits."""

    process: Process
    work: _Work | None = None
    at: str | None = None
    device: str = ""
    deadline: float = 0.0
    ready: bool = False
    fingerprint: str | None = None
    read_seconds: float = 0.0
    body: Body | None = None
    peak_mb: int = 0


def run(
    tasks: Iterable[Task], allowance: Allowance, workers: int, remaining: Remaining
) -> Iterator[Answer]:
    """The answer of every pair, as they come.

    remaining(task, fingerprint): which devices of the task are to be tried, asked once the
    model is read.
    """
    pool = Pool(allowance)
    try:
        yield from pool.run(tasks, workers, remaining)
    finally:
        pool.close()


class Pool:
    """Workers that outlive the tasks given to `run`; `close` ends them.

    command: starts a worker, that is anything that speaks as mapper.verbs.batch.worker does.
    """

    def __init__(self, allowance: Allowance, command: Sequence[str] | None = None) -> None:
        self.allowance = allowance
        self._command = worker_command(allowance.memory_mb) if command is None else command
        self._waiting: deque[_Work] = deque()
        self._remaining: Remaining = lambda task, fingerprint: task.devices
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._failed_starts = 0

    def run(self, tasks: Iterable[Task], workers: int, remaining: Remaining) -> Iterator[Answer]:
        """As the function `run`."""
        self._waiting.extend(_Work(task) for task in tasks)
        self._remaining = remaining
        while self._waiting or any(worker.work for worker in self._workers):
            idle = sum(worker.work is None for worker in self._workers)
            for _ in range(min(workers - len(self._workers), len(self._waiting) - idle)):
                self._start()
            for worker in self._workers:
                self._feed(worker)
            yield from self._listen()

    def close(self) -> None:
        """End every worker."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.reap()
        self._workers = []
        self._selector.close()

    def _start(self) -> None:
        process = Process(self._command)
        worker = _Worker(process, deadline=time.monotonic() + START_SECONDS)
        self._workers.append(worker)
        self._selector.register(process.output, selectors.EVENT_READ, worker)

    def _feed(self, worker: _Worker) -> None:
        if not worker.ready or worker.work is not None or not self._waiting:
            return
        worker.work = self._waiting.popleft()
        worker.body, worker.fingerprint = None, None
        self._at(worker, READ)
        worker.process.say({"task": plain(worker.work.task)})

    def _at(self, worker: _Worker, job: str) -> None:
        worker.at, worker.deadline = job, time.monotonic() + self.allowance.seconds

    def _listen(self) -> Iterator[Answer]:
        """What workers say until the next deadline, and what becomes of the overdue."""
        busy = [w.deadline for w in self._workers if w.work is not None or not w.ready]
        wait = max(0.0, min(busy, default=time.monotonic()) - time.monotonic())
        for key, _ in self._selector.select(wait):
            worker: _Worker = key.data
            messages, open_still = worker.process.hear()
            for message in messages:
                yield from self._heard(worker, message)
            if not open_still and worker in self._workers:
                yield from self._ended(worker)
        now = time.monotonic()
        for worker in tuple(self._workers):
            if now >= worker.deadline and (worker.work is not None or not worker.ready):
                yield from self._overdue(worker)

    def _heard(self, worker: _Worker, message: Message) -> Iterator[Answer]:
        if "ready" in message:
            worker.ready, self._failed_starts = True, 0
            return
        worker.peak_mb = max(worker.peak_mb, message.get("peak_mb", 0))
        work = worker.work
        if work is None:
            return
        if "out_of_memory" in message:
            body = self._out_of_memory(self._job(worker))
            yield from self._stopped(worker, body)
        elif "at" in message:
            self._at(worker, message["at"])
            worker.device, worker.body = message.get("device", ""), message.get("body")
        elif "read" in message:
            yield from self._read(worker, work, message)
        elif "device" in message and (body := message.get("body")) is not None:
            yield self._answer(worker, message["device"], body, message.get("seconds", 0.0))
        elif "done" in message:
            worker.work, worker.at = None, None

    def _read(self, worker: _Worker, work: _Work, message: Message) -> Iterator[Answer]:
        """A model that was read, or could not be."""
        worker.read_seconds = message.get("seconds", 0.0)
        body, fingerprint = message.get("body"), message.get("read")
        if body is not None:
            yield from self._all(worker, work, body)
            return
        assert fingerprint is not None
        worker.fingerprint = fingerprint
        left = self._remaining(work.task, fingerprint)
        work.task = replace(work.task, devices=left)
        worker.process.say({"devices": list(left)})

    def _answer(self, worker: _Worker, device: str, body: Body, seconds: float) -> Answer:
        """The answer of one device, which the task then no longer holds."""
        work = worker.work
        assert work is not None
        left = tuple(d for d in work.task.devices if d["name"] != device)
        answer = Answer(
            task=work.task,
            device=device,
            fingerprint=worker.fingerprint,
            body=body,
            seconds=seconds,
            read_seconds=worker.read_seconds,
            peak_mb=worker.peak_mb,
        )
        work.task = replace(work.task, devices=left)
        return answer

    def _all(self, worker: _Worker, work: _Work, body: Body) -> Iterator[Answer]:
        for device in work.task.devices:
            yield self._answer(worker, device["name"], body, 0.0)

    def _job(self, worker: _Worker) -> str:
        return "" if worker.at == READ else worker.device

    def _stopped(self, worker: _Worker, body: Body) -> Iterator[Answer]:
        """The job's row (all rows, if it was reading), and the rest for another worker."""
        work = worker.work
        assert work is not None
        if worker.at == READ:
            yield from self._all(worker, work, body)
        else:
            told = body if worker.body is None else worker.body
            yield self._answer(worker, worker.device, told, 0.0)
        self._retire(worker)

    def _retire(self, worker: _Worker) -> None:
        """End a worker; what its task still holds goes back to the front."""
        self._workers.remove(worker)
        self._selector.unregister(worker.process.output)
        worker.process.kill()
        worker.process.reap()
        if worker.work is not None and worker.work.task.devices:
            self._waiting.appendleft(worker.work)
        worker.work = None

    def _overdue(self, worker: _Worker) -> Iterator[Answer]:
        if not worker.ready:
            self._not_started(worker, "did not start")
            return
        seconds = self.allowance.seconds
        what = "reading it" if worker.at == READ else "the verdict"
        says = f"{what} took more than {seconds:g} s, the limit of time"
        yield from self._stopped(worker, limit_hit("time", seconds, "s", says))

    def _ended(self, worker: _Worker) -> Iterator[Answer]:
        """A worker that ended by itself."""
        ending = worker.process.reap()
        if worker.work is None:
            if not worker.ready:
                self._not_started(worker, ending.says)
            else:
                self._retire(worker)
            return
        work, job = worker.work, self._job(worker)
        work.deaths[job] = work.deaths.get(job, 0) + 1
        if ending.out_of_memory:
            yield from self._stopped(worker, self._out_of_memory(job))
        elif work.deaths[job] < MOST_DEATHS:
            self._retire(worker)
        elif ending.killed:
            says = f"its process was killed twice ({ending.says}), as happens when memory runs out"
            most = self.allowance.memory_mb
            yield from self._stopped(worker, limit_hit("memory", most, "MB", says))
        else:
            told = [f"its process died twice: {ending.says}"]
            yield from self._stopped(worker, bug(told))

    def _not_started(self, worker: _Worker, says: str) -> None:
        self._retire(worker)
        self._failed_starts += 1
        if self._failed_starts >= MOST_STARTS:
            raise RuntimeError(f"no worker starts: {says}")

    def _out_of_memory(self, job: str) -> Body:
        most = self.allowance.memory_mb
        return limit_hit("memory", most, "MB", memory_says(not job, most))
