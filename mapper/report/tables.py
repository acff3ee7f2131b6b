"""Pages of inspect, devices, rules and verify."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import cleandoc
from itertools import groupby
from sys import modules

from device_profiles.describe import DeviceFacts, as_json, meanings, table
from device_profiles.profile import Profile
from mapper.report.document import Inspected, InspectedPopulation, RuleFacts, Verified
from mapper.report.facts import usage_facts
from mapper.report.page import Block, Page, Row
from mapper.report.words import MOST_ALARMS, notes_blocks, number, semantics_block
from mapper.verify.report import Checked
from rewrite_rules.rule import Rule

MOST_POPULATIONS = 40


def inspect_page(facts: Inspected) -> Page:
    """The page of `mapper.report.look.look`."""
    model = facts["model"]
    kinds = ", ".join(f"{n} {kind}" for kind, n in model["kinds"].items())
    semantics = facts["semantics"]
    known = semantics is not None
    blocks: list[Block] = []
    if facts["missing"]:
        blocks.append(Block("Missing", tuple(("-", text) for text in facts["missing"]), "alarm"))
    if facts["warnings"]:
        rows = tuple(("!", text) for text in facts["warnings"])
        blocks.append(Block("Looks wrong", rows, "alarm", most=MOST_ALARMS))
    rows = (_head(known), *(_population(p) for p in facts["populations"]))
    blocks.append(Block("Populations", rows, most=MOST_POPULATIONS))
    if semantics is not None:
        blocks.append(semantics_block(semantics))
    blocks += notes_blocks(model["notes"])
    return Page(
        verdict=f"{model['name']}: {number(model['neurons'])} neurons, "
        f"{number(model['weights'])} weights",
        mood="plain",
        lines=(kinds, f"fingerprint {model['fingerprint'][:16]}"),
        blocks=tuple(blocks),
    )


def _head(known: bool) -> Row:
    first = ("name", "kind", "shape", "neurons")
    if not known:
        return (*first, "time constants (s)")
    return (*first, "tau / dt", "decay a step", "reset", "kick, % of threshold")


def _population(p: InspectedPopulation) -> Row:
    shape = " x ".join(map(str, p["shape"]))
    first = (f"'{p['name']}'", p["kind"], shape, number(p["neurons"]))
    if "tau_steps" not in p or "decay" not in p:
        taus = ", ".join(f"{key} {_span(pair)}" for key, pair in p["taus"].items())
        return (*first, taus or "none")
    taus = ", ".join(
        f"{key.removeprefix('tau_')} {_span(pair)}" if len(p["tau_steps"]) > 1 else _span(pair)
        for key, pair in p["tau_steps"].items()
    )
    decay = _span(p["decay"])
    synaptic, kick = p.get("synaptic_decay"), p.get("kick_percent")
    if synaptic is not None:
        decay = f"mem {decay}, syn {_span(synaptic)}"
    told = (
        ""
        if kick is None
        else f"{kick['typical']:.3g}, at most {number(round(kick['largest'], 1))}"
    )
    return (*first, taus or "none", decay, p.get("reset") or "none", told)


def _span(pair: Sequence[float]) -> str:
    low, high = (f"{value:.4g}" for value in pair)
    return low if low == high else f"{low}..{high}"


def devices_page(profiles: Sequence[Profile]) -> Page:
    """One row a device."""
    rows: list[Row] = [("name", "cores", "neuron models", "resets", "device")]
    for profile in profiles:
        cores = sum(len(core.ids) for core in profile.cores)
        rows.append(
            (
                profile.name,
                number(cores),
                ", ".join(map(str, profile.lists["neuron_models"].values)),
                ", ".join(map(str, profile.lists["resets"].values)),
                profile.title,
            )
        )
    return Page(
        verdict=f"{len(profiles)} devices",
        mood="plain",
        lines=("`nirmap devices NAME` shows the limits of one, with units and sources.",),
        blocks=(Block("Devices", tuple(rows)),),
    )


def device_page(profile: Profile) -> Page:
    """Every number of a profile: what it means, its value, how sure it is; sources by number."""
    says = meanings(profile)
    rows = table(profile)
    sources = {text: f"[{i}]" for i, text in enumerate(dict.fromkeys(r[5] for r in rows), 1)}
    blocks: list[Block] = []
    for group, members in groupby(rows, key=lambda row: row[0]):
        found: list[Row] = []
        for _, name, value, optimistic, confidence, source in members:
            sure = "" if confidence == "published" else confidence
            value = f"{value} (perhaps {optimistic})" if optimistic else value
            found.append((name, value, sure, f"{says.get(name, '')} {sources[source]}".strip()))
        blocks.append(Block(group, tuple(found)))
    blocks.append(Block("Sources", tuple((mark, text) for text, mark in sources.items()), "aside"))
    return Page(
        verdict=f"{profile.name}: {profile.title}",
        mood="plain",
        lines=(
            f"{profile.vendor}, family {profile.family}. What is not published is marked; a second "
            "value is what a limit may really be.",
        ),
        blocks=tuple(blocks),
    )


def devices_facts(profiles: Iterable[Profile]) -> list[DeviceFacts]:
    """The profiles for JSON."""
    return [as_json(profile) for profile in profiles]


def rules_facts(found: Iterable[Rule]) -> list[RuleFacts]:
    """Name, first line and full text of each rule."""
    return [
        {"name": rule.name, "says": _text(rule).split("\n")[0], "text": _text(rule)}
        for rule in found
    ]


def _text(rule: Rule) -> str:
    return cleandoc(modules[type(rule).__module__].__doc__ or "")


def rules_page(found: Sequence[Rule]) -> Page:
    """All rules, one row each."""
    rows = tuple((row["name"], row["says"]) for row in rules_facts(found))
    return Page(
        verdict=f"{len(rows)} rewrite rules",
        mood="plain",
        lines=("`nirmap rules NAME` says when a rule holds and what it costs.",),
        blocks=(Block("Rules", rows),),
    )


def verify_facts(checked: Checked, path: str) -> Verified:
    """The checker's verdict for JSON."""
    return {
        "schema": "nirmap-verify-1",
        "bundle": path,
        "ok": checked.ok,
        "findings": [{"fault": f.fault, "says": f.says} for f in checked.findings],
        "usage": usage_facts(checked.usage),
    }


def verify_page(facts: Verified) -> Page:
    """The checker's verdict: what it found, or what the fullest cores use."""
    if not facts["ok"]:
        rows = tuple((row["fault"], row["says"]) for row in facts["findings"])
        return Page(
            verdict=f"{facts['bundle']} is rejected: {len(rows)} "
            f"finding{'s' if len(rows) > 1 else ''}",
            mood="bad",
            blocks=(Block("Findings", rows),),
        )
    shares = [
        (use["used"] / use["available"], core, name, use)
        for core in facts["usage"]
        for name, use in core["resources"].items()
        if use["available"]
    ]
    shares.sort(key=lambda entry: (-entry[0], entry[1]["chip"], entry[1]["core"], entry[2]))
    rows = tuple(
        (
            f"chip {core['chip']}, core {core['core']}",
            f"{name.replace('_', ' ')}",
            f"{number(use['used'])} of {number(use['available'])} ({100 * share:.0f} %)",
            ", ".join(core["holds"]),
        )
        for share, core, name, use in shares[:8]
    )
    return Page(
        verdict=f"{facts['bundle']} is whole, legal and consistent",
        mood="good",
        lines=("Checked against the device's profile by arithmetic of its own.",),
        blocks=(Block("Fullest", rows),) if rows else (),
    )
