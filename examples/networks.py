"""Small networks as an exporter would write them, made with the nir package.

Every number comes from a fixed seed. Each function returns an nir.NIRGraph; the update rule
that it was made for, which NIR cannot say, stands in SEMANTICS.
"""

from __future__ import annotations

from itertools import pairwise

import nir
import numpy as np
from numpy.random import Generator, default_rng

DT = 1e-3  # seconds a step, of the networks with time constants

SEMANTICS: dict[str, dict[str, object]] = {
    "cnn_if": {"semantics": "sinabs"},
    "cnn_if_wide": {"semantics": "sinabs"},
    "cnn_if_deep": {"semantics": "sinabs"},
    "cnn_if_heavy": {"semantics": "sinabs"},
    "residual_if": {"semantics": "sinabs"},
    "mlp_lif": {"file_dt": DT, "reset": "subtract"},
    "srnn_cuba": {"file_dt": DT, "reset": "subtract"},
    "skip_cuba": {"file_dt": DT, "reset": "subtract"},
}


def cnn_if() -> nir.NIRGraph:
    """Four layers on 2 x 32 x 32 events: convolutions, IF neurons, sum pooling, a dense end."""
    rng = default_rng(1)
    return chain(
        nir.Input({"input": np.array([2, 32, 32])}),
        conv(rng, (2, 32, 32), 8, stride=2),
        spikes((8, 16, 16)),
        conv(rng, (8, 16, 16), 12),
        spikes((12, 16, 16)),
        pool(2),
        conv(rng, (12, 8, 8), 16),
        spikes((16, 8, 8)),
        pool(2),
        flatten((16, 4, 4)),
        dense(rng, 256, 10),
        spikes((10,)),
        nir.Output({"output": np.array([10])}),
    )


def cnn_if_wide() -> nir.NIRGraph:
    """Its first layer has 81,920 neurons, more than any core of a Speck holds."""
    rng = default_rng(2)
    return chain(
        nir.Input({"input": np.array([2, 64, 64])}),
        conv(rng, (2, 64, 64), 20),
        spikes((20, 64, 64)),
        pool(4),
        conv(rng, (20, 16, 16), 16),
        spikes((16, 16, 16)),
        pool(4),
        flatten((16, 4, 4)),
        dense(rng, 256, 11),
        spikes((11,)),
        nir.Output({"output": np.array([11])}),
    )


def cnn_if_deep() -> nir.NIRGraph:
    """Ten convolutions in a row: one more than a Speck has cores."""
    rng = default_rng(3)
    nodes: list[nir.NIRNode] = [nir.Input({"input": np.array([2, 16, 16])})]
    channels = 2
    for _ in range(10):
        nodes += [conv(rng, (channels, 16, 16), 4), spikes((4, 16, 16))]
        channels = 4
    return chain(*nodes, nir.Output({"output": np.array([4, 16, 16])}))


def cnn_if_heavy() -> nir.NIRGraph:
    """Its second layer has 147,456 weights; however it is split, too few cores hold a part."""
    rng = default_rng(8)
    return chain(
        nir.Input({"input": np.array([2, 8, 8])}),
        conv(rng, (2, 8, 8), 128),
        spikes((128, 8, 8)),
        conv(rng, (128, 8, 8), 128),
        spikes((128, 8, 8)),
        nir.Output({"output": np.array([128, 8, 8])}),
    )


def residual_if() -> nir.NIRGraph:
    """A layer that reads the one before it and the one before that."""
    rng = default_rng(4)
    shape = (8, 16, 16)
    nodes = {
        "input": nir.Input({"input": np.array([2, 16, 16])}),
        "conv1": conv(rng, (2, 16, 16), 8),
        "if1": spikes(shape),
        "conv2": conv(rng, shape, 8),
        "if2": spikes(shape),
        "conv3": conv(rng, shape, 8),
        "skip": conv(rng, shape, 8, kernel=1),
        "if3": spikes(shape),
        "output": nir.Output({"output": np.array(shape)}),
    }
    edges = [
        ("input", "conv1"),
        ("conv1", "if1"),
        ("if1", "conv2"),
        ("conv2", "if2"),
        ("if2", "conv3"),
        ("conv3", "if3"),
        ("if1", "skip"),
        ("skip", "if3"),
        ("if3", "output"),
    ]
    return nir.NIRGraph(nodes, edges)


def mlp_lif() -> nir.NIRGraph:
    """Random LIF features of 16 channels, read by three LIF neurons that were trained.

    The task: which third of the channels is busiest. The read-out is fitted by ridge
    regression to the rates of the features, which is enough for it.
    """
    rng = default_rng(5)
    hidden = rng.normal(0.0, 0.5, (48, 16))
    busy = rng.integers(0, 3, 600)
    rates = rng.uniform(0.0, 0.2, (600, 16))
    for label in range(3):
        rates[np.ix_(busy == label, range(5 * label, 5 * label + 5))] += 0.4
    features = np.maximum(rates @ hidden.T, 0.0)
    wanted = np.eye(3)[busy]
    gram = features.T @ features + 1.0 * np.eye(48)
    readout = np.linalg.solve(gram, features.T @ wanted).T
    return chain(
        nir.Input({"input": np.array([16])}),
        nir.Linear(hidden),
        leaky(48, steps=16),
        nir.Linear(readout / np.abs(readout).max()),
        leaky(3, steps=32),
        nir.Output({"output": np.array([3])}),
    )


def srnn_cuba() -> nir.NIRGraph:
    """12 inputs, 32 recurrent CubaLIF neurons, 7 outputs; decays that a bit shift can make."""
    rng = default_rng(6)
    nodes = {
        "input": nir.Input({"input": np.array([12])}),
        "w_in": nir.Linear(rng.normal(0.0, 0.35, (32, 12))),
        "hidden": synaptic(32, synapse=4, membrane=16),
        "w_rec": nir.Linear(rng.normal(0.0, 0.08, (32, 32)) * (rng.random((32, 32)) < 0.5)),
        "w_out": nir.Linear(rng.normal(0.0, 0.2, (7, 32))),
        "readout": synaptic(7, synapse=4, membrane=16),
        "output": nir.Output({"output": np.array([7])}),
    }
    edges = [
        ("input", "w_in"),
        ("w_in", "hidden"),
        ("hidden", "w_rec"),
        ("w_rec", "hidden"),
        ("hidden", "w_out"),
        ("w_out", "readout"),
        ("readout", "output"),
    ]
    return nir.NIRGraph(nodes, edges)


def skip_cuba() -> nir.NIRGraph:
    """Five outputs that read the input and, one layer later, 24 hidden neurons."""
    rng = default_rng(7)
    nodes = {
        "input": nir.Input({"input": np.array([8])}),
        "w_in": nir.Linear(rng.normal(0.0, 0.5, (24, 8))),
        "hidden": synaptic(24, synapse=2, membrane=16),
        "w_out": nir.Linear(rng.normal(0.0, 0.3, (5, 24))),
        "w_skip": nir.Linear(rng.normal(0.0, 0.3, (5, 8))),
        "readout": synaptic(5, synapse=2, membrane=16),
        "output": nir.Output({"output": np.array([5])}),
    }
    edges = [
        ("input", "w_in"),
        ("w_in", "hidden"),
        ("hidden", "w_out"),
        ("w_out", "readout"),
        ("input", "w_skip"),
        ("w_skip", "readout"),
        ("readout", "output"),
    ]
    return nir.NIRGraph(nodes, edges)


NETWORKS = {
    made.__name__: made
    for made in (
        cnn_if,
        cnn_if_wide,
        cnn_if_deep,
        cnn_if_heavy,
        residual_if,
        mlp_lif,
        srnn_cuba,
        skip_cuba,
    )
}


def chain(*nodes: nir.NIRNode) -> nir.NIRGraph:
    """The nodes in a row, named input, 0, 1, ..., output as sinabs does."""
    names = ["input", *(str(i) for i in range(len(nodes) - 2)), "output"]
    return nir.NIRGraph(dict(zip(names, nodes, strict=True)), list(pairwise(names)))


def conv(
    rng: Generator, shape: tuple[int, int, int], channels: int, kernel: int = 3, stride: int = 1
) -> nir.Conv2d:
    """A convolution that keeps the map's size (halves it with stride 2), no bias."""
    fan_in = shape[0] * kernel * kernel
    weight = rng.normal(0.06, 1.0 / np.sqrt(fan_in), (channels, shape[0], kernel, kernel))
    return nir.Conv2d(
        input_shape=shape[1:],
        weight=weight,
        stride=stride,
        padding=kernel // 2,
        dilation=1,
        groups=1,
        bias=np.zeros(channels),
    )


def dense(rng: Generator, inputs: int, outputs: int) -> nir.Linear:
    """A fully connected layer, (out, in)."""
    return nir.Linear(rng.normal(0.02, 1.0 / np.sqrt(inputs), (outputs, inputs)))


def pool(side: int) -> nir.SumPool2d:
    """Sums over squares."""
    square = np.array([side, side])
    return nir.SumPool2d(kernel_size=square, stride=square, padding=np.array([0, 0]))


def flatten(shape: tuple[int, ...]) -> nir.Flatten:
    """All dimensions to one."""
    return nir.Flatten({"input": np.array(shape)}, start_dim=0, end_dim=-1)


def spikes(shape: tuple[int, ...]) -> nir.IF:
    """IF neurons with a threshold of 1."""
    return nir.IF(r=np.ones(shape), v_threshold=np.ones(shape), v_reset=np.zeros(shape))


def leaky(n: int, steps: int) -> nir.LIF:
    """LIF neurons that take `steps` steps to forget; r makes one input of 1 add 1."""
    return nir.LIF(
        tau=np.full(n, steps * DT),
        r=np.full(n, float(steps)),
        v_leak=np.zeros(n),
        v_threshold=np.ones(n),
        v_reset=np.zeros(n),
    )


def synaptic(n: int, synapse: int, membrane: int) -> nir.CubaLIF:
    """CubaLIF neurons; time constants in steps."""
    return nir.CubaLIF(
        tau_syn=np.full(n, synapse * DT),
        tau_mem=np.full(n, membrane * DT),
        r=np.full(n, float(membrane)),
        v_leak=np.zeros(n),
        v_threshold=np.ones(n),
        v_reset=np.zeros(n),
        w_in=np.full(n, float(synapse)),
    )
