"""ODIN: integrate-and-fire neurons in a crossbar, each source of one sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from types import MappingProxyType

import numpy as np

from device_profiles.profile import Profile
from mapper.problem.network import Network, Population
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.problem.traits import Hops, Traits
from mapper.solving.claims.common import error_score, of_every_chip
from mapper.solving.claims.ledger import (
    Bound,
    Choose,
    Claim,
    Ledger,
    Terms,
    claim_of,
    never,
    whatever,
)
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
from mapper.solving.solve.cpsat import Assignment
from nir_io.graph import IF, Array, Linear, Neuron
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Refusal
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target

RESOURCES = ()


class Odin:
    """The backend of ODIN."""

    family = "odin"
    templates = (
        Template(
            name="dense",
            links=("Flatten?", "Linear|Affine", "IF"),
            form="dense",
            needs=(Alternative.POOLS, Alternative.MATRIX),
        ),
    )

    def traits(self, profile: Profile) -> Traits:
        """Events one by one, as many spikes as fit, a membrane that stops at 0."""
        return Traits(
            hops=Hops.of(profile),
            hidden_spikes=None,
            output_spikes=None,
            several="always",
            floor=True,
            input_events=None,
            event_by_event=True,
            start="zero",
            stored_above=True,
            membrane=None,
            drawing="mesh",
            matrix_entries=400_000,
        )

    def target(self, profile: Profile, semantics: Semantics) -> Target:
        """IF with a hard reset behind matrices."""
        return Target(
            family=profile.name,
            semantics=semantics,
            neurons=frozenset({"IF"}),
            projections=frozenset({"Linear"}),
            resets=frozenset({"zero"}),
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
        """An IF that is reset to 0, bounded at 0, with no constant input."""
        if not isinstance(node, IF):
            return Refusal(
                "neuron-model", node.name, f"ODIN's LIF leaks linearly: this is a {node.kind}"
            )
        if reset != "zero":
            return Refusal("reset", node.name, "ODIN resets its membrane to 0")
        if np.any(dynamics.v_reset != 0.0):
            return Refusal("reset", node.name, "v_reset is not 0, which is where ODIN resets to")
        if target.semantics.v_min != 0:
            given = target.semantics.v_min
            return Refusal(
                "floor", node.name, f"ODIN's membrane stops at 0; the network's v_min is {given}"
            )
        if population.bias is not None:
            return Refusal("bias", node.name, "ODIN's neurons have no constant input")
        return (Accepted(device_model="LIF", bias="none"),)

    def finish(
        self,
        population: Population,
        neuron: NeuronForm,
        form: ProjectionForm,
        profile: Profile,
    ) -> ProjectionForm | Refusal:
        """A matrix without delays."""
        if form.delay is not None:
            return Refusal("delay", form.id, "ODIN has no delays")
        return form

    def combine(
        self, population: Population, projections: tuple[ProjectionForm, ...]
    ) -> Refusal | None:
        """One synapse a pair of addresses, and one sign a source within this population."""
        sources = [p.source for p in projections]
        if len(set(sources)) < len(sources):
            return Refusal("forms", population.name, "two projections come from one source")
        for p in projections:
            assert isinstance(p.weight, Linear)
            mixed = np.any(p.weight.weight > 0, axis=0) & np.any(p.weight.weight < 0, axis=0)
            if np.any(mixed):
                return Refusal(
                    "sign",
                    p.id,
                    f"{np.count_nonzero(mixed)} sources of '{p.id}' have weights of both signs; "
                    "a row of the crossbar has one sign",
                )
        return None

    def quick(self, network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
        """More neurons and input channels than addresses."""
        number = profile.limit("addresses")
        channels = sum(int(np.prod(shape)) for _, shape in network.inputs)
        asked = channels + network.neurons()
        if asked <= number.value:
            return ()
        return (
            claim_of(
                number,
                kind="addresses",
                limit="addresses",
                subject=tuple(p.name for p in network.populations),
                template="the network takes {demanded} addresses, {channels} of them for input "
                "channels; the crossbar has {available}",
                demanded=asked,
                bounds=whatever("addresses", asked),
                fixes=("fewer neurons", "another device"),
                channels=channels,
            ),
        )

    def plans(
        self,
        network: Network,
        forms: Mapping[str, tuple[Form, ...]],
        profile: Profile,
        settings: Settings,
    ) -> Mapping[str, tuple[Plan, ...]]:
        """A population lies in the crossbar whole."""
        return {
            p.name: tuple(
                Plan(
                    id=f"{form.id}/whole",
                    population=p.name,
                    form=form,
                    classes=(
                        SliceClass(
                            boxes=(whole(p.shape),),
                            demand=MappingProxyType({"addresses": p.size}),
                        ),
                    ),
                )
                for form in forms[p.name]
            )
            for p in network.populations
        }

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """Support, and no loops; addresses are counted at sight."""
        return (
            *of_every_chip(network, options, profile, settings),
            *(self._loops(p, options.plans[p.name], profile) for p in _looped(network)),
            *_signs(network, options, profile),
        )

    def _loops(self, population: Population, plans: tuple[Plan, ...], profile: Profile) -> Claim:
        loops = sum(p.ideal_delay > 0 for p in population.projections)
        switch = profile.switches["recurrence"]
        choices = (Choose(population.name, plan.id) for plan in plans)
        return Claim(
            kind="recurrence",
            subject=(population.name,),
            template="{name} is on a loop, which takes a step in the network and none on ODIN",
            demanded=loops,
            available=0,
            unit="recurrent projections",
            source=switch.source,
            confidence=switch.confidence,
            bounds=never(*choices, over=("recurrence", loops)),
            fields=MappingProxyType({"name": f"'{population.name}'"}),
            limit="recurrence",
            fixes=("another device",),
        )

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """The error score; there is one core."""
        return (("error", error_score(network, options)),)

    def place(
        self, question: Question, options: Options, ledger: Ledger, answer: Assignment
    ) -> Placed:
        """Every population in the one core; addresses follow the order of the bundle."""
        network = question.network
        plans = chosen(network, options, answer.values)
        return Placed(
            question=question,
            chosen=MappingProxyType(plans),
            slices=tuple(
                Slice(population=name, box=whole(network.population(name).shape), chip=0, core=0)
                for name in plans
            ),
            helpers=(),
            links=(),
            lag=balance(network, from_input=0, hop=0, most=0).lag,
            objectives=answer.objectives,
            proven=answer.proven,
            binding=True,
            assumptions=assumptions(ledger, question),
            ledger=ledger,
            options=options,
        )


def _signs(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """Populations that want a source with unlike signs: a row has one for all that it reaches."""
    switch = profile.switches["sign_per_source"]
    plans = [(p.name, plan) for p in network.populations for plan in options.plans[p.name]]
    for (a, one), (b, two) in combinations(plans, 2):
        for p, q in product(one.form.projections, two.form.projections):
            if a == b or p.source != q.source:
                continue
            assert isinstance(p.weight, Linear) and isinstance(q.weight, Linear)
            up, down = ((np.any(w > 0, axis=0), np.any(w < 0, axis=0)) for w in _both(p, q))
            mixed = int(np.count_nonzero((up[0] & down[1]) | (up[1] & down[0])))
            if not mixed:
                continue
            yield Claim(
                kind="sign",
                subject=(a, b),
                template="{source} has {demanded} rows that {a} and {b} want with unlike signs",
                demanded=mixed,
                available=0,
                unit="rows",
                source=switch.source,
                confidence=switch.confidence,
                bounds=(Bound(((1, Choose(a, one.id)), (1, Choose(b, two.id))), high=1),),
                fields=MappingProxyType({"source": f"'{p.source}'", "a": f"'{a}'", "b": f"'{b}'"}),
                limit="sign_per_source",
                fixes=("retrain",),
            )


def _both(p: ProjectionForm, q: ProjectionForm) -> tuple[Array, Array]:
    assert isinstance(p.weight, Linear) and isinstance(q.weight, Linear)
    return p.weight.weight, q.weight.weight


def _looped(network: Network) -> list[Population]:
    return [p for p in network.populations if any(q.ideal_delay for q in p.projections)]


BACKEND = Odin()
