"""Loihi 2 through Lava: dense, sparse or convolution -> LIF, CubaLIF, IF on equal cores.

The capacity model is the one that the tables in Intel's lava-dl notebooks fit exactly
(profile, sources `tables`): a core is a pool of 64-bit units for input axons, groups,
neurons, synapse words, axon map and axon memory. One slice a core unless the profile's
switch `share_cores` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from device_profiles.profile import Profile
from mapper.families.loihi2.units import RESOURCES, CoreModel, plans_of
from mapper.families.manycore.claims import conv_delays, edge_forms, latency
from mapper.problem.network import Network, Population
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.problem.traits import Hops, Traits
from mapper.solving.claims.common import (
    cores_used,
    error_score,
    of_every_chip,
    resources,
    too_many_events,
    total_cores,
    unrolled,
)
from mapper.solving.claims.ledger import Claim, Ledger, Terms
from mapper.solving.family import Accepted, Template
from mapper.solving.offer.latency import balance
from mapper.solving.offer.plans import (
    Form,
    NeuronForm,
    Options,
    Plan,
    ProjectionForm,
)
from mapper.solving.outcome import Placed
from mapper.solving.place import assumptions, chosen, in_order
from nir_io.graph import Array, Conv2d, Neuron, Threshold
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Refusal
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target

if TYPE_CHECKING:
    from mapper.solving.solve.cpsat import Assignment

NEURONS = "IF|LIF|CubaLIF|LI|CubaLI|I|Threshold"


class Loihi2:
    """The backend of loihi2."""

    family = "loihi2"
    templates = (
        Template(
            name="convolution",
            links=("Delay?", "Conv2d", NEURONS),
            form="conv",
            needs=(Alternative.POOLS, Alternative.SCALE_AS_CONVOLUTION, Alternative.EVEN_PADDING),
        ),
        Template(
            name="dense",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", NEURONS),
            form="dense",
            needs=(Alternative.POOLS,),
        ),
        Template(
            name="unrolled",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", NEURONS),
            form="dense",
            needs=(Alternative.MATRIX,),
            fallback=True,
        ),
    )

    def traits(self, profile: Profile) -> Traits:
        """One spike a step, a membrane that saturates at both ends of its range."""
        once = int(profile.limit("spikes_per_step").value)
        end = 2 ** (int(profile.limit("state_bits").value) - 1) - 1
        return Traits(
            hops=Hops.of(profile),
            hidden_spikes=once,
            output_spikes=once,
            several="never",
            floor=False,
            input_events=int(profile.limit("input_events").value),
            event_by_event=False,
            start="compensated",
            stored_above=False,
            membrane=(-end, end),
            drawing="mesh",
            matrix_entries=80_000,
        )

    def target(self, profile: Profile, semantics: Semantics) -> Target:
        """Decays of 12 bits (rounding them is quantization), hard reset and ATRLIF."""
        return Target(
            family=profile.name,
            semantics=semantics,
            neurons=frozenset(str(v) for v in profile.lists["neuron_models"].values),
            projections=frozenset({"Linear", "Conv2d", "Scale"}),
            resets=frozenset(
                str(v) for key in ("resets", "resets_emulated") for v in profile.lists[key].values
            ),
            max_delay=int(profile.limit("delay_max").value),
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
        """LIF resets to zero; ATRLIF with a constant bias subtracts; read-outs never fire."""
        if not dynamics.spiking and network.readers(population.name):
            return Refusal(
                "neuron-model",
                node.name,
                f"it is a {node.kind}, which does not spike, and feeds other neurons; cores exchange spikes",
            )
        if reset not in target.resets:
            return Refusal("reset", node.name, f"{target.family} does not reset by '{reset}'")
        if not dynamics.spiking or isinstance(node, Threshold):
            reset = "zero"
        if reset == "subtract" and np.any(dynamics.v_reset != 0.0):
            return Refusal("reset", node.name, "v_reset is not 0, which a soft reset cannot use")
        model = "LIF" if reset == "zero" else "ATRLIF"
        inert = None if dynamics.spiking and not isinstance(node, Threshold) else reset

        def way(bias: str) -> Accepted:
            return Accepted(device_model=model, bias=bias, reset=inert)

        if population.bias is None:
            return (way("neuron" if np.any(dynamics.leak) else "none"),)
        if not dynamics.has_synapse:
            return (way("neuron"),)
        return (way("source"), way("neuron"))

    def finish(
        self,
        population: Population,
        neuron: NeuronForm,
        form: ProjectionForm,
        profile: Profile,
    ) -> ProjectionForm | Refusal:
        """A convolution shares its kernel, so its neurons must share gain and threshold."""
        if form.form != "conv":
            return form
        if len(population.shape) == 1:
            return Refusal(form.template, form.id, "it has no map to convolve over")
        gain = neuron.dynamics.gain / _height(neuron)
        flat = gain.reshape(gain.shape[0], -1)
        if np.any(flat != flat[:, :1]):
            return Refusal(form.template, form.id, "gains or thresholds differ within a channel")
        if form.delay is not None:
            return Refusal(form.template, form.id, "Lava's Conv has no delays")
        widest = int(profile.limit("conv_x_max").value)
        wide = max(population.shape[-1], form.weight.shape_in[-1])
        if wide > widest:
            return Refusal(
                form.template,
                form.id,
                f"a map {wide} pixels wide loses spikes in Lava's Conv, which takes {widest}",
            )
        conv = form.weight
        if isinstance(conv, Conv2d) and len(set(conv.padding[:2])) + len(set(conv.padding[2:])) > 2:
            return Refusal(form.template, form.id, "Lava's Conv pads both sides alike")
        return form

    def combine(
        self, population: Population, projections: tuple[ProjectionForm, ...]
    ) -> Refusal | None:
        """Slices of maps and runs of neurons are cut differently."""
        kinds = sorted({p.form for p in projections})
        if len(kinds) < 2:
            return None
        return Refusal(
            "forms",
            population.name,
            f"projections of the forms {' and '.join(kinds)} meet in one population",
        )

    def quick(self, network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
        """More events a step than a source can send."""
        return too_many_events(network, profile, semantics)

    def plans(
        self,
        network: Network,
        forms: Mapping[str, tuple[Form, ...]],
        profile: Profile,
        settings: Settings,
    ) -> Mapping[str, tuple[Plan, ...]]:
        """The fewest slices of each form, and the finest where none keeps the limits."""
        model = replace(CoreModel.of(profile, settings), readers=_readers(network, forms))
        extra = balance(network, from_input=model.hop, hop=model.hop, most=model.delay_max).extra
        return {
            p.name: tuple(
                plan
                for form in forms[p.name]
                for sends in _subsets(model.readers[p.name])
                for plan in plans_of(
                    network, p, _delayed(form, extra), _sending(model, p.name, sends)
                )
            )
            for p in network.populations
        }

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """Support, the unit model of a core, latency, cores."""
        return (
            *of_every_chip(network, options, profile, settings),
            *resources(network, options, profile, RESOURCES),
            *latency(network, options, profile, "delay_max"),
            *conv_delays(network, options, profile),
            *edge_forms(network, options),
            *total_cores(network, options, profile, settings, "cores_per_chip"),
        )

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """Error score (mapper.solving.claims.common), then cores."""
        return (
            ("error", error_score(network, options)),
            ("cores", cores_used(network, options)),
            ("unrolled", unrolled(options)),
        )

    def place(
        self, question: Question, options: Options, ledger: Ledger, answer: Assignment
    ) -> Placed:
        """Slices on consecutive cores; the SDK places by itself, so this is advisory."""
        network, profile = question.network, question.profile
        plans = chosen(network, options, answer.values)
        slices, helpers = in_order(network, plans, 0, profile)
        hop, most = (int(profile.limit(k).value) for k in ("delay_per_connection", "delay_max"))
        facts = [
            (
                "ATRLIF runs on neurocores (verified in Lava's CPU simulation only)",
                profile.lists["resets_emulated"].source,
            )
            for _ in range(
                any(plan.form.neuron.device_model == "ATRLIF" for plan in plans.values())
            )
        ]
        return Placed(
            question=question,
            chosen=MappingProxyType(plans),
            slices=tuple(slices),
            helpers=tuple(helpers),
            links=(),
            lag=balance(network, from_input=hop, hop=hop, most=most).lag,
            objectives=answer.objectives,
            proven=answer.proven,
            binding=False,
            assumptions=assumptions(ledger, question, facts),
            ledger=ledger,
            options=options,
        )


def _subsets(kinds: frozenset[bool]) -> list[frozenset[bool]]:
    """Which kinds of reader a plan is charged for: all, or each kind alone."""
    return [kinds] if len(kinds) < 2 else [frozenset({True}), frozenset({False}), kinds]


def _sending(model: CoreModel, name: str, sends: frozenset[bool]) -> CoreModel:
    return replace(model, readers={**model.readers, name: sends}, sends=sends)


def _readers(
    network: Network, forms: Mapping[str, tuple[Form, ...]]
) -> Mapping[str, frozenset[bool]]:
    found: dict[str, set[bool]] = {p.name: set() for p in network.populations}
    for some in forms.values():
        for projection in (p for form in some for p in form.projections):
            if projection.source in found:
                found[projection.source].add(projection.form == "conv")
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _height(neuron: NeuronForm) -> Array:
    d = neuron.dynamics
    return d.threshold - d.v_reset if neuron.reset == "zero" else d.threshold


def _delayed(form: Form, extra: Mapping[str, int]) -> Form:
    projections = tuple(replace(p, extra_delay=extra.get(p.id, 0)) for p in form.projections)
    return replace(form, projections=projections)


BACKEND = Loihi2()
