"""Loihi 2 through Lava: dense, sparse or convolution -> LIF, CubaLIF, IF on equal cores.

The capacity model is the one that the tables in Intel's lava-dl notebooks fit exactly
(profile, sources `tables`): a core is a pool of 64-bit units for input axons, groups,
neurons, synapse words, axon map and axon memory. One slice a core unless the profile's
switch `share_cores` says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.alternatives import Accepted, Template
from mapper.backends.grid import (
    Demand,
    Synapses,
    classes,
    distinct,
    fewest,
    longest_runs,
    pixels,
    runs,
    tiles,
    tilings,
    volume,
)
from mapper.claims.common import (
    Resource,
    cores_used,
    error_score,
    host_stages,
    placed,
    policy,
    resources,
    too_many_events,
    total_cores,
    unrolled,
    unsupported,
)
from mapper.claims.manycore import conv_delays, edge_forms, latency
from mapper.latency import balance
from mapper.ledger import Claim, Ledger, Terms
from mapper.network import Network, Population
from mapper.outcome import Placed, Question
from mapper.place import assumptions, chosen, in_order
from mapper.plans import Box, Form, NeuronForm, Options, Plan, ProjectionForm, SliceClass
from mapper.settings import Settings
from nir_io.graph import Array, Conv2d, Linear, Neuron, Shape, Threshold
from nir_io.semantics import Reset, Semantics
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Refusal
from rewrite_rules.target import Target

if TYPE_CHECKING:
    from mapper.solve.cpsat import Assignment

NEURONS = "IF|LIF|CubaLIF|LI|CubaLI|I|Threshold"


FINEST = (1, 1, 1)  # tile of a map
UNEVEN = 2**22  # weights up to which runs of unequal length are tried as well


class Loihi2:
    """The backend of loihi2."""

    family = "loihi2"
    templates = (
        Template(
            name="convolution",
            links=("Delay?", "Conv2d", NEURONS),
            form="conv",
            rules=("pool-into-kernel", "scale-to-conv", "even-padding"),
        ),
        Template(
            name="dense",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", NEURONS),
            form="dense",
            rules=("pool-into-kernel",),
        ),
        Template(
            name="unrolled",
            links=("Delay?", "Flatten?", "Linear|Affine|Scale", NEURONS),
            form="dense",
            rules=("pool-to-conv", "conv-to-linear", "fold-linear-chain"),
            fallback=True,
        ),
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
                for plan in _plans(
                    network, p, _delayed(form, extra), _sending(model, p.name, sends)
                )
            )
            for p in network.populations
        }

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """Support, the unit model of a core, latency, cores."""
        cores = profile.limit("cores_per_chip")
        system = replace(
            cores,
            value=cores.value * settings.chips,
            optimistic=None if cores.optimistic is None else cores.optimistic * settings.chips,
        )
        return (
            *placed(network, options),
            *unsupported(network, options, profile),
            *policy(network, options, settings),
            *host_stages(network, settings),
            *resources(network, options, profile, RESOURCES),
            *latency(network, options, profile, "delay_max"),
            *conv_delays(network, options, profile),
            *edge_forms(network, options),
            *total_cores(network, options, system, 0, "cores", "cores_per_chip"),
        )

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """Error score (mapper.claims.common), then cores."""
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


def _template(what: str) -> str:
    return (
        "{name} needs at least {demanded} " + what + " on a core ({parts}); a core has {available}"
    )


RESOURCES = tuple(
    Resource(kind=kind, demand=demand, limit=limit, template=_template(what), fixes=fixes)
    for kind, demand, limit, what, fixes in (
        ("neurons-per-core", "neurons", "neurons_per_core", "neurons", ("more slices",)),
        (
            "groups-per-core",
            "groups",
            "groups_per_core",
            "neuron groups",
            ("fewer distinct parameters",),
        ),
        (
            "core-units",
            "units",
            "units_per_core",
            "64-bit units",
            ("fewer weight bits", "fewer sources"),
        ),
        ("axon-in", "axon_in", "axon_in_units", "input axons", ("fewer sources",)),
        (
            "synapse-words",
            "synapse_words",
            "synapse_units",
            "synapse words",
            ("fewer weight bits", "smaller kernel"),
        ),
        ("axon-map", "axon_map", "axon_map_units", "axon map units", ("smaller slices",)),
        ("axon-mem", "axon_mem", "axon_mem_units", "axon memory units", ("smaller slices",)),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreModel:
    """The numbers of the unit model, read once from the profile.

    `readers`: for each population, whether a convolution (True) may read it, and whether
    anything else (False) may; `sends`: of these, the ones that a plan is charged for.
    """

    weight_bits: int
    index_bits: int
    header_bits: int
    delay_bits: int
    word: int
    conv_slack: int
    mem_per_map: float
    hop: int
    delay_max: int
    decay_steps: int
    limits: tuple[tuple[str, float], ...]
    readers: Mapping[str, frozenset[bool]] = field(default_factory=lambda: MappingProxyType({}))
    sends: frozenset[bool] = frozenset()

    @classmethod
    def of(cls, profile: Profile, settings: Settings) -> CoreModel:
        """From profile keys; `settings.weight_bits` may ask for fewer bits than the chip's."""
        get = profile.limit
        return cls(
            weight_bits=stored_bits(profile, settings),
            index_bits=int(get("synapse_index_bits").value),
            header_bits=int(get("synapse_header_bits").value),
            delay_bits=int(get("synapse_delay_bits").value),
            word=int(get("word_bits").value),
            conv_slack=int(get("conv_word_slack").value),
            mem_per_map=float(get("axon_mem_per_map").value),
            hop=int(get("delay_per_connection").value),
            delay_max=int(get("delay_max").value),
            decay_steps=2 ** int(get("decay_bits").value),
            limits=tuple((r.demand, float(get(r.limit).value)) for r in RESOURCES),
        )

    def keeps(self, demand: Demand) -> bool:
        """Whether a slice keeps every limit."""
        return all(demand.get(name, 0) <= most for name, most in self.limits)

    def words(self, targets: np.ndarray | int, delayed: bool) -> int:
        """Synapse words of dense or sparse axons with so many targets each (0: none)."""
        return int(np.sum(self.of_targets(np.asarray(targets), delayed)))

    def of_targets(self, targets: NDArray[np.int64], delayed: bool) -> NDArray[np.int64]:
        """The words of each of several axons."""
        bits = self.weight_bits + self.index_bits + (self.delay_bits if delayed else 0)
        each = -(-(targets * bits + self.header_bits) // self.word)
        return np.where(targets > 0, each, 0)


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


def stored_bits(profile: Profile, settings: Settings) -> int:
    """Bits that a weight takes: the next legal size (7 is stored as 8)."""
    most = int(profile.limit("weight_bits").value)
    wanted = settings.weight_bits or most
    legal = [int(b) for b in profile.lists["weight_bits_legal"].values if int(b) >= wanted]
    return min(legal, default=most)


def _height(neuron: NeuronForm) -> Array:
    d = neuron.dynamics
    return d.threshold - d.v_reset if neuron.reset == "zero" else d.threshold


def _delayed(form: Form, extra: Mapping[str, int]) -> Form:
    projections = tuple(replace(p, extra_delay=extra.get(p.id, 0)) for p in form.projections)
    return replace(form, projections=projections)


def _plans(network: Network, population: Population, form: Form, model: CoreModel) -> list[Plan]:
    conv = bool(form.projections) and all(p.form == "conv" for p in form.projections)
    found = (
        _tiled(network, population, form, model) if conv else _run(network, population, form, model)
    )
    return [
        Plan(
            id=f"{form.id}/{name}" + (f", read by {_kinds(model.sends)}" if model.sends else ""),
            population=population.name,
            form=form,
            classes=slices,
            sends=model.sends,
        )
        for name, slices in found
    ]


def _kinds(sends: frozenset[bool]) -> str:
    return " and ".join({True: "convolutions", False: "matrices"}[kind] for kind in sorted(sends))


def _run(
    network: Network, population: Population, form: Form, model: CoreModel
) -> list[tuple[str, tuple[SliceClass, ...]]]:
    """Runs of neurons in C order, each projection dense or sparse."""
    size = population.size
    group = group_ids(form.neuron, model)
    source = int(form.neuron.bias == "source")
    tables = [
        (
            Synapses(p.weight.weight) if isinstance(p.weight, Linear) else None,
            p.delay is not None or p.extra_delay > 0,
        )
        for p in form.projections
    ]

    def demands(edges: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
        """Of the runs from each edge to the next."""
        n = np.diff(edges)
        words = np.zeros(len(n), dtype=np.int64)
        axons = np.zeros(len(n), dtype=np.int64)
        for table, delayed in tables:
            more, sources = _dense_words(table, edges, model, delayed)
            words, axons = words + more, axons + sources
        if source:
            words += model.of_targets(n, False)
        places = np.minimum(n, prod(population.shape[1:]))
        return _demand(
            network, population, n, places, axons + source, words, distinct(group, edges), model
        )

    def fits(edges: NDArray[np.int64]) -> bool:
        found = demands(edges)
        return all(bool(np.all(found[name] <= most)) for name, most in model.limits)

    def cut(boxes: tuple[Box, ...]) -> tuple[SliceClass, ...]:
        found = demands(_edges(boxes))
        rows = {box: {name: int(v[i]) for name, v in found.items()} for i, box in enumerate(boxes)}
        return classes(boxes, lambda box: rows[box])

    best = fewest(size, lambda n: fits(_edges(runs(size, n))))
    boxes = runs(size, best or size)
    if best != 1 and size * sum(prod(p.weight.shape_in) for p in form.projections) <= UNEVEN:
        longest = longest_runs(size, lambda a, b: fits(np.array([a, b])))
        boxes = longest if longest and len(longest) < len(boxes) else boxes
    return [(f"{len(boxes)} slices", cut(boxes))]


def _edges(boxes: tuple[Box, ...]) -> NDArray[np.int64]:
    """Where runs that follow each other begin, and where the last one ends."""
    return np.array([boxes[0][0][0], *(box[0][1] for box in boxes)])


def _dense_words(
    table: Synapses | None, edges: NDArray[np.int64], model: CoreModel, delayed: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(synapse words, input axons) of one projection for each run; None: one to one."""
    n = np.diff(edges)
    if table is None:
        return n * model.of_targets(np.ones(1, dtype=np.int64), delayed), n
    return table.totals(edges, model.of_targets(np.arange(int(n.max()) + 1), delayed))


def _tiled(
    network: Network, population: Population, form: Form, model: CoreModel
) -> list[tuple[str, tuple[SliceClass, ...]]]:
    """Boxes of the map: any channels and rows, columns a power of two (conv x coordinate)."""

    def widths(x: int) -> list[int]:
        return [2**i for i in range((x - 1).bit_length(), -1, -1)]

    shape = map_shape(population.shape)
    group = group_ids(form.neuron, model).reshape(shape)
    group = group if group.any() else None
    known: dict[tuple[int, ...], Demand] = {}

    def demand(box: Box) -> Demand:
        """Boxes of one size are alike where all neurons are."""
        sides = tuple(b - a for a, b in box)
        if group is not None or sides not in known:
            known[sides] = _conv_demand(network, population, form, box, group, model)
        return known[sides]

    def keeps(tile: tuple[int, int, int]) -> bool:
        """Whether its first box does."""
        first = tuple((0, min(step, n)) for step, n in zip(tile, shape, strict=True))
        return model.keeps(demand(first))

    tile = next(filter(keeps, tilings(shape, widths)), FINEST)
    boxes = tiles(shape, tile)
    found = classes(boxes, demand)
    if len(population.shape) == 2:
        found = tuple(
            SliceClass(boxes=tuple((c, x) for c, _, x in group.boxes), demand=group.demand)
            for group in found
        )
    return [("x".join(str(n) for n in tile) + " tiles", found)]


def map_shape(shape: Shape) -> Shape:
    """(channels, y, x); a one-dimensional map is one row high."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape


def _conv_demand(
    network: Network,
    population: Population,
    form: Form,
    box: Box,
    group: np.ndarray | None,
    model: CoreModel,
) -> Demand:
    """cin kx ky (ceil(cout bits / 64) + 1) words, whatever the number of pixels."""
    channels = box[0][1] - box[0][0]
    words = axons = 0
    for projection in form.projections:
        conv = projection.weight
        assert isinstance(conv, Conv2d)
        taps = int(np.prod(conv.weight.shape[1:]))
        words += taps * (-(-channels * model.weight_bits // model.word) + 1 + model.conv_slack)
        axons += 2
    if form.neuron.bias == "source":
        axons += 1
        words += model.words(volume(box), False)
    inside = 1
    if group is not None:
        inside = len(np.unique(group[tuple(slice(a, b) for a, b in box)]))
    found = _demand(network, population, volume(box), pixels(box), axons, words, inside, model)
    return {name: int(value) for name, value in found.items()}


def _demand(
    network: Network,
    population: Population,
    neurons: Any,
    places: Any,
    axon_in: Any,
    synapse_words: Any,
    groups: Any,
    model: CoreModel,
) -> dict[str, Any]:
    """All units of a slice, or of many as arrays.

    Readers that may be convolutions are charged a map entry for each of its `places`.
    """
    kinds = model.readers[population.name]
    axon_map = (neurons if False in kinds or population.outputs else 0 * neurons) + (
        places if True in kinds else 0
    )
    axon_mem = np.ceil(model.mem_per_map * places * (True in kinds)).astype(np.int64)
    units = axon_in + groups + neurons + synapse_words + axon_map + axon_mem
    return {
        "axon_in": axon_in,
        "groups": groups,
        "neurons": neurons,
        "synapse_words": synapse_words,
        "axon_map": axon_map,
        "axon_mem": axon_mem,
        "units": units,
    }


def group_ids(neuron: NeuronForm, model: CoreModel) -> np.ndarray:
    """A number per neuron, equal where decays (12 bits) are; thresholds fold into weights."""
    d = neuron.dynamics
    syn, mem = (
        np.rint(np.asarray(a).ravel() * model.decay_steps).astype(np.int64)
        for a in (d.syn_decay, d.mem_decay)
    )
    keys = syn * (model.decay_steps + 1) + mem
    if not keys.size or keys.min() == keys.max():
        return np.zeros(keys.size, dtype=np.int64)
    _, ids = np.unique(keys, return_inverse=True)
    return np.asarray(ids).ravel()


BACKEND = Loihi2()
