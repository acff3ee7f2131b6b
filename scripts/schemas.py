"""JSON schemas (draft 7) of all that `--json` prints and of the files of bundles and batches.

    types of the program -> schema -> docs/NAME.schema.json

`python -m scripts.schemas docs` writes them; tests hold real output against them. Keys
may be added under one `schema` name, so that readers must ignore what they do not know; a key
that goes, or means something else, gives it a new name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from device_profiles.describe import DeviceFacts
from mapper.emulate.manifest import Manifest
from mapper.report.document import Failure, Inspected, Refusal, Report, RuleFacts, Verified
from mapper.solving.document import Certificate
from mapper.verbs.batch.document import Row, Summary
from mapper.verbs.compare.document import CompareFacts
from mapper.verbs.query.document import QueryFacts
from nir_io.document import Least, Matches

Schema = dict[str, Any]

PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    object: {},
}
DOCUMENTS: Mapping[str, tuple[str, Any]] = {
    "report": ("The answer of `nirmap check` and `nirmap map`", Report),
    "fit-row": ("A pair of model and device: a line of results.jsonl", Row),
    "fit-summary": ("What a batch comes to: summary.json, and `nirmap fit --json`", Summary),
    "inspect": ("The facts of `nirmap inspect`", Inspected),
    "devices": (
        "`nirmap devices NAME`: a device; without NAME: a list of all",
        DeviceFacts | list[DeviceFacts],
    ),
    "rules": ("`nirmap rules`: a list, of one rule where it is named", list[RuleFacts]),
    "verify": ("The verdict of `nirmap verify`", Verified),
    "refusal": ("The verdict of `nirmap verify` on a refusal's certificate", Refusal),
    "failure": ("What any command prints in place of its answer when it fails", Failure),
    "query": (
        "The answer to a query: --vary, --headroom, --all, --explain, --why-not; "
        "diff, support, devices --training",
        QueryFacts,
    ),
    "compare": ("The facts of `nirmap compare`", CompareFacts),
    "manifest": ("manifest.json of a bundle", Manifest),
    "certificate": ("certificate.json of a refusal", Certificate),
}


def schema(name: str) -> Schema:
    """The schema of one document. Raises KeyError for a name that is not in DOCUMENTS."""
    title, kind = DOCUMENTS[name]
    made: dict[str, Schema] = {}
    top = _schema(kind, made)
    if "$ref" in top:
        top = made.pop(kind.__name__)
    top.pop("description", None)
    more = {"definitions": made} if made else {}
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": title, **top, **more}


def _schema(kind: Any, made: dict[str, Schema]) -> Schema:
    """The schema of a type; `made` holds those of the TypedDicts that it names."""
    if kind in PLAIN:
        return dict(PLAIN[kind])
    if is_typeddict(kind):
        if kind.__name__ not in made:
            made[kind.__name__] = {}
            made[kind.__name__] = _object(kind, made)
        elif made[kind.__name__].get("description") not in (None, _says(kind)):
            raise TypeError(f"two types of one document are called {kind.__name__}")
        return {"$ref": f"#/definitions/{kind.__name__}"}
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _annotated(_schema(args[0], made), args[1:])
    if origin is Literal:
        return {"const": args[0]} if len(args) == 1 else {"enum": list(args)}
    if origin in (Union, UnionType):
        return _union([_schema(arg, made) for arg in args])
    if origin in (list, Sequence):
        return {"type": "array", "items": _schema(args[0], made)}
    if origin in (dict, Mapping):
        names, value = args[0], _schema(args[1], made)
        if get_origin(names) is Literal:  # one entry each
            words = list(get_args(names))
            return {"type": "object", "required": words, "properties": dict.fromkeys(words, value)}
        return {"type": "object", "additionalProperties": value}
    raise TypeError(f"no schema for {kind}")


def _object(kind: Any, made: dict[str, Schema]) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    for key, hint in get_type_hints(kind, include_extras=True).items():
        if get_origin(hint) is NotRequired:
            hint = get_args(hint)[0]
        else:
            required.append(key)
        properties[key] = _schema(hint, made)
    return {
        "description": _says(kind),
        "type": "object",
        "required": required,
        "properties": properties,
    }


def _says(kind: Any) -> str:
    return " ".join((kind.__doc__ or "").split())


def _annotated(found: Schema, notes: Sequence[object]) -> Schema:
    for note in notes:
        match note:
            case Least(value=least):
                key = "minItems" if found.get("type") == "array" else "minimum"
                found = {**found, key: least}
            case Matches(pattern=pattern):
                found = {**found, "pattern": pattern}
            case str():  # what stands beside a $ref is not read in draft 7
                found = {"allOf": [found], "description": note} if "$ref" in found else {**found}
                found["description"] = note
            case _:
                raise TypeError(f"no schema for {note}")
    return found


def _union(parts: list[Schema]) -> Schema:
    if len(parts) == 2 and parts[1] == {"type": "null"} and set(parts[0]) <= {"type", "minimum"}:
        return {**parts[0], "type": [parts[0]["type"], "null"]}
    return {"anyOf": parts}


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
