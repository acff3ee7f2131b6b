"""Compares the ideal network with every stored reference output; prints a table.

    python benchmarks/ideal_reference.py [--dtype float64] [NAME ...]

Run from the repository's root, with the corpus in place (tests/corpus.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from mapper.emulate.ideal import run
from nir_io.settings import Reset
from tests.emulate.references import references

RESETS: tuple[Reset, ...] = ("zero", "subtract")


def main() -> int:
    """0 if every count is equal, 1 if one is not, 2 without a corpus."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*", help="only these networks")
    options.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    given = options.parse_args()
    chosen = [one for one in references() if not given.names or one.name in given.names]
    if not chosen:
        print("no corpus, or no network of that name")
        return 2
    head = f"{'network':34} {'reset':9} {'samples':>7} {'steps':>5} {'differ':>6} {'decide':>6} {'per CPU s':>9}"
    print(f"{head}   ({given.dtype})")
    worst = 0
    for one in chosen:
        graph, events = one.graph(), one.events()
        for reset in RESETS:
            start = time.process_time()
            found = run(graph, one.semantics(graph, reset), events, dtype=given.dtype)
            seconds = time.process_time() - start
            (counts,), stored = found.counts.values(), one.counts(reset)
            differ = int(np.any(counts != stored, axis=1).sum())
            decide = int((counts.argmax(axis=1) != stored.argmax(axis=1)).sum())
            worst = max(worst, differ)
            print(
                f"{one.name:34} {reset:9} {len(events):7} {events.shape[1]:5} {differ:6} {decide:6} "
                f"{len(events) / seconds:9.0f}",
                flush=True,
            )
    return int(worst > 0)


if __name__ == "__main__":
    raise SystemExit(main())
