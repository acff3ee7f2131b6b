"""Runs bundles' own deploy.py in the vendors' simulators, beside the emulators.

    python scripts/sdk_handoff.py [--sdk .sdk] [--samples 50] [--only NAME] [--jobs 2]

Networks made here and those of examples/ always run; the NIR paper's and the trained networks
with real recordings where the corpus is there (tests/corpus.py). Each bundle is mapped anew,
its deploy.py runs in the vendor's environment (scripts/sdk_env.py), and every spike of every
population and output is compared with the emulator's. `rockpool`: deploy.py's dictionary is
given to the chip's own config_from_specification, the configuration read back, and run by
rockpool's XyloSim; samna is a stand-in there (tests/sdk/vendor_rockpool.py). `sinabs`: the
configuration that sinabs makes of a network, beside ours, field by field.

Exits with 1 where something differs. Environments that are not there are named, last and
loudly, with what was not run for want of them; with --need-all that is a failure too.

samna and py-spinnaker2 are never run: tests/handoff holds their hand-off to recorders.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from mapper import api
from mapper.emulate.loaded import Loaded
from scripts.sdk_env import python_of, ready, run
from tests.asking import emulate
from tests.corpus import CORPUS
from tests.handoff.bundles import convolved, loaded, recurrent

ROOT = Path(__file__).resolve().parent.parent
XYLO = {"allow": ("decays-on-grid", "lif-to-cubalif", "reset-kind")}
CHIPS = ("xylo-audio2", "xylo-audio3", "xylo-imu")
LONGEST = 1800  # seconds for one bundle in a simulator
FIRST = {"cnn_saccade_if_paper_shape": 30}  # steps; Lava's Conv takes a tenth of a second each


@dataclass(frozen=True, slots=True)
class Job:
    """A network on a device. `words`: options of deploy.py; `small`: neurons a core, not 0
    where the hidden populations are to be cut into slices (each is a process of Lava, and
    many of them are slow)."""

    name: str
    vendor: str
    network: Any
    device: str
    raster: Any
    labels: Any = None
    words: tuple[str, ...] = ()
    small: int = 0
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
    for vendor in ("xylosim", "rockpool"):
        for chip in CHIPS:
            options = made | XYLO | {"reset": "subtract"}
            yield Job("CUBA, subtract", vendor, recurrent(), chip, cuba, options=options)
    yield from _digits(samples)
    if not CORPUS.is_dir():
        print("the corpus is not here: no paper's and no trained networks", flush=True)
        return
    yield from _paper(samples)
    yield from _trained(samples)


def _digits(samples: int) -> Iterator[Job]:
    """The tutorial's network (docs/tutorial.md) on its test digits."""
    folder = ROOT / "examples" / "digits"
    with np.load(folder / "digits_test.npz") as stored:
        some = _chosen(len(stored["raster"]), samples)
        raster, labels = stored["raster"][some], stored["labels"][some]
    options = {"semantics": "snntorch"}
    for chip in CHIPS[1:]:
        for vendor in ("xylosim", "rockpool"):
            yield Job(
                "digits", vendor, folder / "digits.nir", chip, raster, labels, options=options
            )
    yield from _loihi2("digits", 32, folder / "digits.nir", raster, labels, options)


def _chosen(total: int, samples: int) -> Any:
    return np.linspace(0, total - 1, min(samples, total)).astype(int)


def _paper(samples: int) -> Iterator[Job]:
    options = {"models": ROOT / "benchmarks" / "corpus_models.toml"}
    current = CORPUS / "paper" / "current"
    rng = np.random.default_rng(1)
    pulses = (rng.random((samples, 200, 1)) < 0.3).astype(np.uint8)
    lif = current / "lif_norse.nir"
    yield Job("lif_norse", "lava", lif, "loihi2", pulses, options=options)
    for chip in CHIPS:
        yield Job("lif_norse", "xylosim", lif, chip, pulses, options=options | XYLO)
    with np.load(CORPUS / "paper" / "reference" / "braille7_real.npz") as stored:
        bits = np.unpackbits(stored["packed"], axis=1)[:, : 256 * 12].reshape(-1, 256, 12)
        some = _chosen(len(bits), samples)
        raster, labels = bits[some], stored["labels"][some]
    for file, small in (("braille_noDelay_noBias_subtract", 20), ("braille_noDelay_bias_zero", 19)):
        path = current / f"{file}.nir"
        for chip in CHIPS:
            yield Job(file, "xylosim", path, chip, raster, labels, options=options | XYLO)
            few = raster[:10], labels[:10]
            yield Job(file, "rockpool", path, chip, *few, options=options | XYLO)
        yield from _loihi2(file, small, path, raster, labels, options)
    yield Job("cnn_sinabs", "sinabs", current / "cnn_sinabs.nir", "speck2f", None, options=options)


def _trained(samples: int) -> Iterator[Job]:
    options = {"models": ROOT / "benchmarks" / "corpus_models.toml"}
    for file, small, chips in (
        ("srnn_vowels_cuba_12-40-9", 20, CHIPS[1:]),
        ("srnn_braille_cuba_12-48-7", 24, CHIPS),
        ("srnn_digits_rows_cuba", 32, CHIPS[1:]),
        ("kws_vowels_lif_12-63-63-9", 32, CHIPS[1:]),
        ("mlp_mnist_lif_784-128-10", 64, ()),
        ("cnn_saccade_lif_avgpool", 0, ()),
        ("cnn_saccade_if_paper_shape", 0, ()),
    ):
        path = CORPUS / "trained" / f"{file}.nir"
        with np.load(path.with_suffix(".npz")) as stored:
            total, steps = len(stored["labels"]), FIRST.get(file)
            some = _chosen(total, samples)
            labels = stored["labels"][some] if steps is None else None
            if "events" in stored:
                events = stored["events"].astype(np.int64)
                events[0] = np.where(np.isin(events[0], some), np.searchsorted(some, events[0]), -1)
                kept = events[:, (events[0] >= 0) & (events[1] < (steps or stored["shape"][1]))]
                raster = np.zeros((len(some), steps or stored["shape"][1], *stored["shape"][2:]))
                raster = raster.astype(np.uint8)
                raster[tuple(kept)] = 1  # Lava takes one event a step
            else:
                size = int(np.prod(stored["shape"]))
                bits = np.unpackbits(stored["packed"][some], axis=1)[:, :size]
                raster = bits.reshape(-1, *stored["shape"])
        for chip in chips:
            yield Job(file, "xylosim", path, chip, raster, labels, options=options | XYLO)
        yield from _loihi2(file, small, path, raster, labels, options)


def _loihi2(
    file: str, small: int, path: Path, raster: Any, labels: Any, options: dict[str, Any]
) -> Iterator[Job]:
    """Whole populations; then one process for each slice, at most `small` neurons."""
    yield Job(file, "lava", path, "loihi2", raster, labels, options=options)
    if small:  # populations beside a convolution stay whole
        words = ("--slices",)
        yield Job(file, "lava", path, "loihi2", raster, labels, words, small, options=options)


def device(job: Job, folder: Path) -> str | Path:
    """The device's name, or a profile of it with few neurons a core."""
    if not job.small:
        return job.device
    text = files("device_profiles").joinpath("chips", f"{job.device}.toml").read_text()
    few, found = re.subn(
        r"(neurons_per_core = \{ value = )\d+(.*?)optimistic = \d+, ", rf"\g<1>{job.small}\2", text
    )
    assert found == 1, "the profile no longer says neurons_per_core as expected here"
    path = folder / "small.toml"
    path.write_text(few)
    return path


def judge(job: Job, sdk: Path, folder: Path) -> tuple[bool, str]:
    """Run a job; whether all is equal, and a line on it."""
    title = f"{job.name} on {job.device} ({job.vendor}{''.join(' ' + w for w in job.words)})"
    bundle = folder / "bundle"
    result = api.map(job.network, device(job, folder), output=bundle, **job.options)
    if result.bundle is None:
        return False, f"{title}: NOT EQUAL: {result.text.splitlines()[0]}"
    compared = _configured if job.vendor == "sinabs" else _ran
    try:
        return True, f"{title}: equal; {compared(job, sdk, folder, result.bundle)}"
    except (DifferenceError, subprocess.TimeoutExpired) as error:
        return False, f"{title}: NOT EQUAL: {error}"


class DifferenceError(Exception):
    """What differs, or what failed."""


def _vendor(sdk: Path, vendor: str, words: list[Any]) -> None:
    command = [str(python_of(sdk, vendor)), "-W", "ignore", *map(str, words)]
    done = run(command, LONGEST)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise DifferenceError(said[-1] if said else "ended without a word")


def _ran(job: Job, sdk: Path, folder: Path, bundle: Any) -> str:
    """Spikes of the bundle in the vendor's simulator. Raises DifferenceError."""
    data, out, config = (folder / f"{name}.npz" for name in ("data", "run", "config"))
    np.savez(data, raster=job.raster)
    started = time.perf_counter()
    script = [folder / "bundle" / "deploy.py"]
    if job.vendor == "rockpool":
        script = [ROOT / "tests" / "sdk" / "vendor_rockpool.py", folder / "bundle", config]
    _vendor(sdk, job.vendor, [*script, "--check", "--input", data, "--save", out, *job.words])
    seconds = time.perf_counter() - started
    stored = Loaded(bundle.manifest, bundle.arrays)
    wanted = emulate(stored, job.raster)
    spikes = 0
    with np.load(out, allow_pickle=False) as found:
        for kind, arrays in (("population", wanted.populations), ("output", wanted.outputs)):
            for i, (name, values) in enumerate(arrays.items()):
                if not np.array_equal(values, found[f"{kind}{i:03d}"]):
                    raise DifferenceError(f"{kind} '{name}' differs from the emulator's")
                spikes += int(values.sum()) if kind == "population" else 0
        right = "" if job.labels is None else _right(found["counts"], job.labels)
    if not spikes:
        raise DifferenceError("no neuron spiked, so nothing was compared")
    if job.vendor == "rockpool":
        _read_back(stored, config)
    return (
        f"{len(job.raster)} samples, {len(bundle.manifest['slices'])} slices, "
        f"{spikes} spikes{right}, {seconds:.0f} s"
    )


def _read_back(stored: Loaded, file: Path) -> None:
    """The configuration that rockpool made, beside the emulator's network. Raises DifferenceError."""
    from mapper.families.xylo.load import network_of

    net = network_of(stored)
    hidden, synapses = net.dash_syn.shape
    biased = any(value is not None and value.any() for value in (net.bias, net.bias_out))
    wanted: dict[str, Any] = {
        "bias_enable": biased,
        "synapse2_enable": synapses == 2,
        "rec i_syn_decay": net.dash_syn[:, 0],
        "rec v_mem_decay": net.dash_mem,
        "rec threshold": net.threshold,
        "rec v_mem_bias": net.bias,
        "out i_syn_decay": net.dash_syn_out,
        "out v_mem_decay": net.dash_mem_out,
        "out threshold": net.threshold_out,
        "out v_mem_bias": net.bias_out,
        "in weight_bit_shift": net.weight_shift_in,
        "rec weight_bit_shift": net.weight_shift_rec,
        "out weight_bit_shift": net.weight_shift_out,
        "rec alias_target": 0,
    }
    if synapses == 2:
        wanted["rec i_syn2_decay"] = net.dash_syn[:, 1]
    with np.load(file) as found:
        for key, value in wanted.items():
            if not np.all(found[key] == (0 if value is None else value)):
                raise DifferenceError(f"rockpool's configuration: {key} is not the bundle's")
        for part, weights in (("in", net.weights_in), ("rec", net.weights_rec)):
            for k, key in enumerate(("weights", "syn2_weights")[:synapses]):
                given = found[f"{part} {key}"]
                full = np.zeros((len(given), hidden), np.int64)
                full[:, : given.shape[1]] = given
                if weights is None or not np.array_equal(full, weights[:, :, k]):
                    raise DifferenceError(
                        f"rockpool's configuration: {part} {key} are not the bundle's"
                    )
        full = np.zeros_like(net.weights_out)
        full[hidden - len(found["out weights"]) :] = found["out weights"]
        if not np.array_equal(full, net.weights_out):
            raise DifferenceError("rockpool's configuration: out weights are not the bundle's")


def _configured(job: Job, sdk: Path, folder: Path, bundle: Any) -> str:
    """Our configuration of a chain beside sinabs' own. Raises DifferenceError.

    Cores may differ (any core that holds a layer will do), and with them the destinations'
    core. So may scales: sinabs' makes the largest weight 127, ours may clip a few to lose
    less of the others; then a weight over its threshold differs by the rounding of both.
    """
    config = folder / "config.npz"
    _vendor(
        sdk, "sinabs", [ROOT / "tests" / "sdk" / "vendor_sinabs_config.py", job.network, config]
    )
    deploy = loaded(folder / "bundle")
    net = deploy.load(str(folder / "bundle"), "speck")
    cores = deploy.cores_of(net)
    for part in net.manifest["slices"]:
        cores[part["core"]]["monitor_enable"] = part["population"] in net.heard()
    sent = {end["layer"] for core in cores.values() for end in core["destinations"]}
    order = [next(core for core in cores if core not in sent)]
    while len(order) < len(cores):
        order.append(cores[order[-1]]["destinations"][0]["layer"])
    clipped, scales = 0, []
    with np.load(config) as found:
        if len(found["core"]) != len(order):
            raise DifferenceError(f"sinabs uses {len(found['core'])} cores, we {len(order)}")
        for i, core in enumerate(order):
            ours, d = cores[core], cores[core]["dimensions"]
            same = {
                "dimensions": [
                    [d[end]["feature_count"], d[end]["size"]["y"], d[end]["size"]["x"]]
                    for end in ("input_shape", "output_shape")
                ],
                "stride": [d["stride"]["y"], d["stride"]["x"]],
                "padding": [d["padding"]["y"], d["padding"]["x"]],
                "kernel_size": d["kernel_size"],
            }
            for key in (
                "biases",
                "neurons_initial_value",
                "return_to_zero",
                "leak_enable",
                "leak_internal_slow_clk_enable",
                "monitor_enable",
            ):
                same[key] = ours[key]
            for key, value in same.items():
                if not np.array_equal(found[f"{i} {key}"], value):
                    raise DifferenceError(
                        f"layer {i}: {key}: sinabs {found[f'{i} {key}']}, we {value}"
                    )
            ends = [(e["pooling"], e["feature_shift"]) for e in ours["destinations"]]
            theirs = [tuple(end[1:]) for end in found[f"{i} destinations"].tolist()]
            if ends != theirs:
                raise DifferenceError(f"layer {i}: destinations: sinabs {theirs}, we {ends}")
            high, low = ours["threshold_high"], ours["threshold_low"]
            other = float(found[f"{i} threshold_high"])
            if low / high != found[f"{i} threshold_low"] / other:
                raise DifferenceError(
                    f"layer {i}: threshold_low is another share of threshold_high"
                )
            weights = np.array(ours["weights"])
            share, wanted = weights / high, found[f"{i} weights"] / other
            bound = 0.5 * (1 + np.abs(wanted)) * (1 / high + 1 / other)
            full = np.isin(weights, (-128, 127))
            if np.any((np.abs(share - wanted) > bound) & ~full) or np.any(
                full & (np.abs(share) > np.abs(wanted) + bound)
            ):
                raise DifferenceError(
                    f"layer {i}: weights differ by more than the rounding of both"
                )
            clipped += int(np.count_nonzero(full & (np.abs(share - wanted) > bound)))
            scales.append(f"{high}/{other:.0f}")
    return (
        f"{len(order)} cores, all fields but: cores {order}, threshold ours/sinabs' "
        f"{', '.join(scales)}, {clipped} weights clipped by ours"
    )


def _right(counts: Any, labels: Any) -> str:
    return f", {np.count_nonzero(counts.argmax(axis=1) == labels)} of {len(labels)} right"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk", type=Path, default=ROOT / ".sdk")
    parser.add_argument("--samples", type=int, default=50, help="real recordings a network")
    parser.add_argument("--only", default="", help="jobs whose name or vendor holds this")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="N bundles at a time")
    parser.add_argument("--need-all", action="store_true", help="fail without an environment")
    options = parser.parse_args()
    given = [j for j in jobs(options.samples) if options.only in f"{j.name} {j.vendor}"]
    if not given:
        parser.error(f"no job's name or vendor holds '{options.only}'")
    there = [j for j in given if ready(options.sdk, j.vendor)]

    def one(job: Job) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            equal, said = judge(job, options.sdk, Path(folder))
        print(said, flush=True)
        return equal

    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(one, there))
    print(f"hand-off: {sum(outcomes)} equal, {len(outcomes) - sum(outcomes)} not equal")
    missing = sorted({job.vendor for job in given} - {job.vendor for job in there})
    for vendor in missing:
        count = sum(job.vendor == vendor for job in given)
        print(f"NOT RUN: {count} bundles: {vendor} is not in {options.sdk} (scripts/sdk_env.py)")
    return 1 if not all(outcomes) or (missing and options.need_all) else 0


if __name__ == "__main__":
    sys.exit(main())
