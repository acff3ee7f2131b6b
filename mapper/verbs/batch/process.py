"""One worker process: how it is started, spoken to, listened to and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from mapper.verbs.batch.messages import Message, Order, message_of
from mapper.verbs.batch.program import ROOT

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
TAIL = 2000  # characters of what a dead worker wrote that are read
OUT_OF_MEMORY = (
    "bad_alloc",
    "MemoryError",
    "Cannot allocate memory",
    "out of memory",
    "Memory allocation still failed",  # OpenBLAS
)
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended. killed: by SIGKILL from outside."""

    says: str
    killed: bool
    out_of_memory: bool


def worker_command(memory_mb: int) -> tuple[str, ...]:
    """The command line of a worker whose jobs may take so much memory.

    -P: no module is taken from the folder that nirmap happens to be called in.
    """
    return sys.executable, "-P", "-m", "mapper.verbs.batch.worker", str(memory_mb)


class Process:
    """A worker. `output`: the pipe that it answers through."""

    def __init__(self, command: Sequence[str]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- read when it has ended
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": _search_path()},
            start_new_session=True,  # an interrupt of the terminal goes to us alone
        )
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._input, self.output = self._popen.stdin, self._popen.stdout
        os.set_blocking(self.output.fileno(), False)
        self._rest = b""
        self._killed_by_us = False
        self._ending: Ending | None = None

    def say(self, message: Order) -> None:
        """Send one message; a process that is gone is noticed when it is listened to."""
        with contextlib.suppress(OSError):
            self._input.write(json.dumps(message).encode() + b"\n")
            self._input.flush()

    def hear(self) -> tuple[list[Message], bool]:
        """Messages that have come, and whether more can."""
        open_still = True
        while True:
            try:
                data = os.read(self.output.fileno(), CHUNK)
            except BlockingIOError:
                break
            if not data:
                open_still = False
                break
            self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        return [message_of(line) for line in lines], open_still

    def kill(self) -> None:
        """End it at once."""
        if self._popen.poll() is None:
            self._killed_by_us = True
            self._popen.kill()

    def reap(self) -> Ending:
        """Wait until it has ended, and say how."""
        if self._ending is not None:
            return self._ending
        code = self._popen.wait()
        for pipe in (self._input, self.output):
            with contextlib.suppress(OSError):
                pipe.close()
        tail = self._tail()
        self._ending = Ending(
            says=_says(code, tail),
            killed=code == -signal.SIGKILL and not self._killed_by_us,
            out_of_memory=any(word in tail for word in OUT_OF_MEMORY),
        )
        return self._ending

    def _tail(self) -> str:
        with self._errors as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            return file.read().decode("utf-8", "replace")


def memory_says(reading: bool, most_mb: int) -> str:
    """A sentence about a job that took too much memory."""
    what = "reading it" if reading else "the verdict"
    return f"{what} needs more than {most_mb:,} MB, the limit of memory"


def _says(code: int, tail: str) -> str:
    told = f"exit code {code}"
    if code < 0:
        try:
            told = signal.Signals(-code).name
        except ValueError:
            told = f"signal {-code}"
    last = [line.strip() for line in tail.splitlines() if line.strip()]
    return f"{told}; it wrote: {last[-1][:200]}" if last else told


def _search_path() -> str:
    """Where this program lies, so that the worker is the same one."""
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join([str(ROOT), *filter(None, given.split(os.pathsep))])
