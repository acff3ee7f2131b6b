"""A layer that no core of a Speck holds is split over two of them, by channels.

python examples/channel_split.py [FOLDER]        default: out
"""

from __future__ import annotations

import sys
from pathlib import Path

from networks import SEMANTICS, cnn_if_wide

from mapper import api


def main(folder: Path) -> int:
    """Map the network; print which channels of its first layer lie on which core."""
    output = folder / "cnn_if_wide-speck2f"
    result = api.map(cnn_if_wide(), "speck2f", output=output, **SEMANTICS["cnn_if_wide"])
    print(result.text)
    if result.bundle is None:
        return result.exit_code
    for piece in result.bundle.manifest["slices"]:
        first, last = piece["box"][0]
        print(f"'{piece['population']}' channels {first} to {last - 1}: core {piece['core']}")
    return result.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))
