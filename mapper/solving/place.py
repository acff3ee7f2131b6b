"""What all families share when an assignment becomes a placement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from device_profiles.profile import Profile
from mapper.problem.network import Network
from mapper.problem.question import Question
from mapper.solving.claims.ledger import Choose, Claim, Decision, Ledger
from mapper.solving.offer.plans import Options, Plan
from mapper.solving.outcome import Assumption, Helper, Slice


def chosen(network: Network, options: Options, values: Mapping[Decision, int]) -> dict[str, Plan]:
    """The plan of each population."""
    return {
        population.name: next(
            plan
            for plan in options.plans[population.name]
            if values.get(Choose(population.name, plan.id), 0)
        )
        for population in network.populations
    }


def assumptions(
    ledger: Ledger, question: Question, more: Iterable[tuple[str, str]] = ()
) -> tuple[Assumption, ...]:
    """Every number that is not published and that a claim leans on, then facts in `more`."""
    found: dict[str, Assumption] = {}

    def add(says: str, source: str) -> None:
        if says not in found:
            found[says] = Assumption(id=f"A{len(found) + 1}", says=says, source=source)

    for claim in ledger.claims:
        if claim.confidence == "published":
            continue
        add(f"{claim.limit} = {claim.available:g} {claim.unit} ({claim.confidence})", claim.source)
    for says, source in more:
        add(says, source)
    for setting, origin in question.semantics.origins:
        if origin == "exporter":
            add(
                f"{setting} = {getattr(question.semantics, setting)} (told from the exporter's style)",
                "the file",
            )
    return tuple(found.values())


def in_order(
    network: Network, plans: Mapping[str, Plan], sources: int, profile: Profile
) -> tuple[list[Slice], list[Helper]]:
    """Slices on consecutive cores, population by population, a bias source behind them.

    `sources`: cores in front that play the input. Chips are filled one after another.
    """
    ids = core_ids(profile)
    at = sources
    slices: list[Slice] = []
    helpers = [
        Helper(role="input source", population="", chip=i // len(ids), core=ids[i % len(ids)])
        for i in range(sources)
    ]
    for population in network.populations:
        plan = plans[population.name]
        boxes = sorted(box for group in plan.classes for box in group.boxes)
        for box in boxes:
            slices.append(
                Slice(
                    population=population.name,
                    box=box,
                    chip=at // len(ids),
                    core=ids[at % len(ids)],
                )
            )
            at += 1
    if any(plan.form.neuron.bias == "source" for plan in plans.values()):
        helpers.append(
            Helper(role="bias source", population="", chip=at // len(ids), core=ids[at % len(ids)])
        )
    return slices, helpers


def core_ids(profile: Profile) -> tuple[int, ...]:
    """The ids of a chip's cores, as the vendor numbers them, in order."""
    return tuple(sorted(i for core in profile.cores for i in core.ids))


def leaning(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims whose number is not published."""
    return tuple(claim for claim in claims if claim.confidence != "published")
