"""Nodes as read, each field checked, shapes still open.

A draft knows what it takes and gives as far as its own fields tell (None stands for an
unknown side, or for an unknown shape), how a shape passes through it, and how to become
a node once its shapes are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from nir_io.graph import (
    KINDS,
    Affine,
    Array,
    AvgPool2d,
    Conv1d,
    Conv2d,
    Flatten,
    Linear,
    Node,
    Shape,
    SumPool2d,
    frozen,
)

Pattern = tuple[int | None, ...] | None


class UnfitError(Exception):
    """A shape cannot pass through a node; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A node whose shapes are still open. `where`: path in the file."""

    name: str
    where: str
    kind: str

    @property
    def takes(self) -> Pattern:
        """What is known of the shape that enters."""
        return None

    @property
    def gives(self) -> Pattern:
        """What is known of the shape that leaves."""
        return None

    def forward(self, shape: Shape) -> Shape:
        """The shape that leaves when `shape` enters. Raises UnfitError."""
        raise NotImplementedError

    def backward(self, shape: Shape) -> Shape | None:
        """The only shape that can have entered when `shape` leaves, if there is one."""
        return None

    def node(self, shape_in: Shape, shape_out: Shape) -> Node:
        """The finished node."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Same(Draft):
    """Input, Output, Scale, Delay, Threshold and neurons: the shape stays.

    `arrays` have the node's shape or no axes; `shape` is None if all are 0-d.
    """

    arrays: Mapping[str, Array]
    shape: Shape | None

    @property
    def takes(self) -> Pattern:
        return self.shape

    @property
    def gives(self) -> Pattern:
        return self.shape

    def forward(self, shape: Shape) -> Shape:
        return shape

    def backward(self, shape: Shape) -> Shape | None:
        return shape

    def node(self, shape_in: Shape, shape_out: Shape) -> Node:
        arrays = {
            name: frozen(np.broadcast_to(array, shape_in)) for name, array in self.arrays.items()
        }
        return KINDS[self.kind](
            name=self.name, shape_in=shape_in, shape_out=shape_out, origin=(self.name,), **arrays
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense(Draft):
    """Linear and Affine."""

    weight: Array
    bias: Array | None

    @property
    def takes(self) -> Pattern:
        return (self.weight.shape[1],)

    @property
    def gives(self) -> Pattern:
        return (self.weight.shape[0],)

    def forward(self, shape: Shape) -> Shape:
        return (self.weight.shape[0],)

    def backward(self, shape: Shape) -> Shape | None:
        return (self.weight.shape[1],)

    def node(self, shape_in: Shape, shape_out: Shape) -> Node:
        if self.bias is None:
            return Linear(
                name=self.name,
                shape_in=shape_in,
                shape_out=shape_out,
                origin=(self.name,),
                weight=self.weight,
            )
        return Affine(
            name=self.name,
            shape_in=shape_in,
            shape_out=shape_out,
            origin=(self.name,),
            weight=self.weight,
            bias=frozen(np.broadcast_to(self.bias, shape_out)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv(Draft):
    """Conv1d and Conv2d; stride, dilation and (before, after) padding per axis.

    `size` is the declared size of the image, None if the file leaves it open.
    """

    weight: Array
    bias: Array
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int
    size: tuple[int, ...] | None

    @property
    def takes(self) -> Pattern:
        channels = self.weight.shape[1] * self.groups
        return (channels, *(self.size or (None,) * len(self.stride)))

    @property
    def gives(self) -> Pattern:
        outs = self._outs(self.size) if self.size else (0,)
        if min(outs) < 1:
            return (self.weight.shape[0], *(None,) * len(self.stride))
        return (self.weight.shape[0], *outs)

    def _outs(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1 per axis.

        As torch.nn.Conv2d (PyTorch documentation, section Shape); at most 0 if nothing fits.
        """
        return tuple(
            (side + sum(pad) - gap * (kernel - 1) - 1) // step + 1
            for side, pad, gap, kernel, step in zip(
                size, self.padding, self.dilation, self.weight.shape[2:], self.stride, strict=True
            )
        )

    def forward(self, shape: Shape) -> Shape:
        outs = self._outs(shape[1:])
        if min(outs) < 1:
            reach = tuple(
                gap * (kernel - 1) + 1
                for gap, kernel in zip(self.dilation, self.weight.shape[2:], strict=True)
            )
            padded = tuple(s + sum(pad) for s, pad in zip(shape[1:], self.padding, strict=True))
            raise UnfitError(f"its kernel reaches over {reach}, the padded image has {padded}")
        return (self.weight.shape[0], *outs)

    def backward(self, shape: Shape) -> Shape | None:
        if any(step != 1 for step in self.stride):
            return None
        sides = tuple(
            side - sum(pad) + gap * (kernel - 1)
            for side, pad, gap, kernel in zip(
                shape[1:], self.padding, self.dilation, self.weight.shape[2:], strict=True
            )
        )
        return (self.weight.shape[1] * self.groups, *sides) if min(sides) > 0 else None

    def node(self, shape_in: Shape, shape_out: Shape) -> Node:
        bias = frozen(np.broadcast_to(self.bias, self.weight.shape[:1]))
        if len(self.stride) == 1:
            return Conv1d(
                name=self.name,
                shape_in=shape_in,
                shape_out=shape_out,
                origin=(self.name,),
                weight=self.weight,
                bias=bias,
                stride=self.stride[0],
                padding=self.padding[0],
                dilation=self.dilation[0],
                groups=self.groups,
            )
        return Conv2d(
            name=self.name,
            shape_in=shape_in,
            shape_out=shape_out,
            origin=(self.name,),
            weight=self.weight,
            bias=bias,
            stride=(self.stride[0], self.stride[1]),
            padding=(*self.padding[0], *self.padding[1]),
            dilation=(self.dilation[0], self.dilation[1]),
            groups=self.groups,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Draft):
    """SumPool2d and AvgPool2d; all fields are (y, x)."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    @property
    def takes(self) -> Pattern:
        return (None, None, None)

    @property
    def gives(self) -> Pattern:
        return (None, None, None)

    def forward(self, shape: Shape) -> Shape:
        outs = tuple(
            (side + 2 * pad - kernel) // step + 1
            for side, pad, kernel, step in zip(
                shape[1:], self.padding, self.kernel_size, self.stride, strict=True
            )
        )
        if min(outs) < 1:
            raise UnfitError(f"its window is {self.kernel_size}, the image only {shape[1:]}")
        return (shape[0], *outs)

    def backward(self, shape: Shape) -> Shape | None:
        if self.stride != (1, 1):
            return None
        sides = tuple(
            side - 2 * pad + kernel - 1
            for side, pad, kernel in zip(shape[1:], self.padding, self.kernel_size, strict=True)
        )
        return (shape[0], *sides) if min(sides) > 0 else None

    def node(self, shape_in: Shape, shape_out: Shape) -> Node:
        made = SumPool2d if self.kind == "SumPool2d" else AvgPool2d
        return made(
            name=self.name,
            shape_in=shape_in,
            shape_out=shape_out,
            origin=(self.name,),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat(Draft):
    """Flatten; negative dimensions count from the end. `shape`: what the file declares."""

    start_dim: int
    end_dim: int
    shape: Shape | None

    @property
    def takes(self) -> Pattern:
        return self.shape

    @property
    def gives(self) -> Pattern:
        return None if self.shape is None else self._try(self.shape)

    def _try(self, shape: Shape) -> Shape | None:
        try:
            return self.forward(shape)
        except UnfitError:
            return None

    def _range(self, shape: Shape) -> tuple[int, int]:
        axes = len(shape)
        start = self.start_dim + axes if self.start_dim < 0 else self.start_dim
        end = self.end_dim + axes if self.end_dim < 0 else self.end_dim
        if not 0 <= start <= end < axes:
            raise UnfitError(
                f"dimensions {self.start_dim} to {self.end_dim} are no range of the shape {shape}"
            )
        return start, end

    def forward(self, shape: Shape) -> Shape:
        start, end = self._range(shape)
        return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])

    def node(self, shape_in: Shape, shape_out: Shape) -> Node:
        start, end = self._range(shape_in)
        return Flatten(
            name=self.name,
            shape_in=shape_in,
            shape_out=shape_out,
            origin=(self.name,),
            start_dim=start,
            end_dim=end,
        )


def fits(first: Pattern, second: Pattern) -> bool:
    """Whether both patterns can be the same shape."""
    if first is None or second is None:
        return True
    return len(first) == len(second) and all(
        a is None or b is None or a == b for a, b in zip(first, second, strict=True)
    )


def known(pattern: Pattern) -> Shape | None:
    """The pattern as a shape, if no side is open."""
    if pattern is None:
        return None
    shape = tuple(side for side in pattern if side is not None)
    return shape if len(shape) == len(pattern) else None
