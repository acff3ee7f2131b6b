"""docs/accuracy.md: what the corpus' networks keep on the devices that hold them.

    python benchmarks/accuracy.py [--cache accuracy.jsonl] [--samples N] [--only WORD] [--no-run]
                                  [--speed emulators.json] [-o docs/accuracy.md]

Run from the repository's root with the corpus in place (tests/corpus.py). Every figure is the
integer emulator's, never a device's. Each finished run is appended to the cache, so that a run
that was stopped goes on; a run counts only for the bundle's arrays and the samples that it was
made with. `--no-run` makes the page of what the cache holds, and names what it lacks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported

import numpy as np

from mapper import api
from mapper.bundle.result import Result
from mapper.emulate import ideal
from mapper.emulate.loaded import Loaded
from mapper.verbs.compare.statistics import paired_difference, share
from nir_io.errors import BadInput
from nir_io.semantics import per_step
from tests.asking import emulate
from tests.corpus import CORPUS

ROOT = Path(__file__).resolve().parent.parent
SIDECAR = ROOT / "benchmarks" / "corpus_models.toml"
CELLS = 2**25  # input cells of one chunk of samples
XYLO = ("xylo-audio2", "xylo-audio3", "xylo-imu")
BRAILLE = "Braille letters, training and validation recordings"
SACCADES = "MNIST digits on simulated saccades"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A network, its data and the devices. aims: device -> (uncalibrated, calibrated), in %."""

    file: str
    data: str
    dataset: str
    devices: tuple[str, ...]
    aims: dict[str, tuple[float | None, float | None]]
    allow: tuple[str, ...] = ()
    calibrate: bool = False
    samples: int | None = None  # the first so many; None: all


def cases() -> tuple[Case, ...]:
    """The networks of the NIR paper first, then all trained ones."""
    both = ("loihi2", "spinnaker2")
    approximate = ("reset-kind", "decays-on-grid")
    aims: dict[str, tuple[float | None, float | None]] = {
        "loihi2": (95.5, None),
        "spinnaker2": (96.0, None),
        **dict.fromkeys(XYLO, (80.0, None)),
    }
    soft: dict[str, tuple[float | None, float | None]] = {
        "loihi2": (96.8, None),
        "spinnaker2": (97.0, None),
        "xylo-audio2": (90.0, 95.0),
        "xylo-audio3": (90.0, 95.0),
        "xylo-imu": (None, 93.0),
    }
    cnn: dict[str, tuple[float | None, float | None]] = {
        **dict.fromkeys(both, (96.3, None)),
        "speck2f": (95.5, None),
    }

    def one(name: str, dataset: str, *more: str, samples: int | None = None) -> Case:
        return Case(
            file=f"trained/{name}.nir",
            data=f"trained/{name}.npz",
            dataset=dataset,
            devices=(*both, *more),
            aims={},
            allow=approximate if any(d in XYLO for d in more) else (),
            samples=samples,
        )

    return (
        Case(
            file="paper/current/braille_noDelay_bias_zero.nir",
            data="paper/reference/braille7_real.npz",
            dataset=BRAILLE,
            devices=(*both, *XYLO),
            aims=aims,
            allow=approximate,
            calibrate=True,
        ),
        Case(
            file="paper/current/braille_noDelay_noBias_subtract.nir",
            data="paper/reference/braille7_real.npz",
            dataset=BRAILLE,
            devices=(*both, *XYLO),
            aims=soft,
            allow=approximate,
            calibrate=True,
        ),
        Case(
            file="paper/current/cnn_sinabs.nir",
            data="paper/reference/cnn_sinabs_saccades.npz",
            dataset=SACCADES,
            devices=(*both, "speck2f"),
            aims=cnn,
            samples=60,
        ),
        one("srnn_braille_cuba_12-48-7", "Braille letters, its own test part"),
        one("srnn_vowels_cuba_12-40-9", "Japanese Vowels, test", "xylo-audio3", "xylo-imu"),
        one("srnn_digits_rows_cuba", "8x8 digits, its own test part"),
        one("kws_vowels_lif_12-63-63-9", "Japanese Vowels, test"),
        one("mlp_mnist_lif_784-128-10", "rate-coded MNIST, its own test part"),
        one("cnn_saccade_lif_avgpool", SACCADES, samples=200),
        one("cnn_saccade_if_paper_shape", SACCADES, "speck2f", samples=60),
    )


def data(name: str) -> tuple[Any, Any]:
    """(raster (sample, step, channels...), labels)."""
    with np.load(CORPUS / name) as z:
        labels = z["labels"].astype(np.int64)
        if "packed" in z:
            shape = (256, 12) if name.endswith("braille7_real.npz") else tuple(z["shape"])
            bits = np.unpackbits(z["packed"], axis=1)[:, : int(np.prod(shape))]
            return bits.reshape(-1, *shape), labels
        raster = np.zeros(z["shape"], np.uint8)
        raster[tuple(z["events"].astype(int))] = z["counts"]
        return raster, labels


def _mapped(case: Case, device: str, calibrate: Any = None) -> Result | str:
    """The result, or why there is none."""
    given: dict[str, Any] = {"models": SIDECAR, "allow": case.allow if device in XYLO else ()}
    path = CORPUS / case.file
    try:
        result = api.check(path, device, calibrate=calibrate, **given)
        asked: tuple[str, ...] = ()
        if not result.fits:
            # what the device lacks is allowed, and named in the table
            claims = [c for conflict in result.outcome.conflicts for c in conflict.claims]  # pyright: ignore[reportAttributeAccessIssue]
            asked = tuple(
                sorted({r for c in claims if c.kind == "needs-allow" for r in c.limit.split("+")})
            )
        if asked:
            given["allow"] = (*given["allow"], *asked)
            result = api.check(path, device, calibrate=calibrate, **given)
    except BadInput as error:
        return "; ".join(error.findings)
    return result if result.fits else "does not fit"


class Cache:
    """Finished runs, one line each: key -> decisions and processor seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.rows = {row["key"]: row for row in map(json.loads, lines)}

    def add(self, key: str, **row: Any) -> dict[str, Any]:
        """The row, kept."""
        self.rows[key] = {"key": key, **row}
        with self.path.open("a") as file:
            file.write(json.dumps(self.rows[key]) + "\n")
        return self.rows[key]


def _chunks(raster: Any) -> Iterator[Any]:
    n = max(1, int(CELLS // max(1, np.prod(raster.shape[1:]))))
    for low in range(0, len(raster), n):
        yield raster[low : low + n]


def _ideal(case: Case, cache: Cache, result: Result, raster: Any, run: bool) -> Any:
    """Decisions of the ideal network."""
    key = f"ideal {case.file} {len(raster)}"
    if key not in cache.rows and run:
        question = result.outcome.question
        graph = per_step(result.graph, question.semantics)
        stepped = replace(question.semantics, integrator="per-step")
        found: list[int] = []
        start = time.process_time()
        for part in _chunks(raster):
            ran = ideal.run(graph, stepped, part, dtype=np.float32)
            counts = np.concatenate([c.reshape(len(part), -1) for c in ran.counts.values()], axis=1)
            found += counts.argmax(axis=1).tolist()
        cache.add(key, decisions=found, seconds=time.process_time() - start)
    return cache.rows.get(key)


def _device(case: Case, device: str, cache: Cache, result: Result, raster: Any, run: bool) -> Any:
    """Decisions of the bundle on its emulator."""
    assert result.bundle is not None
    digest = hashlib.sha256(result.bundle.files["arrays.npz"]).hexdigest()[:16]
    key = f"{device} {case.file} {len(raster)} {digest}"
    if key not in cache.rows and run:
        bundle = Loaded(result.bundle.manifest, result.bundle.arrays)
        found: list[int] = []
        start = time.process_time()
        for part in _chunks(raster):
            found += emulate(bundle, part).counts().argmax(axis=1).tolist()
        cache.add(key, decisions=found, seconds=time.process_time() - start)
    return cache.rows.get(key)


HEAD = (
    "| network | device | data | samples | float | emulator | difference (95 % interval) | aim | "
    "allowed |\n" + "| --- " * 9 + "|"
)
CALIBRATED = (
    "| network | device | searched / reported | float | usual | calibrated | "
    "calibrated - usual (95 % interval) | aim | chosen |\n" + "| --- " * 9 + "|"
)


SHORT = """\
## Where it falls short, and why

- `srnn_vowels_cuba_12-40-9` on Xylo: its hidden membranes overshoot their threshold by 7.9 heights on average when
  they spike (random events, `mapper/bundle/integers/overshoot.py`). A hidden neuron of Xylo would fire again for that, so
  it is kept to one spike a step by 16,384 units a threshold; the 16-bit membrane then ends at -2 thresholds, and the
  IMU, with one synapse, clips weights at 1 threshold (Audio 3, with two, at 2). With 1,024 or 4,096 units and any
  rest from 0 to 1 both are at 14 to 36 %.
- `no net loss beyond 2 points: not excluded`: the loss seen is below 2 points, the interval of so few samples is not.
- The convolutional networks ran 60 (200) samples: intervals are wide, and the two figures beside an aim of 95.5 or
  96.3 % are 57 and 58 right of 60.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cache", type=Path, default=Path("accuracy.jsonl"))
    parser.add_argument("--samples", type=int, help="of each network at most")
    parser.add_argument("--only", default="", help="networks and devices with this in their name")
    parser.add_argument("--no-run", action="store_true")
    parser.add_argument("--speed", type=Path, help="the --json of benchmarks/emulators.py")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "accuracy.md")
    options = parser.parse_args()
    if not CORPUS.is_dir():
        print(f"no corpus in {CORPUS.name}")
        return 2
    cache, rows, calibrated, missing = Cache(options.cache), list[str](), list[str](), list[str]()
    for case in cases():
        raster, labels = data(case.data)
        most = min(n for n in (options.samples, case.samples, len(labels)) if n is not None)
        raster, labels = raster[:most], labels[:most]
        for device in case.devices:
            name = f"{Path(case.file).stem} on {device}"
            run = not options.no_run and options.only in name
            row = _row(case, device, cache, raster, labels, run)
            (rows if row.startswith("|") else missing).append(row)
            print(row, flush=True)
            if case.calibrate:
                row = _calibrated(case, device, cache, raster, labels, run)
                (calibrated if row.startswith("|") else missing).append(row)
                print(row, flush=True)
    options.output.write_text(_page(rows, calibrated, missing, options.speed), encoding="utf-8")
    return 0


def _row(case: Case, device: str, cache: Cache, raster: Any, labels: Any, run: bool) -> str:
    name = Path(case.file).stem
    result = _mapped(case, device)
    if isinstance(result, str):
        return f"{name} on {device}: {result}"
    wanted = _ideal(case, cache, result, raster, run)
    got = _device(case, device, cache, result, raster, run)
    if wanted is None or got is None:
        return f"{name} on {device}: not run"
    before = np.array(wanted["decisions"]) == labels
    after = np.array(got["decisions"]) == labels
    off, right, ideal_right = paired_difference(after, before), share(after), share(before)
    aim = case.aims.get(device, (None, None))[0]
    if aim is None:
        low = "no net loss beyond 2 points"
        met = off.low > -0.02 or off.value > -0.02
        reached = f"{low}: {'yes' if off.low > -0.02 else 'not excluded' if met else 'NO'}"
    else:
        reached = f"{aim:g}: {'yes' if 100 * right.value >= aim else 'NO'}"
    allowed = ", ".join(result.outcome.question.settings.allow) or "nothing"
    return (
        f"| {name} | {device} | {case.dataset} | {off.samples} | {100 * ideal_right.value:.1f} | "
        f"{100 * right.value:.1f} | {_points(off.as_json())} | {reached} | {allowed} |"
    )


def _points(off: dict[str, Any]) -> str:
    return f"{100 * off['value']:+.1f} ({100 * off['low']:+.1f} to {100 * off['high']:+.1f})"


def _calibrated(case: Case, device: str, cache: Cache, raster: Any, labels: Any, run: bool) -> str:
    name = Path(case.file).stem
    usual = _mapped(case, device)
    if isinstance(usual, str) or usual.bundle is None:
        return f"{name} on {device}, calibrated: {usual}"
    digest = hashlib.sha256(usual.bundle.files["arrays.npz"]).hexdigest()[:16]
    key = f"calibrated {device} {case.file} {len(raster)} {digest}"
    if key not in cache.rows and run:
        result = _mapped(case, device, (raster, labels))
        assert not isinstance(result, str) and result.bundle is not None
        cache.add(key, told=result.bundle.manifest["calibration"])
    if key not in cache.rows:
        return f"{name} on {device}, calibrated: not run"
    told = cache.rows[key]["told"]
    aim = case.aims.get(device, (None, None))[1]
    after = 100 * told["after"]["value"]
    reached = "" if aim is None else f"{aim:g}: {'yes' if after >= aim else 'NO'}"
    chosen = ", ".join(f"{dial} {value:g}" for dial, value in told["chosen"].items()) or "nothing"
    return (
        f"| {name} | {device} | {told['searched']} / {told['reported']} | "
        f"{100 * told['ideal']['value']:.1f} | {100 * told['before']['value']:.1f} | {after:.1f} | "
        f"{_points(told['difference'])} | {reached} | {chosen} |"
    )


def _page(rows: list[str], calibrated: list[str], missing: list[str], speed: Path | None) -> str:
    told = (__doc__ or "").split("\n\n", 2)[2].strip()
    out = [
        "# What the networks keep\n",
        f"Made by `benchmarks/accuracy.py`. {told}\n",
        "Percent of right decisions by spike count. `float`: the ideal network in the semantics of "
        "benchmarks/corpus_models.toml; differences are paired, sample by sample, with the 95 % "
        "interval of Bonett and Price. Braille data are the training and validation recordings of the "
        "networks' own training set, saccades are simulated: neither is the test set of the NIR paper. "
        "Networks on maps run the first 60 or 200 samples only. "
        "Speck runs event by event, in one seeded order of the events of a step.\n",
        "## Without calibration\n",
        HEAD,
        *rows,
        "",
        "## Calibrated on even samples, reported on odd ones\n",
        "`nirmap map --calibrate`: at most 60 candidates, at most 400 samples.\n",
        CALIBRATED,
        *calibrated,
        "",
    ]
    if missing:
        out += ["## Not in the tables\n", *(f"- {row}" for row in missing), ""]
    out += [SHORT]
    if speed is not None and speed.exists():
        out += list(_speed(json.loads(speed.read_text())))
    return "\n".join(out)


def _speed(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The table of benchmarks/emulators.py."""
    yield "## Speed\n"
    yield (
        "Samples per second on one core, of our emulator and of the vendor's simulator in the same "
        "run (`benchmarks/emulators.py`); `equal`: every spike of the vendor's run is ours too.\n"
    )
    yield "| network | emulator | steps | samples | per s | vendor's simulator | per s | equal |"
    yield "| --- " * 8 + "|"
    for row in rows:
        theirs = row["vendor_per_second"]
        yield (
            f"| {row['network']} | {row['emulator']} | {row['steps']} | {row['samples']} | "
            f"{row['per_second']:.1f} | {row['vendor']} | "
            f"{'' if theirs is None else f'{theirs:.2f}'} | "
            f"{ {None: '', True: 'yes', False: 'NO'}[row['same']] } |"
        )
    yield ""


if __name__ == "__main__":
    sys.exit(main())
