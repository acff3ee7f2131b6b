"""From a graph to the question: the normal form, read as populations."""

from __future__ import annotations

import numpy as np

from device_profiles.profile import Profile
from mapper.problem.network import READ_OUTS, Network, extract
from mapper.problem.question import Question
from mapper.problem.settings import Settings
from mapper.solving.family import Backend
from nir_io.errors import BadInput
from nir_io.graph import IF, LIF, CubaLIF, Graph, Threshold
from nir_io.raw import first_of
from nir_io.semantics import Semantics
from rewrite_rules.normalise import normalise


def pose(
    graph: Graph, profile: Profile, semantics: Semantics, settings: Settings, backend: Backend
) -> Question:
    """The question: the graph in normal form, read as populations. Raises BadInput."""
    never_below(graph, semantics)
    target = backend.target(profile, semantics)
    normal, proposals = normalise(graph, target)
    on_host = frozenset(READ_OUTS - target.neurons) if settings.host else frozenset[str]()
    network = extract(normal, semantics, on_host)
    clocked(network, profile, semantics)
    return Question(
        network=network,
        profile=profile,
        semantics=semantics,
        settings=settings,
        normalised=proposals,
        traits=backend.traits(profile),
    )


def never_below(graph: Graph, semantics: Semantics) -> None:
    """Raises BadInput for thresholds that a reset does not bring the membrane under.

    All numbers of a chip are in units of the way from reset to threshold, so there must be one.
    """
    findings: list[str] = []
    for node in graph.of_kind(IF, LIF, CubaLIF):
        rest = node.v_reset if semantics.reset == "zero" else np.zeros(())
        low = int(np.count_nonzero(node.v_threshold <= rest))
        if low:
            findings.append(
                f"'{node.name}': {low} of {node.v_threshold.size} thresholds (least "
                f"{float(np.min(node.v_threshold)):g}) are not above "
                f"{'v_reset' if semantics.reset == 'zero' else '0'}: such a neuron fires in every "
                "step, and cannot be scaled to a chip's integers; raise v_threshold"
            )
    for node in graph.of_kind(Threshold):
        low = int(np.count_nonzero(node.threshold <= 0.0))
        if low:
            findings.append(
                f"'{node.name}': {low} of {node.threshold.size} thresholds (least "
                f"{float(np.min(node.threshold)):g}) are not above 0, and cannot be scaled to a chip's "
                "integers; add the same constant to these thresholds and, as a bias, to what they "
                "are compared with: the network then computes the same"
            )
    if findings:
        raise BadInput(findings)


def clocked(network: Network, profile: Profile, semantics: Semantics) -> None:
    """Raises BadInput for biases on a chip that adds them at ticks of a clock of unknown rate.

    The clock must tick once a step, and a step in seconds is nothing that a file says.
    """
    needs = profile.switches.get("bias_needs_slow_clock")
    biased = [
        f"'{population.name}'" for population in network.populations if population.bias is not None
    ]
    if semantics.chip_dt is not None or needs is None or not needs.value or not biased:
        return
    shown = first_of(biased, 3)
    slow, fast = (1.0 / profile.limits[f"slow_clock_{end}"].value for end in ("min", "max"))
    raise BadInput(
        [
            f"chip_dt: {profile.name} adds a bias at every tick of its slow clock, which must tick "
            f"once a step; {shown} {'have biases' if len(biased) > 1 else 'has biases'}, and the "
            "file counts in steps. Say how long a step lasts on the chip, between "
            f"{fast:g} and {slow:g} seconds: --chip-dt, or a line in the sidecar file"
        ]
    )
