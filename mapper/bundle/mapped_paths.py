"""Projections of a placement as NIR nodes: stored integers divided by their scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mapper.bundle.integers.draft import Quantized
from mapper.emulate.layers import layer
from mapper.emulate.manifest import inputs_in, sizes_of
from mapper.problem.network import Population
from mapper.solving.offer.plans import ProjectionForm
from mapper.solving.outcome import Placed
from nir_io.graph import Affine, Array, Conv1d, Conv2d, Linear, Node, Scale, SumPool2d, frozen

Weight = Linear | Affine | Conv1d | Conv2d | Scale


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Route:
    """What one source sends to a population. `ids`: the projections that it stands for.

    `delay`: the model's own, in steps per element of the source (None: none). `whole`: the
    weights are those that are stored, and no zeros had to be put around them.
    """

    ids: tuple[str, ...]
    source: str
    pool: SumPool2d | None
    weight: Weight
    delay: Array | None
    whole: bool = True


def routes(placed: Placed, quantized: Quantized, population: Population) -> tuple[Route, ...]:
    """All that projects to the population but its bias."""
    forms = placed.chosen[population.name].form.projections
    if (population.name, "kernel") in quantized.floats:
        return _of_merged_kernel(quantized, population, forms)
    found: list[Route] = []
    for form in forms:
        values = quantized.floats[(form.id, "weight")]
        weight = _weight(form, values)
        found.append(
            Route(
                ids=(form.id,),
                source=form.source,
                pool=_pool(form, population),
                weight=weight,
                delay=form.delay,
                whole=isinstance(weight, Scale) or weight.weight.shape == values.shape,
            )
        )
    return tuple(found)


def constant_input(quantized: Quantized, population: Population) -> Array:
    """What enters every neuron in every step beside spikes, C order."""
    name, n = population.name, population.size
    source = quantized.floats.get((f"bias:{name}", "weight"))
    if source is not None:
        return np.asarray(source, dtype=np.float64).sum(axis=1)
    per_channel = quantized.floats.get((name, "bias"))
    if per_channel is None:
        return np.zeros(n)
    return np.repeat(per_channel, n // per_channel.size)


def with_bias(node: Weight, bias: Array) -> tuple[Weight, Array]:
    """`node` with the bias (one value a neuron) in it, and what is left of the bias."""
    if not np.any(bias):
        return node, bias
    left = np.zeros_like(bias)
    if isinstance(node, Scale) and len(node.shape_in) == 1:
        node = matrix(node)
    if isinstance(node, Linear):
        return _affine(node, node.weight, bias), left
    if isinstance(node, Conv1d | Conv2d):
        channels = bias.reshape(node.weight.shape[0], -1)
        if np.array_equal(channels, np.broadcast_to(channels[:, :1], channels.shape)):
            return replace(node, bias=frozen(channels[:, 0])), left
    return node, bias


def matrix(node: Node) -> Linear | Affine:
    """A node without a state as one matrix, (out, in) in C order, with its bias if any."""
    n = int(np.prod(node.shape_in))
    of = layer(node, np.float64)
    silent = of(np.zeros((1, *node.shape_in)))[0].ravel()
    weight = of(np.eye(n).reshape(n, *node.shape_in)).reshape(n, -1).T - silent[:, None]
    return _affine(node, weight, silent) if np.any(silent) else _linear(node, weight)


def as_conv1d(node: Conv2d) -> Conv1d:
    """A convolution of a map that is one pixel high or wide, on the line that it is."""
    flat = 0 if node.shape_in[1] == 1 else 1  # the axis of one pixel
    tap = node.padding[2 * flat] // node.dilation[flat]
    along = 1 - flat
    return Conv1d(
        name=node.name,
        shape_in=(node.shape_in[0], node.shape_in[1 + along]),
        shape_out=(node.shape_out[0], node.shape_out[1 + along]),
        origin=node.origin,
        weight=frozen(np.take(node.weight, tap, axis=2 + flat)),
        bias=node.bias,
        stride=node.stride[along],
        padding=(node.padding[2 * along], node.padding[2 * along + 1]),
        dilation=node.dilation[along],
        groups=node.groups,
    )


def _of_merged_kernel(
    quantized: Quantized, population: Population, forms: tuple[ProjectionForm, ...]
) -> tuple[Route, ...]:
    """Speck: one kernel for all sources, stacked on its input channels."""
    kernel = quantized.floats[(population.name, "kernel")]
    params = quantized.populations[population.name].params
    top, bottom, left, right = _sides(sizes_of(params, "padding"))
    down, across = sizes_of(params, "stride")
    found: list[Route] = []
    for row in inputs_in(params):
        ours = [
            form
            for form in forms
            if form.source == row["source"] and (form.pool or (1, 1))[0] == row["pool"]
        ]
        form, first = ours[0], row["offset"]
        weight = form.weight
        assert isinstance(weight, Conv2d)
        own = replace(
            weight,
            shape_in=(row["channels"], *sizes_of(params, "input_shape")[1:]),
            weight=frozen(kernel[:, first : first + row["channels"]]),
            bias=frozen(np.zeros(kernel.shape[0])),
            stride=(down, across),
            padding=(top, bottom, left, right),
        )
        found.append(
            Route(
                ids=tuple(form.id for form in ours),
                source=form.source,
                pool=_pool(form, population),
                weight=(sayable := _sayable(own)),
                delay=form.delay,
                whole=sayable is own,
            )
        )
    return tuple(found)


def _sides(padding: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a padding that may be given as (y, x)."""
    if len(padding) == 2:
        return padding[0], padding[0], padding[1], padding[1]
    top, bottom, left, right = padding
    return top, bottom, left, right


def _weight(form: ProjectionForm, values: Array) -> Weight:
    """The node of a projection with the stored values for its own."""
    node = form.weight
    match node:
        case Conv2d():
            bias = frozen(np.zeros(values.shape[0]))
            return _sayable(replace(node, weight=frozen(values), bias=bias))
        case Scale() if form.form == "diagonal" or np.ndim(values) == 2:
            diagonal = np.diag(values) if np.ndim(values) == 2 else np.ravel(values)
            return replace(node, scale=frozen(diagonal.reshape(node.shape_in)))
        case _:
            return _linear(node, values)


def _pool(form: ProjectionForm, population: Population) -> SumPool2d | None:
    """The sum over windows in front of a projection; what does not fill one is cut off."""
    if form.pool is None or form.pool == (1, 1):
        return None
    channels, height, width = next(
        p.source_shape for p in population.projections if p.id == form.id
    )
    y, x = form.pool
    return SumPool2d(
        name=f"{form.weight.name}_pool",
        shape_in=(channels, height, width),
        shape_out=(channels, height // y, width // x),
        kernel_size=form.pool,
        stride=form.pool,
        padding=(0, 0),
    )


def _sayable(node: Conv2d) -> Conv2d:
    """`node` with a padding that NIR has: the same on both sides, or torch's 'same'.

    Otherwise the kernel grows by zeros on the side that is padded less.
    """
    top, bottom, left, right = node.padding
    if top == bottom and left == right:
        return node
    spans = [
        gap * (side - 1) for gap, side in zip(node.dilation, node.weight.shape[2:], strict=True)
    ]
    same = tuple(side for span in spans for side in (span // 2, span - span // 2))
    if node.stride == (1, 1) and same == node.padding:
        return node
    y, x = max(top, bottom), max(left, right)
    grown = np.pad(node.weight, ((0, 0), (0, 0), (y - top, y - bottom), (x - left, x - right)))
    return replace(node, weight=frozen(grown), padding=(y, y, x, x))


def _linear(node: Node, weight: Array) -> Linear:
    return Linear(
        name=node.name,
        shape_in=(weight.shape[1],),
        shape_out=(weight.shape[0],),
        origin=node.origin,
        weight=frozen(weight),
    )


def _affine(node: Node, weight: Array, bias: Array) -> Affine:
    return Affine(
        name=node.name,
        shape_in=(weight.shape[1],),
        shape_out=(weight.shape[0],),
        origin=node.origin,
        weight=frozen(weight),
        bias=frozen(bias),
    )
