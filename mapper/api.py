"""The verbs: what the command line does, as functions on a path or a network.

    from mapper import api

    result = api.check("model.nir", "speck2f", semantics="sinabs")
    result.fits, result.text, result.facts

A network that does not fit, or is undecided, is a result. Exceptions are for bad input
(BadInput), unusable profiles (ProfileError) and our own faults (OurBug).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from mapper.errors import OurBug
from mapper.problem.asked import Asked, Source
from mapper.problem.given import (
    AnyPath,
    AskingOptions,
    Given,
    MappingOptions,
    ReadingOptions,
    given,
)
from mapper.verbs.report import Report
from nir_io.arrays import AnyArray
from nir_io.errors import BadInput
from nir_io.graph import Graph

if TYPE_CHECKING:
    import nir

    from device_profiles.profile import Profile
    from mapper.report.document import Inspected
    from mapper.verbs.batch.run import Step
    from mapper.verbs.batch.verb import Fitted
    from mapper.verbs.compare.report import Comparison
    from mapper.verbs.query.answer import Answer
    from mapper.verbs.query.diff import Difference
    from mapper.verbs.query.every import Placements
    from mapper.verbs.query.headroom import Room
    from mapper.verbs.query.support import Support
    from mapper.verbs.query.training import TrainingLimit
    from mapper.verbs.query.vary import Varied
    from mapper.verbs.query.why import Told
    from mapper.verify import Checked
    from mapper.verify.certificate import Proven
    from nir_io.limits import Limits
    from nir_io.presets import Setting
    from nir_io.semantics import Semantics
    from nir_io.sidecar import Sidecar
    from rewrite_rules.rule import Rule

__all__ = [
    "OurBug",
    "Report",
    "check",
    "compare",
    "devices",
    "diff",
    "explain",
    "fit",
    "headroom",
    "inspect",
    "map",
    "placements",
    "rules",
    "support",
    "training",
    "vary",
    "verify",
    "why_not",
]

Examples = tuple[
    AnyArray, AnyArray | None
]  # (raster (sample, step, channels...), labels (sample,) or None)


def map(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    *,
    output: AnyPath | None = None,
    calibrate: AnyPath | Examples | None = None,
    evaluations: int | None = None,
    **options: Unpack[AskingOptions],
) -> Report:
    """Map a network onto a device, and write the bundle to the folder `output` if it fits.

    calibrate: data on which the quantizer's free choices are made, a file or (raster, labels or
    None); evaluations: how many candidates may be run for it; options: how the file is read,
    its update rule, and how it is mapped, see mapper.problem.given.AskingOptions. Raises
    BadInput, ProfileError, and OurBug where the independent checker rejects the bundle.
    """
    from mapper.verbs.check import check as checked
    from mapper.verbs.deliver import deliver

    asked = ask(model, device, **options)
    result = checked(_with_data(asked, calibrate, evaluations), whole=True)
    return result if output is None else deliver(asked, result, Path(output))


def check(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    *,
    calibrate: AnyPath | Examples | None = None,
    evaluations: int | None = None,
    **options: Unpack[AskingOptions],
) -> Report:
    """As `map` in every respect but that nothing is written."""
    from mapper.verbs.check import check as checked

    asked = ask(model, device, **options)
    return checked(_with_data(asked, calibrate, evaluations), whole=False)


def ask(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    **options: Unpack[AskingOptions],
) -> Asked:
    """The question that `map` and `check` answer, as a value: what mapper.verbs.query takes."""
    said = given(options, options.get("changes", ()))
    asked = _asked(model, device, said)
    if not said.changes:
        return asked
    from mapper.problem.change.change import parsed
    from mapper.problem.change.resize import CannotResizeError
    from mapper.problem.fix import changed

    try:
        return changed(asked, parsed(said.changes, asked.source.graph))
    except (CannotResizeError, ValueError) as error:
        raise BadInput([f"option --with: {error}"]) from error


def vary(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    what: str,
    **options: Unpack[AskingOptions],
) -> Answer[Varied]:
    """The largest feasible value of `what`, and the limit that binds beyond it.

    what: channels@NODE, neurons@NODE, kernel@NODE, input, dt or weight_bits; options:
    those of `check`. Raises as `check`, and BadInput for what the network does not have.
    """
    from mapper.verbs.query import answer

    return answer.varied(ask(model, device, **options), what)


def headroom(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    **options: Unpack[AskingOptions],
) -> Answer[tuple[Room, ...]]:
    """For every limit what is demanded, what there is and who uses most; else as `check`."""
    from mapper.verbs.query import answer

    return answer.headroom(ask(model, device, **options))


def placements(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    **options: Unpack[AskingOptions],
) -> Answer[Placements]:
    """Every placement of a small network, the best first; else as `check`."""
    from mapper.verbs.query import answer

    return answer.placements(ask(model, device, **options))


def explain(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    node: str,
    **options: Unpack[AskingOptions],
) -> Answer[Told]:
    """What became of a node of the file, and why; else as `check`."""
    from mapper.verbs.query import answer

    return answer.explained(ask(model, device, **options), node)


def why_not(
    model: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile,
    what: str,
    **options: Unpack[AskingOptions],
) -> Answer[Told]:
    """What speaks against a rule, or against a core (its id); else as `check`."""
    from mapper.verbs.query import answer

    return answer.why_not(ask(model, device, **options), what)


def diff(first: AnyPath, second: AnyPath) -> Answer[tuple[Difference, ...]]:
    """All that differs between two bundles. Raises BadInput for what is no bundle."""
    from mapper.verbs.query import answer

    return answer.diff(first, second)


def support(names: Iterable[AnyPath] = ()) -> Answer[tuple[Support, ...]]:
    """What each NIR primitive becomes on these devices, or on all that come with nirmap."""
    from device_profiles.load import load
    from mapper.verbs.query import answer

    chosen = [load(_plain(name)) for name in names]
    return answer.support(chosen or devices())


def training(device: AnyPath) -> Answer[tuple[TrainingLimit, ...]]:
    """What a network for a device has to keep to when it is trained. Raises ProfileError."""
    from device_profiles.load import load
    from mapper.verbs.query import answer

    return answer.training(load(_plain(device)))


def inspect(model: AnyPath | nir.NIRGraph | Graph, **options: Unpack[ReadingOptions]) -> Inspected:
    """What is in a network: per population its size, time constants, kick and reset.

    Works where the semantics are not known, and says then what is missing. Raises BadInput.
    """
    from mapper.problem.options import split
    from mapper.report.look import look

    said = given(options)
    source = read(model, repair=said.repair, limits=said.limits)
    semantics, missing = None, ()
    try:
        semantics = _semantics(source, said, split(said.settings)[0])
    except BadInput as error:
        if said.meant:
            raise
        missing = error.findings
    return look(source.graph, source.name, semantics, missing)


def devices(name: AnyPath | None = None) -> tuple[Profile, ...]:
    """All profiles that come with nirmap, or the one of that name or path."""
    from device_profiles.load import load, names

    return tuple(load(one) for one in names()) if name is None else (load(_plain(name)),)


def fit(
    paths: AnyPath | Iterable[AnyPath],
    devices: str | Iterable[AnyPath] = "all",
    *,
    output: AnyPath | None = None,
    workers: int | None = None,
    time_limit: float = 60.0,
    memory_limit: int = 4096,
    changes: bool = True,
    scheduler: str | None = None,
    where: str | None = None,
    rank: str | None = None,
    data: AnyPath | None = None,
    decode: str = "count",
    progress: Callable[[Step], None] | None = None,
    **options: Unpack[MappingOptions],
) -> Fitted:
    """Try many models (files, folders, patterns) on many devices: a row for each pair.

    output: a folder for the rows and reports, in which an interrupted batch goes on;
    workers: processes (as many as cores); time_limit, memory_limit: seconds and MB of a job;
    changes: look for changes that lift each refusal; scheduler: address of a Dask cluster;
    where, rank: as the command line's; data, decode: what fitting networks are judged on, a
    file or a folder with NAME.npz for NAME.nir, and by which read-out; options: as for
    `check`. Raises BadInput and ProfileError before any job begins; whatever goes wrong in a job
    is a row.
    """
    from mapper.verbs.batch import verb

    how = verb.How(
        workers=workers,
        time_limit=time_limit,
        memory_limit=memory_limit,
        changes=changes,
        scheduler=scheduler,
        where=where,
        rank=rank,
        data=data,
        decode=decode,
    )
    return verb.fit(
        [paths] if isinstance(paths, str | os.PathLike) else paths,
        devices,
        how,
        given(options),
        output=output,
        progress=progress or (lambda step: None),
    )


def compare(
    what: AnyPath | nir.NIRGraph | Graph,
    device: AnyPath | Profile | None = None,
    *,
    data: AnyPath | Examples,
    model: AnyPath | None = None,
    recorded: AnyPath | None = None,
    decode: str = "count",
    orders: int = 3,
    samples: int | None = None,
    traces: Sequence[str] = (),
    polarity: str | None = None,
    split: bool = True,
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[AskingOptions],
) -> Comparison:
    """What a network keeps on a device, measured on data, and by which cause it loses the rest.

    what: a network, which is mapped onto `device` as by `check`; or the folder of a bundle,
    whose network is `model`. data: a file (mapper.verbs.compare.data), or (raster, labels or None).
    recorded: what deploy.py saved, judged in place of the emulator. decode: count, v-last,
    v-max or first-spike; orders: seeded orders of events where the chip takes events one by
    one; samples: the first so many; traces: populations whose spikes are kept; split: tell the causes
    apart, at a simulation for each; progress is called with (samples done, of). Raises BadInput, ProfileError, OurBug.
    """
    from mapper.verbs.compare.verb import How, compare_mapped, compare_result, of_bundle

    said = given(options)
    how = How(
        decode=decode,
        orders=orders,
        samples=samples,
        traces=tuple(traces),
        polarity=polarity,
        limits=said.limits,
        split=split,
    )
    examples = Path(data) if isinstance(data, str | os.PathLike) else data
    ran = None if recorded is None else Path(recorded)
    if isinstance(what, str | os.PathLike) and Path(what).is_dir():
        source = _of_bundle(Path(what), model, said)
        if device is not None and not isinstance(device, str | os.PathLike):
            raise BadInput(["a bundle has its own device; give the path of a profile, or none"])
        profile = None if device is None else Path(device)
        mapped = of_bundle(Path(what), source, profile)
        return compare_mapped(mapped, examples, how, recorded=ran, progress=progress)
    if device is None:
        raise BadInput(["no device is given; name one (`nirmap devices` lists them)"])
    if model is not None:
        raise BadInput(["option --model goes with a bundle; a network is compared with itself"])
    from mapper.verbs.answer import answer

    asked = ask(what, device, **options)
    result = answer(asked, whole=False, trial=False)  # the data are what is run
    return compare_result(result, asked.source, examples, how, recorded=ran, progress=progress)


def rules(name: str | None = None) -> tuple[Rule, ...]:
    """All rewrite rules, or the one of that name. Raises BadInput."""
    from rewrite_rules import rule_named
    from rewrite_rules import rules as all_rules

    if name is None:
        return all_rules()
    try:
        return (rule_named(name),)
    except KeyError as error:
        raise BadInput([str(error.args[0])]) from error


def verify(
    path: AnyPath,
    model: AnyPath | None = None,
    *,
    profile: AnyPath | None = None,
    resolve: bool = False,
) -> Checked | Proven:
    """Check a bundle, or a refusal's certificate, from scratch; with `model`, that it is of this file.

    path: a bundle's folder, a refusal's, or a certificate's file. resolve: solve the conflicts
    of a certificate again, by another solver.
    """
    from mapper.verify import verify as checked
    from mapper.verify.certificate import certificate_at, check_file

    file = certificate_at(Path(path))
    if file is None:
        if resolve:
            raise BadInput([f"option --resolve: {path} holds no certificate of a refusal"])
        return checked(path, model=model, profile=profile)
    found = check_file(file, model=_path(model), profile=_path(profile))
    if not resolve or not found.ok:
        return found
    import json
    from dataclasses import replace

    from mapper.oracle.again import again

    answers = again(json.loads(file.read_bytes()))
    pairs = zip(found.conflicts, answers, strict=True)
    return replace(found, conflicts=tuple(replace(c, again=a.by, holds=a.holds) for c, a in pairs))


def _path(given: AnyPath | None) -> Path | None:
    return None if given is None else Path(given)


def read(
    model: AnyPath | nir.NIRGraph | Graph,
    *,
    repair: bool = False,
    limits: Limits | None = None,
) -> Source:
    """The network of a path, an nir.NIRGraph or a Graph. Raises BadInput."""
    from nir_io.raw import printable

    if isinstance(model, Graph):
        return Source(graph=model, name="network")
    from nir_io import reader

    if not isinstance(model, str | os.PathLike):
        return Source(graph=reader.from_nir(model, repair=repair, limits=limits), name="network")
    path = Path(model)
    graph = reader.read(path, repair=repair, limits=limits)
    return Source(graph=graph, name=printable(path.name, 120), path=path, sha256=_sha256(path))


def _of_bundle(folder: Path, model: AnyPath | None, said: Given) -> Source:
    """The network of a bundle that is compared. Raises BadInput."""
    from nir_io.raw import printable

    shown = printable(str(folder), 200)
    if said.meant:
        raise BadInput(
            [
                f"{shown}: a bundle has its own semantics and settings; give none, or compare the model"
            ]
        )
    if model is None:
        raise BadInput(
            [f"{shown}: a bundle holds no copy of the network as it was; pass --model FILE"]
        )
    return read(model, repair=said.repair, limits=said.limits)


def _with_data(asked: Asked, data: AnyPath | Examples | None, evaluations: int | None) -> Asked:
    """The question, to be calibrated on data. Raises BadInput."""
    from mapper.problem.asked import Calibrate
    from mapper.problem.options import candidates

    most = candidates(evaluations, data is not None)
    if data is None:
        return asked
    held = data if isinstance(data, tuple) else Path(data)
    return replace(asked, calibrate=Calibrate(data=held, evaluations=most))


def _plain(name: AnyPath) -> str | Path:
    return name if isinstance(name, str) else Path(name)


def _sha256(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _semantics(source: Source, said: Given, overrides: Mapping[str, Setting]) -> Semantics:
    from nir_io.resolve import resolve
    from nir_io.sidecar import load_sidecar

    sidecar: Sidecar | None = None if said.models is None else load_sidecar(said.models)
    return resolve(
        source.graph, preset=said.preset, overrides=overrides, sidecar=sidecar, path=source.path
    )


def _asked(model: AnyPath | nir.NIRGraph | Graph, device: AnyPath | Profile, said: Given) -> Asked:
    """The question, whatever it was given as. Raises BadInput and ProfileError."""
    from device_profiles.load import find, load, names
    from mapper.problem.options import settings_of, split

    overrides, chosen = split(said.settings)
    by_name = isinstance(device, str | os.PathLike)
    if not by_name and (device.name not in names() or load(device.name).hash != device.hash):
        raise BadInput(
            [f"profile '{device.name}' is not one of nirmap's own; give its file's path"]
        )
    profile = load(_plain(device)) if by_name else device
    settings = settings_of(chosen, profile)
    source = read(model, repair=said.repair, limits=said.limits)
    path = find(_plain(device)) if by_name else None
    return Asked(
        source=source,
        profile=profile,
        profile_path=path,
        semantics=_semantics(source, said, overrides),
        settings=settings,
    )
