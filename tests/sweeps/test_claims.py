"""A kind of claim is known wherever it has to be; a failure says where it is missing."""

from __future__ import annotations

import ast

import pytest

from mapper.solving.explain.kinds import SORTS
from mapper.verify.grounds import KINDS
from tests.boundary.test_boundary import CASES
from tests.examples_path import ROOT

MAPPER = ROOT / "mapper"
GOLDEN = ROOT / "tests" / "golden" / "query" / "claims.txt"
# Under which fault the checker of bundles tells a limit that goes by another name there.
FAULTS = {
    "placed": "partition",
    "slices-on-cores": "core-shared",
    "one-slice-a-core": "core-shared",
    "edge-forms": "mixed-forms",
    "unsupported": "neuron-model",
    "hidden-neurons": "hidden_neurons",  # made from the limit's name
    "output-neurons": "output_neurons",
    "window-overlap": "output-window",
    "conv-delay": "delay-range",
}
# Policy: what was asked of the mapper, which a bundle cannot break.
POLICY = {kind for kind, sort in SORTS.items() if sort == "policy"}
# Kinds that no boundary case refuses by themselves, so that the exhaustive search is asked about
# them by random networks only (tests/exhaustive). Most are demands of a slice, which is cut until
# it fits; what then refuses is the number of cores. This list gets shorter, never longer.
NO_CASE = {
    "atoms",
    "atoms-conv",
    "axon-in",
    "axon-map",
    "axon-mem",
    "bias-memory",
    "conv-delay",
    "destinations",
    "edge-forms",
    "features",
    "groups-per-core",
    "neuron-memory",
    "neurons-per-core",
    "placed",
    "pooling",
    "slices-on-cores",
    "square-kernel",
    "symmetric-padding",
    "synapse-words",
}


def built() -> dict[str, str]:
    """Every kind that a claim is built with by name -> the file that builds it."""
    found: dict[str, str] = {}
    for file in (*MAPPER.glob("solving/claims/*.py"), *MAPPER.glob("families/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if not made or node.func.id not in ("Claim", "claim_of", "Resource"):
                continue
            for word in node.keywords:
                if word.arg == "kind" and isinstance(word.value, ast.Constant):
                    found[str(word.value.value)] = file.relative_to(ROOT).as_posix()
    return found


def faults() -> set[str]:
    """Every word of the checker of bundles: its faults are among them."""
    return {
        node.value
        for file in (MAPPER / "verify").glob("*.py")
        if file.stem not in ("grounds", "certificate", "sums")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_kinds_are_found() -> None:
    assert len(built()) > 25


@pytest.mark.parametrize("kind", sorted({*built(), *SORTS}))
def test_a_kind_is_known_wherever_it_has_to_be(kind: str) -> None:
    cases = {case.expect for case in CASES}
    told = {line for line in GOLDEN.read_text().splitlines() if line and line[0] != " "}
    missing = [
        what
        for there, what in (
            (kind in SORTS, "a sort in mapper/solving/explain/kinds.py"),
            (kind in KINDS, "a ground in KINDS of mapper/verify/grounds.py"),
            (kind in told, "a sentence in tests/golden (pytest --rewrite-golden tests/query)"),
            (
                kind in POLICY or FAULTS.get(kind, kind) in faults(),
                "a fault of that name in mapper/verify/<family>.py (or FAULTS of this test)",
            ),
            (
                kind in cases or kind in NO_CASE,
                "a case below and above it in tests/boundary/<family>.py, which the exhaustive "
                "search of mapper/oracle/<family>.py is asked as well",
            ),
        )
        if not there
    ]
    where = built().get(kind, "a table of limits")
    assert missing == [], f"'{kind}' of {where} lacks {'; '.join(missing)}"


def test_exceptions_are_still_needed() -> None:
    cases = {case.expect for case in CASES}
    assert {kind for kind in NO_CASE if kind in cases} == set()
    assert set(SORTS) >= NO_CASE and set(FAULTS) <= set(SORTS)
    assert {kind for kind in FAULTS if kind in faults()} == set(), "told by its own name now"
