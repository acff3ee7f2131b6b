"""One model, read once, and its verdict on one device after another."""

from __future__ import annotations

import math
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mapper.errors import OurBug
from mapper.verbs.batch.document import Body
from mapper.verbs.batch.messages import DeviceValue, QuestionValue, TaskValue
from mapper.verbs.batch.models import UNREADABLE, sha256_of
from mapper.verbs.batch.program import ROOT
from mapper.verbs.batch.row import bad_input, body_of, bug
from nir_io.errors import BadInput
from nir_io.raw import printable

if TYPE_CHECKING:
    from device_profiles.profile import Profile
    from mapper.problem.asked import Asked, Source
    from mapper.solving.outcome import Outcome
    from mapper.verbs.report import Report

MOST = 2**27  # neurons x steps of all samples that a network is judged on


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One model and what is asked of it."""

    name: str
    path: str
    sha256: str
    question: QuestionValue
    devices: tuple[DeviceValue, ...]


def task_of(value: TaskValue) -> Task:
    """The task that `plain` has made a value of."""
    return Task(
        name=value["name"],
        path=value["path"],
        sha256=value["sha256"],
        question=value["question"],
        devices=tuple(value["devices"]),
    )


def plain(task: Task) -> TaskValue:
    """A task as a value for JSON."""
    return {
        "name": task.name,
        "path": task.path,
        "sha256": task.sha256,
        "question": task.question,
        "devices": list(task.devices),
    }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Opened:
    """A model that could be read."""

    task: Task
    source: Source


def opened(task: Task) -> Opened | Body:
    """The model of a task, or the body of every row of a file that cannot be used."""
    from mapper.problem.asked import Source
    from nir_io.limits import Limits
    from nir_io.reader import read

    path = Path(task.path)
    found = sha256_of(path)
    if found != task.sha256:
        gone = found == UNREADABLE
        how = "can no longer be read here" if gone else "is another than when the batch began"
        return bad_input([f"the file {how}"], task.path)
    limits = task.question["limits"]
    try:
        graph = read(
            path,
            repair=task.question["repair"],
            limits=None if limits is None else Limits(**limits),
        )
    except BadInput as error:
        return bad_input(error.findings, printable(task.path, 200))
    return Opened(
        task=task, source=Source(graph=graph, name=task.name, path=path, sha256=task.sha256)
    )


def verdict(model: Opened, device: DeviceValue) -> tuple[Body, Outcome | None]:
    """The body of the pair's row, and the outcome where there is one.

    Raises MemoryError where there is too little; every other failure is a row.
    """
    from mapper.verbs.answer import answer

    shown = printable(model.task.path, 200)
    try:
        result = answer(_asked(model, device), whole=False, brief=True)
        return _on_data(model, result, body_of(result)), result.outcome
    except BadInput as error:
        return bad_input(error.findings, shown), None
    except OurBug as error:
        return bug(error.findings), None
    except MemoryError:
        raise
    except Exception as error:
        return bug(surprise(error)), None


def _on_data(model: Opened, result: Report, body: Body) -> Body:
    """The body with agreement with the ideal network's decisions, and alarms, where there are data."""
    given = model.task.question["data"]
    if given is None or result.bundle is None:
        return body
    from mapper.verbs.compare.verb import How, compare_result

    path = Path(given["path"])
    alarms = body["alarms"]
    if sha256_of(path) != given["sha256"]:
        gone = "not judged on data: the file is another than at the start"
        return {**body, "alarms": [*alarms, gone]}
    width = sum(math.prod(row["shape"]) for row in result.bundle.manifest["populations"])
    how = How(decode=given["decode"], orders=1, split=False, numbers=max(MOST // width, 1))
    try:
        found = compare_result(result, model.source, path, how)
    except BadInput as error:
        return {**body, "alarms": [*alarms, f"not judged on data: {error.findings[0]}"]}
    return {
        **body,
        "agreement": round(found.agreement.value, 6),
        "alarms": [*alarms, *found.alarms],
    }


def surprise(error: BaseException) -> list[str]:
    """An unexpected exception, and the line of ours that it passed last."""
    told = [f"{type(error).__name__}: {error}"[:300]]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT):
            return [*told, f"in {path.relative_to(ROOT).as_posix()}, line {frame.lineno}"]
    return told


def _asked(model: Opened, device: DeviceValue) -> Asked:
    from device_profiles.load import load
    from mapper.problem.asked import Asked
    from mapper.problem.options import settings_of, split
    from nir_io.resolve import resolve

    path = None if device["path"] is None else Path(device["path"])
    profile: Profile = load(device["name"] if path is None else path)
    if profile.hash != device["profile"]:
        raise BadInput([f"the profile of '{profile.name}' is another than when the batch began"])
    question = model.task.question
    overrides, chosen = split(question["options"])
    entry = question["sidecar"]
    own = model.task.path
    semantics = resolve(
        model.source.graph,
        preset=question["preset"],
        overrides=overrides,
        sidecar=None if entry is None else {own: entry},
        path=own,
    )
    return Asked(
        source=model.source,
        profile=profile,
        profile_path=path,
        semantics=semantics,
        settings=settings_of(chosen, profile),
    )
