"""Map the example networks onto all four families of chips, and explain each result.

python examples/demo.py [FOLDER]                 default: out/demo
"""

from __future__ import annotations

import sys
from pathlib import Path

from make_models import copy_digits, write_models

from mapper import api

PAIRS = (
    ("cnn_if", "speck2f"),
    ("cnn_if_wide", "speck2f"),
    ("cnn_if", "loihi2"),
    ("cnn_if", "spinnaker2"),
    ("mlp_lif", "loihi2"),
    ("srnn_cuba", "loihi2"),
    ("srnn_cuba", "spinnaker2"),
    ("srnn_cuba", "xylo-audio2"),
    ("cnn_if_deep", "speck2f"),
    ("mlp_lif", "speck2f"),
)


def main(folder: Path) -> int:
    """Map every pair; 0 unless the checker found a fault of ours (an exception)."""
    models = write_models(folder / "models")
    copy_digits(folder / "models")  # for the commands of the README, which run in that folder
    bundles: list[Path] = []
    for name, device in PAIRS:
        print(f"{'=' * 78}\n")
        result = api.map(
            models[name],
            device,
            output=folder / f"{name}-{device}",
            models=folder / "models" / "models.toml",
        )
        print(result.text)
        if result.fits and result.path is not None:  # a refusal is written as well, beside it
            bundles.append(result.path)
    print(f"{'=' * 78}\n\n{len(bundles)} of {len(PAIRS)} fit. The bundles lie in:")
    for path in bundles:
        print(f"  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/demo")))
