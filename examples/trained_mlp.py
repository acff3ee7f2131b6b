"""A trained network, and what the chip's integers make of its decisions.

    python examples/trained_mlp.py [FOLDER]          default: out

The mapped network (mapped.nir) holds the integers divided by their scale, so that any
simulator of NIR shows what they cost; here nirmap's own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from networks import SEMANTICS, mlp_lif

from mapper import api
from mapper.emulate.ideal import run
from nir_io.resolve import resolve

SAMPLES, STEPS = 60, 100


def main(folder: Path) -> int:
    """Map onto Loihi 2; compare decisions before and after on seeded patterns."""
    output = folder / "mlp_lif-loihi2"
    result = api.map(mlp_lif(), "loihi2", output=output, **SEMANTICS["mlp_lif"])
    print(result.text)
    raster, labels = patterns()
    before = decisions(api.read(mlp_lif()).graph, raster, SEMANTICS["mlp_lif"])
    after = decisions(api.read(output / "mapped.nir").graph, raster, {})
    print(f"right before mapping: {np.mean(before == labels):.1%} of {SAMPLES} patterns")
    print(f"right after mapping:  {np.mean(after == labels):.1%}")
    print(f"the same decision:    {np.mean(before == after):.1%}")
    return result.exit_code


def patterns() -> tuple[np.ndarray, np.ndarray]:
    """Events (sample, step, channel), and which third of the channels is busiest."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, SAMPLES)
    rates = rng.uniform(0.0, 0.2, (SAMPLES, 16))
    for label in range(3):
        rates[np.ix_(labels == label, range(5 * label, 5 * label + 5))] += 0.4
    return (rng.random((SAMPLES, STEPS, 16)) < rates[:, None]).astype(float), labels


def decisions(graph, raster: np.ndarray, options: dict[str, object]) -> np.ndarray:
    """The output neuron that fires most, per sample; mapped.nir says its update rule itself."""
    counts = run(graph, resolve(graph, overrides=options), raster).counts
    return next(iter(counts.values())).argmax(axis=1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))
