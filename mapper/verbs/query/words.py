"""A query's facts as a page. Nothing is said here that the facts do not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from mapper.report.page import Block, Page, Row
from mapper.report.words import (
    cited,
    conflict_blocks,
    counted,
    device_name,
    ending,
    number,
    sentence,
)
from mapper.verbs.query.document import (
    AllAnswer,
    DiffAnswer,
    ExplainAnswer,
    HeadroomAnswer,
    OfResult,
    PlacementFacts,
    QueryFacts,
    RoomFacts,
    SupportAnswer,
    SupportFacts,
    TrainingAnswer,
    TriedFacts,
    VariedFacts,
    VaryAnswer,
    WhyNotAnswer,
)

MOODS = {"fits": "good", "does-not-fit": "bad", "undecided": "open"}
OUTCOMES = {
    "fits": "{model} fits {device}",
    "does-not-fit": "{model} does not fit {device}",
    "undecided": "{model} on {device} is undecided",
}
MOST_PLACEMENTS = 12
MOST_SCORES = 4  # of placements, the best first
MOST_DIFFERENCES = 12


def query_page(facts: QueryFacts) -> Page:
    """The page of an answer's facts (mapper.verbs.query.answer)."""
    match facts["query"]:
        case "vary":
            return _vary(facts)
        case "headroom":
            return _headroom(facts)
        case "explain" | "why-not":
            return _told(facts)
        case "all":
            return _all(facts)
        case "diff":
            return _diff(facts)
        case "support":
            return _support(facts)
        case "training":
            return _training(facts)


def _vary(facts: VaryAnswer) -> Page:
    found = facts["answer"]
    unit = found["unit"]
    device, model = device_name(facts["device"]), facts["model"]["name"]
    what = found["what"]
    if found["largest"] is None:
        verdict = f"{what}: no value fits {device}"
        mood = "bad"
        if not found["proven"]:
            verdict, mood = f"{what}: no value is known to fit {device}", "open"
    else:
        verdict = f"{what}: at most {_amount(found['largest'], unit)} fit {device}"
        mood = "good" if found["proven"] else "open"
    sources: dict[str, int] = {}
    binding = found["binding"]
    lines = [f"{model} has {_amount(found['now'], unit)}: {_tried(found['fits_now'])}."]
    if found["beyond"] is not None:
        why = binding[0]["headline"] if binding else found["because"]
        beyond = _amount(found["beyond"], unit)
        answers = {row["value"]: row["fits"] for row in found["tried"]}
        if answers[found["beyond"]] is None:
            lines.append(f"Whether it fits with {beyond} is open: {why}.")
        else:
            lines.append(f"With {beyond} it does not fit: {why}.")
    if found["because"] and (binding or found["beyond"] is None):
        lines.append(sentence(found["because"]))
    lines.append(_proof(found))
    tried = tuple(
        (_amount(row["value"], unit), _tried(row["fits"])) for row in _around(found["tried"], found)
    )
    return Page(
        verdict=verdict,
        mood=mood,
        lines=tuple(lines),
        blocks=(
            *conflict_blocks(binding, sources),
            Block("Tried", tried),
            *cited(sources),
            *ending(facts["model"]["notes"], facts["semantics"]),
        ),
    )


def _proof(found: VariedFacts) -> str:
    if (
        not found["proven"]
        and found["what"].startswith("input@")
        and found["unit"] == "pixels a side"
    ):
        return (
            "Not proven to be the largest: strides and pooling round the sides of a map, so a size "
            "beyond one that fails may fit again; only those below were tried."
        )
    if not found["proven"]:
        return "Not proven to be the largest."
    if found["largest"] is None:
        return "Proven, down to the smallest."
    if found["beyond"] is None:
        return "Proven: there is no larger value."
    return "Proven: with this value it was solved, with the next one shown not to fit."


def _around(tried: Sequence[TriedFacts], found: VariedFacts) -> Sequence[TriedFacts]:
    """A few of what was tried, nearest to the answer."""
    edge = found["largest"] if found["largest"] is not None else found["beyond"]
    if edge is None or len(tried) <= MOST_PLACEMENTS:
        return tried
    near = sorted(tried, key=lambda row: abs(row["value"] - edge))[:MOST_PLACEMENTS]
    return sorted(near, key=lambda row: row["value"])


def _tried(fits: bool | None) -> str:
    return "open" if fits is None else "fits" if fits else "does not fit"


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value:.4g} s"
    text = number(value)
    return f"{text} {unit.removesuffix('s') if value == 1 and ' ' not in unit else unit}"


def _headroom(facts: HeadroomAnswer) -> Page:
    rooms = facts["answer"]
    sources: dict[str, int] = {}
    rows: list[Row] = [("limit", "used", "of", "share", "most by")]
    for room in rooms:
        mark = f"[{sources.setdefault(room['source'], len(sources) + 1)}]"
        sure = "" if room["confidence"] == "published" else f"{room['confidence']} "
        least = "at least " if room["at_least"] else ""
        where = f" on {room['where']}" if room["where"] else ""
        share = "-" if room["share"] is None else f"{100 * room['share']:.0f} %"
        rows.append(
            (
                room["limit"].replace("_", " "),
                f"{least}{number(room['demanded'])}",
                f"{number(room['available'])} {room['unit']}",
                share,
                f"{', '.join(room['most']) or 'all together'}{where} {sure}{mark}",
            )
        )
    return Page(
        verdict=_verdict(facts),
        mood=MOODS[facts["outcome"]],
        lines=(_tightest(rooms),) if rooms else ("No limit was counted.",),
        blocks=(
            *((Block("Headroom", tuple(rows)),) if rooms else ()),
            *cited(sources),
            *ending(facts["model"]["notes"], facts["semantics"]),
        ),
    )


def _tightest(rooms: Sequence[RoomFacts]) -> str:
    first = rooms[0]
    share = "all" if first["share"] is None else f"{100 * first['share']:.0f} %"
    return f"Tightest: {first['limit'].replace('_', ' ')}, {share} of it."


def _verdict(facts: OfResult) -> str:
    return OUTCOMES[facts["outcome"]].format(
        model=facts["model"]["name"], device=device_name(facts["device"])
    )


def _told(facts: ExplainAnswer | WhyNotAnswer) -> Page:
    told = facts["answer"]
    rows = tuple((row["what"], row["says"]) for row in told["rows"])
    return Page(
        verdict=told["says"],
        mood="plain",
        lines=(f"{_verdict(facts)}.",),
        blocks=(Block("Because", rows), *ending(facts["model"]["notes"], facts["semantics"])),
    )


def _all(facts: AllAnswer) -> Page:
    found = facts["answer"]
    placements = found["placements"]
    names = list(dict.fromkeys(f"'{name}'" for one in placements for name in one["plans"]))
    names += sorted({row["of"] for one in placements for row in one["cores"]} - {*names})
    blocks: list[Block] = []
    for score, members in groupby(placements, key=lambda one: one["score"]):
        if len(blocks) == MOST_SCORES:
            break
        rows = [("", *names), *(_cells(one, names) for one in members)]
        shown = rows[: MOST_PLACEMENTS + 1]
        if len(rows) > len(shown):
            shown.append((f"and {len(rows) - len(shown):,} more (--json has all)",))
        told = ", ".join(f"{name} {number(value)}" for name, value in score.items())
        blocks.append(Block(f"{counted(len(rows) - 1, 'placement')} with {told}", tuple(shown)))
    whole = "all of them" if found["all"] else f"not all: {found['because']}"
    lines = [f"{counted(len(placements), 'placement')}, {whole}."]
    if placements and not found["all"] and found["best_all"]:
        best = counted(found["best"], "best one")
        lines.append(f"The {best} {'is' if found['best'] == 1 else 'are'} complete.")
    if placements:
        lines.append("Cells: cores, by class (equal cores are not told apart), or the way.")
    return Page(
        verdict=_verdict(facts),
        mood=MOODS[facts["outcome"]],
        lines=tuple(lines),
        blocks=(*blocks, *ending(facts["model"]["notes"], facts["semantics"])),
    )


def _cells(one: PlacementFacts, names: Sequence[str]) -> Row:
    held: dict[str, list[str]] = {name: [] for name in names}
    for row in one["cores"]:
        held[row["of"]].append(
            row["class"] if row["cores"] == 1 else f"{row['cores']} {row['class']}"
        )
    how = {f"'{name}'": says for name, says in {**one["plans"], **one["roles"]}.items()}
    return ("", *(" + ".join(held[name]) or how.get(name, "-") for name in names))


def _diff(facts: DiffAnswer) -> Page:
    rows = facts["answer"]
    first, second = facts["first"], facts["second"]
    if not rows:
        return Page(verdict=f"{first} and {second} hold the same", mood="good")
    blocks: list[Block] = []
    for part, members in groupby(rows, key=lambda row: row["part"]):
        found = list(members)
        shown: list[Row] = [
            (row["what"], row["first"] or "-", row["second"] or "-")
            for row in found[:MOST_DIFFERENCES]
        ]
        left = len(found) - MOST_DIFFERENCES
        if left > 0:
            shown.append((f"and {left} more (--json has all)", "", ""))
        blocks.append(Block(part.capitalize(), tuple(shown)))
    return Page(
        verdict=f"{first} and {second}: {counted(len(rows), 'difference')}",
        mood="plain",
        blocks=tuple(blocks),
    )


SHORT = {"approximate": "approx."}


def _support(facts: SupportAnswer) -> Page:
    rows = facts["answer"]
    devices = list(dict.fromkeys(row["device"] for row in rows))
    cells = {(row["primitive"], row["device"]): row["verdict"] for row in rows}
    names = list(dict.fromkeys(row["primitive"] for row in rows))
    table: list[Row] = [("primitive", *devices)]
    for name in names:
        found = [str(cells[name, device]) for device in devices]
        table.append((name, *(SHORT.get(verdict, verdict) for verdict in found)))
    return Page(
        verdict=f"{counted(len(names), 'NIR primitive')} on {counted(len(devices), 'device')}",
        mood="plain",
        lines=(
            "native: as it is; exact, approx.: by rewrites; host: computed from recorded spikes; "
            "no: no placement.",
        ),
        blocks=(
            Block("Support", tuple(table)),
            Block("By which rules, and why not", tuple(_how(rows))),
        ),
    )


def _how(rows: Sequence[SupportFacts]) -> Iterator[Row]:
    """Each primitive's ways, devices with the same one together."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if row["verdict"] == "native":
            continue
        parts = [*row["rules"]] if row["verdict"] == "exact" else []
        parts = [", ".join(parts), row["says"].replace(row["device"], "it")]
        told = "; ".join(part for part in parts if part)
        groups.setdefault((row["primitive"], row["verdict"], told), []).append(row["device"])
    for (primitive, verdict, told), devices in groups.items():
        yield primitive, SHORT.get(verdict, verdict), f"{', '.join(devices)}: {told}"


def _training(facts: TrainingAnswer) -> Page:
    rows = facts["answer"]
    sources: dict[str, int] = {}
    blocks: list[Block] = []
    for topic, members in groupby(rows, key=lambda row: row["topic"]):
        shown: list[Row] = []
        for row in members:
            mark = f"[{sources.setdefault(row['source'], len(sources) + 1)}]"
            sure = "" if row["confidence"] == "published" else row["confidence"]
            value = row["value"] + (f" (perhaps {row['optimistic']})" if row["optimistic"] else "")
            shown.append((row["name"], value, sure, f"{row['says']} {mark}"))
        blocks.append(Block(topic, tuple(shown)))
    device = facts["device"]
    return Page(
        verdict=f"{device['name']}: what to train within",
        mood="plain",
        lines=(f"{device['title']}. What is not published is marked.",),
        blocks=(*blocks, *cited(sources)),
    )
