"""`nirmap compare`: a model on a device, or a bundle with its model, on data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device_profiles.load import load
from mapper.bundle.result import Result
from mapper.emulate.loaded import Loaded
from mapper.emulate.manifest import Manifest
from mapper.families import family_named
from mapper.problem.asked import Source
from mapper.problem.rows import semantics_of, settings_of
from mapper.solving.outcome import Placed
from mapper.solving.pipeline import decide
from mapper.solving.pose import pose
from mapper.verbs.compare import data as reading
from mapper.verbs.compare.causes import chain
from mapper.verbs.compare.data import Data, Wanted
from mapper.verbs.compare.decode import check
from mapper.verbs.compare.report import Comparison
from mapper.verbs.compare.run import Subject, compare, recorded_runs
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput
from nir_io.limits import Limits
from nir_io.raw import printable
from nir_io.semantics import per_step


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """decode: the read-out; orders: seeded orders of events (Speck); samples: the first so many.

    traces: populations to draw; polarity: of event data, over what their file says; split:
    the loss cause by cause, which takes a simulation for each; numbers: steps of all samples
    together at most (fit), of which the first are taken.
    """

    decode: str = "count"
    orders: int = 3
    samples: int | None = None
    traces: tuple[str, ...] = ()
    polarity: str | None = None
    limits: Limits | None = None
    split: bool = True
    numbers: int | None = None

    def __post_init__(self) -> None:
        said = [
            f"option --{name}: {value}; expected 1 or more"
            for name, value in (("orders", self.orders), ("samples", self.samples))
            if value is not None and value < 1
        ]
        if said:
            raise BadInput(said)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Mapped:
    """A placement with its bundle, and the network that it is of.

    digest: SHA-256 of the manifest's file, '' of a bundle that was not written.
    """

    placed: Placed
    bundle: Loaded
    source: Source
    digest: str = ""


def compare_result(
    result: Result,
    source: Source,
    data: Path | tuple[Array, Array | None],
    how: How,
    *,
    recorded: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """What a result of `map` or `check` that fits does on data.

    data: a file, or (raster, labels or None). Raises BadInput.
    """
    if result.bundle is None or not isinstance(result.outcome, Placed):
        raise BadInput([f"{result.model}: does not fit; there is nothing to compare"])
    loaded = Loaded(result.bundle.manifest, result.bundle.arrays)
    mapped = Mapped(placed=result.outcome, bundle=loaded, source=source)
    return compare_mapped(mapped, data, how, recorded=recorded, progress=progress)


def compare_mapped(
    mapped: Mapped,
    data: Path | tuple[Array, Array | None],
    how: How,
    *,
    recorded: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """The same of a placement with its bundle."""
    placed, bundle = mapped.placed, mapped.bundle
    rows = bundle.manifest["outputs"]
    check(how.decode, {row["name"]: row["read"] == "spikes" for row in rows})
    given = read(data, wanted_of(bundle), how).first(how.samples)
    if how.numbers is not None:
        given = given.first(max(1, how.numbers // given.raster.shape[1]))
    profile = placed.question.profile
    family = family_named(profile.family)
    links = chain(placed, bundle, mapped.source.graph, family, orders=how.orders)
    if not how.split:
        links = (links[0], replace(links[-1], cause="all"))
    runs, ran = None, "emulator"
    if recorded is not None:
        arrays = reading.npz(recorded, how.limits or Limits())
        shown = printable(str(recorded), 200)
        _same_bundle(arrays, mapped.digest, shown)
        runs = recorded_runs(arrays, bundle, given.raster.shape[:2], shown)
        ran = _where(arrays)
    return compare(
        Subject(
            model=mapped.source.name,
            fingerprint=mapped.source.graph.fingerprint,
            profile=profile,
            family=family,
            traits=placed.question.traits,
            semantics=placed.question.semantics,
            bundle=bundle,
        ),
        links,
        given,
        decode=how.decode,
        recorded=runs,
        ran=ran,
        traces=how.traces,
        progress=progress,
    )


def wanted_of(bundle: Loaded) -> Wanted:
    """The data that a bundle takes."""
    semantics = bundle.manifest["semantics"]
    return Wanted(
        inputs=tuple((name, bundle.shape(name)) for name in bundle.inputs),
        dt=semantics["chip_dt"],
        steps=semantics["steps"],
        classes=sum(int(np.prod(row["shape"])) for row in bundle.manifest["outputs"]),
    )


def read(data: Path | tuple[Array, Array | None], wanted: Wanted, how: How) -> Data:
    """The data of a file, or of arrays. Raises BadInput."""
    if isinstance(data, Path):
        return reading.read(data, wanted, polarity=how.polarity, limits=how.limits)
    return reading.of_array(*data, wanted)


def of_bundle(folder: Path, source: Source, profile: Path | None) -> Mapped:
    """A bundle, and the placement that it came from, decided again. Raises BadInput.

    A bundle holds no copy of the network before it was rewritten and rounded; the same
    question gives the same placement, and the bundle's own integers are what is run.
    """
    from mapper.verify import verify

    shown = printable(str(folder), 200)
    checked = verify(folder, fingerprint=source.graph.fingerprint, profile=profile)
    if not checked.ok:
        raise BadInput(
            [f"{shown}: {finding.fault}: {finding.says}" for finding in checked.findings]
        )
    text = (folder / "manifest.json").read_bytes()
    manifest = json.loads(text)
    arrays = reading.npz(folder / "arrays.npz", Limits())
    bundle = Loaded(manifest, arrays)
    device = load(manifest["device"]["name"] if profile is None else profile)
    backend = family_named(device.family).backend
    question = pose(
        per_step(source.graph, semantics_of(manifest["semantics"])),
        device,
        semantics_of(manifest["semantics"]),
        settings_of(manifest["settings"]),
        backend,
    )
    outcome = decide(question, backend)
    if not isinstance(outcome, Placed) or _told(outcome) != _told_by(manifest):
        raise BadInput(
            [
                f"{shown}: this version of nirmap maps the network otherwise than the bundle, so its "
                "losses cannot be told apart; map it again"
            ]
        )
    return Mapped(
        placed=outcome, bundle=bundle, source=source, digest=hashlib.sha256(text).hexdigest()
    )


def _told(placed: Placed) -> list[tuple[str, str, int]]:
    return sorted((name, plan.id, placed.lag[name]) for name, plan in placed.chosen.items())


def _told_by(manifest: Manifest) -> list[tuple[str, str, int]]:
    return sorted((r["name"], r["plan"], r["latency"]) for r in manifest["populations"])


def _same_bundle(arrays: Mapping[str, Array], digest: str, shown: str) -> None:
    """Raises BadInput where the run says that another bundle made it."""
    value = arrays.get("manifest")
    if not digest or value is None or value.dtype.kind != "U" or value.size != 1:
        return
    if str(value.reshape(()).item()) != digest:
        raise BadInput([f"{shown}: was recorded with another bundle than this one"])


def _where(arrays: Mapping[str, Array]) -> str:
    """Where a recorded run was made, as its file says."""
    value = arrays.get("where")
    if value is None or value.dtype.kind not in "US" or value.size != 1:
        return "recorded run, the file does not say where"
    return f"recorded run ({printable(str(value.reshape(()).item()), 80)})"
