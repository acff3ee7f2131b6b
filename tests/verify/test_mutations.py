"""Sound bundles are accepted; each with one thing spoilt is refused, by the right fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapper.verify import verify
from tests.verify import manycore, pooled
from tests.verify.draft import Draft, add_helper, packed

Build = Callable[[], Draft]
Spoil = Callable[[Draft], object]
MADE: dict[Build, Draft] = {}

BUNDLES: tuple[Build, ...] = (
    manycore.loihi2_recurrent,
    manycore.loihi2_conv,
    manycore.loihi2_soft,
    manycore.spinnaker2_recurrent,
    manycore.spinnaker2_conv,
    manycore.spinnaker2_delays,
    pooled.xylo_recurrent,
    pooled.xylo_windows,
    pooled.xylo_relay,
    pooled.speck_chain,
    pooled.speck_split,
    pooled.speck_relay,
    pooled.speck_copies,
)
LOIHI, CONV, SOFT, S2, S2CONV, S2DELAY, XYLO, WINDOWS, RELAYED, CHAIN, SPLIT, RELAY, COPIES = (
    BUNDLES
)


def made(build: Build) -> Draft:
    """A fresh copy of a sound bundle."""
    if build not in MADE:
        MADE[build] = build()
    return MADE[build].copied()


def manifest(*path: Any, to: Any) -> Spoil:
    """Set a place in the manifest."""

    def spoil(draft: Draft) -> None:
        place: Any = draft.manifest
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return spoil


def rested(rest: list[int], more: list[int]) -> Spoil:
    """Neurons of 'hid' that rest above 0, their thresholds raised by `more`."""

    def spoil(draft: Draft) -> None:
        params = draft.population("hid")["params"]
        params["rest"] = draft.ref(rest, "int16")
        raised = draft.arrays[params["threshold"]] + np.array(more)
        params["threshold"] = draft.ref(raised, "int16")

    return spoil


def population(name: str, key: str, to: Any) -> Spoil:
    """Set a field of a population."""
    return lambda draft: draft.population(name).update({key: to})


def projection(name: str, key: str, to: Any) -> Spoil:
    """Set a field of a projection."""
    return lambda draft: draft.projection(name).update({key: to})


def param(name: str, key: str, to: Any) -> Spoil:
    """Set a param of a population or projection."""

    def spoil(draft: Draft) -> None:
        row = draft.projection(name) if ">" in name or ":" in name else draft.population(name)
        row["params"][key] = to

    return spoil


def entry(name: str, key: str, index: Any, to: float) -> Spoil:
    """Set one entry of the array of a param."""

    def spoil(draft: Draft) -> None:
        row = draft.projection(name) if ">" in name or ":" in name else draft.population(name)
        draft.poke(row, key, index, to)

    return spoil


def piece(name: str, index: int, key: str, to: Any) -> Spoil:
    """Set a field of a slice."""
    return lambda draft: draft.slices(name)[index].update({key: to})


def demand(name: str, resource: str) -> Spoil:
    """State one less than a slice uses."""

    def spoil(draft: Draft) -> None:
        draft.slices(name)[0]["demand"][resource] -= 1

    return spoil


def link(source: int, target: int, /, **fields: int) -> Spoil:
    """Change the link between two cores."""

    def spoil(draft: Draft) -> None:
        found = draft.manifest["links"]
        next(k for k in found if (k["source"], k["target"]) == (source, target)).update(fields)

    return spoil


def unlink(source: int, target: int) -> Spoil:
    """Remove the link between two cores."""

    def spoil(draft: Draft) -> None:
        found = draft.manifest["links"]
        found.remove(next(k for k in found if (k["source"], k["target"]) == (source, target)))

    return spoil


def more_links(*rows: tuple[int, int, int, int, int]) -> Spoil:
    """Add links (source, port, target, shift, pool)."""
    names = ("source", "port", "target", "shift", "pool")
    return lambda draft: draft.manifest["links"].extend(
        dict(zip(names, row, strict=True)) for row in rows
    )


def resized(name: str, key: str, shape: tuple[int, ...], value: int = 1) -> Spoil:
    """Put an array of another shape, filled with a value, for a param."""

    def spoil(draft: Draft) -> None:
        row = draft.projection(name) if ">" in name or ":" in name else draft.population(name)
        ref = row["params"][key]
        draft.put(ref, np.full(shape, value, draft.arrays[ref].dtype))

    return spoil


def as_type(name: str, key: str, kind: str) -> Spoil:
    """Store the array of a param in another dtype."""

    def spoil(draft: Draft) -> None:
        row = draft.projection(name) if ">" in name or ":" in name else draft.population(name)
        ref = row["params"][key]
        draft.put(ref, draft.arrays[ref].astype(kind))

    return spoil


def both(*spoils: Spoil) -> Spoil:
    """One fault that takes several edits."""

    def spoil(draft: Draft) -> None:
        for each in spoils:
            each(draft)

    return spoil


def swap_core(draft: Draft) -> None:
    """Two slices on one core."""
    draft.slices("out")[0]["core"] = draft.slices("hid")[0]["core"]
    draft.manifest["result"]["cores"] = draft.cores()


def swap_hidden_ids(draft: Draft) -> None:
    """Neurons that take input trade ids with neurons that drive outputs."""
    a, c = draft.population("a"), draft.population("c")
    a["params"]["hidden_ids"], c["params"]["hidden_ids"] = (
        c["params"]["hidden_ids"],
        a["params"]["hidden_ids"],
    )


def wide_hidden(draft: Draft) -> None:
    """Middle ids before the drivers' make those that take input too many for the window."""
    ids = draft.arrays[draft.population("a")["params"]["hidden_ids"]]
    other = draft.arrays[draft.population("b")["params"]["hidden_ids"]]
    taken, freed = ids.copy(), other.copy()
    taken[0], freed[-1] = freed[-1], taken[0]
    draft.put(draft.population("a")["params"]["hidden_ids"], taken)
    draft.put(draft.population("b")["params"]["hidden_ids"], freed)


def dense_recurrence(draft: Draft) -> None:
    """More recurrent pairs than the chip stores: 60 x 100, 100 x 60, and 3 of 100 x 100."""
    for source, target in (("a", "a"), ("c", "c"), ("a", "c")):
        row = dict(draft.projection("a->b"))
        weight = draft.ref(np.ones((100, 100)), "int8")
        row |= {"id": f"{source}->{target}", "source": source, "target": target}
        draft.manifest["projections"].append(row | {"params": {"weight": weight}})
    draft.population("c")["latency"] = 1  # a->c takes one step


def add_array(draft: Draft) -> None:
    """An array that nothing names."""
    draft.ref([1, 2, 3], "int8")


def pickled(draft: Draft) -> None:
    """An array of objects in the archive."""
    ref = draft.population("hid")["params"]["du"]
    draft.extra["arrays.npz"] = packed({**draft.arrays, ref: np.array([{}, {}, {}, {}])})


def deflated(draft: Draft) -> None:
    """A compressed archive."""
    draft.extra["arrays.npz"] = packed(draft.arrays, method=8)


def without(ref: str) -> Spoil:
    """Leave an array out of the archive."""

    def spoil(draft: Draft) -> None:
        draft.extra["arrays.npz"] = packed({k: v for k, v in draft.arrays.items() if k != ref})

    return spoil


def grown(n: int) -> Spoil:
    """Make the map of Speck's first layer a number of pixels a side, and what follows from it."""

    def spoil(draft: Draft) -> None:
        draft.manifest["inputs"][0]["shape"] = [2, n, n]
        row = draft.population("c1")
        row["shape"] = [4, n, n]
        row["params"]["input_shape"] = [2, n, n]
        for cut in draft.slices("c1"):
            cut["box"] = [[0, 4], [0, n], [0, n]]

    return spoil


def fill(draft: Draft) -> None:
    """1024 input channels of 16 x 16 taps and 5 outputs: 2^(10 + 8 + 3) kernel words."""
    draft.population("c2")["shape"] = [1024, 16, 16]
    draft.put(draft.population("out")["params"]["kernel"], np.ones((5, 1024, 16, 16), np.int8))
    draft.population("out")["params"]["input_shape"] = [1024, 16, 16]
    draft.slices("out")[0]["demand"]["kernel_words"] = 2**21


def widen(draft: Draft) -> None:
    """5 channels of 64 x 64 on a core for 16 Ki neurons."""
    grown(64)(draft)
    row = draft.population("c1")
    row["shape"] = [5, 64, 64]
    draft.put(row["params"]["kernel"], np.ones((5, 2, 3, 3), np.int8))
    for key in ("bias", "v_init"):
        draft.put(row["params"][key], np.zeros(5, np.int16))
    cut = draft.slices("c1")[0]
    cut["box"][0], cut["core"], cut["demand"]["neuron_words"] = [0, 5], 7, 5 * 64 * 64


def beside(draft: Draft) -> None:
    """A dense projection into a population that a convolution feeds too."""
    weight = draft.ref(np.ones((32, 128)), "int8")
    row = {**draft.projection("c1->c2"), "id": "again", "form": "dense", "pool": None}
    draft.manifest["projections"].append(row | {"params": {"weight": weight}})


CATALOGUE: tuple[tuple[str, Build, Spoil, str], ...] = (
    # the manifest and the arrays
    ("schema of the future", LOIHI, manifest("schema", to="nirmap-bundle-3"), "schema"),
    ("schema of the past", LOIHI, manifest("schema", to="nirmap-bundle-1"), "schema"),
    ("a behaviour that nobody checks", LOIHI, manifest("behaviour", to="same rule"), "schema"),
    ("a reset timing of no kind", LOIHI, manifest("semantics", "reset_timing", to="next"), "schema"),
    ("a number as text", LOIHI, manifest("device", "chips", to="1"), "schema"),
    ("a truth as number", LOIHI, manifest("result", "cores", to=True), "schema"),
    ("no latency", LOIHI, lambda d: d.population("hid").pop("latency"), "schema"),
    ("an unknown form", LOIHI, projection("in->hid", "form", "magic"), "schema"),
    ("an unknown device", LOIHI, manifest("device", "name", to="loihi3"), "device-unknown"),
    ("a path as device", LOIHI, manifest("device", "name", to="../chips/loihi2"), "device-unknown"),
    ("another family", LOIHI, manifest("device", "family", to="xylo"), "device-unknown"),
    ("another profile", LOIHI, manifest("device", "profile", to="0" * 64), "profile-hash"),
    ("an array too many", LOIHI, add_array, "array-unused"),
    ("an array of objects", LOIHI, pickled, "arrays-unreadable"),
    ("a deflated archive", LOIHI, deflated, "arrays-unreadable"),
    ("an array too few", LOIHI, without("a003"), "array-missing"),
    ("an undeclared array", LOIHI, lambda d: d.manifest["arrays"].pop("a003"), "array-foreign"),
    ("another shape", LOIHI, lambda d: d.manifest["arrays"]["a000"].update(shape=[5]), "array-shape"),
    ("another dtype", LOIHI, lambda d: d.manifest["arrays"]["a000"].update(dtype="int8"), "array-type"),
    ("rms above max", LOIHI, manifest("arrays", "a000", "error", to={"max": 1, "rms": 2, "clipped": 0}), "array-error"),
    ("negative error", LOIHI, manifest("arrays", "a000", "error", to={"max": -1, "rms": -2, "clipped": 0}), "array-error"),
    ("a ref to nowhere", LOIHI, param("hid", "du", "a999"), "array-missing"),
    ("floats for integers", LOIHI, as_type("hid", "du", "float32"), "array-type"),
    ("a weight matrix turned", LOIHI, resized("in->hid", "weight", (3, 4), 2), "array-shape"),
    # placement
    ("a neuron left out", LOIHI, piece("hid", 0, "box", [[0, 1]]), "partition"),
    ("a neuron twice", LOIHI, piece("hid", 1, "box", [[1, 4]]), "partition"),
    ("a box beyond the shape", LOIHI, piece("hid", 1, "box", [[2, 5]]), "partition"),
    ("a tile missing", CONV, lambda d: d.manifest["slices"].pop(0), "partition"),
    ("tiles that overlap and leave a gap", CONV, piece("c1", 1, "box", [[0, 2], [0, 4], [1, 3]]), "partition"),
    ("slices of nothing", LOIHI, piece("hid", 0, "population", "ghost"), "partition"),
    ("a core that is not there", LOIHI, piece("hid", 0, "core", 120), "core-unknown"),
    ("the system core", S2, piece("hid", 0, "core", 0), "core-unknown"),
    ("a chip too many", LOIHI, piece("hid", 0, "chip", 1), "core-unknown"),
    ("two slices a core", LOIHI, swap_core, "core-shared"),
    ("a slice on a helper's core", LOIHI, piece("hid", 0, "core", 2), "core-shared"),
    ("no bias source", LOIHI, lambda d: d.manifest["helpers"].clear(), "helper"),
    ("a relay on Loihi", LOIHI, lambda d: d.manifest["helpers"][0].update(role="relay"), "helper"),
    ("a source for a ghost", LOIHI, lambda d: d.manifest["helpers"][0].update(population="x"), "helper"),
    ("a bias without its source", LOIHI, population("hid", "bias", "neuron"), "bias-source"),
    ("cores miscounted", LOIHI, manifest("result", "cores", to=3), "result"),
    ("a bound above the value", LOIHI, manifest("result", "objectives", 0, "bound", to=4), "result"),
    ("proven without proof", LOIHI, manifest("result", "objectives", 0, "bound", to=2), "result"),
    ("binding on Loihi", LOIHI, manifest("result", "placement", to="binding"), "result"),
    ("advisory on Speck", CHAIN, manifest("result", "placement", to="advisory"), "result"),
    ("neurons miscounted", LOIHI, manifest("model", "neurons", to=7), "result"),
    ("chips at odds", LOIHI, manifest("settings", "chips", to=2), "cores"),
    ("more chips than a board has", CHAIN, both(manifest("settings", "chips", to=2), manifest("device", "chips", to=2)), "cores"),
    ("a copy on Loihi", LOIHI, population("hid", "copies", 2), "copies"),
    ("a copy without slices", COPIES, population("src", "copies", 3), "copies"),
    # latency and contract
    ("a latency too many", LOIHI, both(population("out", "latency", 3), manifest("outputs", 0, "latency", to=3), manifest("outputs", 1, "latency", to=3)), "latency"),
    ("a delay that does not balance", CONV, projection("c1->out", "delay", 2), "latency"),
    ("no delay to balance", CONV, projection("c1->out", "delay", 0), "latency"),
    ("balance beyond the delay", S2DELAY, projection("in->b", "extra_delay", 2), "latency"),
    ("a recurrent step counted twice", LOIHI, projection("hid->hid", "delay", 1), "latency"),
    ("an output too early", LOIHI, manifest("outputs", 0, "latency", to=1), "output-latency"),
    ("a relay that takes no time", RELAYED, manifest("outputs", 0, "latency", to=0), "output-latency"),
    ("a host output too early", LOIHI, manifest("outputs", 1, "latency", to=0), "output-latency"),
    ("an output of nothing", LOIHI, manifest("outputs", 0, "population", to="ghost"), "output"),
    ("an output of another size", LOIHI, manifest("outputs", 0, "shape", to=[3]), "output"),
    ("a projection from nowhere", LOIHI, projection("in->hid", "source", "ghost"), "schema"),
    ("an input misplaced", LOIHI, manifest("inputs", 0, "offset", to=1), "contract"),
    ("another input kind", LOIHI, manifest("contract", "input_kind", to="real"), "contract"),
    ("another count", LOIHI, manifest("contract", "max_count", to=2), "contract"),
    ("too many events", LOIHI, both(manifest("contract", "max_count", to=2), manifest("contract", "input_kind", to="counts:2"), manifest("semantics", "input_kind", to="counts:2")), "input-events"),
    ("too many events on Xylo", XYLO, both(manifest("contract", "max_count", to=16), manifest("contract", "input_kind", to="counts:16"), manifest("semantics", "input_kind", to="counts:16")), "input-events"),
    ("a reset that the chip lacks", WINDOWS, manifest("contract", "reset_between_samples", to="state"), "contract"),
    ("a read-out of no kind", LOIHI, manifest("contract", "decode", to="guess"), "schema"),
    ("semantics of no kind", LOIHI, manifest("semantics", "comparison", to="=="), "schema"),
    ("a time step of 0", LOIHI, manifest("semantics", "file_dt", to=0), "schema"),
    ("a host stage of nothing", LOIHI, manifest("host", 0, "paths", 0, "source", to="ghost"), "output"),
    ("a host stage without a path", LOIHI, manifest("host", 0, "paths", to=[]), "schema"),
    ("a host stage of another output", LOIHI, manifest("host", 0, "output", to="y"), "host"),
    ("a host output without its stage", LOIHI, lambda d: d.manifest["host"].clear(), "host"),
    ("a host output of a population", LOIHI, manifest("outputs", 1, "population", to="out"), "output"),
    ("an output of no population", LOIHI, manifest("outputs", 0, "population", to=None), "output"),
    ("two bias sources", S2, lambda d: add_helper(d, "bias source", "hid", 9), "helper"),
    ("a bias source that nobody needs", S2, lambda d: d.manifest["helpers"][0].update(population="out"), "helper"),
    ("a role on Loihi", LOIHI, population("hid", "role", "hidden"), "role"),
    # Loihi 2
    ("an odd weight", LOIHI, entry("in->hid", "weight", (0, 0), 7), "weight-step"),
    ("too few bits for the weight", LOIHI, param("in->hid", "bits", 6), "weight-step"),
    ("7 bits", LOIHI, param("in->hid", "bits", 7), "weight-bits"),
    ("a weight of 256", LOIHI, entry("in->hid", "weight", (0, 0), 256), "weight-range"),
    ("a weight of -258", LOIHI, entry("in->hid", "weight", (0, 0), -258), "weight-range"),
    ("an excitatory block", LOIHI, param("in->hid", "sign_mode", "EXCITATORY"), "sign-mode"),
    ("an exponent of 8", LOIHI, param("in->hid", "exponent", 8), "exponent-range"),
    ("a negative exponent", LOIHI, param("in->hid", "exponent", -1), "exponent-range"),
    ("du of 4096", LOIHI, entry("hid", "du", 0, 4096), "decay-range"),
    ("dv of -1", LOIHI, entry("hid", "dv", 0, -1), "decay-range"),
    ("a threshold of 17 bits and one", LOIHI, both(param("hid", "vth_mant", 131072), population("hid", "scale", 131072 * 64)), "threshold-range"),
    ("a bias of 13 bits and one", LOIHI, entry("hid", "bias_mant", 0, 4096), "bias-range"),
    ("a bias exponent of 8", LOIHI, param("hid", "bias_exp", 8), "exponent-range"),
    ("a first membrane of 25 bits", LOIHI, entry("hid", "v_init", 0, 2**23), "state-range"),
    ("a current that wraps", LOIHI, both(param("hid", "du", 0), entry("in->hid", "weight", (0, 0), 254), param("in->hid", "exponent", 3)), "overflow"),
    ("LIF that subtracts", LOIHI, population("hid", "reset", "subtract"), "reset"),
    ("a process of no kind", LOIHI, population("hid", "device_model", "Sigma"), "device-model"),
    ("a scale of half the threshold", LOIHI, population("hid", "scale", 32768), "scale"),
    ("a scale of 0", SOFT, population("hid", "scale", 0), "scale"),
    ("a delay of 64", SOFT, lambda d: d.put(d.projection("in->hid")["delay"], np.array([0, 64], np.int16)), "delay-range"),
    ("delays of another length", SOFT, lambda d: d.put(d.projection("in->hid")["delay"], np.array([0, 3, 1], np.int16)), "array-shape"),
    ("a kernel that gives another map", CONV, param("c1->c2", "stride", [1, 1]), "conv-shape"),
    ("a kernel over another map", CONV, param("in->c1", "input_shape", [1, 2, 8]), "conv-shape"),
    ("uneven padding", CONV, param("c1->c2", "padding", [1, 0, 1, 0]), "symmetric-padding"),
    ("a convolution that delays", CONV, both(projection("c1->c2", "delay", 1), projection("c1->c2", "extra_delay", 0)), "delay-range"),
    ("a convolution that pools", CONV, projection("c1->c2", "pool", [2, 2]), "conv-shape"),
    ("columns not aligned", CONV, both(piece("c1", 0, "box", [[0, 2], [0, 4], [0, 1]]), piece("c1", 1, "box", [[0, 2], [0, 4], [1, 4]])), "tile-width"),
    ("a bias of two columns", LOIHI, resized("bias:hid->hid", "weight", (4, 2), 2), "bias-source"),
    *(
        (f"{key} understated", CONV, demand("out", key), "demand")
        for key in ("axon_in", "groups", "neurons", "synapse_words", "axon_map", "units")
    ),
    ("axon memory understated", CONV, demand("c1", "axon_mem"), "demand"),
    ("a demand beyond the core", CONV, lambda d: d.slices("c1")[0]["demand"].update(units=20001), "demand"),
    ("a demand left out", CONV, lambda d: d.slices("c1")[0]["demand"].pop("axon_mem"), "demand"),
    # SpiNNaker2
    ("a weight of 128", S2, both(as_type("in->hid", "weight", "int16"), entry("in->hid", "weight", (0, 0), 128)), "weight-range"),
    ("a weight of -128", S2, entry("in->hid", "weight", (0, 0), -128), "weight-range"),
    ("a 5-bit weight with delays", S2DELAY, entry("in->b", "weight", (0, 0), 16), "weight-range"),
    ("a delay without the program for it", S2DELAY, population("b", "device_model", "lif_no_delay"), "delay-range"),
    ("a delay of 8", S2DELAY, lambda d: d.put(d.projection("in->b")["delay"], np.array([1, 8], np.int16)), "delay-range"),
    ("a decay above 1", S2, entry("hid", "alpha_decay", 0, 1.5), "decay-range"),
    ("no synaptic decay", S2, lambda d: d.population("hid")["params"].pop("exc_decay"), "schema"),
    ("a threshold of 0", S2, entry("hid", "threshold", 0, 0.0), "threshold-range"),
    ("a bias that is not a number", S2, entry("hid", "i_offset", 0, np.nan), "state-range"),
    ("parameters in float64", S2, as_type("hid", "i_offset", "float64"), "array-type"),
    ("a program of no kind", S2, population("hid", "device_model", "lif_magic"), "device-model"),
    ("a read-out neuron", S2, population("hid", "kind", "CubaLI"), "neuron-model"),
    ("CubaLIF behind a convolution", S2CONV, population("c1", "kind", "CubaLIF"), "neuron-model"),
    ("bytes understated", S2, demand("hid", "bytes"), "demand"),
    ("recorded spikes understated", S2DELAY, manifest("semantics", "steps", to=101), "demand"),
    ("too many recorded steps", S2DELAY, both(manifest("semantics", "steps", to=2000), piece("b", 0, "demand", {"atoms": 2, "bytes": 99999})), "sram"),
    ("atoms understated", S2, demand("hid", "atoms"), "demand"),
    ("unequal slices", S2, both(piece("hid", 0, "box", [[0, 1]]), piece("hid", 1, "box", [[1, 4]]), piece("hid", 1, "demand", {"atoms": 3, "bytes": 999})), "uniform-slices"),
    ("half channels", S2CONV, both(piece("c2", 0, "box", [[0, 2], [0, 2], [0, 4]]), piece("c2", 1, "box", [[0, 2], [2, 4], [0, 4]])), "whole-channels"),
    ("unequal strides", S2CONV, param("c1->c2", "stride", [1, 2]), "conv-shape"),
    ("unequal pooling", S2CONV, projection("c1->c2", "pool", [2, 1]), "stride"),
    ("dilation", S2CONV, param("c1->c2", "dilation", [2, 2]), "dilation"),
    ("a dense projection beside a convolution", S2CONV, beside, "mixed-forms"),
    ("more PEs than there are", S2CONV, both(manifest("inputs", 0, "shape", to=[2, 90, 90]), lambda d: d.manifest["helpers"].clear()), "cores"),
    # Xylo
    ("a hidden id twice", XYLO, entry("hid", "hidden_ids", 0, 1), "hidden-ids"),
    ("a hidden id too high", XYLO, entry("hid", "hidden_ids", 0, 3), "hidden-ids"),
    ("an output id twice", XYLO, entry("out", "output_ids", 0, 1), "output-ids"),
    ("receivers outside the input window", WINDOWS, swap_hidden_ids, "input-window"),
    ("drivers outside the output window", WINDOWS, swap_hidden_ids, "output-window"),
    ("one receiver outside the input window", WINDOWS, wide_hidden, "input-window"),
    ("a second synapse on IMU", RELAYED, lambda d: d.projection("in->hid")["params"].update(weight_2=d.projection("in->hid")["params"]["weight"]), "second-synapse"),
    ("a second synapse of an output", XYLO, lambda d: d.projection("hid->out")["params"].update(weight_2=d.projection("hid->out")["params"]["weight"]), "second-synapse"),
    ("a weight of 9 bits", XYLO, both(as_type("in->hid", "weight", "int16"), entry("in->hid", "weight", (0, 0), 128)), "weight-range"),
    ("a deaf neuron", XYLO, entry("hid", "dash_syn", 0, 0), "dash-range"),
    ("a dash of 16", XYLO, entry("hid", "dash_mem", 0, 16), "dash-range"),
    ("a threshold of 0 on Xylo", XYLO, entry("hid", "threshold", 0, 0), "threshold-range"),
    ("a bias of 9 bits", XYLO, entry("hid", "bias", 0, 128), "bias-range"),
    ("a shift of 8", XYLO, manifest("pools", "weight_shift_in", to=8), "shift-range"),
    ("a shift of 0 on IMU", RELAYED, manifest("pools", "weight_shift_in", to=0), "shift-range"),
    ("an output that projects", XYLO, projection("hid->hid", "source", "out"), "role"),
    ("an output that hears the input", XYLO, projection("hid->out", "source", "in"), "role"),
    ("hidden neurons read outside", XYLO, manifest("outputs", 0, to={"name": "y", "shape": [3], "population": "hid", "latency": 0, "read": "spikes"}), "role"),
    ("a relay that fires twice", RELAYED, lambda d: d.population("hid")["params"]["relay"].update(threshold=32), "relay"),
    ("a relay that never fires", RELAYED, lambda d: d.population("hid")["params"]["relay"].update(threshold=65), "relay"),
    ("a pool miscounted", XYLO, manifest("pools", "hidden", to=4), "pools"),
    ("channels miscounted", XYLO, manifest("pools", "channels", to=3), "pools"),
    ("a constant channel taken", RELAYED, lambda d: d.manifest["contract"]["constant_inputs"][0].update(channel=1), "constant-input"),
    ("16 constant events", RELAYED, lambda d: d.manifest["contract"]["constant_inputs"][0].update(count=16), "constant-input"),
    ("a constant for no bias", RELAYED, lambda d: d.manifest["contract"]["constant_inputs"][0].update(population="h2"), "constant-input"),
    ("too many channels", XYLO, both(manifest("inputs", 0, "shape", to=[17]), manifest("pools", "channels", to=17), resized("in->hid", "weight", (3, 17))), "input-channels"),
    ("too many recurrent pairs", WINDOWS, dense_recurrence, "recurrent-pairs"),
    ("neurons understated", XYLO, demand("hid", "neurons"), "demand"),
    ("a hard reset", XYLO, population("hid", "reset", "zero"), "reset"),
    ("a threshold off its scale", XYLO, entry("hid", "threshold", 0, 8194), "scale"),
    ("a threshold that its rest does not explain", XYLO, rested([5, 0, 0], [0, 0, 0]), "scale"),
    ("a rest below 0", XYLO, rested([-8, 0, 0], [-8, 0, 0]), "rest-range"),
    # Speck
    ("threshold_low of 0", CHAIN, param("c1", "threshold_low", 0), "threshold-range"),
    ("a threshold near the ceiling", CHAIN, both(param("c1", "threshold_high", 32641), population("c1", "scale", 32641.0)), "threshold-range"),
    ("a threshold off the scale", CHAIN, param("c1", "threshold_high", 102), "scale"),
    ("a kernel of 9 bits", CHAIN, both(as_type("c1", "kernel", "int16"), entry("c1", "kernel", (0, 0, 0, 0), 128)), "weight-range"),
    ("an oblong kernel", CHAIN, both(resized("c1", "kernel", (4, 2, 3, 1)), param("c1", "padding", [1, 1, 0, 0])), "square-kernel"),
    ("a stride of 3", CHAIN, both(grown(24), param("c1", "stride", [3, 3]), manifest("inputs", 0, "shape", to=[2, 72, 72]), param("c1", "input_shape", [2, 72, 72])), "stride"),
    ("padding of 8", CHAIN, both(resized("c1", "kernel", (4, 2, 17, 17)), param("c1", "padding", [8] * 4)), "padding"),
    ("a kernel of 17", CHAIN, both(resized("c1", "kernel", (4, 2, 17, 17)), param("c1", "padding", [8] * 4)), "kernel-size"),
    ("uneven padding on Speck", CHAIN, param("c2", "padding", [1, 0, 1, 1]), "symmetric-padding"),
    ("a map of 65", CHAIN, grown(65), "output-map"),
    ("an input of 129", CHAIN, grown(129), "input-map"),
    ("a map that does not follow", CHAIN, param("c2", "stride", [1, 1]), "conv-shape"),
    ("pooling by 3", CHAIN, lambda d: d.population("c2")["params"]["inputs"][0].update(pool=3), "pooling"),
    ("pooling unlike the projection's", CHAIN, projection("c1->c2", "pool", None), "input-table"),
    ("a table with a gap", SPLIT, lambda d: d.population("c2")["params"]["inputs"][1].update(offset=6), "input-table"),
    ("a table too short", SPLIT, lambda d: d.population("c2")["params"]["inputs"].pop(), "input-table"),
    ("sources of unlike maps", SPLIT, both(lambda d: d.population("c2")["params"]["inputs"][1].update(pool=1), projection("in->c2", "pool", None), link(-1, 0, pool=1)), "merge-shape"),
    ("a spatial split", SPLIT, both(piece("c1", 0, "box", [[0, 5], [0, 4], [0, 8]]), piece("c1", 1, "box", [[0, 5], [4, 8], [0, 8]])), "spatial-split"),
    *(
        (f"{key} understated", CHAIN, demand("c2", key), "demand")
        for key in ("kernel_words", "neuron_words", "bias_words", "features", "input_features")
    ),
    ("demand of the narrow part", SPLIT, piece("c1", 1, "demand", {"kernel_words": 64, "neuron_words": 128, "bias_words": 0, "features": 2, "input_features": 2}), "demand"),
    ("a link removed", CHAIN, unlink(0, 1), "link-missing"),
    ("a host link removed", CHAIN, unlink(-1, 0), "link-missing"),
    ("a part unlinked", SPLIT, unlink(5, 0), "link-missing"),
    ("a shift by the box", SPLIT, link(5, 0, shift=3), "link-foreign"),
    ("a shift too low", SPLIT, link(5, 0, shift=1), "link-foreign"),
    ("a shift beyond the target", SPLIT, link(5, 0, shift=5), "link-shift"),
    ("another pooling", SPLIT, link(5, 0, pool=1), "link-foreign"),
    ("illegal pooling", SPLIT, link(5, 0, pool=3), "pooling"),
    ("a host link with another shift", SPLIT, link(-1, 0, shift=4), "link-foreign"),
    ("a link too many", CHAIN, more_links((1, 0, 0, 0, 1)), "link-foreign"),
    ("a link twice", SPLIT, more_links((3, 1, 0, 0, 2)), "link-duplicate"),
    ("a host link twice", SPLIT, more_links((-1, 9, 0, 5, 2)), "link-duplicate"),
    ("a copy that feeds twice", COPIES, more_links((1, 1, 2, 0, 1)), "link-duplicate"),
    ("a copy that the host forgets", COPIES, unlink(-1, 1), "link-missing"),
    ("three destinations", CHAIN, more_links((0, 1, 1, 0, 2), (0, 2, 8, 0, 1)), "destinations"),
    ("a port twice", COPIES, link(0, 3, port=0), "link-port"),
    ("a port of 2", CHAIN, link(0, 1, port=2), "destinations"),
    ("a link to an empty core", CHAIN, link(0, 1, target=6), "link-target"),
    ("a link from an empty core", CHAIN, more_links((6, 0, 1, 0, 1)), "link-target"),
    ("a relay cut off", RELAY, unlink(1, 7), "link-missing"),
    ("a relay with the wrong channels", RELAY, link(1, 7, shift=1), "link-missing"),
    ("a relay that pools again", RELAY, link(7, 3, pool=2), "link-missing"),
    ("a relay in a circle", RELAY, link(7, 3, target=7), "relay-loop"),
    ("a relay of another population", RELAY, lambda d: d.manifest["helpers"][0].update(population="a"), "link-foreign"),
    ("more than the sensor feeds", SPLIT, manifest("settings", "entry", to="dvs"), "dvs-destinations"),
    ("recurrence", CHAIN, both(projection("c1->c2", "source", "c2"), projection("c2->out", "source", "c2")), "recurrence"),
    ("a delay on Speck", CHAIN, both(projection("c1->c2", "delay", 1), projection("c1->c2", "extra_delay", 0)), "delay-range"),
    ("a bias without a clock", CHAIN, manifest("contract", "slow_clock_hz", to=None), "slow-clock"),
    ("a clock of another step", CHAIN, manifest("contract", "slow_clock_hz", to=500.0), "slow-clock"),
    ("a clock too fast", CHAIN, both(manifest("contract", "slow_clock_hz", to=1e6), manifest("semantics", "chip_dt", to=1e-6)), "slow-clock"),
    ("biases where there are none", CHAIN, population("c2", "bias", "none"), "bias"),
    ("LIF on Xylo", XYLO, population("hid", "kind", "LIF"), "neuron-model"),
    ("another model on Xylo", XYLO, population("hid", "device_model", "LIF"), "device-model"),
    ("LIF on Speck", CHAIN, population("c1", "kind", "LIF"), "neuron-model"),
    ("a kernel memory too small", CHAIN, fill, "kernel-memory"),
    ("a neuron memory too small", CHAIN, widen, "neuron-memory"),
)  # fmt: skip


@pytest.mark.parametrize("build", BUNDLES, ids=lambda build: build.__name__)
def test_a_sound_bundle_is_accepted(build: Build, tmp_path: Path) -> None:
    checked = verify(made(build).save(tmp_path / "bundle"))
    assert checked.findings == ()
    assert checked.ok


@pytest.mark.parametrize(
    ("build", "spoil", "fault"),
    [row[1:] for row in CATALOGUE],
    ids=[row[0].replace(" ", "-") for row in CATALOGUE],
)
def test_one_fault_is_found(build: Build, spoil: Spoil, fault: str, tmp_path: Path) -> None:
    draft = made(build)
    spoil(draft)
    checked = verify(draft.save(tmp_path / "bundle"))
    faults = [finding.fault for finding in checked.findings]
    assert fault in faults, [finding.says for finding in checked.findings]
    assert "checker-failed" not in faults
    assert not checked.ok


def test_the_catalogue_is_as_long_as_it_was_meant_to_be() -> None:
    assert len(CATALOGUE) >= 150
    assert len({row[0] for row in CATALOGUE}) > 140
