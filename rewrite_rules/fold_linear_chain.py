"""Fold two dense nodes in a row into one; a Flatten between them changes nothing.

    W2 (W1 x + b1) + b2  ==  (W2 W1) x + (W2 b1 + b2)

Exact. The product may have more weights than the two had (a bottleneck between them), so it
is refused above the target's `max_dense_entries`.
"""

from __future__ import annotations

from nir_io.graph import Flatten, Graph
from rewrite_rules.linear_nodes import (
    DENSE,
    bias_of,
    dense,
    fresh,
    next_in_chain,
    stands_for,
    why_no_chain,
)
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Alternative, Normal
from rewrite_rules.target import Target


class FoldLinearChain(Rule):
    """Linear or Affine behind Linear or Affine."""

    name = "fold-linear-chain"
    stages = (Normal.ANYWHERE, Normal.MATRIX, Alternative.MATRIX)
    after = ("drop-zero-bias", "conv-to-linear")

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`, the first of the two."""
        first = graph.nodes[at]
        if not isinstance(first, DENSE):
            return None
        chain = [at]
        readers = graph.after(at)
        while len(readers) == 1 and isinstance(graph.nodes[readers[0]], Flatten):
            if next_in_chain(graph, chain[-1]) is None:
                break
            chain.append(readers[0])
            readers = graph.after(readers[0])
        seconds = [b for b in readers if isinstance(graph.nodes[b], DENSE)]
        if not seconds:
            return None
        second = next_in_chain(graph, chain[-1])
        if not isinstance(second, DENSE):
            return Refusal(self.name, at, why_no_chain(graph, chain[-1], seconds[0]))
        entries = second.weight.shape[0] * first.weight.shape[1]
        if entries > target.max_dense_entries:
            return Refusal(
                self.name,
                at,
                f"'{at}' and '{second.name}' together are {entries} weights; at most "
                f"{target.max_dense_entries} are written out as one matrix",
            )
        old, bias = bias_of(first), bias_of(second)
        if old is not None:
            moved = second.weight @ old.reshape(-1)
            bias = moved if bias is None else moved + bias.reshape(-1)
        passed = [graph.nodes[name] for name in chain]
        name = fresh(graph, f"{at}+{second.name}")
        folded = dense(name, second.weight @ first.weight, bias, stands_for(*passed, second))
        says = f"'{at}' and '{second.name}' become one matrix of {entries} weights"
        return Proposal(self.name, (*chain, second.name), (folded,), Exact(), says)


RULE = FoldLinearChain()
