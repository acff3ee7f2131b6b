"""The hand-off: `deploy.py`, one static text a family, for every bundle of that family.

It runs where nirmap is not installed, in the vendor's Python (3.8 or newer), so it imports
numpy and the vendor's SDK only. The part that all families share is written once, in
parts/common.py, and stands in place of the family's import of it.
"""

from __future__ import annotations

CUT = "from mapper.bundle.handoff.parts.common import *  # replaced by that file's text in deploy.py\n"

RAN = {
    "loihi2": "run with lava-nc 0.10's simulation, never on a chip",
    "xylo": "run with xylosim 0.1 and rockpool 3.1; never on a chip",
    "spinnaker2": "never run with py-spinnaker2, only with a stand-in made from its documentation",
    "speck": "never run with samna, only with a stand-in made from its documentation",
}  # how far each deploy.py was tried; reports say so


NONE = "none: nirmap has no hand-off for this family of chips"


def deploy(family: str) -> bytes | None:
    """The text of a family's deploy.py, the same bytes for every bundle; None where it has none."""
    if family not in RAN:
        return None
    from importlib.resources import files

    here = files(__name__).joinpath("parts")
    shared = here.joinpath("common.py").read_text(encoding="utf-8")
    own = here.joinpath(f"{family}.py").read_text(encoding="utf-8")
    if own.count(CUT) != 1 or not own.startswith(CUT):
        raise ValueError(
            f"handoff/parts/{family}.py does not begin with its import of the shared part"
        )
    return (shared + own.removeprefix(CUT)).encode()
