"""Start-up and answering times: `nirmap --help`, a cold `nirmap check`, a warm one in process.

    python benchmarks/startup.py [MODEL] [--device speck2f] [--runs 7]

MODEL: a .nir file; default: the corpus' cnn_sinabs.nir, or an example network where there is
no corpus. The best of the runs is shown beside the median: other work only ever adds time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
AIMS = {"help": 0.3, "cold": 1.2, "warm": 0.05}  # seconds


def main() -> int:
    """Measure and print; 1 where the best run misses its aim."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--device", default="speck2f")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or _default(Path(folder))
        asked = [str(model), "--device", args.device, "--semantics", "sinabs"]
        command = [sys.executable, "-m", "mapper.cli.main"]
        rows = {
            "help": _times(lambda: _run([*command, "--help"]), args.runs),
            "cold": _times(lambda: _run([*command, "check", *asked]), args.runs),
            "warm": _times(_warm(model, args.device), 4 * args.runs),
        }
    print(f"{model.name} on {args.device}")
    print(f"{'':8}{'best':>10}{'median':>10}{'aim':>10}   seconds")
    for name, times in rows.items():
        print(f"{name:8}{min(times):10.3f}{median(times):10.3f}{AIMS[name]:10.3f}")
    return int(any(min(times) > AIMS[name] for name, times in rows.items()))


def _default(folder: Path) -> Path:
    from make_models import write_models

    from tests.corpus import CORPUS

    found = CORPUS / "paper" / "current" / "cnn_sinabs.nir"
    return found if found.is_file() else write_models(folder, ["cnn_if"])["cnn_if"]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def _warm(model: Path, device: str) -> Callable[[], object]:
    from mapper import api

    def check() -> object:
        return api.check(model, device, semantics="sinabs").text

    check()
    return check


def _times(work: Callable[[], object], runs: int) -> list[float]:
    found: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return found


if __name__ == "__main__":
    sys.exit(main())
