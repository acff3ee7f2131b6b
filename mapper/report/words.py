"""A report's facts as a page: the first screen says whether, where, what changed, what it cost."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from mapper.bundle.handoff import NONE, RAN
from mapper.emulate.manifest import CalibrationRow
from mapper.report.document import (
    Asked,
    ChangeFacts,
    ClaimFacts,
    ConflictFacts,
    DeviceFacts,
    DoesNotFit,
    Fits,
    FullestFacts,
    LossFacts,
    Report,
    SemanticsFacts,
    Undecided,
)
from mapper.report.page import Block, Page, Row
from mapper.solving.explain.kinds import Sort, sort_of

MOST_POPULATIONS = 12
MOST_ROWS = 8
NO_NUMBER: Mapping[Sort, str] = MappingProxyType(
    {"support": "not on this chip", "policy": "a choice, not a limit of the chip"}
)
MOST_PORTS = 12  # inputs, outputs and what else a run needs
MOST_NOTES = 12
MOST_ALARMS = 24
OURS = ("placed", "slices-on-cores")  # claims of the question itself; nobody's limit


def result_page(facts: Report) -> Page:
    """The page of a result's facts (mapper.report.facts)."""
    if facts["outcome"] == "fits":
        return _fits(facts)
    if facts["outcome"] == "does-not-fit":
        return _refused(facts)
    return Page(
        verdict=f"{facts['model']['name']} on {device_name(facts['device'])} is undecided",
        mood="open",
        lines=(sentence(facts["because"]), *_confirmed(facts)),
        blocks=(*_open(facts), *_ending(facts)),
    )


def _open(facts: Undecided) -> tuple[Block, ...]:
    """What an undecided answer leans on, and what would decide it."""
    leans = tuple((a["id"], f"{a['says']} [{a['source']}]") for a in facts["assumptions"])
    decides = tuple(("-", says) for says in facts["decides"])
    rows = (("Leans on", leans), ("What would decide", decides))
    return tuple(Block(title, own) for title, own in rows if own)


def number(value: float) -> str:
    """A number with thousands apart, and no exponent where it is whole."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _fits(facts: Fits) -> Page:
    device = facts["device"]
    used = f": {facts['cores']} of {device['cores']} cores" if device["cores"] > 1 else ""
    blocks: list[Block] = []
    if facts["alarms"]:
        blocks.append(alarm_block(facts["alarms"]))
    blocks.append(Block(f"Where ({facts['placement']} placement)", _where(facts)))
    blocks.append(Block("Changed", _changed(facts["changes"])))
    if facts["departures"]:
        rows = tuple(("not kept", says) for says in facts["departures"])
        blocks.append(Block("Departures from the update rule (no bound is known)", rows))
    blocks.append(Block("Lost to integers (in thresholds)", _lost(facts["losses"])))
    if facts["calibration"]:
        blocks.append(Block("Calibrated", tuple(_calibrated(facts["calibration"]))))
    if facts["assumptions"]:
        rows = [(a["id"], f"{a['says']} [{a['source']}]") for a in facts["assumptions"]]
        blocks.append(Block("Assumed", tuple(rows)))
    blocks.append(Block("Runs", _runs(facts), most=MOST_PORTS))
    blocks.append(Block("Hand-off", (("deploy.py", RAN.get(device["family"], NONE)),)))
    return Page(
        verdict=f"{facts['model']['name']} fits {device_name(facts['device'])}{used}",
        mood="good",
        lines=(
            f"{_rests_on(facts)}; {_exactness(facts)}.",
            *_fullest_line(facts),
            *_confirmed(facts),
            *((f"Written to {facts['bundle']}",) if facts["bundle"] else ()),
        ),
        blocks=(*blocks, *_ending(facts)),
    )


def _calibrated(told: CalibrationRow) -> Iterator[tuple[str, str]]:
    """What was chosen on which data, and what it brought on the others."""
    right = "right" if told["labels"] else "as the ideal network's"
    off = told["difference"]
    yield (
        "on data",
        f"{told['data']}: {told['searched']:,} samples to search with, {told['reported']:,} others to "
        f"report on; {told['evaluations']} candidates run (at most {told['budget']})",
    )
    yield (
        "others",
        f"{100 * told['after']['value']:.1f} % of decisions {right} instead of "
        f"{100 * told['before']['value']:.1f} %: {100 * off['value']:+.1f} points (95 % interval "
        f"{100 * off['low']:+.1f} to {100 * off['high']:+.1f})"
        + (f"; ideal network {100 * told['ideal']['value']:.1f} %" if told["labels"] else ""),
    )
    chosen = ", ".join(f"{name} {value:g}" for name, value in told["chosen"].items())
    yield ("chosen", chosen or "nothing does better than what is usual")


def _confirmed(facts: Asked) -> tuple[str, ...]:
    return (sentence(facts["confirmed"]),) if facts["confirmed"] else ()


def _rests_on(facts: Fits) -> str:
    found = facts["assumptions"]
    if not found:
        return "By published limits"
    if len(found) == 1:
        return "Assuming A1, below"
    return f"Assuming {found[0]['id']} to {found[-1]['id']}, below"


def _exactness(facts: Fits) -> str:
    found = len(facts["departures"])
    more = f"; {counted(found, 'departure')} from the update rule, below" if found else ""
    return _approximated(facts, bool(found)) + more


def _approximated(facts: Fits, departs: bool) -> str:
    errors = [p for p in facts["populations"] if p["error"]]
    unbounded = sum(change["keeps"] == "unbounded" for change in facts["changes"])
    if unbounded:
        return f"{counted(unbounded, 'approximation')} without a bound, as allowed"
    if not errors:
        return "no rewrite approximates" if departs else "exact but for integers and latency"
    worst = max(errors, key=lambda p: p["error"])
    return (
        f"{counted(len(errors), 'population')} approximated, worst '{worst['name']}' with a "
        f"membrane-response error of {worst['error']:.3g}"
    )


def _fullest_line(facts: Fits) -> tuple[str, ...]:
    full = facts["fullest"]
    if full is None:
        return ()
    where = "" if facts["device"]["cores"] == 1 else f" on core {_core(full, facts)}"
    least = " and ".join(f"least {objective['name']}" for objective in facts["objectives"][:2])
    proven = f" Proven: {least}." if facts["proven"] else " The budget ended: better may exist."
    return (f"Fullest: {_use(full)}{where}.{proven}",)


def _where(facts: Fits) -> tuple[Row, ...]:
    rows: list[Row] = []
    one_core = facts["device"]["cores"] == 1
    for p in facts["populations"][:MOST_POPULATIONS]:
        shape = " x ".join(map(str, p["shape"]))
        full = "" if p["fullest"] is None or one_core else _use(p["fullest"])
        kind = p["kind"] + (f", {p['role']}" if p["role"] else "")
        rows.append((f"'{p['name']}'", f"{shape} {kind}", _cores(p["cores"], facts), full))
    left = len(facts["populations"]) - MOST_POPULATIONS
    if left > 0:
        rows.append(("", f"and {counted(left, 'more population')} (--json has all)"))
    if one_core:
        rows += [
            (name.replace("_", " "), f"{number(use['used'])} of {number(use['available'])}", "", "")
            for core in facts["usage"]
            for name, use in core["resources"].items()
        ]
    roles = [helper["role"] for helper in facts["helpers"]]
    for role in dict.fromkeys(roles):
        cores = [h for h in facts["helpers"] if h["role"] == role]
        rows.append((role, "", _cores([[h["chip"], h["core"]] for h in cores], facts), ""))
    return tuple(rows)


def _cores(cores: Sequence[Sequence[int]], facts: Fits) -> str:
    if facts["device"]["cores"] == 1:
        return ""
    several = facts["device"]["chips"] > 1
    if len(cores) > 4:
        return f"{len(cores)} cores"
    names = ", ".join(f"{chip}/{core}" if several else str(core) for chip, core in cores)
    return f"core{'s' if len(cores) > 1 else ''} {names}"


def _core(full: FullestFacts, facts: Fits) -> str:
    return f"{full['chip']}/{full['core']}" if facts["device"]["chips"] > 1 else str(full["core"])


def _use(full: FullestFacts) -> str:
    words = full["resource"].replace("_", " ")
    return f"{words} {number(full['used'])} of {number(full['available'])} ({100 * full['share']:.0f} %)"


def _changed(changes: Sequence[ChangeFacts]) -> tuple[Row, ...]:
    """Approximations one by one, exact rewrites by rule."""
    if not changes:
        return (("nothing",),)
    rows: list[Row] = []
    inexact = [change for change in changes if change["keeps"] != "exact"]
    for change in inexact[:MOST_ROWS]:
        bound = "no bound" if change["bound"] is None else f"error {change['bound']:.3g}"
        rows.append((bound, change["rule"], f"{change['says']}: {change['because']}"))
    if len(inexact) > MOST_ROWS:
        rows.append(("", "", f"and {len(inexact) - MOST_ROWS} more (--json has all)"))
    exact: dict[str, list[ChangeFacts]] = {}
    for change in changes:
        if change["keeps"] == "exact":
            exact.setdefault(change["rule"], []).append(change)
    for rule, found in list(exact.items())[:MOST_ROWS]:
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        rows.append(("exact", rule, f"{found[0]['says']}{more}"))
    if len(exact) > MOST_ROWS:
        rows.append(("exact", "", f"and {counted(len(exact) - MOST_ROWS, 'more rule')}"))
    return tuple(rows)


def _lost(losses: Sequence[LossFacts]) -> tuple[Row, ...]:
    if not losses:
        return (("nothing",),)
    rows: list[Row] = []
    for loss in losses[:MOST_ROWS]:
        clipped = f", {counted(loss['clipped'], 'value')} clipped" if loss["clipped"] else ""
        rows.append(
            (f"at most {loss['max']:.3g}", f"rms {loss['rms']:.3g}", loss["what"] + clipped)
        )
    if len(losses) > MOST_ROWS:
        rows.append(("", "", f"and {counted(len(losses) - MOST_ROWS, 'more array')}"))
    return tuple(rows)


def _runs(facts: Fits) -> tuple[Row, ...]:
    contract = facts["contract"]
    rows: list[Row] = []
    for port in facts["inputs"]:
        shape = " x ".join(map(str, port["shape"]))
        rows.append(("input", f"'{port['name']}'", f"{shape}, {contract['input_kind']}"))
    for row in contract["constant_inputs"]:
        rows.append(
            (
                "input",
                f"channel {row['channel']}",
                f"must get {counted(row['count'], 'event')} in every step from step "
                f"{row['from_step']} on: the bias of '{row['population']}'",
            )
        )
    for port in facts["outputs"]:
        late = "at once" if not port["latency"] else f"{counted(port['latency'], 'step')} late"
        read = {"spikes": "spikes of", "v": "membrane of", "host": "computed by the host from"}
        rows.append(
            ("output", f"'{port['name']}'", f"{read[port['read']]} '{port['population']}', {late}")
        )
    for stage in facts["host"]:
        nodes = ", ".join(f"'{name}'" for name in stage["nodes"])
        rows.append(("host", f"'{stage['output']}'", f"computes {nodes}"))
    between = contract["reset_between_samples"]
    if between != "state":
        silent = between if isinstance(between, str) else f"{between} silent steps"
        rows.append(("reset", "", f"states cannot be cleared: {silent} between samples"))
    if contract["slow_clock_hz"]:
        rows.append(("clock", "", f"{contract['slow_clock_hz']:g} Hz, for the biases"))
    rows.append(("keeps up", "", "unknown (no data): `nirmap compare --input DATA` tells"))
    return tuple(rows)


def _refused(facts: DoesNotFit) -> Page:
    lifted = facts["optimistic"]
    verdict = f"{facts['model']['name']} does not fit {device_name(facts['device'])}"
    lines = [f"{sentence(facts['headline'])}"]
    if lifted:
        verdict += ", but might"
        lines.append(
            "These are the safe values of uncertain limits; with their optimistic values it would "
            f"fit ({', '.join(lifted)})."
        )
    sources: dict[str, int] = {}
    blocks = [*conflict_blocks(facts["conflicts"], sources)]
    fixes = _fixes(facts)
    if fixes:
        blocks.append(Block("Possible fixes", fixes))
    return Page(
        verdict=verdict,
        mood="open" if lifted else "bad",
        lines=(
            *lines,
            *_confirmed(facts),
            *((f"Kept with its certificate in {facts['refusal']}",) if facts["refusal"] else ()),
        ),
        blocks=(
            *blocks,
            *cited(sources),
            *_ending(facts),
        ),
    )


def conflict_blocks(
    conflicts: Iterable[ConflictFacts], sources: dict[str, int]
) -> tuple[Block, ...]:
    """A table for each conflict; the first one's headline is taken as told.

    `sources` numbers what is cited (`cited`).
    """
    blocks: list[Block] = []
    for i, conflict in enumerate(conflicts):
        several = len(conflict["claims"]) > 1
        title = "Because these cannot hold together" if several else "Because"
        rows = _claims(conflict, sources)
        if i:
            alone = len(rows) == 1
            mark = "-" if alone else ""
            own = (("", rows[0][1]),) if alone else rows
            rows = ((mark, sentence(conflict["headline"])), *own)
        blocks.append(Block("And also" if i else title, rows))
    return tuple(blocks)


def cited(sources: Mapping[str, int]) -> tuple[Block, ...]:
    """The sources by their number; no table where there are none."""
    rows = tuple((f"[{n}]", text) for text, n in sources.items())
    return (Block("Sources", rows, "aside"),) if rows else ()


def alarm_block(alarms: Iterable[str]) -> Block:
    """What is wrong although an answer could be given."""
    return Block("Alarms", tuple(("!", says) for says in alarms), "alarm", most=MOST_ALARMS)


def ending(notes: Iterable[str], semantics: SemanticsFacts) -> tuple[Block, ...]:
    """What stands under every page about a network: notes on the file, semantics."""
    return (*notes_blocks(notes), semantics_block(semantics))


def _claims(conflict: ConflictFacts, sources: dict[str, int]) -> tuple[Row, ...]:
    """Sentences, and the limit behind those that follow each other and share it.

    A sentence that the headline has told is not repeated. `sources` numbers what is cited.
    """
    rows: list[Row] = []
    claims = conflict["claims"]
    details = [_detail(claim, sources) for claim in claims]
    for i, claim in enumerate(claims):
        last = i + 1 == len(claims) or details[i + 1] != details[i]
        if not told(claim, conflict["headline"]):
            rows.append(("-", sentence(claim["says"])))
            rows += [("", details[i])] if details[i] and last else []
        elif i == 0 or details[i - 1] != details[i]:
            rows.append(("-", details[i] or sentence(claim["says"])))
    return tuple(rows)


def told(claim: ClaimFacts, headline: str) -> bool:
    """Whether the headline says what the claim does, perhaps of others too."""
    says = claim["says"]
    for name in claim["about"]:
        says = says.removeprefix(f"'{name}': ")
    return says in headline


def _detail(claim: ClaimFacts, sources: dict[str, int]) -> str:
    """The limit, and the number of its source."""
    if claim["kind"] in OURS:
        return ""
    return f"{limit_of(claim)} [{sources.setdefault(claim['source'], len(sources) + 1)}]"


def limit_of(claim: ClaimFacts) -> str:
    """The limit of a claim with its value and how sure that is, or why it has no number."""
    sort = sort_of(claim["kind"])
    if sort in NO_NUMBER:
        return NO_NUMBER[sort]
    may = "" if claim["optimistic"] is None else f", perhaps {number(claim['optimistic'])}"
    unit = claim["unit"].removesuffix("s" if claim["available"] == 1 else "\0")
    value = f"{number(claim['available'])} {unit}{may}"
    what = claim["limit"] or claim["kind"]
    if claim["kind"] == "one-slice-a-core":
        what = f"core class {what}"
    return f"{what}: {value}, {claim['confidence']}"


def _fixes(facts: DoesNotFit) -> tuple[Row, ...]:
    rows: list[Row] = []
    for fix in facts["fixes"]:
        words = f": {typed(fix['words'])}" if fix["words"] else ""
        rows.append(("solved again" if fix["resolved"] else "not tried", fix["says"] + words))
    return tuple(rows)


def typed(words: Iterable[str]) -> str:
    """Words as a person would type them into a shell."""
    return " ".join(map(_shell, words))


def _shell(word: str) -> str:
    """A word in double quotes where a person would use those."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def _ending(facts: Asked) -> tuple[Block, ...]:
    return ending(facts["model"]["notes"], facts["semantics"])


def notes_blocks(notes: Iterable[str]) -> tuple[Block, ...]:
    """What reading the file had to say; no table where that is nothing."""
    rows = tuple(("-", note) for note in notes)
    return (Block("Notes on the file", rows, most=MOST_NOTES),) if rows else ()


ORIGINS = {
    "option": "by option",
    "sidecar": "by sidecar",
    "metadata": "by the file",
    "exporter": "by the exporter's style",
    "default": "by default",
}


def semantics_block(semantics: SemanticsFacts) -> Block:
    """The settings, as an aside."""
    return Block("Semantics", _semantics_rows(semantics), "aside")


def _semantics_rows(semantics: SemanticsFacts) -> tuple[Row, ...]:
    """Settings by origin, one row each."""
    rows: list[Row] = []
    for origin, words in ORIGINS.items():
        found = [
            f"{key} {_setting(key, entry['value'])}"
            for key, entry in semantics.items()
            if entry["origin"] == origin and entry["value"] is not None
        ]
        if found:
            rows.append((words, ", ".join(found)))
    return tuple(rows)


def _setting(key: str, value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    whole = text if text.endswith((".", "?", "!")) or not text else f"{text}."
    return whole[:1].upper() + whole[1:]


def device_name(device: DeviceFacts) -> str:
    """The device's name, with the number of chips where there are several."""
    return device["name"] + (f" ({device['chips']} chips)" if device["chips"] > 1 else "")


def counted(n: int, what: str) -> str:
    """'1 step', '2 steps'."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"
