"""`--explain NODE`, `--why-not RULE|CORE`: what became of a node, what speaks against a choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mapper.bundle.result import Result
from mapper.problem.network import Network, Population
from mapper.solving.claims.ledger import Bound, Choose, Claim, Count, Ledger
from mapper.solving.explain.headline import about, headline
from mapper.solving.explain.joint import Joint
from mapper.solving.explain.ways import ways_of
from mapper.solving.offer.plans import Candidate, Plan
from mapper.solving.outcome import Impossible, Outcome, Placed
from mapper.verbs.query.document import Saying, ToldFacts
from nir_io.errors import BadInput
from nir_io.graph import Graph
from nir_io.raw import first_of, printable
from rewrite_rules.rule import Exact, Proposal, Unbounded, Within

MOST = 8  # rows about one thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer in rows: (what, what is to be said of it). `says` sums it up."""

    about: str
    says: str
    rows: tuple[tuple[str, str], ...]


def facts(told: Told) -> ToldFacts:
    """For JSON."""
    rows: list[Saying] = [{"what": what, "says": says} for what, says in told.rows]
    return {"about": told.about, "says": told.says, "rows": rows}


def explain_node(result: Result, name: str) -> Told:
    """Which population a node of the file is in, where it sits, what was changed, and why.

    Raises BadInput for a name that is not in the file.
    """
    graph, outcome = result.graph, result.outcome
    if name not in graph.nodes:
        raise BadInput([f"option --explain: there is no node '{printable(name)}'; {_near(graph)}"])
    node = graph.nodes[name]
    network = outcome.question.network
    rows: list[tuple[str, str]] = [("node", f"{node.kind}, {_shape(node.shape_out)}")]
    ports = {n for n, _ in (*network.inputs, *network.outputs)}
    rows += [("changed", p.says) for p in _normalised(outcome, name)][:MOST]
    homes = [p for p in network.populations if name in (p.name, *p.origin)]
    stages = [s for s in network.host if name in {n.name for _, nodes in s.paths for n in nodes}]
    stages += [s for s in network.host if s.neuron is not None and s.neuron.name == name]
    for population in homes:
        rows += _population(outcome, population)
    for stage in stages:
        rows.append(("host", f"computed by the host for output '{stage.output}', after the chip"))
    where = "; ".join(
        [*(f"in population '{p.name}'" for p in homes), *(f"for '{s.output}'" for s in stages)]
    )
    if not where:
        where = "a port of the network" if name in ports else "left out by the rewrites below"
    return Told(about=name, says=f"'{name}' is {where}", rows=tuple(dict.fromkeys(rows)))


def _population(outcome: Outcome, population: Population) -> Iterator[tuple[str, str]]:
    """Where a population sits, and each form that was considered."""
    name = population.name
    yield ("population", f"'{name}': {population.size:,} neurons, {_shape(population.shape)}")
    if isinstance(outcome, Placed):
        yield from _placed(outcome, population, outcome.chosen[name])
    candidates = outcome.options.candidates.get(name, ())
    chosen = outcome.chosen[name].form.id if isinstance(outcome, Placed) else None
    for candidate in candidates[: 2 * MOST]:
        if candidate.form is None or candidate.id.split("/")[0] != chosen:
            yield from _against(outcome, candidate)
    if isinstance(outcome, Impossible):
        for conflict in outcome.conflicts:
            named = {n for c in (conflict, *conflict.others) for k in c.claims for n in k.subject}
            if name in named:
                yield ("conflict", conflict.headline)


def _placed(placed: Placed, population: Population, plan: Plan) -> Iterator[tuple[str, str]]:
    cores = sorted({(s.chip, s.core) for s in placed.slices if s.population == population.name})
    several = placed.question.settings.chips > 1
    told = first_of([f"{chip}/{core}" if several else str(core) for chip, core in cores], MOST)
    parts = f"in {plan.parts} parts " if plan.parts > 1 else ""
    role = f" as {plan.role}" if plan.role else ""
    yield ("core", f"{parts}on core{'s' if len(cores) > 1 else ''} {told}{role}")
    neuron = plan.form.neuron
    yield ("runs as", f"{neuron.device_model}, reset {neuron.reset}, bias: {neuron.bias}")
    for proposal in (*neuron.proposals, *(p for f in plan.form.projections for p in f.proposals)):
        yield ("changed", f"{proposal.says} ({_keeps(proposal)})")
    lag = placed.lag[population.name]
    if lag:
        yield ("late", f"by {lag} step{'s' if lag > 1 else ''} against the ideal")
    readers = sorted({r.target for r in placed.question.network.readers(population.name)})
    if readers:
        yield ("feeds", ", ".join(f"'{r}'" for r in readers[:MOST]))


def _against(outcome: Outcome, candidate: Candidate) -> Iterator[tuple[str, str]]:
    """Why a form that was considered was not taken."""
    if candidate.form is None:
        reasons = list(dict.fromkeys(r.because for r in candidate.refusals))
        yield ("not possible", "; ".join(reasons[:3]))
        return
    own = [
        p for p in outcome.options.plans.get(candidate.population, ()) if p.form.id == candidate.id
    ]
    reasons = [c for plan in own[:1] for c in _forbidding(outcome.ledger, plan)]
    name = f"'{candidate.population}'"
    if reasons:
        told = "; ".join(about(name, claim.says) for claim in reasons[:2])
        yield ("not taken", f"{candidate.id}: {told}")
    else:
        error = candidate.form.neuron.error
        yield ("not taken", f"{candidate.id}: possible (error {error:.3g}), but no better")


def _forbidding(ledger: Ledger, plan: Plan) -> list[Claim]:
    ways = ways_of(ledger.claims).get(plan.population, ())
    found = [way for way in ways if way.choice == Choose(plan.population, plan.id)]
    return [ledger.claims[i] for way in found for i in sorted(way.forbid)]


def why_not(result: Result, what: str) -> Told:
    """What speaks against a rule, or against a core (an id) for each population.

    Raises BadInput for what is neither.
    """
    from rewrite_rules import rules

    if what.isdecimal():
        return _why_not_core(result, int(what))
    names = [rule.name for rule in rules()]
    if what not in names:
        raise BadInput(
            [
                f"option --why-not: '{printable(what)}' is neither a rule (`nirmap rules` lists "
                "them) nor the id of a core"
            ]
        )
    return _why_not_rule(result, what)


def _why_not_rule(result: Result, rule: str) -> Told:
    outcome = result.outcome
    rows: list[tuple[str, str]] = []
    for proposal in outcome.question.normalised:
        if proposal.rule == rule:
            rows.append(("used", proposal.says))
    used = len(rows)
    for population in outcome.question.network.populations:
        for candidate in outcome.options.candidates.get(population.name, ()):
            found = list(_of_rule(outcome, candidate, rule))
            used += sum(what == "used" for what, _ in found)
            rows += found
    rows = list(dict.fromkeys(rows))
    if not rows:
        says = f"'{rule}' has nothing to say here: no node is of its kind, or none needs it"
    elif used:
        says = f"'{rule}' is used"
    else:
        says = f"'{rule}' is not used"
    return Told(about=rule, says=says, rows=tuple(rows[: 3 * MOST]))


def _of_rule(outcome: Outcome, candidate: Candidate, rule: str) -> Iterator[tuple[str, str]]:
    """How a rule took part in one candidate."""
    name = candidate.population
    for refusal in candidate.refusals:
        if refusal.rule == rule:
            yield ("refused", f"at '{refusal.at}': {refusal.because}")
    if candidate.form is None:
        return
    form = candidate.form
    proposals = [*form.neuron.proposals, *(p for f in form.projections for p in f.proposals)]
    own = [p for p in proposals if p.rule == rule]
    if not own:
        return
    if isinstance(outcome, Placed) and outcome.chosen[name].form.id == form.id:
        yield ("used", f"{own[0].says} ({_keeps(own[0])})")
        return
    yield from ((what, f"'{name}': {text}") for what, text in _against(outcome, candidate))


def _why_not_core(result: Result, core: int) -> Told:
    """What could stand on a core: forced there population by population."""
    outcome = result.outcome
    profile, network = outcome.question.profile, outcome.question.network
    classes = [c for c in profile.cores if core in c.ids]
    if not classes:
        ids = [i for c in profile.cores for i in c.ids]
        raise BadInput(
            [
                f"option --why-not: {profile.name} has no core {core}; it has {min(ids)} to {max(ids)}"
            ]
        )
    if isinstance(outcome, Placed):
        held = [s.population for s in outcome.slices if (s.chip, s.core) == (0, core)]
        held += [h.role for h in outcome.helpers if (h.chip, h.core) == (0, core)]
        says = f"core {core} holds {_names(held)}" if held else f"core {core} is free"
    else:
        says = "the network does not fit as a whole"
    if len(profile.cores) == 1:
        alike = "all cores are alike and filled in order, so any slice could stand on any of them"
        return Told(about=str(core), says=f"{says}; {alike}", rows=())
    rows = [
        (f"'{p.name}'", _forced(outcome, network, p, classes[0].name)) for p in network.populations
    ]
    return Told(about=str(core), says=says, rows=tuple(rows))


def _forced(outcome: Outcome, network: Network, population: Population, where: str) -> str:
    """What happens when a slice of the population has to stand in a class of cores."""
    from mapper.solving.solve.cpsat import Assignment, solve

    plans = outcome.options.plans.get(population.name, ())
    slots = [
        d
        for d in outcome.ledger.decisions
        if isinstance(d, Count)
        and d.where == where
        and any(d.what == f"{population.name}/{plan.id}" for plan in plans)
    ]
    wish = _wish(population.name, where, slots)
    claims = (*outcome.ledger.claims, wish)
    settings = outcome.question.settings
    forced = Ledger(
        decisions=outcome.ledger.decisions, claims=claims, objectives=outcome.ledger.objectives
    )
    answer = solve(forced, budget=min(10.0, settings.budget), seed=settings.seed)
    if isinstance(answer, Assignment):
        if not isinstance(outcome, Placed):
            return f"could stand in class {where}"
        worse = [
            f"{name} {new:,} instead of {old:,}"
            for (name, old, _), (_, new, _) in zip(
                outcome.objectives, answer.objectives, strict=False
            )
            if new != old
        ]
        return f"could stand in class {where}" + (f", at {', '.join(worse)}" if worse else "")
    joint = Joint(claims, budget=settings.budget, seed=settings.seed)
    limits = [i for i, c in enumerate(claims) if c.bounds and not c.question]
    least = joint.next(limits, first=True)
    if least is None:
        return "not known: the solver's budget ended"
    return f"cannot stand in class {where}: {headline([claims[i] for i in least.limits], forced)}"


def _wish(name: str, where: str, slots: Sequence[Count]) -> Claim:
    """At least one slice of a population in a class of cores."""
    return Claim(
        kind="slices-on-cores",
        subject=(name,),
        template="a slice of {name} stands in class {where}",
        demanded=1,
        available=1,
        unit="slice",
        source="option --why-not",
        confidence="published",
        bounds=(Bound(tuple((1, slot) for slot in slots), low=1),),
        fields={"name": f"'{name}'", "where": where},
        question=True,
    )


def _normalised(outcome: Outcome, name: str) -> list[Proposal]:
    return [p for p in outcome.question.normalised if name in p.instead_of]


def _keeps(proposal: Proposal) -> str:
    match proposal.keeps:
        case Exact():
            return "exact"
        case Within(bound=bound):
            return f"error {bound:.3g}"
        case Unbounded():
            return "no bound is known"


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in dict.fromkeys(names))


def _shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "one value"


def _near(graph: Graph) -> str:
    names = [f"'{printable(n)}'" for n in graph.nodes]
    return f"there are: {first_of(names, MOST)}"
