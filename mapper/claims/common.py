"""Claims that every family makes: placement, support, policy, resources of a slice, cores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from device_profiles.profile import Number, Profile
from mapper.ledger import Bound, Choose, Claim, Count, Decision, claim_of, never
from mapper.network import Network
from mapper.plans import Options, Plan
from mapper.settings import Settings

OURS = "nirmap, the question itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A demand of a slice and the limit that it must keep.

    `demand`: key in SliceClass.demand; `limit`: key in the profile, of its core classes
    where they have it, else chip-wide; `template`: the sentence, with {name}, {demanded},
    {available} and {parts}.
    """

    kind: str
    demand: str
    limit: str
    template: str
    fixes: tuple[str, ...] = ()


def placed(network: Network, options: Options) -> Iterator[Claim]:
    """Each population is carried out by exactly one plan."""
    for population in network.populations:
        name = population.name
        ways: list[Decision] = [Choose(name, plan.id) for plan in options.plans[name]]
        ways += [Choose(name, c.id) for c in options.candidates[name] if c.form is None]
        yield Claim(
            kind="placed",
            subject=(name,),
            template="{name} ({kind}, {size} neurons) must be placed",
            demanded=1,
            available=1,
            unit="plan",
            source=OURS,
            confidence="published",
            bounds=(Bound(tuple((1, way) for way in ways), low=1, high=1),),
            fields=MappingProxyType(
                {"name": f"'{name}'", "kind": population.node.kind, "size": f"{population.size:,}"}
            ),
        )


def unsupported(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """A candidate that cannot be built on this family at all, with the rule's own reason."""
    for population in network.populations:
        for candidate in options.candidates[population.name]:
            if candidate.form is not None:
                continue
            reasons = tuple(dict.fromkeys(r.because for r in candidate.refusals))
            yield Claim(
                kind="unsupported",
                subject=(population.name,),
                template="{name}: {because}",
                demanded=1,
                available=0,
                unit="form",
                source=_facts(profile),
                confidence="published",
                bounds=never(Choose(population.name, candidate.id)),
                fields=MappingProxyType(
                    {"name": f"'{population.name}'", "because": "; ".join(reasons)}
                ),
                limit=candidate.id,
                fixes=tuple(dict.fromkeys(r.rule for r in candidate.refusals)),
            )


def policy(network: Network, options: Options, settings: Settings) -> Iterator[Claim]:
    """Approximations that the user has not allowed are not used."""
    for population in network.populations:
        groups: dict[tuple[str, ...], list[Plan]] = defaultdict(list)
        for plan in options.plans[population.name]:
            groups[(plan.form.neuron.needs + ("|",) + plan.form.neuron.approximate)].append(plan)
        for plans in groups.values():
            neuron = plans[0].form.neuron
            missing = tuple(rule for rule in neuron.needs if rule not in settings.allow)
            choices = never(*(Choose(population.name, plan.id) for plan in plans))
            because = "; ".join(
                p.keeps.because
                for p in neuron.proposals
                if hasattr(p.keeps, "because")  # pyright: ignore[reportAttributeAccessIssue]
            )
            common = {"name": f"'{population.name}'", "because": because}
            if settings.exact and neuron.approximate:
                yield Claim(
                    kind="exact-only",
                    subject=(population.name,),
                    template="{name}: only with an approximation ({rules}), and --exact forbids them: {because}",
                    demanded=1,
                    available=0,
                    unit="approximation",
                    source="option --exact",
                    confidence="published",
                    bounds=choices,
                    fields=MappingProxyType({**common, "rules": ", ".join(neuron.approximate)}),
                    limit="+".join(neuron.approximate),
                    fixes=("drop --exact",),
                )
            elif missing:
                yield Claim(
                    kind="needs-allow",
                    subject=(population.name,),
                    template="{name}: {because}; no bound is known for this, so it needs {allow}",
                    demanded=1,
                    available=0,
                    unit="unbounded approximation",
                    source="policy: approximations without a bound are used only when allowed",
                    confidence="published",
                    bounds=choices,
                    fields=MappingProxyType(
                        {**common, "allow": " ".join(f"--allow {rule}" for rule in missing)}
                    ),
                    limit="+".join(missing),
                    fixes=tuple(f"--allow {rule}" for rule in missing),
                )
            elif neuron.error - len(neuron.needs) > settings.max_error:
                yield Claim(
                    kind="max-error",
                    subject=(population.name,),
                    template="{name}: the membrane response would be off by {demanded} of itself, more than "
                    "--max-error {available}: {because}",
                    demanded=round(neuron.error - len(neuron.needs), 4),
                    available=settings.max_error,
                    unit="membrane-response error",
                    source="option --max-error",
                    confidence="published",
                    bounds=choices,
                    fields=MappingProxyType(common),
                    limit="+".join(neuron.approximate),
                    fixes=(f"--max-error {neuron.error - len(neuron.needs):.2f}",),
                )


def resources(
    network: Network, options: Options, profile: Profile, kinds: Iterable[Resource]
) -> Iterator[Claim]:
    """Slices that demand more than a core has: one claim per population and limit."""
    for resource in kinds:
        per_core = any(resource.limit in core.limits for core in profile.cores)
        for population in network.populations:
            number = (
                max((c.limits[resource.limit] for c in profile.cores), key=lambda n: n.value)
                if per_core
                else profile.limit(resource.limit)
            )
            least: tuple[int, Plan] | None = None
            bounds: list[Bound] = []
            for plan in options.plans[population.name]:
                need = max((c.demand.get(resource.demand, 0) for c in plan.classes), default=0)
                if need > number.value:
                    bounds += never(Choose(population.name, plan.id))
                elif per_core:
                    small = [c for c in profile.cores if c.limits[resource.limit].value < need]
                    bounds += never(*(Count(*slot(plan, core.name)) for core in small))
                if need > 0 and (least is None or need < least[0]):
                    least = (need, plan)
            if not bounds or least is None:
                continue
            yield claim_of(
                number,
                kind=resource.kind,
                limit=resource.limit,
                subject=(population.name,),
                template=resource.template,
                demanded=least[0],
                bounds=tuple(bounds),
                fixes=resource.fixes,
                name=f"'{population.name}'",
                parts=f"in {least[1].parts} parts" if least[1].parts > 1 else "in one piece",
                unit=number.unit,
            )


def slot(plan: Plan, core_class: str) -> tuple[str, str, int]:
    """Arguments of the Count of a plan's slices in a core class."""
    return f"{plan.population}/{plan.id}", core_class, plan.parts


def follow(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """The slices of the chosen plan, and of no other, stand on cores."""
    for population in network.populations:
        bounds = tuple(
            Bound(
                (
                    *((1, Count(*slot(plan, core.name))) for core in profile.cores),
                    (-plan.parts, Choose(population.name, plan.id)),
                ),
                low=0,
                high=0,
            )
            for plan in options.plans[population.name]
        )
        if bounds:
            yield Claim(
                kind="slices-on-cores",
                subject=(population.name,),
                template="every slice of {name} stands on a core",
                demanded=1,
                available=1,
                unit="slice",
                source=OURS,
                confidence="published",
                bounds=bounds,
                fields=MappingProxyType({"name": f"'{population.name}'"}),
            )


def total_cores(
    network: Network, options: Options, number: Number, extra: int, what: str, limit: str
) -> Iterator[Claim]:
    """All slices together take at most the cores that there are."""
    terms: list[tuple[int, Decision]] = []
    least = extra
    for population in network.populations:
        plans = options.plans[population.name]
        terms += [(plan.cores, Choose(population.name, plan.id)) for plan in plans]
        least += min((plan.cores for plan in plans), default=0)
    yield claim_of(
        number,
        kind="cores",
        limit=limit,
        subject=tuple(p.name for p in network.populations),
        template="the network needs at least {demanded} {what}, one slice each; there are {available}",
        demanded=least,
        bounds=(Bound(tuple(terms), high=int(number.value) - extra),),
        fixes=("chips", "fewer neurons"),
        what=what,
    )


def _facts(profile: Profile) -> str:
    return next(iter(profile.sources.values()), profile.vendor)
