"""Changes that conflicts name: another kind of neuron, a rest of 0, a shorter delay, a stride.

Unlike sizes these have one value each, given by what the chip has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np

from device_profiles.profile import Profile
from mapper.problem.change.change import Change
from mapper.solving.claims.ledger import Claim
from mapper.solving.outcome import Conflict, Impossible
from nir_io.graph import LI, LIF, Conv1d, Conv2d, CubaLI, CubaLIF, Delay, Graph, Neuron, SumPool2d
from nir_io.raw import first_of
from nir_io.semantics import Semantics

NEURON = "no-"  # begins the id of a candidate whose neuron was refused (mapper.solving.offer.alternatives)
PREFERRED = ("LIF", "CubaLIF", "IF")  # the kinds to retrain with, the most alike first


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A change, its kind (a key of COSTS), and a sentence for it."""

    kind: str
    change: Change
    says: str


def all_claims(conflicts: Sequence[Conflict]) -> list[Claim]:
    """Every claim of all conflicts, those with the same reason included."""
    return [
        claim
        for conflict in conflicts
        for one in (conflict, *conflict.others)
        for claim in one.claims
    ]


def repairs(impossible: Impossible, graph: Graph, semantics: Semantics) -> Iterator[Repair]:
    """What the conflicts ask for, beside sizes; each repair mends all populations at once."""
    claims = all_claims(impossible.conflicts)
    profile = impossible.question.profile
    yield from _shorter_delays(claims, graph, semantics, profile)
    yield from _steps(claims, graph, profile)
    lost = [c.subject[0] for c in claims if c.kind == "unsupported" and c.limit.startswith(NEURON)]
    names = [n for n in dict.fromkeys(lost) if isinstance(graph.nodes.get(n), Neuron)]
    yield from _at_rest(graph, names)
    yield from _other_kinds(graph, names, profile)


def _at_rest(graph: Graph, names: list[str]) -> Iterator[Repair]:
    leaning = [name for name in names if _rests_elsewhere(graph.nodes[name])]
    if leaning:
        yield Repair(
            kind="retrain",
            change=Change(rests=tuple(leaning)),
            says=f"retrain with v_leak and v_reset 0 in {listed(leaning)}",
        )


def _rests_elsewhere(node: object) -> bool:
    leak = isinstance(node, LI | LIF | CubaLI | CubaLIF) and bool(np.any(node.v_leak))
    return leak or bool(np.any(getattr(node, "v_reset", 0.0)))


def _other_kinds(graph: Graph, names: list[str], profile: Profile) -> Iterator[Repair]:
    """Kinds that the chip runs; a kind is not offered to neurons that have it."""
    native = [str(kind) for kind in profile.lists["neuron_models"].values]
    for kind in PREFERRED:
        changed = [name for name in names if graph.nodes[name].kind != kind]
        if kind in native and changed:
            old = ", ".join(sorted({graph.nodes[name].kind for name in changed}))
            yield Repair(
                kind="retrain",
                change=Change(neurons=dict.fromkeys(changed, kind)),
                says=f"retrain with {kind} neurons in {listed(changed)} (now {old})",
            )


def _shorter_delays(
    claims: list[Claim], graph: Graph, semantics: Semantics, profile: Profile
) -> Iterator[Repair]:
    """Delays as long as the chip can, or none."""
    kinds = {claim.kind for claim in claims}
    refused = any(
        claim.kind == "unsupported" and "delay" in str(claim.fields.get("because", "")).lower()
        for claim in claims
    )
    delays = list(graph.of_kind(Delay))
    if not delays or not (refused or kinds & {"latency", "conv-delay"}):
        return
    dt = semantics.file_dt or 1.0
    longest = {node.name: int(np.rint(np.max(node.delay) / dt)) for node in delays}
    most = 0 if refused else int(profile.limits["delay_max"].value)
    for limit in dict.fromkeys((most, 0)):
        changed = {name: limit for name, steps in longest.items() if steps > limit}
        if changed:
            what = f"delays of at most {limit} steps" if limit else "no delay"
            was = max(longest[name] for name in changed)
            yield Repair(
                kind="delay",
                change=Change(delays=changed),
                says=f"{what} in {listed(list(changed))} (now up to {was})",
            )


def _steps(claims: list[Claim], graph: Graph, profile: Profile) -> Iterator[Repair]:
    """The nearest legal stride or pooling, for those that the chip lacks."""
    kinds = {claim.kind for claim in claims}
    for kind, key, nodes in (
        ("stride", "strides", [n for n in graph.of_kind(Conv1d, Conv2d)]),
        ("pooling", "pools", [n for n in graph.of_kind(SumPool2d)]),
    ):
        if kind not in kinds or key not in profile.lists:
            continue
        legal = sorted(int(v) for v in profile.lists[key].values)
        for below in (False, True):
            changed: dict[str, int] = {}
            for node in nodes:
                strides = (node.stride,) if isinstance(node, Conv1d) else node.stride
                wrong = [step for step in strides if step not in legal]
                if wrong:
                    pick = [n for n in legal if (n < wrong[0]) == below]
                    changed[node.name] = (pick[-1] if below else pick[0]) if pick else legal[-1]
            if changed:
                told = ", ".join(f"{n} in '{name}'" for name, n in changed.items())
                yield Repair(
                    kind="geometry",
                    change=Change(strides=changed),
                    says=f"a {kind} of {told}",
                )


def time_steps(
    claims: Sequence[Claim], graph: Graph, semantics: Semantics, limits: Mapping[str, float]
) -> list[float]:
    """Steps worth trying: those that put a time constant on 2^-n, or shorten delays; near first."""
    old = semantics.file_dt
    kinds = {claim.kind for claim in claims}
    if old is None or not kinds & {"max-error", "needs-allow", "latency"}:
        return []
    taus = [
        float(np.median(tau))
        for node in graph.of_kind(LIF, CubaLIF)
        for tau in ((node.tau,) if isinstance(node, LIF) else (node.tau_syn, node.tau_mem))
    ]
    found: list[float] = []
    if "max-error" in kinds:
        found += [tau * 2.0**-n for tau in dict.fromkeys(taus) for n in range(1, 9)]
    if "latency" in kinds and limits.get("delay_max"):
        longest = max((float(np.max(n.delay)) for n in graph.of_kind(Delay)), default=0.0)
        if longest > 0.0:  # else paths differ in hops, which no time step changes
            found += [_up(longest / limits["delay_max"] * k) for k in (1.0, 1.5, 2.0)]
    fastest = min(taus, default=float("inf"))
    legal = [dt for dt in found if old / 8 <= dt <= old * 8 and dt < fastest and dt != old]
    rounded = dict.fromkeys(_short(dt) for dt in legal)
    return sorted(rounded, key=lambda dt: (abs(np.log2(dt / old)), dt))[:MOST_STEPS]


MOST_STEPS = 10


def _short(value: float) -> float:
    """Four significant digits: a step that a person would type."""
    digits = 3 - floor(np.log10(value))
    return round(value, digits)


def _up(value: float) -> float:
    """The next value of two significant digits."""
    unit = 10.0 ** (floor(np.log10(value)) - 1)
    return float(np.ceil(value / unit - 1e-9) * unit)


def listed(names: Sequence[str], most: int = 3) -> str:
    """'a', 'b' and 2 more."""
    shown = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        return first_of([f"'{name}'" for name in names], most)
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
