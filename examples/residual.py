"""A skip connection: one core sends to two, or paths of different length are balanced by delays.

python examples/residual.py [FOLDER]             default: out
"""

from __future__ import annotations

import sys
from pathlib import Path

from networks import SEMANTICS, residual_if

from mapper import api


def main(folder: Path) -> int:
    """Map onto Speck, which has no latency, and ask Loihi 2, whose connections take a step."""
    speck = api.map(
        residual_if(), "speck2f", output=folder / "residual_if-speck2f", **SEMANTICS["residual_if"]
    )
    print(speck.text)
    loihi = api.check(residual_if(), "loihi2", **SEMANTICS["residual_if"])
    print(loihi.text)
    return speck.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))
