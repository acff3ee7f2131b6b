"""What a batch comes to: per device what refuses and what would help, per model the ranking."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final, TypeVar

from mapper.report.document import LimitFacts
from mapper.verbs.batch.document import (
    GROUPS,
    STATUSES,
    Admitting,
    DeviceSummary,
    ModelSummary,
    Order,
    Refusing,
    Row,
    Summary,
)
from mapper.verbs.batch.rank import ranked

SCHEMA: Final = "nirmap-fit-summary-2"
MOST_LIMITS = 5
MOST_CHANGES = 3

Rows = Sequence[Row]
T = TypeVar("T", bound=str)


def summary(rows: Rows, order: tuple[Order, ...], where: str | None = None) -> Summary:
    """The batch as plain values, devices and models in name order; where: what `rows` meet."""
    return {
        "schema": SCHEMA,
        "pairs": len(rows),
        "statuses": _counts((row["status"] for row in rows), STATUSES),
        "order": list(order),
        "devices": [_device(*group) for group in _by(rows, lambda row: row["device"])],
        "models": [_model(*group, order) for group in _by(rows, lambda row: row["model"])],
        "where": where,
    }


def ranks(facts: Summary) -> dict[tuple[str, str], int]:
    """The place of each (model, device) that fits."""
    return {
        (model["model"], line["device"]): line["rank"]
        for model in facts["models"]
        for line in model["ranking"]
    }


def _by(rows: Rows, key: Callable[[Row], str]) -> list[tuple[str, list[Row]]]:
    return [(name, list(group)) for name, group in groupby(sorted(rows, key=key), key=key)]


def _counts(found: Iterable[str | None], names: Iterable[T]) -> dict[T, int]:
    counted = Counter(found)
    return {name: counted[name] for name in names}


def _device(name: str, rows: Rows) -> DeviceSummary:
    refused = [row for row in rows if row["binding"] is not None]
    bindings = [row["binding"] for row in rows if row["binding"] is not None]
    return {
        "device": name,
        "profile": rows[0]["profile"],
        "statuses": _counts((row["status"] for row in rows), STATUSES),
        "groups": _counts((row["group"] for row in rows), GROUPS),
        "refused": len(refused),
        "refusing": _refusing(bindings),
        "admitting": _admitting(refused),
    }


def _refusing(bindings: Iterable[LimitFacts]) -> list[Refusing]:
    """Limits by the number of models that they refuse, with the range of what was demanded."""
    groups: dict[tuple[str, str], list[LimitFacts]] = defaultdict(list)
    for binding in bindings:
        named = binding["limit"] if binding["kind"] not in FORMS else ""
        groups[binding["kind"], named].append(binding)
    ordered = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [
        {
            "kind": kind,
            "limit": limit,
            "models": len(found),
            "least_demanded": min(b["demanded"] for b in found),
            "most_demanded": max(b["demanded"] for b in found),
            "available": found[0]["available"],
            "unit": found[0]["unit"],
        }
        for (kind, limit), found in ordered[:MOST_LIMITS]
    ]


FORMS = ("unsupported", "needs-allow", "max-error", "exact-only")  # their limit names a plan


def _admitting(refused: Rows) -> list[Admitting]:
    """Sets of changes by the number of refused models that they admit.

    A set admits a model whose own changes are all in it; where a change is a number, the
    set holds the largest that those models need. Larger sets that admit no more are left out.
    """
    needs: dict[frozenset[str], list[dict[str, float | None]]] = defaultdict(list)
    for row in refused:
        if row["changes"]:
            own = {made["change"]: made["to"] for made in row["changes"]}
            needs[frozenset(own)].append(own)
    found: list[tuple[int, int, dict[str, float | None]]] = []
    for wanted in needs:
        admitted = [own for names, many in needs.items() if names <= wanted for own in many]
        values = {name: _most(own.get(name) for own in admitted) for name in sorted(wanted)}
        found.append((len(admitted), len(wanted), values))
    found.sort(key=lambda entry: (-entry[0], entry[1], sorted(entry[2])))
    best = [one for one in found if not any(_no_better(one, other) for other in found)]
    return [
        {"models": models, "changes": [{"change": name, "to": to} for name, to in values.items()]}
        for models, _, values in best[:MOST_CHANGES]
    ]


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


Found = tuple[int, int, dict[str, float | None]]


def _no_better(one: Found, other: Found) -> bool:
    """Whether `other` admits as many with fewer changes."""
    return other[0] >= one[0] and other[1] < one[1] and set(other[2]) < set(one[2])


def _model(name: str, rows: Rows, order: tuple[Order, ...]) -> ModelSummary:
    return {
        "model": name,
        "neurons": next((row["neurons"] for row in rows if row["neurons"] is not None), None),
        "statuses": _counts((row["status"] for row in rows), STATUSES),
        "ranking": ranked(rows, order),
    }
