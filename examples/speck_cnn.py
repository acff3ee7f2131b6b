"""A convolutional network of IF neurons on Speck, from Python.

python examples/speck_cnn.py [FOLDER]            default: out
"""

from __future__ import annotations

import sys
from pathlib import Path

from networks import SEMANTICS, cnn_if

from mapper import api


def main(folder: Path) -> int:
    """Map the network in memory; print the report."""
    result = api.map(cnn_if(), "speck2f", output=folder / "cnn_if-speck2f", **SEMANTICS["cnn_if"])
    print(result.text)
    cores = {p["name"]: p["cores"] for p in result.facts["populations"]}
    print(f"cores by population: {cores}")
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))
