"""Queries on the command line: options of `check`, and the commands diff and support."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Protocol

from mapper.cli.given import How, asking_of

if TYPE_CHECKING:
    from mapper.verbs.query.answer import Answer

QUERIES: tuple[tuple[str, How, str], ...] = (
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


class Commands(Protocol):
    """What argparse's `add_subparsers` gives."""

    def add_parser(self, name: str, *, help: str) -> argparse.ArgumentParser:
        """A command of its own."""
        ...


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


def add_commands(commands: Commands) -> tuple[argparse.ArgumentParser, ...]:
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


def query(args: argparse.Namespace) -> Answer[object]:
    """The answer to the query of `check`. Raises as mapper.api."""
    from mapper import api

    options = asking_of(args)
    if args.vary is not None:
        return api.vary(args.model, args.device, args.vary, **options)
    if args.explain is not None:
        return api.explain(args.model, args.device, args.explain, **options)
    if args.why_not is not None:
        return api.why_not(args.model, args.device, args.why_not, **options)
    if args.all:
        return api.placements(args.model, args.device, **options)
    return api.headroom(args.model, args.device, **options)
