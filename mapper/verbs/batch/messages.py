"""What a batch and its workers tell each other, as values for JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

from mapper.verbs.batch.document import Body
from nir_io.presets import Setting


class DeviceValue(TypedDict):
    """A device. path: its file, where it does not come with the package; profile: its hash."""

    name: str
    path: str | None
    profile: str


class DataValue(TypedDict):
    """What a fitting network is judged on, and by which read-out."""

    path: str
    sha256: str
    decode: str


class QuestionValue(TypedDict):
    """What is asked of a model (mapper.verbs.batch.question)."""

    preset: str | None
    options: dict[str, object]
    sidecar: dict[str, Setting] | None
    repair: bool
    limits: dict[str, int] | None
    changes: bool
    data: DataValue | None


class TaskValue(TypedDict):
    """One model and what is asked of it."""

    name: str
    path: str
    sha256: str
    question: QuestionValue
    devices: list[DeviceValue]


class Order(TypedDict):
    """To a worker: a task, and when it has read it the devices that are left."""

    task: NotRequired[TaskValue]
    devices: NotRequired[list[DeviceValue]]


class Message(TypedDict):
    """From a worker: it is ready, at a job, has read, has a verdict, is done or out of memory."""

    ready: NotRequired[int]
    at: NotRequired[str]
    read: NotRequired[str | None]
    device: NotRequired[str]
    body: NotRequired[Body | None]
    seconds: NotRequired[float]
    done: NotRequired[bool]
    out_of_memory: NotRequired[bool]
    peak_mb: NotRequired[int]


def order_of(text: bytes) -> Order:
    """A line to a worker. Raises ValueError where it is none."""
    return cast(Order, _checked(text, Order))


def message_of(text: bytes) -> Message:
    """A line of a worker. Raises ValueError where it is none."""
    return cast(Message, _checked(text, Message))


def _checked(text: bytes, kind: type) -> object:
    """Both ends are one program, so the keys tell whether a line is of it."""
    found: object = json.loads(text)
    if not _has_only(found, kind.__annotations__):
        raise ValueError(f"no {kind.__name__.lower()}: {text[:200]!r}")
    return found


def _has_only(found: object, keys: Mapping[str, object]) -> bool:
    return isinstance(found, dict) and found.keys() <= keys.keys()
