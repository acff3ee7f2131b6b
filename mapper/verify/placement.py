"""Every neuron lies in one slice per copy, every slice on a core of its own that exists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod
from typing import Literal

from mapper.verify.device import Device
from mapper.verify.manifest import Box, Manifest, Population, Slice
from mapper.verify.report import Book, listed, shown

ALL = ""  # a helper that feeds all that need it
MOST_COMPARED = 300  # slices among which an overlapping pair is looked for, to name it


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a family's bundles lie on cores.

    helpers: roles of cores that hold no slice; placement: whether the hand-off keeps the
    cores as they are told; pools: populations have the role of a pool; copies: a population
    may lie on cores several times.
    """

    helpers: tuple[str, ...]
    placement: Literal["binding", "advisory"]
    pools: bool
    copies: bool


def check_placement(manifest: Manifest, device: Device, layout: Layout, book: Book) -> None:
    """Slices, helpers and cores, whatever the family."""
    parts = manifest.parts()
    for name in parts:
        if name not in manifest.populations:
            book.find("partition", f"slices are of {shown(name)}, which is no population")
    for population in manifest.populations.values():
        _partition(population, parts[population.name], layout, book)
    _cores(manifest, device, book)
    _helpers(manifest, layout, book)
    _result(manifest, layout, book)


def _partition(population: Population, slices: Sequence[Slice], layout: Layout, book: Book) -> None:
    if population.role and not layout.pools:
        book.find("role", f"{shown(population.name)} has a role; only Xylo has pools")
    copies: dict[int, list[Slice]] = {}
    for piece in slices:
        copies.setdefault(piece.copy, []).append(piece)
    if population.copies > 1 and not layout.copies:
        book.find("copies", f"{shown(population.name)} has {population.copies} copies; expected 1")
    if len(copies) != population.copies or max(copies) >= population.copies:
        book.find(
            "copies",
            f"{shown(population.name)} has {population.copies} copies, its slices are of "
            f"{len(copies)}: {listed(sorted(copies))}",
        )
    for copy, found in sorted(copies.items()):
        fault = _tiling_fault(population.shape, [piece.box for piece in found])
        if fault:
            where = f"{shown(population.name)}" + (f", copy {copy}" if len(copies) > 1 else "")
            book.find("partition", f"{where}: {fault}")


def _tiling_fault(shape: tuple[int, ...], boxes: Sequence[Box]) -> str:
    """Why the boxes do not hold each neuron once; empty where they do."""
    flat = (prod(shape),)
    kinds = {len(box) for box in boxes}
    if kinds - {1, len(shape)} or len(kinds) > 1:
        return f"boxes of {listed(sorted(kinds))} dimensions in a shape of {len(shape)}"
    whole = flat if kinds == {1} else shape
    for box in boxes:
        if any(stop > n for (_, stop), n in zip(box, whole, strict=True)):
            return f"the box {_text(box)} reaches beyond the shape {whole}"
    held = sum(prod(stop - start for start, stop in box) for box in boxes)
    if tiles(whole, boxes):
        return ""
    pair = next((p for p in combinations(boxes[:MOST_COMPARED], 2) if _overlap(*p)), None)
    twice = f"; {_text(pair[0])} and {_text(pair[1])} overlap" if pair else ""
    return f"its slices hold {held} neurons, it has {prod(shape)}{twice}"


def tiles(whole: tuple[int, ...], boxes: Sequence[Box]) -> bool:
    """Whether boxes inside `whole` hold every point of it exactly once.

    A sum of boxes is known from its signed corners (its mixed difference), so it equals the
    whole iff all corners but the whole's cancel. Takes time and space as the boxes do.
    """
    corners: Counter[tuple[int, ...]] = Counter()
    for box, sign in [*((box, 1) for box in boxes), (tuple((0, n) for n in whole), -1)]:
        for corner in product(*(((edge, 1 - 2 * i) for i, edge in enumerate(e)) for e in box)):
            corners[tuple(at for at, _ in corner)] += sign * prod(s for _, s in corner)
    return not any(corners.values())


def _overlap(a: Box, b: Box) -> bool:
    return all(x[0] < y[1] and y[0] < x[1] for x, y in zip(a, b, strict=True))


def _text(box: Box) -> str:
    return "[" + ", ".join(f"{start}:{stop}" for start, stop in box) + "]"


def _cores(manifest: Manifest, device: Device, book: Book) -> None:
    """Cores exist, and hold one slice or helper unless the family's cores are shared."""
    if manifest.settings["chips"] != manifest.chips:
        book.find(
            "cores",
            f"settings ask for {manifest.settings['chips']} chips, the device has {manifest.chips}",
        )
    boards = device.values("chips_on_board") if "chips_on_board" in device.lists else ()
    most = max(boards, default=device.limit("chips_per_system"))
    if manifest.chips > most:
        book.find(
            "cores", f"the bundle is for {manifest.chips} chips; {device.name} comes in {most}"
        )
    holders: dict[tuple[int, int], list[str]] = {}
    sizes = [(s.chip, s.core, shown(s.population)) for s in manifest.slices]
    sizes += [(h.chip, h.core, f"{h.role} of {shown(h.population)}") for h in manifest.helpers]
    for chip, core, what in sizes:
        holders.setdefault((chip, core), []).append(what)
        if chip >= manifest.chips or core not in device.cores:
            book.find(
                "core-unknown",
                f"{what} stands on chip {chip}, core {core}; there are {manifest.chips} chips with "
                f"cores {min(device.cores)}..{max(device.cores)}",
            )
        else:
            book.holds(chip, core, what)
    for (chip, core), names in sorted(holders.items()):
        if len(names) > 1 and not device.switch("share_cores"):
            book.find(
                "core-shared",
                f"chip {chip}, core {core} holds {len(names)} slices ({listed(names)}); it takes 1",
            )


def _helpers(manifest: Manifest, layout: Layout, book: Book) -> None:
    """Helpers have a role of the family, and feed something that needs them."""
    needs = {p.name for p in manifest.populations.values() if p.bias == "source"}
    fed = {
        "relay": set(manifest.populations),
        "input source": {port.name for port in manifest.inputs} | {ALL},
        "bias source": needs | ({ALL} if needs else set[str]()),
    }
    sources: Counter[str] = Counter()
    for helper in manifest.helpers:
        if helper.role not in layout.helpers:
            book.find("helper", f"a {helper.role} is no helper of {shown(manifest.family)}")
        if helper.population not in fed[helper.role]:
            book.find(
                "helper", f"a {helper.role} is for {shown(helper.population)}, which needs none"
            )
        if helper.role == "bias source":
            sources[helper.population] += 1
    if "bias source" in layout.helpers:
        for name in sorted(needs):
            if sources[name] + sources[ALL] != 1:
                book.find(
                    "helper",
                    f"{shown(name)} has {sources[name] + sources[ALL]} bias sources; it needs 1",
                )
    columns = {p.target for p in manifest.projections if manifest.is_bias(p)}
    for name in sorted(columns ^ needs):
        book.find(
            "bias-source",
            f"{shown(name)} has {int(name in columns)} projections from a bias source; its kind of "
            f"bias needs {int(name in needs)}",
        )


def _result(manifest: Manifest, layout: Layout, book: Book) -> None:
    used = {(s.chip, s.core) for s in manifest.slices}
    used |= {(h.chip, h.core) for h in manifest.helpers}
    if manifest.cores != len(used):
        book.find("result", f"the result counts {manifest.cores} cores; {len(used)} are in use")
    names = [name for name, _, _ in manifest.objectives]
    if len(set(names)) < len(names):
        book.find("result", f"{len(names)} objectives have {len(set(names))} names")
    for name, value, bound in manifest.objectives:
        proven = manifest.proven and name in manifest.settings["objective"]
        if bound > value or (proven and bound != value):
            book.find(
                "result",
                f"objective {shown(name)} is {value:g} with the bound {bound:g}, "
                + ("which is above it" if bound > value else "and is called proven"),
            )
    if manifest.placement != layout.placement:
        book.find(
            "result", f"the placement is '{manifest.placement}'; expected '{layout.placement}'"
        )
    neurons = sum(p.size for p in manifest.populations.values())
    if manifest.neurons != neurons:
        book.find("result", f"the model counts {manifest.neurons} neurons; there are {neurons}")


def is_grid(population: Population, box: Box) -> bool:
    """Whether a box has an edge for each of several dimensions; else it is a flat run."""
    return 1 < len(population.shape) == len(box)


def held(population: Population, box: Box) -> Mapping[str, int]:
    """Neurons, channels and map positions that a slice's box touches."""
    sides = [stop - start for start, stop in box]
    c, y, x = population.map
    if is_grid(population, box):
        return {"neurons": prod(sides), "channels": sides[0], "pixels": prod(sides[1:])}
    start, stop = next(iter(box))
    channels = (stop - 1) // (y * x) - start // (y * x) + 1
    neurons = stop - start
    return {"neurons": neurons, "channels": min(c, channels), "pixels": min(neurons, y * x)}
