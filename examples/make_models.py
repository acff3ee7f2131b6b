"""Write every network of examples/networks.py as a .nir file, with a sidecar for its update rule.

python examples/make_models.py [FOLDER]          default: out/models
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import nir
from networks import NETWORKS, SEMANTICS


def write_models(folder: Path, names: Iterable[str] = tuple(NETWORKS)) -> dict[str, Path]:
    """The files by the network's name; `models.toml` beside them says how each is meant."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, Path] = {}
    for name in names:
        paths[name] = folder / f"{name}.nir"
        nir.write(paths[name], NETWORKS[name]())
    tables = [
        "\n".join(
            (f'["{name}.nir"]', *(f"{key} = {_toml(v)}" for key, v in SEMANTICS[name].items()))
        )
        for name in paths
    ]
    (folder / "models.toml").write_text("\n\n".join(tables) + "\n")
    return paths


def copy_digits(folder: Path) -> None:
    """The trained network of docs/tutorial.md, and data for it, beside the others."""
    for name in ("digits.nir", "digits_test.npz"):
        shutil.copy(Path(__file__).resolve().parent / "digits" / name, folder)


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "out/models")
    for path in write_models(target).values():
        print(path)
    copy_digits(target)
