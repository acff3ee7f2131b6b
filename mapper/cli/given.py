"""What the command line was given, as keyword arguments of mapper.api."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypedDict, cast

from mapper.problem.given import AskingOptions, MappingOptions, ReadingOptions
from nir_io.errors import BadInput

if TYPE_CHECKING:
    from nir_io.limits import Limits


LIMITS = "elements, nodes, edges, depth, name, text, entries"


QUERY_NAMES = (
    "vary",
    "headroom",
    "all",
    "explain",
    "why_not",
    "change",
    "training",
    "first",
    "second",
    "devices",
)
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


class How(TypedDict, total=False):
    """Keywords of argparse's `add_argument`."""

    metavar: str
    action: str
    dest: str
    type: Callable[[str], float]
    default: float | str


def reading_of(args: argparse.Namespace) -> ReadingOptions:
    """How to read a file, and what it means. Raises BadInput."""
    return cast(ReadingOptions, _found(args, ()))


def mapping_of(args: argparse.Namespace, others: Collection[str] = ()) -> MappingOptions:
    """And how to map it; others: options of the command itself. Raises BadInput."""
    return cast(MappingOptions, _found(args, others))


def asking_of(args: argparse.Namespace, others: Collection[str] = ()) -> AskingOptions:
    """And what to change first. Raises BadInput."""
    return {**mapping_of(args, others), "changes": tuple(args.change or ())}


def _found(args: argparse.Namespace, others: Collection[str]) -> dict[str, object]:
    """Values as the command line has them: mapper.problem.options looks at each."""
    own = {
        "semantics": args.semantics,
        "models": args.models,
        "repair": args.repair,
        "limits": limits_of(args),
    }
    settings = {
        name: value
        for name, value in vars(args).items()
        if name not in OURS and name not in others and value is not None
    }
    return {**own, **settings}


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
