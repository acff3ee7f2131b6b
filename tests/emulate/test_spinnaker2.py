"""SpiNNaker2: the published trace, and the tick order neuron by neuron."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mapper.emulate.exact import Sparse
from mapper.families.spinnaker2 import emulate as spinnaker2
from mapper.families.spinnaker2.emulate import ConvProjection, Network, Population, Projection, run
from nir_io.errors import BadInput
from tests.emulate import golden
from tests.emulate.mutants import SPINNAKER2, load

SEEDS = range(24)


def test_the_published_trace_of_one_lif() -> None:
    """Every spike, and v to float32's precision; the script stores the weight 102.02 as 102."""
    trace = golden.published("spinnaker2")
    scale = 102.02
    net = Network(
        (
            Population(
                name="n", size=1, model="lif_no_delay", threshold=2.5 * scale, alpha_decay=0.96
            ),
        ),
        (Projection(source="x", target="n", weights=np.array([[102]])),),
    )
    # The published file drops the first tick.
    raster = np.zeros((1, 1001, 1), int)
    raster[0, :1000, 0] = trace[:, 0]
    found = run(net, {"x": raster}, states=["n"])
    assert np.array_equal(found.spikes["n"][0, 1:, 0], trace[:, 2])
    assert trace[:, 2].sum() == 4
    v = found.states["n"]["v"][0, 1:, 0] / scale
    assert np.abs(v - trace[:, 1]).max() < 4e-7


def random_network(seed: int, module: Any = spinnaker2) -> tuple[Any, Any]:
    """Two populations with loops, delays, refractory periods; and its input."""
    draw = np.random.default_rng(seed)
    delayed, whole = bool(seed % 2), seed % 4 > 1
    # Whole numbers throughout meet the threshold exactly.
    model = "lif_curr_exp" if draw.random() < 0.7 and not whole else "lif"
    name = model if delayed else f"{model}_no_delay"
    sizes = {"x": int(draw.integers(2, 7)), "a": int(draw.integers(2, 7)), "b": 3}
    most = 15 if delayed else 127
    populations: list[Any] = []
    for pop in ("a", "b"):
        size = sizes[pop]
        decays = {
            key: draw.uniform(0.2, 0.9, size) if model == "lif_curr_exp" else 0.0
            for key in ("exc_decay", "inh_decay")
        }
        populations.append(
            module.Population(
                name=pop,
                size=size,
                model=name,
                threshold=10.0 if whole else float(draw.uniform(0.3, 2)) * most,
                alpha_decay=1.0 if whole else draw.uniform(0.5, 1.0, size),
                i_offset=draw.integers(0, 3, size) if whole else draw.uniform(-1, 3, size),
                v_init=draw.integers(-5, 5, size) if whole else draw.uniform(-5, 5, size),
                v_reset=float(draw.uniform(-3, 0)),
                reset=str(draw.choice(["reset_by_subtraction", "reset_to_v_reset"])),
                t_refrac=draw.integers(0, 4, size) if draw.random() < 0.4 else 0,
                **decays,
            )
        )
    projections: list[Any] = []
    for source, target in (("x", "a"), ("x", "b"), ("a", "a"), ("a", "b"), ("b", "a")):
        shape = (sizes[target], sizes[source])
        weights: Any = draw.integers(-most, most + 1, shape) * (draw.random(shape) < 0.8)
        delays: Any = draw.integers(0, 8, shape) if delayed else None
        if draw.random() < 0.4:
            rows, columns = np.nonzero(weights)
            delays = None if delays is None else delays[rows, columns]
            weights = Sparse(rows, columns, weights[rows, columns], shape)
        projections.append(
            module.Projection(source=source, target=target, weights=weights, delays=delays)
        )
    inputs = (draw.random((2, 40, sizes["x"])) < 0.3).astype(int)
    return module.Network(tuple(populations), tuple(projections)), inputs


def plain(net: Any, inputs: Any) -> dict[str, Any]:
    """Spikes and voltages, neuron by neuron, in float32 scalars."""
    one = np.float32
    samples, ticks = inputs.shape[:2]
    spikes = {"x": inputs} | {
        p.name: np.zeros((samples, ticks, p.size), int) for p in net.populations
    }
    volts = {p.name: np.zeros((samples, ticks, p.size), one) for p in net.populations}
    lists: dict[str, list[tuple[str, int, int, int, int]]] = {p.name: [] for p in net.populations}
    for projection in net.projections:
        weights, delays = projection.weights, projection.delays
        if isinstance(weights, Sparse):
            ends = list(zip(weights.target, weights.source, weights.weight, strict=True))
            waits = np.zeros(len(ends), int) if delays is None else delays
        else:
            ends = [(r, c, weights[r, c]) for r, c in np.ndindex(weights.shape)]
            waits = np.zeros(len(ends), int) if delays is None else delays.reshape(-1)
        lists[projection.target] += [
            (projection.source, int(r), int(c), int(w), 1 + int(d))
            for (r, c, w), d in zip(ends, waits, strict=True)
        ]
    for sample in range(samples):
        for p in net.populations:
            p_size = p.size
            volts[p.name][sample, -1] = np.broadcast_to(p.v_init, p_size)
        current = {p.name: np.zeros((2, p.size), one) for p in net.populations}
        timer = {p.name: np.zeros(p.size, int) for p in net.populations}
        state = {p.name: np.array(np.broadcast_to(p.v_init, p.size), one) for p in net.populations}
        for now in range(ticks):
            for p in net.populations:
                arrived = np.zeros((2, p.size), int)
                for source, r, c, w, delay in lists[p.name]:
                    if now >= delay and spikes[source][sample, now - delay, c]:
                        arrived[0 if w >= 0 else 1, r] += abs(w)
                for n in range(p.size):
                    get = {
                        key: one(np.broadcast_to(getattr(p, key), p.size)[n])
                        for key in ("threshold", "alpha_decay", "i_offset", "v_reset")
                    }
                    for kind, key in enumerate(("exc_decay", "inh_decay")):
                        keep = one(np.broadcast_to(getattr(p, key), p.size)[n])
                        current[p.name][kind, n] = current[p.name][kind, n] * keep + one(
                            arrived[kind, n]
                        )
                    v = state[p.name][n]
                    if timer[p.name][n] > 0:
                        timer[p.name][n] -= 1
                    else:
                        v = v * get["alpha_decay"]
                        v = v + current[p.name][0, n]
                        v = v - current[p.name][1, n]
                        v = v + get["i_offset"]
                    if v >= get["threshold"]:
                        spikes[p.name][sample, now, n] = 1
                        subtract = p.reset == "reset_by_subtraction"
                        v = v - get["threshold"] if subtract else get["v_reset"]
                        timer[p.name][n] = np.broadcast_to(p.t_refrac, p.size)[n]
                    state[p.name][n] = v
                    volts[p.name][sample, now, n] = v
    return {"spikes": spikes, "volts": volts}


EXPECTED = {seed: plain(*random_network(seed)) for seed in SEEDS}


def agrees(seed: int, module: Any) -> bool:
    net, inputs = random_network(seed, module)
    found = module.run(net, {"x": inputs}, states=["a", "b"])
    expected = EXPECTED[seed]
    return all(
        np.array_equal(found.spikes[name], expected["spikes"][name])
        and np.array_equal(found.states[name]["v"], expected["volts"][name])
        for name in ("a", "b")
    )


def test_every_spike_and_voltage_is_that_of_one_neuron_after_another() -> None:
    for seed in SEEDS:
        assert agrees(seed, spinnaker2), seed
    assert sum(int(e["spikes"][name].sum()) for e in EXPECTED.values() for name in "ab") > 2000


def conv_case(module: Any = spinnaker2) -> tuple[Any, Any]:
    """A pooled convolution of an odd map, with unequal padding."""
    draw = np.random.default_rng(8)
    projection = module.ConvProjection(
        source="x",
        target="n",
        kernel=draw.integers(-60, 128, (2, 3, 3, 2)),
        shape=(2, 9, 7),
        stride=(1, 2),
        pool=(2, 2),
        padding=(1, 0, 0, 2),
    )
    population = module.Population(
        name="n",
        size=projection.sizes[0],
        model="lif_conv2d",
        threshold=150.0,
        alpha_decay=1.0,
        reset="reset_by_subtraction",
    )
    raster = (draw.random((2, 12, 2, 9, 7)) < 0.2).astype(int)
    return module.Network((population,), (projection,)), raster


def plain_conv(net: Any, raster: Any) -> Any:
    """The spikes of `conv_case`, pixel by pixel; all sums are integers."""
    projection, population = net.projections[0], net.populations[0]
    samples, ticks = raster.shape[:2]
    out, height, width = projection.out_shape
    spikes = np.zeros((samples, ticks, out, height, width), int)
    v = np.zeros((samples, out, height, width))
    top, _, left, _ = projection.padding
    for now in range(1, ticks):
        for s, c, y, x in np.argwhere(raster[:, now - 1]):
            py, px = y // 2, x // 2
            if py >= 4 or px >= 3:
                continue
            for f, oy, ox in np.ndindex(out, height, width):
                ky, kx = py + top - oy, px + left - 2 * ox
                if 0 <= ky < 3 and 0 <= kx < 2:
                    v[s, f, oy, ox] += projection.kernel[c, f, ky, kx]
        spikes[:, now] = v >= population.threshold
        v -= population.threshold * spikes[:, now]
    return spikes.reshape(samples, ticks, -1)


def test_a_convolution_is_that_of_one_spike_after_another() -> None:
    net, raster = conv_case()
    found = run(net, {"x": raster}).spikes["n"]
    assert np.array_equal(found, plain_conv(net, raster))
    assert found.sum() > 100


@pytest.mark.parametrize("mutation", SPINNAKER2, ids=lambda mutation: mutation.label)
def test_the_references_catch_a_wrong(mutation: Any) -> None:
    module = load("spinnaker2", mutation)
    net, raster = conv_case(module)
    try:
        same = np.array_equal(module.run(net, {"x": raster}).spikes["n"], CONV_EXPECTED)
        same = same and all(agrees(seed, module) for seed in SEEDS)
    except (ValueError, BadInput):
        same = False
    assert not same


CONV_EXPECTED = plain_conv(*conv_case())


def test_slices_give_the_spikes_of_the_whole() -> None:
    net, inputs = random_network(0)
    whole = run(net, {"x": inputs})
    a, b = net.populations
    halves: list[Population] = []
    for index, part in enumerate((slice(0, 1), slice(1, a.size))):
        arrays = {
            key: getattr(a, key)[part]
            for key in spinnaker2.PARAMETERS
            if isinstance(getattr(a, key), np.ndarray)
        }
        halves.append(replace(a, name=f"a{index}", size=part.stop - part.start, **arrays))
    blocks: list[Projection] = []
    parts = {"a": [("a0", slice(0, 1)), ("a1", slice(1, None))]}
    for p in net.projections:
        assert isinstance(p, Projection)
        weights = p.weights.dense() if isinstance(p.weights, Sparse) else p.weights
        for source, columns in parts.get(p.source, [(p.source, slice(None))]):
            for target, rows in parts.get(p.target, [(p.target, slice(None))]):
                blocks.append(
                    Projection(source=source, target=target, weights=weights[rows, columns])
                )
    cut = run(Network((*halves, b), tuple(blocks)), {"x": inputs})
    joined = np.concatenate([cut.spikes["a0"], cut.spikes["a1"]], axis=2)
    assert np.array_equal(joined, whole.spikes["a"])
    assert np.array_equal(cut.spikes["b"], whole.spikes["b"])


def test_what_does_not_fit_is_said() -> None:
    population = Population(name="n", size=2, model="lif", threshold=1.0, alpha_decay=0.5)
    heavy = Projection(source="x", target="n", weights=np.full((2, 1), 16))
    with pytest.raises(BadInput, match=r"the weight is 16\.\.16; -15\.\.15 can be stored"):
        Network((population,), (heavy,))
    late = replace(heavy, weights=np.ones((2, 1), int), delays=np.full((2, 1), 8))
    with pytest.raises(BadInput, match=r"delay of 'lif' is 8\.\.8; 0\.\.7"):
        Network((population,), (late,))
    with pytest.raises(BadInput, match="'lif' has no synaptic current"):
        Network((replace(population, exc_decay=0.5),), ())
    with pytest.raises(BadInput, match="model 'izhikevich'; there are: lif"):
        Network((replace(population, model="izhikevich"),), ())
    conv = ConvProjection(
        source="x", target="n", kernel=np.ones((1, 2, 1, 1), int), shape=(1, 1, 1)
    )
    with pytest.raises(BadInput, match="'lif' takes no convolution"):
        Network((population,), (conv,))
