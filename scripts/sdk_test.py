"""Compares the emulators with the vendors' simulators on random networks.

    python scripts/sdk_test.py [--sdk .sdk] [--lava 500] [--xylosim 1000] [--sinabs 200] [--first 0]

Each simulator runs in its own environment (scripts/sdk_env.py); both sides get the same
file of networks, and every spike and state of every step is compared. Exits with 1 where a
network differs; with --need-all also where an environment that was asked for is missing.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.sdk_env import python_of, ready, run
from tests.sdk import cases, compare, loihi2_networks, sinabs_networks, xylo_networks

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 900  # seconds for one process of a vendor
AT_ONCE = {"lava": 50, "xylosim": 250, "sinabs": 100}  # networks in one process of the vendor
ABOUT = {"lava": "Loihi 2", "xylosim": "Xylo", "sinabs": "Speck, step view"}
GENERATE: dict[str, Any] = {
    "lava": loihi2_networks.case,
    "xylosim": xylo_networks.case,
    "sinabs": sinabs_networks.random_case,
}
PAIRS: dict[str, Any] = {
    "lava": compare.loihi2_pairs,
    "xylosim": compare.xylo_pairs,
    "sinabs": compare.speck_pairs,
}


def vendor_run(
    sdk: Path, vendor: str, given: list[dict[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    """The vendor's results for these cases, from its own environment."""
    given_file, results_file = folder / f"{vendor}-in.npz", folder / f"{vendor}-out.npz"
    results_file.unlink(missing_ok=True)
    cases.write(given_file, given)
    worker = ROOT / "tests" / "sdk" / f"vendor_{vendor}.py"
    command = [str(python_of(sdk, vendor)), "-W", "ignore", str(worker)]
    done = run(["nice", "-n", "10", *command, str(given_file), str(results_file)], LONGEST)
    if done.returncode != 0 or not cases.readable(results_file):
        raise RuntimeError(f"{vendor} failed:\n{done.stderr[-2000:]}")
    return cases.read(results_file)


def judge(sdk: Path, vendor: str, first: int, number: int) -> compare.Tally:
    """Compare `number` networks, from seed `first` on."""
    tally = compare.Tally()
    with tempfile.TemporaryDirectory() as folder:
        for low in range(first, first + number, AT_ONCE[vendor]):
            seeds = range(low, min(low + AT_ONCE[vendor], first + number))
            given = [GENERATE[vendor](seed) for seed in seeds]
            results = vendor_run(sdk, vendor, given, Path(folder))
            for seed, case, result in zip(seeds, given, results, strict=True):
                tally.add(f"seed {seed}", *compare.timed(PAIRS[vendor], case, result))
                if vendor == "lava":
                    tally.count(compare.loihi2_kinds(case))
                if vendor == "xylosim":
                    tally.count(compare.xylo_kinds(case, result))
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk", type=Path, default=ROOT / ".sdk")
    parser.add_argument("--first", type=int, default=0, help="seed of the first network")
    parser.add_argument("--need-all", action="store_true", help="fail without an environment")
    for vendor, number in (("lava", 500), ("xylosim", 1000), ("sinabs", 200)):
        parser.add_argument(f"--{vendor}", type=int, default=number, metavar="N")
    options = parser.parse_args()
    failed = False
    for vendor, about in ABOUT.items():
        number = getattr(options, vendor)
        if number == 0:
            continue
        if not ready(options.sdk, vendor):
            print(f"NOT RUN: {about}: {vendor} is not in {options.sdk} (scripts/sdk_env.py)")
            failed |= options.need_all
            continue
        started = time.perf_counter()
        tally = judge(options.sdk, vendor, options.first, number)
        failed |= bool(tally.differing)
        print(
            f"{about} beside {vendor}: {tally.networks} networks, {len(tally.differing)} differ; "
            f"{tally.values} values of which {tally.spikes} spikes were counted; "
            f"{time.perf_counter() - started:.0f} s"
        )
        for kind, count in sorted(tally.kinds.items()):
            print(f"    {kind}: {count}")
        for line in tally.differing[:20]:
            print(f"    differs: {line}")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
