"""Which device suits a model: by agreement with data, else by what was changed, then by room.

Unlike chips are never ranked by their numbers of cores: head-room is what is left of the
tightest limit, whatever that limit is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mapper.verbs.batch.columns import flat
from mapper.verbs.batch.row import GROUPS
from nir_io.errors import BadInput
from nir_io.raw import printable

Line = Mapping[str, Any]
LAST = float("inf")


def _small(name: str) -> Callable[[Line], float]:
    return lambda line: LAST if line[name] is None else line[name]


def _large(name: str) -> Callable[[Line], float]:
    return lambda line: LAST if line[name] is None else -line[name]


ORDERS: Mapping[str, Callable[[Line], float]] = {
    "agreement": _large("agreement"),
    "group": lambda line: GROUPS.index(line["group"]),
    "headroom": _large("headroom"),
    "error": _small("error"),
    "loss": _small("loss"),
    "assumptions": _small("assumptions"),
}
USUAL = ("agreement", "group", "headroom", "error")


def order_of(text: str | None) -> tuple[str, ...]:
    """The order that `--rank` names, what it leaves out behind. Raises BadInput."""
    if text is None:
        return USUAL
    names = tuple(part.strip() for part in text.split(","))
    wrong = [name for name in names if name not in ORDERS]
    if wrong or len(set(names)) != len(names):
        raise BadInput(
            [
                f"option rank: is '{printable(text)}'; expected some of {', '.join(ORDERS)}, each "
                "once, the most important first"
            ]
        )
    return (*names, *(name for name in USUAL if name not in names))


def ranked(rows: Iterable[Mapping[str, Any]], order: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """The rows of one model that fit, the most suitable device first, as flat lines."""
    lines = [flat(row) for row in rows if row["status"] == "fits"]
    lines.sort(key=lambda line: (*(ORDERS[name](line) for name in order), line["device"]))
    return tuple({**line, "rank": place} for place, line in enumerate(lines, 1))
