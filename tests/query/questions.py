"""Random questions, and the same ones on a larger device or about a changed network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from device_profiles.families import family as keys_of
from device_profiles.profile import CoreClass, Number, Profile
from mapper.problem.asked import Asked, Source
from mapper.problem.change.axes import axes
from mapper.problem.question import Question
from mapper.solving.outcome import Outcome
from nir_io.errors import BadInput
from nir_io.graph import Neuron
from nir_io.semantics import per_step
from tests.asking import decide, pose
from tests.exhaustive.instances import FAMILIES, Instance, instance

# More of these is no more room: what a weight is stored in costs memory, spikes come from outside.
FORMATS = ("number formats", "semantics", "timing", "readout")


@lru_cache(maxsize=64)
def posed(family: str, seed: int) -> Question | None:
    """The question of that number; None where it makes no sense."""
    i = instance(family, seed)
    try:
        return pose(i.graph, i.profile, i.semantics, i.settings)
    except BadInput:
        return None


def asked(one: Instance) -> Asked:
    """The same as the verbs take it."""
    return Asked(
        source=Source(graph=one.graph, name="network"),
        profile=one.profile,
        profile_path=None,
        semantics=one.semantics,
        settings=one.settings,
    )


def decided(one: Asked) -> Outcome:
    """What the mapper says, by the line that `check` goes. Raises BadInput."""
    graph = per_step(one.source.graph, one.semantics)
    return decide(pose(graph, one.profile, one.semantics, one.settings))


def capacities(profile: Profile) -> tuple[str, ...]:
    """Names of the limits of which more is more room."""
    known = keys_of(profile.family)
    assert known is not None
    formats = {name for group in FORMATS for name in known.groups.get(group, {})}
    numbers: Mapping[str, Number] = {**profile.limits, **profile.cores[0].limits}
    return tuple(
        name
        for name, number in numbers.items()
        if number.kind == "limit" and name not in formats and number.unit != "bits"
    )


def roomier(profile: Profile, factors: Mapping[str, float], more_cores: int) -> Profile:
    """The profile with capacities times a factor each, and more cores in its last class."""

    def grown(name: str, number: Number) -> Number:
        if name not in factors:
            return number
        return replace(number, value=int(number.value * factors[name]) + 1)

    last = max(i for core in profile.cores for i in core.ids)
    cores: list[CoreClass] = []
    for i, core in enumerate(profile.cores):
        ids = core.ids
        if i + 1 == len(profile.cores):
            ids = (*ids, *range(last + 1, last + 1 + more_cores))
        limits = {name: grown(name, number) for name, number in core.limits.items()}
        cores.append(CoreClass(name=core.name, ids=ids, limits=limits))
    limits = {name: grown(name, number) for name, number in profile.limits.items()}
    known = keys_of(profile.family)
    assert known is not None
    count = limits[known.core_count]
    limits[known.core_count] = replace(count, value=count.value + more_cores)
    return replace(profile, cores=tuple(cores), limits=limits)


def sizes(one: Asked) -> list[str]:
    """Neurons whose channels can be varied by themselves."""
    graph = one.source.graph
    found = axes(graph)
    return [node.name for node in graph.of_kind(Neuron) if not found[node.name, "out"].inputs]


__all__ = ["FAMILIES", "asked", "capacities", "decided", "instance", "posed", "roomier", "sizes"]
