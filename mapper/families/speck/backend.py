"""Speck: convolution or dense -> IF -> sum-pooling per destination, nine unlike cores.

Facts: sinabs 3.1.3 (backend/dynapcnn) and the Speck Dev Kit Datasheet 2023, as cited in
the profiles. Output channels may be split over cores with `feature_shift`; a core has two
destinations; a relay core (1x1 identity kernel) adds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from device_profiles.profile import Profile
from mapper.families.speck.claims import (
    destinations,
    geometry,
    one_slice_a_core,
    relay_decisions,
    slow_clock,
)
from mapper.families.speck.wiring import Wiring, wire
from mapper.problem.network import Network, Population, Projection
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.problem.traits import Hops, Traits
from mapper.solving.claims.common import (
    Resource,
    error_score,
    follow,
    of_every_chip,
    resources,
)
from mapper.solving.claims.ledger import Choose, Claim, Count, Ledger, Terms
from mapper.solving.family import Accepted, Template
from mapper.solving.offer.plans import Form, NeuronForm, Options, Plan, ProjectionForm, SliceClass
from mapper.solving.outcome import Placed
from mapper.solving.place import assumptions, chosen
from nir_io.graph import IF, Array, Conv2d, Neuron, Shape, frozen
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.rule import Refusal
from rewrite_rules.stage import Alternative
from rewrite_rules.target import Target

if TYPE_CHECKING:
    from mapper.solving.solve.cpsat import Assignment

COPIES = (1, 2, 3)  # a third copy feeds six destinations; more never beat relays on 9 cores


class Speck:
    """The backend of speck2e and speck2f."""

    family = "speck"
    templates = (
        Template(
            name="convolution",
            links=("SumPool2d?", "Conv2d", "IF"),
            form="conv",
            needs=(
                Alternative.POOLS,
                Alternative.UNDILATED,
                Alternative.EVEN_PADDING,
                Alternative.SQUARE_KERNEL,
            ),
        ),
        Template(
            name="dense",
            links=("SumPool2d?", "Conv2d", "IF"),
            form="conv",
            needs=(
                Alternative.DENSE_AS_CONVOLUTION,
                Alternative.SCALE_AS_CONVOLUTION,
                Alternative.POOLS,
                Alternative.UNDILATED,
                Alternative.EVEN_PADDING,
                Alternative.SQUARE_KERNEL,
            ),
            fallback=True,
        ),
        Template(
            name="pooled in the kernel",
            links=("Conv2d", "IF"),
            form="conv",
            needs=(
                Alternative.DENSE_AS_CONVOLUTION,
                Alternative.SCALE_AS_CONVOLUTION,
                Alternative.POOLS,
                Alternative.UNDILATED,
                Alternative.EVEN_PADDING,
                Alternative.SQUARE_KERNEL,
            ),
            meeting=True,
        ),
    )

    def traits(self, profile: Profile) -> Traits:
        """Events one by one, as many spikes as fit, a membrane with a floor."""
        return Traits(
            hops=Hops.of(profile),
            hidden_spikes=None,
            output_spikes=None,
            several="always",
            floor=True,
            input_events=None,
            event_by_event=True,
            start="as-given",
            stored_above=True,
            membrane=None,
            drawing="cores",
            matrix_entries=400_000,
        )

    def target(self, profile: Profile, semantics: Semantics) -> Target:
        """IF neurons behind square convolutions, pooling 1, 2 and 4."""
        return Target(
            family=profile.name,
            semantics=semantics,
            neurons=frozenset(str(v) for v in profile.lists["neuron_models"].values),
            projections=frozenset({"Conv2d"}),
            resets=frozenset(str(v) for v in profile.lists["resets"].values),
            pool_sizes=tuple(int(v) for v in profile.lists["pools"].values),
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
        """An IF whose threshold and gain are one per channel runs as it is."""
        if not isinstance(node, IF):
            return Refusal(
                "neuron-model",
                node.name,
                f"{target.family} has integrate-and-fire neurons only, this is a {node.kind}",
            )
        if reset not in target.resets:
            return Refusal("reset", node.name, f"{target.family} does not reset by '{reset}'")
        if reset == "subtract" and np.any(dynamics.v_reset != 0.0):
            return Refusal("reset", node.name, "v_reset is not 0, which a soft reset cannot use")
        gain = dynamics.gain / (dynamics.threshold - (dynamics.v_reset if reset == "zero" else 0.0))
        if not per_channel(gain):
            return Refusal(
                "threshold-per-core",
                node.name,
                f"thresholds or gains differ within a channel ({np.min(gain):.3g} to {np.max(gain):.3g} "
                "per unit of input); a core has one threshold, and only a channel's weights can be scaled",
            )
        bias = "none"
        if population.bias is not None:
            if not per_channel(population.bias):
                return Refusal(
                    "bias-per-channel",
                    node.name,
                    "biases differ within a channel; a core has one a channel",
                )
            bias = "neuron"
        return (Accepted(device_model="IF", bias=bias),)

    def finish(
        self,
        population: Population,
        neuron: NeuronForm,
        form: ProjectionForm,
        profile: Profile,
    ) -> ProjectionForm | Refusal:
        """The projection as one square convolution of the pooled source map."""
        weight = form.weight
        if not isinstance(weight, Conv2d):
            return Refusal(form.template, form.id, f"{weight.kind} is not a convolution")
        if weight.shape_out != chip_shape(population.shape):
            gives, wanted = (
                " x ".join(map(str, s)) for s in (weight.shape_out, chip_shape(population.shape))
            )
            return Refusal(
                form.template,
                form.id,
                f"its weights give a map of {gives} (channels, y, x) and '{population.name}' is one of "
                f"{wanted}; a core computes one convolution onto the map of its neurons",
            )
        if weight.dilation != (1, 1):
            return Refusal(
                form.template,
                form.id,
                f"its kernel is dilated by {weight.dilation}; Speck's are not",
            )
        if form.delay is not None:
            most = int(np.max(form.delay))
            return Refusal(
                "delay", form.id, f"it delays by up to {most} steps; Speck has no delays"
            )
        return form

    def combine(
        self, population: Population, projections: tuple[ProjectionForm, ...]
    ) -> Refusal | None:
        """One core has one kernel: the sources' kernels must merge into it."""
        conv = merged(projections)
        return conv if isinstance(conv, Refusal) else None

    def quick(self, network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
        """The clock that biases need."""
        return slow_clock(network, profile, semantics)

    def plans(
        self,
        network: Network,
        forms: Mapping[str, tuple[Form, ...]],
        profile: Profile,
        settings: Settings,
    ) -> Mapping[str, tuple[Plan, ...]]:
        """Every number of equal channel parts, and copies where consumers may need them."""
        most = sum(len(core.ids) for core in profile.cores)
        out: dict[str, tuple[Plan, ...]] = {}
        for population in network.populations:
            fan_out = len(network.readers(population.name))
            plans: list[Plan] = []
            for form in forms[population.name]:
                conv = merged(form.projections)
                if isinstance(conv, Refusal):
                    continue
                channels = chip_shape(population.shape)[0]
                widths = part_widths(channels, most)
                for width in widths:
                    boxes = channel_parts(population.shape, width)
                    for copies in COPIES:
                        if copies * len(boxes) > most or (copies > 1 and not fan_out):
                            continue
                        demand = slice_demand(population, form, conv, width)
                        plans.append(
                            Plan(
                                id=f"{form.id}/{len(boxes)}x{width}"
                                + (f"*{copies}" if copies > 1 else ""),
                                population=population.name,
                                form=form,
                                classes=(SliceClass(boxes=boxes, demand=MappingProxyType(demand)),),
                                copies=copies,
                            )
                        )
            out[population.name] = tuple(plans)
        return out

    def claims(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[Claim, ...]:
        """Support, geometry, memories, destinations, one slice a core."""
        return (
            *of_every_chip(network, options, profile, settings),
            *geometry(network, options, profile),
            *resources(network, options, profile, RESOURCES),
            *follow(network, options, profile),
            *destinations(network, options, profile, settings),
            *one_slice_a_core(network, options, profile),
        )

    def objectives(
        self, network: Network, options: Options, profile: Profile, settings: Settings
    ) -> tuple[tuple[str, Terms], ...]:
        """Error score, cores (relays included), then spikes that cross between cores."""
        cores: list[tuple[int, Choose | Count]] = []
        traffic: list[tuple[int, Choose]] = []
        for population in network.populations:
            for plan in options.plans[population.name]:
                choose = Choose(population.name, plan.id)
                cores.append((plan.parts, choose))
                traffic.append((plan.parts * sum(_size(p) for p in population.projections), choose))
            cores += [(1, relay) for relay in relay_decisions(population.name, profile)]
        return (
            ("error", error_score(network, options)),
            ("cores", tuple(cores)),
            ("traffic", tuple(traffic)),
        )

    def place(
        self, question: Question, options: Options, ledger: Ledger, answer: Assignment
    ) -> Placed:
        """Slices and relays on cores; Speck's placement is binding."""
        network, profile = question.network, question.profile
        plans = chosen(network, options, answer.values)
        wiring = wire(network, plans, answer.values, profile)
        return Placed(
            question=question,
            chosen=MappingProxyType(plans),
            slices=wiring.slices,
            helpers=wiring.relays,
            links=wiring.links,
            lag=MappingProxyType({p.name: 0 for p in network.populations}),
            objectives=answer.objectives,
            proven=answer.proven,
            binding=True,
            assumptions=assumptions(ledger, question, _facts(question, plans, wiring)),
            ledger=ledger,
            options=options,
        )


def _facts(question: Question, plans: Mapping[str, Plan], wiring: Wiring) -> list[tuple[str, str]]:
    """What this placement leans on that only samna or a chip can settle."""
    profile = question.profile
    facts: list[tuple[str, str]] = []
    if any(plan.parts > plan.copies for plan in plans.values()):
        facts.append(
            (
                "feature_shift moves a part's channels at its destination",
                profile.switches["feature_shift"].source,
            )
        )
    if wiring.relays:
        facts.append(
            (
                "a 1x1 identity kernel with weight = threshold relays each event once",
                profile.limit("destinations").source,
            )
        )
    if any(plan.form.neuron.bias == "neuron" for plan in plans.values()):
        facts.append(
            (
                "biases act at every tick of the slow clock, which must run at 1/chip_dt",
                profile.switches["bias_needs_slow_clock"].source,
            )
        )
    facts.append(
        (
            "events of one step are taken one by one: counts may differ from a simulation in time steps",
            profile.limit("spikes_per_event").source,
        )
    )
    return facts


def _size(projection: Projection) -> int:
    return int(np.prod(projection.source_shape))


RESOURCES = (
    Resource(
        kind="kernel-memory",
        demand="kernel_words",
        limit="kernel_memory",
        template="{name} needs at least {demanded} kernel words on a core ({parts}); cores hold {holds}",
        fixes=("fewer channels", "smaller kernel"),
    ),
    Resource(
        kind="neuron-memory",
        demand="neuron_words",
        limit="neuron_memory",
        template="{name} needs at least {demanded} neuron words on a core ({parts}); cores hold {holds}",
        fixes=("fewer channels", "smaller map"),
    ),
    Resource(
        kind="bias-memory",
        demand="bias_words",
        limit="bias_memory",
        template="{name} has at least {demanded} biases on a core ({parts}); a core holds {available}",
        fixes=("fewer channels",),
    ),
    Resource(
        kind="features",
        demand="features",
        limit="features",
        template="{name} has {demanded} output channels on a core ({parts}); Speck addresses {available}",
        fixes=("fewer channels",),
    ),
    Resource(
        kind="input-features",
        demand="input_features",
        limit="features",
        template="{name} reads {demanded} input channels; Speck addresses {available}",
        fixes=("fewer channels",),
    ),
)


def chip_shape(shape: Shape) -> Shape:
    """(channels, y, x) of a population of any shape."""
    return (*shape, 1, 1)[:3] if len(shape) < 3 else shape


def per_channel(values: Array) -> bool:
    """Whether `values` is constant over each channel's map."""
    flat = values.reshape(values.shape[0], -1)
    return bool(np.all(flat == flat[:, :1]))


def lg(n: int) -> int:
    """ceil(log2(n)) for n >= 1."""
    return (n - 1).bit_length()


def part_widths(channels: int, most: int) -> list[int]:
    """Widths of parts worth trying: the fewest parts for each power of two that they fit.

    Memories are powers of two and so are demands (words double with lg(width)); more parts
    of the same lg(width) take more cores for nothing.
    """
    widths: dict[int, int] = {}
    for parts in range(1, min(channels, most) + 1):
        width = ceil(channels / parts)
        widths.setdefault(lg(width), width)
    return list(widths.values())


def channel_parts(shape: Shape, width: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """Boxes of `width` channels that cover `shape`; the last one may be narrower.

    On the chip the last part is as wide as the others and starts at channels - width; the
    channels that it repeats get zero weights there and never fire.
    """
    channels = shape[0]
    rest = tuple((0, n) for n in shape[1:])
    return tuple(((at, min(at + width, channels)), *rest) for at in range(0, channels, width))


def merged(projections: tuple[ProjectionForm, ...]) -> Conv2d | Refusal:
    """One convolution over the concatenated sources of a population.

    Sources stack on the input-channel axis; kernels are zero-extended to a common window.
    The same source twice sums its kernels. Raises nothing: a mismatch is a refusal.
    """
    if not projections:
        return Refusal("no-input", "", "nothing projects to it")
    by_source: dict[tuple[str, tuple[int, int] | None], Conv2d] = {}
    for projection in projections:
        conv = projection.weight
        assert isinstance(conv, Conv2d)
        key = (projection.source, projection.pool)
        if key in by_source:
            a, b = aligned((by_source[key], conv))
            by_source[key] = replace(a, weight=frozen(a.weight + b.weight))
        else:
            by_source[key] = conv
    convs = aligned(tuple(by_source.values()))
    first = convs[0]
    both = replace(first, weight=frozen(np.concatenate([c.weight for c in convs], axis=1)))
    return _stepped(both)


def _stepped(conv: Conv2d) -> Conv2d | Refusal:
    """The convolution with the least stride that gives its map.

    A kernel that was extended for one window may find room for a second; a longer stride
    jumps over it.
    """
    stride = list(conv.stride)
    for axis in (0, 1):
        room = conv.shape_in[1 + axis] + 2 * conv.padding[2 * axis] - conv.weight.shape[2 + axis]
        wanted = conv.shape_out[1 + axis]
        steps = [stride[axis]] if wanted > 1 else [stride[axis], 1, 2, 4, 8]
        found = [s for s in steps if room >= 0 and room // s + 1 == wanted]
        if not found:
            return Refusal("merge", conv.name, "no stride gives the merged kernel's map")
        stride[axis] = found[0]
    return replace(conv, stride=(stride[0], stride[1]))


def aligned(convs: tuple[Conv2d, ...]) -> tuple[Conv2d, ...]:
    """The convolutions with kernels zero-extended to one window and padding."""
    if len(convs) == 1:
        return convs
    top = max(c.padding[0] for c in convs)
    left = max(c.padding[2] for c in convs)
    bottom = max(top - c.padding[0] + c.weight.shape[2] for c in convs)
    right = max(left - c.padding[2] + c.weight.shape[3] for c in convs)
    size = max(bottom, right)
    out: list[Conv2d] = []
    for conv in convs:
        dy, dx = top - conv.padding[0], left - conv.padding[2]
        ky, kx = conv.weight.shape[2:]
        weight = np.zeros((*conv.weight.shape[:2], size, size))
        weight[:, :, dy : dy + ky, dx : dx + kx] = conv.weight
        out.append(replace(conv, weight=frozen(weight), padding=(top, top, left, left)))
    return tuple(out)


def slice_demand(population: Population, form: Form, conv: Conv2d, width: int) -> dict[str, int]:
    """Demand of one part of `width` output channels (sinabs: dynapcnn_layer.py, words)."""
    _, height, across = chip_shape(population.shape)
    inputs, ky, kx = conv.weight.shape[1:]
    return {
        "kernel_words": inputs * 2 ** (lg(ky * kx) + lg(width)),
        "neuron_words": width * 2 ** (lg(height) + lg(across)),
        "bias_words": width if form.neuron.bias != "none" else 0,
        "features": width,
        "input_features": inputs,
        "synapses": int(width * height * across * inputs * ky * kx),
    }


BACKEND = Speck()
