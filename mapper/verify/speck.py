"""Speck: convolution -> IF -> pooling per destination, on nine unlike cores.

    kernel words = inputs 2^(lg(k k) + lg(width)),  lg = ceil(log2)
    neuron words = width 2^(lg(y) + lg(x)), before pooling; bias words = width

Facts: Speck Dev Kit Datasheet 2023 and sinabs 3.1.3 (dynapcnn_layer.py:213-244), as cited
in the profiles. sinabs checks none of the geometry.
"""

# values of JSON, which nothing has looked at yet
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mapper.verify.arrays import Array
from mapper.verify.case import Case, Conv, conv, pooled, scale_findings
from mapper.verify.links import Entry, Layer, check_links
from mapper.verify.manifest import Population, Projection, Slice
from mapper.verify.report import Book, shown
from mapper.verify.rows import Row
from mapper.verify.stored import Floats, Stored, array_of, in_units

RESOURCES = (
    # resource, fault, limit, unit
    ("kernel_words", "kernel-memory", "kernel_memory", "kernel words"),
    ("neuron_words", "neuron-memory", "neuron_memory", "neuron words"),
    ("bias_words", "bias-memory", "bias_memory", "bias words"),
    ("features", "features", "features", "output channels"),
    ("input_features", "input-features", "features", "input channels"),
)


def check_speck(case: Case) -> None:
    """Every population, core and link."""
    layers: dict[str, Layer] = {}
    for population in case.manifest.populations.values():
        _neurons(case, population)
        params = case.of_population(population)
        low, high = case.device.limit("weight_min"), case.device.limit("weight_max")
        found = conv(case, params, population, low, high)
        entries = _entries(case, population)
        width = max((_channels(p) for p in case.parts[population.name]), default=0)
        if found is None or entries is None or width < 1:
            continue
        _geometry(case, population, found)
        _table(case, population, entries, found)
        for piece in case.parts[population.name]:
            _whole_maps(case, population, piece)
            demand = _demand(population, found.kernel, width)
            for resource, fault, limit, unit in RESOURCES:
                case.charge(piece, resource, fault, limit, demand[resource], unit)
        layers[population.name] = Layer(
            population=population, width=width, inputs=found.kernel.shape[1], entries=entries
        )
    if len(layers) == len(case.manifest.populations):
        check_links(case, layers)


def _neurons(case: Case, population: Population) -> None:
    """Thresholds of 16 bits, a lower one below 0, biases and first states of 16 bits."""
    d, params = case.device, case.of_population(population)
    channels = population.map[0]
    for kind in {population.kind, population.device_model} - set(d.words("neuron_models")):
        case.book.find("neuron-model", f"{params.where} is a {shown(kind)}; Speck runs IF neurons")
    least, most = d.limit("threshold_high_min"), d.limit("threshold_high_max")
    high = params.whole("threshold_high", least, most, "threshold-range")
    least, most = d.limit("threshold_low_min"), d.limit("threshold_low_max")
    params.whole("threshold_low", least, most, "threshold-range")
    bias_range = d.limit("bias_min"), d.limit("bias_max")
    bias = params.ints("bias", (channels,), *bias_range, "bias-range")
    state = 2 ** (d.limit("state_bits") - 1)
    params.ints("v_init", (channels,), -state, state - 1, "state-range")
    scale_findings(case, population, None if high is None else np.array(high), 1.5)
    if bias is None or not np.any(bias):
        return
    if population.bias == "none":
        case.book.find("bias", f"{params.where} has bias 'none' and biases up to {np.max(bias)}")
    if case.manifest.contract["slow_clock_hz"] is None:
        case.book.find(
            "slow-clock",
            f"{params.where} has biases, which act at ticks of the slow clock; slow_clock_hz is null",
        )


def _entries(case: Case, population: Population) -> tuple[Entry, ...] | None:
    """The population's table of input channels; None where it is no such table."""
    book = Book()
    row = Row(population.params, f"population {shown(population.name)}, params", book)
    found = tuple(
        Entry(
            source=entry.text("source"),
            pool=entry.whole("pool", 1),
            channels=entry.whole("channels", 1),
            offset=entry.whole("offset"),
        )
        for entry in row.rows("inputs", "source")
    )
    for finding in book.findings:
        case.book.find(finding.fault, finding.says)
    return None if book.findings else found


def _table(case: Case, population: Population, entries: tuple[Entry, ...], found: Conv) -> None:
    """Inputs tile the kernel's channels, are those of the projections, and agree in maps."""
    where, at = f"population {shown(population.name)}", 0
    for entry in entries:
        shape = case.manifest.sources.get(entry.source)
        if shape is None:
            case.book.find(
                "input-table", f"{where} reads {shown(entry.source)}, which is not there"
            )
            continue
        if entry.offset != at or entry.channels != pooled(shape, (1, 1))[0]:
            case.book.find(
                "input-table",
                f"{where}: {shown(entry.source)} has the channels {entry.offset}.."
                f"{entry.offset + entry.channels - 1}; expected {at}..{at + pooled(shape, (1, 1))[0] - 1}",
            )
        at += entry.channels
        if entry.pool not in case.device.values("pools"):
            case.book.find(
                "pooling",
                f"{where} pools {shown(entry.source)} by {entry.pool}; legal are "
                f"{case.device.values('pools')}",
            )
        if pooled(shape, (entry.pool, entry.pool))[1:] != found.input_shape[1:]:
            case.book.find(
                "merge-shape",
                f"{where} reads maps of {found.input_shape[1:]} pixels; {shown(entry.source)} gives "
                f"{pooled(shape, (entry.pool, entry.pool))[1:]}",
            )
    if at != found.input_shape[0]:
        case.book.find(
            "input-table",
            f"{where} lists {at} input channels; its kernel has {found.input_shape[0]}",
        )
    listed = [(entry.source, (entry.pool, entry.pool)) for entry in entries]
    wanted = {(p.source, p.pool or (1, 1)) for p in case.into[population.name]}
    if set(listed) != wanted or len(set(listed)) < len(listed):
        case.book.find(
            "input-table",
            f"{where} lists {len(listed)} inputs; its projections come from {len(wanted)} pairs of "
            "source and pooling, which must be the same ones",
        )
    for projection in case.into[population.name]:
        if projection.delay != 0:
            case.book.find(
                "delay-range", f"projection {shown(projection.id)} delays; Speck takes 0 steps"
            )


def _geometry(case: Case, population: Population, found: Conv) -> None:
    """Square kernels, legal strides, even padding, maps within the addresses."""
    d, where = case.device, f"population {shown(population.name)}"
    ky, kx = found.kernel.shape[2:]
    if ky != kx:
        case.book.find("square-kernel", f"{where} has a kernel of {ky} x {kx}; Speck's are square")
    top, bottom, left, right = found.padding
    if top != bottom or left != right:
        case.book.find(
            "symmetric-padding", f"{where} pads {found.padding}; both sides must be alike"
        )
    for fault, limit, value, what in (
        ("kernel-size", "kernel_max", max(ky, kx), "a kernel"),
        ("padding", "padding_max", max(found.padding), "padding"),
        ("output-map", "map_out_max", max(population.map[1:]), "an output map"),
        ("input-map", "input_map_max", max(found.input_shape[1:]), "an input map"),
    ):
        if value > d.limit(limit):
            case.book.find(
                fault, f"{where} has {what} of {value} pixels; Speck takes {d.limit(limit)}"
            )
    steps = zip(found.stride, population.map[1:], strict=True)
    bad = [step for step, size in steps if size > 1 and step not in d.values("strides")]
    if bad:
        case.book.find(
            "stride", f"{where} has the stride {bad[0]}; legal are {d.values('strides')}"
        )


def _channels(piece: Slice) -> int:
    return piece.box[0][1] - piece.box[0][0]


def _whole_maps(case: Case, population: Population, piece: Slice) -> None:
    """Parts cut channels only: a spatial cut would tear receptive fields apart."""
    edges = zip(piece.box[1:], population.shape[1:], strict=False)
    if len(piece.box) != len(population.shape) or any(edge != (0, n) for edge, n in edges):
        case.book.find(
            "spatial-split",
            f"{shown(population.name)} on core {piece.core} holds a part of its maps; only channels "
            "can be split",
        )


def lg(n: int) -> int:
    """ceil(log2(n)) for n >= 1."""
    return (n - 1).bit_length()


def _demand(population: Population, kernel: Array, width: int) -> dict[str, int]:
    """What a part of `width` channels takes; the last part is as wide as the others."""
    _, height, across = population.map
    inputs, ky, kx = kernel.shape[1:]
    return {
        "kernel_words": inputs * 2 ** (lg(ky * kx) + lg(width)),
        "neuron_words": width * 2 ** (lg(height) + lg(across)),
        "bias_words": width if population.bias != "none" else 0,
        "features": width,
        "input_features": inputs,
    }


def speck_weights(
    case: Case, projection: Projection, population: Population, scale: Floats
) -> Iterator[Stored]:
    """w / scale, the input channels that the population's table has for this source."""
    kernel = array_of(case, population.params.get("kernel"))
    table: Any = population.params.get("inputs")
    if kernel is None or not isinstance(table, list):
        return
    pool = (projection.pool or (1, 1))[0]
    for entry in table:
        if entry["source"] == projection.source and entry["pool"] == pool:
            at, count = entry["offset"], entry["channels"]
            part = kernel[:, at : at + count]
            yield in_units(population, scale, part, np.ones(scale.shape))
