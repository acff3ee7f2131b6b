"""The command line's options, and what they mean for the functions of mapper.api."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from mapper.cli import compare as cli_compare
from mapper.cli.fit import add_options
from mapper.cli.given import LIMITS
from mapper.cli.queries import Commands, add_changes, add_commands, add_queries
from nir_io.presets import PRESETS

UPDATE_RULE = (
    ("--file-dt", "SECONDS", "step that the file's time constants were written for"),
    ("--chip-dt", "SECONDS", "wall-clock step on the chip (default: --file-dt)"),
    ("--reset", "KIND", "zero (v = v_reset) or subtract (v -= v_threshold)"),
    (
        "--discretization",
        "RULE",
        "forward-euler (k = dt/tau) or exponential (k = 1 - exp(-dt/tau))",
    ),
    ("--comparison", "SIGN", "a spike where v '>' or '>=' the threshold"),
    ("--order", "ORDER", "leak-then-input or input-then-leak"),
    ("--spikes", "HOW", "one or many spikes a step and neuron"),
    ("--v-min", "X", "lower bound of the membrane in thresholds, or none"),
    ("--integrator", "HOW", "I and IF add r i per-step or per-time"),
    ("--input-kind", "KIND", "spikes, counts:N (at most N a step and channel) or real"),
    ("--steps", "N", "run length in steps"),
)
MAPPING = (
    ("--max-error", "X", "largest membrane-response error of a population (default 0.10)"),
    ("--chips", "N", "chips of the system (default 1)"),
    ("--entry", "WHERE", "where events enter a Speck: host or dvs (default host)"),
    ("--weight-bits", "N", "fewer bits a weight than the chip has"),
    ("--objective", "A,B", "what to minimise first: error, cores, traffic (this order)"),
    ("--budget", "SECONDS", "deterministic seconds of the solver (default 60)"),
    ("--seed", "N", "of the solver (default 0)"),
    ("--solver", "NAME", "cp-sat, or exhaustive for small networks: tries everything as well"),
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in the way of all other findings, with exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Print the finding and leave."""
        from mapper.report.page import safe

        self.exit(2, f"nirmap: {safe(message)}; see `{self.prog} --help`\n")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = Parser(
        prog="nirmap",
        description="Map NIR spiking networks onto neuromorphic chips, or say why they do not fit.",
        epilog="Exit codes: 0 fits or done, 1 does not fit, 2 bad input or use, 3 undecided, 4 our bug.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version")
    top.add_argument(
        "--completion",
        action=_Completion,
        metavar="SHELL",
        choices=("bash", "zsh", "fish"),
        help='completion for a shell, e.g. eval "$(nirmap --completion bash)"',
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (*_mapping_commands(commands), *_other_commands(commands)):
        command.add_argument("--json", action="store_true", help="print one JSON document")
        command.add_argument("--debug", action="store_true", help="show tracebacks of our bugs")
    return top


def _mapping_commands(commands: Commands) -> tuple[argparse.ArgumentParser, ...]:
    """Commands that map: map, check, fit, compare."""
    mapping = commands.add_parser("map", help="map a network and write the bundle")
    mapping.add_argument("-o", "--output", metavar="DIR", help="folder (default: MODEL-DEVICE)")
    checking = commands.add_parser("check", help="does it fit? As map, but writes nothing")
    for command in (mapping, checking):
        _model(command)
        command.add_argument(
            "--report", metavar="FILE", help="write the report as an HTML page, whatever the answer"
        )
        command.add_argument(
            "--certificate", metavar="FILE", help="write a refusal's proof, which verify checks"
        )
        command.add_argument(
            "--device", required=True, metavar="NAME", help="a name or a .toml file"
        )
        _update_rule(command)
        _mapping(command)
        _calibration(command)
        add_changes(command)
    add_queries(checking)
    fitting = commands.add_parser("fit", help="many models on many devices")
    add_options(fitting)
    _reading(fitting)
    _update_rule(fitting)
    _mapping(fitting)
    comparing = commands.add_parser("compare", help="what is lost on data, and by which cause")
    cli_compare.add_options(comparing)
    _reading(comparing)
    _update_rule(comparing)
    _mapping(comparing)
    return mapping, checking, fitting, comparing


def _other_commands(commands: Commands) -> tuple[argparse.ArgumentParser, ...]:
    """Commands about a network, a device, a rule or a bundle."""
    looking = commands.add_parser("inspect", help="populations, time constants, kicks, warnings")
    _model(looking)
    _update_rule(looking)
    devices = commands.add_parser("devices", help="the chips, or all limits of one")
    devices.add_argument("name", nargs="?", metavar="NAME")
    devices.add_argument(
        "--training", action="store_true", help="what to train within on the device NAME"
    )
    rules = commands.add_parser("rules", help="the rewrite rules, or one of them")
    rules.add_argument("name", nargs="?", metavar="NAME")
    verifying = commands.add_parser("verify", help="check a bundle or certificate from scratch")
    verifying.add_argument(
        "bundle", metavar="BUNDLE", help="a bundle's folder, or a refusal's, or a certificate.json"
    )
    verifying.add_argument("--model", metavar="FILE", help="the model that it should be of")
    verifying.add_argument("--profile", metavar="FILE", help="the .toml file of your own device")
    verifying.add_argument(
        "--resolve", action="store_true", help="solve a refusal's limits again, by another solver"
    )
    return looking, devices, rules, verifying, *add_commands(commands)


def _model(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", metavar="MODEL", help="a .nir file")
    _reading(command)


def _reading(command: argparse.ArgumentParser) -> None:
    command.add_argument("--repair", action="store_true", help="mend known defects of exporters")
    command.add_argument(
        "--limit",
        action="append",
        metavar="NAME=N",
        help=f"raise a limit on the file: {LIMITS}",
    )


def _update_rule(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("update rule (what NIR leaves open)")
    group.add_argument("--semantics", metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    group.add_argument("--models", metavar="FILE", help="a sidecar file with settings per model")
    for flag, shown, says in UPDATE_RULE:
        group.add_argument(flag, metavar=shown, help=says)


def _calibration(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("calibration")
    group.add_argument(
        "--calibrate",
        metavar="FILE",
        help="choose scales on half of these data (an .npz as for compare), report on the other",
    )
    group.add_argument(
        "--evaluations", metavar="N", help="candidates that a calibration may run (default 60)"
    )


def _mapping(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("mapping")
    group.add_argument(
        "--allow", action="append", metavar="RULE", help="use a rule without a bound (repeatable)"
    )
    group.add_argument("--exact", action="store_true", default=None, help="no approximations")
    group.add_argument(
        "--no-host", dest="host", action="store_false", default=None, help="no stages on the host"
    )
    group.add_argument(
        "--published-only", action="store_true", default=None, help="lean on published limits only"
    )
    for flag, shown, says in MAPPING:
        group.add_argument(flag, metavar=shown, help=says)


class _Completion(argparse.Action):
    """Prints what a shell needs to complete our words."""

    def __call__(
        self, parser: argparse.ArgumentParser, _: object, shell: object, *__: object
    ) -> None:
        from mapper.cli.completion import script

        sys.stdout.write(script(parser, str(shell)))
        parser.exit(0)


class _Version(argparse.Action):
    """Prints the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            parser.exit(0, f"nirmap {version('nirmap')}\n")
        except PackageNotFoundError:
            parser.exit(0, "nirmap, not installed\n")
