"""docs/mapping.md: the paper's and the corpus' trained networks against every device.

    python benchmarks/mapping_table.py [CORPUS] [-o docs/mapping.md]

Each row is `nirmap map` with the semantics of benchmarks/corpus_models.toml; where the
default policy refuses for want of an approximation, a second row allows what the refusal
names. Every row that fits was checked by `verify`. Times are of this run, in one process
after the first mapping: reading, solving, quantizing and verifying together.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from device_profiles.load import names
from mapper import api
from nir_io.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
SIDECAR = ROOT / "benchmarks" / "corpus_models.toml"
HEAD = "| network | device | outcome | cores or fullest pool | limit, or what was allowed | largest membrane-response error | assumptions | s |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "mapping.md")
    options = parser.parse_args()
    files = sorted((options.corpus / "paper" / "current").glob("*.nir"))
    files += sorted((options.corpus / "trained").glob("*.nir"))
    rows: list[str] = []
    api.check(files[0], "loihi2", models=SIDECAR, repair=True)  # imports are not what is timed
    for path in files:
        for device in names():
            rows += list(_rows(path, device))
            print(rows[-1], flush=True)
    text = (__doc__ or "").split("\n\n", 2)[2].strip()
    title = "# The paper's and the trained networks on every device\n"
    lines = [
        title,
        f"Made by `benchmarks/mapping_table.py`. {text}\n",
        HEAD,
        "| --- " * 8 + "|",
        *rows,
    ]
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(path: Path, device: str):
    result, seconds = _map(path, device, ())
    yield _row(path, device, result, seconds, ())
    if isinstance(result, BadInput) or result.fits:
        return
    allow: tuple[str, ...] = ()
    for _ in range(4):  # a refusal may ask for one approximation after the other
        asked = sorted({r for c in _claims(result) for r in c.limit.split("+") if c.kind in ASK})
        if not asked or set(asked) <= set(allow):
            return
        allow = tuple(sorted({*allow, *asked}))
        result, seconds = _map(path, device, allow)
        if isinstance(result, BadInput) or result.fits:
            break
    yield _row(path, device, result, seconds, allow)


ASK = ("needs-allow", "max-error")


def _claims(result: Any) -> list[Any]:
    return [claim for conflict in result.outcome.conflicts for claim in conflict.claims]


def _map(path: Path, device: str, allow: tuple[str, ...]) -> tuple[Any, float]:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        try:
            result = api.map(
                path, device, output=Path(folder) / "out", models=SIDECAR, repair=True, allow=allow
            )
        except BadInput as error:
            return error, time.perf_counter() - start
        seconds = time.perf_counter() - start
        if result.fits:
            assert api.verify(Path(folder) / "out").ok
        return result, seconds


def _row(path: Path, device: str, result: Any, seconds: float, allow: tuple[str, ...]) -> str:
    start = f"| `{path.name}` | {device} |"
    if isinstance(result, BadInput):
        return f"{start} bad input | | {_cell(result.findings[0])} | | | {seconds:.2f} |"
    facts = result.facts
    allowed = " ".join(f"`--allow {rule}`" for rule in allow)
    if not result.fits:
        head = "; ".join(c.headline for c in result.outcome.conflicts[:2])
        return f"{start} does not fit | | {_cell(head)} {allowed} | | | {seconds:.2f} |"
    error = max(
        p.form.neuron.error - len(p.form.neuron.needs) for p in result.outcome.chosen.values()
    )
    unbounded = any(p.form.neuron.needs for p in result.outcome.chosen.values())
    told = f"{error:.3f}" + (" + unbounded" if unbounded else "")
    used = f"{result.outcome.cores} cores"
    if device.startswith("xylo"):
        full = facts["fullest"]
        used = f"{full['resource']}: {full['used']} of {full['available']}"
    names_ = ", ".join(a["says"].split(" = ")[0].split(" (")[0] for a in facts["assumptions"])
    return f"{start} **fits** | {used} | {allowed} | {told} | {len(facts['assumptions'])}: {_cell(names_)} | {seconds:.2f} |"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")


if __name__ == "__main__":
    main()
