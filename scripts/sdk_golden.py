"""Writes tests/emulate/data: small traces that the vendors' simulators gave.

    python scripts/sdk_golden.py --sdk .sdk --corpus ../shared/corpus

The cases are those random networks of tests/sdk that together catch every mutation in
tests/emulate/mutations.py; their seeds stand below. Rerun after changing a generator.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.sdk_test import vendor_run
from tests.sdk import cases, loihi2_networks, xylo_networks

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "emulate" / "data"
LOIHI2 = (*range(8), 16, 42, 46, 64, 79, 11, 23, 31)
XYLO = (*range(8), 13, 44, 52, 65)
TRACES = {
    "loihi2_chip": "lif_lava_loihi_fixed.csv",
    "loihi2_cpu": "lif_lava_cpu_fixed.csv",
    "spinnaker2": "lif_spinnaker2.csv",
}


def shortened(case: dict[str, Any], steps: int) -> dict[str, Any]:
    """A Xylo case with fewer steps."""
    return case | {"inputs": case["inputs"][:steps]}


def compact(value: Any) -> Any:
    """Integers in the narrowest type."""
    if isinstance(value, dict):
        return {key: compact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [compact(inner) for inner in value]
    if isinstance(value, np.ndarray) and value.dtype.kind == "i":
        for kind in (np.int8, np.int16, np.int32):
            limits = np.iinfo(kind)
            if value.size == 0 or limits.min <= value.min() <= value.max() <= limits.max:
                return value.astype(kind)
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk", type=Path, default=ROOT / ".sdk")
    parser.add_argument("--corpus", type=Path, default=ROOT.parent / "shared" / "corpus")
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    networks = {
        "lava": [loihi2_networks.case(seed) for seed in LOIHI2],
        "xylosim": [shortened(xylo_networks.case(seed), 30) for seed in XYLO],
    }
    with tempfile.TemporaryDirectory() as folder:
        for vendor, given in networks.items():
            results = vendor_run(options.sdk, vendor, given, Path(folder))
            for result in results:
                del result["seconds"]  # so that the same numbers give the same file
            both = [compact({"case": c, "result": r}) for c, r in zip(given, results, strict=True)]
            cases.write(DATA / f"{vendor}.npz", both)
    reference = options.corpus / "paper" / "reference" / "lif"
    traces = {name: np.loadtxt(reference / file, delimiter=",") for name, file in TRACES.items()}
    np.savez_compressed(DATA / "published_lif.npz", **traces)
    for file in sorted(DATA.glob("*.npz")):
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
