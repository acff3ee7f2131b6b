"""How fast `nirmap fit` is, what memory a worker takes, and whether a killed batch is whole.

    python benchmarks/fit.py ../shared/corpus/{paper,exported,trained}   speed with 1 and 2 workers
    python benchmarks/fit.py --kill 20 MODELS...                         kill -9, 20 times, seeded

Speed: every model on all devices, verdicts only (--no-changes), defects of exporters mended,
semantics from benchmarks/corpus_models.toml. Reading is told apart from verdicts; processor
time is that of all workers. Killed: a fresh batch is killed with all its workers at a random
moment, its finished rows are looked at, and it is run to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mapper import api
from mapper.bundle.json import line

SIDECAR = Path(__file__).with_name("corpus_models.toml")
FILES = ("results.jsonl", "results.csv", "summary.json", "report.html")


def main() -> int:
    """Run, print, and exit with 1 where a killed batch differs or a row is our bug."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--device", default="all")
    parser.add_argument("--workers", default="1,2", help="numbers of workers, joined by commas")
    parser.add_argument("--kill", type=int, metavar="TIMES")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.kill:
        return kills(args.models, args.device, args.kill, args.seed)
    return sum(speed(args.models, args.device, int(n)) for n in args.workers.split(",")) > 0


def speed(models: list[str], device: str, workers: int) -> int:
    """Print the figures of one run; how many rows are our bugs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    fitted = api.fit(models, device, models=SIDECAR, repair=True, workers=workers, changes=False)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    times = {(t["model"], t["device"]): t for t in fitted.times}
    judged = [t for t in times.values() if t["seconds"] > 0]
    verdicts = sum(t["seconds"] for t in judged)
    reading = sum({m: t["read_seconds"] for (m, _), t in times.items()}.values())
    peak = max(t["worker_peak_mb"] for t in times.values())
    statuses = Counter(row["status"] for row in fitted.rows)
    slow = sorted(judged, key=lambda t: -t["seconds"])[:5]
    print(f"{workers} worker{'s' if workers > 1 else ''}: {len(fitted.rows)} rows in {wall:.1f} s")
    print(f"  statuses        {', '.join(f'{n} {name}' for name, n in statuses.most_common())}")
    print(f"  reading         {reading:.1f} s of all workers")
    print(f"  verdicts        {len(judged)} in {verdicts:.1f} s of all workers")
    print(f"  warm rate       {60 * workers * len(judged) / verdicts:,.0f} verdicts a minute")
    print(f"  processor time  {cpu:.1f} s of all workers, start and reading included")
    print(f"  peak memory     {peak} MB a worker")
    for took in slow:
        print(
            f"  slow            {took['seconds']:.2f} s  {took['model'][-50:]} on {took['device']}"
        )
    return statuses["bug"]


def kills(models: list[str], device: str, times: int, seed: int) -> int:
    """Kill a batch at random moments; 1 where anything is lost or differs."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "undisturbed"
        began = time.monotonic()
        start(models, device, whole).wait()
        lasts = time.monotonic() - began
        wanted = contents(whole)
        total = len(wanted["results.jsonl"].splitlines())
        print(f"undisturbed: {total} rows in {lasts:.1f} s")
        bad = 0
        for trial in range(times):
            folder = Path(place) / f"trial{trial}"
            process = start(models, device, folder)
            after = dice.randrange(1, total)
            while process.poll() is None and len(rows_of(folder)) < after:
                time.sleep(0.002)
            time.sleep(dice.uniform(0.0, 0.2))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            finished = rows_of(folder)
            start(models, device, folder).wait()
            final = dict(rows_of(folder))
            intact = all(final.get(pair) == row for pair, row in finished)
            same = contents(folder) == wanted
            bad += not (intact and same)
            print(
                f"  killed with {len(finished)} of {total} rows: "
                f"{'intact' if intact else 'NOT INTACT'}, "
                f"{'the same bytes' if same else 'OTHER BYTES'} after the rerun"
            )
        print(f"{times - bad} of {times} as undisturbed")
    return int(bad > 0)


def start(models: list[str], device: str, folder: Path) -> subprocess.Popen[bytes]:
    """`nirmap fit` in a session of its own, so that its workers can be killed with it."""
    words = ["fit", *models, "--device", device, "--models", str(SIDECAR), "--repair"]
    return subprocess.Popen(
        [sys.executable, "-m", "mapper.cli.main", *words, "-o", str(folder), "--no-changes"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def rows_of(folder: Path) -> list[tuple[tuple[str, str], str]]:
    """((model, device), row as text) of each whole line; a line that was cut off is none."""
    path = folder / "results.jsonl"
    found: list[tuple[tuple[str, str], str]] = []
    for text in path.read_bytes().split(b"\n")[:-1] if path.is_file() else []:
        row = json.loads(text)
        found.append(((row["model"], row["device"]), line(row)))
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """The files that must not differ."""
    return {name: (folder / name).read_bytes() for name in FILES}


if __name__ == "__main__":
    sys.exit(main())
