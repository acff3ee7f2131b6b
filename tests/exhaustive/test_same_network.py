"""What a placement's integers stand for connects as the network does, entry by entry.

The weights between every source and neuron are written out twice: from the network, and from
the mapped network (mapper.bundle.mapped) that the integers stand for; for Speck, whose cores merge
kernels, from the integers of the bundle itself as well. Per neuron they agree up to a factor
(gain and threshold) and rounding, whatever merges, strides, paddings, poolings, groups and
dilations the placement went through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np
import pytest

from mapper.bundle.bundle import Bundle, build
from mapper.oracle.unroll import through, unrolled
from mapper.problem.network import Network, extract
from mapper.solving.outcome import Placed
from nir_io.errors import BadInput
from nir_io.graph import Array, Conv2d, SumPool2d, frozen
from nir_io.resolve import resolve
from tests.asking import decide, mapped, pose, quantize
from tests.exhaustive.instances import FAMILIES, instance

EACH = 60  # questions a family
ROUNDING = 0.1  # of a population's largest weight: SpiNNaker2's delay model keeps 4 bits


Matrices = Mapping[tuple[str, str], Array]


def matrices(network: Network) -> Matrices:
    """(source, population) -> weights (neuron, source element), parallel projections summed."""
    found: dict[tuple[str, str], Array] = {}
    for p in network.projections:
        one = unrolled(p)
        both = found.get((p.source, p.target))
        found[(p.source, p.target)] = one if both is None else both + one
    return found


def on_speck(network: Network, bundle: Bundle) -> Matrices:
    """The same from a bundle's kernels, read as the chip reads them (chips do not dilate)."""
    shapes = dict(network.inputs) | {p.name: p.shape for p in network.populations}
    found: dict[tuple[str, str], Array] = {}
    for row in bundle.manifest["populations"]:
        params, kernel = row["params"], bundle.arrays[row["params"]["kernel"]]
        _, height, width = params["input_shape"]
        maps = as_map(row["shape"])
        for entry in params["inputs"]:
            at, channels, pool = (entry[key] for key in ("offset", "channels", "pool"))
            shape = as_map(shapes[entry["source"]])
            pooling = SumPool2d(
                name="pool",
                shape_in=shape,
                shape_out=(channels, height, width),
                kernel_size=(pool, pool),
                stride=(pool, pool),
                padding=(0, 0),
            )
            conv = Conv2d(
                name="conv",
                shape_in=(channels, height, width),
                shape_out=maps,
                weight=frozen(kernel[:, at : at + channels].astype(np.float64)),
                bias=frozen(np.zeros(maps[0])),
                stride=tuple(params["stride"]),
                padding=tuple(params["padding"]),
                dilation=(1, 1),
                groups=1,
            )
            elements = np.eye(prod(shape))
            one = np.stack([through(conv, through(pooling, e)) for e in elements], axis=1)
            key = (entry["source"], row["name"])
            found[key] = found.get(key, 0) + one
    return found


def as_map(shape: Sequence[int]) -> tuple[int, int, int]:
    """A shape as channels, height and width."""
    c, y, x = (*shape, 1, 1)[:3]
    return c, y, x


def worst(before: Network, given: Matrices) -> tuple[float, str]:
    """The largest residual of a population over its largest weight, and its name."""
    wanted = matrices(before)
    rows: defaultdict[str, list[tuple[Array, Array]]] = defaultdict(list)
    for (source, target), matrix in wanted.items():
        rows[target].append((matrix, given.get((source, target), np.zeros_like(matrix))))
    off = [(0.0, "")]
    for name, pairs in rows.items():
        a, b = (np.concatenate([pair[i] for pair in pairs], axis=1) for i in (0, 1))
        square = (a * a).sum(axis=1)
        factor = (a * b).sum(axis=1) / np.where(square > 0, square, 1.0)
        residual = np.abs(b - factor[:, None] * a).max()
        off.append((float(residual / max(np.abs(b).max(), 1e-12)), name))
        there = np.any(b, axis=1)  # elsewhere all weights of the neuron were rounded away
        if np.any(factor[there] <= 0):
            off.append((float("inf"), name))
    return max(off)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_integers_connect_as_the_network_does(family: str) -> None:
    seen = 0
    for seed in range(EACH):
        i = instance(family, seed)
        try:
            question = pose(i.graph, i.profile, i.semantics, i.settings)
            placed = decide(question)
        except BadInput:
            continue
        if not isinstance(placed, Placed):
            continue
        quantized = quantize(placed)
        graph = mapped(placed, quantized).graph
        after = extract(graph, resolve(graph), frozenset())
        found = [worst(question.network, matrices(after))]
        if family == "speck":
            bundle = build(placed, quantized, {})
            found.append(worst(question.network, on_speck(question.network, bundle)))
        off, name = max(found)
        assert off < ROUNDING, f"{family} {seed}, '{name}': off by {off:.3f} of its largest weight"
        seen += 1
    assert seen >= EACH // 4


def test_a_dilation_that_is_dropped_is_seen() -> None:
    i = instance("speck", 2405)  # a convolution dilated by 2 onto one pixel
    network = pose(i.graph, i.profile, i.semantics, i.settings).network
    (population,) = network.populations
    (projection,) = population.projections
    conv = projection.weight
    assert isinstance(conv, Conv2d)
    assert conv.dilation == (2, 2)
    plain = replace(projection, nodes=(replace(conv, dilation=(1, 1)),))
    wrong = replace(network, populations=(replace(population, projections=(plain,)),))
    assert worst(network, matrices(wrong))[0] > ROUNDING
