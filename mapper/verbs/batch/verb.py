"""The verb `fit`: from what a user gives to rows, a summary and the files of a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mapper.problem.given import AnyPath, Given
from mapper.verbs.batch.columns import as_csv, flat
from mapper.verbs.batch.document import Row, Summary, TimesRow
from mapper.verbs.batch.models import models
from mapper.verbs.batch.pool import Allowance
from mapper.verbs.batch.pool import run as pooled
from mapper.verbs.batch.question import Device, Question
from mapper.verbs.batch.rank import order_of
from mapper.verbs.batch.run import Batch, Runner, Step
from mapper.verbs.batch.run import fit as run_batch
from mapper.verbs.batch.store import write_whole
from mapper.verbs.batch.summary import ranks, summary
from mapper.verbs.batch.where import where as condition_of
from nir_io.errors import BadInput
from nir_io.raw import printable

SECONDS, MEMORY_MB = 60.0, 4096
CSV, SUMMARY, PAGE = "results.csv", "summary.json", "report.html"
ALL = "all"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fitted:
    """A batch that is done.

    rows: every pair's, sorted by model and device; shown: those that `where` leaves;
    facts: the summary of these; times: seconds of each pair; new: pairs computed now;
    folder: where the files are, or None.
    """

    rows: tuple[Row, ...]
    shown: tuple[Row, ...]
    facts: Summary
    times: tuple[TimesRow, ...]
    new: int
    folder: Path | None

    @property
    def html(self) -> str:
        """The page with the matrix of models and devices."""
        from mapper.verbs.batch.page import fit_html

        return fit_html(self.shown, self.facts)

    @property
    def text(self) -> str:
        """The summary as plain text."""
        from mapper.report.page import plain
        from mapper.verbs.batch.words import fit_page

        return plain(fit_page(self.facts, self.folder))

    def misfits(self, devices: Iterable[str]) -> tuple[Row, ...]:
        """Rows of these devices that are anything but `fits`."""
        wanted = frozenset(devices)
        return tuple(r for r in self.rows if r["device"] in wanted and r["status"] != "fits")


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a batch is run, judged and shown.

    workers: processes, None: as many as cores; time_limit, memory_limit: seconds and MB of a
    job; changes: look for changes that lift each refusal; scheduler: address of a Dask cluster;
    where: a condition on the rows shown; rank: order of devices; data, decode: what fitting
    networks are judged on, and by which read-out.
    """

    workers: int | None = None
    time_limit: float = SECONDS
    memory_limit: int = MEMORY_MB
    changes: bool = True
    scheduler: str | None = None
    where: str | None = None
    rank: str | None = None
    data: AnyPath | None = None
    decode: str = "count"


def fit(
    paths: Iterable[AnyPath],
    devices: str | Iterable[AnyPath],
    how: How,
    said: Given,
    *,
    output: AnyPath | None = None,
    progress: Callable[[Step], None] = lambda step: None,
) -> Fitted:
    """Try every model on every device. Raises BadInput and ProfileError before it starts."""
    order = order_of(how.rank)
    shows = None if how.where is None else condition_of(how.where)
    batch = Batch(
        models=models(paths),
        devices=devices_of(devices),
        question=replace(
            _question(said, how.changes), data=_data(how.data), decode=_decode(how.decode)
        ),
        allowance=_allowance(how.time_limit, how.memory_limit),
        workers=_workers(how.workers),
    )
    folder = None if output is None else Path(output)
    runner: Runner = pooled
    if how.scheduler is not None:
        from mapper.verbs.batch.cluster import on_cluster

        runner = on_cluster(how.scheduler)
    rows, times, new = run_batch(batch, folder, progress, runner)
    every = ranks(summary(rows, order))
    shown = rows
    if shows is not None:
        places = [every.get((row["model"], row["device"])) for row in rows]
        shown = tuple(row for row, at in zip(rows, places, strict=True) if shows(flat(row, at)))
    facts = summary(shown, order, how.where)
    fitted = Fitted(rows=rows, shown=shown, facts=facts, times=times, new=new, folder=folder)
    if folder is not None:
        _write(fitted, folder, every)
    return fitted


def devices_of(given: str | Iterable[AnyPath]) -> tuple[Device, ...]:
    """The devices of a list: 'all', names, paths of profiles; commas join several.

    Raises BadInput where two have one name, and ProfileError.
    """
    from device_profiles.load import find, load, names

    entries = [given] if isinstance(given, str | os.PathLike) else list(given)
    flat_entries: list[str | Path] = []
    for entry in entries:
        parts = entry.split(",") if isinstance(entry, str) else [Path(entry)]
        flat_entries += [p if isinstance(p, Path) else p.strip() for p in parts]
    found: dict[str, Device] = {}
    for entry in flat_entries:
        for name in names() if entry == ALL else (entry,):
            path = find(name)
            device = Device(profile=load(name), path=None if path is None else os.fspath(path))
            other = found.setdefault(device.name, device)
            if other.profile.hash != device.profile.hash:
                raise BadInput([f"two devices are called '{printable(device.name)}'; rename one"])
    if not found:
        raise BadInput(["option device: no device is given; name some, or 'all'"])
    return tuple(sorted(found.values(), key=lambda device: device.name))


def _question(said: Given, changes: bool) -> Question:
    """Options are checked as far as they can be without a network. Raises BadInput."""
    from mapper.problem.options import split
    from nir_io.presets import PRESETS
    from nir_io.settings import parsed
    from nir_io.sidecar import load_sidecar

    overrides, _ = split(said.settings)
    findings: list[str] = []
    for name, value in overrides.items():
        try:
            parsed(name, value)
        except ValueError as error:
            findings.append(f"option: {error}")
    if said.preset is not None and said.preset not in PRESETS:
        shown = printable(said.preset)
        findings.append(
            f"option semantics: there are no semantics '{shown}'; there are: {', '.join(PRESETS)}"
        )
    if findings:
        raise BadInput(findings)
    return Question(
        preset=said.preset,
        options=said.settings,
        sidecar=None if said.models is None else load_sidecar(said.models),
        repair=said.repair,
        limits=said.limits,
        changes=changes,
    )


def _data(given: AnyPath | None) -> Path | None:
    """A file or folder that is there. Raises BadInput."""
    if given is None:
        return None
    path = Path(given)
    if not (path.is_dir() or path.is_file()):
        raise BadInput(
            [
                f"option input: {printable(str(path), 200)} is not there; expected a file of data, or "
                "a folder with NAME.npz for each NAME.nir"
            ]
        )
    return path


def _decode(how: str) -> str:
    from mapper.verbs.compare.decode import check

    check(how, {})
    return how


def _allowance(seconds: float, memory_mb: int) -> Allowance:
    findings: list[str] = []
    if not 0 < seconds <= 1e7:
        findings.append(f"option time-limit: is {seconds:g}; expected seconds above 0")
    if not 1 <= memory_mb <= 1e7:
        findings.append(f"option memory-limit: is {memory_mb:g}; expected at least 1 MB")
    if findings:
        raise BadInput(findings)
    return Allowance(seconds=seconds, memory_mb=memory_mb)


def _workers(given: int | None) -> int:
    if given is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if not 1 <= given <= 1024:
        raise BadInput([f"option workers: is {given}; expected 1 to 1024"])
    return given


def _write(fitted: Fitted, folder: Path, places: Mapping[tuple[str, str], int]) -> None:
    from mapper.bundle.json import dumps

    try:
        write_whole(folder / CSV, as_csv(fitted.shown, places))
        write_whole(folder / SUMMARY, dumps(fitted.facts).encode())
        write_whole(folder / PAGE, fitted.html.encode())
    except OSError as error:
        raise BadInput([f"{folder}: cannot be written: {error.strerror}"]) from error
