"""Slices of a population on Loihi 2, and what each demands of a core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.families.manycore.slices import (
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
from mapper.problem.network import Network, Population
from mapper.problem.settings import Settings
from mapper.solving.claims.common import Resource
from mapper.solving.offer.plans import Box, Form, NeuronForm, Plan, SliceClass
from nir_io.graph import Conv2d, Linear, Shape

FINEST = (1, 1, 1)  # tile of a map

Amount = NDArray[np.int64] | int  # of a slice, or of many


UNEVEN = 2**22  # weights up to which runs of unequal length are tried as well


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


def stored_bits(profile: Profile, settings: Settings) -> int:
    """Bits that a weight takes: the next legal size (7 is stored as 8)."""
    most = int(profile.limit("weight_bits").value)
    wanted = settings.weight_bits or most
    legal = [int(b) for b in profile.lists["weight_bits_legal"].values if int(b) >= wanted]
    return min(legal, default=most)


def plans_of(network: Network, population: Population, form: Form, model: CoreModel) -> list[Plan]:
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

    def demands(edges: NDArray[np.int64]) -> dict[str, Amount]:
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
        rows = {
            box: {name: int(np.asarray(v)[i]) for name, v in found.items()}
            for i, box in enumerate(boxes)
        }
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
    neurons: Amount,
    places: Amount,
    axon_in: Amount,
    synapse_words: Amount,
    groups: Amount,
    model: CoreModel,
) -> dict[str, Amount]:
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
