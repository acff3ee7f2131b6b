"""A batch from its question to its rows: what is known is kept, the rest is computed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mapper.verbs.batch.document import Row, TimesRow
from mapper.verbs.batch.judge import Task
from mapper.verbs.batch.messages import DeviceValue
from mapper.verbs.batch.models import ModelFile
from mapper.verbs.batch.pool import Allowance, Answer, Devices, Remaining, run
from mapper.verbs.batch.question import Device, Question, key_of
from mapper.verbs.batch.row import row_of
from mapper.verbs.batch.store import Store

SPREAD = 2  # tasks a worker, at least, where models are few


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All that is asked: the pairs of models and devices, and what a job may take."""

    models: tuple[ModelFile, ...]
    devices: tuple[Device, ...]
    question: Question
    allowance: Allowance
    workers: int

    def pairs(self) -> Iterator[tuple[str, str]]:
        """(model, device) of every pair."""
        for model in self.models:
            for device in self.devices:
                yield model.name, device.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Progress: a row that is new, and how many of all pairs are done."""

    row: Row
    done: int
    total: int


class Runner(Protocol):
    """Carries out tasks: the local pool, or a cluster."""

    def __call__(
        self, tasks: Iterable[Task], allowance: Allowance, workers: int, remaining: Remaining
    ) -> Iterator[Answer]: ...


def fit(
    batch: Batch,
    folder: Path | None,
    progress: Callable[[Step], None] = lambda step: None,
    runner: Runner = run,
) -> tuple[tuple[Row, ...], tuple[TimesRow, ...], int]:
    """Every pair's row in order, their times, and how many were computed now.

    Raises BadInput where the folder cannot be used.
    """
    with Store(folder) as store:
        work = _Work(batch, store)
        total = len(batch.models) * len(batch.devices)
        tasks, done, new = work.tasks(), total - work.open, 0
        for answer in runner(tasks, batch.allowance, batch.workers, work.remaining):
            row = work.keep(answer)
            new += 1
            progress(Step(row=row, done=done + new + work.reused, total=total))
        rows = store.finish(batch.pairs())
        times = tuple(store.times[pair] for pair in sorted(batch.pairs()) if pair in store.times)
        return rows, times, new


class _Work:
    """Which pairs are open, and what becomes of answers. `reused`: rows of equal networks."""

    def __init__(self, batch: Batch, store: Store) -> None:
        self._batch, self._store = batch, store
        self._models = {model.name: model for model in batch.models}
        self._devices = {device.name: device for device in batch.devices}
        self._asked = {model.name: batch.question.of(model) for model in batch.models}
        self._open = {
            model.name: tuple(d for d in batch.devices if not self._is_done(model, d))
            for model in batch.models
        }
        self.reused = 0

    @property
    def open(self) -> int:
        """Pairs that have no row yet."""
        return sum(map(len, self._open.values()))

    def tasks(self) -> list[Task]:
        """The open pairs as tasks, those of large files first."""
        left = [model for model in self._batch.models if self._open[model.name]]
        left.sort(key=lambda model: (-model.size, model.name))
        pieces = max(1, -(-SPREAD * self._batch.workers // max(1, len(left))))
        return [
            Task(
                name=model.name,
                path=os.path.abspath(model.path),  # noqa: PTH100 -- links stay as they are
                sha256=model.sha256,
                question=self._asked[model.name],
                devices=tuple(map(_told, devices)),
            )
            for model in left
            for devices in _split(self._open[model.name], pieces)
        ]

    def remaining(self, task: Task, fingerprint: str) -> Devices:
        """The devices of a task for which no row of an equal network stands.

        Rows that stand are taken over under this file's name.
        """
        model = self._models[task.name]
        left: list[DeviceValue] = []
        for told in task.devices:
            device = self._devices[told["name"]]
            key = key_of(fingerprint, device.profile.hash, self._asked[model.name])
            known = self._store.with_key(key)
            if known is None or known["fingerprint"] != fingerprint or self._is_stale(known):
                left.append(told)
                continue
            self._store.add(
                {**known, "model": model.name, "sha256": model.sha256},
                _times(model.name, device.name, key, 0.0, 0.0, 0),
            )
            self.reused += 1
        return tuple(left)

    def keep(self, answer: Answer) -> Row:
        """The answer as a row in the store."""
        model, device = self._models[answer.task.name], self._devices[answer.device]
        network = answer.fingerprint or f"file:{model.sha256}"
        key = key_of(network, device.profile.hash, self._asked[model.name])
        row = row_of(model, device.name, device.profile.hash, answer.fingerprint, key, answer.body)
        took = _times(
            model.name, device.name, key, answer.seconds, answer.read_seconds, answer.peak_mb
        )
        self._store.add(row, took)
        return row

    def _is_done(self, model: ModelFile, device: Device) -> bool:
        row = self._store.rows.get((model.name, device.name))
        if row is None or row["sha256"] != model.sha256 or self._is_stale(row):
            return False
        network = row["fingerprint"] or f"file:{model.sha256}"
        return row["key"] == key_of(network, device.profile.hash, self._asked[model.name])

    def _is_stale(self, row: Row) -> bool:
        """Whether a row is to be computed anew.

        A bug is tried again, and a limit of time or memory that is now another.
        """
        if row["status"] != "limit-hit":
            return row["status"] == "bug"
        now = {"time": self._batch.allowance.seconds, "memory": self._batch.allowance.memory_mb}
        stopped = row["stopped"]
        return stopped is None or now[stopped["what"]] != stopped["most"]


def _split(devices: tuple[Device, ...], pieces: int) -> Iterator[tuple[Device, ...]]:
    each = -(-len(devices) // pieces)
    for start in range(0, len(devices), each):
        yield devices[start : start + each]


def _told(device: Device) -> DeviceValue:
    return {"name": device.name, "path": device.path, "profile": device.profile.hash}


def _times(
    model: str, device: str, key: str, seconds: float, read_seconds: float, peak_mb: int
) -> TimesRow:
    return {
        "model": model,
        "device": device,
        "key": key,
        "seconds": round(seconds, 4),
        "read_seconds": round(read_seconds, 4),
        "worker_peak_mb": peak_mb,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
