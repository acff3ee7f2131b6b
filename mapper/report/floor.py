"""The floor plan of a placement: which core holds what, and how full it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from device_profiles.profile import Profile
from mapper.problem.traits import FloorPlan
from mapper.report.document import CoreFacts, Fits
from mapper.report.words import counted

SeatOf = Callable[[int], tuple[str, int, str, str]]  # of a core: text, hue, state, says
PITCH = 26  # of a core on the mesh, in pixels
SITE_GAP = 10
MOST_CHIPS = 4
MOST_MISSING = 150  # cores that are missing and drawn small
ON_TOP = "a source, copy or relay"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MEMORIES = ("kernel_words", "neuron_words", "bias_words")  # what a Speck core is drawn with
HELPER = "h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A population's letter and hue (degrees), the same wherever it is drawn."""

    letter: str
    hue: int
    name: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A limit and its use. parts: who uses how much of it, where that is drawn."""

    name: str
    used: float
    available: float
    unit: str = ""
    parts: tuple[tuple[Mark, int], ...] = ()

    @property
    def share(self) -> float:
        """Used over available; 1 where nothing is there and something is used."""
        return self.used / self.available if self.available else float(self.used > 0)

    @property
    def full(self) -> float:
        """What the whole width of the bar stands for."""
        return max(self.used, self.available) or 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A core drawn large. state: 'used', 'idle', 'hit', and 'wide' for a whole row."""

    title: str
    side: str
    state: str
    holds: tuple[Mark, ...] = ()
    lines: tuple[str, ...] = ()
    meters: tuple[Meter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A core drawn small; `says`: what hovering tells; text: a letter or nothing."""

    x: float
    y: float
    text: str
    hue: int
    state: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A chip of many cores. sites: corners of routers, which hold several cores each.

    beneath, beneath_y: a line under the chip, about the cores drawn below it, and where.
    """

    title: str
    width: float
    height: float
    sites: tuple[tuple[float, float], ...]
    seats: tuple[Seat, ...]
    site: float
    label: str
    beneath: str
    beneath_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """cards or meshes, and what the letters stand for; note: one sentence beneath.

    helpers: what the letter of a helper stands for, '' where none is drawn.
    """

    cards: tuple[Card, ...]
    meshes: tuple[Mesh, ...]
    marks: tuple[Mark, ...]
    note: str
    helpers: str = ""


Wanted = tuple[Mark | None, ...]  # who wants a core each; None: a source, copy or relay


def marks_of(populations: Iterable[tuple[str, str]]) -> tuple[Mark, ...]:
    """A letter and a hue for each (name, words); hues of neighbours are far apart."""
    return tuple(
        Mark(letter=_letter(i), hue=(200 + 137 * i) % 360, name=name, says=says)
        for i, (name, says) in enumerate(populations)
    )


def floor_of_fit(
    profile: Profile, drawing: FloorPlan, facts: Fits, marks: tuple[Mark, ...]
) -> Floor:
    """The floor plan of a placement, from its report's facts."""
    used = {(row["chip"], row["core"]): row for row in facts["usage"]}
    by_name = {f"'{mark.name}'": mark for mark in marks}
    roles = {(h["chip"], h["core"]): h["role"] for h in facts["helpers"]}
    held = {at: _held(row, by_name) for at, row in used.items()}
    if drawing == "cores":
        sends = _sends(facts)
        cards = [
            _speck_card(profile, core, used.get((0, core)), held, roles, sends)
            for core in ids_of(profile)
        ]
        note = "Each bar is a memory or table of the core; 'sends to' are the core's destinations."
        return Floor(cards=tuple(cards), meshes=(), marks=marks, note=note)
    if drawing == "pools":
        card = _xylo_card(next(iter(used.values())), facts, marks)
        return Floor(cards=(card,), meshes=(), marks=marks, note="")
    chips = sorted({chip for chip, _ in used} | {chip for chip, _ in roles})
    meshes = [
        mesh_of(profile, chip, len(chips) > 1, _fit_seat(chip, used, held, roles))
        for chip in chips[:MOST_CHIPS]
    ]
    more = (
        f" {len(chips) - MOST_CHIPS} more chips are not drawn." if len(chips) > MOST_CHIPS else ""
    )
    note = f"A square is a core, a frame the router that its cores share.{more}"
    if facts["placement"] == "advisory":
        note += " The vendor's tools place by themselves: positions are a suggestion."
    helpers = ", ".join(dict.fromkeys(roles.values()))
    return Floor(cards=(), meshes=tuple(meshes), marks=marks, note=note, helpers=helpers)


def _letter(i: int) -> str:
    return LETTERS[i] if i < 26 else _letter(i // 26 - 1) + LETTERS[i % 26]


def ids_of(profile: Profile) -> list[int]:
    """Core numbers of one chip, sorted."""
    return sorted(core for group in profile.cores for core in group.ids)


def _held(row: CoreFacts, by_name: Mapping[str, Mark]) -> tuple[Mark, ...]:
    return tuple(by_name[name] for name in row["holds"] if name in by_name)


def _sends(facts: Fits) -> dict[int, list[int]]:
    sends: dict[int, list[int]] = {}
    for link in facts["links"]:
        sends.setdefault(link["source"], []).append(link["target"])
    return sends


def class_of(profile: Profile, core: int) -> str:
    """'class A' for a core of class A."""
    name = next(group.name for group in profile.cores if core in group.ids)
    return f"class {name}"


def _speck_card(
    profile: Profile,
    core: int,
    row: CoreFacts | None,
    held: Mapping[tuple[int, int], tuple[Mark, ...]],
    roles: Mapping[tuple[int, int], str],
    sends: Mapping[int, list[int]],
) -> Card:
    if row is None:
        return Card(
            title=f"core {core}", side=class_of(profile, core), state="idle", lines=("free",)
        )
    lines: list[str] = [roles[0, core]] if (0, core) in roles else []
    to = sorted(set(sends.get(core, ())))
    lines += [f"sends to core {', '.join(map(str, to))}"] if to else []
    lines += ["fed by the host"] if core in sends.get(-1, ()) else []
    return Card(
        title=f"core {core}",
        side=class_of(profile, core),
        state="used",
        holds=held[0, core],
        lines=tuple(lines),
        meters=meters_of(row, MEMORIES),
    )


def _xylo_card(row: CoreFacts, facts: Fits, marks: tuple[Mark, ...]) -> Card:
    """The pools, those of neurons in parts: which population has how many."""
    by_name = {mark.name: mark for mark in marks}
    shares: dict[str, list[tuple[Mark, int]]] = {"hidden_neurons": [], "output_neurons": []}
    for population in facts["populations"]:
        for pool, role in (("hidden_neurons", "hidden"), ("output_neurons", "output")):
            relayed = role == "output" and population["role"] == "hidden+relay"
            if population["role"].startswith(role) or relayed:
                shares[pool].append((by_name[population["name"]], population["neurons"]))
    meters = [
        replace(meter, parts=tuple(shares.get(meter.name.replace(" ", "_"), ())))
        for meter in meters_of(row)
    ]
    return Card(title="pools of the core", side="", state="wide", meters=tuple(meters))


def meters_of(row: CoreFacts, names: Sequence[str] = ()) -> tuple[Meter, ...]:
    """The bars of a core's use; names: of those wanted, all where empty."""
    resources = row["resources"]
    return tuple(
        Meter(name=name.replace("_", " "), used=use["used"], available=use["available"])
        for name, use in resources.items()
        if not names or name in names
    )


def _fit_seat(
    chip: int,
    used: Mapping[tuple[int, int], CoreFacts],
    held: Mapping[tuple[int, int], tuple[Mark, ...]],
    roles: Mapping[tuple[int, int], str],
) -> SeatOf:
    def seat(core: int) -> tuple[str, int, str, str]:
        at = chip, core
        if at in roles:
            return HELPER, 0, "helper", f"core {core}: {roles[at]}"
        if at not in used or not held[at]:
            return "", 0, "idle", f"core {core}: free"
        mark = held[at][0]
        uses = ", ".join(f"{m.name} {100 * m.share:.0f} %" for m in meters_of(used[at]))
        names = ", ".join(m.name for m in held[at])
        return mark.letter, mark.hue, "taken", f"core {core}: {names}. {uses}"

    return seat


def mesh_of(profile: Profile, chip: int, several: bool, seat: SeatOf, missing: Wanted = ()) -> Mesh:
    """Routers where the profile has them; their cores in order, two beside each other."""
    where, each = _routers(profile)
    ids = ids_of(profile)
    wide = max(1, round(each**0.5))
    site = wide * PITCH + 4
    least_x, least_y = min(x for x, _ in where), min(y for _, y in where)
    sites: list[tuple[float, float]] = []
    seats: list[Seat] = []
    for i, (column, row) in enumerate(where):
        x, y = (
            (n - least) * (site + SITE_GAP) + 4.0
            for n, least in ((column, least_x), (row, least_y))
        )
        sites.append((x, y))
        for j, core in enumerate(ids[i * each : (i + 1) * each]):
            text, hue, state, says = seat(core)
            seats.append(
                Seat(
                    x=x + 4 + j % wide * PITCH,
                    y=y + 4 + j // wide * PITCH,
                    text=text,
                    hue=hue,
                    state=state,
                    says=says,
                )
            )
    width = max(x for x, _ in sites) + site + 8
    height = max(y for _, y in sites) + site + 8
    beneath, beneath_y = "", 0.0
    if missing:
        drawn = missing[:MOST_MISSING]
        some = f", {len(drawn)} of them drawn" if len(drawn) < len(missing) else ""
        beneath = f"{counted(len(missing), 'more core')} needed{some}:"
        beneath_y = height + 18
        seats += _missing_seats(drawn, width, beneath_y)
        height = seats[-1].y + PITCH + 4
    title = f"{profile.title}, chip {chip}" if several else profile.title
    return Mesh(
        title=title,
        width=width,
        height=height,
        sites=tuple(sites),
        seats=tuple(seats),
        site=site,
        label=f"{title}: {len(ids)} cores; which core holds what is in the table of populations"
        if not missing
        else f"{title}: all {len(ids)} cores are taken; {beneath.rstrip(':')}",
        beneath=beneath,
        beneath_y=beneath_y,
    )


def _missing_seats(drawn: Wanted, width: float, top: float) -> Iterator[Seat]:
    """Cores that are not there, row by row under the mesh."""
    across = int((width - 8) // PITCH)
    for k, mark in enumerate(drawn):
        yield Seat(
            x=8.0 + k % across * PITCH,
            y=top + 10 + k // across * PITCH,
            text=mark.letter if mark else HELPER,
            hue=0,
            state="hit",
            says=f"missing: a core for {mark.name if mark else ON_TOP}",
        )


def _routers(profile: Profile) -> tuple[list[tuple[int, int]], int]:
    """Places of routers and cores at each; a square of single cores where none are known."""
    if "quads" in profile.lists:
        pairs = [str(quad).split(",") for quad in profile.lists["quads"].values]
        return [(int(x), int(y)) for x, y in pairs], int(profile.limit("pes_per_quad").value)
    if "routers_x" in profile.limits:
        wide, high = (int(profile.limit(key).value) for key in ("routers_x", "routers_y"))
        each = int(profile.limit("cores_per_router").value)
        return [(x, y) for x in range(wide) for y in range(high)], each
    n = len(ids_of(profile))
    wide = max(1, round(n**0.5))
    return [(i % wide, i // wide) for i in range(n)], 1
