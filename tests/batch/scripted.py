"""A worker that does as the names of models and devices tell it, and computes nothing.

Run as a program. A model whose name holds 'unreadable' gives a body at once; devices (and
'read', for models) called hang, die, kill, abort-of-memory and memory do what they say;
'once' in the name of a model lets each do so only the first time (a file remembers).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def act(what: str, model: str, memory: Path) -> None:
    once = memory / f"{model}-{what}".replace("/", "_")
    if "once" in model and once.exists():
        return
    if what in ("hang", "die", "kill", "memory", "bad-alloc"):
        once.touch()
    if what == "hang":
        time.sleep(1000)
    if what == "die":
        sys.stderr.write("something broke\n")
        sys.exit(3)
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "memory":
        say(out_of_memory=True)
        sys.exit(0)
    if what == "bad-alloc":
        sys.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n")
        sys.stderr.flush()
        os.abort()


def main(memory: Path) -> None:
    say(ready=1)
    for line in sys.stdin:
        task = json.loads(line)["task"]
        model = task["name"]
        say(at="read")
        for what in ("hang", "die", "kill", "memory", "bad-alloc"):
            if f"read-{what}" in model:
                act(what, model, memory)
        if "unreadable" in model:
            say(read=None, body={"status": "bad-input"}, seconds=0.0, peak_mb=5)
            say(done=True)
            continue
        say(read=f"print of {model}", body=None, seconds=0.0, peak_mb=5)
        for device in json.loads(sys.stdin.readline())["devices"]:
            name = device["name"]
            say(at="verdict", device=name)
            act(name, model, memory)
            if name == "changing":
                say(at="changes", device=name, body={"status": "not"}, seconds=0.0, peak_mb=6)
                act("hang", model, memory)
            say(device=name, body={"status": "fits"}, seconds=0.5, peak_mb=7)
        say(done=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
