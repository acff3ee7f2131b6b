"""A certificate proves its refusal to a checker without a solver; one that was touched does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.bundle.certificate import _cut, as_bytes  # pyright: ignore[reportPrivateUsage]
from mapper.oracle.again import again, rows_of
from mapper.solving.claims.ledger import Bound, Choose, Count
from mapper.solving.solve.proof import Sum, prove
from mapper.verify import sums
from mapper.verify.certificate import Proven, check_certificate, check_file
from tests.verify.refusals import REFUSED, can_hold, certified, rows

SPOILT = Callable[[dict[str, Any]], object]
IDS = [f"{name}-{device}-{'-'.join(sorted(kinds))}" for name, device, _, kinds in REFUSED]
DEEP, HEAVY, ALLOW, EXACT, ERROR, EVENTS, _, FORM, TOTALS = range(len(REFUSED))


def faults(found: Proven) -> list[str]:
    """Ids of what was found."""
    return [finding.fault for finding in found.findings]


@pytest.mark.parametrize("index", range(len(REFUSED)), ids=IDS)
def test_a_refusal_of_every_kind_is_proven(index: int) -> None:
    raw = json.loads(as_bytes(certified(index)))
    found = check_certificate(raw)
    assert found.findings == ()
    assert [c.proven for c in found.conflicts] == [True] * len(found.conflicts)
    kinds = {limit["kind"] for conflict in raw["conflicts"] for limit in conflict["limits"]}
    assert REFUSED[index][3] <= kinds


def test_a_certificate_names_only_what_its_proof_needs() -> None:
    """13 layers on 9 cores are proven by any 10 of them."""
    raw = certified(DEEP)
    total = raw["conflicts"][0]["limits"][0]["rows"][0]
    choices = [row for claim in raw["conflicts"][0]["asked"] for row in claim["rows"]]
    assert total["high"] == 9
    assert len({claim["about"][0] for claim in raw["conflicts"][0]["asked"]}) == 10
    assert len(choices) < 250


def limit(index: int, **fields: Any) -> SPOILT:
    """Change fields of a limit of the first conflict."""
    return lambda raw: raw["conflicts"][0]["limits"][index].update(fields)


def row(index: int, **fields: Any) -> SPOILT:
    """Change fields of the first row of a limit."""
    return lambda raw: raw["conflicts"][0]["limits"][index]["rows"][0].update(fields)


def asked(**fields: Any) -> SPOILT:
    """Change fields of the first row of what was asked."""
    return lambda raw: raw["conflicts"][0]["asked"][0]["rows"][0].update(fields)


def head(*path: Any, to: Any) -> SPOILT:
    """Set a place anywhere."""

    def spoil(raw: dict[str, Any]) -> None:
        place: Any = raw
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return spoil


def first_way(raw: dict[str, Any]) -> dict[str, Any]:
    """The first way of the first population that has any."""
    return next(p["ways"][0] for p in raw["populations"] if p["ways"])


def hidden_way(raw: dict[str, Any]) -> None:
    """Leave a way out of what was asked: the rest may be impossible, the network need not be."""
    terms = raw["conflicts"][0]["asked"][0]["rows"][0]["terms"]
    terms.pop()


def twice(raw: dict[str, Any]) -> None:
    """Count a decision twice."""
    terms = raw["conflicts"][0]["limits"][0]["rows"][0]["terms"]
    terms.append(list(terms[0]))


def again_as_another(raw: dict[str, Any]) -> None:
    """The same decision under two numbers."""
    raw["conflicts"][0]["decisions"].append(dict(raw["conflicts"][0]["decisions"][0]))


def no_room(raw: dict[str, Any]) -> None:
    """A decision that may not be as large as it is."""
    next(d for d in raw["conflicts"][0]["decisions"] if d.get("most", 0) > 1)["most"] = 1


def fewer(raw: dict[str, Any]) -> None:
    """A sum that lacks a row."""
    raw["conflicts"][0]["proof"][0]["rows"].pop()


CATALOGUE: tuple[tuple[str, int, SPOILT, str, str], ...] = (
    ("another schema", DEEP, head("schema", to="nirmap-certificate-3"), "schema", "made by a later nirmap"),
    ("another profile", DEEP, head("device", "profile", to="0" * 64), "profile-hash", "speck2f"),
    ("another device", DEEP, head("device", "name", to="speck9"), "device-unknown", "speck9"),
    ("a path as device", DEEP, head("device", "name", to="../speck2f"), "device-unknown", "speck2f"),
    ("another family", DEEP, head("device", "family", to="xylo"), "device-unknown", "xylo"),
    ("more chips than there are", DEEP, head("device", "chips", to=3), "cores", "3 chips"),
    ("no conflict", DEEP, head("conflicts", to=[]), "conflict", "no conflict"),
    ("a limit edited", DEEP, limit(0, available=8), "limit", "there are 9"),
    ("a row that allows less", DEEP, row(0, high=8), "ground", "by the profile there are 9"),
    ("a decision counted twice", DEEP, twice, "schema", "once each"),
    ("a decision under two numbers", DEEP, again_as_another, "decision", "twice"),
    ("no room for slices", DEEP, no_room, "decision", "there may be"),
    ("more than a slice is a core", DEEP, lambda raw: raw["conflicts"][0]["limits"][0]["rows"][0]["terms"][0].__setitem__(0, 7), "ground", "counts 7"),
    ("a way left out", DEEP, hidden_way, "ground", "leaves out 1 of the ways"),
    ("two ways at once", ALLOW, asked(low=2), "ground", "not about the ways"),
    ("a row missing from the sum", DEEP, fewer, "proof", "which can be"),
    ("a multiple of 0", DEEP, lambda raw: raw["conflicts"][0]["proof"][0]["rows"][0].__setitem__(1, 0), "schema", "no multiple 0"),
    ("a row that is not there", DEEP, lambda raw: raw["conflicts"][0]["proof"][0]["rows"][0].__setitem__(0, 10**6), "schema", "[row, multiple]"),
    ("an open side", HEAVY, lambda raw: [r.__setitem__(1, -r[1]) for r in raw["conflicts"][0]["proof"][0]["rows"][:1]], "proof", "open"),
    ("an empty proof", DEEP, head("conflicts", 0, "proof", to=[]), "schema", "not empty"),
    ("a proof in a circle", DEEP, head("conflicts", 0, "proof", to=[{"decision": 0, "at": 0, "cases": [0, 0]}]), "proof", "leads back"),
    ("an unknown kind", DEEP, limit(0, kind="magic"), "ground", "'magic' is no kind"),
    ("a demand understated", HEAVY, row(0, over=["kernel_memory", 1]), "ground", "which is enough"),
    ("a demand that just fits", HEAVY, row(0, over=["kernel_memory", 65536]), "ground", "there are 65,536, which is enough"),
    ("a demand on another limit", HEAVY, row(0, over=["neuron_memory", 10**9]), "ground", "kernel_memory"),
    ("a class of cores that is not there", HEAVY, lambda raw: raw["conflicts"][0]["limits"][1].update(limit="Z"), "limit", "none"),
    ("a rule that is allowed", ALLOW, head("settings", "allow", to=["lif-to-if"]), "ground", "'lif-to-if' is allowed"),
    ("a rewrite that has a bound", ALLOW, lambda raw: first_way(raw)["rewrites"][0].update(bound=0.01), "ground", "no bound"),
    ("approximations that are allowed", EXACT, head("settings", "exact", to=False), "ground", "allowed"),
    ("an error below the limit", ERROR, head("settings", "max_error", to=0.9), "ground", "allowed"),
    ("an error that is not the rewrites'", ERROR, row(0, over=["max_error", 0.77]), "ground", "add up"),
    ("events that the input does not bring", EVENTS, head("semantics", "input_kind", to="spikes"), "ground", "'spikes'"),
    ("channels overstated", TOTALS, row(0, over=["input_channels", 10**6]), "ground", "the network has"),
    ("a form that has a way", FORM, lambda raw: raw["conflicts"][0]["limits"][0].update(about=["else"]), "ground", "form"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("index", "spoil", "fault", "words"),
    [entry[1:] for entry in CATALOGUE],
    ids=[entry[0].replace(" ", "-") for entry in CATALOGUE],
)
def test_what_was_touched_is_rejected_and_named(
    index: int, spoil: SPOILT, fault: str, words: str
) -> None:
    raw = json.loads(as_bytes(certified(index)))
    spoil(raw)
    found = check_certificate(raw)
    assert not found.proven
    assert fault in faults(found), found.findings
    assert "checker-failed" not in faults(found), found.findings
    assert any(words in f.says for f in found.findings if f.fault == fault), found.findings


def test_one_more_than_there_is_does_not_fit() -> None:
    """The largest kernel memory of a core is 65,536."""
    raw = json.loads(as_bytes(certified(HEAVY)))
    row(0, over=["kernel_memory", 65537])(raw)
    assert check_certificate(raw).proven


@pytest.mark.parametrize("spoil", [limit(0, available=8), row(0, high=8), fewer])
def test_a_conflict_with_a_fault_is_not_called_proven(spoil: SPOILT) -> None:
    """Neither as a whole nor in the words on the conflict itself."""
    raw = json.loads(as_bytes(certified(DEEP)))
    spoil(raw)
    (conflict,) = check_certificate(raw).conflicts
    assert not conflict.proven
    assert conflict.status == "subset-minimal, not independently proven"


def test_a_limit_is_cut_to_less_than_it_says_and_what_was_asked_is_not() -> None:
    """A limit x + y - relay <= 0, and x asked for; the proof needs nothing of y.

    y takes more, so x - relay <= 0 follows; x <= 0 would not: the relay makes room. A row that
    was asked stays as it was, whatever of it the proof needs, and so does one with a low side.
    """
    x, y, relay = Choose("x", ""), Choose("y", ""), Count("relay/x", "A", 9)
    capacity = Bound(((1, x), (1, y), (-1, relay)), low=None, high=0)
    exact = Bound(((1, x), (1, Choose("z", ""))), low=0, high=1)
    wanted = Bound(((1, x), (1, Choose("other", ""))), low=1, high=1)
    edge = Bound(((1, x), (1, Choose("reader", ""))), low=None, high=0)
    proof = (Sum(((0, 1), (1, 1), (2, -1), (3, 1))),)
    found = _cut((capacity, exact, wanted, edge), range(4), 2, proof)
    assert found[0] == Bound(((1, x), (-1, relay)), low=None, high=0)
    assert found[1:] == (exact, wanted, edge)


def test_a_conflict_without_a_proof_says_so_and_is_solved_again() -> None:
    raw = json.loads(as_bytes(certified(HEAVY)))
    for conflict in raw["conflicts"]:
        conflict["proof"] = None
    found = check_certificate(raw)
    assert found.ok
    assert not found.proven
    assert not found.refused
    assert found.conflicts[0].status == "subset-minimal, not independently proven"
    assert [answer.holds for answer in again(raw)] == [False] * len(raw["conflicts"])


def test_without_one_of_its_limits_a_conflict_is_not_refused_again() -> None:
    """So what is re-solved is the conflict, not something that fails anyway."""
    raw = json.loads(as_bytes(certified(DEEP)))
    raw["conflicts"][0]["limits"][0]["rows"] = []
    assert [answer.holds for answer in again(raw)] == [True]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "manifest-unreadable"),
        (b"[1]", "manifest-unreadable"),
        (b"\xff\xfe", "manifest-unreadable"),
        (b'{"schema": NaN}', "manifest-unreadable"),
        (b"[" * 100_000, "manifest-unreadable"),
        (b'{"schema": "x", "schema": "y"}', "manifest-unreadable"),
        (b"{}", "schema"),
        (b'{"schema": ' + b"9" * 5000 + b"}", "manifest-unreadable"),
    ],
    ids=["empty", "a list", "no text", "not a number", "deep", "a key twice", "bare", "huge"],
)
def test_a_damaged_file_is_one_clear_finding(text: bytes, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "certificate.json"
    file.write_bytes(text)
    found = check_file(file)
    assert faults(found) == [fault]
    assert "'certificate.json'" in found.findings[0].says or fault == "schema"
    assert check_file(tmp_path / "ghost.json").findings[0].fault == "file-missing"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in pairs:
        found += places(child, (*path, key))
    return found


SMALL = {index: certified(index) for index in (HEAVY, ALLOW, ERROR, FORM, TOTALS)}
PLACES = {index: places(json.loads(as_bytes(raw))) for index, raw in SMALL.items()}
ODD = st.sampled_from(
    (None, True, -1, 0, 1, 2, 2**53, 2**70, -(2**70), 1e308, -0.5, "", "x", "\x00", [], {}, [[]], [1], [[1, 0]], {"a": 1})
)  # fmt: skip


@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_no_value_anywhere_breaks_the_checker(data: st.DataObject) -> None:
    index = data.draw(st.sampled_from(sorted(SMALL)))
    raw = json.loads(as_bytes(SMALL[index]))
    place: Any = raw
    path = data.draw(st.sampled_from(PLACES[index]))
    for key in path[:-1]:
        place = place[key]
    if data.draw(st.booleans()):
        place[path[-1]] = data.draw(ODD)
    else:
        place.pop(path[-1])
    found = check_certificate(raw)
    assert "checker-failed" not in faults(found), (path, found.findings)


@given(some=rows())
@settings(max_examples=100, deadline=None)
def test_a_proof_is_found_just_where_nothing_can_hold_and_the_checker_accepts_it(
    some: tuple[Bound, ...],
) -> None:
    proof = prove(some)
    assert (proof is None) == can_hold(some)
    if proof is None:
        return
    assert accepted(some, proof)


@given(some=rows(), data=st.data())
@settings(max_examples=100, deadline=None)
def test_no_sum_of_rows_that_can_hold_is_accepted(
    some: tuple[Bound, ...], data: st.DataObject
) -> None:
    """Whatever multiples are claimed: the checker is no weaker than arithmetic."""
    multiples = data.draw(
        st.lists(st.tuples(st.integers(0, len(some) - 1), st.integers(-5, 5).filter(bool)), min_size=1, max_size=5)
    )  # fmt: skip
    if accepted(some, (Sum(tuple(multiples)),)):
        assert not can_hold(some)


def accepted(some: tuple[Bound, ...], proof: Any) -> bool:
    """Whether the checker's own arithmetic takes the proof."""
    decisions = list(dict.fromkeys(d for line in some for _, d in line.terms))
    at = {d: i for i, d in enumerate(decisions)}
    theirs = [
        sums.Decision("", None, "", d.most)
        if isinstance(d, Count)
        else sums.Decision("", "", None, 1)
        for d in decisions
    ]
    lines = [
        sums.Line(tuple((c, at[d]) for c, d in line.terms), line.low, line.high, None)
        for line in some
    ]
    cases = [
        sums.Sum(case.rows) if isinstance(case, Sum) else sums.Split(at[case.decision], case.at, case.low, case.high)
        for case in proof
    ]  # fmt: skip
    from mapper.verify.report import Book

    book = Book()
    sums.check_proof(cases, lines, theirs, "it", book)
    return not book.findings


def test_a_case_must_be_split_where_the_relaxation_can_hold() -> None:
    """2 x + 2 y = 3 has fractional solutions only."""
    x, y = Choose("x", ""), Choose("y", "")
    some = (Bound(((2, x), (2, y)), low=3, high=3),)
    proof = prove(some)
    assert proof is not None
    assert len(proof) > 1
    assert accepted(some, proof)
    assert not accepted(some, proof[1:])


def test_rows_are_read_back_as_they_were_written() -> None:
    raw = certified(HEAVY)["conflicts"][0]
    again_read = rows_of(json.loads(json.dumps(raw)))
    told = [entry for claim in (*raw["limits"], *raw["asked"]) for entry in claim["rows"]]
    assert [(len(r.terms), r.low, r.high) for r in again_read] == [
        (len(t["terms"]), t["low"], t["high"]) for t in told
    ]
