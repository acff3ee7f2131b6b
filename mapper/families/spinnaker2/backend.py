"""SpiNNaker2 through py-spinnaker2: one slice of one population a PE, SRAM as the limit.

The SRAM of a PE is counted byte by byte as the fact sheet's formula has it (profile,
sources `classic`, `rows`): routing, parameters, one table entry and one row a source.
Slices are uniform, so that the SDK's own cut (`set_max_atoms_per_core`) equals ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from device_profiles.profile import Profile
from mapper.families.manycore.claims import conv_delays, latency
from mapper.families.manycore.slices import Demand, Synapses, chunks, classes, volume
from mapper.problem.network import Network, Population
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.problem.traits import Hops, Traits
from mapper.solving.claims.common import (
    Resource,
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
    Box,
    Form,
    NeuronForm,
    Options,
    Plan,
    ProjectionForm,
    SliceClass,
)
from mapper.solving.outcome import Placed
from mapper.solving.place import assumptions, chosen, in_order
from nir_io.graph import Conv2d, CubaLIF, Linear, Neuron
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Refusal
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target

if TYPE_CHECKING:
    from mapper.solving.solve.cpsat import Assignment

SPIKING = "IF|LIF|CubaLIF"


class Spinnaker2:
    """The backend of spinnaker2."""

    family = "spinnaker2"
    templates = (
        Template(
            name="convolution",
            links=("SumPool2d?", "Conv2d", "IF|LIF"),
            form="conv",
            needs=(Alternative.UNDILATED,),
        ),
        Template(
            name="sparse",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", SPIKING),
            form="sparse",
            needs=(Alternative.POOLS,),
        ),
        Template(
            name="unrolled",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", SPIKING),
            form="sparse",
            needs=(Alternative.MATRIX,),
            fallback=True,
        ),
    )

    def traits(self, profile: Profile) -> Traits:
        """One spike a step, float membranes without a floor; every packet is counted."""
        once = int(profile.limit("spikes_per_step").value)
        return Traits(
            hops=Hops.of(profile),
            hidden_spikes=once,
            output_spikes=once,
            several="never",
            floor=False,
            input_events=None,
            event_by_event=False,
            start="compensated",
            stored_above=False,
            membrane=None,
            drawing="mesh",
            matrix_entries=200_000,
        )

    def target(self, profile: Profile, semantics: Semantics) -> Target:
        """Float decays, both resets, thresholds per neuron."""
        return Target(
            family=profile.name,
            semantics=semantics,
            neurons=frozenset(str(v) for v in profile.lists["neuron_models"].values),
            projections=frozenset({"Linear", "Conv2d", "Scale"}),
            resets=frozenset(str(v) for v in profile.lists["resets"].values),
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
        """IF, LIF and CubaLIF; a constant input goes to i_offset or comes from a source."""
        if node.kind not in target.neurons:
            return Refusal(
                "neuron-model",
                node.name,
                f"py-spinnaker2 runs {', '.join(sorted(target.neurons))}; this is a {node.kind}",
            )
        if reset not in target.resets:
            return Refusal("reset", node.name, f"{target.family} does not reset by '{reset}'")
        if np.any(dynamics.v_reset != 0.0) and reset == "subtract":
            return Refusal("reset", node.name, "v_reset is not 0, which a soft reset cannot use")
        model = "lif_curr_exp_no_delay" if isinstance(node, CubaLIF) else "lif_no_delay"
        if population.bias is None:
            return (
                Accepted(device_model=model, bias="neuron" if np.any(dynamics.leak) else "none"),
            )
        if not dynamics.has_synapse:
            return (Accepted(device_model=model, bias="neuron"),)
        return (
            Accepted(device_model=model, bias="source"),
            Accepted(device_model=model, bias="neuron"),
        )

    def finish(
        self,
        population: Population,
        neuron: NeuronForm,
        form: ProjectionForm,
        profile: Profile,
    ) -> ProjectionForm | Refusal:
        """`lif_conv2d` takes square strides and pools; a slice holds whole channels."""
        conv = form.weight
        if form.form != "conv" or not isinstance(conv, Conv2d):
            return form
        if len(population.shape) == 1:
            return Refusal(form.template, form.id, "it has no map to convolve over")
        if conv.dilation != (1, 1):
            return Refusal(
                form.template,
                form.id,
                f"its kernel is dilated by {conv.dilation}; lif_conv2d's are not",
            )
        most = int(profile.limit("atoms_per_pe_conv").value)
        pixels = int(np.prod(population.shape[1:]))
        if pixels > most and profile.switches["conv_whole_channels"].value:
            return Refusal(
                form.template,
                form.id,
                f"a channel of {pixels} neurons does not fit a PE's {most} in lif_conv2d, whose slices hold whole channels",
            )
        if conv.stride[0] != conv.stride[1] or (form.pool and form.pool[0] != form.pool[1]):
            return Refusal(
                form.template,
                form.id,
                "its stride or pooling differs in y and x, which the SDK mixes up",
            )
        return form

    def combine(
        self, population: Population, projections: tuple[ProjectionForm, ...]
    ) -> Refusal | None:
        """A PE runs lif_conv2d or a sparse model."""
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
        """The largest uniform slices of each form, and single neurons where none fits."""
        model = PeModel.of(profile, settings.chips)
        sources = {name: ceil(int(np.prod(shape)) / model.listed) for name, shape in network.inputs}
        extra = balance(network, from_input=model.hop, hop=model.hop, most=model.delay_max).extra
        out: dict[str, tuple[Plan, ...]] = {}
        for population in network.populations:
            plans: list[Plan] = []
            for form in forms[population.name]:
                kinds = {p.form for p in form.projections}
                if len(kinds) > 1:
                    continue
                moved = replace(
                    form,
                    projections=tuple(
                        replace(p, extra_delay=extra.get(p.id, 0)) for p in form.projections
                    ),
                )
                plans.append(
                    _plan(
                        network,
                        population,
                        with_delay_model(moved),
                        kinds == {"conv"},
                        model,
                        sources,
                    )
                )
            out[population.name] = tuple(plans)
            sources[population.name] = max((plan.parts for plan in plans), default=0)
        return out

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """Support, SRAM, atoms, latency, PEs (spike sources of the input included)."""
        return (
            *of_every_chip(network, options, profile, settings),
            *resources(network, options, profile, RESOURCES),
            *latency(network, options, profile, "delay_max"),
            *conv_delays(network, options, profile),
            *total_cores(
                network,
                options,
                profile,
                settings,
                "pes_per_chip",
                what="PEs",
                extra=input_pes(network, profile),
            ),
        )

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """Error score (mapper.solving.claims.common), then PEs."""
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
        slices, helpers = in_order(network, plans, input_pes(network, profile), profile)
        hop, most = (int(profile.limit(k).value) for k in ("delay_per_connection", "delay_max"))
        facts = (
            [
                (
                    "memory for recording spikes is not counted: pass --steps",
                    profile.limit("spike_record_bytes").source,
                )
            ]
            if question.semantics.steps is None
            else []
        )
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


RESOURCES = (
    Resource(
        kind="sram",
        demand="bytes",
        limit="sram_window",
        template="{name} needs at least {demanded} bytes of a PE's memory ({parts}); {available} are left for data",
        fixes=("fewer sources", "pruning"),
    ),
    Resource(
        kind="atoms",
        demand="atoms",
        limit="atoms_per_pe",
        template="{name} puts {demanded} neurons on a PE ({parts}); a PE runs {available}",
        fixes=("smaller slices",),
    ),
    Resource(
        kind="atoms-conv",
        demand="atoms_conv",
        limit="atoms_per_pe_conv",
        template="{name} puts {demanded} neurons on a PE ({parts}); lif_conv2d runs {available}",
        fixes=("smaller maps",),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeModel:
    """The numbers of the SRAM formula, read once from the profile."""

    window: int
    atoms: int
    atoms_conv: int
    align: int
    fixed: int
    entry: int
    header: int
    synapse: int
    row_align: int
    spike_record: int
    conv_neuron: int
    conv_entry: int
    listed: int
    hop: int
    delay_max: int

    @classmethod
    def of(cls, profile: Profile, chips: int) -> PeModel:
        """From profile keys; the routing list is charged for every quad of the system."""

        def get(name: str) -> int:
            return int(profile.limit(name).value)

        align = get("region_alignment")
        entry = "routing_entry_bytes" if chips == 1 else "routing_entry_bytes_multichip"
        routing = get("routing_fixed_bytes") + get(entry) * get("quads_per_chip") * chips
        regions = (
            routing,
            get("timer_bytes"),
            get("global_parameter_bytes"),
            get("table_info_bytes"),
        )
        return cls(
            window=get("sram_window"),
            atoms=get("atoms_per_pe"),
            atoms_conv=get("atoms_per_pe_conv"),
            align=align,
            fixed=sum(_up(size, align) for size in regions),
            entry=get("table_entry_bytes"),
            header=get("row_header_bytes"),
            synapse=get("synapse_bytes"),
            row_align=get("row_alignment"),
            spike_record=get("spike_record_bytes"),
            conv_neuron=get("conv_bytes_per_neuron"),
            conv_entry=get("conv_table_entry_bytes"),
            listed=get("spike_list_atoms"),
            hop=get("delay_per_connection"),
            delay_max=get("delay_max"),
        )

    def rows(self, targets: np.ndarray) -> tuple[int, int]:
        """Table and rows in bytes for sources with so many synapses each (0: no row)."""
        k = targets[targets > 0]
        row = self.header + -(-k * self.synapse // self.row_align) * self.row_align
        return self.entry * k.size, int(row.sum())


def _up(size: int, to: int) -> int:
    return -(-size // to) * to


def with_delay_model(form: Form) -> Form:
    """The delay model's 4-bit weights where any projection delays, else the 7-bit model."""
    if not any(p.delay is not None or p.extra_delay for p in form.projections):
        return form
    model = form.neuron.device_model.removesuffix("_no_delay")
    return replace(form, id=form.id + "+delays", neuron=replace(form.neuron, device_model=model))


def _plan(
    network: Network,
    population: Population,
    form: Form,
    conv: bool,
    model: PeModel,
    sources: Mapping[str, int],
) -> Plan:
    """The largest slices that fit. `sources`: slices of what was planned before."""
    size = population.size
    per_channel = int(np.prod(population.shape[1:])) if conv else 1
    read = population.outputs or any(
        source == population.name for stage in network.host for source, _ in stage.paths
    )
    record = _up(model.spike_record * (network.steps or 0), model.align) if read else 0
    most = model.atoms_conv if conv else model.atoms
    counted = {
        p.id: Synapses(p.weight.weight) for p in form.projections if isinstance(p.weight, Linear)
    }

    def cut(atoms: int) -> tuple[SliceClass, ...]:
        boxes = _channel_chunks(population, atoms // per_channel) if conv else chunks(size, atoms)
        found = (
            _conv_bytes(population, form, model, sources)
            if conv
            else _sparse_bytes(form, boxes, counted, model)
        )
        at = {box: i for i, box in enumerate(boxes)}

        def demand(box: Box) -> Demand:
            n = volume(box)
            bytes_ = model.fixed + record + (found(box) if callable(found) else found[at[box]])
            return {"bytes": int(bytes_), "atoms_conv" if conv else "atoms": n}

        return classes(boxes, demand)

    units = size // per_channel
    high = min(units, max(1, most // per_channel))
    low = 1
    if all(c.demand["bytes"] <= model.window for c in cut(high * per_channel)):
        low = high
    while low < high:
        middle = (low + high + 1) // 2
        if all(c.demand["bytes"] <= model.window for c in cut(middle * per_channel)):
            low = middle
        else:
            high = middle - 1
    atoms = low * per_channel
    return Plan(
        id=f"{form.id}/{atoms} atoms",
        population=population.name,
        form=form,
        classes=cut(atoms),
    )


def _channel_chunks(population: Population, channels: int) -> tuple[Box, ...]:
    rest = tuple((0, n) for n in population.shape[1:])
    total = population.shape[0]
    return tuple(((at, min(at + channels, total)), *rest) for at in range(0, total, channels))


def _sparse_bytes(
    form: Form, boxes: tuple[Box, ...], counted: Mapping[str, Synapses], model: PeModel
) -> list[int]:
    """Table and rows of every slice, a region each: one entry and one row a source.

    counted: the synapses of projections that are not one to one, by id.
    """
    tables, rows = [0] * len(boxes), [0] * len(boxes)

    def add(i: int, targets: np.ndarray) -> None:
        table, row = model.rows(targets)
        tables[i] += table
        rows[i] += row

    for source in dict.fromkeys(p.source for p in form.projections):
        counts: np.ndarray | None = None
        for projection in form.projections:
            if projection.source != source:
                continue
            if projection.id in counted:
                each = counted[projection.id].per_run(boxes)
            else:
                each = np.zeros((len(boxes), prod(projection.weight.shape_in)), dtype=np.int64)
                for i, box in enumerate(boxes):
                    each[i, box[0][0] : box[0][1]] = 1
            counts = each if counts is None else counts + each
        assert counts is not None
        for i, row in enumerate(counts):
            add(i, row)
    if form.neuron.bias == "source":
        for i, box in enumerate(boxes):
            add(i, np.array([volume(box)]))
    return [
        _up(table, model.align) + _up(row, model.align)
        for table, row in zip(tables, rows, strict=True)
    ]


def _conv_bytes(
    population: Population, form: Form, model: PeModel, sources: Mapping[str, int]
) -> Callable[[Box], int]:
    """Kernel bytes of the slice's channels, state of its neurons, an entry a source slice.

    A source that is planned later (on a cycle) counts a slice a channel, the most it takes.
    """
    shapes = {p.id: p.source_shape for p in population.projections}

    def size(box: Box) -> int:
        channels, n = box[0][1] - box[0][0], volume(box)
        total = model.conv_neuron * n
        for projection in form.projections:
            conv = projection.weight
            assert isinstance(conv, Conv2d)
            slices = sources.get(projection.source, shapes[projection.id][0])
            total += int(np.prod(conv.weight.shape[1:])) * channels + model.conv_entry * slices
        return total

    return size


def input_pes(network: Network, profile: Profile) -> int:
    """PEs of the spike sources that play the input."""
    each = int(profile.limit("spike_list_atoms").value)
    return sum(ceil(int(np.prod(shape)) / each) for _, shape in network.inputs)


BACKEND = Spinnaker2()
