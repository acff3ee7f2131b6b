"""Queries on the command line: options of `check`, and the commands diff and support."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapper.verbs.query.answer import Answer
    from nir_io.limits import Limits

QUERIES: tuple[tuple[str, dict[str, Any], str], ...] = (
    (
        "--vary",
        {"metavar": "WHAT"},
        "how large may it be: channels@NODE, neurons@NODE, kernel@NODE, input, dt, weight_bits",
    ),
    ("--headroom", {"action": "store_true"}, "for every limit what is used and what there is"),
    ("--all", {"action": "store_true"}, "every placement of a small network"),
    ("--explain", {"metavar": "NODE"}, "what became of a node, and why"),
    ("--why-not", {"metavar": "RULE|CORE"}, "what speaks against a rule, or against a core"),
)
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


def add_changes(command: argparse.ArgumentParser) -> None:
    """Changes to the network before it is mapped."""
    command.add_argument(
        "--with",
        dest="change",
        action="append",
        metavar="CHANGE",
        help="change the network first: channels@NODE=N, kernel@NODE=N, input=NxN, dt=SECONDS, "
        "neuron@NODE=KIND, ... (repeatable); what changes size becomes dense",
    )


def add_queries(command: argparse.ArgumentParser) -> None:
    """Questions beyond 'does it fit', one at a time."""
    group = command.add_argument_group("queries (one at a time)").add_mutually_exclusive_group()
    for flag, how, says in QUERIES:
        group.add_argument(flag, help=says, **how)


def add_commands(commands: Any) -> tuple[argparse.ArgumentParser, ...]:
    """The commands diff and support."""
    differing = commands.add_parser("diff", help="what differs between two bundles")
    differing.add_argument("first", metavar="BUNDLE")
    differing.add_argument("second", metavar="BUNDLE")
    supporting = commands.add_parser("support", help="NIR primitives x devices")
    supporting.add_argument(
        "devices", nargs="*", metavar="NAME", help="devices (default: all that come with nirmap)"
    )
    return differing, supporting


def asks(args: argparse.Namespace) -> bool:
    """Whether `check` is asked a query."""
    texts = (args.vary, args.explain, args.why_not)
    return args.headroom or args.all or any(text is not None for text in texts)


def query(
    args: argparse.Namespace, limits: Limits | None, options: Mapping[str, Any]
) -> Answer[Any]:
    """The answer to the query of `check`. Raises as mapper.api."""
    from mapper import api

    asked: dict[str, Any] = {
        "semantics": args.semantics,
        "models": args.models,
        "repair": args.repair,
        "limits": limits,
        "changes": tuple(args.change or ()),
        **options,
    }
    if args.vary is not None:
        return api.vary(args.model, args.device, args.vary, **asked)
    if args.explain is not None:
        return api.explain(args.model, args.device, args.explain, **asked)
    if args.why_not is not None:
        return api.why_not(args.model, args.device, args.why_not, **asked)
    if args.all:
        return api.placements(args.model, args.device, **asked)
    return api.headroom(args.model, args.device, **asked)
