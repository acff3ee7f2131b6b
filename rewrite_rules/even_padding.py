"""Pad both sides alike: what one side lacks becomes zero rows of the kernel.

    conv(k, top, bottom) == conv(k extended by p - top zero rows in front and p - bottom
    behind, p, p), p = max(top, bottom), and the same for columns

Exact: the added taps are zero, and the map keeps its size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Conv2d, Graph, frozen
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target


class EvenPadding(Rule):
    """A Conv2d whose padding is the same on opposite sides."""

    name = "even-padding"
    stages = (Alternative.EVEN_PADDING,)
    after = ("dilation-to-dense",)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        if not isinstance(node, Conv2d):
            return None
        top, bottom, left, right = node.padding
        if top == bottom and left == right:
            return None
        if node.dilation != (1, 1):
            return Refusal(self.name, at, f"its kernel is dilated by {node.dilation}")
        py, px = max(top, bottom), max(left, right)
        rows = ((0, 0), (0, 0), (py - top, py - bottom), (px - left, px - right))
        kernel = np.pad(node.weight, rows)
        new = replace(node, weight=frozen(kernel), padding=(py, py, px, px))
        says = (
            f"'{at}': padding ({top}, {bottom}; {left}, {right}) becomes {py} and {px} on both "
            f"sides, with zero rows in a kernel of {kernel.shape[2]} x {kernel.shape[3]}"
        )
        return Proposal(self.name, (at,), (new,), Exact(), says)


RULE = EvenPadding()
