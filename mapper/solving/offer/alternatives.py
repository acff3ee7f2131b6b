"""Every way to cover a network on a target: neuron forms x projection forms.

A neuron that the chip lacks is rewritten rule by rule (breadth first, a rule at most once)
until the backend accepts it. A projection is matched against the family's templates by
subgraph isomorphism, rewritten first where a template asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, product
from math import prod
from types import MappingProxyType
from weakref import WeakKeyDictionary

import networkx as nx
from networkx.algorithms.isomorphism import DiGraphMatcher

from device_profiles.profile import Profile
from mapper.problem.network import Network, Population, Projection
from mapper.problem.settings import Settings
from mapper.solving.family import Backend, Template
from mapper.solving.offer.plans import (
    Candidate,
    Form,
    NeuronForm,
    Options,
    ProjectionForm,
    worst,
)
from nir_io.graph import (
    Affine,
    Conv2d,
    Graph,
    Input,
    Linear,
    Neuron,
    Node,
    Output,
    Scale,
    Shape,
    SumPool2d,
    make_graph,
)
from nir_io.settings import Reset
from rewrite_rules import rules_of
from rewrite_rules.dynamics import Dynamics, discretise
from rewrite_rules.rule import Proposal, Refusal, Rule, apply
from rewrite_rules.stage import Neuronal
from rewrite_rules.target import Target

SMALL = 2**16  # weights of a projection that is also worked out as a matrix
NO_MATCH = "template"  # the rule of a refusal that says no more than that nothing matched
DEPTH = 4  # rewrites in a row on one neuron: grid, synapse, leak and reset are all there is


@lru_cache(maxsize=256)
def template_graphs(links: tuple[str, ...]) -> tuple[nx.DiGraph[int], ...]:
    """The template as graphs whose nodes carry `kinds`, one for each use of optional links."""
    choices = [
        (frozenset(link.rstrip("?").split("|")),) + ((None,) if link.endswith("?") else ())
        for link in links
    ]
    graphs: list[nx.DiGraph[int]] = []
    for choice in product(*choices):
        kinds = [k for k in choice if k is not None]
        graph: nx.DiGraph[int] = nx.DiGraph()
        for i, found in enumerate(kinds):
            graph.add_node(i, kinds=found)
        graph.add_edges_from(pairwise(range(len(kinds))))
        graphs.append(graph)
    return tuple(graphs)


def alternatives(
    network: Network,
    normalised: tuple[Proposal, ...],
    backend: Backend,
    profile: Profile,
    target: Target,
    settings: Settings,
) -> Options:
    """All candidates and plans. Nothing is chosen here; refusals are kept as values."""
    candidates: dict[str, tuple[Candidate, ...]] = {}
    for population in network.populations:
        candidates[population.name] = tuple(
            _candidates(network, population, backend, profile, target)
        )
    forms = {
        name: tuple(c.form for c in found if c.form is not None)
        for name, found in candidates.items()
    }
    plans = backend.plans(network, forms, profile, settings)
    return Options(
        candidates=MappingProxyType(candidates),
        plans=MappingProxyType(dict(plans)),
        normalised=normalised,
    )


def _candidates(
    network: Network,
    population: Population,
    backend: Backend,
    profile: Profile,
    target: Target,
) -> list[Candidate]:
    neurons, refused = neuron_forms(network, population, backend, target)
    out: list[Candidate] = []
    for neuron in neurons:
        found = [
            projection_forms(population, neuron, projection, backend, profile, target)
            for projection in population.projections
        ]
        name = "+".join((neuron.device_model, *(p.rule for p in neuron.proposals)))
        if neuron.bias == "source":
            name += "+bias-source"
        refusals = tuple(no for forms, nos in found if not forms for no in nos)
        if refusals:
            out.append(Candidate(id=name, population=population.name, form=None, refusals=refusals))
            continue
        for chosen in _coverings(backend.templates, [forms for forms, _ in found]):
            kinds = "/".join(dict.fromkeys(p.template for p in chosen)) or "no-input"
            no = backend.combine(population, chosen)
            if no is not None and any(c.form is not None for c in out):
                continue
            if no is not None:
                out.append(
                    Candidate(
                        id=f"{name}:{kinds}", population=population.name, form=None, refusals=(no,)
                    )
                )
                continue
            form = Form(
                id=f"{name}:{kinds}", population=population.name, neuron=neuron, projections=chosen
            )
            out.append(Candidate(id=form.id, population=population.name, form=form, refusals=()))
    for refusal in refused:
        out.append(
            Candidate(
                id=f"no-{refusal.rule}", population=population.name, form=None, refusals=(refusal,)
            )
        )
    return out


def _coverings(
    templates: tuple[Template, ...], found: list[list[ProjectionForm]]
) -> list[tuple[ProjectionForm, ...]]:
    """One covering per template: that template wherever it matched, the first match elsewhere.

    All mixtures would be exponential in the projections of a population.
    """
    chosen: dict[tuple[str, ...], tuple[ProjectionForm, ...]] = {}
    for template in templates:
        one = tuple(
            next((f for f in forms if f.template == template.name), forms[0]) for forms in found
        )
        chosen.setdefault(tuple(f.template for f in one), one)
    return list(chosen.values())


Forms = tuple[list[NeuronForm], list[Refusal]]
_known: WeakKeyDictionary[Network, dict[tuple[str, Target], Forms]] = WeakKeyDictionary()


def neuron_forms(
    network: Network,
    population: Population,
    backend: Backend,
    target: Target,
) -> Forms:
    """Forms that the chip accepts, fewest rewrites first, and why the others fail.

    They depend on no limit of the chip, so that they are worked out once for a network and
    a target: refusals are solved again and again under other limits.
    """
    known = _known.setdefault(network, {})
    key = population.name, target
    if key not in known:
        known[key] = _neuron_forms(network, population, backend, target)
    return known[key]


def _neuron_forms(
    network: Network,
    population: Population,
    backend: Backend,
    target: Target,
) -> Forms:
    start = population.node
    frontier: list[tuple[Neuron, Reset, tuple[Proposal, ...]]] = [
        (start, target.semantics.reset, ())
    ]
    forms: list[NeuronForm] = []
    refused: list[Refusal] = []
    for _ in range(DEPTH + 1):
        following: list[tuple[Neuron, Reset, tuple[Proposal, ...]]] = []
        for node, reset, done in frontier:
            dynamics = discretise(node, target.semantics)
            if turns := _turns(node, dynamics):
                refused.append(turns)
                continue
            accepted = backend.accept(network, population, node, reset, dynamics, target)
            if not isinstance(accepted, Refusal):
                for one in accepted:
                    proposals = (*done, *one.proposals)
                    forms.append(
                        NeuronForm(
                            node=node,
                            reset=one.reset or reset,
                            dynamics=dynamics,
                            device_model=one.device_model,
                            bias=one.bias,
                            proposals=proposals,
                            error=worst(proposals),
                        )
                    )
                continue
            seen = replace(target, semantics=replace(target.semantics, reset=reset))
            graph = make_graph((node,), ())
            moved = False
            for rule in rules_of(*Neuronal):
                if any(p.rule == rule.name for p in done):
                    continue
                answer = rule.propose(graph, node.name, seen)
                if isinstance(answer, Refusal):
                    refused.append(answer)
                if isinstance(answer, Proposal):
                    moved = True
                    new = answer.use[0]
                    assert isinstance(new, Neuron)
                    following.append((new, answer.reset or reset, (*done, answer)))
            if not moved:
                refused.append(accepted)
        frontier = following
        if not frontier:
            break
    unique = {
        (f.device_model, f.bias, frozenset(p.rule for p in f.proposals)): f for f in reversed(forms)
    }
    return [f for f in forms if f in unique.values()], list(dict.fromkeys(refused))


def _turns(node: Neuron, dynamics: Dynamics) -> Refusal | None:
    """A state that changes its sign at every step, which no chip's decay does."""
    least = float(min(dynamics.mem_decay.min(), dynamics.syn_decay.min()))
    if least >= 0.0:
        return None
    return Refusal(
        "negative-decay",
        node.name,
        f"'{node.name}': its time constant is below the time step, so that a step multiplies a state by "
        f"{least:.3g}; the decays of chips are from 0 to 1",
    )


def projection_forms(
    population: Population,
    neuron: NeuronForm,
    projection: Projection,
    backend: Backend,
    profile: Profile,
    target: Target,
) -> tuple[list[ProjectionForm], list[Refusal]]:
    """One form per template that matches, and why the others do not."""
    found: list[ProjectionForm] = []
    refused: list[Refusal] = []
    for template in backend.templates:
        if template.fallback and found and not _worth(projection, population):
            continue
        if template.meeting and len(population.projections) < 2:
            continue
        seen = replace(target, pool_sizes=()) if template.meeting else target
        outcome = rewrite_chain(projection, population.shape, rules_of(*template.needs), seen)
        if isinstance(outcome, Refusal):
            refused.append(outcome)
            continue
        chain, proposals = outcome
        if not _matches(chain, neuron.node, template):
            kinds = " -> ".join((*(n.kind for n in chain), neuron.node.kind))
            refused.append(
                Refusal(
                    NO_MATCH,
                    projection.id,
                    f"'{projection.id}' ({kinds}) matches no template of {target.family}",
                )
            )
            continue
        form = _as_form(projection, chain, proposals, template)
        done = (
            form if isinstance(form, Refusal) else backend.finish(population, neuron, form, profile)
        )
        if isinstance(done, Refusal):
            refused.append(done)
        else:
            found.append(done)
    return found, refused


def _worth(projection: Projection, population: Population) -> bool:
    """Whether to work out a fallback beside what matched: small, or where paths meet."""
    if len(population.projections) > 1:
        return True
    return population.size * prod(projection.source_shape) <= SMALL


def rewrite_chain(
    projection: Projection,
    shape: Shape,
    rules_in_order: tuple[Rule, ...],
    target: Target,
) -> tuple[tuple[Node, ...], tuple[Proposal, ...]] | Refusal:
    """The chain of a projection after applying each rule wherever it proposes, in order."""
    chain = projection.nodes
    done: list[Proposal] = []
    for rule in rules_in_order:
        for _ in range(len(chain) + 1):
            graph = _chain_graph(projection.source_shape, chain, shape)
            answers = [rule.propose(graph, node.name, target) for node in chain]
            refusals = [a for a in answers if isinstance(a, Refusal)]
            proposals = [a for a in answers if isinstance(a, Proposal)]
            if refusals and not proposals:
                return refusals[0]
            if not proposals:
                break
            graph = apply(graph, proposals[0])
            done.append(proposals[0])
            chain = _chain_of(graph)
    return chain, tuple(done)


SOURCE, SINK = "\0source", "\0target"  # no node of a file is called so: names have no NUL


def _chain_graph(source: Shape, chain: tuple[Node, ...], shape: Shape) -> Graph:
    ends = (
        Input(name=SOURCE, shape_in=source, shape_out=source),
        Output(name=SINK, shape_in=shape, shape_out=shape),
    )
    names = [SOURCE, *(node.name for node in chain), SINK]
    return make_graph((*ends, *chain), list(pairwise(names)))


def _chain_of(graph: Graph) -> tuple[Node, ...]:
    chain: list[Node] = []
    name = graph.after(SOURCE)[0]
    while name != SINK:
        chain.append(graph.nodes[name])
        name = graph.after(name)[0]
    return tuple(chain)


def _is_one_of(node: Mapping[str, str], place: Mapping[str, frozenset[str]]) -> bool:
    return node["kind"] in place["kinds"]


def _matches(chain: tuple[Node, ...], neuron: Node, template: Template) -> bool:
    """Whether the chain with its neuron is isomorphic to the template, kinds matching."""
    return _covers(template.links, tuple(node.kind for node in (*chain, neuron)))


@lru_cache(maxsize=4096)
def _covers(links: tuple[str, ...], kinds: tuple[str, ...]) -> bool:
    have: nx.DiGraph[int] = nx.DiGraph()
    for i, kind in enumerate(kinds):
        have.add_node(i, kind=kind)
    have.add_edges_from(pairwise(range(len(kinds))))
    for want in template_graphs(links):
        if want.number_of_nodes() != len(kinds):
            continue
        if DiGraphMatcher(have, want, _is_one_of).is_isomorphic():
            return True
    return False


def _as_form(
    projection: Projection,
    chain: tuple[Node, ...],
    proposals: tuple[Proposal, ...],
    template: Template,
) -> ProjectionForm | Refusal:
    pool, weight = None, None
    for node in chain:
        if isinstance(node, SumPool2d) and node.kernel_size != (1, 1):
            pool = node.kernel_size
        if isinstance(node, Linear | Affine | Conv2d | Scale):
            weight = node
    if weight is None:
        return Refusal(template.name, projection.id, "the path has no weights")
    if isinstance(weight, Affine):
        weight = Linear(
            name=weight.name,
            shape_in=weight.shape_in,
            shape_out=weight.shape_out,
            origin=weight.origin,
            weight=weight.weight,
        )
    return ProjectionForm(
        id=projection.id,
        source=projection.source,
        form=template.form,
        pool=pool,
        weight=weight,
        delay=projection.delay,
        proposals=proposals,
        template=template.name,
    )
