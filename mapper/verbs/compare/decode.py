"""From what the outputs give to one decision a sample, by a stated read-out."""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput
from nir_io.raw import printable

READ_OUTS = {
    "count": "the output with the most spikes, or the largest sum of values",
    "v-last": "the output with the highest membrane in the last step",
    "v-max": "the output whose membrane reaches the highest value",
    "first-spike": "the output that spikes first",
}


def check(how: str, spiking: Mapping[str, bool]) -> None:
    """Raises BadInput where the outputs (name -> whether they give spikes) have no such read-out."""
    if how not in READ_OUTS:
        raise BadInput([f"option --decode: '{printable(how)}'; expected {', '.join(READ_OUTS)}"])
    membrane = how.startswith("v-")
    wrong = [name for name, fires in spiking.items() if fires == membrane and how != "count"]
    if wrong:
        gives = "spikes, and no membrane" if membrane else "a membrane, and no spikes"
        raise BadInput(
            [
                f"option --decode: output '{printable(name)}' gives {gives}; "
                f"expected {'count or first-spike' if membrane else 'count, v-last or v-max'}"
                for name in wrong
            ]
        )


def scores(how: str, outputs: Mapping[str, Array]) -> Array:
    """(sample, value), outputs in order; the decision is the first of the largest.

    outputs: (sample, step, value): spikes, or a membrane.
    """
    parts: list[Array] = []
    for out in outputs.values():
        match how:
            case "count":
                part = out.sum(axis=1, dtype=np.float64)
            case "v-last":
                part = out[:, -1]
            case "v-max":
                part = out.max(axis=1)
            case _:
                fired = out > 0
                part = -np.where(fired.any(axis=1), fired.argmax(axis=1), out.shape[1])
        parts.append(np.asarray(part, dtype=np.float64))
    return np.concatenate(parts, axis=1)
