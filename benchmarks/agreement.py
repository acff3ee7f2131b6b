"""Both solvers on thousands of random small networks of each family: where do they differ?

    python benchmarks/agreement.py [--each 2000] [--family speck ...] [--first 0]

Run from the repository's root. The exhaustive solver (mapper/oracle) shares no code with
claims, plans and backends; what cp-sat places also passes the stand-alone checker. The tests
ask the first 200 of each family (tests/exhaustive). Exits 1 where any answer differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.exhaustive.agree import Compared, compare, tally
from tests.exhaustive.instances import FAMILIES, instance


def main() -> int:
    """Asks, and prints a line for each difference and one for each family."""
    asked = _arguments()
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        for family in asked.family:
            begun, found = time.perf_counter(), list[Compared]()
            for seed in range(asked.first, asked.first + asked.each):
                one = compare(instance(family, seed), Path(folder))
                found.append(one)
                if one.differs:
                    print(f"{family} {seed}: {one.differs}", flush=True)
            wrong = sum(bool(one.differs) for one in found)
            words = ", ".join(f"{n} {word}" for word, n in sorted(tally(found).items()))
            seconds = time.perf_counter() - begun
            print(f"{family}: {len(found)} asked ({words}), {wrong} differ, {seconds:.0f} s")
            differ += wrong
    return 1 if differ else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--each", type=int, default=2000, help="questions a family")
    parser.add_argument("--first", type=int, default=0, help="number of the first question")
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
