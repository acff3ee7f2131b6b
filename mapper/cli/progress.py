"""The progress of a batch on a terminal: how far, how fast, how long still."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mapper.report.page import safe

if TYPE_CHECKING:
    from mapper.verbs.batch.run import Step

LONGEST = 40  # characters of a model's name


@contextmanager
def bar() -> Generator[Callable[[Step], None]]:
    """What is to be called with each step; the bar is gone when the batch is done."""
    columns = (
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None, rate="")
        began, first = time.monotonic(), 0

        def step(found: Step) -> None:
            nonlocal first
            first = first or found.done
            minutes = (time.monotonic() - began) / 60
            rate = f"{(found.done - first + 1) / minutes:,.0f} a minute" if minutes > 0 else ""
            row = found.row
            last = f"{safe(row['model'])[-LONGEST:]} on {row['device']}: {row['status']}"
            progress.update(
                task, total=found.total, completed=found.done, rate=rate, description=last
            )

        yield step
