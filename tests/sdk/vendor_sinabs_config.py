"""Writes the SpeckConfiguration that sinabs makes of a NIR file, read back from a stand-in samna.

    python vendor_sinabs_config.py MODEL.nir CONFIG.npz

Started with the Python of sinabs' environment. sinabs 3.1.3 takes one threshold a layer, so
per-neuron arrays are cut to their first element, as the NIR paper's own script does.
CONFIG.npz: `core` (layer,) and for each layer i its fields under `i field`.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.handoff import samna_recorder


def plain(value: Any) -> Any:
    """Python's own numbers for numpy's and torch's."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value.item() if hasattr(value, "item") else value


def install() -> None:
    """The stand-in as samna, with the names that sinabs looks up while it is imported."""
    # sinabs hands over numpy's integers and a tensor as a flag, which samna's binding converts.
    for kind in (samna_recorder.CnnLayer, samna_recorder.Destination):
        for name, (check, default) in list(kind.FIELDS.items()):
            if check is not None:
                kind.FIELDS[name] = (lambda value, check=check: check(plain(value)), default)
    for chip in ("speck2e", "speck2f"):
        sys.modules.update(samna_recorder.Recorder(chip).modules)
    samna: Any = sys.modules["samna"]
    samna.device.DeviceInfo = object
    for chip in ("speck2e", "speck2f"):
        setattr(samna, chip, sys.modules[f"samna.{chip}"])
    sys.modules["samnagui"] = types.ModuleType("samnagui")


def layers(config: Any) -> dict[str, Any]:
    """The used cores in order of signal flow, every field."""
    used = [i for i, layer in enumerate(config.cnn_layers) if layer.dimensions is not None]
    sent = {end.layer for i in used for end in config.cnn_layers[i].destinations if end.enable}
    order = [next(i for i in used if i not in sent)]
    while len(order) < len(used):
        ends = config.cnn_layers[order[-1]].destinations
        order.append(next(end.layer for end in ends if end.enable))
    found: dict[str, Any] = {"core": np.array(order)}
    for number, core in enumerate(order):
        layer = config.cnn_layers[core]
        d = layer.dimensions
        found[f"{number} dimensions"] = [
            [d[end]["feature_count"], d[end]["size"]["y"], d[end]["size"]["x"]]
            for end in ("input_shape", "output_shape")
        ]
        for key in ("stride", "padding"):
            found[f"{number} {key}"] = [d[key]["y"], d[key]["x"]]
        found[f"{number} kernel_size"] = d["kernel_size"]
        for key in samna_recorder.CnnLayer.FIELDS:
            if key not in ("dimensions", "destinations"):
                found[f"{number} {key}"] = getattr(layer, key)
        found[f"{number} destinations"] = [
            [end.layer, end.pooling, end.feature_shift] for end in layer.destinations if end.enable
        ]
    return {key: np.asarray(value) for key, value in found.items()}


def main() -> None:
    install()
    import nir
    import torch
    from sinabs.backend.dynapcnn import DynapcnnNetwork
    from sinabs.layers import IAFSqueeze
    from sinabs.nir import from_nir

    graph = nir.read(sys.argv[1])
    shape = next(iter(graph.nodes["input"].input_type.values()))
    network = from_nir(graph, batch_size=1)
    modules, after = dict(network.named_children()), dict(graph.edges)
    stages, at = [], after["input"]
    while at != "output":  # sinabs' own order is that of names, not of signal flow
        stages.append(modules[at])
        at = after[at]
    for stage in stages:
        if isinstance(stage, IAFSqueeze):
            stage.spike_threshold = torch.nn.Parameter(stage.spike_threshold.flatten()[:1])
            stage.min_v_mem = torch.nn.Parameter(stage.min_v_mem.flatten()[:1])
    made = DynapcnnNetwork(
        torch.nn.Sequential(*stages), input_shape=tuple(map(int, shape)), discretize=True
    )
    config = made.make_config(device="speck2fmodule:0")
    np.savez(sys.argv[2], **layers(config))


if __name__ == "__main__":
    main()
