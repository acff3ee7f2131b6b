"""A row as one flat line: the columns of the CSV file, and the names that `--where` knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS: Mapping[str, str] = {
    "model": "the model's path",
    "device": "the device",
    "status": "fits, not, undecided, bad-input, limit-hit or bug",
    "group": "native, exact or approximate",
    "rank": "place of the device for this model, from 1",
    "neurons": "neurons of the network",
    "cores": "cores in use",
    "cores_available": "cores of the device",
    "tightest": "the limit with the largest share in use",
    "share": "that share, from 0 to 1",
    "headroom": "what is left of it, 1 - share",
    "error": "largest membrane-response error of a population",
    "loss": "largest root-mean-square loss of an array to integers, in thresholds",
    "clipped": "values clipped to the range of integers",
    "agreement": "share of decisions that agree with the ideal network's, where data are given",
    "rules": "approximate rewrites in use, else exact ones",
    "assumptions": "numbers that are not published and that the verdict leans on",
    "kind": "kind of the limit that refuses",
    "limit": "its name in the device's profile",
    "about": "the populations that it refuses",
    "demanded": "what is demanded of it",
    "available": "what there is",
    "unit": "of both",
    "changes": "changes that lift the refusal, solved again",
    "says": "one sentence",
}
ACTIVE = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula


def flat(row: Mapping[str, Any], rank: int | None = None) -> dict[str, Any]:
    """The columns of a row; None where there is nothing to tell."""
    cores, full, loss, binding = (
        row[key] or {} for key in ("cores", "tightest", "loss", "binding")
    )
    share = full.get("share")
    return {
        "model": row["model"],
        "device": row["device"],
        "status": row["status"],
        "group": row["group"],
        "rank": rank,
        "neurons": row["neurons"],
        "cores": cores.get("used"),
        "cores_available": cores.get("available"),
        "tightest": full.get("resource"),
        "share": share,
        "headroom": None if share is None else round(1.0 - share, 6),
        "error": row["error"],
        "loss": loss.get("rms"),
        "clipped": loss.get("clipped"),
        "agreement": row["agreement"],
        "rules": " ".join(row["rules"]) or None,
        "assumptions": len(row["assumptions"]) if row["status"] == "fits" else None,
        "kind": binding.get("kind"),
        "limit": binding.get("limit"),
        "about": " ".join(binding.get("about", ())) or None,
        "demanded": binding.get("demanded"),
        "available": binding.get("available"),
        "unit": binding.get("unit"),
        "changes": None if row["changes"] is None else "; ".join(map(change, row["changes"])),
        "says": row["says"],
    }


def change(made: Mapping[str, Any]) -> str:
    """One change in words: '--allow lif-to-if', 'hidden_neurons 1,024'."""
    name: str = made["change"]
    return name if made["to"] is None else f"{name} {made['to']:,g}"


def as_csv(rows: Iterable[Mapping[str, Any]], ranks: Mapping[tuple[str, str], int]) -> bytes:
    """The rows as a CSV file; texts that a spreadsheet would compute get a ' in front."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        line = flat(row, ranks.get((row["model"], row["device"])))
        writer.writerow({name: _harmless(value) for name, value in line.items()})
    return out.getvalue().encode()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(ACTIVE) else value
