"""Which device suits a model: by agreement with data, else by what was changed, then by room.

Unlike chips are never ranked by their numbers of cores: head-room is what is left of the
tightest limit, whatever that limit is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from mapper.verbs.batch.document import GROUPS, Order, Ranked, Row
from nir_io.errors import BadInput
from nir_io.raw import printable

LAST = float("inf")


def _small(value: float | None) -> float:
    return LAST if value is None else value


def _large(value: float | None) -> float:
    return LAST if value is None else -value


ORDERS: Mapping[Order, Callable[[Row], float]] = {
    "agreement": lambda row: _large(row["agreement"]),
    "group": lambda row: LAST if row["group"] is None else GROUPS.index(row["group"]),
    "headroom": lambda row: _large(headroom(row)),
    "error": lambda row: _small(row["error"]),
    "loss": lambda row: _small(None if row["loss"] is None else row["loss"]["rms"]),
    "assumptions": lambda row: len(row["assumptions"]),
}
USUAL: tuple[Order, ...] = ("agreement", "group", "headroom", "error")


def order_of(text: str | None) -> tuple[Order, ...]:
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
    chosen = cast(tuple[Order, ...], names)
    return (*chosen, *(name for name in USUAL if name not in names))


def headroom(row: Row) -> float | None:
    """What is left of the tightest limit, as a share of it."""
    full = row["tightest"]
    return None if full is None else round(1.0 - full["share"], 6)


def ranked(rows: Iterable[Row], order: tuple[Order, ...]) -> list[Ranked]:
    """The rows of one model that fit, the most suitable device first."""
    found = [row for row in rows if row["status"] == "fits"]
    found.sort(key=lambda row: (*(ORDERS[name](row) for name in order), row["device"]))
    return [_line(row, place) for place, row in enumerate(found, 1)]


def _line(row: Row, place: int) -> Ranked:
    full, loss = row["tightest"], row["loss"]
    return {
        "rank": place,
        "device": row["device"],
        "group": row["group"],
        "headroom": headroom(row),
        "tightest": None if full is None else full["resource"],
        "share": None if full is None else full["share"],
        "error": row["error"],
        "loss": None if loss is None else loss["rms"],
        "agreement": row["agreement"],
    }
