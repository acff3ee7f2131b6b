"""SpiNNaker2 through py-spinnaker2: fields of the lif models, and the SRAM of a PE.

    bytes = up16(12 + r R) + up16(8) + up16(40) + up16(8)     routing, timer, globals, info
          + up16(12 P) + up16(sum over sources of 12 + 2 k, padded to words)
          + recorded spikes
    convolution: kernel bytes + 12 a neuron + 12 a source slice in place of the rows

Facts: nest/nestml pull request 1255 and the copy of py-spinnaker2's s2_nir, as cited in
the profile. P counts sources with a synapse on the slice, k their synapses there.
"""

from __future__ import annotations

from math import ceil, inf, prod

import numpy as np

from mapper.verify.arrays import Array
from mapper.verify.case import Case, conv, indices, matrix, pooled, scale_findings
from mapper.verify.manifest import Population, Projection, Slice
from mapper.verify.placement import held, is_grid
from mapper.verify.report import shown
from mapper.verify.timing import is_delayed

SYNAPTIC = ("lif_curr_exp", "lif_curr_exp_no_delay")
DELAYING = ("lif", "lif_curr_exp")
NEURONS = ("lif_no_delay", "lif_curr_exp_no_delay", "lif", "lif_curr_exp", "lif_conv2d")
SMALLEST = 2.0**-126  # a positive float32 that is not denormal


def check_spinnaker2(case: Case) -> None:
    """Every population, projection and PE."""
    for population in case.manifest.populations.values():
        _neurons(case, population)
        into = case.into[population.name]
        forms = {p.form == "conv" for p in into if not case.manifest.is_bias(p)}
        if len(forms) > 1:
            case.book.find(
                "mixed-forms",
                f"population {shown(population.name)} is fed by convolutions and by others; a "
                "program on a PE takes one kind",
            )
            continue
        _slices(case, population, True in forms)
        weights = [(p, _weights(case, population, p, True in forms)) for p in into]
        found = [(p, array) for p, array in weights if array is not None]
        if len(found) < len(weights):
            continue
        for piece in case.parts[population.name]:
            _charge(case, population, piece, found, True in forms)
    _inputs(case)


def _neurons(case: Case, population: Population) -> None:
    """Float parameters are finite and decay; the model is one of the vendor's."""
    params, n, model = case.of_population(population), population.size, population.device_model
    if model not in NEURONS or model not in case.device.words("vendor_models"):
        case.book.find(
            "device-model", f"{params.where} runs as {shown(model)}; there are {', '.join(NEURONS)}"
        )
    if population.kind not in case.device.words("neuron_models"):
        case.book.find(
            "neuron-model",
            f"{params.where} is a {shown(population.kind)}; py-spinnaker2 runs "
            f"{', '.join(case.device.words('neuron_models'))}",
        )
    threshold = params.floats("threshold", n, SMALLEST, inf, "threshold-range")
    params.floats("alpha_decay", n, 0.0, 1.0, "decay-range")
    for key in ("i_offset", "v_reset", "v_init"):
        params.floats(key, n, -inf, inf, "state-range")
    if model in SYNAPTIC:
        for key in ("exc_decay", "inh_decay"):
            params.floats(key, n, 0.0, 1.0, "decay-range")
    largest = 1.0 if threshold is None else max(1.0, float(np.max(threshold)))
    scale_findings(case, population, threshold, largest * 2.0**-20)


def _weights(
    case: Case, population: Population, projection: Projection, by_conv: bool
) -> Array | None:
    """Weights within the synaptic word, delays only where the program has them."""
    d, name = case.device, f"projection {shown(projection.id)}"
    slow = population.device_model in DELAYING and not by_conv
    if is_delayed(projection, case.store) and not slow:
        case.book.find(
            "delay-range",
            f"{name} delays into {shown(population.device_model)}, which takes "
            f"{d.limit('delay_max_no_delay')} steps",
        )
    if projection.form == "conv":
        return _kernel(case, population, projection)
    most = d.limit("weight_magnitude_delay" if slow else "weight_magnitude")
    found = matrix(case, projection, "weight", -most, most)
    if found is not None and case.manifest.is_bias(projection) and found.shape[1] != 1:
        case.book.find("bias-source", f"{name} has {found.shape[1]} columns; one source fires")
    return found


def _kernel(case: Case, population: Population, projection: Projection) -> Array | None:
    d, params = case.device, case.of_projection(projection)
    if population.kind not in d.words("conv_neuron_models"):
        case.book.find(
            "neuron-model",
            f"{params.where} is a convolution onto a {shown(population.kind)}; lif_conv2d runs "
            f"{', '.join(d.words('conv_neuron_models'))}",
        )
    found = conv(case, params, population, d.limit("kernel_min"), d.limit("kernel_max"))
    if found is None:
        return None
    pool = projection.pool or (1, 1)
    source = pooled(case.source_shape(projection), pool)
    if found.input_shape != source:
        case.book.find(
            "conv-shape",
            f"{params.where} reads a map of {found.input_shape}; {shown(projection.source)} gives "
            f"{source}",
        )
    if found.stride[0] != found.stride[1] or pool[0] != pool[1]:
        case.book.find(
            "stride",
            f"{params.where} has stride {found.stride} and pooling {pool}; they must be equal in y "
            "and x",
        )
    if params.raw.get("dilation", [1, 1]) != [1, 1]:
        case.book.find("dilation", f"{params.where} is dilated; lif_conv2d has no dilation")
    return found.kernel


def _slices(case: Case, population: Population, by_conv: bool) -> None:
    """Slices are the SDK's own cut: equal, the last one smaller, whole channels of maps."""
    pieces = sorted(case.parts[population.name], key=lambda piece: piece.box)
    sizes = [held(population, piece.box)["neurons"] for piece in pieces]
    if (
        case.device.switch("uniform_slices")
        and sizes
        and (set(sizes[:-1]) - {sizes[0]} or sizes[-1] > sizes[0])
    ):
        case.book.find(
            "uniform-slices",
            f"population {shown(population.name)} is cut into slices of {min(sizes)} to "
            f"{max(sizes)} neurons; the SDK cuts equal ones, the last one smaller",
        )
    per_channel = population.map[1] * population.map[2]
    halves = [piece for piece in pieces if _cuts_channels(population, piece, per_channel)]
    if by_conv and halves and case.device.switch("conv_whole_channels"):
        case.book.find(
            "whole-channels",
            f"{len(halves)} of {len(pieces)} slices of {shown(population.name)} cut a channel of "
            f"{per_channel} neurons; slices of a convolution hold whole ones",
        )


def _cuts_channels(population: Population, piece: Slice, per_channel: int) -> bool:
    if is_grid(population, piece.box):
        rest = zip(piece.box[1:], population.shape[1:], strict=True)
        return any(edge != (0, n) for edge, n in rest)
    return any(edge % per_channel for edge in next(iter(piece.box)))


def _charge(
    case: Case,
    population: Population,
    piece: Slice,
    weights: list[tuple[Projection, Array]],
    by_conv: bool,
) -> None:
    used = _fixed(case, population)
    if by_conv:
        used += _conv_bytes(case, population, piece, weights)
        bias = [(p, w) for p, w in weights if p.form != "conv"]
        used += _rows(case, population, piece, bias) if bias else 0
    else:
        used += _rows(case, population, piece, weights)
    case.charge(piece, "bytes", "sram", "sram_window", used, "bytes")
    neurons = held(population, piece.box)["neurons"]
    if by_conv:
        case.charge(piece, "atoms_conv", "atoms-conv", "atoms_per_pe_conv", neurons, "neurons")
    else:
        case.charge(piece, "atoms", "atoms", "atoms_per_pe", neurons, "neurons")


def up(size: int, to: int) -> int:
    """`size` rounded up to a multiple of `to`."""
    return -(-size // to) * to


def _fixed(case: Case, population: Population) -> int:
    """Regions that do not depend on synapses. A routing entry for each PE or quad at most."""
    d = case.device
    readers = {p.target for p in case.manifest.projections if p.source == population.name}
    targets = sum(len(case.parts.get(name, ())) for name in readers)
    many = case.manifest.chips > 1
    entry = d.limit("routing_entry_bytes_multichip" if many else "routing_entry_bytes")
    quads = d.limit("quads_per_chip") * case.manifest.chips
    regions = (
        d.limit("routing_fixed_bytes") + entry * min(targets, quads),
        d.limit("timer_bytes"),
        d.limit("global_parameter_bytes"),
        d.limit("table_info_bytes"),
    )
    steps = case.manifest.semantics["steps"] or 0
    recorded = d.limit("spike_record_bytes") * steps if case.leaves(population.name) else 0
    return sum(up(region, d.limit("region_alignment")) for region in regions) + recorded


def _rows(
    case: Case, population: Population, piece: Slice, weights: list[tuple[Projection, Array]]
) -> int:
    """Population table and rows, a region each: one entry and one row for each source neuron."""
    d, mine = case.device, indices(population, piece)
    by_source: dict[str, Array] = {}
    for projection, array in weights:
        targets = np.count_nonzero(array[mine], axis=0)
        before = by_source.get(projection.source)
        by_source[projection.source] = targets if before is None else before + targets
    entries, rows, align = 0, 0, d.limit("region_alignment")
    for targets in by_source.values():
        k = targets[targets > 0].astype(np.int64)
        pad = d.limit("row_alignment")
        synapses = -(-k * d.limit("synapse_bytes") // pad) * pad
        entries += k.size
        rows += int(np.sum(synapses + d.limit("row_header_bytes")))
    return up(d.limit("table_entry_bytes") * entries, align) + up(rows, align)


def _conv_bytes(
    case: Case, population: Population, piece: Slice, weights: list[tuple[Projection, Array]]
) -> int:
    """Kernels of the slice's channels, state of its neurons, an entry for a source slice."""
    d, size = case.device, held(population, piece.box)
    total = d.limit("conv_bytes_per_neuron") * size["neurons"]
    for projection, kernel in weights:
        if projection.form == "conv":
            taps = int(np.prod(kernel.shape[1:])) * d.limit("kernel_weight_bytes")
            total += taps * size["channels"]
            total += d.limit("conv_table_entry_bytes") * _source_slices(case, projection)
    return total


def _source_slices(case: Case, projection: Projection) -> int:
    """PEs that a projection comes from: slices, or spike sources of an input."""
    if case.from_input(projection):
        each = case.device.limit("spike_list_atoms")
        return ceil(prod(case.source_shape(projection)) / each)
    return len(case.parts.get(projection.source, ()))


def _inputs(case: Case) -> None:
    """The spike sources of the inputs take PEs too, whether the bundle lists them or not."""
    d, manifest = case.device, case.manifest
    each = d.limit("spike_list_atoms")
    needed = sum(ceil(prod(port.shape) / each) for port in manifest.inputs)
    listed = sum(helper.role == "input source" for helper in manifest.helpers)
    used = len({(s.chip, s.core) for s in (*manifest.slices, *manifest.helpers)})
    total = used + max(0, needed - listed)
    most = d.limit("pes_per_chip") * manifest.chips
    if total > most:
        case.book.find(
            "cores",
            f"slices, helpers and {needed} spike sources of the input take {total} PEs; there are "
            f"{most}",
        )
