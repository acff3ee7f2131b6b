"""Claims that every family makes: placement, support, policy, resources of a slice, cores."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from device_profiles.profile import Profile
from mapper.problem.network import Network, Population
from mapper.problem.settings import Settings
from mapper.solving.claims.ledger import (
    Bound,
    Choose,
    Claim,
    Count,
    Decision,
    Terms,
    claim_of,
    never,
    sentences,
    whatever,
)
from mapper.solving.offer.plans import Options, Plan
from nir_io.semantics import Semantics
from rewrite_rules.rule import Exact, Proposal, Unbounded, Within

OURS = "nirmap, the question itself"
SCORE = 10_000  # errors are minimised in steps of 1e-4


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
            question=True,
            fields=MappingProxyType(
                {"name": f"'{name}'", "kind": population.node.kind, "size": f"{population.size:,}"}
            ),
        )


def host_stages(network: Network, settings: Settings) -> Iterator[Claim]:
    """Read-outs on the host are used unless the user forbids them."""
    if settings.host:
        return
    for stage in network.host:
        kinds = [node.kind for _, nodes in stage.paths for node in nodes]
        kinds += [stage.neuron.kind] if stage.neuron else []
        yield Claim(
            kind="host-stage",
            subject=(),
            template="{output} is computed by {kinds} after the last neuron, which only the host can do, and "
            "--no-host forbids it",
            demanded=1,
            available=0,
            unit="host stage",
            source="option --no-host",
            confidence="published",
            bounds=whatever("host", 1),
            fields=MappingProxyType({"output": f"'{stage.output}'", "kinds": " -> ".join(kinds)}),
            limit=stage.output,
            fixes=("drop --no-host",),
        )


def unsupported(network: Network, options: Options, profile: Profile) -> Iterator[Claim]:
    """A candidate that cannot be built on this family at all, with the rule's own reason."""
    for population in network.populations:
        for candidate in options.candidates[population.name]:
            if candidate.form is not None:
                continue
            telling = [r for r in candidate.refusals if r.rule != "template"] or candidate.refusals
            reasons = tuple(dict.fromkeys(r.because for r in telling))
            yield Claim(
                kind="unsupported",
                subject=(population.name,),
                template="{name}: {because}",
                brief="{name}: {short}",
                demanded=1,
                available=0,
                unit="form",
                source=_facts(profile),
                confidence="published",
                bounds=never(Choose(population.name, candidate.id), over=("form", 1)),
                fields=MappingProxyType(
                    {
                        "name": f"'{population.name}'",
                        "because": sentences(*reasons),
                        "short": reasons[0],
                    }
                ),
                limit=candidate.id,
                fixes=tuple(dict.fromkeys(r.rule for r in candidate.refusals)),
            )


def policy(network: Network, options: Options, settings: Settings) -> Iterator[Claim]:
    """Approximations that the user has not allowed are not used.

    `--allow RULE` lifts both the need of a bound and the bound for that rule.
    """
    for population in network.populations:
        groups: dict[tuple[Proposal, ...], list[Plan]] = defaultdict(list)
        for plan in options.plans[population.name]:
            groups[plan.form.neuron.proposals].append(plan)
        for proposals, plans in groups.items():
            claim = _policy(population, proposals, settings)
            if claim is not None:
                choices = (Choose(population.name, plan.id) for plan in plans)
                over = (_SETTING[claim.kind], claim.demanded)
                yield replace(claim, bounds=never(*choices, over=over))


_SETTING = {"exact-only": "exact", "needs-allow": "allow", "max-error": "max_error"}


def _policy(
    population: Population, proposals: tuple[Proposal, ...], settings: Settings
) -> Claim | None:
    """What the policy has against these rewrites of a neuron, without bounds as yet."""
    unexact = [p for p in proposals if not isinstance(p.keeps, Exact)]
    asking = [p for p in unexact if p.rule not in settings.allow]
    unbounded = [p for p in asking if isinstance(p.keeps, Unbounded)]
    total = sum(p.keeps.bound for p in asking if isinstance(p.keeps, Within))
    if settings.exact and unexact:
        return _asking(
            population,
            unexact,
            kind="exact-only",
            template="{name}: {because}. Option --exact forbids to approximate that",
            brief="{name}: only approximately (by {rules}), and --exact forbids that",
            numbers=(1, 0, "approximation"),
            source="option --exact",
            fixes=("drop --exact",),
        )
    if unbounded:
        return _asking(
            population,
            unbounded,
            kind="needs-allow",
            template="{name}: {because}. No bound is known for what {rules} would change",
            brief="{name}: {short}. To approximate it by {rules}, with no known bound on the error: {fixes}",
            numbers=(1, 0, "unbounded approximation"),
            source="policy: approximations without a bound are used only when allowed",
        )
    if total > settings.max_error:
        return _asking(
            population,
            asking,
            kind="max-error",
            template="{name}: {because}. With {rules} the membrane response would be off by {demanded} of "
            "itself; up to {available} is taken unasked",
            brief="{name}: {short}. The membrane response would be off by {demanded} of itself, more than "
            "{available}; to accept it: {fixes}",
            numbers=(round(total, 4), settings.max_error, "membrane-response error"),
            source="option --max-error",
        )
    return None


def _asking(
    population: Population,
    proposals: list[Proposal],
    *,
    kind: str,
    template: str,
    brief: str,
    numbers: tuple[float, float, str],
    source: str,
    fixes: tuple[str, ...] = (),
) -> Claim:
    """A claim about approximations that are asked for by name."""
    rules = tuple(p.rule for p in proposals)
    reasons = [p.keeps.because for p in proposals if isinstance(p.keeps, Within | Unbounded)]
    fixes = fixes or tuple(f"--allow {rule}" for rule in rules)
    demanded, available, unit = numbers
    return Claim(
        kind=kind,
        subject=(population.name,),
        template=template,
        brief=brief,
        demanded=demanded,
        available=available,
        unit=unit,
        source=source,
        confidence="published",
        bounds=(),
        fields=MappingProxyType(
            {
                "name": f"'{population.name}'",
                "because": sentences(*reasons),
                "short": sentences(*(re.split("[:;] ", reason)[0] for reason in reasons)),
                "rules": " and ".join(f"'{rule}'" for rule in rules),
                "fixes": " ".join(fixes),
            }
        ),
        limit="+".join(rules),
        fixes=fixes,
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
                    bounds += never(Choose(population.name, plan.id), over=(resource.limit, need))
                elif per_core:
                    small = [c for c in profile.cores if c.limits[resource.limit].value < need]
                    slots = (Count(*slot(plan, core.name)) for core in small)
                    bounds += never(*slots, over=(resource.limit, need))
                if need > 0 and (least is None or need < least[0]):
                    least = (need, plan)
            if least is None:
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
                parts=f"in {least[1].parts:,} parts" if least[1].parts > 1 else "in one piece",
                unit=number.unit,
                holds=_holds(profile, resource.limit) if per_core else f"{number.value:,g}",
            )


def _holds(profile: Profile, limit: str) -> str:
    """What the cores hold, by class: '64 (cores 0, 1), 32 (2)'."""
    if len({core.limits[limit].value for core in profile.cores}) == 1:
        return f"{profile.cores[0].limits[limit].value:,g}"
    by: dict[float, list[int]] = {}
    for core in profile.cores:
        by.setdefault(core.limits[limit].value, []).extend(core.ids)
    rows = [(value, ", ".join(map(str, sorted(ids)))) for value, ids in by.items()]
    first, *others = (f"{value:,g} (cores {ids})" for value, ids in sorted(rows, reverse=True))
    return ", ".join((first, *(text.replace("cores ", "") for text in others)))


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
                question=True,
                fields=MappingProxyType({"name": f"'{population.name}'"}),
            )


def too_many_events(network: Network, profile: Profile, semantics: Semantics) -> tuple[Claim, ...]:
    """Events per step and channel that the input kind promises, against what is kept.

    Real values come from an encoder on the host, which sends what the chip takes.
    """
    number, most = profile.limit("input_events"), semantics.max_count
    if most is None or most <= number.value:
        return ()
    return (
        claim_of(
            number,
            kind="input-events",
            limit="input_events",
            subject=tuple(name for name, _ in network.inputs),
            template="the input brings up to {demanded} events a step and channel; {device} keeps {available}",
            demanded=most,
            bounds=whatever("input_events", most),
            fixes=("--input-kind", "shorter steps"),
            device=profile.name,
        ),
    )


def bias_source(options: Options) -> tuple[Choose, tuple[Bound, ...]]:
    """The decision to spend a core on always-firing sources, and what forces it."""
    used = Choose("bias source", "one core")
    bounds = tuple(
        Bound(((1, Choose(name, plan.id)), (-1, used)), high=0)
        for name, plans in options.plans.items()
        for plan in plans
        if plan.form.neuron.bias == "source"
    )
    return used, bounds


def of_every_chip(
    network: Network, options: Options, profile: Profile, settings: Settings
) -> Iterator[Claim]:
    """What no chip is without: every population placed, support, policy, host stages."""
    yield from placed(network, options)
    yield from unsupported(network, options, profile)
    yield from policy(network, options, settings)
    yield from host_stages(network, settings)


def total_cores(
    network: Network,
    options: Options,
    profile: Profile,
    settings: Settings,
    limit: str,
    what: str = "cores",
    extra: int = 0,
) -> Iterator[Claim]:
    """All slices together, and `extra` sources, take at most the cores of all chips.

    limit: the profile's number of cores of a chip; what: what the vendor calls them.
    """
    one = profile.limit(limit)
    best = one.optimistic
    number = replace(
        one,
        value=one.value * settings.chips,
        optimistic=None if best is None else best * settings.chips,
    )
    used, forced = bias_source(options)
    terms: list[tuple[int, Decision]] = [(1, used)] if forced else []
    least = extra
    for population in network.populations:
        plans = options.plans[population.name]
        terms += [(plan.parts, Choose(population.name, plan.id)) for plan in plans]
        least += min((plan.parts for plan in plans), default=0)
    yield claim_of(
        number,
        kind="cores",
        limit=limit,
        subject=tuple(p.name for p in network.populations),
        template="the network needs at least {demanded} {what}, one slice each{sources}; there are {available}"
        if least > number.value
        else "there are {available} {what}, for one slice each{sources}",
        demanded=least,
        bounds=(Bound(tuple(terms), high=int(number.value) - extra), *forced),
        fixes=("chips", "fewer neurons"),
        what=what,
        sources=f" and {extra} for the input" if extra else "",
    )


def cores_used(network: Network, options: Options) -> Terms:
    """Cores that the chosen plans take, as an objective; input sources are the same for all."""
    used, forced = bias_source(options)
    terms: list[tuple[int, Decision]] = [(1, used)] if forced else []
    for population in network.populations:
        for plan in options.plans[population.name]:
            terms.append((plan.parts, Choose(population.name, plan.id)))
    return tuple(terms)


def unrolled(options: Options) -> Terms:
    """Projections that are written out though the chip could convolve, as an objective."""
    return tuple(
        (sum(p.template == "unrolled" for p in plan.form.projections), Choose(name, plan.id))
        for name, plans in options.plans.items()
        for plan in plans
    )


def error_score(network: Network, options: Options) -> Terms:
    """Membrane-response scores in steps of 1e-4.

    A membrane bias behind a synapse counts one such step: it is exact but for the start.
    """
    terms: list[tuple[int, Decision]] = []
    for population in network.populations:
        for plan in options.plans[population.name]:
            neuron = plan.form.neuron
            late = (
                neuron.bias == "neuron"
                and population.bias is not None
                and neuron.dynamics.has_synapse
            )
            terms.append(
                (round(SCORE * neuron.error) + int(late), Choose(population.name, plan.id))
            )
    return tuple(terms)


def _facts(profile: Profile) -> str:
    return next(iter(profile.sources.values()), profile.vendor)
