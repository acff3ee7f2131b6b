"""Run the chain on data, in parts that fit the memory, and add up what is measured."""

# numpy's functions on arrays of any type give unknown ones
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from device_profiles.profile import Profile
from mapper.emulate.bundle import emulate
from mapper.emulate.fans import Load
from mapper.emulate.loaded import Loaded
from mapper.families.family import Family
from mapper.problem.traits import Traits
from mapper.verbs.compare import alarms
from mapper.verbs.compare.causes import SAYS, Link, Ran
from mapper.verbs.compare.compared import Part, Trace
from mapper.verbs.compare.data import Data
from mapper.verbs.compare.decode import scores
from mapper.verbs.compare.keepup import rates
from mapper.verbs.compare.measure import Likeness, Tally
from mapper.verbs.compare.report import Comparison
from mapper.verbs.compare.statistics import Share, mean_difference, paired_difference, share
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput
from nir_io.raw import printable
from nir_io.semantics import Semantics

ROOM = 2**24  # numbers of a part: steps times channels and neurons of its samples
DRAWN = 64  # neurons of a trace
RECORDED = "recorded"


@dataclass(slots=True)
class _Kept:
    """Of one link: decisions, one row a run, and the spikes of the populations that are compared."""

    decisions: list[list[Array]] = field(default_factory=list[list[Array]])
    spikes: float = 0.0
    idle: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Subject:
    """What is compared, beside the data."""

    model: str
    fingerprint: str
    profile: Profile
    family: Family
    traits: Traits
    semantics: Semantics
    bundle: Loaded


def compare(
    subject: Subject,
    links: Sequence[Link],
    data: Data,
    *,
    decode: str,
    recorded: Callable[[slice], Ran] | None = None,
    ran: str = "emulator",
    traces: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """The comparison. links: the chain, the ideal first; recorded: what a chip gave for samples.

    Raises BadInput where a trace is wanted of a population that there is not.
    """
    bundle = subject.bundle
    _known(bundle, traces)
    kept = [_Kept() for _ in range(len(links) + (recorded is not None))]
    tallies: dict[str, Tally] = {}
    decoder = subject.family.decoder(bundle, subject.profile)
    load = Load(decoder.fans())
    drawn: list[Trace] = []
    width = data.raster.shape[2] + sum(bundle.size(name) for name in bundle.populations)
    size = max(1, ROOM // (data.raster.shape[1] * width))
    for begin in range(0, data.samples, size):
        part = slice(begin, min(begin + size, data.samples))
        raster = data.raster[part]
        first, emulated = _run_part(links, raster, kept, decode)
        last = emulated
        if recorded is not None:
            last = recorded(part)
            _keep(kept[-1], [last], first, decode)
            kept[-1].idle = False
        for name in [n for n in first.populations if n in last.populations]:
            tallies.setdefault(name, Tally()).add(first.populations[name], last.populations[name])
        load.add(_inputs(bundle, raster), emulated.populations)
        if not begin:
            drawn = [_trace(name, first, last) for name in traces if name in last.populations]
        if progress is not None:
            progress(part.stop, data.samples)
    causes = [link.cause for link in links] + [RECORDED] * (recorded is not None)
    decisions = [
        np.stack([np.concatenate(runs) for runs in zip(*k.decisions, strict=True)]) for k in kept
    ]
    likeness = {name: tally.likeness() for name, tally in tallies.items()}
    said = _alarms(subject, data, likeness, states=recorded is None)
    parts = tuple(_parts(causes, decisions, data.labels, kept))
    return Comparison(
        model=subject.model,
        device=subject.profile.name,
        family=subject.profile.family,
        fingerprint=subject.fingerprint,
        semantics=subject.semantics,
        data=data,
        decode=decode,
        ran=ran,
        reset_between=_between(bundle),
        parts=parts,
        difference=_difference(decisions, data.labels),
        populations=likeness,
        decisions=(decisions[0][0], decisions[-1][0]),
        alarms=(*_sent(subject, data), *said),
        rates=rates(bundle, subject.profile, load, subject.family),
        orders=len(links[-1].runs) if len(links[-1].runs) > 1 else 0,
        notes=data.notes,
        traces=tuple(drawn),
    )


def _inputs(bundle: Loaded, raster: Array) -> dict[str, Array]:
    """The part of a raster that belongs to each graph input."""
    return {
        name: raster[:, :, row["offset"] : row["offset"] + bundle.size(name)].astype(np.float64)
        for name, row in bundle.inputs.items()
    }


def _known(bundle: Loaded, traces: Sequence[str]) -> None:
    """Raises BadInput where a trace is wanted of a population that there is not."""
    unknown = [name for name in traces if name not in bundle.populations]
    if unknown:
        names = ", ".join(f"'{printable(name)}'" for name in bundle.populations)
        raise BadInput(
            [
                f"option --trace: there is no population '{printable(n)}'; there are: {names}"
                for n in unknown
            ]
        )


def _alarms(
    subject: Subject, data: Data, likeness: Mapping[str, Likeness], *, states: bool
) -> list[str]:
    """What looks wrong; states: membranes are looked at, those of the emulator."""
    on = _on(data)
    said = [
        text
        for name, like in likeness.items()
        for text in alarms.of_spikes(name, like.ideal, like.chip, on)
    ]
    looked_at = alarms.bounded(subject.bundle, subject.traits)
    if states and looked_at:
        first = data.raster[: alarms.LOOKED_AT]
        held = emulate(subject.bundle, first, subject.family.run, states=looked_at).states
        said += alarms.of_states(held, subject.traits, on)
    return said


def _on(data: Data) -> str:
    return f"on {data.samples:,} {'sample' if data.samples == 1 else 'samples'} of {data.name}"


def _run_part(
    links: Sequence[Link], raster: Array, kept: Sequence[_Kept], decode: str
) -> tuple[Ran, Ran]:
    """Every link on some samples: what the ideal gave, and the last run of the last link."""
    first: Ran | None = None
    found: list[Ran] = []
    for link, keep in zip(links, kept, strict=False):
        if not (found and link.idle(raster)):
            found, keep.idle = [run(raster) for run in link.runs], False
        first = first or found[0]
        _keep(keep, found, first, decode)
    assert first is not None
    return first, found[0]


def _keep(keep: _Kept, found: Sequence[Ran], ideal: Ran, decode: str) -> None:
    keep.decisions.append([scores(decode, ran.outputs).argmax(axis=1) for ran in found])
    keep.spikes += sum(
        float(ran.populations[name].sum(dtype=np.float64))
        for ran in found
        for name in ideal.populations.keys() & ran.populations.keys()
    ) / len(found)


def _trace(name: str, first: Ran, last: Ran) -> Trace:
    chip = last.populations[name][0, :, :DRAWN]
    ideal = first.populations[name][0, :, :DRAWN] if name in first.populations else chip * 0
    return Trace(name=name, ideal=ideal, chip=chip)


def _parts(
    causes: Sequence[str],
    decisions: Sequence[Array],
    labels: Array | None,
    kept: Sequence[_Kept],
) -> list[Part]:
    """decisions: of each link, (run, sample)."""
    ideal = decisions[0][0]
    out: list[Part] = []
    for i, (cause, now) in enumerate(zip(causes, decisions, strict=True)):
        before = decisions[i - 1] if i else None
        right = None if labels is None else now == labels
        judged = now == ideal if right is None else right
        each = judged.mean(axis=1)
        several = len(now) > 1
        out.append(
            Part(
                cause=cause,
                says=SAYS.get(cause, ""),
                agreement=_share(now == ideal),
                accuracy=None if right is None else _share(right),
                lost_agreement=None if before is None else _change(now == ideal, before == ideal),
                lost_accuracy=None
                if before is None or right is None
                else _change(right, before == labels),
                changed=0.0 if before is None else float(np.mean(now != before[:1])) * now.shape[1],
                spikes=kept[i].spikes / kept[0].spikes if kept[0].spikes else None,
                idle=kept[i].idle,
                low=float(each.min()) if several else None,
                high=float(each.max()) if several else None,
            )
        )
    return out


def _share(hits: Array) -> Share:
    """Of (run, sample); several runs: their mean, with the interval of the first."""
    one = share(hits[0])
    if len(hits) == 1:
        return one
    value = float(hits.mean())
    off = value - one.value
    return Share(
        value=value, low=max(0.0, one.low + off), high=min(1.0, one.high + off), samples=one.samples
    )


def _change(after: Array, before: Array) -> Share:
    if len(after) == 1 and len(before) == 1:
        return paired_difference(after[0], before[0])
    return mean_difference(after.mean(axis=0), before.mean(axis=0))


def _difference(decisions: Sequence[Array], labels: Array | None) -> Share:
    first, last = decisions[0], decisions[-1]
    wanted = first[0] if labels is None else labels
    return _change(last == wanted, first == wanted)


def _between(bundle: Loaded) -> str:
    """What stands between two samples."""
    between = bundle.manifest["contract"]["reset_between_samples"]
    if between == "state":
        return "states are reset between samples"
    return (
        "states are reset between samples here; the chip cannot: it needs "
        f"{between} silent steps between samples"
    )


def _sent(subject: Subject, data: Data) -> list[str]:
    """Events beyond what the mapping was told of."""
    most = subject.semantics.max_count
    high = int(data.raster.max(initial=0))
    if most is None or high <= most:
        return []
    cells = int(np.count_nonzero(data.raster > most))
    of = int(np.count_nonzero(data.raster))
    return [
        f"the data hold up to {high} events of a channel in a step ({cells:,} of {of:,} cells above "
        f"{most}); the mapping was made for input kind {subject.semantics.input_kind}: "
        f"--input-kind counts:{high} states it"
    ]


def recorded_runs(
    arrays: Mapping[str, Array], bundle: Loaded, shape: tuple[int, int], shown: str
) -> Callable[[slice], Ran]:
    """What a RUN.npz of deploy.py holds, by output and population. Raises BadInput.

    shape: samples and steps of the data.
    """
    found: list[str] = []
    outputs: dict[str, Array] = {}
    populations: dict[str, Array] = {}
    wanted = [
        *((f"output{i:03d}", r["name"], outputs) for i, r in enumerate(bundle.manifest["outputs"])),
        *((f"population{i:03d}", name, populations) for i, name in enumerate(bundle.populations)),
    ]
    sizes = {r["name"]: int(np.prod(r["shape"])) for r in bundle.manifest["outputs"]}
    for key, name, where in wanted:
        size = sizes[name] if where is outputs else bundle.size(name)
        value = arrays.get(key)
        if value is None and where is populations:
            continue  # a chip records no more than its outputs need, unless asked
        if value is None:
            found.append(f"{shown}: has no '{key}'; expected a file of `deploy.py --save`")
        elif value.shape != (*shape, size) or value.dtype.kind not in "buif":
            found.append(
                f"{shown}: '{key}' ('{printable(name)}') has the shape {value.shape}; the data and "
                f"the bundle make it {(*shape, size)}"
            )
        elif value.dtype.kind == "f" and not np.isfinite(value).all():
            found.append(f"{shown}: '{key}' holds values that are no numbers")
        else:
            where[name] = value
    if found:
        raise BadInput(found)
    return lambda part: Ran(
        outputs={name: value[part] for name, value in outputs.items()},
        populations={name: value[part] for name, value in populations.items()},
    )
