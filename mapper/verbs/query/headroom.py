"""`--headroom`: for every limit what is demanded, what there is, and who uses most.

Of a network that fits, the figures are those that the stand-alone checker counted on each
core, and those of the chosen plans; of one that does not, what it demands at least.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from device_profiles.profile import Confidence, Number, Profile
from mapper.bundle.result import Result
from mapper.families import family_named
from mapper.solving.outcome import Impossible, Placed
from mapper.verbs.query.document import RoomFacts
from nir_io.graph import Conv2d


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One limit. `where`: the core that is fullest, or '' for the whole chip.

    most: the populations that use most of it, in quotes; least: `demanded` is a lower bound.
    """

    limit: str
    demanded: float
    available: float
    unit: str
    most: tuple[str, ...]
    where: str
    source: str
    confidence: Confidence
    least: bool = False

    @property
    def share(self) -> float:
        """Of what there is."""
        if self.available:
            return self.demanded / self.available
        return float("inf") if self.demanded else 0.0


def headroom(result: Result) -> tuple[Room, ...]:
    """A row for each limit, the tightest first."""
    match result.outcome:
        case Placed():
            rows = [*_of_cores(result, result.outcome), *_of_plans(result.outcome)]
        case Impossible():
            rows = list(_of_claims(result.outcome))
        case _:
            rows = []
    best: dict[str, Room] = {}
    for row in rows:
        if row.limit not in best or row.share > best[row.limit].share:
            best[row.limit] = row
    return tuple(sorted(best.values(), key=lambda row: (-row.share, row.limit)))


def _of_cores(result: Result, placed: Placed) -> Iterator[Room]:
    """What the checker counted, resource by resource, on the core where its share is largest."""
    profile = placed.question.profile
    named = _limits(profile)
    several = sum(len(core.ids) for core in profile.cores) > 1
    for core in result.checked.usage if result.checked else ():
        for name, use in core.resources.items():
            limit = named.get(name, name)
            number = _number(profile, limit, core.core)
            if number is not None:
                yield Room(
                    limit=limit,
                    demanded=use.used,
                    available=use.available,
                    unit=number.unit,
                    most=_users(placed, name, core.holds),
                    where=f"core {core.core}" if several else "",
                    source=number.source,
                    confidence=number.confidence,
                )


def _users(placed: Placed, resource: str, holds: tuple[str, ...]) -> tuple[str, ...]:
    """The population among those on a core that takes most of a pool (Xylo), or all of them."""
    if len(holds) < 2:
        return holds
    sizes = {
        "hidden_neurons": {name: len(ids) for name, ids in placed.hidden_ids.items()},
        "output_neurons": {name: len(ids) for name, ids in placed.output_ids.items()},
        "recurrent_pairs": {name: _pairs(placed, name) for name in placed.hidden_ids},
    }.get(resource)
    if not sizes:
        return holds
    top = max(sizes.values())
    return tuple(f"'{name}'" for name, size in sizes.items() if size == top)


def _pairs(placed: Placed, name: str) -> int:
    """Non-zero weights from other populations."""
    inputs = dict(placed.question.network.inputs)
    return sum(
        int(np.count_nonzero(form.values))
        for form in placed.chosen[name].form.projections
        if form.source not in inputs
    )


def _of_plans(placed: Placed) -> Iterator[Room]:
    """Limits that no core counts: cores, errors, delays, geometry."""
    profile, settings = placed.question.profile, placed.question.settings
    cores = [c for c in placed.ledger.claims if c.kind == "cores" and not c.question]
    for claim in cores:
        parts = {name: plan.parts for name, plan in placed.chosen.items()}
        yield Room(
            limit=claim.limit,
            demanded=placed.cores,
            available=claim.available,
            unit=claim.unit,
            most=_top(parts),
            where="",
            source=claim.source,
            confidence=claim.confidence,
        )
    errors = {name: plan.form.neuron.error for name, plan in placed.chosen.items()}
    allowed = set(settings.allow)
    asked = {
        name: error
        for name, error in errors.items()
        if not allowed & set(placed.chosen[name].form.neuron.approximate)
    }
    if asked and max(asked.values()) > 0.0 and settings.max_error > 0.0:
        yield Room(
            limit="max_error",
            demanded=max(asked.values()),
            available=settings.max_error,
            unit="membrane-response error",
            most=_top(asked),
            where="",
            source="option --max-error",
            confidence="published",
        )
    for limit, sizes in _measured(placed).items():
        number = profile.limits.get(limit)
        if number is not None and sizes:
            yield Room(
                limit=limit,
                demanded=max(sizes.values()),
                available=number.value,
                unit=number.unit,
                most=_top(sizes),
                where="",
                source=number.source,
                confidence=number.confidence,
            )


def _measured(placed: Placed) -> Mapping[str, dict[str, int]]:
    """Per limit of the profile what each population has of it: delays, kernels, maps."""
    found: dict[str, dict[str, int]] = {}

    def note(limit: str, name: str, value: int) -> None:
        row = found.setdefault(limit, {})
        row[name] = max(row.get(name, 0), value)

    # on some chips `kernel_max` is a largest weight; only a side is what is measured here
    side = placed.question.profile.limits.get("kernel_max")
    in_pixels = side is not None and side.unit == "pixels"
    for name, plan in placed.chosen.items():
        for form in plan.form.projections:
            own = 0 if form.delay is None else int(np.max(form.delay))
            note("delay_max", name, own + form.extra_delay)
            if isinstance(form.weight, Conv2d) and in_pixels:
                note("kernel_max", name, max(form.weight.weight.shape[2:]))
                note("padding_max", name, max(form.weight.padding))
                note("input_map_max", name, max(form.weight.shape_in[-2:]))
                note("map_out_max", name, max(form.weight.shape_out[-2:]))
    return found


def _of_claims(impossible: Impossible) -> Iterator[Room]:
    """What every limit of the ledger demands at least."""
    for claim in impossible.ledger.claims:
        if claim.question or not claim.available or claim.kind == "one-slice-a-core":
            continue  # what a class of cores alone must hold is not counted
        yield Room(
            limit=claim.limit or claim.kind,
            demanded=claim.demanded,
            available=claim.available,
            unit=claim.unit,
            most=tuple(f"'{name}'" for name in claim.subject) if len(claim.subject) == 1 else (),
            where="",
            source=claim.source,
            confidence=claim.confidence,
            least=True,
        )


def _top(sizes: Mapping[str, float]) -> tuple[str, ...]:
    most = max(sizes.values())
    return tuple(f"'{name}'" for name, size in sizes.items() if size == most)


def _limits(profile: Profile) -> Mapping[str, str]:
    """The profile's name of each resource that the checker counts."""
    return {row.demand: row.limit for row in family_named(profile.family).resources}


def _number(profile: Profile, limit: str, core: int) -> Number | None:
    for one in profile.cores:
        if core in one.ids and limit in one.limits:
            return one.limits[limit]
    return profile.limits.get(limit)


def facts(rooms: tuple[Room, ...]) -> list[RoomFacts]:
    """For JSON."""
    return [
        {
            "limit": row.limit,
            "demanded": round(row.demanded, 6),
            "at_least": row.least,
            "available": row.available,
            "unit": row.unit,
            "share": None if row.share == float("inf") else round(row.share, 6),
            "most": list(row.most),
            "where": row.where,
            "source": row.source,
            "confidence": row.confidence,
        }
        for row in rooms
    ]
