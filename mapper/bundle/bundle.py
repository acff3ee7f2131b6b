"""A bundle as a value, its files' bytes, and writing it whole or not at all.

The format is docs/bundle.md.
"""

# fields of nodes by name
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from mapper.bundle.integers.draft import Arrays, Quantized
from mapper.emulate.manifest import (
    CalibrationRow,
    ContractRow,
    DeviceRow,
    HelperRow,
    HostNeuron,
    HostNode,
    HostPath,
    HostRow,
    InputRow,
    LinkRow,
    Manifest,
    OutputRow,
    PopulationRow,
    ProjectionRow,
    ResultRow,
    RewriteRow,
    SliceRow,
)
from mapper.emulate.membranes import delay_steps
from mapper.problem.network import HostStage, Projection
from mapper.problem.question import Question
from mapper.problem.rows import semantics_row, settings_row
from mapper.solving.offer.plans import Plan
from mapper.solving.outcome import Placed, Slice
from nir_io.arrays import AnyArray
from nir_io.graph import Conv2d, Delay, Node
from nir_io.semantics import Semantics
from rewrite_rules.dynamics import discretise
from rewrite_rules.rule import Exact, Proposal, Unbounded, Within

SCHEMA: Final = "nirmap-bundle-2"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the only time that stands in an archive: zip's own zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The manifest, and every file by name except the manifest."""

    manifest: Manifest
    files: Mapping[str, bytes]
    arrays: Mapping[str, AnyArray]

    def all_files(self) -> dict[str, bytes]:
        """Every file of the bundle, the manifest included."""
        text = json.dumps(
            self.manifest, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
        )
        return {**self.files, "manifest.json": (text + "\n").encode()}

    def with_alarms(self, alarms: Iterable[str]) -> Bundle:
        """This bundle with more alarms in its manifest."""
        told = [*dict.fromkeys((*self.manifest["alarms"], *alarms))]
        return replace(self, manifest={**self.manifest, "alarms": told})

    def plus(self, name: str, data: bytes) -> Bundle:
        """This bundle with one file more, and its hash in the manifest."""
        hashes = {**self.manifest["files"], name: hashlib.sha256(data).hexdigest()}
        manifest = {**self.manifest, "files": dict(sorted(hashes.items()))}
        return replace(self, manifest=manifest, files={**self.files, name: data})


def build(
    placed: Placed,
    quantized: Quantized,
    files: Mapping[str, bytes],
    *,
    nodes: Mapping[str, str] = MappingProxyType({}),
    sha256: str | None = None,
    calibration: CalibrationRow | None = None,
) -> Bundle:
    """The bundle of a placement; `files` are those that do not depend on the manifest.

    nodes: population or projection -> its node in mapped.nir; sha256: of the model's file;
    calibration: what data chose, as mapper.verbs.calibrate tells it.
    """
    question = placed.question
    network = question.network
    manifest: Manifest = {
        "schema": SCHEMA,
        "versions": {name: version_of(name) for name in ("nirmap", "nir", "numpy", "ortools")},
        "device": device_row(question),
        "model": {
            "fingerprint": network.graph.fingerprint,
            "sha256": sha256,
            "neurons": network.neurons(),
            "nodes": sorted({o for p in network.populations for o in p.origin}),
        },
        "semantics": semantics_row(question.semantics),
        "settings": settings_row(question.settings),
        "result": _result(placed),
        "assumptions": [
            {"id": a.id, "says": a.says, "source": a.source} for a in placed.assumptions
        ],
        "arrays": quantized.arrays.rows,
        "inputs": _inputs(placed),
        "outputs": _outputs(placed),
        "populations": [
            population_row(placed, quantized, p.name, nodes.get(p.name))
            for p in network.populations
        ],
        "projections": _projections(placed, quantized, nodes),
        "slices": [_slice(s, placed.chosen[s.population]) for s in placed.slices],
        "helpers": _helpers(placed),
        "links": _links(placed),
        "pools": dict(quantized.pools),
        "host": [_host(stage, placed, quantized.arrays) for stage in network.host],
        "contract": _contract(placed, quantized),
        "alarms": list(quantized.alarms),
        "behaviour": None,
        "witness": None,
        "cost": None,
        "tuned_from": None,
        "calibration": calibration,
        "files": {},  # hashes, below: building the rows above adds arrays
    }
    everything = {**files, "arrays.npz": npz_bytes(quantized.arrays.values)}
    manifest["files"] = {
        name: hashlib.sha256(data).hexdigest() for name, data in sorted(everything.items())
    }
    return Bundle(manifest=manifest, files=everything, arrays=quantized.arrays.values)


def npz_bytes(arrays: Mapping[str, AnyArray]) -> bytes:
    """An uncompressed .npz of the arrays in name order, the same bytes every time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            data = io.BytesIO()
            np.lib.format.write_array(data, arrays[name], allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), data.getvalue())
    return out.getvalue()


@cache
def version_of(name: str) -> str:
    """The installed version of a package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def device_row(question: Question) -> DeviceRow:
    """The device that was asked about."""
    profile = question.profile
    return {
        "name": profile.name,
        "family": profile.family,
        "profile": profile.hash,
        "chips": question.settings.chips,
    }


def _result(placed: Placed) -> ResultRow:
    return {
        "objectives": [
            {"name": name, "value": value, "bound": bound}
            for name, value, bound in placed.objectives
        ],
        "proven": placed.proven,
        "cores": placed.cores,
        "placement": "binding" if placed.binding else "advisory",
    }


def _helpers(placed: Placed) -> list[HelperRow]:
    return [
        {"role": h.role, "population": h.population, "chip": h.chip, "core": h.core}
        for h in placed.helpers
    ]


def _links(placed: Placed) -> list[LinkRow]:
    return [
        {"source": k.source, "port": k.port, "target": k.target, "pool": k.pool, "shift": k.shift}
        for k in placed.links
    ]


def _inputs(placed: Placed) -> list[InputRow]:
    rows: list[InputRow] = []
    offset = 0
    for name, shape in placed.question.network.inputs:
        rows.append({"name": name, "shape": list(shape), "offset": offset})
        offset += int(np.prod(shape))
    return rows


def _outputs(placed: Placed) -> list[OutputRow]:
    network = placed.question.network
    rows: list[OutputRow] = []
    for name, shape in network.outputs:
        read: Literal["spikes", "v", "host"] = "host"
        source, late = None, 0
        for population in network.populations:
            if name in population.outputs:
                spiking = placed.chosen[population.name].form.neuron.dynamics.spiking
                source, late = population.name, _late(placed, population.name)
                read = "spikes" if spiking else "v"
        for stage in network.host:
            if stage.output == name:
                read, late = "host", max(_late(placed, source) for source, _ in stage.paths)
        rows.append(
            {
                "name": name,
                "shape": list(shape),
                "population": source,
                "latency": late,
                "read": read,
            }
        )
    return rows


def _late(placed: Placed, source: str) -> int:
    """Steps by which the host gets the spikes of a population, or of an input, late."""
    plan = placed.chosen.get(source)
    if plan is None:
        return 0
    hop = int(placed.question.profile.limit("delay_per_connection").value)
    return placed.lag[source] + hop * (plan.role == "hidden+relay")


def _host(stage: HostStage, placed: Placed, arrays: Arrays) -> HostRow:
    """A host stage with its float arrays: linear nodes in order, then the integrator."""
    paths: list[HostPath] = []
    for source, nodes in stage.paths:
        rows = [_host_node(node, placed.question.semantics, arrays) for node in nodes]
        paths.append({"source": source, "stages": rows})
    neuron: HostNeuron | None = None
    if stage.neuron is not None:
        d, at = discretise(stage.neuron, placed.question.semantics), stage.neuron.name

        def kept(values: AnyArray, key: str) -> str:
            return arrays.add(np.ravel(values), f"{key} of '{at}' (host)")

        neuron = {
            "kind": stage.neuron.kind,
            "has_synapse": d.has_synapse,
            "syn_decay": kept(d.syn_decay, "syn_decay"),
            "syn_gain": kept(d.syn_gain, "syn_gain"),
            "mem_decay": kept(d.mem_decay, "mem_decay"),
            "mem_gain": kept(d.mem_gain, "mem_gain"),
            "leak": kept(d.leak, "leak"),
        }
    return {"output": stage.output, "paths": paths, "neuron": neuron}


def _host_node(node: Node, semantics: Semantics, arrays: Arrays) -> HostNode:
    """A linear node as data: arrays by reference, geometry as numbers; a Delay in steps."""
    row: HostNode = {
        "kind": node.kind,
        "shape_in": list(node.shape_in),
        "shape_out": list(node.shape_out),
    }
    if isinstance(node, Delay):
        steps = np.ravel(delay_steps(node, semantics)).astype(np.float64)
        return row | {"steps": arrays.add(steps, f"delay of '{node.name}' (host), steps")}
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, np.ndarray):
            row[field.name] = arrays.add(value, f"{field.name} of '{node.name}' (host)")
        elif field.name not in ("name", "origin", "shape_in", "shape_out"):
            row[field.name] = list(value) if isinstance(value, tuple) else value
    return row


def rewrite_row(proposal: Proposal) -> RewriteRow:
    """A rewrite as the manifest tells it."""
    row: RewriteRow = {
        "rule": proposal.rule,
        "says": proposal.says,
        "keeps": "exact",
        "bound": None,
    }
    match proposal.keeps:
        case Within(bound=value):
            row["keeps"], row["bound"] = "within", float(f"{value:.6g}")
        case Unbounded():
            row["keeps"] = "unbounded"
        case Exact():
            pass
    return row


def population_row(
    placed: Placed, quantized: Quantized, name: str, node: str | None = None
) -> PopulationRow:
    """A population of the manifest. node: its node in mapped.nir, where there is one."""
    stored = quantized.populations[name]
    population, plan = placed.question.network.population(name), placed.chosen[name]
    neuron = plan.form.neuron
    return {
        "name": name,
        "shape": list(population.shape),
        "kind": neuron.node.kind,
        "origin": list(population.origin),
        "device_model": neuron.device_model,
        "reset": neuron.reset,
        "bias": neuron.bias,
        "latency": placed.lag[name],
        "error": float(f"{neuron.error:.6g}"),
        "role": plan.role,
        "copies": plan.copies,
        "plan": plan.id,
        "rewrites": [rewrite_row(p) for p in neuron.proposals],
        "scale": stored.scale,
        "params": stored.params,
        "node": node,
    }


def _projections(
    placed: Placed, quantized: Quantized, nodes: Mapping[str, str]
) -> list[ProjectionRow]:
    rows: list[ProjectionRow] = []
    hop = int(placed.question.profile.limit("delay_from_input").value)
    for population in placed.question.network.populations:
        plan = placed.chosen[population.name]
        by_id: dict[str, Projection] = {p.id: p for p in population.projections}
        for form in plan.form.projections:
            got = quantized.projections.get(form.id)
            params = {} if got is None else dict(got.params)
            conv = form.weight
            if isinstance(conv, Conv2d) and got is not None:
                params |= {
                    "stride": list(conv.stride),
                    "padding": list(conv.padding),
                    "dilation": list(conv.dilation),
                    "input_shape": list(conv.shape_in),
                }
            delay: str | int = form.extra_delay
            if form.delay is not None:
                steps = np.ravel(form.delay).astype(np.int16) + form.extra_delay
                delay = quantized.arrays.add(steps, f"delays of '{form.id}'")
            rows.append(
                {
                    "id": form.id,
                    "source": form.source,
                    "target": population.name,
                    "form": form.form,
                    "pool": list(form.pool) if form.pool else None,
                    "delay": delay,
                    "extra_delay": form.extra_delay,
                    "origin": list(by_id[form.id].origin),
                    "rewrites": [rewrite_row(p) for p in form.proposals],
                    "params": params,
                    "node": nodes.get(form.id),
                }
            )
        key = f"bias:{population.name}"
        if key in quantized.projections:
            rows.append(
                {
                    "id": key,
                    "source": key,
                    "target": population.name,
                    "form": "dense",
                    "pool": None,
                    "delay": 0,
                    "origin": [],
                    "rewrites": [],
                    "from_step": placed.lag[population.name] - hop if hop else 0,
                    "params": quantized.projections[key].params,
                    "node": nodes.get(key),
                }
            )
    return rows


def _slice(piece: Slice, plan: Plan) -> SliceRow:
    demand = next(c.demand for c in plan.classes if piece.box in c.boxes)
    return {
        "population": piece.population,
        "box": [list(edge) for edge in piece.box],
        "chip": piece.chip,
        "core": piece.core,
        "copy": piece.copy,
        "demand": dict(sorted(demand.items())),
    }


def _contract(placed: Placed, quantized: Quantized) -> ContractRow:
    semantics, profile = placed.question.semantics, placed.question.profile
    resets = profile.switches.get("state_reset")
    clock = None
    ticking = profile.switches.get("bias_needs_slow_clock")
    if (
        ticking is not None
        and ticking.value
        and any(plan.form.neuron.bias == "neuron" for plan in placed.chosen.values())
    ):
        clock = None if semantics.chip_dt is None else 1.0 / semantics.chip_dt
    return {
        "input_kind": semantics.input_kind,
        "max_count": semantics.max_count,
        "reset_between_samples": "state"
        if resets is None or resets.value
        else quantized.silent_steps,
        "slow_clock_hz": clock,
        "constant_inputs": list(quantized.constant_inputs),
        "decode": "count",
    }
