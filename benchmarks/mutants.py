"""Single-fault mutants of valid bundles: each must be rejected with words that name the fault.

    python benchmarks/mutants.py [CORPUS] [--count 10000] [--seed 1] [--written 200]

Valid bundles of every family (networks of examples/, and of the corpus where it is there) are
accepted by `nirmap verify`'s checker. Then one thing is spoilt at a time, chosen by a seeded
generator: as if the hashes had been made after the fault. A mutant counts as caught where a
finding has one of the fault's ids and names the thing (a population, a core, an array). Some
are also written as folders with their hashes, and checked from there. Weights that stay in
their range change nothing that is illegal: `verify --model` catches these (`--model`s below).
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper import api
from mapper.bundle.bundle import npz_bytes
from mapper.verify import examine, verify
from mapper.verify.report import Checked, shown
from nir_io.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
SIDECAR = ROOT / "benchmarks" / "corpus_models.toml"
Rng = np.random.Generator

EXAMPLES = (
    ("cnn_if", "speck2f"),
    ("cnn_if_wide", "speck2f"),
    ("residual_if", "speck2f"),
    ("cnn_if", "speck2e"),
    ("mlp_lif", "loihi2"),
    ("srnn_cuba", "loihi2"),
    ("cnn_if", "loihi2"),
    ("mlp_lif", "spinnaker2"),
    ("srnn_cuba", "spinnaker2"),
    ("cnn_if", "spinnaker2"),
    ("mlp_lif", "xylo-audio2"),
    ("srnn_cuba", "xylo-audio3"),
    ("srnn_cuba", "xylo-imu"),
)
CORPUS = (
    ("exported/nir_residual_mlp.nir", "loihi2"),
    ("exported/nir_multi_input_output.nir", "spinnaker2"),
    ("exported/snntorch_srnn_cuba_12-38-7_bias.nir", "spinnaker2"),
    ("exported/spyx_cuba_dt1ms.nir", "loihi2"),
    ("exported/pinned_rockpool_16-40-6.nir", "xylo-audio3"),
    ("exported/rockpool_synnet_16-63-63-8.nir", "xylo-audio2"),
    ("exported/sinabs_speck_nmnist_2x34x34.nir", "speck2f"),
    ("exported/sinabs_smartdoor_1x64x64.nir", "speck2f"),
)


@dataclass(slots=True)
class Draft:
    """A bundle that can be spoilt: manifest and arrays; `data` while no array was touched."""

    name: str
    family: str
    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    data: bytes | None = None
    others: Mapping[str, bytes] = field(default_factory=dict[str, bytes])

    def copied(self) -> Draft:
        """A copy; arrays are replaced, never changed in place."""
        return Draft(
            self.name,
            self.family,
            copy.deepcopy(self.manifest),
            dict(self.arrays),
            self.data,
            self.others,
        )

    def put(self, ref: str, values: NDArray[Any]) -> None:
        """Another array, and what the manifest says of its shape and dtype."""
        self.arrays[ref] = values
        self.manifest["arrays"][ref] |= {"shape": list(values.shape), "dtype": values.dtype.name}
        self.data = None

    def packed(self) -> bytes:
        """arrays.npz."""
        return npz_bytes(self.arrays) if self.data is None else self.data


@dataclass(frozen=True, slots=True)
class Fault:
    """What was done, ids that a finding may have, and names of which it must hold one."""

    did: str
    ids: tuple[str, ...]
    names: tuple[str, ...]


Spoil = Callable[[Draft, Rng], Fault | None]


def pick(rng: Rng, items: Sequence[Any]) -> Any:
    """One of some items, or None."""
    return items[int(rng.integers(len(items)))] if items else None


def rows(draft: Draft, key: str) -> list[dict[str, Any]]:
    """Populations, slices, ..."""
    return draft.manifest[key]


def wrong_core(draft: Draft, rng: Rng) -> Fault | None:
    """A core that the chip does not have."""
    piece = pick(rng, rows(draft, "slices"))
    piece["core"] = int(rng.choice([999, 5000, 200]))
    return Fault("wrong core", ("core-unknown",), (shown(piece["population"]),))


def shared_core(draft: Draft, rng: Rng) -> Fault | None:
    """Two slices on one core, and the cores counted anew."""
    pieces = rows(draft, "slices")
    if len(pieces) < 2 or draft.family == "xylo":
        return None
    i, j = (int(k) for k in rng.choice(len(pieces), 2, replace=False))
    pieces[i] |= {"chip": pieces[j]["chip"], "core": pieces[j]["core"]}
    both = [*pieces, *rows(draft, "helpers")]
    draft.manifest["result"]["cores"] = len({(p["chip"], p["core"]) for p in both})
    return Fault("shared core", ("core-shared",), (shown(pieces[i]["population"]),))


def wrong_chip(draft: Draft, rng: Rng) -> Fault | None:
    """A chip that the system does not have."""
    piece = pick(rng, rows(draft, "slices"))
    piece["chip"] += int(rng.integers(1, 4))
    return Fault("wrong chip", ("core-unknown",), (shown(piece["population"]),))


def slice_missing(draft: Draft, rng: Rng) -> Fault | None:
    """A slice left out."""
    pieces = rows(draft, "slices")
    gone = pieces.pop(int(rng.integers(len(pieces))))
    return Fault("slice missing", ("partition", "copies"), (shown(gone["population"]),))


def slice_short(draft: Draft, rng: Rng) -> Fault | None:
    """A slice that leaves its last neurons to nobody, or takes those of another."""
    piece = pick(rng, rows(draft, "slices"))
    edge = pick(rng, piece["box"])
    more = bool(rng.integers(2))
    if not more and edge[1] - edge[0] < 2:
        return None
    edge[1] += 1 if more else -1
    return Fault(
        "slice overlaps" if more else "slice short", ("partition",), (shown(piece["population"]),)
    )


def slice_twice(draft: Draft, rng: Rng) -> Fault | None:
    """A slice that stands twice."""
    piece = copy.deepcopy(pick(rng, rows(draft, "slices")))
    piece["core"] = 900
    rows(draft, "slices").append(piece)
    return Fault("slice twice", ("partition",), (shown(piece["population"]),))


def swapped_slices(draft: Draft, rng: Rng) -> Fault | None:
    """Two slices of different populations trade their boxes."""
    pieces = rows(draft, "slices")
    i, j = (int(k) for k in rng.choice(len(pieces), 2, replace=len(pieces) < 2))
    a, b = pieces[i], pieces[j]
    if a["population"] == b["population"] or a["box"] == b["box"]:
        return None
    a["box"], b["box"] = b["box"], a["box"]
    return Fault("slices swapped", ("partition",), (shown(a["population"]), shown(b["population"])))


def owner(draft: Draft, ref: str) -> str:
    """The population or projection whose param an array is."""
    for key, name in (("populations", "name"), ("projections", "id")):
        for row in rows(draft, key):
            if ref in row["params"].values() or ref in (row.get("scale"), row.get("delay")):
                return shown(row[name])
    return "'none'"


def refs(draft: Draft, *keys: str) -> list[str]:
    """Arrays that params of these names hold."""
    found = [
        r["params"].get(k)
        for k in keys
        for w in ("populations", "projections")
        for r in rows(draft, w)
    ]
    return sorted({ref for ref in found if isinstance(ref, str) and ref in draft.arrays})


def poked(draft: Draft, ref: str, value: float, rng: Rng, kind: str | None = None) -> None:
    """One entry of an array set to a value."""
    values = draft.arrays[ref].astype(kind) if kind else draft.arrays[ref].copy()
    values.flat[int(rng.integers(values.size))] = value
    draft.put(ref, values)


def weight_over(draft: Draft, rng: Rng) -> Fault | None:
    """A weight beyond what the chip stores."""
    ref = pick(rng, refs(draft, "weight", "kernel"))
    if ref is None:
        return None
    poked(draft, ref, int(rng.choice([300, -300, 1000, -2000])), rng, "int16")
    return Fault("weight over its range", ("weight-range",), (owner(draft, ref), shown(ref)))


# (param, families, value beyond its range, ids)
PARAMS: tuple[tuple[str, tuple[str, ...], float, tuple[str, ...]], ...] = (
    ("du", ("loihi2",), 5000, ("decay-range",)),
    ("dv", ("loihi2",), -1, ("decay-range",)),
    ("bias_mant", ("loihi2",), 10_000, ("bias-range",)),
    ("alpha_decay", ("spinnaker2",), 1.5, ("decay-range",)),
    ("exc_decay", ("spinnaker2",), -0.5, ("decay-range",)),
    ("threshold", ("spinnaker2",), 0.0, ("threshold-range", "scale")),
    ("i_offset", ("spinnaker2",), float("nan"), ("state-range", "bias-range")),
    ("v_init", ("spinnaker2",), float("inf"), ("state-range",)),
    ("dash_mem", ("xylo",), 31, ("dash-range",)),
    ("dash_syn", ("xylo",), -1, ("dash-range",)),
    ("threshold", ("xylo",), -7, ("threshold-range", "scale")),
    ("hidden_ids", ("xylo",), 5000, ("hidden-ids",)),
    ("output_ids", ("xylo",), 99, ("output-ids",)),
    ("bias", ("xylo",), 500, ("bias-range",)),
)  # fmt: skip


def param_over(draft: Draft, rng: Rng) -> Fault | None:
    """An entry of a neuron's parameter beyond its range."""
    key, _, value, ids = pick(rng, [p for p in PARAMS if draft.family in p[1]]) or ("", (), 0, ())
    ref = pick(rng, refs(draft, key))
    if ref is None:
        return None
    kind = None if draft.arrays[ref].dtype.kind == "f" else "int32"
    poked(draft, ref, value, rng, kind)
    return Fault(f"{key} over its range", (*ids, "array-type"), (owner(draft, ref), shown(ref)))


def ids_twice(draft: Draft, rng: Rng) -> Fault | None:
    """Two neurons of Xylo with one id."""
    ref = pick(
        rng, [r for r in refs(draft, "hidden_ids", "output_ids") if draft.arrays[r].size > 1]
    )
    if ref is None:
        return None
    values = draft.arrays[ref].copy()
    values[0] = values[1]
    draft.put(ref, values)
    return Fault("an id twice", ("hidden-ids", "output-ids"), ("id", owner(draft, ref)))


def threshold_over(draft: Draft, rng: Rng) -> Fault | None:
    """Speck and Loihi 2: a threshold that the chip cannot store, or that is not the scale."""
    key = {"speck": "threshold_high", "loihi2": "vth_mant"}.get(draft.family)
    row = pick(rng, [p for p in rows(draft, "populations") if key in p["params"]])
    if row is None or isinstance(row["params"][key], str):
        return None
    row["params"][key] = int(rng.choice([0, -5, 10**6, row["params"][key] * 2 + 5]))
    return Fault("wrong threshold", ("threshold-range", "scale", "schema"), (shown(row["name"]),))


def scale_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A scale that is not the threshold."""
    found = [p for p in rows(draft, "populations") if p["kind"] not in ("I", "LI", "CubaLI")]
    row = pick(rng, found)
    if row is None:
        return None
    factor = float(rng.choice([-1.0, 0.0, 1.5, 3.0]))
    if isinstance(row["scale"], str):
        draft.put(row["scale"], draft.arrays[row["scale"]] * factor)
    else:
        row["scale"] *= factor
    return Fault("wrong scale", ("scale",), (shown(row["name"]),))


def demand_less(draft: Draft, rng: Rng) -> Fault | None:
    """Less demanded than is used."""
    piece = pick(rng, rows(draft, "slices"))
    key = pick(rng, sorted(k for k, v in piece["demand"].items() if v > 0 and k != "synapses"))
    if key is None:
        return None
    piece["demand"][key] = 0 if rng.integers(2) else piece["demand"][key] // 2
    return Fault("demand understated", ("demand",), (shown(piece["population"]),))


def demand_more(draft: Draft, rng: Rng) -> Fault | None:
    """More demanded than a core has."""
    piece = pick(rng, rows(draft, "slices"))
    key = pick(rng, sorted(k for k in piece["demand"] if k != "synapses"))
    piece["demand"][key] = 10**9
    return Fault("demand beyond the core", ("demand",), (shown(piece["population"]),))


def demand_lost(draft: Draft, rng: Rng) -> Fault | None:
    """A demand that is not stated."""
    piece = pick(rng, rows(draft, "slices"))
    key = pick(rng, sorted(k for k, v in piece["demand"].items() if v > 0 and k != "synapses"))
    if key is None:
        return None
    del piece["demand"][key]
    return Fault("demand not stated", ("demand",), (shown(piece["population"]),))


def latency_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A population that is said to be later."""
    row = pick(rng, rows(draft, "populations"))
    row["latency"] += int(rng.integers(1, 5))
    return Fault("wrong latency", ("latency", "output-latency"), (row["name"],))


def output_latency(draft: Draft, rng: Rng) -> Fault | None:
    """An output that is said to be later."""
    row = pick(rng, rows(draft, "outputs"))
    row["latency"] += int(rng.integers(1, 5))
    return Fault("wrong output latency", ("output-latency",), (shown(row["name"]),))


def output_foreign(draft: Draft, rng: Rng) -> Fault | None:
    """An output of another size."""
    row = pick(rng, rows(draft, "outputs"))
    row["shape"] = [int(np.prod(row["shape"])) + int(rng.integers(1, 9))]
    return Fault("wrong output", ("output", "host"), (shown(row["name"]),))


def input_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """An input that begins elsewhere."""
    row = pick(rng, rows(draft, "inputs"))
    row["offset"] += int(rng.integers(1, 9))
    return Fault("wrong offset", ("contract",), (shown(row["name"]),))


def contract_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A promise about the input that the semantics do not make."""
    key, value = pick(
        rng, (("max_count", 77), ("input_kind", "counts:99"), ("slow_clock_hz", 12345.0))
    )
    draft.manifest["contract"][key] = value
    ids = ("contract", "slow-clock", "input-events", "schema")
    return Fault(
        "wrong contract", ids, ("input_kind", "events", "count", "clock", "counts", "max_count")
    )


def projection_lost(draft: Draft, rng: Rng) -> Fault | None:
    """A projection left out; its arrays stay."""
    found = rows(draft, "projections")
    gone = pick(
        rng,
        [
            p
            for p in found
            if any(isinstance(v, str) and v in draft.arrays for v in p["params"].values())
        ],
    )
    if gone is None:
        return None
    found.remove(gone)
    names = [shown(v) for v in gone["params"].values() if isinstance(v, str)]
    names += [v for v in gone["params"].values() if isinstance(v, str)]
    return Fault(
        "projection lost", ("array-unused", "bias-source"), (*names, shown(gone["target"]))
    )


def projection_from_nowhere(draft: Draft, rng: Rng) -> Fault | None:
    """A projection from, or to, what there is not."""
    row = pick(rng, rows(draft, "projections"))
    row["source" if rng.integers(2) else "target"] = "ghost"
    return Fault("projection from nowhere", ("schema",), ("ghost", shown(row["id"])))


def delay_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A delay that nothing balances, or beyond the field."""
    row = pick(rng, [p for p in rows(draft, "projections") if not p["source"].startswith("bias:")])
    if row is None or isinstance(row["delay"], str):
        return None
    if "extra_delay" in row and rng.integers(2):
        row["extra_delay"] += int(rng.integers(1, 4))
    else:  # a longer delay within the field, with extra_delay beside it, may be the model's own
        row["delay"] += int(rng.choice([1000] if "extra_delay" in row else [1, 2, 1000]))
    ids = ("latency", "delay-range", "demand", "delay", "device-model", "schema")
    return Fault("wrong delay", ids, (shown(row["id"]), shown(row["target"])))


def kind_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A neuron of another kind, program, reset or bias."""
    row = pick(rng, rows(draft, "populations"))
    key, value = pick(
        rng,
        (("kind", "Threshold"), ("device_model", "magic"), ("reset", "none"), ("bias", "magic")),
    )
    row[key] = value
    ids = ("neuron-model", "device-model", "reset", "schema", "bias")
    return Fault(f"wrong {key}", ids, (shown(row["name"]), key))


def shape_declared(draft: Draft, rng: Rng) -> Fault | None:
    """An array whose declared shape or dtype is not its own."""
    ref = pick(rng, sorted(draft.arrays))
    row = draft.manifest["arrays"][ref]
    if rng.integers(2):
        row["shape"] = [*row["shape"], 1] if len(row["shape"]) < 4 else row["shape"][:-1]
        return Fault("wrong shape declared", ("array-shape",), (ref,))
    row["dtype"] = "int64" if row["dtype"] != "int64" else "int8"
    return Fault("wrong dtype declared", ("array-type",), (ref,))


def shape_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """An array with a row too many, and the manifest with it."""
    ref = pick(
        rng,
        [
            r
            for r in refs(
                draft,
                "weight",
                "kernel",
                "du",
                "dv",
                "dash_mem",
                "threshold",
                "alpha_decay",
                "bias",
                "v_init",
            )
            if draft.arrays[r].ndim
        ],
    )
    if ref is None:
        return None
    values = draft.arrays[ref]
    draft.put(ref, np.concatenate([values, values[:1]]))
    return Fault("wrong shape", ("array-shape",), (owner(draft, ref), shown(ref)))


def turned(draft: Draft, rng: Rng) -> Fault | None:
    """A weight matrix turned over."""
    found = [
        r
        for r in refs(draft, "weight")
        if draft.arrays[r].ndim == 2 and len(set(draft.arrays[r].shape)) == 2
    ]
    ref = pick(rng, found)
    if ref is None:
        return None
    draft.put(ref, np.ascontiguousarray(draft.arrays[ref].T))
    return Fault("matrix turned", ("array-shape",), (owner(draft, ref), shown(ref)))


def array_lost(draft: Draft, rng: Rng) -> Fault | None:
    """An array left out of the archive, or one more."""
    ref = pick(rng, sorted(draft.arrays))
    draft.data = None
    if rng.integers(2):
        del draft.arrays[ref]
        return Fault("array lost", ("array-missing",), (ref,))
    draft.arrays["a999"] = np.ones(3, np.int8)
    return Fault("array too many", ("array-foreign",), ("a999",))


def profile_edited(draft: Draft, rng: Rng) -> Fault | None:
    """A limit edited: the profile that the bundle was made for had another hash."""
    digest = draft.manifest["device"]["profile"]
    at = int(rng.integers(64))
    new = digest[:at] + ("0" if digest[at] != "0" else "1") + digest[at + 1 :]
    draft.manifest["device"]["profile"] = new
    return Fault("profile edited", ("profile-hash",), (shown(draft.manifest["device"]["name"]),))


def result_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """Cores or neurons miscounted, a bound above its value, another placement."""
    result, model = draft.manifest["result"], draft.manifest["model"]
    what = int(rng.integers(4))
    if what == 0:
        result["cores"] += int(rng.integers(1, 9))
    elif what == 1:
        model["neurons"] += int(rng.integers(1, 9))
    elif what == 2:
        result["objectives"][0]["bound"] = result["objectives"][0]["value"] + 1
    else:
        result["placement"] = "advisory" if result["placement"] == "binding" else "binding"
    names = ("cores", "neurons", shown(result["objectives"][0]["name"]), "placement")
    return Fault("wrong result", ("result",), (names[what],))


def chips_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """Chips at odds with the settings."""
    draft.manifest["device"]["chips"] += int(rng.integers(1, 9))
    return Fault("wrong chips", ("cores",), ("chips",))


def copies_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A copy that has no slices."""
    row = pick(rng, rows(draft, "populations"))
    row["copies"] += int(rng.integers(1, 3))
    return Fault("wrong copies", ("copies",), (shown(row["name"]),))


def key_lost(draft: Draft, rng: Rng) -> Fault | None:
    """A row without one of its keys."""
    key = pick(rng, ("populations", "projections", "slices", "inputs", "outputs"))
    row = pick(rng, rows(draft, key))
    gone = pick(
        rng,
        sorted(
            set(row)
            & {
                "name",
                "shape",
                "kind",
                "latency",
                "form",
                "box",
                "core",
                "offset",
                "source",
                "target",
                "read",
            }
        ),
    )
    if gone is None:
        return None
    del row[gone]
    return Fault("key lost", ("schema",), (shown(gone),))


def param_lost(draft: Draft, rng: Rng) -> Fault | None:
    """A population or projection without one of its params."""
    row = pick(
        rng, [r for k in ("populations", "projections") for r in rows(draft, k) if r["params"]]
    )
    optional = {"weight_2", "relay", "bias_exp", "dilation"}
    gone = pick(rng, sorted(set(row["params"]) - optional))
    if gone is None:
        return None
    del row["params"][gone]
    return Fault(
        "param lost",
        ("schema", "sign-mode", "weight-bits"),
        (shown(row.get("name", row.get("id"))), shown(gone)),
    )


def link_lost(draft: Draft, rng: Rng) -> Fault | None:
    """Speck: a destination that is not there."""
    links = rows(draft, "links")
    if not links:
        return None
    gone = links.pop(int(rng.integers(len(links))))
    return Fault(
        "link lost", ("link-missing",), (f"core {gone['target']}", f"core {gone['source']}", "core")
    )


def link_changed(draft: Draft, rng: Rng) -> Fault | None:
    """Speck: another target, port, shift or pooling."""
    row = pick(rng, rows(draft, "links"))
    if row is None:
        return None
    key = pick(rng, ("target", "port", "shift", "pool"))
    row[key] = {
        "target": 77,
        "port": row["port"] + 5,
        "shift": row["shift"] + 1,
        "pool": row["pool"] * 2,
    }[key]
    if key == "port" and row["source"] == -1:
        row["port"] = 0 if row["port"] != 5 else 1
        if sum(k["source"] == -1 for k in rows(draft, "links")) < 2:
            return None
    ids = (
        "link-target",
        "link-port",
        "destinations",
        "link-shift",
        "link-foreign",
        "link-missing",
        "pooling",
        "link-duplicate",
        "merge-shape",
    )
    return Fault(f"link with another {key}", ids, ("core", "port"))


def helper_lost(draft: Draft, rng: Rng) -> Fault | None:
    """A relay or bias source dropped."""
    helpers = rows(draft, "helpers")
    gone = pick(rng, [h for h in helpers if h["role"] in ("relay", "bias source")])
    if gone is None:
        return None
    helpers.remove(gone)
    ids = ("helper", "link-target", "link-missing", "bias-source", "link-foreign", "result")
    return Fault(f"{gone['role']} dropped", ids, (shown(gone["population"]), "core", "source"))


def relay_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """Xylo: an identity output that does not fire once a spike."""
    row = pick(rng, [p for p in rows(draft, "populations") if "relay" in p["params"]])
    if row is None:
        return None
    row["params"]["relay"]["threshold"] *= 3
    return Fault("relay that never fires", ("relay",), (shown(row["name"]),))


def shift_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """Xylo: a shift that the chip has not; Loihi 2: an exponent that it has not."""
    if draft.family == "xylo":
        key = pick(rng, ("weight_shift_in", "weight_shift_rec", "weight_shift_out"))
        draft.manifest["pools"][key] = int(rng.choice([8, 20, 300]))
        return Fault("wrong shift", ("shift-range",), (key,))
    row = pick(
        rng, [p for p in rows(draft, "projections") if isinstance(p["params"].get("exponent"), int)]
    )
    if row is None:
        return None
    row["params"]["exponent"] = int(rng.choice([-9, 60, 10**6]))
    ids = ("exponent-range", "schema", "exponent", "weight-range")
    return Fault("wrong exponent", ids, (shown(row["id"]),))


def pools_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """Xylo: a pool miscounted."""
    if draft.family != "xylo":
        return None
    key = pick(rng, ("hidden", "outputs", "channels"))
    draft.manifest["pools"][key] += int(rng.integers(1, 5))
    return Fault("pool miscounted", ("pools",), (key,))


def geometry_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """A convolution whose stride or padding does not give its map."""
    found = [
        r for k in ("populations", "projections") for r in rows(draft, k) if "stride" in r["params"]
    ]
    row = pick(rng, [r for r in found if isinstance(r["params"].get("padding"), list)])
    if row is None:
        return None
    if rng.integers(2):
        row["params"]["padding"] = [n + 1 for n in row["params"]["padding"]]
    else:
        row["params"]["input_shape"][1] += 8
    ids = (
        "conv-shape",
        "padding",
        "input-map",
        "array-shape",
        "input-table",
        "link-foreign",
        "schema",
        "stride",
        "pooling",
        "merge-shape",
    )
    return Fault("wrong geometry", ids, (shown(row.get("name", row.get("id"))),))


def table_wrong(draft: Draft, rng: Rng) -> Fault | None:
    """Speck: an entry of the table of sources moved."""
    row = pick(rng, [p for p in rows(draft, "populations") if p["params"].get("inputs")])
    if row is None:
        return None
    row["params"]["inputs"][0]["offset"] += int(rng.integers(1, 5))
    return Fault(
        "source moved", ("input-table", "link-foreign", "link-missing"), (shown(row["name"]),)
    )


SPOILS: tuple[Spoil, ...] = (
    wrong_core, shared_core, wrong_chip, slice_missing, slice_short, slice_twice, swapped_slices,
    weight_over, param_over, ids_twice, threshold_over, scale_wrong, demand_less, demand_more,
    demand_lost, latency_wrong, output_latency, output_foreign, input_wrong, contract_wrong,
    projection_lost, projection_from_nowhere, delay_wrong, kind_wrong, shape_declared, shape_wrong,
    turned, array_lost, profile_edited, result_wrong, chips_wrong, copies_wrong, key_lost,
    param_lost, link_lost, link_changed, helper_lost, relay_wrong, shift_wrong, pools_wrong,
    geometry_wrong, table_wrong,
)  # fmt: skip


def caught(fault: Fault, checked: Checked) -> str:
    """'' where a finding has an id of the fault and names the thing; else what is wrong."""
    if checked.ok:
        return "accepted"
    if any(finding.fault == "checker-failed" for finding in checked.findings):
        return "checker failed"
    own = [finding for finding in checked.findings if finding.fault in fault.ids]
    if not own:
        return "another fault is named"
    return "" if any(n in f.says for f in own for n in fault.names) else "the thing is not named"


def mutant(drafts: Sequence[Draft], number: int, seed: int) -> tuple[Draft, Fault]:
    """Mutant `number`: families, bundles and faults in turn, the place by the seed."""
    families = sorted({draft.family for draft in drafts})
    own = [d for d in drafts if d.family == families[number % len(families)]]
    rng = np.random.default_rng((seed, number))
    at = number // len(families)
    while True:
        draft = own[int(rng.integers(len(own)))].copied()
        fault = SPOILS[at % len(SPOILS)](draft, rng)
        if fault is not None:
            return draft, fault
        at += int(rng.integers(1, len(SPOILS)))


def examined(draft: Draft) -> Checked:
    """The verdict on a draft in memory, as on a folder whose hashes are right."""
    return examine(draft.manifest, draft.packed())


def written(draft: Draft, folder: Path) -> Path:
    """The draft as a bundle's folder, its hashes as they should be."""
    files = {**draft.others, "arrays.npz": draft.packed()}
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (folder / "manifest.json").write_text(json.dumps(draft.manifest | {"files": digests}))
    return folder


def examples(pairs: Sequence[tuple[str, str]] = EXAMPLES) -> list[Draft]:
    """Bundles of networks of examples/."""
    sys.path.append(str(ROOT / "examples"))
    import networks  # pyright: ignore[reportMissingImports]

    made: list[Draft] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, device in pairs:
            settings: dict[str, Any] = dict(networks.SEMANTICS[name])
            made.append(_draft(getattr(networks, name)(), device, Path(folder), name, settings))
    return made


def corpus(folder: Path) -> list[Draft]:
    """Bundles of files of the corpus that fit, as far as they are there."""
    made: list[Draft] = []
    allow = ("lif-to-if", "reset-kind", "lif-to-cubalif", "decays-on-grid")
    with tempfile.TemporaryDirectory() as out:
        for path, device in CORPUS:
            if not (folder / path).exists():
                continue
            try:
                settings = {"models": SIDECAR, "repair": True, "allow": allow}
                made.append(_draft(folder / path, device, Path(out), path, settings))
            except (BadInput, ValueError) as error:
                print(f"left out: {path} on {device}: {str(error)[:120]}")
    return made


def _draft(model: Any, device: str, folder: Path, name: str, settings: dict[str, Any]) -> Draft:
    place = folder / f"{Path(name).stem}-{device}"
    result = api.map(model, device, output=place, **settings)
    if result.bundle is None:
        raise ValueError("it does not fit")
    files = {f.name: f.read_bytes() for f in place.iterdir()}
    data = files["arrays.npz"]
    with np.load(place / "arrays.npz") as archive:
        arrays = {key: archive[key] for key in archive.files}
    manifest = json.loads(files.pop("manifest.json"))
    return Draft(f"{name} on {device}", manifest["device"]["family"], manifest, arrays, data, files)


def in_range(draft: Draft, rng: Rng) -> str | None:
    """A weight changed within its range: legal, but not the model's; the array's name."""
    ref = pick(rng, [r for r in refs(draft, "weight", "kernel") if draft.arrays[r].size])
    if ref is None:
        return None
    values = draft.arrays[ref].copy()
    at = int(rng.integers(values.size))
    step = 2 if draft.family == "loihi2" else 1
    values.flat[at] += -step if values.flat[at] > 0 else step
    draft.put(ref, values)
    return ref


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=ROOT.parent / "shared" / "corpus")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--written", type=int, default=200, help="mutants checked from a folder")
    options = parser.parse_args()
    drafts = [*examples(), *corpus(options.corpus)]
    good = [examined(draft) for draft in drafts]
    print(f"{len(drafts)} valid bundles, {sum(c.ok for c in good)} accepted")
    missed: list[tuple[str, Fault, str, Checked]] = []
    did: Counter[str] = Counter()
    families: Counter[str] = Counter()
    start, wall = time.process_time(), time.perf_counter()
    for number in range(options.count):
        draft, fault = mutant(drafts, number, options.seed)
        checked = examined(draft)
        wrong = caught(fault, checked)
        did[fault.did] += 1
        families[draft.family] += 1
        if wrong:
            missed.append((draft.name, fault, wrong, checked))
    spent, passed = time.process_time() - start, time.perf_counter() - wall
    print(
        f"{options.count} mutants of {dict(families)}: {options.count - len(missed)} caught and named"
    )
    print(
        f"{spent:.0f} s of processor time, {passed:.0f} s; {len(did)} kinds: {dict(did.most_common())}"
    )
    accepted = sum(wrong == "accepted" for _, _, wrong, _ in missed)
    print(f"accepted: {accepted}, rejected in other words: {len(missed) - accepted}")
    shown_: set[tuple[str, str, str]] = set()
    for name, fault, wrong, checked in missed:
        key = (fault.did, wrong, name)
        if key not in shown_ and len(shown_) < 60:
            shown_.add(key)
            print(
                f"  {name}: {fault.did}: {wrong}; {[(f.fault, f.says) for f in checked.findings][:2]}"
            )
    _folders(drafts, options.written, options.seed)


def _folders(drafts: Sequence[Draft], count: int, seed: int) -> None:
    """Some as folders; and weights in range against mapped.nir."""
    with tempfile.TemporaryDirectory() as base:
        named = model_caught = tried = 0
        for number in range(count):
            draft, fault = mutant(drafts, number, seed + 1)
            place = written(draft, Path(base) / str(number))
            named += not caught(fault, verify(place))
        print(f"{count} written as folders with their hashes: {named} caught and named")
        for number in range(count):
            rng = np.random.default_rng((seed, 2, number))
            draft = drafts[number % len(drafts)].copied()
            ref = in_range(draft, rng)
            if ref is None:
                continue
            tried += 1
            place = written(draft, Path(base) / f"model{number}")
            print_ = draft.manifest["model"]["fingerprint"]
            found = {finding.fault for finding in verify(place, fingerprint=print_).findings}
            model_caught += "mapped" in found
            if "mapped" not in found:
                print(f"  {draft.name}: {ref} of {owner(draft, ref)} changed unseen; {found}")
        print(f"{tried} weights changed within range: {model_caught} caught with the model")


if __name__ == "__main__":
    main()
