"""Runs `nir_io.read` on files, each in a process of its own with limits.

    python -m tests.nir_io.sandbox FILE...

One process imports everything, then forks for each file: fresh memory, a limit on it and
on time, and if HDF5 itself falls over only that process goes. Prints one JSON line a file:
outcome (accept, reject, or what went wrong), findings, seconds of its processor (an alarm ends
one that only waits), and megabytes it grew by.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nir_io.errors import BadInput
from nir_io.reader import read

MEMORY = 500 << 20
SECONDS = 2
ROOT = Path(__file__).resolve().parents[2]


def outcomes(files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """What happened to each file, by path."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.nir_io.sandbox", *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {found["file"]: found for found in map(json.loads, done.stdout.splitlines())}


def _child(file: str, pipe: int) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    signal.setitimer(signal.ITIMER_REAL, 4 * SECONDS)
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    findings: tuple[str, ...] = ()
    try:
        read(file)
        outcome = "accept"
    except BadInput as refused:
        outcome, findings = "reject", refused.findings
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error}"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    found = {
        "file": file,
        "outcome": outcome,
        "findings": findings[:5],
        "seconds": time.process_time() - start,
        "megabytes": grown,
    }
    os.write(pipe, json.dumps(found).encode() + b"\n")


def main(files: Sequence[str]) -> None:
    """Print what happens to each file."""
    for file in files:
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            _child(file, theirs)
            os._exit(0)
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            line = pipe.read()
        _, status = os.waitpid(pid, 0)
        if not line:
            line = json.dumps({"file": file, "outcome": f"process ended with {status}"}) + "\n"
        sys.stdout.write(line)


if __name__ == "__main__":
    main(sys.argv[1:])
