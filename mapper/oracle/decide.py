"""Decides small cases by brute force; shares no code with claims, plans and backends.

`decide` takes a graph in normal form (rewrite_rules.normalise) and answers whether it fits
and what the least error and the fewest cores are. Users reach it by `--solver exhaustive`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Protocol

from device_profiles.profile import Profile
from mapper.oracle import loihi2, speck, spinnaker2, xylo
from mapper.oracle.answer import Answer, Infeasible
from mapper.problem.network import READ_OUTS, Network, extract
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from nir_io.graph import Graph
from nir_io.semantics import Semantics

MOST_POPULATIONS = 6  # whose latencies are tried one by one; Speck has none
MOST_NEURONS = 128  # of a population whose cuts are tried one by one
MOST_ENTRIES = 2**18  # source elements x neurons that are written out, all projections
MOST_HIDDEN = 16  # hidden neurons whose ids are tried one by one (Xylo)
MOST_COMBINED = 2**17  # ways of all populations together


class Family(Protocol):
    """What a module of this folder that is named for a family has."""

    def decide(
        self, network: Network, profile: Profile, semantics: Semantics, settings: Settings
    ) -> Answer:
        """The answer."""
        ...

    def combined(
        self, network: Network, profile: Profile, semantics: Semantics, settings: Settings
    ) -> int:
        """Ways of all populations together, each looked at alone."""
        ...


FAMILIES: Mapping[str, Family] = {
    "loihi2": loihi2,
    "speck": speck,
    "spinnaker2": spinnaker2,
    "xylo": xylo,
}


def decide(graph: Graph, profile: Profile, semantics: Semantics, settings: Settings) -> Answer:
    """Feasible with its optimum and an example, or Infeasible.

    Raises BadInput where the graph is not in normal form or a time constant cannot be used.
    The search is complete; `applicable` says where it would take too long.
    """
    native = {str(kind) for kind in profile.lists["neuron_models"].values}
    on_host = frozenset(READ_OUTS - native) if settings.host else frozenset[str]()
    network = extract(graph, semantics, on_host)
    if network.host and not settings.host:
        return Infeasible(because="a read-out needs the host, which is forbidden")
    return _family(profile).decide(network, profile, semantics, settings)


def applicable(question: Question) -> str | None:
    """Why the search would be too large for this question; None where it is not.

    Raises BadInput where a time constant cannot be used.
    """
    network, profile = question.network, question.profile
    return _too_large(network, profile.family) or _too_many(question)


def _too_large(network: Network, family: str) -> str | None:
    if family == "speck":
        return None  # maps are never written out, and cores are few
    if len(network.populations) > MOST_POPULATIONS:
        return (
            f"the network has {len(network.populations)} populations; the exhaustive solver takes "
            f"at most {MOST_POPULATIONS}: use --solver cp-sat"
        )
    largest = max(network.populations, key=lambda population: population.size)
    if largest.size > MOST_NEURONS:
        return (
            f"'{largest.name}' has {largest.size} neurons; the exhaustive solver takes at most "
            f"{MOST_NEURONS} a population: use --solver cp-sat"
        )
    entries = sum(
        prod(p.source_shape) * network.population(p.target).size for p in network.projections
    )
    if entries > MOST_ENTRIES:
        return (
            f"the projections have {entries} pairs of source and target; the exhaustive solver "
            f"writes out at most {MOST_ENTRIES}: use --solver cp-sat"
        )
    if family == "xylo" and network.neurons() > MOST_HIDDEN:
        return (
            f"the network has {network.neurons()} neurons; the exhaustive solver numbers at most "
            f"{MOST_HIDDEN} one by one: use --solver cp-sat"
        )
    return None


def _too_many(question: Question) -> str | None:
    asked = (question.network, question.profile, question.semantics, question.settings)
    count = _family(question.profile).combined(*asked)
    if count <= MOST_COMBINED:
        return None
    return (
        f"the populations can be done in {count} ways together; the exhaustive solver tries at "
        f"most {MOST_COMBINED}: use --solver cp-sat"
    )


def _family(profile: Profile) -> Family:
    return FAMILIES[profile.family]
