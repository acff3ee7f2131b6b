"""Loihi 2 as Lava's fixed-point model computes it, bit by bit.

Equations: lava-nc 0.10, tag `fixed_pt`: LIF, LIFReset, ATRLIF, Dense, Sparse, DelayDense,
DelaySparse, Conv. Step t = 1, 2, ...; every connection delays by one step:

    a = sum of what the connections give            (32 bits, wraps)
    u = trunc(u (4095 - du) / 4096) + 64 a          (24 bits, wraps once)
    v = trunc(v (4096 - dv) / 4096) + u + bias      (saturates at +-(2^23 - 1))
    spike where v > 64 vth, and there v = 0
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mapper.emulate.record import Record
from mapper.emulate.steps import Wire, check_names, flat_inputs, simulate
from mapper.families.loihi2.neurons import AtrLif, Lif
from mapper.families.loihi2.synapses import Conv, Dense, SignMode, stored_weights
from nir_io.arrays import AnyArray as Array
from nir_io.errors import BadInput

__all__ = ["AtrLif", "Conv", "Dense", "Lif", "Network", "SignMode", "run", "stored_weights"]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Layers and what connects them. Names are free, one for each layer and input.

    A layer cut into slices is several layers; give their connections `sign_mode`.
    """

    layers: tuple[Lif | AtrLif, ...]
    connections: tuple[Dense | Conv, ...]

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        ends = [(c.source, c.target) for c in self.connections]
        inputs = [source for source, _ in ends if source not in names]
        said = check_names(names, set(inputs), ends)
        for part in (*self.layers, *self.connections):
            said += part.findings()
        if not said:
            said += _size_findings(self.layers, self.connections)
        if said:
            raise BadInput(said)

    def inputs(self) -> dict[str, int]:
        """The name of each input, and its number of channels."""
        names = {layer.name for layer in self.layers}
        return {c.source: c.sizes[1] for c in self.connections if c.source not in names}


def _size_findings(
    layers: Sequence[Lif | AtrLif], connections: Sequence[Dense | Conv]
) -> list[str]:
    sizes: dict[str, int] = {layer.name: layer.size for layer in layers}
    said: list[str] = []
    for connection in connections:
        rows, columns = connection.sizes
        for name, size in ((connection.target, rows), (connection.source, columns)):
            if sizes.setdefault(name, size) != size:
                said.append(
                    f"'{connection.source}' to '{connection.target}': weights for {size} neurons "
                    f"of '{name}', which has {sizes[name]}"
                )
    return said


def run(
    network: Network,
    inputs: Mapping[str, Array],
    *,
    record: Collection[str] | None = None,
    states: Collection[str] = (),
) -> Record:
    """Spikes of each layer, step by step.

    inputs: name -> integers (sample, step, channels...), 0 or 1 unless `graded`.
    record: layers whose spikes are kept, all if None.
    states: layers whose states are kept: `u` and `v`, of ATRLIF `theta` and `r` too.
    Raises BadInput where inputs do not fit the network.
    """
    flat, samples, steps = flat_inputs(inputs, network.inputs())
    sizes = {layer.name for layer in network.layers}
    wires: list[Wire] = []
    for connection in network.connections:
        peak = 1
        if connection.source not in sizes and flat[connection.source].size:
            peak = int(np.abs(flat[connection.source].astype(np.int64)).max())
        wires += connection.wires(peak)
    return simulate(
        network.layers,
        wires,
        flat,
        samples,
        steps,
        drive_type=np.int32,
        record=record,
        states=states,
    )
