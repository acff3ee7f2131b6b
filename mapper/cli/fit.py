"""`nirmap fit`: its options, its progress and its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from mapper.cli.given import How, mapping_of
from mapper.errors import DOES_NOT_FIT, FITS

if TYPE_CHECKING:
    from mapper.verbs.batch.run import Step
    from mapper.verbs.batch.verb import Fitted

OUTPUT = "nirmap-fit"
OURS = (
    "paths",
    "workers",
    "time_limit",
    "memory_limit",
    "require",
    "where",
    "rank",
    "changes",
    "input",
    "decode",
    "scheduler",
)
OPTIONS: tuple[tuple[str, How, str], ...] = (
    ("--workers", {"type": int, "metavar": "N"}, "processes (default: as many as cores)"),
    (
        "--time-limit",
        {"type": float, "metavar": "SECONDS", "default": 60.0},
        "of reading a model and of each verdict (default 60)",
    ),
    (
        "--memory-limit",
        {"type": int, "metavar": "MB", "default": 4096},
        "of each job, beyond the program's own (default 4096)",
    ),
    (
        "--require",
        {"action": "append", "metavar": "DEVICE"},
        "exit with 1 where a model does not fit it (repeatable)",
    ),
    (
        "--where",
        {"metavar": "CONDITION"},
        "show only rows like 'status == \"fits\" and share < 0.5'; results.jsonl keeps all",
    ),
    (
        "--rank",
        {"metavar": "A,B"},
        "order of devices: group, headroom, error, loss, assumptions, agreement",
    ),
    (
        "--no-changes",
        {"dest": "changes", "action": "store_false"},
        "do not look for changes that lift each refusal",
    ),
    (
        "--input",
        {"metavar": "DATA"},
        "rank by agreement on data: a file, or a folder with NAME.npz for each NAME.nir",
    ),
    (
        "--decode",
        {"metavar": "HOW", "default": "count"},
        "read-out of the decisions: count, v-last, v-max or first-spike",
    ),
    ("--scheduler", {"metavar": "ADDRESS"}, "run on a Dask cluster (nirmap[cluster])"),
)


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `fit` itself."""
    command.add_argument(
        "paths", nargs="+", metavar="MODELS", help=".nir files, folders or patterns"
    )
    command.add_argument(
        "--device",
        action="append",
        metavar="NAMES",
        help="names or .toml files, joined by commas (default: all)",
    )
    command.add_argument(
        "-o", "--output", default=OUTPUT, metavar="DIR", help=f"folder (default: {OUTPUT})"
    )
    for flag, how, says in OPTIONS:
        command.add_argument(flag, help=says, **how)


def fit(args: argparse.Namespace) -> tuple[Fitted, int]:
    """Run the batch; what came of it, and the exit code. Raises BadInput."""
    from mapper import api
    from mapper.verbs.batch.verb import devices_of

    devices: list[str] = args.device or ["all"]
    required = tuple(device.name for device in devices_of(args.require)) if args.require else ()
    _known(required, devices)
    with _progress() as progress:
        fitted = api.fit(
            args.paths,
            devices,
            output=args.output,
            workers=args.workers,
            time_limit=args.time_limit,
            memory_limit=args.memory_limit,
            changes=args.changes,
            scheduler=args.scheduler,
            where=args.where,
            rank=args.rank,
            data=args.input,
            decode=args.decode,
            progress=progress,
            **mapping_of(args, OURS),
        )
    return fitted, DOES_NOT_FIT if fitted.misfits(required) else FITS


def _known(required: tuple[str, ...], devices: list[str]) -> None:
    from mapper.verbs.batch.verb import devices_of
    from nir_io.errors import BadInput

    tried = {device.name for device in devices_of(devices)}
    missing = [name for name in required if name not in tried]
    if missing:
        raise BadInput(
            [f"option require: '{name}' is not among the devices tried" for name in missing]
        )


def _progress() -> AbstractContextManager[Callable[[Step], None] | None]:
    """A bar with rate and remaining time, where standard error is a terminal."""
    if not sys.stderr.isatty():
        return nullcontext()
    from mapper.cli.progress import bar

    return bar()
