"""A network that does not fit, and what nirmap says about it.

python examples/refused.py
"""

from __future__ import annotations

import sys

from networks import SEMANTICS, cnn_if_deep

from mapper import api


def main() -> int:
    """Ask for ten layers on nine cores; print the explanation and the limits it rests on."""
    result = api.check(cnn_if_deep(), "speck2f", **SEMANTICS["cnn_if_deep"])
    print(result.text)
    for conflict in result.facts["conflicts"]:
        for claim in conflict["claims"]:
            print(f"{claim['kind']}: {claim['demanded']} of {claim['available']} {claim['unit']}")
    return 0 if not result.fits else 1


if __name__ == "__main__":
    sys.exit(main())
