"""The NIR paper's networks with the plainest numbers that each chip stores.

Scaled by the largest weight and rounded; what they are for is speed, not accuracy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mapper.families.loihi2 import emulate as loihi2
from mapper.families.spinnaker2 import emulate as spinnaker2
from nir_io.graph import IF, Affine, Conv2d, CubaLIF, Graph, Linear
from nir_io.reader import read
from tests.corpus import CORPUS

DT = 1e-4  # seconds; what the Braille networks' time constants are written for
Case = dict[str, Any]


def braille(name: str) -> tuple[Graph, Any]:
    """The network, and real recordings (sample, step, taxel)."""
    graph = read(CORPUS / "paper" / "current" / f"{name}.nir")
    with np.load(CORPUS / "paper" / "reference" / "braille7_real.npz") as stored:
        bits = np.unpackbits(stored["packed"], axis=1)[:, : 256 * 12]
    return graph, bits.reshape(-1, 256, 12)


def saccades() -> tuple[Graph, Any]:
    """The paper's CNN, and simulated saccades (sample, step, polarity, y, x)."""
    graph = read(CORPUS / "paper" / "current" / "cnn_sinabs.nir")
    with np.load(CORPUS / "paper" / "reference" / "cnn_sinabs_saccades.npz") as stored:
        raster = np.zeros(stored["shape"], np.uint8)
        raster[tuple(stored["events"].astype(int))] = stored["counts"]
    return graph, raster


def weights(graph: Graph, name: str) -> Any:
    node = graph.nodes[name]
    if not isinstance(node, (Linear, Affine, Conv2d)):
        raise TypeError(f"'{name}' is a {node.kind} and has no weights")
    return node.weight


def decays(graph: Graph, name: str) -> tuple[float, float, float]:
    """dt/tau of synapse and membrane, and the threshold over the gain of both."""
    node = graph.nodes[name]
    if not isinstance(node, CubaLIF):
        raise TypeError(f"'{name}' is a {node.kind}")
    syn, mem = DT / float(node.tau_syn.mean()), DT / float(node.tau_mem.mean())
    gain = syn * float(node.w_in.mean()) * mem * float(node.r.mean())
    return syn, mem, float(node.v_threshold.mean()) / gain


LINKS = (("fc1", "x", "h"), ("lif1.w_rec", "h", "h"), ("fc2", "h", "o"))


def loihi2_braille(graph: Graph, mantissa: int = 1024) -> Case:
    """A case for Lava: threshold mantissa 1024, weights rounded to even numbers."""
    layers: list[Case] = []
    scale: dict[str, float] = {}
    for name, node in (("h", "lif1.lif"), ("o", "lif2")):
        syn, mem, threshold = decays(graph, node)
        size = graph.nodes[node].shape_out[0]
        scale[name] = mantissa / threshold
        values = {"du": round(4096 * syn) - 1, "dv": round(4096 * mem), "vth": mantissa}
        layers.append({"name": name, "shape": [size], "kind": "lif"} | values)
    connections: list[Case] = []
    for node, source, target in LINKS:
        scaled = weights(graph, node) * scale[target]
        exponent = max(0, int(np.ceil(np.log2(np.abs(scaled).max() / 254))))
        integers = 2 * np.rint(scaled / 2**exponent / 2).astype(np.int64)
        connections.append(
            {
                "kind": "dense",
                "source": source,
                "target": target,
                "weights": integers,
                "weight_exp": exponent,
                "weight_bits": 8,
                "sign_mode": "mixed",
                "graded": False,
                "delays": None,
            }
        )
    return {"layers": layers, "connections": connections, "bare": True}


def xylo_braille(graph: Graph) -> Case:
    """A case for xylosim: one synapse, shift 5, thresholds to match."""
    shift = 5
    given: Case = {"core": 2, "bias": None, "bias_out": None, "aliases": None}
    for key in ("weight_shift_in", "weight_shift_rec", "weight_shift_out"):
        given[key] = shift
    for suffix, node, names in (
        ("", "lif1.lif", ("fc1", "lif1.w_rec")),
        ("_out", "lif2", ("fc2",)),
    ):
        syn, mem, threshold = decays(graph, node)
        size = graph.nodes[node].shape_out[0]
        scale = 127 / max(float(np.abs(weights(graph, name)).max()) for name in names)
        given[f"dash_syn{suffix}"] = np.full(size, max(1, round(-np.log2(syn))))
        given[f"dash_mem{suffix}"] = np.full(size, round(-np.log2(mem)))
        given[f"threshold{suffix}"] = np.full(size, min(32767, round(threshold * scale * 2**shift)))
        for name in names:
            key = {"fc1": "weights_in", "lif1.w_rec": "weights_rec", "fc2": "weights_out"}[name]
            given[key] = np.rint(weights(graph, name) * scale).astype(np.int64).T
    given["weights_in"] = given["weights_in"][:, :, None]
    given["weights_rec"] = given["weights_rec"][:, :, None]
    given["dash_syn"] = given["dash_syn"][:, None]
    return given


def spinnaker2_braille(graph: Graph) -> spinnaker2.Network:
    populations: list[spinnaker2.Population] = []
    projections: list[spinnaker2.Projection] = []
    for name, node in (("h", "lif1.lif"), ("o", "lif2")):
        syn, mem, threshold = decays(graph, node)
        into = [weights(graph, link) for link, _, target in LINKS if target == name]
        scale = 127 / max(float(np.abs(w).max()) for w in into)
        populations.append(
            spinnaker2.Population(
                name=name,
                size=graph.nodes[node].shape_out[0],
                model="lif_curr_exp_no_delay",
                threshold=threshold * scale,
                alpha_decay=1 - mem,
                exc_decay=1 - syn,
                inh_decay=1 - syn,
            )
        )
        projections += [
            spinnaker2.Projection(
                source=source,
                target=target,
                weights=np.rint(weights(graph, link) * scale).astype(np.int64),
            )
            for link, source, target in LINKS
            if target == name
        ]
    return spinnaker2.Network(tuple(populations), tuple(projections))


# The CNN: weights, neurons, the map that is read and the pool before it.
CNN = (
    ("0", "1", (2, 34, 34), 1),
    ("2", "3", (16, 16, 16), 1),
    ("5", "6", (16, 8, 8), 2),
    ("9", "10", (8, 4, 4), 2),
    ("11", "12", (256, 1, 1), 1),
)


def cnn_layers(graph: Graph) -> list[Case]:
    """The CNN's layers as int8 convolutions with their thresholds."""
    layers: list[Case] = []
    for weight, neuron, shape, pool in CNN:
        node, fires = graph.nodes[weight], graph.nodes[neuron]
        if not isinstance(fires, IF):
            raise TypeError(f"'{neuron}' is a {fires.kind}")
        values = weights(graph, weight).reshape(fires.shape_out[0], shape[0], -1)
        side = round(values.shape[2] ** 0.5)
        scale = 127 / float(np.abs(values).max())
        conv = isinstance(node, Conv2d)
        layers.append(
            {
                "kernel": np.rint(values * scale)
                .astype(np.int64)
                .reshape(*values.shape[:2], side, side),
                "shape": shape,
                "stride": list(node.stride) if conv else [1, 1],
                "padding": [node.padding[0], node.padding[2]] if conv else [0, 0],
                "threshold": round(float(fires.v_threshold.mean()) * scale),
                "pool": pool,
            }
        )
    return layers


def speck_cnn(graph: Graph) -> Case:
    """A case for sinabs: the pool after a layer is that before the next."""
    layers = cnn_layers(graph)
    pools = [*(layer["pool"] for layer in layers[1:]), 1]
    for layer, pool in zip(layers, pools, strict=True):
        layer |= {"pool": pool, "lower": -layer["threshold"], "reset": "subtract"}
    return {"cores": layers}


def loihi2_cnn(graph: Graph) -> Case:
    """A case for Lava: (x, y, channel) maps; pools are folded into the next kernel."""
    layers: list[Case] = []
    connections: list[Case] = []
    shape: tuple[int, int, int] = (34, 34, 2)
    for index, layer in enumerate(cnn_layers(graph)):
        pool = layer["pool"]
        kernel = layer["kernel"].repeat(pool, axis=2).repeat(pool, axis=3)
        values: Case = {
            "source": f"c{index - 1}" if index else "x",
            "target": f"c{index}",
            "kernel": np.ascontiguousarray(kernel.transpose(0, 3, 2, 1)[:, ::-1, ::-1]),
            "shape": shape,
            "stride": (layer["stride"][1] * pool, layer["stride"][0] * pool),
            "padding": (layer["padding"][1] * pool, layer["padding"][0] * pool),
            "dilation": (1, 1),
        }
        shape = loihi2.Conv(**values).out_shape
        connections.append({"kind": "conv", "groups": 1, "graded": False} | values)
        neurons = {"du": 4095, "dv": 0, "vth": layer["threshold"]}
        layers.append({"name": f"c{index}", "shape": list(shape), "kind": "lif"} | neurons)
    return {"layers": layers, "connections": connections, "bare": True}


def spinnaker2_cnn(graph: Graph) -> spinnaker2.Network:
    populations: list[spinnaker2.Population] = []
    projections: list[spinnaker2.ConvProjection] = []
    shape: Any = (2, 34, 34)
    for index, layer in enumerate(cnn_layers(graph)):
        top, left = layer["padding"]
        projection = spinnaker2.ConvProjection(
            source=f"c{index - 1}" if index else "x",
            target=f"c{index}",
            kernel=layer["kernel"].swapaxes(0, 1),
            shape=shape,
            stride=tuple(layer["stride"]),
            pool=(layer["pool"],) * 2,
            padding=(top, top, left, left),
        )
        shape = projection.out_shape
        projections.append(projection)
        populations.append(
            spinnaker2.Population(
                name=f"c{index}",
                size=int(np.prod(shape)),
                model="lif_conv2d",
                threshold=float(layer["threshold"]),
                alpha_decay=1.0,
                reset="reset_by_subtraction",
            )
        )
    return spinnaker2.Network(tuple(populations), tuple(projections))
