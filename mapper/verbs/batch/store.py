"""The folder of a batch: rows are kept as they come, and stand sorted when it is done.

results.jsonl holds one row a line. While a batch runs lines are appended, each by one
write; a line that a kill cut off is dropped when the folder is opened again. At the end the
file is written anew, sorted, beside the old one and put in its place. Rows that an earlier
nirmap wrote in another format stand in a file of their own from then on (`put_aside`), and
their pairs are run again.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TypeGuard, cast

from mapper.bundle.json import line
from mapper.verbs.batch.document import Row, TimesRow
from mapper.verbs.batch.row import SCHEMA
from nir_io.errors import BadInput

RESULTS, TIMES = "results.jsonl", "times.jsonl"
LOCK = ".lock"
SYNC_SECONDS = 0.5  # rows are on the disk at most this much later
NAMES = ("key", "model", "device")  # texts by which rows and times are found again
FORMAT = re.compile(r"nirmap-fit-[0-9]{1,3}")

Pair = tuple[str, str]


class Store:
    """Rows and times by pair (model, device). Without a folder they are held in memory only.

    Raises BadInput where the folder cannot be used or another batch is writing to it.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self.rows: dict[Pair, Row] = {}
        self.times: dict[Pair, TimesRow] = {}
        self._by_key: dict[str, Row] = {}
        self._files: dict[str, int] = {}
        self._lock: int | None = None
        self._synced = time.monotonic()
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / LOCK)
            self._load(folder)
        except OSError as error:
            self.close()
            raise BadInput([f"{folder}: cannot be written: {error.strerror}"]) from error

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def with_key(self, key: str) -> Row | None:
        """A row with that key, whichever file it was made from."""
        return self._by_key.get(key)

    def add(self, row: Row, took: TimesRow) -> None:
        """Keep a row, at once and on the disk."""
        pair = row["model"], row["device"]
        self._keep(row)
        self.times[pair] = took
        self._append(RESULTS, row)
        self._append(TIMES, took)
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            self._sync()

    def finish(self, pairs: Iterable[Pair]) -> tuple[Row, ...]:
        """The rows of these pairs, sorted; the files hold them and no others."""
        wanted = sorted(pairs)
        rows = tuple(self.rows[pair] for pair in wanted)
        if self.folder is not None:
            self._sync()
            times = [self.times[pair] for pair in wanted if pair in self.times]
            write_whole(self.folder / RESULTS, _lines(rows))
            write_whole(self.folder / TIMES, _lines(times))
        return rows

    def close(self) -> None:
        """Let go of the files."""
        for file in (*self._files.values(), *([] if self._lock is None else [self._lock])):
            os.close(file)
        self._files, self._lock = {}, None

    def _load(self, folder: Path) -> None:
        older: dict[str, list[Mapping[str, object]]] = {}
        for row in _read(folder / RESULTS):
            schema = str(row.get("schema"))
            if schema != SCHEMA and FORMAT.fullmatch(schema):
                older.setdefault(f"results.{schema}.jsonl", []).append(row)
            elif schema == SCHEMA and _is_row(row):
                self._keep(row)
        for name, rows in older.items():
            self._put_aside(folder / name, rows)
        for took in _read(folder / TIMES):
            if _is_times(took):
                self.times[took["model"], took["device"]] = took
        write_whole(folder / RESULTS, _lines(self.rows.values()))
        write_whole(folder / TIMES, _lines(self.times.values()))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        self._files = {name: os.open(folder / name, flags) for name in (RESULTS, TIMES)}

    def _put_aside(self, path: Path, rows: Iterable[Mapping[str, object]]) -> None:
        """Rows of an earlier format, behind those that lie there already."""
        there = path.read_bytes().split(b"\n") if path.is_file() else []
        known = dict.fromkeys([*there, *_lines(rows).split(b"\n")])
        write_whole(path, b"".join(text + b"\n" for text in known if text))

    def _keep(self, row: Row) -> None:
        self.rows[row["model"], row["device"]] = row
        self._by_key[row["key"]] = row

    def _append(self, name: str, facts: Mapping[str, object]) -> None:
        if not self._files:
            return
        data = line(facts).encode() + b"\n"
        try:
            written = os.write(self._files[name], data)
        except OSError as error:
            raise BadInput([f"{self.folder}: cannot be written: {error.strerror}"]) from error
        if written < len(data):
            raise BadInput([f"{self.folder}: cannot be written: the disk is full"])

    def _sync(self) -> None:
        for file in self._files.values():
            os.fsync(file)
        self._synced = time.monotonic()


def put_aside(folder: Path) -> tuple[str, ...]:
    """The files of a batch's folder that hold rows of an earlier format."""
    names = (file.name for file in folder.glob("results.*.jsonl"))
    return tuple(
        sorted(name for name in names if FORMAT.fullmatch(name.split(".", 1)[1][: -len(".jsonl")]))
    )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; one with the same bytes is left alone."""
    if path.is_file() and path.read_bytes() == data:
        return
    handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _locked(path: Path) -> int:
    """A lock that ends with this process, however it ends."""
    import fcntl

    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise BadInput(
            [f"{path.parent}: another batch is writing here; wait, or give --output another name"]
        ) from error
    return file


def _is_row(found: Mapping[str, object]) -> TypeGuard[Row]:
    return _has(found, Row.__annotations__)


def _is_times(found: Mapping[str, object]) -> TypeGuard[TimesRow]:
    return _has(found, TimesRow.__annotations__)


def _has(found: Mapping[str, object], keys: Iterable[str]) -> bool:
    """Whether an object has all keys of its format, and texts for its names."""
    return all(key in found for key in keys) and all(isinstance(found[n], str) for n in NAMES)


def _lines(facts: Iterable[Mapping[str, object]]) -> bytes:
    return "".join(line(one) + "\n" for one in facts).encode()


def _read(path: Path) -> Iterable[Mapping[str, object]]:
    """Whole lines that hold an object; anything else is what a kill left behind."""
    if not path.is_file():
        return
    *whole, _ = path.read_bytes().split(b"\n")
    for text in whole:
        try:
            found: object = json.loads(text)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield cast(dict[str, object], found)
