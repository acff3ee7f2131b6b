"""From the manifest's JSON to its values. What is not as docs/bundle.md has it is a finding."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import prod
from types import MappingProxyType
from typing import Any, cast

from mapper.verify.manifest import (
    ArrayRow,
    Box,
    Constant,
    Helper,
    Host,
    Link,
    Manifest,
    Output,
    Population,
    Port,
    Projection,
    Slice,
)
from mapper.verify.report import Book, shown
from mapper.verify.rows import Row, is_number, is_whole

SCHEMA = "nirmap-bundle-2"
MOST_NEURONS = 1 << 24  # of all populations; and of all inputs
SEMANTICS = {
    "discretization": ("forward-euler", "exponential"),
    "reset": ("zero", "subtract"),
    "comparison": (">", ">="),
    "order": ("leak-then-input", "input-then-leak"),
    "spikes": ("one", "many"),
    "reset_timing": ("same-step",),
    "input_kind": (),
}


def read_manifest(raw: Mapping[str, Any], book: Book, families: Collection[str]) -> Manifest | None:
    """The manifest's values; None, and findings, where they are not as docs/bundle.md has them."""
    before = len(book.findings)
    top = Row(raw, "manifest", book)
    if not top.is_of_format(SCHEMA):
        return None
    found = _manifest(top, families)
    return found if len(book.findings) == before else None


def _manifest(top: Row, families: Collection[str]) -> Manifest:
    device, model, result = top.row("device"), top.row("model"), top.row("result")
    _texts(top)
    inputs, populations = _inputs(top), _populations(top)
    return Manifest(
        device=device.text("name"),
        family=device.text("family", *families),
        profile=device.text("profile"),
        chips=device.whole("chips", 1),
        fingerprint=model.text("fingerprint"),
        sha256=model.text_or_none("sha256"),
        neurons=model.whole("neurons"),
        semantics=_semantics(top.row("semantics")),
        settings=_settings(top.row("settings")),
        objectives=tuple(
            (row.text("name"), row.number("value"), row.number("bound"))
            for row in result.rows("objectives", "name")
        ),
        proven=result.truth("proven"),
        cores=result.whole("cores"),
        placement=result.text("placement", "binding", "advisory"),
        arrays={name: _array(row) for name, row in top.table("arrays")},
        inputs=inputs,
        outputs=tuple(_output(row) for row in top.rows("outputs", "name")),
        populations=populations,
        projections=tuple(_projection(row) for row in top.rows("projections", "id")),
        slices=tuple(_slice(row) for row in top.rows("slices")),
        helpers=tuple(_helper(row) for row in top.rows("helpers")),
        links=tuple(_link(row) for row in top.rows("links")),
        pools=_wholes(top.row("pools")),
        hosts=tuple(_host(row) for row in top.rows("host", "output")),
        constants=tuple(
            Constant(
                channel=row.whole("channel"),
                count=row.whole("count", 1),
                population=row.text("population"),
            )
            for row in top.row("contract").rows("constant_inputs")
            if row.whole("from_step") >= 0
        ),
        contract=_contract(top.row("contract")),
        sources=MappingProxyType({p.name: p.shape for p in (*inputs, *populations.values())}),
    )


def _output(row: Row) -> Output:
    return Output(
        name=row.text("name"),
        shape=row.shape("shape"),
        population=row.text_or_none("population"),
        latency=row.whole("latency"),
        read=row.text("read", "spikes", "v", "host"),
    )


def _helper(row: Row) -> Helper:
    return Helper(
        role=row.text("role", "relay", "bias source", "input source"),
        population=row.text("population"),
        chip=row.whole("chip"),
        core=row.whole("core"),
    )


def _link(row: Row) -> Link:
    return Link(
        source=row.whole("source", -1),
        port=row.whole("port"),
        target=row.whole("target"),
        pool=row.whole("pool", 1),
        shift=row.whole("shift"),
    )


def _texts(top: Row) -> None:
    """The parts that are words for a person."""
    for key in top.row("versions").raw:
        top.row("versions").text(key)
    for row in top.rows("assumptions", "id"):
        for key in ("id", "says", "source"):
            row.text(key)
    top.texts("alarms")
    top.nothing("behaviour", "witness", "cost", "tuned_from")


def _semantics(row: Row) -> Mapping[str, Any]:
    for key, words in SEMANTICS.items():
        row.text(key, *words)
    row.number_or_none("v_min")
    for key in ("file_dt", "chip_dt", "steps"):
        value = row.number_or_none(key)
        if value is not None and value <= 0:
            row.wrong(key, "a number above 0, or null")
    if row.raw.get("steps") is not None:
        row.whole("steps")
    for key in row.row("origins").raw:
        row.row("origins").text(key)
    return MappingProxyType(dict(row.raw))


def _settings(row: Row) -> Mapping[str, Any]:
    row.whole("chips", 1)
    row.text("entry", "host", "dvs")
    row.texts("objective")
    return MappingProxyType(dict(row.raw))


def _array(row: Row) -> ArrayRow:
    row.text("what")
    shape = row.raw.get("shape")
    sizes = () if shape == [] else row.shape("shape", 0)
    error: tuple[float, float, int] | None = None
    if "error" not in row.raw:
        row.wrong("error", "null or {max, rms, clipped}")
    elif row.raw["error"] is not None:
        figures = row.row("error")
        error = (figures.number("max"), figures.number("rms"), figures.whole("clipped"))
    return ArrayRow(shape=sizes, dtype=row.text("dtype"), error=error)


def _inputs(top: Row) -> tuple[Port, ...]:
    ports = tuple(
        Port(name=row.text("name"), shape=row.shape("shape"), offset=row.whole("offset"))
        for row in top.rows("inputs", "name")
    )
    if sum(prod(port.shape) for port in ports) > MOST_NEURONS:
        top.book.find("schema", f"manifest: inputs of more than {MOST_NEURONS} channels")
    return ports


def _populations(top: Row) -> Mapping[str, Population]:
    out: dict[str, Population] = {}
    for row in top.rows("populations", "name"):
        made = _population(row)
        if made.name in out:
            top.book.find("schema", f"manifest: population {shown(made.name)} stands twice")
        out[made.name] = made
    if sum(p.size for p in out.values()) > MOST_NEURONS:
        top.book.find("schema", f"manifest: populations of more than {MOST_NEURONS} neurons")
    return MappingProxyType(out)


def _population(row: Row) -> Population:
    _rewrites(row)
    if row.number("error") < 0:
        row.wrong("error", "a number of at least 0")
    scale = row.raw.get("scale")
    if not isinstance(scale, str) and not is_number(scale):
        row.wrong("scale", "a number or a ref")
        scale = 1.0
    return Population(
        name=row.text("name"),
        shape=row.shape("shape"),
        kind=row.text("kind"),
        device_model=row.text("device_model"),
        reset=row.text("reset", "zero", "subtract"),
        bias=row.text("bias", "none", "neuron", "source"),
        latency=row.whole("latency"),
        role=row.text("role") if "role" in row.raw else "",
        copies=row.whole("copies", 1) if "copies" in row.raw else 1,
        node=row.text_or_none("node"),
        scale=cast("str | float", scale),
        params=MappingProxyType(dict(row.row("params").raw)),
    )


def _projection(row: Row) -> Projection:
    _rewrites(row)
    pool = None if row.raw.get("pool") is None else row.shape("pool")
    if pool is not None and len(pool) != 2:
        row.wrong("pool", "null or [y, x]")
        pool = (1, 1)
    delay = row.raw.get("delay")
    if not isinstance(delay, str) and not is_whole(delay, 0):
        row.wrong("delay", "a number of steps or a ref")
        delay = 0
    balance = delay if isinstance(delay, int) else 0
    return Projection(
        id=row.text("id"),
        source=row.text("source"),
        target=row.text("target"),
        form=row.text("form", "dense", "sparse", "conv", "diagonal"),
        pool=cast("tuple[int, int] | None", pool),
        delay=cast("str | int", delay),
        extra=row.whole("extra_delay") if "extra_delay" in row.raw else balance,
        node=row.text_or_none("node"),
        params=MappingProxyType(dict(row.row("params").raw)),
    )


def _rewrites(row: Row) -> None:
    for rewrite in row.rows("rewrites", "rule"):
        rewrite.text("rule")
        rewrite.text("says")
        bounded = rewrite.text("keeps", "exact", "within", "unbounded") == "within"
        if rewrite.number("bound") < 0 if bounded else rewrite.raw.get("bound") is not None:
            rewrite.wrong("bound", "a number of at least 0 for 'within', else null")


def _slice(row: Row) -> Slice:
    return Slice(
        population=row.text("population"),
        box=_box(row),
        chip=row.whole("chip"),
        core=row.whole("core"),
        copy=row.whole("copy"),
        demand=_wholes(row.row("demand")),
    )


def _box(row: Row) -> Box:
    value = row.raw.get("box")
    pairs = cast(list[Any], value) if isinstance(value, list) else []
    for pair in pairs:
        edge = cast(list[Any], pair) if isinstance(pair, list) else []
        if len(edge) != 2 or not all(is_whole(n, 0) for n in edge) or edge[0] >= edge[1]:
            pairs = []
    if not pairs:
        row.wrong("box", "a list of [start, stop] with 0 <= start < stop")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _wholes(row: Row) -> Mapping[str, int]:
    return MappingProxyType({key: row.whole(key) for key in row.raw})


def _host(row: Row) -> Host:
    """Linear stages hold refs and numbers by name; the integrator behind them refs."""
    sources: list[str] = []
    refs: list[str] = []
    ends: list[int] = []
    for path in row.rows("paths", "source"):
        sources.append(path.text("source"))
        end: int | None = None
        for stage in path.rows("stages", "kind"):
            stage.text("kind")
            end = 1 if stage.raw.get("shape_out") == [] else prod(stage.shape("shape_out"))
            refs += [v for k, v in stage.raw.items() if isinstance(v, str) and k != "kind"]
        ends += [] if end is None else [end]
    if not sources:
        row.wrong("paths", "at least one path")
    if row.raw.get("neuron") is not None:
        neuron = row.row("neuron")
        neuron.text("kind")
        refs += [v for k, v in neuron.raw.items() if isinstance(v, str) and k != "kind"]
    return Host(
        output=row.text("output"), sources=tuple(sources), refs=tuple(refs), ends=tuple(ends)
    )


def _contract(row: Row) -> Mapping[str, Any]:
    row.text("input_kind")
    row.number_or_none("max_count")
    if row.raw.get("max_count") is not None:
        row.whole("max_count")
    if row.raw.get("reset_between_samples") != "state":
        row.whole("reset_between_samples")
    row.number_or_none("slow_clock_hz")
    row.text("decode", "count", "v-last", "v-max", "first-spike")
    return MappingProxyType(dict(row.raw))
