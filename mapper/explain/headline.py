"""One sentence for a conflict, with its numbers: a list of limits alone may help nobody.

Recognisers are asked in order; each knows one shape of conflict. What none knows is told
by its gravest limit and the kinds of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mapper.explain.cores import least_cores
from mapper.explain.crowded import CORES, Crowd
from mapper.explain.kinds import rank, sort_of
from mapper.explain.ways import ways_of
from mapper.ledger import Claim, Ledger

SHOWN = 4  # populations whose share a sentence tells
Takes = Sequence[tuple[str, int]]


def headline(claims: Sequence[Claim], ledger: Ledger) -> str:
    """The sentence. `ledger`: the one that the claims are of."""
    if not claims:
        return "what was asked contradicts itself: some population has no way to be carried out"
    ordered = sorted(claims, key=lambda claim: rank(claim.kind))
    if len(ordered) == 1:
        return ordered[0].says
    for recognise in RECOGNISERS:
        said = recognise(ordered, ledger)
        if said is not None:
            return said
    return f"no placement keeps all of these: {'; '.join(dict.fromkeys(map(_brief, ordered)))}"


def of_crowd(crowd: Crowd, ledger: Ledger) -> str:
    """The sentence for limits that fail by counting."""
    claims = [ledger.claims[i] for i in crowd.limits]
    pools = [ledger.claims[i] for i in crowd.pool]
    if pools[0].kind in CORES:
        if len(claims) == 1:
            return claims[0].says
        return _of_cores(pools, crowd.need, crowd.have, crowd.of, ledger, _why(claims))
    if crowd.need == pools[0].demanded:
        return pools[0].says
    return f"{pools[0].says}; {_shares(crowd.of)}: {crowd.need:,} at least{_why(claims)}"


def nowhere(claims: Sequence[Claim], _: Ledger) -> str | None:
    """All limits are about one population: what closes each of its ways."""
    if len({claim.subject for claim in claims}) != 1 or len(claims[0].subject) != 1:
        return None
    name = f"'{claims[0].subject[0]}'"
    if all(sort_of(claim.kind) == "item" for claim in claims):
        return f"{name} fits nowhere: {'; and '.join(about(name, c.says) for c in claims)}"
    told = sorted(claims, key=lambda claim: (claim.kind == "unsupported", rank(claim.kind)))
    also = "; or else ".join(dict.fromkeys(about(name, claim.says) for claim in told[1:]))
    return f"{told[0].says}; or else {also}"


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
    tried: dict[int, str] = {}
    for way in ways_of(ledger.claims)[name]:
        if way.forbid & limits:
            continue
        fit = [ids[cls] for cls in way.closed if cls in way.classes(limits)]
        where = f"only cores {', '.join(fit)}" if fit else "no core"
        cut = (
            f"cut in {way.parts}, its parts fit {where}"
            if way.parts > 1
            else f"whole, it fits {where}"
        )
        tried.setdefault(way.parts, cut)
    if not tried:
        return None
    return f"'{name}' fits nowhere: {'; '.join(tried[n] for n in sorted(tried))}{_why(claims)}"


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
    wiring = [_feeds(c, dict(need.of)) for c in claims if c.kind == "destinations"]
    why = f", copies and relays included: {', and '.join(wiring)}" if wiring else _why(claims)
    return _of_cores(pools, need.cores, int(have), need.of, ledger, why)


def _feeds(claim: Claim, taken: Mapping[str, int]) -> str:
    """How many cores a population feeds, where each target takes as many as it was given."""
    source, *targets = (f"'{name}'" for name in claim.subject)
    cores = sum(taken.get(target, 1) for target in targets)
    return f"{source} feeds {cores} cores with {claim.available:g} destinations each"


def permissions(claims: Sequence[Claim], _: Ledger) -> str | None:
    """Nothing but support and policy: each reason."""
    if {sort_of(claim.kind) for claim in claims} <= {"support", "policy"}:
        return "; or else ".join(dict.fromkeys(claim.says for claim in reversed(claims)))
    return None


Recogniser = Callable[[Sequence[Claim], Ledger], "str | None"]
RECOGNISERS: tuple[Recogniser, ...] = (nowhere, overflowing, competing, permissions)


def about(name: str, says: str) -> str:
    """A sentence about `name` as it may follow another one about it."""
    if says.startswith(f"{name}: "):
        return says.removeprefix(f"{name}: ")
    return says.replace(name, "it", 1)


def _brief(claim: Claim) -> str:
    """A limit in few words, with its number."""
    what = claim.kind.replace("-", " ")
    if claim.kind in CORES:
        ids = f" ({claim.fields['ids']})" if "ids" in claim.fields else ""
        return f"{claim.available:,g} cores{ids}"
    if len(claim.subject) == 1 or sort_of(claim.kind) == "wiring":
        return f"the {what} of '{claim.subject[0]}'"
    return claim.says


def _of_cores(
    pools: Sequence[Claim], need: int, have: int, of: Takes, ledger: Ledger, why: str
) -> str:
    classes = {claim.limit for claim in ledger.claims if claim.kind == "one-slice-a-core"}
    if any(claim.kind == "cores" for claim in pools) or {c.limit for c in pools} == classes:
        return f"the network needs at least {need:,} cores ({_shares(of)}); there are {have:,}{why}"
    ids = ", ".join(str(claim.fields["ids"]) for claim in pools)
    who = f"{len(of)} populations compete" if len(of) > 1 else f"{of[0][0]} has more parts than fit"
    cores = f"{have} core{'s' if have > 1 else ''}"
    tail = f"for {cores}" if len(of) > 1 else f"on {cores}"
    return f"{who} {tail} ({ids}): at least {need} are needed ({_shares(of)}), and no other core holds them{why}"


def _shares(of: Takes) -> str:
    shown = ", ".join(f"{name} {amount:,}" for name, amount in of[:SHOWN])
    return shown + (f" and {len(of) - SHOWN} more" if len(of) > SHOWN else "")


def _why(claims: Sequence[Claim]) -> str:
    """What closes the cheaper ways: the kinds of memory or geometry, in words."""
    kinds = [c.kind.replace("-", " ") for c in claims if sort_of(c.kind) in ("item", "time")]
    return f" ({' and '.join(dict.fromkeys(kinds))})" if kinds else ""
