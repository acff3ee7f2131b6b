"""Runs bundles' own deploy.py in the vendors' simulators, beside the emulators.

    python scripts/sdk_handoff.py [--sdk .sdk] [--samples 50] [--only NAME]

Networks made here always run; the NIR paper's Braille networks with real recordings where the
corpus is there (tests/corpus.py). Each bundle is mapped anew, its deploy.py runs in the
vendor's environment (scripts/sdk_env.py), and every spike of every population and output is
compared. Exits with 1 where one differs, or an environment is missing.

samna and py-spinnaker2 are not run: tests/handoff holds their hand-off to recorders.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from mapper import api
from mapper.emulate.bundle import emulate
from mapper.emulate.loaded import Loaded
from scripts.sdk_env import python_of
from tests.corpus import CORPUS
from tests.handoff.bundles import convolved, recurrent

ROOT = Path(__file__).resolve().parent.parent
SMALL = 14  # neurons a core in the profile that forces several slices
XYLO = {"allow": ("decays-on-grid", "reset-kind")}


@dataclass(frozen=True, slots=True)
class Job:
    """A network on a device. `words`: options of deploy.py; `small`: several slices."""

    name: str
    vendor: str
    network: Any
    device: str
    raster: Any
    labels: Any = None
    words: tuple[str, ...] = ()
    small: bool = False
    options: dict[str, Any] = field(default_factory=dict[str, Any])


def jobs(samples: int) -> Iterator[Job]:
    """What to run, the quick ones first."""
    rng = np.random.default_rng(7)
    cuba = (rng.random((3, 40, 5)) < 0.3).astype(np.uint8)
    maps = (rng.random((2, 20, 2, 8, 8)) < 0.2).astype(np.uint8)
    made = {"semantics": "snntorch", "file_dt": 1e-3}
    for reset in ("zero", "subtract"):
        options = made | {"reset": reset}
        yield Job(f"CUBA, {reset}", "lava", recurrent(), "loihi2", cuba, options=options)
    flat = {"semantics": "sinabs", "file_dt": 1e-3}
    yield Job("convolutions", "lava", convolved(), "loihi2", maps, options=flat)
    chips = ("xylo-audio2", "xylo-audio3", "xylo-imu")
    for chip in chips:
        options = made | XYLO | {"reset": "subtract"}
        yield Job("CUBA, subtract", "xylosim", recurrent(), chip, cuba, options=options)
    real = CORPUS / "paper" / "reference" / "braille7_real.npz"
    if not real.is_file():
        print("the corpus is not here: no Braille networks", flush=True)
        return
    with np.load(real) as stored:
        bits = np.unpackbits(stored["packed"], axis=1)[:, : 256 * 12].reshape(-1, 256, 12)
        some = np.linspace(0, len(bits) - 1, samples).astype(int)
        raster, labels = bits[some], stored["labels"][some]
    options = {"models": ROOT / "benchmarks" / "corpus_models.toml"}
    for file in ("braille_noDelay_noBias_subtract", "braille_noDelay_bias_zero"):
        path = CORPUS / "paper" / "current" / f"{file}.nir"
        for chip in chips:
            yield Job(file, "xylosim", path, chip, raster, labels, options=options | XYLO)
        yield Job(file, "lava", path, "loihi2", raster, labels, options=options)
        yield Job(
            file, "lava", path, "loihi2", raster, labels, ("--slices",), True, options=options
        )


def device(job: Job, folder: Path) -> str | Path:
    """The device's name, or a profile of it with few neurons a core."""
    if not job.small:
        return job.device
    text = files("device_profiles").joinpath("chips", f"{job.device}.toml").read_text()
    few, found = re.subn(
        r"(neurons_per_core = \{ value = )\d+(.*?)optimistic = \d+, ", rf"\g<1>{SMALL}\2", text
    )
    assert found == 1, "the profile no longer says neurons_per_core as expected here"
    path = folder / "small.toml"
    path.write_text(few)
    return path


def judge(job: Job, sdk: Path, folder: Path) -> str | None:
    """Run a job and print a line on it; what differs, or None."""
    bundle, data, run = folder / "bundle", folder / "data.npz", folder / "run.npz"
    result = api.map(job.network, device(job, folder), output=bundle, **job.options)
    if result.bundle is None:
        return result.text.splitlines()[0]
    np.savez(data, raster=job.raster)
    command = [python_of(sdk, job.vendor), "-W", "ignore", bundle / "deploy.py", "--check"]
    command += ["--input", data, "--save", run, *job.words]
    started = time.perf_counter()
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        return said[-1] if said else "deploy.py failed without a word"
    wanted = emulate(Loaded(result.bundle.manifest, result.bundle.arrays), job.raster)
    spikes = 0
    with np.load(run, allow_pickle=False) as found:
        for kind, arrays in (("population", wanted.populations), ("output", wanted.outputs)):
            for i, (name, values) in enumerate(arrays.items()):
                if not np.array_equal(values, found[f"{kind}{i:03d}"]):
                    return f"{kind} '{name}' differs from the emulator's"
                spikes += int(values.sum()) if kind == "population" else 0
        right = "" if job.labels is None else _right(found["counts"], job.labels)
    slices = len(result.bundle.manifest["slices"])
    print(
        f"{job.name} on {job.device} ({job.vendor}{''.join(' ' + w for w in job.words)}): equal; "
        f"{len(job.raster)} samples, {slices} slices, {spikes} spikes{right}, {seconds:.0f} s",
        flush=True,
    )
    return None if spikes else "no neuron spiked, so nothing was compared"


def _right(counts: Any, labels: Any) -> str:
    return f", {np.count_nonzero(counts.argmax(axis=1) == labels)} of {len(labels)} right"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk", type=Path, default=ROOT / ".sdk")
    parser.add_argument("--samples", type=int, default=50, help="real recordings a network")
    parser.add_argument("--only", default="", help="jobs whose name or vendor holds this")
    options = parser.parse_args()
    failed = 0
    for job in jobs(options.samples):
        if options.only not in f"{job.name} {job.vendor}":
            continue
        if not python_of(options.sdk, job.vendor).exists():
            said: str | None = f"{job.vendor} is not in {options.sdk}; run scripts/sdk_env.py"
        else:
            with tempfile.TemporaryDirectory() as folder:
                said = judge(job, options.sdk, Path(folder))
        if said is not None:
            failed += 1
            print(f"{job.name} on {job.device} ({job.vendor}): NOT EQUAL: {said}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
