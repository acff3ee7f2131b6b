"""Loihi 2: bit by bit what Lava's fixed-point model gives, however the network is cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.emulate.exact import Sparse
from mapper.families.loihi2.emulate import AtrLif, Conv, Dense, Lif, Network, run, stored_weights
from nir_io.errors import BadInput
from tests.emulate import golden
from tests.emulate.mutants import LOIHI2, load
from tests.sdk.compare import loihi2_pairs
from tests.sdk.loihi2_networks import network, random_case

TRACES = golden.traces("lava")


def test_every_spike_and_state_of_lava_is_reproduced() -> None:
    spikes = 0
    for both in TRACES:
        for name, (mine, theirs) in loihi2_pairs(both["case"], both["result"]).items():
            assert np.array_equal(mine, theirs), name
            spikes += int(theirs.sum()) if name.endswith(".s") else 0
    assert len(TRACES) >= 15 and spikes > 300


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("mutation", LOIHI2, ids=lambda mutation: mutation.label)
def test_lava_s_traces_catch_a_wrong(mutation: Any) -> None:
    module = load("loihi2", mutation)
    assert any(differs(both, module) for both in TRACES)


def differs(both: dict[str, Any], module: Any) -> bool:
    try:
        pairs = loihi2_pairs(both["case"], both["result"], module)
    except (ValueError, BadInput):
        return True
    return any(not np.array_equal(mine, theirs) for mine, theirs in pairs.values())


def single_lif(trace: Any) -> Any:
    """The NIR paper's single neuron with the numbers of its Lava script."""
    net = Network(
        (Lif(name="n", size=1, du=4095, dv=163, vth=25),),
        (Dense(source="x", target="n", weights=np.array([[10]])),),
    )
    return run(net, {"x": trace[None, :, :1].astype(int)}, states=["n"])


def test_the_published_trace_of_lava_on_a_cpu() -> None:
    trace = golden.published("loihi2_cpu")
    found = single_lif(trace)
    assert np.array_equal(found.spikes["n"][0, :, 0], trace[:, 2])
    assert np.array_equal(found.states["n"]["v"][0, :, 0], trace[:, 1])


def test_the_published_trace_of_the_chip_but_for_v_while_it_spikes() -> None:
    """The chip reads back 128 at the four spikes (its refractory counter, it seems), not 0."""
    trace = golden.published("loihi2_chip")
    found = single_lif(trace)
    assert np.array_equal(found.spikes["n"][0, :, 0], trace[:, 2])
    spiked = trace[:, 2] > 0
    v = found.states["n"]["v"][0, :, 0]
    assert np.array_equal(v[~spiked], trace[~spiked, 1])
    assert spiked.sum() == 4
    assert set(trace[spiked, 1]) == {128}


def sliced(net: Network, sizes: dict[str, list[int]]) -> Network:
    """Each layer cut into slices, and each dense connection into blocks."""
    parts: dict[str, list[tuple[str, slice]]] = {}
    for layer in net.layers:
        edges = np.cumsum([0, *sizes[layer.name]])
        parts[layer.name] = [
            (f"{layer.name}.{k}", slice(int(a), int(b))) for k, (a, b) in enumerate(pairwise(edges))
        ]
    layers: list[Any] = []
    for layer in net.layers:
        for name, part in parts[layer.name]:
            arrays = {
                key: getattr(layer, key)[part]
                for key in ("bias_mant", "bias_exp", "u", "v")
                if getattr(layer, key) is not None
            }
            layers.append(replace(layer, name=name, size=part.stop - part.start, **arrays))
    blocks: list[Any] = []
    for c in net.connections:
        assert isinstance(c, Dense) and not isinstance(c.weights, Sparse)
        for source, columns in parts.get(c.source, [(c.source, slice(None))]):
            for target, rows in parts[c.target]:
                delays = None if c.delays is None else c.delays[rows, columns]
                weights = c.weights[rows, columns]
                blocks.append(
                    replace(c, source=source, target=target, weights=weights, delays=delays)
                )
    return Network(tuple(layers), tuple(blocks))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_slices_give_the_spikes_of_the_whole(seed: int) -> None:
    draw = np.random.default_rng(seed)
    case = random_case(seed)
    net = network(case)
    if any(isinstance(c, Conv) or isinstance(c.weights, Sparse) for c in net.connections):
        return
    # A slice that happens to have one sign must not change its mode, and a sum that is
    # shifted to the right cannot be cut: both are rules for whoever cuts.
    fixed = [
        replace(
            c,
            weight_exp=max(0, c.weight_exp),
            sign_mode=c.sign_mode or loihi2_mode(c.weights),
        )
        for c in net.connections
    ]
    net = Network(net.layers, tuple(fixed))
    inputs = {"x": np.stack([case["inputs"]["x"]] * 2)}
    whole = run(net, inputs)
    sizes = {layer.name: cuts(draw, layer.size) for layer in net.layers}
    parts = run(sliced(net, sizes), inputs)
    for layer in net.layers:
        names = [f"{layer.name}.{k}" for k in range(len(sizes[layer.name]))]
        joined = np.concatenate([parts.spikes[name] for name in names], axis=2)
        assert np.array_equal(joined, whole.spikes[layer.name])


def loihi2_mode(weights: Any) -> Any:
    if weights.min() >= 0:
        return "excitatory"
    return "inhibitory" if weights.max() <= 0 else "mixed"


def cuts(draw: np.random.Generator, size: int) -> list[int]:
    """Sizes of one to three slices."""
    first = int(draw.integers(1, size + 1))
    second = int(draw.integers(0, size - first + 1))
    return [n for n in (first, second, size - first - second) if n]


def test_samples_are_independent_of_each_other_and_of_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(1)
    case = random_case(17)
    net, shape = network(case), case["inputs"]["x"].shape
    x = (draw.random((5, *shape)) < 0.4).astype(int)
    names = [layer.name for layer in net.layers]
    together = run(net, {"x": x}, states=names)
    monkeypatch.setattr("mapper.emulate.steps.CHUNK", 1)
    monkeypatch.setattr("mapper.emulate.exact.CELLS", 40)
    chunked = run(net, {"x": x}, states=names)
    for name in names:
        assert np.array_equal(together.spikes[name], chunked.spikes[name])
        alone = np.concatenate([run(net, {"x": row[None]}).spikes[name] for row in x])
        assert np.array_equal(together.spikes[name], alone)
        for variable, values in together.states[name].items():
            assert np.array_equal(values, chunked.states[name][variable])


def test_a_convolution_is_the_unrolled_matrix() -> None:
    draw = np.random.default_rng(2)
    conv = Conv(
        source="x",
        target="n",
        kernel=draw.integers(-100, 100, (4, 2, 3, 1)),
        shape=(6, 5, 2),
        stride=(2, 1),
        padding=(1, 2),
        dilation=(1, 2),
        groups=2,
    )
    size = conv.sizes[0]
    lif = Lif(name="n", size=size, du=2000, dv=500, vth=60)
    eye = np.eye(60, dtype=int).reshape(60, 1, 6, 5, 2)
    silent = replace(lif, vth=131071, du=4095, dv=4095)
    kicks = run(
        Network((silent,), (conv,)),
        {"x": np.concatenate([eye, np.zeros_like(eye)], axis=1)},
        states=["n"],
    )
    matrix = kicks.states["n"]["u"][:, 1].T // 64
    x = (draw.random((3, 30, 6, 5, 2)) < 0.3).astype(int)
    # Even weights: Lava drops the last bit of mixed ones, and of a convolution's nothing.
    doubled = replace(conv, kernel=2 * conv.kernel)
    dense = Dense(source="x", target="n", weights=2 * matrix, sign_mode="mixed")
    one, two = (run(Network((lif,), (c,)), {"x": x}).spikes["n"] for c in (doubled, dense))
    assert np.array_equal(one, two)
    assert one.sum() > 100


def test_subtraction_by_atrlif_is_exact_for_a_perfect_integrator() -> None:
    """x += i; spike if x >= T; x -= T, while v has room (it is never reset)."""
    draw = np.random.default_rng(3)
    threshold, steps = 200, 300
    weights = 2 * draw.integers(-20, 40, (6, 9))
    x = (draw.random((4, steps, 9)) < 0.2).astype(int)
    neuron = AtrLif(
        name="n",
        size=6,
        delta_i=4095,
        delta_v=0,
        delta_theta=0,
        delta_r=0,
        theta_0=threshold // 2,
        v=np.full(6, -threshold // 2 * 64),
    )
    found = run(Network((neuron,), (Dense(source="x", target="n", weights=weights),)), {"x": x})
    v = np.zeros((4, 6))
    for now in range(1, steps):
        v += x[:, now - 1] @ weights.T
        spikes = v >= threshold
        assert np.array_equal(found.spikes["n"][:, now], spikes)
        v -= threshold * spikes
    assert found.spikes["n"].sum() > 500


def test_a_large_sparse_matrix_equals_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    weights = draw.integers(-128, 128, (30, 50)) * 2 * (draw.random((30, 50)) < 0.2)
    rows, columns = np.nonzero(weights)
    sparse = Sparse(rows, columns, weights[rows, columns], (30, 50))
    lif = Lif(name="n", size=30, du=3000, dv=300, vth=300)
    x = draw.integers(0, 9, (4, 40, 50)) * (draw.random((4, 40, 50)) < 0.3)
    found: list[Any] = []
    for matrix, limit in ((weights, 2**20), (sparse, 2**20), (sparse, 0)):
        monkeypatch.setattr("mapper.emulate.exact.DENSE", limit)
        monkeypatch.setattr("mapper.emulate.exact.CELLS", 100)
        for graded in (False, True):
            dense = Dense(source="x", target="n", weights=matrix, sign_mode="mixed", graded=graded)
            found.append(run(Network((lif,), (dense,)), {"x": x}).spikes["n"])
    for index in range(2):
        assert np.array_equal(found[index], found[index + 2])
        assert np.array_equal(found[index], found[index + 4])
    assert found[0].sum() > 50 and not np.array_equal(found[0], found[1])


def test_weights_are_stored_as_the_facts_say() -> None:
    mixed = np.array([-3, -2, -1, 0, 1, 2, 3, 255, -256, 300])
    expected = [-4, -2, -2, 0, 0, 2, 2, 254, -256, 254]
    assert stored_weights(mixed, 8, "mixed").tolist() == expected
    inhibitory = np.array([-1, -15, -16, -17, -300])
    assert stored_weights(inhibitory, 4).tolist() == [0, 0, -16, -16, -240]
    assert stored_weights(np.array([1, 3, 255])).tolist() == [1, 3, 255]


def test_only_what_is_asked_for_is_kept() -> None:
    net = network(random_case(17))
    x = random_case(17)["inputs"]["x"][None]
    found = run(net, {"x": x}, record=["h0"])
    assert set(found.spikes) == {"h0"} and not found.states
    assert found.counts("h0").shape == (1, net.layers[0].size)


def test_what_does_not_fit_is_said_all_at_once() -> None:
    lif = Lif(name="n", size=2, du=4096, dv=-1, vth=5, bias_mant=np.zeros(3, int))
    dense = Dense(source="x", target="m", weights=np.ones((2, 3), int), weight_bits=9)
    with pytest.raises(BadInput, match=r"du is 4096; 0\.\.4095") as caught:
        Network((lif,), (dense,))
    said = "\n".join(caught.value.findings)
    for part in ("dv is -1", "bias_mant has shape (3,)", "ends at 'm'", "9 bits a weight"):
        assert part in said
    good = Network(
        (replace(lif, du=0, dv=0, bias_mant=None),),
        (Dense(source="x", target="n", weights=np.ones((2, 3), int)),),
    )
    with pytest.raises(BadInput, match="input 'x' is missing; given: y"):
        run(good, {"y": np.zeros((1, 2, 3), int)})
    with pytest.raises(BadInput, match="'x' has 4 channels; needed: 3"):
        run(good, {"x": np.zeros((1, 2, 4), int)})
    with pytest.raises(BadInput, match="no layer 'z'"):
        run(good, {"x": np.zeros((1, 2, 3), int)}, record=["z"])
    with pytest.raises(BadInput, match="weights for 3 neurons of 'n', which has 2"):
        Network(good.layers, (Dense(source="n", target="n", weights=np.ones((3, 3), int)),))
