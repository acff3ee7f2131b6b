"""One sentence for a conflict, with its numbers: a list of limits alone may help nobody.

Recognisers are asked in order; each knows one shape of conflict. What none knows is told
by its gravest limit and the kinds of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mapper.solving.claims.ledger import Claim, Ledger, sentences
from mapper.solving.explain.cores import least_cores
from mapper.solving.explain.crowded import CORES, Crowd
from mapper.solving.explain.kinds import rank, sort_of
from mapper.solving.explain.ways import ways_of

SHOWN = 4  # populations whose share a sentence tells
Takes = Sequence[tuple[str, int]]


def headline(claims: Sequence[Claim], ledger: Ledger) -> str:
    """The sentence, or few short ones. `ledger`: the one that the claims are of."""
    if not claims:
        return "what was asked contradicts itself: some population has no way to be carried out"
    ordered = sorted(claims, key=lambda claim: rank(claim.kind))
    if len(ordered) == 1:
        return ordered[0].leads
    for recognise in RECOGNISERS:
        said = recognise(ordered, ledger)
        if said is not None:
            return said
    return f"no placement keeps all of these: {listed(map(_brief, ordered))}"


def of_crowd(crowd: Crowd, ledger: Ledger) -> str:
    """The sentence for limits that fail by counting."""
    claims = [ledger.claims[i] for i in crowd.limits]
    pools = [ledger.claims[i] for i in crowd.pool]
    if pools[0].kind in CORES:
        if len(claims) == 1:
            return claims[0].leads
        return _of_cores(pools, crowd.need, crowd.have, crowd.of, ledger) + _why(claims)
    if crowd.need == pools[0].demanded and len(claims) == 1:
        return pools[0].leads
    what = pools[0].kind.replace("-", " ")
    return (
        f"{what}: at least {crowd.need:,} are needed, and there are {crowd.have:,}. "
        f"{_shares(crowd.of)}{_why(claims)}"
    )


def nowhere(claims: Sequence[Claim], _: Ledger) -> str | None:
    """All limits are about one population: what closes each of its ways."""
    if len({claim.subject for claim in claims}) != 1 or len(claims[0].subject) != 1:
        return None
    name = f"'{claims[0].subject[0]}'"
    if all(sort_of(claim.kind) == "item" for claim in claims):
        reasons = (about(name, claim.leads) for claim in claims)
        return ". ".join((f"{name} fits nowhere", *(r[:1].upper() + r[1:] for r in reasons)))
    told = sorted(claims, key=lambda claim: (claim.kind == "unsupported", rank(claim.kind)))
    also = ". Or else: ".join(dict.fromkeys(about(name, claim.leads) for claim in told[1:]))
    return f"{told[0].leads}. Or else: {also}"


def overflowing(claims: Sequence[Claim], ledger: Ledger) -> str | None:
    """Every split of one population has more parts than the cores that can hold them."""
    own = [claim for claim in claims if claim.kind not in CORES]
    pools = [claim for claim in claims if claim.kind == "one-slice-a-core"]
    if len({claim.subject for claim in own}) != 1 or len(own) + len(pools) != len(claims):
        return None
    name = own[0].subject[0]
    ids = {
        claim.limit: str(claim.fields["ids"]) for claim in ledger.claims if "ids" in claim.fields
    }
    limits = frozenset(i for i, claim in enumerate(ledger.claims) if claim in claims)
    tried: dict[str, str] = {}
    for way in sorted(ways_of(ledger.claims)[name], key=lambda way: way.parts):
        if way.forbid & limits:
            continue
        fit = [ids[cls] for cls in way.closed if cls in way.classes(limits)]
        where = f"only cores {', '.join(fit)}" if fit else "no core"
        cut = f"cut in {way.parts}, its parts fit" if way.parts > 1 else "whole, it fits"
        tried.setdefault(where, f"{cut} {where}")
    if not tried:
        return None
    texts = tuple(tried.values())
    more = (f"{len(texts) - SHOWN} more ways fail alike",) if len(texts) > SHOWN else ()
    ways = sentences(f"'{name}' fits nowhere", *texts[:SHOWN], *more)
    return ways + _why(claims, "the limit is {}")


def competing(claims: Sequence[Claim], ledger: Ledger) -> str | None:
    """More slices, copies and relays than cores: how many, and which cores."""
    pools = [claim for claim in claims if claim.kind in CORES]
    if not pools:
        return None
    whole = [claim for claim in pools if claim.kind == "cores"]
    pools = whole or pools
    need = least_cores(ledger, pools, [claim for claim in claims if claim not in pools])
    have = sum(claim.available for claim in pools)
    if need is None or need.cores <= have:
        return None
    told = _of_cores(pools, need.cores, int(have), need.of, ledger)
    wiring = [_feeds(c, dict(need.of)) for c in claims if c.kind == "destinations"]
    if wiring:
        return f"{told}, copies and relays included. {'. '.join(wiring)}"
    return told + _why(claims)


def _feeds(claim: Claim, taken: Mapping[str, int]) -> str:
    """How many cores a population feeds, where each target takes as many as it was given."""
    source, *targets = (f"'{name}'" for name in claim.subject)
    cores = sum(taken.get(target, 1) for target in targets)
    return f"{source} feeds {cores} cores, and a core has {claim.available:g} destinations"


def permissions(claims: Sequence[Claim], _: Ledger) -> str | None:
    """Nothing but support and policy: each reason."""
    if {sort_of(claim.kind) for claim in claims} <= {"support", "policy"}:
        return ". Or else: ".join(dict.fromkeys(claim.leads for claim in reversed(claims)))
    return None


Recogniser = Callable[[Sequence[Claim], Ledger], "str | None"]
RECOGNISERS: tuple[Recogniser, ...] = (nowhere, overflowing, competing, permissions)


def about(name: str, says: str) -> str:
    """A sentence about `name` as it may follow another one about it."""
    if says.startswith(f"{name}: "):
        return says.removeprefix(f"{name}: ")
    return says.replace(name, "it", 1)


def listed(texts: Iterable[str]) -> str:
    """'a', 'a and b', 'a, b and c'; what is equal once."""
    *first, last = dict.fromkeys(texts)
    return f"{', '.join(first)} and {last}" if first else last


def _brief(claim: Claim) -> str:
    """A limit in few words, with its number."""
    what = claim.kind.replace("-", " ")
    if claim.kind == "cores":
        return f"{claim.available:,g} cores in all"
    if claim.kind in CORES:
        return f"one slice a core on cores {claim.fields['ids']}"
    if len(claim.subject) == 1 or sort_of(claim.kind) == "wiring":
        return f"the {what} of '{claim.subject[0]}'"
    return f"{claim.available:,g} {what}"


def _of_cores(pools: Sequence[Claim], need: int, have: int, of: Takes, ledger: Ledger) -> str:
    classes = {claim.limit for claim in ledger.claims if claim.kind == "one-slice-a-core"}
    if any(claim.kind == "cores" for claim in pools) or {c.limit for c in pools} == classes:
        return f"the network needs at least {need:,} cores, and there are {have:,}. {_shares(of)}"
    ids = ", ".join(str(claim.fields["ids"]) for claim in pools)
    if len(of) == 1:
        return f"{of[0][0]} needs at least {need} cores, and only {have} hold its parts ({ids})"
    return (
        f"{len(of)} populations compete for {have} core{'s' if have > 1 else ''} ({ids}), and no other "
        f"core holds them. {_shares(of)}"
    )


def _shares(of: Takes) -> str:
    """'a' takes 4, 'b' 2 and 3 more the rest: with the names in quotes, the largest first."""
    (name, amount), *others = of[:SHOWN]
    shown = [f"{name} takes {amount:,}", *(f"{name} {amount:,}" for name, amount in others)]
    rest = sum(amount for _, amount in of[SHOWN:])
    return listed([*shown, f"{len(of) - SHOWN} more {rest:,}"] if rest else shown)


def _why(claims: Sequence[Claim], says: str = "{} leaves no way with fewer") -> str:
    """What closes the cheaper ways, as a sentence more: the kinds of memory or geometry."""
    kinds = [c.kind.replace("-", " ") for c in claims if sort_of(c.kind) in ("item", "time")]
    if not kinds:
        return ""
    told = says.format(listed(kinds))
    return f". {told[:1].upper()}{told[1:]}"
