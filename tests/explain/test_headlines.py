"""What a refusal says first: short sentences, both numbers, what to do; each kind has its sort."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mapper.solving.claims.ledger import Bound, Choose, Claim, Count, ledger_of, never, sentences
from mapper.solving.explain import headline
from mapper.solving.explain.crowded import Crowd
from mapper.solving.explain.headline import of_crowd
from mapper.solving.explain.kinds import SORTS, sort_of
from mapper.solving.explain.told import told
from mapper.solving.outcome import Conflict

MAPPER = Path(__file__).resolve().parents[2] / "mapper"


def claim(kind: str, *about: str, says: str = "", brief: str = "", **more: object) -> Claim:
    """A claim whose sentence is `says`."""
    fields = {"demanded": 3, "available": 2, "bounds": ()} | more
    return Claim(
        kind=kind,
        subject=about,
        template=says or f"{kind} of {', '.join(about)}",
        brief=brief,
        unit="things",
        source="a table",
        confidence="published",
        **fields,  # pyright: ignore[reportArgumentType]
    )


def test_every_kind_of_limit_has_its_sort() -> None:
    text = "".join(
        file.read_text()
        for folder in ("solving/claims", "families")
        for file in sorted((MAPPER / folder).rglob("*.py"))
    )
    kinds = set(re.findall(r'^ +kind="([a-z-]+)"', text, re.MULTILINE))
    assert len(kinds) > 25
    assert kinds <= set(SORTS)


def test_a_single_limit_leads_with_its_short_sentence() -> None:
    alone = claim("max-error", "a", says="'a': long reasons", brief="'a': short")
    assert headline([alone], ledger_of((alone,), ())) == "'a': short"


def test_limits_of_one_population_say_that_it_fits_nowhere() -> None:
    both = (
        claim("kernel-memory", "a", says="'a' needs 9 words; a core has 8"),
        claim("padding", "a", says="'a' pads by 8; Speck pads by at most 7"),
    )
    said = headline(both, ledger_of(both, ()))
    assert said == (
        "'a' fits nowhere. It needs 9 words; a core has 8. It pads by 8; Speck pads by at most 7"
    )


def test_what_no_recogniser_knows_is_listed() -> None:
    some = (
        claim("destinations", "a", "b"),
        claim("hidden-neurons", "a", "b", "c", available=1000),
    )
    said = headline(some, ledger_of(some, ()))
    assert said == (
        "no placement keeps all of these: 1,000 hidden neurons and the destinations of 'a'"
    )


def test_more_slices_than_cores_say_who_takes_how_many() -> None:
    """Two parts of 'a' and one of 'b' on two cores."""
    a, b = Choose("a", "plan"), Choose("b", "plan")
    counts = {name: Count(f"{name}/plan", "A", most) for name, most in (("a", 2), ("b", 1))}
    placed = [
        claim("placed", d.what, question=True, bounds=(Bound(((1, d),), low=1, high=1),))
        for d in (a, b)
    ]
    follow = [
        claim(
            "slices-on-cores",
            d.what,
            question=True,
            bounds=(Bound(((1, counts[d.what]), (-parts, d)), low=0, high=0),),
        )
        for d, parts in ((a, 2), (b, 1))
    ]
    cores = claim(
        "cores",
        "a",
        "b",
        says="there are 2 cores",
        bounds=(Bound(tuple((1, c) for c in counts.values()), high=2),),
    )
    memory = claim("kernel-memory", "a", bounds=never(Choose("a", "whole")))
    ledger = ledger_of((*placed, *follow, cores, memory), ())
    said = headline([cores, memory], ledger)
    assert said == (
        "the network needs at least 3 cores, and there are 2. 'a' takes 2 and 'b' 1. "
        "Kernel memory leaves no way with fewer"
    )


def test_a_total_says_what_each_population_takes() -> None:
    total = claim("hidden-neurons", "a", "b", demanded=900, available=1000)
    closed = claim("fan-out", "a")
    ledger = ledger_of((total, closed), ())
    crowd = Crowd((0, 1), (0,), 1100, 1000, (("'a'", 700), ("'b'", 400)))
    assert of_crowd(crowd, ledger) == (
        "hidden neurons: at least 1,100 are needed, and there are 1,000. 'a' takes 700 and 'b' 400"
    )


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (("'a': no leak", "'b': no leak"), "'a' and 'b': no leak"),
        (("'a' has 9 of 8", "'b' has 10 of 8"), "'a' has 9 of 8. Likewise 'b'"),
    ],
)
def test_one_reason_of_several_populations_is_told_once(
    says: tuple[str, str], expected: str
) -> None:
    found = tuple(
        Conflict(headline=text, claims=(claim("features", name, says="{name} {demanded}"),))
        for name, text in zip("ab", says, strict=True)
    )
    (one,) = told(found, 5)
    assert one.headline == expected
    assert [c.claims[0].subject for c in (one, *one.others)] == [("a",), ("b",)]


def test_the_gravest_reason_is_told_first() -> None:
    kinds = ("needs-allow", "latency", "cores", "kernel-memory", "unsupported")
    found = tuple(Conflict(headline=k, claims=(claim(k, k),)) for k in kinds)
    assert [c.headline for c in told(found, 4)] == [
        "unsupported",
        "kernel-memory",
        "cores",
        "latency",
    ]
    assert sort_of("edge-forms") == "asked"


def test_reasons_become_sentences() -> None:
    assert sentences("no leak; its error grows", "no leak", "xylo2 has none") == (
        "no leak. Its error grows. xylo2 has none"
    )
