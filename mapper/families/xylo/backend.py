"""Xylo: one core with pools: input channels, hidden neurons, outputs, recurrent pairs.

Facts: rockpool 3.1.0 (devices/xylo) and SynSense's overview notebook, as cited in the
profiles. Every hidden population lies in one recurrent pool; what drives outputs and
what receives input must lie in windows of the id range.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.families.xylo.claims import inputs, latency, pools, totals, windows
from mapper.problem.network import Network, Population
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.problem.traits import Hops, Traits
from mapper.solving.claims.common import (
    error_score,
    of_every_chip,
    too_many_events,
)
from mapper.solving.claims.ledger import Choose, Claim, Count, Decision, Ledger, Terms
from mapper.solving.family import Accepted, Template
from mapper.solving.offer.latency import balance
from mapper.solving.offer.plans import (
    Form,
    NeuronForm,
    Options,
    Plan,
    ProjectionForm,
    SliceClass,
    whole,
)
from mapper.solving.outcome import Placed, Slice
from mapper.solving.place import assumptions, chosen
from nir_io.graph import CubaLIF, Linear, Neuron, Scale, frozen
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.decays_on_grid import on_grid
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Refusal
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target

if TYPE_CHECKING:
    from mapper.solving.solve.cpsat import Assignment


class Xylo:
    """The backend of xylo-audio2, xylo-audio3 and xylo-imu."""

    family = "xylo"
    templates = (
        Template(
            name="dense",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", "CubaLIF"),
            form="dense",
            needs=(Alternative.MATRIX,),
        ),
    )

    def traits(self, profile: Profile) -> Traits:
        """Several spikes a step in hidden neurons, membranes that saturate and start at 0."""
        end = 2 ** (int(profile.limit("state_bits").value) - 1)
        return Traits(
            hops=Hops.of(profile),
            hidden_spikes=int(profile.limit("hidden_spikes_per_step").value),
            output_spikes=int(profile.limit("output_spikes_per_step").value),
            several="asked",
            floor=False,
            input_events=int(profile.limit("input_events").value),
            event_by_event=False,
            start="zero",
            stored_above=True,
            membrane=(-end, end - 1),
            drawing="pools",
            matrix_entries=400_000,
        )

    def target(self, profile: Profile, semantics: Semantics) -> Target:
        """CubaLIF with decays 1 - 2^-n, reset by subtraction."""
        return Target(
            family=profile.name,
            semantics=semantics,
            neurons=frozenset(str(v) for v in profile.lists["neuron_models"].values),
            projections=frozenset({"Linear"}),
            resets=frozenset(str(v) for v in profile.lists["resets"].values),
            decay_grid="bit-shift",
            dash=(
                int(profile.limit("dash_syn_min").value),
                1,
                int(profile.limit("dash_max").value),
            ),
        )

    def accept(
        self,
        network: Network,
        population: Population,
        node: Neuron,
        reset: Reset,
        dynamics: Dynamics,
        target: Target,
    ) -> tuple[Accepted, ...] | Refusal:
        """A CubaLIF whose decays are on the grid and that resets by subtraction."""
        if not dynamics.spiking:
            return Refusal(
                "neuron-model",
                node.name,
                f"{target.family} has spiking neurons only, this is a {node.kind} whose membrane is read",
            )
        if not isinstance(node, CubaLIF):
            return Refusal(
                "neuron-model",
                node.name,
                f"{target.family} runs CubaLIF neurons, this is a {node.kind}",
            )
        if not on_grid(dynamics.syn_decay, dynamics.mem_decay, target):
            return Refusal("decays", node.name, "its decays are not 1 - 2^-n")
        if reset not in target.resets:
            return Refusal("reset", node.name, f"{target.family} resets by subtraction only")
        if population.bias is None and not np.any(dynamics.leak):
            return (Accepted(device_model="XyloLIF", bias="none"),)
        sources = {name for name, _ in network.inputs}
        by_input = any(p.source in sources for p in population.projections)
        forms = [Accepted(device_model="XyloLIF", bias="neuron")]
        if by_input and population.bias is not None and not np.any(dynamics.leak):
            forms.insert(0, Accepted(device_model="XyloLIF", bias="source"))
        return tuple(forms)

    def finish(
        self,
        population: Population,
        neuron: NeuronForm,
        form: ProjectionForm,
        profile: Profile,
    ) -> ProjectionForm | Refusal:
        """The projection as a dense matrix (out, in)."""
        if form.delay is not None:
            most = int(np.max(form.delay))
            return Refusal("delay", form.id, f"it delays by up to {most} steps; Xylo has no delays")
        weight = form.weight
        if isinstance(weight, Scale):
            values = np.asarray(weight.scale).ravel()
            weight = Linear(
                name=weight.name,
                shape_in=(values.size,),
                shape_out=(values.size,),
                origin=weight.origin,
                weight=frozen(np.diag(values)),
            )
        return ProjectionForm(
            id=form.id,
            source=form.source,
            form="dense",
            pool=None,
            weight=weight,
            delay=None,
            proposals=form.proposals,
            template=form.template,
        )

    def combine(
        self, population: Population, projections: tuple[ProjectionForm, ...]
    ) -> Refusal | None:
        """All forms are alike."""
        return None

    def quick(self, network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
        """Input channels, outputs and neurons that are too many in any form."""
        return (*totals(network, profile), *too_many_events(network, profile, semantics))

    def plans(
        self,
        network: Network,
        forms: Mapping[str, tuple[Form, ...]],
        profile: Profile,
        settings: Settings,
    ) -> Mapping[str, tuple[Plan, ...]]:
        """A population is an output, or hidden, or hidden with relays as its outputs."""
        sources = {name for name, _ in network.inputs}
        out: dict[str, tuple[Plan, ...]] = {}
        for population in network.populations:
            plans: list[Plan] = []
            for form in map(summed, forms[population.name]):
                for role in roles(network, population, sources):
                    if role == "output" and form.neuron.bias == "source":
                        continue
                    plans.append(
                        Plan(
                            id=f"{form.id}/{role}",
                            population=population.name,
                            form=form,
                            classes=(
                                SliceClass(
                                    boxes=(whole(population.shape),),
                                    demand=MappingProxyType({"neurons": population.size}),
                                ),
                            ),
                            role=role,
                        )
                    )
            out[population.name] = tuple(plans)
        return out

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """Support, pools, windows, input channels and events, latency."""
        return (
            *of_every_chip(network, options, profile, settings),
            *inputs(network, options, profile),
            *pools(network, options, profile),
            *windows(network, options, profile),
            *latency(network, options, profile),
        )

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """Error score (a membrane bias counts one step of it), then neurons in use."""
        neurons: list[tuple[int, Choose]] = []
        for population in network.populations:
            for plan in options.plans[population.name]:
                relays = population.size if plan.role == "hidden+relay" else 0
                neurons.append((population.size + relays, Choose(population.name, plan.id)))
        return (("error", error_score(network, options)), ("neurons", tuple(neurons)))

    def place(
        self, question: Question, options: Options, ledger: Ledger, answer: Assignment
    ) -> Placed:
        """Hidden ids in the order that the windows ask for, outputs in name order."""
        network, profile = question.network, question.profile
        plans = chosen(network, options, answer.values)
        hidden, outputs = number_neurons(network, plans, profile, answer.values)
        first, hop = (
            int(profile.limit(k).value) for k in ("delay_from_input", "delay_per_connection")
        )
        facts: list[tuple[str, str]] = []
        if any(plan.role == "hidden+relay" for plan in plans.values()):
            facts.append(
                (
                    "a relayed output repeats its neuron one step later; after 14 spikes in 14 steps on end "
                    "it may add one",
                    profile.limit("decay_min").source,
                )
            )
        return Placed(
            question=question,
            chosen=MappingProxyType(plans),
            slices=tuple(
                Slice(population=name, box=whole(network.population(name).shape), chip=0, core=0)
                for name in plans
            ),
            helpers=(),
            links=(),
            lag=balance(network, from_input=first, hop=hop, most=0).lag,
            objectives=answer.objectives,
            proven=answer.proven,
            binding=True,
            assumptions=assumptions(ledger, question, facts),
            ledger=ledger,
            options=options,
            hidden_ids=MappingProxyType(hidden),
            output_ids=MappingProxyType(outputs),
        )


def summed(form: Form) -> Form:
    """The form with one matrix per source: an entry of the chip holds one weight."""
    by_source: dict[str, ProjectionForm] = {}
    for projection in form.projections:
        weight = projection.weight
        first = by_source.get(projection.source)
        if first is None:
            by_source[projection.source] = projection
            continue
        assert isinstance(weight, Linear) and isinstance(first.weight, Linear)
        both = frozen(first.weight.weight + weight.weight)
        by_source[projection.source] = replace(
            first,
            weight=replace(first.weight, weight=both),
            proposals=(*first.proposals, *projection.proposals),
        )
    return replace(form, projections=tuple(by_source.values()))


def number_neurons(
    network: Network, plans: Mapping[str, Plan], profile: Profile, values: Mapping[Decision, int]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """(hidden ids per population, output ids per population whose spikes leave the chip).

    Order: neurons that only receive input, as many of those that do neither as the solver
    put there, those that do both, the rest, those that only drive outputs.
    """
    sources = {name for name, _ in network.inputs}
    outputs = [p for p in network.populations if plans[p.name].role != "hidden"]
    takes: dict[str, NDArray[np.bool_]] = {}
    gives: dict[str, NDArray[np.bool_]] = {}
    for population in network.populations:
        plan = plans[population.name]
        if plan.role == "output":
            continue
        takes[population.name] = np.zeros(population.size, dtype=bool)
        gives[population.name] = np.full(population.size, plan.role == "hidden+relay")
        if plan.form.neuron.bias == "source":
            takes[population.name][:] = True
        for form in plan.form.projections:
            if form.source in sources:
                takes[population.name] |= np.any(form.values != 0, axis=1)
    for population in outputs:
        for form in plans[population.name].form.projections:
            if plans[population.name].role == "output" and form.source in gives:
                gives[form.source] |= np.any(form.values != 0, axis=0)
    neurons = [(name, i) for name in takes for i in range(takes[name].size)]
    between = Count("neither, placed first", "hidden", int(profile.limit("hidden_neurons").value))
    spare = values.get(between, 0)

    def rank(entry: tuple[str, int]) -> int:
        nonlocal spare
        take, give = takes[entry[0]][entry[1]], gives[entry[0]][entry[1]]
        if take:
            return 2 if give else 0
        if give:
            return 4
        spare -= 1
        return 1 if spare >= 0 else 3

    ranked = sorted(((rank(entry), entry) for entry in neurons), key=_first)
    order = {entry: i for i, (_, entry) in enumerate(ranked)}
    hidden = {name: tuple(order[(name, i)] for i in range(takes[name].size)) for name in takes}
    out: dict[str, tuple[int, ...]] = {}
    at = 0
    for population in sorted(outputs, key=lambda p: p.outputs):
        out[population.name] = tuple(range(at, at + population.size))
        at += population.size
    return hidden, out


def _first(pair: tuple[int, tuple[str, int]]) -> int:
    return pair[0]


def roles(network: Network, population: Population, sources: set[str]) -> tuple[str, ...]:
    """The pools that a population can sit in.

    An output neuron emits to the outside only, is not recurrent and reads hidden neurons
    only; a population that must do more keeps to the hidden pool and is relayed.
    """
    if not population.outputs:
        return ("hidden",)
    emits = bool(network.readers(population.name))
    reads_input = any(p.source in sources for p in population.projections)
    if emits or reads_input:
        return ("hidden+relay",)
    return ("output", "hidden+relay")


BACKEND = Xylo()
