"""Completion of the command line in a shell: its commands, options, files and names."""

# shtab has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import argparse
from collections.abc import Iterator

SHELLS = ("bash", "zsh", "fish")
FILES = ("MODEL", "MODELS", "FILE", "DATA", "RUN.npz", "MODEL|BUNDLE")
FOLDERS = ("DIR", "BUNDLE")


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """What the shell must run once to complete the parser's words; `parser` is changed."""
    import shtab  # pyright: ignore[reportMissingTypeStubs]

    from device_profiles.load import names
    from nir_io.presets import PRESETS
    from rewrite_rules import rules

    own: dict[str, tuple[str, ...]] = {
        "device": names(),
        "require": names(),
        "semantics": tuple(PRESETS),
        "allow": tuple(rule.name for rule in rules()),
        "reset": ("zero", "subtract"),
        "discretization": ("forward-euler", "exponential"),
        "order": ("leak-then-input", "input-then-leak"),
        "decode": ("count", "v-last", "v-max", "first-spike"),
        "solver": ("cp-sat", "exhaustive"),
        "completion": SHELLS,
    }
    for action in _actions(parser):
        if action.dest in own and action.choices is None:
            action.choices = own[action.dest]
        elif action.metavar in FILES:
            action.complete = shtab.FILE  # pyright: ignore[reportAttributeAccessIssue]
        elif action.metavar in FOLDERS:
            action.complete = shtab.DIRECTORY  # pyright: ignore[reportAttributeAccessIssue]
    made: str = shtab.complete(parser, shell)
    return str(made)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of its commands."""
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage] -- argparse tells them no other way
        yield action
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage] -- as above
            for command in dict.fromkeys(action.choices.values()):
                yield from _actions(command)
