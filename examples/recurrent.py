"""One recurrent network of CubaLIF neurons on three families of chips.

python examples/recurrent.py [FOLDER]            default: out
"""

from __future__ import annotations

import sys
from pathlib import Path

from networks import SEMANTICS, srnn_cuba

from mapper import api


def main(folder: Path) -> int:
    """Map the network onto each; print how late its outputs are there."""
    worst = 0
    for device in ("loihi2", "spinnaker2", "xylo-audio2"):
        output = folder / f"srnn_cuba-{device}"
        result = api.map(srnn_cuba(), device, output=output, **SEMANTICS["srnn_cuba"])
        print(result.text)
        late = [port["latency"] for port in result.facts["outputs"]]
        print(f"{device}: outputs are {late} steps late\n")
        worst = max(worst, result.exit_code)
    return worst


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))
