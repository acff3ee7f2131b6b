"""What the rows of a refusal rest on: each must follow from the device's own numbers.

A row may say less than its limit does, never more. Numbers of the device come from its
profile, those of the question (semantics, settings, sizes) from the certificate's head. What
a way demands (memory of a slice, non-zero weights) is taken as stated, and counted.
"""

# values of JSON, which nothing has looked at yet
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import Any

from mapper.verify.device import Device
from mapper.verify.report import shown
from mapper.verify.sums import Decision, Line

CLOSE = 1e-3  # of a sum of bounds, which the figure states in four digits
RELAY = "relay/"
SOURCE = "bias source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to carry out a population, in so many slices; `role`: its pool (Xylo).

    rules: (rewrite that is not exact, its bound or None); ports: poolings by source (Speck).
    """

    parts: int
    copies: int
    role: str
    rules: tuple[tuple[str, float | None], ...]
    ports: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The head of a certificate. `sizes`: neurons by population; `ways`: by population and id.

    channels: of each input; emitting: populations that are outputs; places:
    slices of a way by 'population/way', as decisions count them.
    """

    device: Device
    chips: int
    semantics: Mapping[str, Any]
    settings: Mapping[str, Any]
    channels: tuple[int, ...]
    sizes: Mapping[str, int]
    emitting: frozenset[str]
    ways: Mapping[str, Mapping[str, Way]]
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of a conflict, or one thing that was asked, with its rows."""

    kind: str
    about: tuple[str, ...]
    limit: str
    says: str
    available: float
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Ground:
    """What a row is held against. `stated`: figures that were taken as they are."""

    asked: Asked
    decisions: Sequence[Decision]
    limit: Limit
    stated: int = 0

    @property
    def device(self) -> Device:
        """The device."""
        return self.asked.device

    def way(self, decision: Decision) -> Way | None:
        """The way that a decision chooses, or None."""
        return self.asked.ways.get(decision.what, {}).get(decision.how or "")

    def terms(self, line: Line) -> list[tuple[int, Decision]]:
        """Coefficients with their decisions."""
        return [(c, self.decisions[d]) for c, d in line.terms]


Check = Callable[[Ground, Line], str]


def unfounded(ground: Ground, line: Line) -> str:
    """Why a row does not follow from the device; empty where it does."""
    check = KINDS.get(ground.limit.kind)
    if check is None:
        return f"{shown(ground.limit.kind)} is no kind of limit that can be checked"
    return check(ground, line)


def _closes(line: Line) -> bool:
    """Whether the row only says that one decision, or everything, is impossible."""
    if not line.terms:
        return (line.low or 0) <= 1
    return len(line.terms) == 1 and line.terms[0][0] >= 1 and line.low is None and line.high == 0


def _value(ground: Ground, name: str, line: Line) -> float | None:
    """The profile's number for a decision: its class's, else the largest; None if it has none."""
    found = [limits[name] for limits in ground.device.cores.values() if name in limits]
    where = ground.decisions[line.terms[0][1]].where if line.terms else None
    if found and where is not None:
        ids = ground.device.classes.get(where)
        return ground.device.cores[ids[0]].get(name) if ids else None
    return max(found) if found else ground.device.limits.get(name)


def _unknown(asked: Asked) -> int | None:
    return None


TOTALS: Mapping[str, Callable[[Asked], int | None]] = MappingProxyType(
    {
        "input_channels": lambda asked: sum(asked.channels),
        "output_neurons": lambda asked: sum(asked.sizes[name] for name in asked.emitting),
        "hidden_neurons": lambda asked: (
            sum(asked.sizes.values()) - sum(asked.sizes[name] for name in asked.emitting)
        ),
    }
)


def _over(name: str, else_: float | None = None) -> Check:
    """A decision is impossible because it demands more than the limit `name`."""

    def check(ground: Ground, line: Line) -> str:
        if not _closes(line) or line.over is None or line.over[0] != name:
            return f"does not forbid one decision for the limit '{name}'"
        have = _value(ground, name, line)
        have = else_ if have is None else have
        if have is None:
            return f"the profile of {ground.device.name} has no limit '{name}'"
        most = TOTALS.get(name, _unknown)(ground.asked)
        if most is None:
            ground.stated += 1
        elif line.over[1] > most:
            return f"demands {line.over[1]:,g} of '{name}'; the network has {most:,}"
        if not line.over[1] > have:
            return f"demands {line.over[1]:,g} of '{name}'; there are {have:,g}, which is enough"
        return ""

    return check


def _outside(name: str) -> Check:
    """A decision is impossible because its figure is not in the profile's list `name`."""

    def check(ground: Ground, line: Line) -> str:
        if not _closes(line) or line.over is None or line.over[0] != name:
            return f"does not forbid one decision for the list '{name}'"
        ground.stated += 1
        legal = ground.device.values(name)
        return f"needs {line.over[1]:g}, which is among the legal {name}" * (line.over[1] in legal)

    return check


def _switched_off(name: str) -> Check:
    """A decision is impossible because the device does not do `name`."""

    def check(ground: Ground, line: Line) -> str:
        if not _closes(line) or line.over is None or line.over[1] < 1:
            return f"does not forbid one decision for '{name}'"
        ground.stated += 1
        return f"the profile allows '{name}'" if ground.device.switch(name) else ""

    return check


def _first(*checks: Check) -> Check:
    """The row follows in one of several ways, the first one for rows that name their limit."""

    def check(ground: Ground, line: Line) -> str:
        said: list[str] = []
        for one in checks:
            before = ground.stated
            said.append(one(ground, line))
            if not said[-1]:
                return ""
            ground.stated = before
        return said[-1 if line.over is None else 0]

    return check


Share = Callable[[Ground, Decision], float | None]


def _total(capacity: Callable[[Ground], float | None], share: Share) -> Check:
    """What the decisions take together is at most `capacity`; none takes more than `share`."""

    def check(ground: Ground, line: Line) -> str:
        have = capacity(ground)
        if have is None:
            return f"there is no {shown(ground.limit.limit)} in the profile of {ground.device.name}"
        if line.low is not None or line.high is None:
            return "does not say that something is at most a number"
        if line.high < have:
            return f"allows {line.high:,}; by the profile there are {have:,g}"
        for coefficient, decision in ground.terms(line):
            most = share(ground, decision)
            if most is None or not coefficient <= most:
                return f"counts {coefficient:,} for {shown(decision.what)}, which takes " + (
                    "none" if most is None else f"{most:,g}"
                )
        return ""

    return check


def _number(name: str, reserved: Callable[[Ground], int] = lambda ground: 0):
    """A chip-wide number, less what is taken before anything is decided."""

    def capacity(ground: Ground) -> float | None:
        have = _value(ground, name, Line((), None, None, None))
        return None if have is None else have - reserved(ground)

    return capacity


def _input_pes(ground: Ground) -> int:
    each = ground.device.limit("spike_list_atoms")
    return sum(ceil(n / each) for n in ground.asked.channels)


def _all_cores(ground: Ground) -> float | None:
    device, chips = ground.device, ground.asked.chips
    if device.family == "speck":
        return len(device.cores)
    if device.family == "spinnaker2":
        return device.limit("pes_per_chip") * chips - _input_pes(ground)
    return device.limit("cores_per_chip") * chips


def _of_class(ground: Ground) -> float | None:
    ids = ground.device.classes.get(ground.limit.limit)
    return None if ids is None else len(ids)


def _parts(ground: Ground, decision: Decision) -> float | None:
    """A core a slice, and one for anything else."""
    way = ground.way(decision)
    if way is not None:
        return way.parts
    return 1 if decision.where is not None or decision.what == SOURCE else None


def _one_here(ground: Ground, decision: Decision) -> float | None:
    return 1 if decision.where == ground.limit.limit else None


def _size(*roles: str) -> Share:
    """A neuron each, where the way puts them into that pool."""

    def share(ground: Ground, decision: Decision) -> float | None:
        way = ground.way(decision)
        return ground.asked.sizes.get(decision.what) if way and way.role in roles else None

    return share


def _some(ground: Ground, decision: Decision) -> float | None:
    """Some of its neurons, as stated."""
    ground.stated += 1
    return ground.asked.sizes.get(decision.what)


def _as_stated(ground: Ground, decision: Decision) -> float | None:
    ground.stated += 1
    return float("inf") if decision.what in ground.asked.sizes else None


def _channels(ground: Ground) -> int:
    return sum(ground.asked.channels)


def _sources(ground: Ground, decision: Decision) -> float | None:
    """Channels for the bias of a population: two (docs/bundle.md)."""
    return 2 if decision.what in ground.asked.sizes else None


def _links(ground: Ground, line: Line) -> str:
    """A definition: some decisions are counted by one that is no way of any population."""
    found = ground.terms(line)
    named = [d for c, d in found if c == -1 and ground.way(d) is None and d.how is not None]
    others = [(c, d) for c, d in found if d not in named]
    if line.low is not None or line.high not in (0, 1) or not found:
        return "is no definition"
    ground.stated += 1
    free = [d for _, d in others if d.how is not None and ground.way(d) is None]
    if line.high == 0 and len(named) == 1 and all(c == 1 for c, _ in others):
        return ""
    if line.high == 0 and len(found) == 2 and len(free) == 1 and found[0][0] == 1:
        return ""  # both -> one of the two
    if line.high == 1 and len(named) == 1 and len(found) == 3:
        return ""  # one and other -> both
    return "is no definition"


def _destinations(ground: Ground, line: Line) -> str:
    """Slices that a population feeds, less destinations of its copies and relays, are at most 0."""
    device, about = ground.device, ground.limit.about
    each = device.limit("destinations")
    if not about or line.low is not None or line.high is None or line.high < 0:
        return "does not compare destinations with what is fed"
    own, relays = set[str](), set[str]()
    for coefficient, decision in ground.terms(line):
        way = ground.way(decision)
        if decision.where is not None and decision.what == RELAY + about[0] and coefficient == -1:
            relays.add(decision.where)
        elif way is None:
            return f"counts {shown(decision.what)}, which is no way of a population"
        elif decision.what == about[0] and coefficient < 0:
            own.add(decision.how or "")
            if -coefficient < each * way.copies:
                return f"gives {-coefficient} destinations; a core has {each} ({way.copies} copies)"
        elif coefficient > way.parts * way.ports.get(about[0], 0):
            return (
                f"counts {coefficient} destinations for {shown(decision.what)}, which has "
                f"{way.parts} slices and {way.ports.get(about[0], 0)} poolings of {shown(about[0])}"
            )
    if own < set(ground.asked.ways.get(about[0], {})) or relays < set(device.classes):
        return f"leaves out ways or relays of {shown(about[0])}"
    return ""


def _window(ground: Ground, line: Line) -> str:
    """Rows of the two windows together: sides as the profile has them, counts as stated."""
    most = int(ground.device.limit("hidden_neurons"))
    wide = [int(ground.device.limit(k)) for k in ("input_window", "output_window")]
    if line.low is not None or line.high is None:
        return "does not say that something is at most a number"
    ground.stated += 1
    sides = {0, 1, *(w + 2 * most for w in wide)}
    return "" if line.high in sides else f"allows {line.high:,}; the windows allow {wide}"


def _placed(ground: Ground, line: Line) -> str:
    """One way, of all that are listed, carries out the population."""
    about = ground.limit.about
    found = ground.terms(line)
    if len(about) != 1 or about[0] not in ground.asked.sizes or line.low not in (None, 1):
        return "is not about the ways of one population"
    if any(c != 1 or d.what != about[0] or d.how is None for c, d in found) or line.high != 1:
        return "does not choose one way of one population"
    left = set(ground.asked.ways.get(about[0], {})) - {d.how for _, d in found}
    return f"leaves out {len(left)} of the ways of {shown(about[0])}" if left else ""


def _on_cores(ground: Ground, line: Line) -> str:
    """A way's slices stand in the classes of cores, as many as it has."""
    found = ground.terms(line)
    chosen = [(c, d) for c, d in found if d.how is not None]
    counts = [(c, d) for c, d in found if d.where is not None]
    way = ground.way(chosen[0][1]) if len(chosen) == 1 else None
    if way is None or (line.low, line.high) != (0, 0) or chosen[0][0] != -way.parts:
        return "does not count the slices of one way"
    what = f"{chosen[0][1].what}/{chosen[0][1].how}"
    if any(c != 1 or d.what != what or d.most < way.parts for c, d in counts):
        return "counts other slices, or some of them differently"
    if {d.where for _, d in counts} != set(ground.device.classes):
        return "leaves out a class of cores"
    return ""


def _edge(ground: Ground, line: Line) -> str:
    """Readers of one form need a source that was charged for that form."""
    about = ground.limit.about
    wanted = {1: about[-1], -1: about[0]} if len(about) == 2 else {}
    if line.low is not None or line.high != 0:
        return "does not tie the ends of an edge"
    ground.stated += 1
    wrong = [c for c, d in ground.terms(line) if d.what != wanted.get(c) or d.how is None]
    return "counts other ways than those of its ends" if wrong else ""


def _host(ground: Ground, line: Line) -> str:
    allowed = ground.asked.settings.get("host") is not False
    return "stages on the host are allowed" if allowed else ""


def _exact(ground: Ground, line: Line) -> str:
    way = _closed_way(ground, line)
    if way is None or not way.rules:
        return "does not forbid a way that approximates"
    return "" if ground.asked.settings.get("exact") is True else "approximations are allowed"


def _closed_way(ground: Ground, line: Line) -> Way | None:
    return ground.way(ground.decisions[line.terms[0][1]]) if _closes(line) and line.terms else None


def _allowed(ground: Ground) -> set[str]:
    given = ground.asked.settings.get("allow")
    return {str(rule) for rule in given} if isinstance(given, list) else set()


def _needs_allow(ground: Ground, line: Line) -> str:
    way = _closed_way(ground, line)
    rules = set(ground.limit.limit.split("+"))
    if way is None or not rules <= {rule for rule, bound in way.rules if bound is None}:
        return f"does not forbid a way that uses {shown(ground.limit.limit)}, which has no bound"
    given = rules & _allowed(ground)
    return f"{shown(sorted(given)[0])} is allowed" if given else ""


def _max_error(ground: Ground, line: Line) -> str:
    way = _closed_way(ground, line)
    most = ground.asked.settings.get("max_error")
    if way is None or not isinstance(most, int | float) or line.over is None:
        return "does not forbid a way for its error"
    free = _allowed(ground)
    total = sum(bound for rule, bound in way.rules if bound is not None and rule not in free)
    if not total > most or abs(total - line.over[1]) > CLOSE:
        return f"states an error of {line.over[1]:g}; its rewrites add up to {total:g}, {most:g} is allowed"
    return ""


def _events(ground: Ground, line: Line) -> str:
    kind = str(ground.asked.semantics.get("input_kind"))
    _, _, number = kind.partition(":")
    most = int(number) if number.isdecimal() and len(number) < 10 else 1
    if line.over is None or line.over[1] != most:
        return f"does not speak of the {most} events a step that {shown(kind)} brings"
    return _over("input_events")(ground, line)


def _clock(ground: Ground, line: Line) -> str:
    step = ground.asked.semantics.get("chip_dt")
    if line.terms or not isinstance(step, int | float) or step <= 0:
        return "there is no time step to compare with the slow clock"
    hertz = 1.0 / step
    low, high = (ground.device.limit(f"slow_clock_{end}") for end in ("min", "max"))
    return f"{hertz:g} Hz is within {low}..{high} Hz" * (low <= hertz <= high)


def _form(ground: Ground, line: Line) -> str:
    """A way that a rule refused: the reason is text, and stated."""
    ground.stated += 1
    decision = ground.decisions[line.terms[0][1]] if _closes(line) and line.terms else None
    if (
        decision is None
        or ground.way(decision) is not None
        or decision.what not in ground.limit.about
    ):
        return "does not forbid a form without a way"
    return ""


def _delay(ground: Ground, line: Line) -> str:
    return _over("delay_max", 0.0 if ground.device.family == "xylo" else None)(ground, line)


_cores = _first(_links, _total(_all_cores, _parts))

# kinds whose limit is one number of the profile, each decision's own demand against it
NAMED: Mapping[str, str] = MappingProxyType(
    {
        "kernel-size": "kernel_max",
        "padding": "padding_max",
        "input-map": "input_map_max",
        "output-map": "map_out_max",
        "kernel-memory": "kernel_memory",
        "neuron-memory": "neuron_memory",
        "bias-memory": "bias_memory",
        "features": "features",
        "input-features": "features",
        "neurons-per-core": "neurons_per_core",
        "groups-per-core": "groups_per_core",
        "core-units": "units_per_core",
        "axon-in": "axon_in_units",
        "axon-map": "axon_map_units",
        "axon-mem": "axon_mem_units",
        "synapse-words": "synapse_units",
        "sram": "sram_window",
        "atoms": "atoms_per_pe",
        "atoms-conv": "atoms_per_pe_conv",
        "fan-out": "recurrent_fan_out",
    }
)
# and those that add something up
ADDED: Mapping[str, str] = MappingProxyType(
    {
        name.replace("_", "-"): name
        for name in (
            "input_channels",
            "hidden_neurons",
            "output_neurons",
            "recurrent_pairs",
            "input_window",
            "output_window",
            "destinations",
            "dvs_destinations",
            "input_events",
        )
    }
)

KINDS: Mapping[str, Check] = MappingProxyType(
    {kind: _over(name) for kind, name in NAMED.items()}
    | {
        "placed": _placed,
        "slices-on-cores": _on_cores,
        "edge-forms": _edge,
        "unsupported": _form,
        "recurrence": _switched_off("recurrence"),
        "merge-shape": _over("map_shapes", 1.0),
        "stride": _outside("strides"),
        "pooling": _outside("pools"),
        "square-kernel": _over("sides", 0.0),
        "symmetric-padding": _over("paddings", 0.0),
        "cores": _cores,
        "one-slice-a-core": _total(_of_class, _one_here),
        "input-channels": _first(
            _over("input_channels"), _total(_number("input_channels", _channels), _sources)
        ),
        "input-events": _events,
        "hidden-neurons": _first(
            _over("hidden_neurons"),
            _total(_number("hidden_neurons"), _size("hidden", "hidden+relay")),
        ),
        "output-neurons": _first(
            _over("output_neurons"),
            _total(_number("output_neurons"), _size("output", "hidden+relay")),
        ),
        "recurrent-pairs": _total(_number("recurrent_pairs"), _as_stated),
        "destinations": _first(_over("kernel_memory"), _over("neuron_memory"), _destinations),
        "dvs-destinations": _total(_number("dvs_destinations"), _as_stated),
        "input-window": _first(_links, _total(_number("input_window"), _some)),
        "output-window": _first(_links, _total(_number("output_window"), _some)),
        "window-overlap": _first(_links, _window),
        "latency": _delay,
        "conv-delay": _switched_off("conv_delays"),
        "slow-clock": _clock,
        "host-stage": _host,
        "needs-allow": _needs_allow,
        "max-error": _max_error,
        "exact-only": _exact,
    }
)


def misquoted(ground: Ground) -> str:
    """Why what a limit says there is, is not what the profile has; empty where it is, or is no number."""
    kind = ground.limit.kind
    name = NAMED.get(kind) or ADDED.get(kind)
    if kind == "cores":
        have = _all_cores(ground)
        have = (
            have
            if have is None or ground.device.family != "spinnaker2"
            else have + _input_pes(ground)
        )
    elif kind == "one-slice-a-core":
        have = _of_class(ground)
    elif name is None:
        return ""
    else:
        have = _value(ground, name, Line((), None, None, None))
    if have == ground.limit.available:
        return ""
    there = "none" if have is None else f"{have:,g}"
    return f"says that there are {ground.limit.available:,g}; by the profile there are {there}"
