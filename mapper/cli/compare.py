"""The options of `nirmap compare`, and what they mean for mapper.api."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mapper.cli.given import mapping_of
from nir_io.errors import BadInput

if TYPE_CHECKING:
    from mapper.verbs.compare.report import Comparison

OPTIONS = (
    (
        "--input",
        "DATA",
        "events: .npz with 'raster' or 'events' (and 'labels'), or a NIR data file",
    ),
    ("--recorded", "RUN.npz", "judge what deploy.py --save recorded, not the emulator"),
    ("--model", "FILE", "the network that a bundle is of"),
    ("--profile", "FILE", "the .toml file of a bundle's device, where it is your own"),
    ("--decode", "HOW", "count, v-last, v-max or first-spike (default count)"),
    ("--orders", "N", "seeded orders of events, where the chip takes them one by one (default 3)"),
    ("--samples", "N", "the first N samples only"),
    ("--polarity", "ORDER", "on-first or off-first: the channel order of two-channel events"),
)
OURS = frozenset(
    (
        "input",
        "recorded",
        "model",
        "profile",
        "decode",
        "orders",
        "samples",
        "polarity",
        "split",
        "trace",
        "what",
    )
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    command.add_argument("what", metavar="MODEL|BUNDLE", help="a .nir file, or a bundle's folder")
    command.add_argument("--device", metavar="NAME", help="for a model: a name or a .toml file")
    for flag, shown, says in OPTIONS:
        command.add_argument(flag, metavar=shown, required=flag == "--input", help=says)
    command.add_argument(
        "--trace",
        action="append",
        metavar="POPULATION",
        help="draw its spikes in the first sample, ideal and chip (repeatable)",
    )
    command.add_argument(
        "--no-split",
        dest="split",
        action="store_false",
        help="do not tell the causes of the loss apart: some times faster",
    )
    command.add_argument("--report", metavar="FILE", help="write the report as an HTML page")


def compare(args: argparse.Namespace) -> Comparison:
    """Run the command. Raises BadInput."""
    from mapper import api

    device = args.device
    if args.profile is not None:
        if device is not None:
            raise BadInput(["options --device and --profile: give one of them"])
        device = args.profile
    return api.compare(
        args.what,
        device,
        data=args.input,
        model=args.model,
        recorded=args.recorded,
        decode=args.decode or "count",
        orders=_whole("orders", args.orders) or 3,
        samples=_whole("samples", args.samples),
        traces=args.trace or (),
        polarity=args.polarity,
        split=args.split,
        progress=_progress if sys.stderr.isatty() else None,
        **mapping_of(args, OURS),
    )


def _whole(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 2**31):
        from nir_io.raw import printable

        raise BadInput([f"option --{name}: '{printable(text)}'; expected a whole number from 1"])
    return int(text)


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r{done:,} of {total:,} samples{end}")
    sys.stderr.flush()
