"""Latencies and the contract: what the chip gets and gives, and how late.

A covering is exact up to latency iff chip delay + extra = ideal delay + l(v) - l(u) on
every projection (docs/architecture.md, latency).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import isclose, prod

import numpy as np

from mapper.verify.arrays import Store
from mapper.verify.device import Device
from mapper.verify.manifest import Manifest, Projection
from mapper.verify.report import Book, listed, shown

RELAYED = "hidden+relay"


def check_timing(manifest: Manifest, device: Device, store: Store, book: Book) -> None:
    """Delays of every projection, latencies, inputs, outputs, contract."""
    _ends(manifest, book)
    loops = on_cycles(manifest)
    inputs = {port.name for port in manifest.inputs}
    first, hop = device.limit("delay_from_input"), device.limit("delay_per_connection")
    if loops and not device.switch("recurrence"):
        book.find(
            "recurrence",
            f"{len(loops)} projections are on a cycle ({shown(min(loops))}); this device allows 0",
        )
    for projection in manifest.projections:
        if manifest.is_bias(projection) or projection.target not in manifest.populations:
            continue
        if projection.source not in manifest.sources:
            continue
        _delays(projection, manifest, device, store, book)
        source, target = (
            0 if name in inputs else manifest.populations[name].latency
            for name in (projection.source, projection.target)
        )
        chip = (first if projection.source in inputs else hop) + projection.extra
        ideal = int(projection.id in loops) + target - source
        if chip != ideal:
            book.find(
                "latency",
                f"projection {shown(projection.id)} takes {chip} steps on the chip; latencies "
                f"{source} and {target} leave {ideal}",
            )
    _outputs(manifest, hop, book)
    _inputs(manifest, book)
    _contract(manifest, device, book)


def _ends(manifest: Manifest, book: Book) -> None:
    ids: set[str] = set()
    for projection in manifest.projections:
        known = projection.source in manifest.sources or manifest.is_bias(projection)
        if not known or projection.target not in manifest.populations:
            book.find(
                "schema",
                f"projection {shown(projection.id)} joins {shown(projection.source)} to "
                f"{shown(projection.target)}; one of them is not in the manifest",
            )
        if projection.id in ids:
            book.find("schema", f"projection {shown(projection.id)} stands twice")
        ids.add(projection.id)


def on_cycles(manifest: Manifest) -> set[str]:
    """Ids of the projections that lie on a cycle of projections."""
    after: dict[str, list[str]] = {name: [] for name in manifest.populations}
    before: dict[str, list[str]] = {name: [] for name in manifest.populations}
    joins = [
        p for p in manifest.projections if p.source in manifest.populations and p.target in after
    ]
    for p in joins:
        after[p.source].append(p.target)
        before[p.target].append(p.source)
    group = _components(after, before)
    return {p.id for p in joins if group[p.source] == group[p.target]}


def _components(
    after: Mapping[str, list[str]], before: Mapping[str, list[str]]
) -> Mapping[str, str]:
    """A representative of each node's strongly connected component (Kosaraju's two passes)."""
    finished: list[str] = []
    seen: set[str] = set()
    for root in after:
        trail = [] if root in seen else [(root, iter(after[root]))]
        seen.add(root)
        while trail:
            name, rest = trail[-1]
            following = next((n for n in rest if n not in seen), None)
            if following is None:
                finished.append(name)
                trail.pop()
            else:
                seen.add(following)
                trail.append((following, iter(after[following])))
    group: dict[str, str] = {}
    for root in reversed(finished):
        heap = [] if root in group else [root]
        while heap:
            name = heap.pop()
            if name not in group:
                group[name] = root
                heap += [n for n in before[name] if n not in group]
    return group


def _delays(
    projection: Projection, manifest: Manifest, device: Device, store: Store, book: Book
) -> None:
    """Delays fit the chip's field and hold at least what balances paths."""
    most = device.limits.get("delay_max", 0)
    where = f"projection {shown(projection.id)}"
    lowest = highest = projection.delay
    if isinstance(projection.delay, str):
        array = store.get(projection.delay, f"{where}, delay")
        size = prod(manifest.sources[projection.source])
        if array is None:
            return
        if array.shape != (size,) or array.dtype.kind not in "iu":
            book.find(
                "array-shape",
                f"{where}: delay is {array.dtype.name} of the shape {array.shape}; expected "
                f"({size},) integers",
            )
            return
        lowest, highest = int(np.min(array)), int(np.max(array))
    assert isinstance(lowest, int) and isinstance(highest, int)
    if lowest < 0 or highest > most:
        book.find(
            "delay-range",
            f"{where} delays by {lowest}..{highest} steps; the chip takes 0..{most:g}",
        )
    if lowest < projection.extra:
        book.find(
            "latency",
            f"{where} delays by at least {lowest} steps, {projection.extra} of them to balance paths",
        )


def is_delayed(projection: Projection, store: Store) -> bool:
    """Whether any source of a projection is delayed."""
    if isinstance(projection.delay, int):
        return projection.delay > 0
    array = store.arrays.get(projection.delay)
    return array is not None and bool(np.any(array != 0))


def _outputs(manifest: Manifest, hop: int, book: Book) -> None:
    """Outputs read what is there, as late as it is; the host has a stage for its own."""
    names = Counter(output.name for output in manifest.outputs)
    for name in (name for name, times in names.items() if times > 1):
        book.find("schema", f"output {shown(name)} stands twice")
    hosts = {host.output: host.sources for host in manifest.hosts}
    ends = {host.output: host.ends for host in manifest.hosts}
    by_host = {output.name for output in manifest.outputs if output.read == "host"}
    if len(hosts) < len(manifest.hosts) or set(hosts) != by_host:
        book.find(
            "host",
            f"{len(manifest.hosts)} host stages are for {listed(map(shown, sorted(hosts)))}; the host "
            f"computes {len(by_host)} outputs: {listed(map(shown, sorted(by_host)))}",
        )
    for output in manifest.outputs:
        where = f"output {shown(output.name)}"
        if (output.population is None) != (output.read == "host"):
            named = "no population" if output.population is None else shown(output.population)
            book.find("output", f"{where} is read by '{output.read}' and names {named}")
            continue
        sources = hosts.get(output.name, ()) if output.population is None else (output.population,)
        there = manifest.sources if output.population is None else manifest.populations
        missing = [name for name in sources if name not in there]
        if missing:
            book.find("output", f"{where} reads {shown(missing[0])}, which is not there")
            continue
        late = max((_late(manifest, name, hop) for name in sources), default=0)
        if output.latency != late:
            book.find(
                "output-latency",
                f"{where} is said to be {output.latency} steps late; what it reads is {late}",
            )
        for end in set(ends.get(output.name, ())) - {prod(output.shape)}:
            book.find(
                "output",
                f"{where} has {prod(output.shape)} entries; its host stages end in {end}",
            )
        if output.population is not None:
            size = manifest.populations[output.population].size
            if prod(output.shape) != size:
                book.find(
                    "output",
                    f"{where} has {prod(output.shape)} entries; {shown(output.population)} has "
                    f"{size} neurons",
                )


def _late(manifest: Manifest, name: str, hop: int) -> int:
    """Steps by which the host gets a population's spikes, or an input's, late."""
    population = manifest.populations.get(name)
    if population is None:
        return 0
    return population.latency + hop * (population.role == RELAYED)


def _inputs(manifest: Manifest, book: Book) -> None:
    """Inputs lie one behind the other in name order."""
    at = 0
    names = [port.name for port in manifest.inputs]
    if names != sorted(set(names)):
        book.find("contract", "the inputs are not in the order of their names")
    for port in manifest.inputs:
        if port.name in manifest.populations:
            book.find("schema", f"{shown(port.name)} is an input and a population")
        if port.offset != at:
            book.find(
                "contract", f"input {shown(port.name)} has the offset {port.offset}; expected {at}"
            )
        at += prod(port.shape)


def _contract(manifest: Manifest, device: Device, book: Book) -> None:
    """What comes in agrees with the semantics and with what the chip takes."""
    semantics, contract = manifest.semantics, manifest.contract
    kind, count = contract["input_kind"], contract["max_count"]
    if kind != semantics["input_kind"]:
        book.find(
            "contract",
            f"the contract takes {shown(kind)}, the semantics {shown(semantics['input_kind'])}",
        )
    wanted = _count_of(str(kind))
    if wanted == -1 or count != (wanted or None):
        book.find("contract", f"max_count is {count} for the input kind {shown(kind)}")
    most = device.limits.get("input_events")
    if most is not None and count is not None and count > most:
        book.find(
            "input-events",
            f"the input brings up to {count} events a step and channel; {device.name} keeps {most:g}",
        )
    resets = device.switches.get("state_reset", True)
    if contract["reset_between_samples"] == "state" and not resets:
        book.find(
            "contract",
            f"states cannot be reset on {device.name}; reset_between_samples must be a number of "
            "silent steps",
        )
    clock = contract["slow_clock_hz"]
    if clock is not None and not _clock_fits(clock, semantics["chip_dt"], device):
        book.find(
            "slow-clock",
            f"the slow clock runs at {clock:g} Hz; expected one tick a step of "
            f"{semantics['chip_dt']} s, on a chip that has such a clock and takes that rate",
        )


def _count_of(kind: str) -> int:
    """N of an input kind; 0 for real values, -1 for no kind at all."""
    if kind in ("spikes", "real"):
        return int(kind == "spikes")
    number = kind.removeprefix("counts:")
    is_count = kind.startswith("counts:") and number.isascii() and number.isdigit()
    return int(number) if is_count and len(number) < 10 and int(number) > 0 else -1


def _clock_fits(clock: float, step: float | None, device: Device) -> bool:
    low, high = (device.limits.get(f"slow_clock_{end}") for end in ("min", "max"))
    if low is None or high is None or not low <= clock <= high:
        return False
    return step is not None and step > 0 and isclose(clock * step, 1.0, rel_tol=1e-6)
