"""What the command line was given, as keyword arguments of mapper.api."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mapper.cli.queries import QUERY_NAMES
from nir_io.errors import BadInput

if TYPE_CHECKING:
    from nir_io.limits import Limits


LIMITS = "elements, nodes, edges, depth, name, text, entries"


OURS = (
    "command",
    "model",
    "device",
    "output",
    "report",
    "certificate",
    "semantics",
    "models",
    "repair",
    "limit",
    "json",
    "debug",
    "calibrate",
    "evaluations",
    *QUERY_NAMES,
)


def options_of(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given, as keyword arguments of mapper.api."""
    return {
        name: value for name, value in vars(args).items() if name not in OURS and value is not None
    }


def limits_of(args: argparse.Namespace) -> Limits | None:
    """Limits on the file, those of `--limit` changed. Raises BadInput."""
    given: Sequence[str] = args.limit or ()
    if not given:
        return None
    from dataclasses import fields

    from nir_io.limits import Limits
    from nir_io.raw import printable

    names = tuple(field.name for field in fields(Limits))
    values: dict[str, int] = {}
    findings: list[str] = []
    for entry in given:
        name, _, number = entry.partition("=")
        if name not in names or not number.isdecimal() or not number.isascii() or int(number) < 1:
            findings.append(
                f"option --limit: '{printable(entry)}'; expected NAME=NUMBER with one of {LIMITS}"
            )
        else:
            values[name] = int(number)
    if findings:
        raise BadInput(findings)
    return Limits(**values)
