"""Xylo by trying: a role for every population, an id for every hidden neuron.

Written from the fact sheet of the family (rockpool 3.1.0, SynSense's overview): all hidden
populations lie in one pool of ids 0..H-1; what receives input has an id below the input
window, what drives an output one of the last `output_window` of those in use; a pair of
hidden neurons with a weight takes one entry; inputs reach hidden neurons only; what an
output must do besides (be read, read an input) a hidden neuron does, with a relay behind it.
"""

# python-constraint has no types
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from constraint import AllDifferentConstraint, Problem
from numpy.typing import NDArray

from device_profiles.profile import Profile
from mapper.oracle.answer import Answer, Feasible, Infeasible
from mapper.oracle.lags import lags, own_delay
from mapper.oracle.neurons import Became, becomes
from mapper.oracle.unroll import size, synapses
from mapper.problem.network import Network, Population
from mapper.problem.settings import Settings
from nir_io.graph import CubaLIF, Neuron
from nir_io.semantics import Semantics
from nir_io.settings import Reset
from rewrite_rules.dynamics import Dynamics
from rewrite_rules.target import Target

CHANNELS = 2  # spare input channels that a constantly firing source of one population takes
MOST_HIDDEN = 12  # neurons whose ids are tried one by one
Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Way:
    """One population: its neuron, its bias ('none', 'neuron', 'source'), its pool."""

    became: Became
    bias: str
    role: str
    score: int

    @property
    def hidden(self) -> bool:
        """Whether its neurons are in the hidden pool."""
        return self.role != "output"

    @property
    def emits(self) -> bool:
        """Whether it takes output neurons."""
        return self.role != "hidden"

    def __str__(self) -> str:
        rules = " ".join(self.became.rules)
        return self.role + (f" by {rules}" if rules else "") + f", bias {self.bias}"


def target(profile: Profile, semantics: Semantics) -> Target:
    """What the rules may know: CubaLIF, soft reset, decays 1 - 2^-n."""

    def number(name: str) -> int:
        return int(profile.limit(name).value)

    return Target(
        family=profile.name,
        semantics=semantics,
        neurons=frozenset({"CubaLIF"}),
        projections=frozenset({"Linear"}),
        resets=frozenset({"subtract"}),
        decay_grid="bit-shift",
        dash=(number("dash_syn_min"), 1, number("dash_max")),
    )


def combined(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> int:
    """Ways of all populations together, each looked at alone."""
    return prod(len(ways(network, p, profile, semantics, settings)) for p in network.populations)


def ways(
    network: Network,
    population: Population,
    profile: Profile,
    semantics: Semantics,
    settings: Settings,
) -> list[Way]:
    """Everything that the population could be, looked at alone."""
    least, most = int(profile.limit("dash_syn_min").value), int(profile.limit("dash_max").value)

    def accept(node: Neuron, reset: Reset, dynamics: Dynamics) -> bool:
        return (
            isinstance(node, CubaLIF)
            and reset == "subtract"
            and _dashes(dynamics.syn_decay, max(least, 1), most)
            and _dashes(dynamics.mem_decay, 0, most)
        )

    inputs = {name for name, _ in network.inputs}
    reads_input = any(p.source in inputs for p in population.projections)
    read = bool(network.readers(population.name))
    if any(own_delay(p) for p in population.projections):
        return []
    roles = ["hidden"] if not population.outputs else ["hidden+relay"]
    if population.outputs and not reads_input and not read:
        roles.append("output")
    found: list[Way] = []
    for became in becomes(population.node, target(profile, semantics), settings, accept):
        leaks = bool(np.any(became.dynamics.leak))
        if population.bias is None and not leaks:
            kinds = ["none"]
        elif population.bias is not None and not leaks and reads_input:
            kinds = ["neuron", "source"]
        else:
            kinds = ["neuron"]
        for bias in kinds:
            for role in roles:
                if role == "output" and bias == "source":
                    continue
                late = int(bias == "neuron" and population.bias is not None)
                found.append(Way(became=became, bias=bias, role=role, score=became.score + late))
    return found


def _dashes(decay: NDArray[np.float64], least: int, most: int) -> bool:
    """Whether each decay is 1 - 2^-n for a whole n in least..most."""
    for one in np.ravel(decay):
        if not any(abs(one - (1.0 - 2.0**-n)) <= 1e-6 for n in range(least, most + 1)):
            return False
    return True


def decide(network: Network, profile: Profile, semantics: Semantics, settings: Settings) -> Answer:
    """Whether the network fits; the least error, then the fewest neurons."""
    channels = sum(size(shape) for _, shape in network.inputs)
    if channels > profile.limit("input_channels").value:
        return Infeasible(because=f"{channels} input channels")
    if (semantics.max_count or 0) > profile.limit("input_events").value:
        return Infeasible(because=f"{semantics.max_count} events a step")
    first, hop = (int(profile.limit(k).value) for k in ("delay_from_input", "delay_per_connection"))
    if next(lags(network, from_input=first, hop=hop, most=0), None) is None:
        return Infeasible(because="paths of different length meet")
    bits = {p.id: synapses(p) for p in network.projections}
    offers = {p.name: ways(network, p, profile, semantics, settings) for p in network.populations}
    empty = [name for name, found in offers.items() if not found]
    if empty:
        return Infeasible(because=f"no form for {', '.join(empty)}")
    searched = 0
    for objectives, chosen in _by_cost(network, offers):
        searched += 1
        if _fits(network, profile, chosen, bits, channels):
            example = {name: str(way) for name, way in chosen.items()}
            return Feasible(
                objectives=(("error", objectives[0]), ("neurons", objectives[1])),
                example=example,
                searched=searched,
            )
    return Infeasible(because="every choice of roles exceeds a limit", searched=searched)


def _by_cost(
    network: Network, offers: Mapping[str, list[Way]]
) -> Iterator[tuple[tuple[int, int], dict[str, Way]]]:
    """Every combination of ways, the cheapest first."""
    problem = Problem()
    for name, found in offers.items():
        problem.addVariable(name, range(len(found)))
    combined: list[tuple[tuple[int, int], dict[str, Way]]] = []
    for solution in problem.getSolutionIter():
        chosen = {name: offers[name][index] for name, index in solution.items()}
        score = sum(way.score for way in chosen.values())
        neurons = sum(
            population.size * (chosen[population.name].hidden + chosen[population.name].emits)
            for population in network.populations
        )
        combined.append(((score, neurons), chosen))
    yield from sorted(combined, key=lambda pair: pair[0])


def _fits(
    network: Network,
    profile: Profile,
    chosen: Mapping[str, Way],
    bits: Mapping[str, Bits],
    channels: int,
) -> bool:
    """Whether pools, pairs, fan-out, channels and windows hold one choice of ways."""

    def number(name: str) -> int:
        return int(profile.limit(name).value)

    inputs = {name for name, _ in network.inputs}
    hidden = [p for p in network.populations if chosen[p.name].hidden]
    if sum(p.size for p in hidden) > number("hidden_neurons"):
        return False
    emitting = [p for p in network.populations if chosen[p.name].emits]
    if sum(p.size for p in emitting) > number("output_neurons"):
        return False
    spare = CHANNELS * sum(way.bias == "source" for way in chosen.values())
    if channels + spare > number("input_channels"):
        return False
    pairs: set[tuple[str, int, str, int]] = set()
    receives: set[tuple[str, int]] = set()
    drives: set[tuple[str, int]] = set()
    for population in network.populations:
        way, name = chosen[population.name], population.name
        if way.role == "hidden+relay":
            drives |= {(name, i) for i in range(population.size)}
        if way.bias == "source":
            assert population.bias is not None
            receives |= {(name, int(i)) for i in np.flatnonzero(population.bias)}
        for projection in population.projections:
            for i, j in np.argwhere(bits[projection.id]):
                if projection.source in inputs:
                    receives.add((name, int(i)))
                elif way.hidden:
                    pairs.add((projection.source, int(j), name, int(i)))
                else:
                    drives.add((projection.source, int(j)))
    if len(pairs) > number("recurrent_pairs"):
        return False
    fan_out: dict[tuple[str, int], int] = {}
    for source, j, _, _ in pairs:
        fan_out[source, j] = fan_out.get((source, j), 0) + 1
    if max(fan_out.values(), default=0) > number("recurrent_fan_out"):
        return False
    ids = [(p.name, i) for p in hidden for i in range(p.size)]
    return _numbered(ids, receives, drives, number("input_window"), number("output_window"))


def _numbered(
    neurons: list[tuple[str, int]],
    receives: set[tuple[str, int]],
    drives: set[tuple[str, int]],
    first: int,
    last: int,
) -> bool:
    """Whether ids 0..H-1 can be given so that both windows hold; tried one by one."""
    total = len(neurons)
    if total <= min(first, last):
        return True
    if len(receives) > first or len(drives) > last:
        return False
    problem = Problem()
    for neuron in sorted(neurons, key=lambda n: (n not in receives) + (n not in drives)):
        legal = [
            i
            for i in range(total)
            if (neuron not in receives or i < first) and (neuron not in drives or i >= total - last)
        ]
        if not legal:
            return False
        problem.addVariable(neuron, legal)
    problem.addConstraint(AllDifferentConstraint())
    return problem.getSolution() is not None
