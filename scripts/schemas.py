"""JSON schemas (draft 7) of all that `--json` prints, and of the files of `fit`.

`python -m scripts.schemas docs` writes them; tests hold real output against them. Keys
may be added under one `schema` name, so that readers must ignore what they do not know; a key
that goes, or means something else, gives it a new name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mapper.verbs.batch.columns import COLUMNS
from mapper.verbs.batch.rank import ORDERS
from mapper.verbs.batch.row import GROUPS, STATUSES
from nir_io.settings import SETTINGS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
INT: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUM: Schema = {"type": "number"}
SHARE: Schema = {"type": "number", "minimum": 0}
BOOL: Schema = {"type": "boolean"}
HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ANY: Schema = {}


def told(schema: Schema, says: str) -> Schema:
    """The schema with a description."""
    return {**schema, "description": says}


def maybe(schema: Schema) -> Schema:
    """That, or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def many(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def named(values: Schema) -> Schema:
    """An object whose keys are names."""
    return {"type": "object", "additionalProperties": values}


def word(*words: str) -> Schema:
    """One of these words."""
    return {"enum": list(words)}


def whole(**keys: Schema) -> Schema:
    """An object that has all these keys."""
    return {"type": "object", "required": list(keys), "properties": keys}


USE = whole(used=NUM, available=NUM)
NAMED = whole(name=TEXT, fingerprint=HASH)
ASSUMPTION = whole(id=TEXT, says=TEXT, source=TEXT)
SETTING = whole(value=ANY, origin=told(TEXT, "option, sidecar, metadata, exporter or default"))
SEMANTICS = whole(**{name: SETTING for name in SETTINGS})
CLAIM = whole(
    kind=told(TEXT, "stable name of the kind of limit"),
    about=told(many(TEXT), "populations and cores that it speaks of"),
    says=TEXT,
    limit=told(TEXT, "its key in the device's profile"),
    demanded=NUM,
    available=NUM,
    optimistic=told(maybe(NUM), "what an unpublished limit may really be"),
    unit=TEXT,
    source=TEXT,
    confidence=word("published", "inferred", "assumed"),
    fixes=many(TEXT),
)
CONFLICT = whole(
    headline=TEXT,
    claims=told(many(CLAIM), "limits that cannot hold together"),
    minimal=told(BOOL, "whether each of them is needed"),
    also=told(many(many(TEXT)), "other populations with the same conflict"),
)
DEVICE = whole(name=TEXT, title=TEXT, family=TEXT, profile=HASH, cores=COUNT, chips=COUNT)
FULLEST = whole(resource=TEXT, chip=COUNT, core=COUNT, used=NUM, available=NUM, share=SHARE)
CORE_USE = whole(chip=COUNT, core=COUNT, holds=many(TEXT), resources=named(USE))
CHANGE = whole(change=told(TEXT, "an option, or a limit of the profile"), to=maybe(NUM))
OUTCOMES = ("fits", "does-not-fit", "undecided")


def _report() -> Schema:
    common = {
        "schema": {"const": "nirmap-report-1"},
        "exit": told(word_of(0, 1, 3), "the exit code of the command"),
        "model": whole(name=TEXT, fingerprint=HASH, nodes=COUNT, neurons=COUNT, notes=many(TEXT)),
        "device": DEVICE,
        "semantics": SEMANTICS,
        "confirmed": told(TEXT, "what the exhaustive solver did, or ''"),
        "bundle": told(maybe(TEXT), "the folder that was written"),
        "refusal": told(maybe(TEXT), "the folder in which a refusal was kept"),
    }
    population = whole(
        name=TEXT,
        kind=TEXT,
        device_model=TEXT,
        shape=many(COUNT),
        neurons=COUNT,
        reset=maybe(word("zero", "subtract")),
        role=maybe(TEXT),
        copies=COUNT,
        parts=COUNT,
        cores=told(many(many(COUNT)), "[chip, core] each"),
        latency=told(INT, "steps that it is late"),
        error=told(NUM, "membrane-response error, relative"),
        fullest=maybe(FULLEST),
    )
    change = whole(
        rule=TEXT,
        population=maybe(TEXT),
        nodes=many(TEXT),
        says=TEXT,
        keeps=word("exact", "within", "unbounded"),
        bound=maybe(NUM),
        because=TEXT,
    )
    loss = whole(array=TEXT, what=TEXT, max=NUM, rms=NUM, clipped=COUNT)
    fits = {
        "cores": COUNT,
        "placement": word("binding", "advisory"),
        "proven": BOOL,
        "objectives": many(whole(name=TEXT, value=NUM, bound=maybe(NUM))),
        "populations": many(population),
        "helpers": many(whole(role=TEXT, chip=COUNT, core=COUNT)),
        "links": many(named(ANY)),
        "fullest": maybe(FULLEST),
        "usage": many(CORE_USE),
        "changes": told(many(change), "rewrites, those with the largest error first"),
        "losses": told(many(loss), "arrays that integers do not hold exactly, in thresholds"),
        "inputs": many(whole(name=TEXT, shape=many(COUNT), offset=COUNT)),
        "outputs": many(whole(name=TEXT, shape=many(COUNT), latency=INT)),
        "host": many(whole(output=TEXT, nodes=many(TEXT))),
        "contract": named(ANY),
        "assumptions": many(ASSUMPTION),
        "alarms": many(TEXT),
        "verified": BOOL,
    }
    fix = whole(
        kind=TEXT,
        says=TEXT,
        words=told(many(TEXT), "of the command line"),
        cost=NUM,
        resolved=told(BOOL, "whether it was solved again"),
        verified=BOOL,
    )
    refused = {
        "headline": TEXT,
        "conflicts": many(CONFLICT),
        "optimistic": told(many(TEXT), "limits whose optimistic values would lift the refusal"),
        "fixes": many(fix),
    }
    undecided = {"because": TEXT, "decides": many(TEXT), "assumptions": many(ASSUMPTION)}
    shapes = zip(OUTCOMES, (fits, refused, undecided), strict=True)
    return {
        "title": "The answer of `nirmap check` and `nirmap map`",
        "oneOf": [whole(**common, outcome={"const": name}, **more) for name, more in shapes],
    }


def word_of(*numbers: int) -> Schema:
    """One of these numbers."""
    return {"enum": list(numbers)}


def _row() -> Schema:
    binding = whole(**{key: value for key, value in CLAIM["properties"].items() if key != "says"})
    return {
        "title": "A pair of model and device: a line of results.jsonl",
        **whole(
            schema={"const": "nirmap-fit-1"},
            key=told({"type": "string", "pattern": "^[0-9a-f]{32}$"}, "of all that it depends on"),
            model=told(TEXT, COLUMNS["model"]),
            sha256=told(TEXT, "of the model's file, or 'unreadable'"),
            fingerprint=told(maybe(HASH), "of the network; null where it could not be read"),
            device=TEXT,
            profile=told(HASH, "SHA-256 of the device's profile"),
            status=told(word(*STATUSES), COLUMNS["status"]),
            says=TEXT,
            findings=told(many(TEXT), "all that is wrong, of bad-input and bug"),
            neurons=maybe(COUNT),
            group=told(maybe(word(*GROUPS)), COLUMNS["group"]),
            rules=told(many(TEXT), COLUMNS["rules"]),
            cores=maybe(whole(used=COUNT, available=COUNT)),
            tightest=told(
                maybe(whole(resource=TEXT, used=NUM, available=NUM, share=SHARE)),
                COLUMNS["tightest"],
            ),
            error=told(maybe(NUM), COLUMNS["error"]),
            loss=told(
                maybe(whole(max=NUM, rms=NUM, clipped=COUNT)), "to integers, of the worst array"
            ),
            placement=maybe(word("binding", "advisory")),
            proven=maybe(BOOL),
            agreement=told(maybe(SHARE), COLUMNS["agreement"]),
            assumptions=many(TEXT),
            alarms=many(TEXT),
            binding=told(maybe(binding), "the limit that refuses: the one exceeded most"),
            conflicts=many(whole(says=TEXT, kinds=many(TEXT))),
            optimistic=told(many(TEXT), "limits whose optimistic values would lift the refusal"),
            changes=told(maybe(many(CHANGE)), COLUMNS["changes"]),
            stopped=told(
                maybe(whole(what=word("time", "memory"), most=NUM, unit=TEXT)),
                "the limit at which a job was stopped",
            ),
        ),
    }


def _summary() -> Schema:
    counts = whole(**{status: COUNT for status in STATUSES})
    refusing = whole(
        kind=TEXT,
        limit=TEXT,
        models=COUNT,
        least_demanded=NUM,
        most_demanded=NUM,
        available=NUM,
        unit=TEXT,
    )
    device = whole(
        device=TEXT,
        profile=HASH,
        statuses=counts,
        groups=whole(**{group: COUNT for group in GROUPS}),
        refused=COUNT,
        refusing=told(many(refusing), "limits by the number of models that they refuse"),
        admitting=told(
            many(whole(models=COUNT, changes=many(CHANGE))),
            "sets of changes by the number of refused models that they admit",
        ),
    )
    line = whole(
        rank=told({"type": "integer", "minimum": 1}, COLUMNS["rank"]),
        device=TEXT,
        group=maybe(word(*GROUPS)),
        headroom=maybe(NUM),
        tightest=maybe(TEXT),
        share=maybe(SHARE),
        error=maybe(NUM),
        loss=maybe(NUM),
        agreement=maybe(SHARE),
    )
    return {
        "title": "What a batch comes to: summary.json, and `nirmap fit --json`",
        **whole(
            schema={"const": "nirmap-fit-summary-1"},
            pairs=COUNT,
            statuses=counts,
            order=many(word(*ORDERS)),
            where=told(maybe(TEXT), "the condition on the rows that are counted here"),
            devices=many(device),
            models=many(
                whole(model=TEXT, neurons=maybe(COUNT), statuses=counts, ranking=many(line))
            ),
        ),
    }


def _inspect() -> Schema:
    span = {**many(NUM), "minItems": 2, "maxItems": 2}
    population = {
        **whole(name=TEXT, kind=TEXT, shape=many(COUNT), neurons=COUNT, taus=named(span)),
    }
    population["properties"] |= {
        "tau_steps": told(named(span), "time constants in steps; with semantics only"),
        "decay": told(span, "of the membrane, a step"),
        "synaptic_decay": maybe(span),
        "kick_percent": told(
            maybe(whole(typical=NUM, largest=NUM)), "what one input spike adds, in % of threshold"
        ),
        "reset": maybe(word("zero", "subtract")),
    }
    return {
        "title": "The facts of `nirmap inspect`",
        **whole(
            schema={"const": "nirmap-inspect-1"},
            model=whole(
                name=TEXT,
                fingerprint=HASH,
                nodes=COUNT,
                edges=COUNT,
                neurons=COUNT,
                weights=COUNT,
                kinds=named(COUNT),
                metadata=named(ANY),
                notes=many(TEXT),
            ),
            semantics=maybe(SEMANTICS),
            missing=told(many(TEXT), "settings that nothing tells, and what each would lead to"),
            time_constants=many(whole(node=TEXT, field=TEXT, least=NUM, largest=NUM)),
            populations=many(population),
            warnings=many(TEXT),
        ),
    }


def _devices() -> Schema:
    cited = {"source": TEXT, "confidence": TEXT, "says": TEXT}
    number = whole(value=NUM, unit=TEXT, **cited)
    values = whole(values=many(ANY), **cited)
    switch = whole(value=BOOL, **cited)
    device = whole(
        name=TEXT,
        title=TEXT,
        vendor=TEXT,
        family=TEXT,
        hash=HASH,
        limits=named(number),
        cores=many(whole(name=TEXT, ids=many(COUNT), limits=named(number))),
        lists=named(values),
        switches=named(switch),
    )
    return {
        "title": "`nirmap devices NAME`: a device; without NAME: a list of all",
        "definitions": {"device": device},
        "oneOf": [{"$ref": "#/definitions/device"}, many({"$ref": "#/definitions/device"})],
    }


def _rules() -> Schema:
    return {
        "title": "`nirmap rules`: a list, of one rule where it is named",
        **many(whole(name=TEXT, says=told(TEXT, "the first line"), text=TEXT)),
    }


def _verify() -> Schema:
    return {
        "title": "The verdict of `nirmap verify`",
        **whole(
            schema={"const": "nirmap-verify-1"},
            bundle=TEXT,
            ok=BOOL,
            findings=many(whole(fault=told(TEXT, "stable name of the fault"), says=TEXT)),
            usage=many(CORE_USE),
        ),
    }


def _refusal() -> Schema:
    again = whole(
        by=TEXT, holds=told(maybe(BOOL), "whether all can hold; null where it was not decided")
    )
    conflict = whole(
        says=TEXT,
        proven=told(BOOL, "whether its proof added up"),
        minimal=BOOL,
        rows=told(COUNT, "of the proof"),
        cases=told(COUNT, "of the proof"),
        stated=told(COUNT, "figures of the network that were taken as they are"),
        status=TEXT,
        again=told(maybe(again), "another solver's answer, with --resolve"),
    )
    return {
        "title": "The verdict of `nirmap verify` on a refusal's certificate",
        **whole(
            schema={"const": "nirmap-refusal-1"},
            certificate=TEXT,
            device=TEXT,
            ok=BOOL,
            refused=told(BOOL, "whether the refusal stands"),
            findings=many(whole(fault=told(TEXT, "stable name of the fault"), says=TEXT)),
            conflicts=many(conflict),
        ),
    }


def _failure() -> Schema:
    return {
        "title": "What any command prints in place of its answer when it fails",
        **whole(
            outcome=word("bad-input", "our-bug"),
            exit=word_of(2, 4),
            findings={**many(TEXT), "minItems": 1},
        ),
    }


def _query() -> Schema:
    score = named(NUM)
    answers: Mapping[str, Schema] = {
        "vary": whole(
            what=TEXT,
            unit=TEXT,
            now=NUM,
            fits_now=maybe(BOOL),
            largest=maybe(NUM),
            beyond=maybe(NUM),
            proven=BOOL,
            because=TEXT,
            binding=many(CONFLICT),
            tried=many(whole(value=NUM, fits=maybe(BOOL))),
        ),
        "headroom": many(
            whole(
                limit=TEXT,
                demanded=NUM,
                at_least=BOOL,
                available=NUM,
                unit=TEXT,
                share=maybe(SHARE),
                most=many(ANY),
                where=TEXT,
                source=TEXT,
                confidence=TEXT,
            )
        ),
        "all": whole(
            all=told(BOOL, "whether these are all there are"),
            because=TEXT,
            placements=many(
                whole(score=score, plans=named(TEXT), cores=many(whole(of=TEXT, cores=COUNT)))
            ),
        ),
        "explain": whole(about=TEXT, says=TEXT, rows=many(whole(what=TEXT, says=TEXT))),
        "why-not": whole(about=TEXT, says=TEXT, rows=many(whole(what=TEXT, says=TEXT))),
        "diff": many(whole(part=TEXT, what=TEXT, first=maybe(TEXT), second=maybe(TEXT))),
        "support": many(
            whole(primitive=TEXT, device=TEXT, verdict=TEXT, rules=many(TEXT), says=TEXT)
        ),
        "training": many(
            whole(
                topic=TEXT,
                name=TEXT,
                value=TEXT,
                optimistic=TEXT,
                says=TEXT,
                confidence=TEXT,
                source=TEXT,
            )
        ),
    }
    return {
        "title": "The answer to a query: --vary, --headroom, --all, --explain, --why-not; "
        "diff, support, devices --training",
        "oneOf": [
            whole(
                schema={"const": "nirmap-query-1"},
                query={"const": query},
                exit=word_of(0, 1, 3),
                answer=answer,
            )
            for query, answer in answers.items()
        ],
    }


def _compare() -> Schema:
    interval = whole(value=NUM, low=NUM, high=NUM, samples=COUNT)
    cause = whole(
        cause=TEXT,
        says=TEXT,
        agreement=interval,
        accuracy=maybe(interval),
        change_of_agreement=maybe(interval),
        change_of_accuracy=maybe(interval),
        decisions_changed=NUM,
        nothing_new=BOOL,
        spikes=maybe(NUM),
        worst_order=maybe(NUM),
        best_order=maybe(NUM),
    )
    likeness = whole(
        cosine=maybe(NUM),
        samples_with_spikes_in_both=COUNT,
        samples_silent_in_one=COUNT,
        spikes=whole(ideal=NUM, ran=NUM),
        ratio=maybe(NUM),
        shift=maybe(NUM),
        jitter=maybe(NUM),
        samples_with_equal_spikes=maybe(NUM),
    )
    rate = whole(
        what=TEXT,
        where=TEXT,
        unit=TEXT,
        source=TEXT,
        confidence=TEXT,
        mean=NUM,
        peak=NUM,
        limit=maybe(NUM),
    )
    return {
        "title": "The facts of `nirmap compare`",
        **whole(
            schema={"const": "nirmap-compare-1"},
            model=NAMED,
            device=whole(name=TEXT, family=TEXT),
            ran=told(TEXT, "'emulator', or where the recorded run was made"),
            data=whole(
                file=TEXT,
                dataset=maybe(TEXT),
                split=maybe(TEXT),
                samples=COUNT,
                steps=COUNT,
                labels=BOOL,
            ),
            decode=TEXT,
            reset_between_samples=TEXT,
            agreement=told(interval, "decisions that are the ideal network's"),
            accuracy=maybe(whole(ideal=interval, ran=interval)),
            difference=interval,
            causes=told(many(cause), "each change from the one before, the ideal network first"),
            orders=COUNT,
            populations=named(likeness),
            keeps_up=maybe(many(rate)),
            decisions=whole(ideal=many(INT), ran=many(INT)),
            alarms=many(TEXT),
            notes=many(TEXT),
            semantics=SEMANTICS,
            traces=many(whole(population=TEXT, ideal=many(many(INT)), ran=many(many(INT)))),
        ),
    }


DOCUMENTS = {
    "report": _report,
    "fit-row": _row,
    "fit-summary": _summary,
    "inspect": _inspect,
    "devices": _devices,
    "rules": _rules,
    "verify": _verify,
    "refusal": _refusal,
    "failure": _failure,
    "query": _query,
    "compare": _compare,
}


def schema(name: str) -> Schema:
    """The schema of one document. Raises KeyError for a name that is not in DOCUMENTS."""
    return {"$schema": "http://json-schema.org/draft-07/schema#", **DOCUMENTS[name]()}


def text(name: str) -> str:
    """The file docs/NAME.schema.json."""
    return json.dumps(schema(name), indent=1, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Write all of them to a folder."""
    for name in DOCUMENTS:
        (folder / f"{name}.schema.json").write_text(text(name))


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]))
