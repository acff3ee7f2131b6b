"""A row as one flat line: the columns of the CSV file, and the names that `--where` knows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from mapper.verbs.batch.document import ChangeRow, Row
from mapper.verbs.batch.rank import headroom

Cell = str | float | None
Line = Mapping[str, Cell]

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


def flat(row: Row, rank: int | None = None) -> Line:
    """The columns of a row; None where there is nothing to tell."""
    cores, full, loss, binding = row["cores"], row["tightest"], row["loss"], row["binding"]
    return {
        "model": row["model"],
        "device": row["device"],
        "status": row["status"],
        "group": row["group"],
        "rank": rank,
        "neurons": row["neurons"],
        "cores": None if cores is None else cores["used"],
        "cores_available": None if cores is None else cores["available"],
        "tightest": None if full is None else full["resource"],
        "share": None if full is None else full["share"],
        "headroom": headroom(row),
        "error": row["error"],
        "loss": None if loss is None else loss["rms"],
        "clipped": None if loss is None else loss["clipped"],
        "agreement": row["agreement"],
        "rules": " ".join(row["rules"]) or None,
        "assumptions": len(row["assumptions"]) if row["status"] == "fits" else None,
        "kind": None if binding is None else binding["kind"],
        "limit": None if binding is None else binding["limit"],
        "about": None if binding is None else " ".join(binding["about"]) or None,
        "demanded": None if binding is None else binding["demanded"],
        "available": None if binding is None else binding["available"],
        "unit": None if binding is None else binding["unit"],
        "changes": None if row["changes"] is None else "; ".join(map(change, row["changes"])),
        "says": row["says"],
    }


def change(made: ChangeRow) -> str:
    """One change in words: '--allow lif-to-if', 'hidden_neurons 1,024'."""
    name = made["change"]
    return name if made["to"] is None else f"{name} {made['to']:,g}"


def as_csv(rows: Iterable[Row], ranks: Mapping[tuple[str, str], int]) -> bytes:
    """The rows as a CSV file; texts that a spreadsheet would compute get a ' in front."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        line = flat(row, ranks.get((row["model"], row["device"])))
        writer.writerow({name: _harmless(value) for name, value in line.items()})
    return out.getvalue().encode()


def _harmless(value: Cell) -> Cell:
    return f"'{value}" if isinstance(value, str) and value.startswith(ACTIVE) else value
