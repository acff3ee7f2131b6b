"""Where Speck's events go: every channel of every source reaches every reader once.

A link adds its shift to the channel and divides coordinates by its pool. Events are
followed from each part through relays; what arrives is held against the tables of inputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from mapper.verify.case import Case, pooled
from mapper.verify.manifest import Link, Population, Slice
from mapper.verify.report import shown

HOST = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Input channels offset .. offset + channels - 1 of a population, from one source."""

    source: str
    pool: int
    channels: int
    offset: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Layer:
    """A population as Speck runs it: parts of `width` channels, `inputs` input channels."""

    population: Population
    width: int
    inputs: int
    entries: tuple[Entry, ...]

    def base(self, piece: Slice) -> int:
        """The population's channel that is channel 0 of a part: the last part is flush."""
        return min(piece.box[0][0], self.population.map[0] - self.width)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Channels low .. high - 1 of a population arrive `moved` higher, pooled by `pool`."""

    source: str
    low: int
    high: int
    moved: int
    pool: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Net:
    """Cores and the links between them; `relays`: core -> population."""

    case: Case
    layers: Mapping[str, Layer]
    pieces: Mapping[int, Slice]
    relays: Mapping[int, str]
    links: Mapping[int, list[Link]]


def check_links(case: Case, layers: Mapping[str, Layer]) -> None:
    """Ports, shifts and targets of every link, relays, and what arrives at every core."""
    links: dict[int, list[Link]] = defaultdict(list)
    for link in case.manifest.links:
        links[link.source].append(link)
    net = _Net(
        case=case,
        layers=layers,
        pieces={
            piece.core: piece
            for piece in case.manifest.slices
            if piece.core in case.device.cores and piece.population in layers
        },
        relays={
            helper.core: helper.population
            for helper in case.manifest.helpers
            if helper.role == "relay" and helper.core in case.device.cores
        },
        links=links,
    )
    if not _ports(net) or not _ends(net):
        return
    arrivals: dict[int, list[_Arrival]] = defaultdict(list)
    arriving: dict[int, set[int]] = defaultdict(set)
    for core, piece in net.pieces.items():
        layer = layers[piece.population]
        low, high = piece.box[0]
        first = _Arrival(piece.population, low, high, -layer.base(piece), 1)
        _follow(net, core, first, (), arrivals, arriving)
    _relays(net, arriving)
    for core, piece in net.pieces.items():
        _arrived(net, core, piece, arrivals[core])
        _from_host(net, core, piece)


def _ports(net: _Net) -> bool:
    """Whether cores keep to their two destinations; the sensor has two, the host any number."""
    d, book, sound = net.case.device, net.case.book, True
    most = d.limit("destinations")
    for source, links in sorted(net.links.items()):
        ports = [link.port for link in links]
        if len(set(ports)) < len(ports):
            book.find(
                "link-port",
                f"{_name(source)} has {len(ports)} links on {len(set(ports))} ports; one each",
            )
        if source == HOST:
            _sensor(net, len(links))
            continue
        book.use(0, source, "destinations", len(links), most)
        if len(links) > most or max(ports) >= most:
            sound = False
            book.find(
                "destinations",
                f"{_name(source)} has {len(links)} destinations, up to port {max(ports)}; a core "
                f"has {most}",
            )
    return sound


def _sensor(net: _Net, links: int) -> None:
    most = net.case.device.limit("dvs_destinations")
    if net.case.manifest.settings["entry"] == "dvs" and links > most:
        net.case.book.find(
            "dvs-destinations", f"the sensor feeds {links} cores; it has {most} destinations"
        )


def _name(core: int) -> str:
    return "the host" if core == HOST else f"core {core}"


def _ends(net: _Net) -> bool:
    """Whether every link joins cores in use, with a legal pool and a shift that fits."""
    d, book = net.case.device, net.case.book
    sound = True
    for link in net.case.manifest.links:
        where = f"the link from {_name(link.source)} to core {link.target}"
        senders = link.source == HOST or link.source in net.pieces or link.source in net.relays
        if not senders or (link.target not in net.pieces and link.target not in net.relays):
            book.find("link-target", f"{where} joins a core that holds nothing")
            sound = False
            continue
        if link.pool not in d.values("pools"):
            book.find("pooling", f"{where} pools by {link.pool}; legal are {d.values('pools')}")
        if link.source == HOST:
            continue
        sent, taken = _features(net, link.source, True), _features(net, link.target, False)
        if link.shift + sent > taken or link.shift > d.limit("feature_shift_max"):
            book.find(
                "link-shift",
                f"{where} shifts {sent} channels by {link.shift}; the target has {taken} input "
                f"channels, the field holds {d.limit('feature_shift_max')}",
            )
    return sound


def _features(net: _Net, core: int, sends: bool) -> int:
    if core in net.pieces:
        layer = net.layers[net.pieces[core].population]
        return layer.width if sends else layer.inputs
    relayed = net.case.manifest.populations.get(net.relays[core])
    return relayed.map[0] if relayed else 0


def _follow(
    net: _Net,
    core: int,
    events: _Arrival,
    trail: tuple[int, ...],
    arrivals: dict[int, list[_Arrival]],
    arriving: dict[int, set[int]],
) -> None:
    """Where these events of one part go, relay by relay."""
    for link in net.links.get(core, ()):
        moved = _Arrival(
            events.source,
            events.low,
            events.high,
            events.moved + link.shift,
            events.pool * link.pool,
        )
        if link.target in net.pieces:
            arrivals[link.target].append(moved)
            continue
        if link.target in trail:
            net.case.book.find(
                "relay-loop", f"relay core {link.target} sends to itself over {len(trail)} cores"
            )
            continue
        if net.relays[link.target] != events.source:
            net.case.book.find(
                "link-foreign",
                f"core {link.target} relays {shown(net.relays[link.target])} and gets events of "
                f"{shown(events.source)}",
            )
        arriving[link.target].add(moved.pool)
        _follow(net, link.target, moved, (*trail, link.target), arrivals, arriving)


def _relays(net: _Net, arriving: Mapping[int, set[int]]) -> None:
    """A relay's 1 x 1 identity kernel and the map that it forwards fit its core."""
    d, book = net.case.device, net.case.book
    for core, name in sorted(net.relays.items()):
        population = net.case.manifest.populations.get(name)
        if population is None or core not in d.cores:
            continue
        pool = min(arriving.get(core, {1}))
        channels, height, width = pooled(population.shape, (pool, pool))
        bits = (max(height, 1) - 1).bit_length() + (max(width, 1) - 1).bit_length()
        for resource, limit, used in (
            ("kernel_words", "kernel_memory", channels * 2 ** (channels - 1).bit_length()),
            ("neuron_words", "neuron_memory", channels * 2**bits),
        ):
            available = d.of_core(core, limit)
            book.use(0, core, resource, used, available)
            if used > available:
                book.find(
                    "relay-memory",
                    f"relay core {core} of {shown(name)} uses {used:,} {resource.replace('_', ' ')}; "
                    f"it has {available:,}",
                )


def _arrived(net: _Net, core: int, piece: Slice, arrivals: list[_Arrival]) -> None:
    """Each input that is a population arrives once, where the table has it."""
    book, layer = net.case.book, net.layers[piece.population]
    where = f"{shown(piece.population)} on core {core}"
    entries = {
        (e.source, e.offset, e.pool): e
        for e in layer.entries
        if e.source in net.case.manifest.populations
    }
    found: dict[tuple[str, int, int], list[tuple[int, int]]] = defaultdict(list)
    for arrival in arrivals:
        key = (arrival.source, arrival.moved, arrival.pool)
        if key in entries:
            found[key].append((arrival.low, arrival.high))
        else:
            book.find(
                "link-foreign",
                f"{where} gets channels {arrival.low}..{arrival.high - 1} of "
                f"{shown(arrival.source)} moved by {arrival.moved} and pooled by {arrival.pool}, "
                "which its table of inputs does not have",
            )
    for key, entry in entries.items():
        once, more = covered(found[key], entry.channels)
        if once + more < entry.channels:
            book.find(
                "link-missing",
                f"{where} gets {once + more} of {entry.channels} channels of {shown(entry.source)} "
                f"at offset {entry.offset}",
            )
        if more:
            book.find(
                "link-duplicate",
                f"{where} gets {more} of {entry.channels} channels of {shown(entry.source)} more "
                "than once",
            )


def covered(intervals: list[tuple[int, int]], size: int) -> tuple[int, int]:
    """How many of 0..size - 1 lie in one interval, and how many in several."""
    edges = sorted({0, size, *(edge for interval in intervals for edge in interval)})
    once = more = 0
    for low, high in pairwise(edges):
        times = sum(a <= low and high <= b for a, b in intervals)
        once += (high - low) * (times == 1)
        more += (high - low) * (times > 1)
    return once, more


def _from_host(net: _Net, core: int, piece: Slice) -> None:
    """The host has one link to the core for each input of the table that is the graph's."""
    book, layer = net.case.book, net.layers[piece.population]
    where = f"{shown(piece.population)} on core {core}"
    wanted = sorted(
        (e.offset, e.pool) for e in layer.entries if e.source not in net.case.manifest.populations
    )
    found = sorted((k.shift, k.pool) for k in net.links.get(HOST, ()) if k.target == core)
    for missing in [pair for pair in wanted if pair not in found]:
        book.find(
            "link-missing",
            f"{where} needs a link from the host with shift {missing[0]} and pool {missing[1]}; "
            f"it has {len(found)} others"
            if found
            else f"{where} needs a link from the host with shift {missing[0]} and pool {missing[1]}",
        )
    for foreign in [pair for pair in set(found) if pair not in wanted]:
        book.find(
            "link-foreign",
            f"{where} gets events of the host with shift {foreign[0]} and pool {foreign[1]}, which "
            "its table of inputs does not have",
        )
    twice = len(found) - len(set(found))
    if twice:
        book.find("link-duplicate", f"{where} gets the host's events {twice} times too often")
