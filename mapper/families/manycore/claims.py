"""Latency on chips whose every connection costs a step and can be delayed further."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from device_profiles.profile import Profile
from mapper.problem.network import Network
from mapper.solving.claims.ledger import Bound, Choose, Claim, claim_of, never
from mapper.solving.offer.latency import balance
from mapper.solving.offer.plans import Options


def latency(network: Network, options: Options, profile: Profile, limit: str) -> Iterator[Claim]:
    """Paths that meet are balanced by delays; each must fit the chip's delay field."""
    number = profile.limit(limit)
    hop = int(profile.limit("delay_per_connection").value)
    result = balance(network, from_input=hop, hop=hop, most=int(number.value))
    if result.conflict is None:
        return
    edge = result.conflict
    yield claim_of(
        number,
        kind="latency",
        limit=limit,
        subject=(edge.target,),
        template="{edge} would have to delay by {demanded} steps for the paths that meet at {name}; "
        "{device} delays by at most {available}",
        demanded=int(number.value) + result.missing,
        bounds=never(
            *(Choose(edge.target, plan.id) for plan in options.plans[edge.target]),
            over=(limit, int(number.value) + result.missing),
        ),
        fixes=("equal path lengths",),
        name=f"'{edge.target}'",
        edge=f"'{edge.id}'",
        device=profile.name,
    )


def conv_delays(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """A convolution cannot delay: paths that meet behind it must be as long as its own."""
    number = profile.limit("delay_per_connection")
    for population in network.populations:
        late = [
            (max(p.extra_delay for p in plan.form.projections if p.form == "conv"), plan)
            for plan in options.plans[population.name]
            if any(p.form == "conv" and p.extra_delay for p in plan.form.projections)
        ]
        if not late:
            continue
        yield claim_of(
            number,
            kind="conv-delay",
            limit="delay_per_connection",
            subject=(population.name,),
            template="paths of different length meet at {name}: its convolution would have to wait {demanded} "
            "steps more than the {available} of every connection, and convolutions of {device} cannot",
            demanded=min(steps for steps, _ in late),
            bounds=tuple(
                bound
                for steps, plan in late
                for bound in never(Choose(population.name, plan.id), over=("conv_delay", steps))
            ),
            fixes=("equal path lengths",),
            name=f"'{population.name}'",
            device=profile.name,
        )


def edge_forms(network: Network, options: Options) -> Iterator[Claim]:
    """A plan is charged for the kinds of projection that read it; readers keep to them.

    Where a form that cannot be built stands for the source, its readers may have any: else
    what forbids that form would not be needed in a conflict.
    """
    for projection in network.projections:
        senders = options.plans.get(projection.source, ())
        if not any(len(plan.sends) == 1 for plan in senders):
            continue
        unbuilt = [
            (-1, Choose(projection.source, candidate.id))
            for candidate in options.candidates[projection.source]
            if candidate.form is None
        ]
        bounds: list[Bound] = []
        for conv in (True, False):
            readers = [
                (1, Choose(projection.target, plan.id))
                for plan in options.plans[projection.target]
                if any(
                    p.id == projection.id and (p.form == "conv") == conv
                    for p in plan.form.projections
                )
            ]
            ready = [
                (-1, Choose(projection.source, plan.id)) for plan in senders if conv in plan.sends
            ]
            bounds.append(Bound((*readers, *ready, *unbuilt), high=0))
        yield Claim(
            kind="edge-forms",
            subject=(projection.source, projection.target),
            template="{edge} has one form at both its ends",
            demanded=1,
            available=1,
            unit="form",
            source="nirmap, the question itself",
            confidence="published",
            bounds=tuple(bounds),
            fields=MappingProxyType({"edge": f"'{projection.id}'"}),
            limit=projection.id,
            question=True,
        )
