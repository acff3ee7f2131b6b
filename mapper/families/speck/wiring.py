"""Cores, destinations and relays of a chosen Speck assignment.

Each population's slices take cores of the classes that the solver counted, in id order.
Every slice of a copy sends to the same cores; a relay core adds one destination, so a
copy with r relays reaches 2 + r cores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from device_profiles.profile import Profile
from mapper.problem.network import Network
from mapper.solving.claims.common import slot
from mapper.solving.claims.ledger import Count, Decision
from mapper.solving.offer.plans import Plan
from mapper.solving.outcome import Helper, Link, Slice

HOST = -1  # the source of links that carry a graph input


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Slices and relays on cores, and the links between cores."""

    slices: tuple[Slice, ...]
    relays: tuple[Helper, ...]
    links: tuple[Link, ...]


def wire(
    network: Network, plans: Mapping[str, Plan], values: Mapping[Decision, int], profile: Profile
) -> Wiring:
    """The wiring that keeps the counts of the assignment."""
    free = {core.name: deque(core.ids) for core in profile.cores}
    slices: list[Slice] = []
    relays: list[Helper] = []
    for population in network.populations:
        plan = plans[population.name]
        cores = [
            free[core.name].popleft()
            for core in profile.cores
            for _ in range(values.get(Count(*slot(plan, core.name)), 0))
        ]
        boxes = plan.classes[0].boxes
        for copy in range(plan.copies):
            for box in boxes:
                slices.append(
                    Slice(population=population.name, box=box, chip=0, core=cores.pop(0), copy=copy)
                )
    for population in network.populations:
        for core in profile.cores:
            for _ in range(
                values.get(Count(f"relay/{population.name}", core.name, _most(profile)), 0)
            ):
                relays.append(
                    Helper(
                        role="relay",
                        population=population.name,
                        chip=0,
                        core=free[core.name].popleft(),
                    )
                )
    links = [
        link for p in network.populations for link in _links(network, plans, slices, relays, p.name)
    ]
    entering = [
        target for name, _ in network.inputs for target in targets_of(network, plans, slices, name)
    ]
    links += [
        Link(source=HOST, port=port, target=core, pool=pool, shift=offset)
        for port, (core, pool, offset) in enumerate(entering)
    ]
    return Wiring(slices=tuple(slices), relays=tuple(relays), links=tuple(links))


def _most(profile: Profile) -> int:
    return sum(len(core.ids) for core in profile.cores)


def targets_of(
    network: Network, plans: Mapping[str, Plan], slices: list[Slice], name: str
) -> list[tuple[int, int, int]]:
    """(core, pooling, channel offset) of everything that reads population or input `name`."""
    found: list[tuple[int, int, int]] = []
    for population in network.populations:
        offset = 0
        for source, pool, channels in inputs_of(network, plans, population.name):
            if source == name:
                found += [(s.core, pool, offset) for s in slices if s.population == population.name]
            offset += channels
    return found


def inputs_of(network: Network, plans: Mapping[str, Plan], name: str) -> list[tuple[str, int, int]]:
    """(source, pooling, channels) of a population's input channels, in their order."""
    sizes = {p.name: p.shape for p in network.populations} | dict(network.inputs)
    keys = dict.fromkeys((p.source, p.pool) for p in plans[name].form.projections)
    return [(source, pool[0] if pool else 1, sizes[source][0]) for source, pool in keys]


def _links(
    network: Network,
    plans: Mapping[str, Plan],
    slices: list[Slice],
    relays: list[Helper],
    name: str,
) -> list[Link]:
    wanted = targets_of(network, plans, slices, name)
    own = [s for s in slices if s.population == name]
    helpers = [r.core for r in relays if r.population == name]
    copies = sorted({s.copy for s in own})
    links: list[Link] = []
    for copy in reversed(copies):
        parts = [s for s in own if s.copy == copy]
        share = wanted if copy == 0 else [wanted.pop(0) for _ in range(min(2, len(wanted)))]
        use = helpers if copy == 0 else []
        links += _tree(parts, list(share), list(use), parts_width(plans[name]), network, name)
    return links


def parts_width(plan: Plan) -> int:
    """Channels of every part of the plan."""
    return max(box[0][1] - box[0][0] for box in plan.classes[0].boxes)


def shift_of(box_start: int, width: int, channels: int) -> int:
    """Channel of the logical map at which a part's channel 0 lies; the last part is flush."""
    return min(box_start, channels - width)


def _tree(
    parts: list[Slice],
    wanted: list[tuple[int, int, int]],
    helpers: list[int],
    width: int,
    network: Network,
    name: str,
) -> list[Link]:
    """Two ports a node; while more than two targets are left, a relay takes the rest."""
    channels = network.population(name).shape[0]
    same = len({pool for _, pool, _ in wanted}) == 1
    first_pool = wanted[0][1] if wanted and same and helpers else 1
    senders = [(s.core, shift_of(s.box[0][0], width, channels)) for s in parts]
    links: list[Link] = []
    relayed = False
    while wanted or helpers:
        here = wanted[:1] if len(wanted) > 2 and helpers else wanted[:2]
        wanted = wanted[len(here) :]
        for core, base in senders:
            for port, (target, pool, offset) in enumerate(here):
                divide = 1 if relayed and same else pool
                links.append(
                    Link(source=core, port=port, target=target, pool=divide, shift=base + offset)
                )
        if not wanted:
            break
        relay = helpers.pop(0)
        for core, base in senders:
            pool = 1 if relayed else first_pool
            links.append(Link(source=core, port=len(here), target=relay, pool=pool, shift=base))
        senders, relayed = [(relay, 0)], True
    return links
