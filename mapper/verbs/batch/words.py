"""A batch's summary as a page: devices, what refuses and what would help, models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mapper.report.page import Block, Page, Row
from mapper.report.words import counted, number
from mapper.verbs.batch.columns import change
from mapper.verbs.batch.document import (
    STATUSES,
    DeviceSummary,
    ModelSummary,
    Ranked,
    Refusing,
    Summary,
)
from mapper.verbs.batch.store import put_aside

MOST_MODELS = 20
LONGEST = 44  # characters of a model's name
FILES = "results.jsonl, results.csv, summary.json, times.jsonl, report.html"
SHORT: Mapping[str, str] = {"bad-input": "bad input", "limit-hit": "limit hit"}


def fit_page(facts: Summary, folder: Path | None = None) -> Page:
    """The page of a summary (mapper.verbs.batch.summary), and where its files are."""
    statuses, models, devices = facts["statuses"], facts["models"], facts["devices"]
    told = ", ".join(f"{n:,} {SHORT.get(name, name)}" for name, n in statuses.items() if n)
    lines = [f"{told}." if told else "No pair meets the condition."]
    if statuses["bug"]:
        lines.append("A bug is ours, not your network's: please report the row with the model.")
    if folder is not None:
        lines.append(f"In {folder}: {FILES}.")
        for name in put_aside(folder):
            lines.append(f"{name} keeps rows of another nirmap, which are not read.")
    blocks = [
        Block("Devices", tuple(_device(d) for d in devices)),
        Block("What refuses most, and what would admit most of it", _advice(devices)),
        Block("Models, and the devices that they fit, the most suitable first", _models(facts)),
    ]
    return Page(
        verdict=f"{counted(len(models), 'model')} on {counted(len(devices), 'device')}: "
        f"{statuses['fits']:,} of {facts['pairs']:,} fit",
        mood="good" if statuses["fits"] else "open",
        lines=tuple(lines),
        blocks=tuple(block for block in blocks if block.rows),
    )


KINDS = {
    "unsupported": "what the chip lacks",
    "needs-allow": "approximations that need --allow",
    "max-error": "approximations beyond --max-error",
    "exact-only": "approximations, which --exact forbids",
}


def limit_words(entry: Refusing) -> str:
    """'output_neurons: 27 models, 9 to 100 demanded, 8 neurons there'."""
    name = entry["limit"] or KINDS.get(entry["kind"], entry["kind"])
    models = counted(entry["models"], "model")
    if not entry["limit"] or entry["most_demanded"] <= entry["available"]:
        return f"{name}: {models}"
    least, most = entry["least_demanded"], entry["most_demanded"]
    span = number(least) if least == most else f"{number(least)} to {number(most)}"
    return f"{name}: {models}, {span} demanded of {number(entry['available'])} {entry['unit']}"


def _device(entry: DeviceSummary) -> Row:
    statuses, groups = entry["statuses"], entry["groups"]
    kinds = ", ".join(f"{n} {name}" for name, n in groups.items() if n)
    fits = f"{statuses['fits']} fit" + (f" ({kinds})" if kinds else "")
    rest = [f"{statuses[s]} {SHORT.get(s, s)}" for s in STATUSES[1:] if statuses[s]]
    return entry["device"], fits, ", ".join(rest)


def _advice(devices: Sequence[DeviceSummary]) -> tuple[Row, ...]:
    rows: list[Row] = []
    for entry in devices:
        first = entry["device"]
        for refusing in entry["refusing"][:2]:
            rows.append((first, "refuses", limit_words(refusing)))
            first = ""
        for admitting in entry["admitting"][:1]:
            made = ", ".join(map(change, admitting["changes"]))
            rows.append((first, "admits", f"{admitting['models']} of {entry['refused']}: {made}"))
            first = ""
    return tuple(rows)


def _models(facts: Summary) -> tuple[Row, ...]:
    """Each model with the devices that it fits, the most suitable first."""
    models = facts["models"]
    rows: list[Row] = []
    for model in models[:MOST_MODELS]:
        places = [_place(line) for line in model["ranking"]]
        rest = [f"{n} {SHORT.get(name, name)}" for name, n in model["statuses"].items() if n]
        told = ", ".join(places) if places else f"no device: {', '.join(rest)}"
        rows.append((_cut(model["model"]), told))
    return (*rows, *_more(models))


def _place(line: Ranked) -> str:
    share, agreement = line["share"], line["agreement"]
    agrees = "" if agreement is None else f", {100 * agreement:.1f} % agree"
    return f"{line['device']} ({line['group']}" + (
        f", {100 * share:.0f} % full{agrees})" if share is not None else f"{agrees})"
    )


def _more(models: Sequence[ModelSummary]) -> tuple[Row, ...]:
    left = len(models) - MOST_MODELS
    return ((f"and {counted(left, 'more model')}", "(results.csv has all)"),) if left > 0 else ()


def _cut(name: str) -> str:
    """The end of a path, which tells more than its beginning."""
    return name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"
