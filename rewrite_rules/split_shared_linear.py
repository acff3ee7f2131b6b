"""Copy a node without a state for each of its readers.

    y = L x read by a and b  ==  L x read by a,  L x read by b

Exact. A neuron's edge into the node may carry the previous step because one of the readers
lies on a cycle with that neuron (nir_io.order); the copies for the other readers then get
a Delay of one step, or they would hear the neuron a step sooner than before.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nir_io.graph import Delay, Graph, Node, frozen
from nir_io.order import groups, late_edges
from rewrite_rules.linear_nodes import LINEAR, fresh, stands_for
from rewrite_rules.rule import Exact, Proposal, Refusal, Rule
from rewrite_rules.stage import Canonical
from rewrite_rules.target import Target


class SplitSharedLinear(Rule):
    """A linear node with k readers becomes k nodes, '<name>@<reader>'."""

    name = "split-shared-linear"
    stages = (Canonical.PATHS,)

    def propose(self, graph: Graph, at: str, target: Target) -> Proposal | Refusal | None:
        """Look at node `at`."""
        node = graph.nodes[at]
        readers = graph.after(at)
        if not isinstance(node, LINEAR) or len(readers) < 2:
            return None
        late = {a for a, b in late_edges(graph) if b == at}
        loop = next(names for names in groups(graph) if at in names) if late else ()
        use: list[Node] = []
        edges: list[tuple[str, str]] = []
        for reader in readers:
            copy = replace(node, name=fresh(graph, f"{at}@{reader}"), origin=stands_for(node))
            use.append(copy)
            edges.append((copy.name, reader))
            for source in graph.before(at):
                if source not in late or reader in loop:
                    edges.append((source, copy.name))
                    continue
                delay = _one_step(graph, copy, source, target)
                use.append(delay)
                edges += [(source, delay.name), (delay.name, copy.name)]
        says = f"'{at}' is copied for each of its {len(readers)} readers"
        if len(use) > len(readers):
            says += f"; {len(use) - len(readers)} copies keep the delay of the cycle as a Delay"
        return Proposal(self.name, (at,), tuple(use), Exact(), says, edges=tuple(edges))


def _one_step(graph: Graph, copy: Node, source: str, target: Target) -> Delay:
    dt = target.semantics.file_dt
    return Delay(
        name=fresh(graph, f"{copy.name}@{source}"),
        shape_in=copy.shape_in,
        shape_out=copy.shape_in,
        origin=copy.origin,
        delay=frozen(np.broadcast_to(1.0 if dt is None else dt, copy.shape_in)),
    )


RULE = SplitSharedLinear()
