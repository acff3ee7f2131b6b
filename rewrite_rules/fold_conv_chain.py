"""Fold two convolutions in a row into one.

    K[o, c, s j + i] += v[o, m, j] w[m, c, i],  stride s S,  padding p + s P    (per axis)

with w, s, p the first and v, S, P the second. Exact unless the second is padded where the
first, one window further, would still have met its map, or would have added its bias: the
second expects zeros there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Array, Conv2d, Graph, frozen
from rewrite_rules.linear_nodes import fresh, next_in_chain, other_map, stands_for, why_no_chain
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Normal
from rewrite_rules.target import Target
from rewrite_rules.windows import after, along, compose, met_outside, spread_taps


class FoldConvChain(Rule):
    """Conv2d behind Conv2d, both without groups."""

    name = "fold-conv-chain"
    stages = (Normal.ANYWHERE,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the first of the two."""
        first = graph.nodes[at]
        seconds = [b for b in graph.after(at) if isinstance(graph.nodes[b], Conv2d)]
        if not isinstance(first, Conv2d) or not seconds:
            return None
        second = next_in_chain(graph, at)
        if not isinstance(second, Conv2d):
            return Refusal(self.name, at, why_no_chain(graph, at, seconds[0]))
        why = _why_not(first, second, target)
        if why is not None:
            return Refusal(self.name, at, why)
        y, x = (compose(along(first, axis), along(second, axis)) for axis in (0, 1))
        weight = _composed(first, second, (y.kernel, x.kernel))
        whole = replace(
            second,
            name=fresh(graph, f"{at}+{second.name}"),
            shape_in=first.shape_in,
            origin=stands_for(first, second),
            weight=frozen(weight),
            bias=frozen(second.bias + second.weight.sum(axis=(2, 3)) @ first.bias),
            stride=(y.stride, x.stride),
            padding=(y.before, after(y), x.before, after(x)),
            dilation=(1, 1),
        )
        says = f"'{at}' and '{second.name}' become one convolution of {y.kernel}x{x.kernel}"
        return Proposal(self.name, (at, second.name), (whole,), Exact(), says)


def _why_not(first: Conv2d, second: Conv2d, target: Target) -> str | None:
    if first.groups > 1 or second.groups > 1:
        return f"they have {first.groups} and {second.groups} groups; write them out first"
    other = other_map(first, second)
    if other:
        return other
    reached = 1
    for axis in (0, 1):
        inner, outer = along(first, axis), along(second, axis)
        met = met_outside(inner, outer)
        if met:
            return (
                f"'{second.name}' is padded in {'yx'[axis]}, where one window of '{first.name}' "
                f"further on would still meet {met} entries of the map; only zeros may be there"
            )
        reached *= compose(inner, outer).kernel
    if any(second.padding) and np.any(first.bias):
        return f"'{second.name}' is padded, and the bias of '{first.name}' would reach the padding"
    entries = second.weight.shape[0] * first.weight.shape[1] * reached
    if entries > target.max_dense_entries:
        return f"together they are {entries} weights; at most {target.max_dense_entries} are written out"
    return None


def _composed(first: Conv2d, second: Conv2d, kernel: tuple[int, int]) -> Array:
    inner, outer = spread_taps(first), spread_taps(second)
    weight = np.zeros((len(outer), inner.shape[1], *kernel))
    (sy, sx), (ky, kx) = first.stride, inner.shape[2:]
    for i, j in np.ndindex(*outer.shape[2:]):
        part = np.einsum("om,mcyx->ocyx", outer[:, :, i, j], inner, optimize=True)
        weight[:, :, i * sy : i * sy + ky, j * sx : j * sx + kx] += part
    return weight


RULE = FoldConvChain()
