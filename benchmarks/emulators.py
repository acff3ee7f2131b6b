"""Samples per second of each emulator, beside the vendor's simulator in the same run.

    python benchmarks/emulators.py [--sdk .sdk] [--samples 300] [--json FILE]

Run from the repository's root, with the corpus in place (tests/corpus.py) and, for the
vendors' figures, the environments of scripts/sdk_env.py. The networks are the NIR paper's,
quantized by their largest weight: what is measured here is speed, not accuracy. A vendor's
simulator runs a few samples; its spikes must equal the emulator's. Start-up is not counted.
BLAS runs on one thread: on a busy machine more of them wait for each other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported

import numpy as np
from paper_networks import (
    braille,
    loihi2_braille,
    loihi2_cnn,
    saccades,
    speck_cnn,
    spinnaker2_braille,
    spinnaker2_cnn,
    xylo_braille,
)

from mapper.families.loihi2 import emulate as loihi2
from mapper.families.speck import emulate as speck
from mapper.families.speck import steps as speck_steps
from mapper.families.spinnaker2 import emulate as spinnaker2
from mapper.families.xylo import emulate as xylo
from scripts.sdk_env import python_of
from scripts.sdk_test import vendor_run
from tests.corpus import CORPUS
from tests.sdk import loihi2_networks, sinabs_networks, xylo_networks

Case = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One network on one chip. `same`: whether all spikes of the vendor's run are equal."""

    network: str
    emulator: str
    steps: int
    samples: int
    per_second: float
    vendor: str
    vendor_samples: int
    vendor_per_second: float | None
    same: bool | None


@dataclass(frozen=True, slots=True)
class Vendor:
    """How the vendor's simulator runs a few samples: one case each.

    pairs: (record of those samples, sample, result) to arrays that must be equal.
    """

    name: str
    cases: list[Case]
    pairs: Callable[[Any, int, Case], list[tuple[Any, Any]]]


def measure(
    network: str,
    emulator: str,
    inputs: Any,
    run: Callable[[Any], Any],
    sdk: Path,
    vendor: Vendor | None = None,
    missing: str = "",
) -> Row:
    """Time `run` on all samples, and the vendor's simulator on its cases."""
    run(inputs[:1])
    started = time.perf_counter()
    run(inputs)
    rate = len(inputs) / (time.perf_counter() - started)
    steps = inputs.shape[1]
    if vendor is None or not python_of(sdk, vendor.name).exists():
        why = missing or f"{vendor.name if vendor else 'none'}: not installed"
        return Row(network, emulator, steps, len(inputs), rate, why, 0, None, None)
    with tempfile.TemporaryDirectory() as folder:
        results = vendor_run(sdk, vendor.name, vendor.cases, Path(folder))
    found = run(inputs[: len(results)])
    same = all(
        np.array_equal(mine, theirs)
        for sample, result in enumerate(results)
        for mine, theirs in vendor.pairs(found, sample, result)
    )
    seconds = sum(result["seconds"] for result in results)
    per_second = len(results) / seconds
    return Row(
        network, emulator, steps, len(inputs), rate, vendor.name, len(results), per_second, same
    )


def lava_pairs(record: Any, sample: int, result: Case) -> list[tuple[Any, Any]]:
    return [(record.spikes[name][sample], layer["s"]) for name, layer in result["layers"].items()]


def xylosim_pairs(record: Any, sample: int, result: Case) -> list[tuple[Any, Any]]:
    return [(record.spikes[pool][sample], result[pool]["s"]) for pool in ("hidden", "output")]


def sinabs_pairs(record: Any, sample: int, result: Case) -> list[tuple[Any, Any]]:
    return [
        (record.spikes[f"c{index}"][sample], spikes[0].reshape(len(spikes[0]), -1))
        for index, spikes in enumerate(result["layers"])
    ]


def rows(sdk: Path, samples: int) -> Any:
    """Every network on every chip that runs it, one after another."""
    graph, raster = braille("braille_noDelay_bias_zero")
    raster = raster[:samples]
    case = loihi2_braille(graph)
    net = loihi2_networks.network(case)
    lava = [case | {"steps": 256, "inputs": {"x": x.astype(np.int64)}} for x in raster[:3]]
    yield measure(
        "Braille 12-38-7, hard reset",
        "Loihi 2",
        raster,
        lambda x: loihi2.run(net, {"x": x}),
        sdk,
        Vendor("lava", lava, lava_pairs),
    )
    s2 = spinnaker2_braille(graph)
    none = "no simulator of the vendor can be installed"
    yield measure(
        "Braille 12-38-7, hard reset",
        "SpiNNaker2",
        raster,
        lambda x: spinnaker2.run(s2, {"x": x}),
        sdk,
        missing=none,
    )
    graph, raster = braille("braille_noDelay_noBias_subtract")
    raster = raster[:samples]
    case = xylo_braille(graph)
    chip = xylo_networks.network(case)
    xylosim = [case | {"inputs": x.astype(np.int64)} for x in raster[:50]]
    yield measure(
        "Braille 12-40-7, soft reset",
        "Xylo core 2",
        raster,
        lambda x: xylo.run(chip, x),
        sdk,
        Vendor("xylosim", xylosim, xylosim_pairs),
    )
    graph, raster = saccades()
    raster = raster[:samples]
    conv = loihi2_cnn(graph)
    flat = np.ascontiguousarray(raster.transpose(0, 1, 4, 3, 2))
    loihi2_net = loihi2_networks.network(conv)
    lava = [conv | {"steps": 300, "inputs": {"x": flat[0].astype(np.int64)}}]
    yield measure(
        "paper CNN",
        "Loihi 2",
        flat,
        lambda x: loihi2.run(loihi2_net, {"x": x}),
        sdk,
        Vendor("lava", lava, lava_pairs),
    )
    s2_cnn = spinnaker2_cnn(graph)
    yield measure(
        "paper CNN",
        "SpiNNaker2",
        raster,
        lambda x: spinnaker2.run(s2_cnn, {"x": x}),
        sdk,
        missing=none,
    )
    case = speck_cnn(graph)
    cores = sinabs_networks.network(case)
    sinabs = [case | {"raster": x[None].astype(np.int64)} for x in raster[:8]]
    yield measure(
        "paper CNN",
        "Speck, step view",
        raster,
        lambda x: speck_steps.run_steps(cores, x),
        sdk,
        Vendor("sinabs", sinabs, sinabs_pairs),
    )
    yield measure(
        "paper CNN",
        "Speck, events",
        raster,
        lambda x: speck.run_events(cores, speck.events_of(x, 0)),
        sdk,
        missing="specksim needs samna",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk", type=Path, default=Path(".sdk"))
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not CORPUS.is_dir():
        print(f"no corpus in {CORPUS.name}")
        return 2
    head = (
        "network",
        "emulator",
        "steps",
        "samples",
        "per s",
        "vendor's simulator",
        "per s",
        "equal",
    )
    line = "{:28} {:16} {:>5} {:>7} {:>8} {:45} {:>8} {:>5}"
    print(line.format(*head))
    done: list[Row] = []
    for row in rows(options.sdk, options.samples):
        done.append(row)
        theirs = "" if row.vendor_per_second is None else f"{row.vendor_per_second:.2f}"
        said = row.vendor if row.same is None else f"{row.vendor} ({row.vendor_samples} samples)"
        same = {None: "", True: "yes", False: "NO"}[row.same]
        print(
            line.format(
                row.network,
                row.emulator,
                row.steps,
                row.samples,
                f"{row.per_second:.1f}",
                said,
                theirs,
                same,
            ),
            flush=True,
        )
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in done], indent=1) + "\n")
    return int(any(row.same is False for row in done))


if __name__ == "__main__":
    sys.exit(main())
