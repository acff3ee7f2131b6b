"""NIR data files (nir.write_data, nir 1.0.8): spikes of the nodes of a network, with care.

The root has `__type__` NIRGraphData and a group `nodes`; a node's group (NIRNodeData) has
`observables`, each TimeGriddedData (`data` (sample, step, neuron), `dt`) or EventData (`idx`
and `time` (sample, event), -1 and inf where there is none; `n_neurons`, `t_max`).
"""

# h5py has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import h5py
import numpy as np

from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput
from nir_io.limits import Limits
from nir_io.raw import printable

SPIKES = ("spikes", "input")  # names of the observable, best first


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Observed:
    """Spikes of a node: on a grid (sample, step, neuron), or as times in seconds and indices."""

    neurons: int
    grid: Array | None = None
    index: Array | None = None
    time: Array | None = None
    until: float = 0.0

    def binned(self, dt: float | None, steps: int | None) -> Array:
        """The events counted step by step: (sample, step, neuron)."""
        assert dt is not None and self.index is not None and self.time is not None
        total = steps or max(1, int(np.ceil(self.until / dt - 1e-9)))
        out = np.zeros((len(self.index), total, self.neurons), np.uint16)
        there = (self.index >= 0) & np.isfinite(self.time) & (self.time >= 0)
        sample, _ = np.nonzero(there)
        step = np.floor(self.time[there] / dt + 1e-9).astype(np.int64)
        kept = step < total
        np.add.at(out, (sample[kept], step[kept], self.index[there][kept].astype(np.int64)), 1)
        return out


def observed(path: Path, limits: Limits) -> dict[str, Observed]:
    """The spikes of each node. Raises BadInput."""
    shown = printable(str(path), 200)
    try:
        with h5py.File(path, "r") as file:
            if _kind(file) != "NIRGraphData":
                raise BadInput(
                    [f"{shown}: is HDF5 but no NIR data file (nir.write_data); is it a network?"]
                )
            return _nodes(file, shown, limits)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        line = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInput([f"{shown}: is a damaged NIR data file: {printable(line, 200)}"]) from error


def _kind(group: h5py.HLObject) -> str:
    found = group.attrs.get("__type__", "")
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)


def _nodes(file: h5py.File, shown: str, limits: Limits) -> dict[str, Observed]:
    out: dict[str, Observed] = {}
    left = limits.elements
    nodes = _group(file, "nodes")
    for name in map(str, nodes):
        node = _child(nodes, name)
        if _kind(node) != "NIRNodeData":
            continue  # a nested graph: not an input of the network
        held = _group(node, "observables")
        key = next((k for k in (*SPIKES, *map(str, held)) if k in held), None)
        if key is None:
            continue
        group = _child(held, key)
        where = f"{shown}: nodes/{printable(name)}/{printable(key)}"
        found, used = _observable(group, where, left, limits)
        left -= used
        out[name] = found
    return out


def _observable(
    group: h5py.HLObject, where: str, left: int, limits: Limits
) -> tuple[Observed, int]:
    kind = _kind(group)
    keys = {"TimeGriddedData": ("data",), "EventData": ("idx", "time")}.get(kind)
    if keys is None:
        raise BadInput([f"{where}: is {printable(kind) or 'of no kind'}; expected spikes"])
    sets = [_set(group, key) for key in keys]
    dims = 3 if kind == "TimeGriddedData" else 2
    for data in sets:
        if data.ndim != dims or data.dtype.kind not in "buif" or data.is_virtual or data.external:
            raise BadInput([f"{where}: has the shape {data.shape} and type {data.dtype}"])
    used = sum(prod(data.shape) for data in sets)
    neurons = int(sets[0].shape[2]) if dims == 3 else int(_attribute(group, "n_neurons"))
    if used > left or not 0 < neurons <= limits.elements:
        raise BadInput(
            [
                f"{where}: declares {used:,} values; all together may be {limits.elements:,}: raise "
                "it with --limit elements=N"
            ]
        )
    values = [data[()] for data in sets]
    if dims == 3:
        return Observed(neurons=neurons, grid=values[0]), used
    index, time = values
    if index.shape != time.shape or index.max(initial=-1) >= neurons:
        raise BadInput([f"{where}: idx and time do not match, or an idx is not below {neurons}"])
    until = float(_attribute(group, "t_max"))
    if not 0 < until < 1e9:
        raise BadInput([f"{where}: t_max is {until}; expected seconds"])
    return Observed(neurons=neurons, index=index, time=time, until=until), used


def _attribute(holder: h5py.HLObject, key: str) -> str | float:
    found = np.asarray(holder.attrs[key])
    if found.ndim:
        raise ValueError(f"'{key}' is no single value")
    return found.item()


def _group(parent: h5py.HLObject, key: str) -> h5py.Group:
    found = _child(parent, key)
    if not isinstance(found, h5py.Group):
        raise ValueError(f"'{key}' is no group")
    return found


def _set(parent: h5py.HLObject, key: str) -> h5py.Dataset:
    found = _child(parent, key)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"'{key}' is no data set")
    return found


def _child(parent: h5py.HLObject, key: str) -> h5py.HLObject:
    """A member that lies in the file itself."""
    if isinstance(parent, h5py.Group) and isinstance(parent.get(key, getlink=True), h5py.HardLink):
        return parent[key]
    raise ValueError(f"'{key}' is missing, or a link out of its place")
