"""Ways out that change the network: its time step, what conflicts name, its sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import log2

from mapper.problem.change.change import Change
from mapper.problem.fix import Fix
from mapper.solving.explain.kinds import sort_of
from mapper.verbs.fixes.ask import Ask
from mapper.verbs.fixes.dials import Dial, dials, largest, neurons_of
from mapper.verbs.fixes.repairs import Repair, repairs, time_steps

ENOUGH = 3  # sizes of one layer that are offered
FACTORS = (2, 4, 8, 16, 64, 256, 1024)  # by which several layers are turned down together
MOST_DIALS = 16  # that are tried, the nearest to the conflicts first
SPATIAL = (
    "input-map",
    "output-map",
    "neuron-memory",
    "unsupported",
    "input-channels",
    "hidden-neurons",
)
KERNELS = ("kernel-size", "padding", "square-kernel", "symmetric-padding", "kernel-memory")
SIZED = ("item", "total", "wiring", "support")
Turned = Sequence[tuple[Dial, int]]


def steps(ask: Ask) -> Iterator[Fix]:
    """Another time step: the nearest that needs no permission."""
    limits = {name: number.value for name, number in ask.asked.profile.limits.items()}
    old = ask.asked.semantics.file_dt
    for dt in time_steps(ask.claims, ask.graph, ask.asked.semantics, limits):
        change = Change(dt=dt)
        found = ask.fits(ask.with_change(change))
        if found is None or found[1].price or old is None:
            continue
        says = f"a time step of {dt:g} s instead of {old:g} s, gains rescaled, inputs re-binned"
        yield ask.fix("dt", says, found, more=5.0 * abs(log2(dt / old)), change=change)
        return


def mended(ask: Ask) -> Iterator[Fix]:
    """What the conflicts ask for by name; with smaller layers where that is not enough."""
    best: Repair | None = None
    for repair in repairs(ask.impossible, ask.graph, ask.asked.semantics):
        found = ask.fits(ask.with_change(repair.change))
        if found is not None:
            yield ask.fix(repair.kind, repair.says, found, change=repair.change)
            return
        if best is None or repair.kind == "retrain":
            best = repair
    if best is not None:
        yield from sizes(ask, best)


def sizes(ask: Ask, repair: Repair | None = None) -> Iterator[Fix]:
    """Smaller layers, inputs or kernels: one alone where that helps, else several together.

    None where permissions alone make it fit: what no option lifts is the size then.
    """
    base = Change() if repair is None else repair.change
    asked = ask.with_change(base)
    if asked is None or ask.permitted is not None:
        return
    near = _near(ask, dials(asked.source.graph))[:MOST_DIALS]
    alone = 0
    for dial in near:
        value = largest(dial, _checker(ask, base, dial))
        if value is not None:
            alone += 1
            yield from _sized(ask, base, repair, [(dial, value)], neighbour=True)
        if alone == ENOUGH:
            return
    if not alone and near:
        yield from _sized(ask, base, repair, _together(ask, base, near), neighbour=False)


def _near(ask: Ask, found: Sequence[Dial]) -> list[Dial]:
    """Dials that the conflicts' limits depend on, hidden layers first, then by size."""
    claims = [claim for claim in ask.claims if sort_of(claim.kind) in SIZED]
    subjects = {name for claim in claims for name in claim.subject}
    for population in ask.impossible.question.network.populations:
        if population.name in subjects:
            subjects |= {p.source for p in population.projections}
            subjects |= set(population.origin)
    maps = any(claim.kind in SPATIAL for claim in claims)
    kernels = any(claim.kind in KERNELS for claim in claims)
    rows = [
        dial
        for dial in found
        if (dial.kind == "input" and maps)
        or (dial.kind == "kernel" and kernels and dial.name in subjects)
        or (dial.kind == "channels" and {dial.name, *dial.also} & subjects)
    ]
    order = {"hidden": 0, "input": 1, "output": 2}
    return sorted(rows, key=lambda dial: (order[dial.role], -dial.now))


def _checker(ask: Ask, base: Change, dial: Dial) -> Callable[[int], bool]:
    """Whether the network fits with the dial at a value."""

    def fits(value: int) -> bool:
        return ask.fits(ask.with_change(base.plus(dial.change(value)))) is not None

    return fits


def _together(ask: Ask, base: Change, near: Sequence[Dial]) -> list[tuple[Dial, int]]:
    """All dials turned down by one factor until it fits, then up again one by one."""

    def fits(values: Sequence[int]) -> bool:
        return ask.fits(ask.with_change(_all(base, zip(near, values, strict=True)))) is not None

    for factor in FACTORS:
        values = [dial.at_most(dial.now // factor) for dial in near]
        if not fits(values):
            continue
        for i in sorted(range(len(near)), key=lambda i: near[i].role != "output"):
            rest = (values[:i], values[i + 1 :])
            values[i] = _grown(near[i], values[i], lambda v, r=rest: fits([*r[0], v, *r[1]]))
        return list(zip(near, values, strict=True))
    return []


def _grown(dial: Dial, low: int, fits: Callable[[int], bool]) -> int:
    """The largest value from `low`, which fits, to what it is now."""
    if fits(dial.now):
        return dial.now
    high = dial.now
    while high - low > dial.step:
        middle = low + (high - low) // (2 * dial.step) * dial.step
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _sized(
    ask: Ask, base: Change, repair: Repair | None, values: Turned, *, neighbour: bool
) -> Iterator[Fix]:
    """The fix that sets dials, where any of them is turned down at all."""
    turned = [(dial, value) for dial, value in values if value < dial.now]
    change = _all(base, turned)
    asked = ask.with_change(change)
    found = ask.fits(asked)
    if not turned or found is None or asked is None:
        return
    left = neurons_of(asked.source.graph) / max(1, neurons_of(ask.graph))
    roles = {dial.role for dial, _ in turned}
    more = 60.0 * (1.0 - left) + 10.0 * ("input" in roles) + 30.0 * ("output" in roles)
    says = "; and ".join(dial.says(value, neighbour=neighbour) for dial, value in turned)
    kind = "geometry" if any(dial.kind == "kernel" for dial, _ in turned) else "size"
    if repair is not None:
        says, kind = f"{repair.says}; and {says}", repair.kind
    yield ask.fix(kind, says, found, more=more, change=change)


def _all(base: Change, values: Iterable[tuple[Dial, int]]) -> Change:
    change = base
    for dial, value in values:
        if value != dial.now:
            change = change.plus(dial.change(value))
    return change
