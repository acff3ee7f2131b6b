"""A JSON schema of profiles, for editors: it completes keys and shows what they mean.

`python -m device_profiles.schema` prints it; docs/profile.schema.json is its output. It
says what check says, save for what a schema cannot: that sources are listed and used, the
side of an optimistic value, core ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from device_profiles.check import KEY, MOST_ID, NAME, PARTS
from device_profiles.entries import CONFIDENCES, KINDS, MOST
from device_profiles.families import Family, Key, ListKey, family, family_names

Schema = dict[str, object]

TEXT: Schema = {"type": "string", "pattern": r"\S"}
ID: Schema = {"type": "integer", "minimum": 0, "maximum": MOST_ID}
CITED: Schema = {
    "source": {**TEXT, "description": "a name of [sources]"},
    "confidence": {
        "enum": list(CONFIDENCES),
        "description": "published by the vendor or in a paper; inferred from a vendor tool's code, "
        "tables or runs; assumed: a guess, which needs a note",
    },
    "note": TEXT,
}
ASSUMED: Schema = {
    "if": {"properties": {"confidence": {"const": "assumed"}}, "required": ["confidence"]},
    "then": {"required": ["note"]},
}


def schema() -> Schema:
    """The schema (draft 7) of a profile's TOML file, with every family's keys."""
    families = [known for name in family_names() if (known := family(name))]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Device profile",
        "type": "object",
        "additionalProperties": False,
        "required": [
            part
            for part in PARTS
            if part in ("name", "title", "vendor", "family", "sources", "core")
        ],
        "properties": {
            "name": {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "title": TEXT,
            "vendor": TEXT,
            "family": {
                "type": "string",
                "pattern": f"^{NAME.pattern}$",
                "description": f"one of {', '.join(family_names())}, or a new one",
            },
            "sources": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": TEXT,
                "description": 'name = "document and section, or release and file"',
            },
            "limits": _open("number"),
            "core": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["name", "ids"],
                    "properties": {"name": TEXT, "ids": {"$ref": "#/definitions/ids"}},
                    "additionalProperties": {"$ref": "#/definitions/number"},
                },
            },
            "lists": _open("list"),
            "switches": _open("switch"),
        },
        "allOf": [_family(known) for known in families],
        "definitions": _definitions(),
    }


def _definitions() -> Schema:
    value: Schema = {"type": "number", "minimum": -MOST, "maximum": MOST}
    kind: Schema = {"enum": list(KINDS)}
    number = {"value": value, "optimistic": value, "unit": TEXT, **CITED, "kind": kind}
    words: Schema = {"items": TEXT}
    whole: Schema = {"items": {"type": "integer"}}
    many: Schema = {"type": "array", "minItems": 1, "uniqueItems": True, "anyOf": [words, whole]}
    values = {"values": many, "unit": TEXT, **CITED}
    switch: Schema = {"value": {"type": "boolean"}, **CITED}
    span = _closed({"first": ID, "last": ID}, ["first", "last"])
    ids: Schema = {"type": "array", "minItems": 1, "uniqueItems": True, "items": ID}
    return {
        "number": _closed(number, ["value", "unit", "source", "confidence"]) | ASSUMED,
        "list": _closed(values, ["values", "source", "confidence"]) | ASSUMED,
        "switch": _closed(switch, ["value", "source", "confidence"]) | ASSUMED,
        "ids": {"description": "as the vendor numbers them", "anyOf": [ids, span]},
    }


def _family(known: Family) -> Schema:
    cores = {"name": TEXT, "ids": {}, **_numbers(known.cores)}
    lists = {name: _list(key) for name, key in known.lists.items()}
    switches: Schema = {name: _entry("switch", says, {}) for name, says in known.switches.items()}
    then: Schema = {
        "required": ["limits", "lists", "switches"],
        "properties": {
            "limits": _closed(_numbers(known.limits), _needed(known.limits)),
            "core": {"items": _closed(cores, ["name", "ids", *_needed(known.cores)])},
            "lists": _closed(lists, _needed(known.lists)),
            "switches": _closed(switches, list(switches)),
        },
    }
    of_it: Schema = {"properties": {"family": {"const": known.name}}, "required": ["family"]}
    return {"if": of_it, "then": then}


def _numbers(keys: Mapping[str, Key]) -> Schema:
    return {name: _number(key) for name, key in keys.items()}


def _needed(keys: Mapping[str, Key] | Mapping[str, ListKey]) -> list[str]:
    return [name for name, key in keys.items() if key.needed]


def _number(key: Key) -> Schema:
    value: Schema = {"type": "integer"} if key.whole else {}
    if key.least is not None:
        value["minimum"] = key.least
    better: Schema | bool = value if key.kind != "fact" else False
    narrowed: Schema = {"value": value, "optimistic": better, "unit": {"const": key.unit}}
    return _entry("number", f"{key.says} [{key.unit}]", {**narrowed, "kind": {"const": key.kind}})


def _list(key: ListKey) -> Schema:
    if key.unit:
        narrowed: Schema = {"values": {"items": {"type": "integer"}}, "unit": {"const": key.unit}}
        return _entry("list", key.says, narrowed) | {"required": ["unit"]}
    word: Schema = {"enum": list(key.choices)} if key.choices else {"type": "string"}
    return _entry("list", key.says, {"values": {"items": word}})


def _entry(kind: str, says: str, narrowed: Schema) -> Schema:
    """An entry of a family: what every such entry is, and what this one is besides."""
    return {
        "description": says,
        "allOf": [{"$ref": f"#/definitions/{kind}"}],
        **({"properties": narrowed} if narrowed else {}),
    }


def _closed(properties: Mapping[str, object], needed: list[str]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": needed,
    }


def _open(kind: str) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{KEY.pattern}$"},
        "additionalProperties": {"$ref": f"#/definitions/{kind}"},
    }


def text() -> str:
    """The schema as docs/profile.schema.json holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
