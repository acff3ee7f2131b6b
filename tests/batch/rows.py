"""Rows made by hand, whole in every key."""

from __future__ import annotations

from typing import Any

from mapper.verbs.batch.document import Row, Status
from mapper.verbs.batch.row import SCHEMA, blank


def fitting(model: str, device: str, share: float | None = 0.5, **more: Any) -> Row:
    """A row that fits; share: of the tightest limit."""
    full = None
    if share is not None:
        full = {"resource": "cores", "used": round(100 * share), "available": 100, "share": share}
    given = {"group": "exact", "error": 0.0, "neurons": 10, "tightest": full, "says": "exact"}
    given |= {"cores": {"used": 1, "available": 9}, "loss": {"max": 0.2, "rms": 0.1, "clipped": 3}}
    return row(model, device, "fits", **{**given, "placement": "binding", "proven": True, **more})


def refused(
    model: str,
    device: str,
    limit: str,
    demanded: float,
    changes: list[Any] | None = None,
    **more: Any,
) -> Row:
    """A row that does not fit for want of `limit`, of which there are 8."""
    binding = {
        "kind": limit.replace("_", "-"),
        "limit": limit,
        "about": ["n"],
        "demanded": demanded,
        "available": 8,
        "optimistic": None,
        "unit": "neurons",
        "source": "a table",
        "confidence": "published",
        "fixes": [],
    }
    says = f"it needs {demanded} {limit}; there are 8"
    conflicts = [{"says": says, "kinds": [binding["kind"]]}]
    given = {"binding": binding, "conflicts": conflicts, "changes": changes, "says": says}
    return row(model, device, "not", **{**given, **more})


def row(model: str, device: str, status: Status, **more: Any) -> Row:
    """A row of any status."""
    return {
        "schema": SCHEMA,
        "key": f"{model} on {device}".ljust(32, ".")[:32],
        "model": model,
        "sha256": "0" * 64,
        "fingerprint": "1" * 64,
        "device": device,
        "profile": "2" * 64,
        **blank(status),
        **more,
    }
