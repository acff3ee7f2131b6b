"""A comparison's facts as a page: what is kept, by which cause it is lost, what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from mapper.emulate.manifest import IntervalRow
from mapper.report.facts import semantics_facts
from mapper.report.page import Block, Page, Row
from mapper.report.words import alarm_block, number, semantics_block
from mapper.verbs.compare.decode import READ_OUTS
from mapper.verbs.compare.document import (
    CauseFacts,
    CompareFacts,
    DataFacts,
    LikenessFacts,
    RateFacts,
)

if TYPE_CHECKING:
    from mapper.emulate.fans import Rate
    from mapper.verbs.compare.compared import Compared, Part
    from mapper.verbs.compare.measure import Likeness
    from mapper.verbs.compare.statistics import Share

SCHEMA: Final = "nirmap-compare-2"
MOST_POPULATIONS = 16


def compare_facts(found: Compared) -> CompareFacts:
    """The comparison as plain values. Every value can be written as JSON."""
    data = found.data
    accuracy = found.accuracy
    return {
        "schema": SCHEMA,
        "model": {"name": found.model, "fingerprint": found.fingerprint},
        "device": {"name": found.device, "family": found.family},
        "ran": found.ran,
        "data": {
            "file": data.name,
            "dataset": data.dataset,
            "split": data.split,
            "samples": data.samples,
            "steps": int(data.raster.shape[1]),
            "labels": data.labels is not None,
        },
        "decode": found.decode,
        "reset_between_samples": found.reset_between,
        "agreement": found.agreement.as_json(),
        "accuracy": None
        if accuracy is None
        else {"ideal": accuracy[0].as_json(), "ran": accuracy[1].as_json()},
        "difference": found.difference.as_json(),
        "causes": [_part(part) for part in found.parts],
        "orders": found.orders,
        "populations": {name: _likeness(like) for name, like in found.populations.items()},
        "keeps_up": None
        if not found.rates and found.semantics.chip_dt is None
        else [_rate_facts(rate) for rate in found.rates],
        "decisions": {"ideal": found.decisions[0].tolist(), "ran": found.decisions[1].tolist()},
        "alarms": list(found.alarms),
        "notes": list(found.notes),
        "semantics": semantics_facts(found.semantics),
        "reference": None,
        "behaviour": None,
        "cost": None,
        "traces": [
            {"population": t.name, "ideal": t.ideal.tolist(), "ran": t.chip.tolist()}
            for t in found.traces
        ],
    }


def _part(part: Part) -> CauseFacts:
    return {
        "cause": part.cause,
        "says": part.says,
        "agreement": part.agreement.as_json(),
        "accuracy": _json(part.accuracy),
        "change_of_agreement": _json(part.lost_agreement),
        "change_of_accuracy": _json(part.lost_accuracy),
        "decisions_changed": round(part.changed, 3),
        "nothing_new": part.idle,
        "spikes": None if part.spikes is None else round(part.spikes, 6),
        "worst_order": None if part.low is None else round(part.low, 6),
        "best_order": None if part.high is None else round(part.high, 6),
    }


def _rate_facts(rate: Rate) -> RateFacts:
    return {
        "what": rate.what,
        "where": rate.where,
        "unit": rate.unit,
        "source": rate.source,
        "confidence": rate.confidence,
        "mean": float(f"{rate.mean:.6g}"),
        "peak": float(f"{rate.peak:.6g}"),
        "limit": None if rate.limit is None else float(f"{rate.limit:.6g}"),
    }


def _json(share: Share | None) -> IntervalRow | None:
    return None if share is None else share.as_json()


def _likeness(like: Likeness) -> LikenessFacts:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 6)

    return {
        "cosine": rounded(like.cosine),
        "samples_with_spikes_in_both": like.counted,
        "samples_silent_in_one": like.one_silent,
        "spikes": {"ideal": like.ideal, "ran": like.chip},
        "ratio": rounded(like.ratio),
        "shift": rounded(like.shift),
        "jitter": rounded(like.jitter),
        "samples_with_equal_spikes": rounded(like.same),
    }


def compare_page(facts: CompareFacts) -> Page:
    """The page of a comparison's facts."""
    blocks: list[Block] = []
    if facts["alarms"]:
        blocks.append(alarm_block(facts["alarms"]))
    blocks.append(Block(_lost_title(facts), _lost(facts)))
    blocks.append(Block("Populations, beside the ideal network", _populations(facts)))
    blocks.append(Block("Keeps up", keeps_up_rows(facts["keeps_up"])))
    if facts["notes"]:
        blocks.append(Block("Notes on the data", tuple(("-", note) for note in facts["notes"])))
    blocks.append(semantics_block(facts["semantics"]))
    return Page(
        verdict=verdict(facts),
        mood="open" if facts["alarms"] else "good",
        lines=tuple(sentences(facts)),
        blocks=tuple(blocks),
    )


def verdict(facts: CompareFacts) -> str:
    """The first line: what is kept."""
    head = f"{facts['model']['name']} on {facts['device']['name']}"
    if facts["accuracy"] is None:
        return (
            f"{head} decides as the ideal network in {percent(facts['agreement'])} of the samples"
        )
    now, ideal = facts["accuracy"]["ran"], facts["accuracy"]["ideal"]
    return f"{head}: {percent(now)} right, {percent(ideal)} in the ideal network"


def sentences(facts: CompareFacts) -> list[str]:
    """The lines under the verdict."""
    out: list[str] = []
    if facts["accuracy"] is not None:
        out.append(
            f"Difference {points(facts['difference'])}; {percent(facts['agreement'])} of the "
            "decisions are the ideal network's."
        )
    else:
        out.append(
            f"95 % interval {_span(facts['agreement'])}; there are no labels, so accuracy is not known."
        )
    out += [
        f"Run by the {facts['ran']}: {_data(facts['data'])}.",
        f"Decision (--decode {facts['decode']}): {READ_OUTS[facts['decode']]}; "
        f"{facts['reset_between_samples']}.",
    ]
    return out


def percent(share: IntervalRow) -> str:
    """'96.4 %'."""
    return f"{100 * share['value']:.1f} %"


def points(share: IntervalRow) -> str:
    """'-1.0 points (95 % interval -2.1 to 0.1)'."""
    return (
        f"{_signed(share['value'])} points (95 % interval {_signed(share['low'])} to "
        f"{_signed(share['high'])})"
    )


def _signed(value: float) -> str:
    shown = round(100 * value, 1)
    return f"{shown:+.1f}" if shown else "0.0"


def _span(share: IntervalRow) -> str:
    return f"{100 * share['low']:.1f} to {100 * share['high']:.1f} %"


def _data(data: DataFacts) -> str:
    samples = f"{data['samples']:,} {'sample' if data['samples'] == 1 else 'samples'}"
    split = {
        "train": "training data: the network may know them",
        "validation": "validation data",
        "test": "test data",
        "": "not said whether training or test data",
    }[data["split"]]
    name = f"{data['dataset']}, {data['file']}" if data["dataset"] else data["file"]
    return f"{samples} of {data['steps']:,} steps of {name} ({split})"


def _lost_title(facts: CompareFacts) -> str:
    what = "accuracy" if facts["accuracy"] is not None else "agreement"
    return (
        f"Lost by cause (points of {what}; switched on in this order, the parts sum to the whole)"
    )


def _lost(facts: CompareFacts) -> tuple[Row, ...]:
    rows: list[Row] = []
    for part in facts["causes"]:
        kept, change = kept_and_change(part, labels=facts["accuracy"] is not None)
        if change is None:
            rows.append(("ideal network", "", "", percent(kept), ""))
            continue
        if part["nothing_new"]:
            rows.append((part["cause"], "0.0", "nothing new", percent(kept), part["says"]))
            continue
        if not part["decisions_changed"]:
            rows.append((part["cause"], "0.0", "0 decisions changed", percent(kept), part["says"]))
            continue
        flips = f"{number(part['decisions_changed'])} decisions"
        span = f"[{_signed(change['low'])}, {_signed(change['high'])}]"
        rows.append(
            (
                part["cause"],
                f"{_signed(change['value'])} {span}",
                flips + " changed",
                percent(kept),
                part["says"] + _orders(part, facts),
            )
        )
    rows.append(("whole", _signed(facts["difference"]["value"]), "", "", ""))
    return tuple(rows)


def kept_and_change(part: CauseFacts, *, labels: bool) -> tuple[IntervalRow, IntervalRow | None]:
    """What is kept up to a cause, and what that changed: of accuracy with labels, else agreement."""
    if labels and part["accuracy"] is not None:
        return part["accuracy"], part["change_of_accuracy"]
    return part["agreement"], part["change_of_agreement"]


def _orders(part: CauseFacts, facts: CompareFacts) -> str:
    if part["worst_order"] is None or part["best_order"] is None:
        return ""
    return (
        f"; mean of {facts['orders']} orders, {100 * part['worst_order']:.1f} to "
        f"{100 * part['best_order']:.1f} %"
    )


def _populations(facts: CompareFacts) -> tuple[Row, ...]:
    rows: list[Row] = []
    found = facts["populations"]
    for name, like in list(found.items())[:MOST_POPULATIONS]:
        cosine = "no spikes" if like["cosine"] is None else f"cosine {like['cosine']:.3f}"
        ratio = "" if like["ratio"] is None else f"{like['ratio']:.3g} times the spikes"
        rows.append((f"'{name}'", cosine, ratio, _shift(like)))
    if len(found) > MOST_POPULATIONS:
        rows.append(
            ("", "", "", f"and {len(found) - MOST_POPULATIONS} more populations (--json has all)")
        )
    return tuple(rows) or (("no population is a node of the file",),)


def _shift(like: LikenessFacts) -> str:
    if like["shift"] is None:
        return ""
    if like["samples_with_equal_spikes"] == 1.0:
        return "every spike at its time"
    sign = "later" if like["shift"] > 0 else "earlier"
    return f"spikes {abs(like['shift']):.2g} steps {sign} on average (off by {like['jitter']:.2g})"


def keeps_up_rows(found: Sequence[RateFacts] | None) -> tuple[Row, ...]:
    """Rates beside the chip's limits. None: no wall-clock step is known."""
    if found is None:
        return (("unknown (no wall-clock time step: pass --chip-dt)",),)
    if not found:
        return (("unknown (the profile has no rate limits)",),)
    return tuple(_rate(rate) for rate in found)


def _rate(rate: RateFacts) -> Row:
    where = f"'{rate['where']}'" if rate["limit"] is not None else ""
    unit = "" if rate["unit"] == "a step" else f" {rate['unit']}"
    tail = f"{rate['confidence']} [{rate['source']}]"
    if rate["limit"] is None:
        return ("-", rate["what"], f"{number(rate['peak'])}{unit}; {tail}")
    verdict = (
        "yes"
        if rate["peak"] <= rate["limit"]
        else "not in peaks"
        if rate["mean"] <= rate["limit"]
        else "no"
    )
    return (
        verdict,
        rate["what"],
        f"mean {number(rate['mean'])}, peak {number(rate['peak'])} ({where}) of "
        f"{number(rate['limit'])}{unit}; {tail}",
    )
