"""A worker: a process that reads tasks as lines of JSON and answers with lines of JSON.

    in   {"task": ...}                        one model
         {"devices": [...]}                   answers `read`: the devices to try
    out  {"ready": MB}                        address space of the program itself
         {"at": "read"} {"at": "verdict", "device": ...} {"at": "changes", ...}   a job begins
         {"read": fingerprint or null, "body": of an unusable file}
         {"device": ..., "body": ..., "seconds": ..., "peak_mb": ...}
         {"out_of_memory": true} {"done": true}

Its memory is limited to its own start-up and `--memory-limit` more (RLIMIT_AS, where the
system has it). It ends when its input ends, so it does not outlive who started it.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, NoReturn, Unpack

if TYPE_CHECKING:
    from mapper.solving.outcome import Impossible
    from mapper.verbs.batch.document import Body
    from mapper.verbs.batch.judge import Opened
    from mapper.verbs.batch.messages import DeviceValue, Message, Order, TaskValue

MB = 1 << 20


def main(memory_mb: int) -> None:
    """Serve until the input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever prints must not disturb the channel
    lines = _lines(sys.stdin.buffer)
    _warm()
    base = _address_space()
    _limit(base, memory_mb)
    channel = _Channel(out, lines)
    channel.say(ready=base // MB)
    while True:
        order = channel.hear()
        if "task" in order:
            channel.serve(order["task"])


class _Channel:
    def __init__(self, out: IO[str], lines: SimpleQueue[bytes]) -> None:
        self._out, self._lines = out, lines

    def say(self, **message: Unpack[Message]) -> None:
        from mapper.bundle.json import line

        self._out.write(line(message) + "\n")
        self._out.flush()

    def hear(self) -> Order:
        from mapper.verbs.batch.messages import order_of

        return order_of(self._lines.get())

    def serve(self, raw: TaskValue) -> None:
        """One task. After a job that ran out of memory the worker ends, for a clean one."""
        from mapper.verbs.batch.judge import Opened, opened, task_of

        self.say(at="read")
        started = time.perf_counter()
        try:
            model = opened(task_of(raw))
        except MemoryError:
            return self._out_of_memory()
        seconds = time.perf_counter() - started
        if not isinstance(model, Opened):
            self.say(read=None, body=model, seconds=seconds, peak_mb=_peak())
            self.say(done=True)
            return
        self.say(read=model.source.graph.fingerprint, body=None, seconds=seconds, peak_mb=_peak())
        for device in self.hear().get("devices", []):
            self._judge(model, device)
        del model
        gc.collect()
        self.say(done=True)

    def _judge(self, model: Opened, device: DeviceValue) -> None:
        from mapper.solving.outcome import Impossible
        from mapper.verbs.batch.judge import verdict

        self.say(at="verdict", device=device["name"])
        started = time.perf_counter()
        try:
            body, outcome = verdict(model, device)
        except MemoryError:
            return self._out_of_memory()
        seconds = time.perf_counter() - started
        name = device["name"]
        if not (model.task.question["changes"] and isinstance(outcome, Impossible)):
            self.say(device=name, seconds=seconds, body=body, peak_mb=_peak())
            return
        self.say(at="changes", device=name, seconds=seconds, body=body, peak_mb=_peak())
        body = _with_changes(body, outcome)
        self.say(device=name, seconds=seconds, body=body, peak_mb=_peak())

    def _out_of_memory(self) -> NoReturn:
        self.say(out_of_memory=True)
        os._exit(0)


def _with_changes(body: Body, outcome: Impossible) -> Body:
    """The body with the changes that lift the refusal; the verdict stands if none are found."""
    from mapper.verbs.batch.changes import changes
    from mapper.verbs.batch.judge import surprise

    try:
        return {**body, "changes": changes(outcome)}
    except MemoryError:
        return body
    except Exception as error:
        told = "; ".join(surprise(error))
        return {**body, "findings": [f"looking for changes that help failed: {told}"]}


def _lines(source: IO[bytes]) -> SimpleQueue[bytes]:
    """Lines as they come; the process ends where they end, whatever it is doing."""
    queue: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        for line in source:
            queue.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return queue


def _warm() -> None:
    """Import what jobs need, so that no job pays for it."""
    import numpy as np

    from mapper.verbs.batch import warm

    assert warm.FAMILIES
    square = np.ones((256, 256))  # BLAS takes its buffers now, before memory is limited
    np.matmul(square, square)


def _address_space() -> int:
    """Bytes of this process's address space; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 -- no file, a view of the kernel's
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _limit(base: int, memory_mb: int) -> None:
    if not base:
        return
    import resource

    most = base + memory_mb * MB
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _peak() -> int:
    """The most memory that this process has held so far, in MB."""
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // MB


if __name__ == "__main__":
    main(int(sys.argv[1]))
