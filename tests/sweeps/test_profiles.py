"""Each limit of a profile binds somewhere, or is a fact that binds nowhere and says so."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from device_profiles.families import family, family_names
from tests.examples_path import ROOT

# Where a number is read that decides something: claims, plans, integers, emulators, the checker.
READERS = ("solving", "families", "bundle", "emulate", "problem", "verify")
# What an operation takes in time or energy, or a region of memory that the formula in use counts
# otherwise: for a model of cost, which there is not yet.
NO_MODEL_YET = re.compile(
    r"(hop|message|synop|neuron|spike)_(time|energy)\w*|\w+_energy|message_out_time|hop_cycles|"
    r"(code|static_data|parameter_region|data_specification|log|heap|pool_parameter)_bytes|"
    r"(voltage|time)_record_bytes|axon_mem_per_map_dense|chip_crossing_units|"
    r"cycles_per_second_synapse"
)
# Limits that may bind, and that nothing holds a network to: what is missing is a claim.
NO_CLAIM_YET = {
    "loihi2": {"embedded_processors", "counters_per_processor", "graded_payload_bits"},
    "speck": {"dvs_features"},
    "spinnaker2": {"router_entries"},
    "xylo": set[str](),
}


@cache
def words() -> tuple[frozenset[str], tuple[str, ...]]:
    """Strings of the readers, and what their f-strings can be as patterns."""
    plain: set[str] = set()
    made: set[str] = set()
    for room in READERS:
        for file in (ROOT / "mapper" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    plain.add(node.value)
                if isinstance(node, ast.JoinedStr):
                    made |= _pattern(node)
    return frozenset(plain), tuple(sorted(made))


def _pattern(node: ast.JoinedStr) -> set[str]:
    """'bias_{end}' as bias_[a-z]+; nothing where too little of it is said."""
    parts = [v.value if isinstance(v, ast.Constant) else None for v in node.values]
    said = "".join(str(p) for p in parts if p is not None)
    if len(said) < 4 or "_" not in said or " " in said:
        return set()
    return {"".join("[a-z_]+" if p is None else re.escape(str(p)) for p in parts)}


def read(name: str) -> bool:
    """Whether some reader names it."""
    plain, made = words()
    return name in plain or any(re.fullmatch(pattern, name) for pattern in made)


@pytest.mark.parametrize("name", family_names())
def test_each_limit_is_read_or_is_a_fact(name: str) -> None:
    keys = family(name)
    assert keys is not None
    numbers = {**keys.limits, **keys.cores}
    assert len(numbers) > 10
    idle = {
        key
        for key, what in numbers.items()
        if what.kind != "fact" and not read(key) and not NO_MODEL_YET.fullmatch(key)
    }
    wrong = [
        f"{key}: nothing holds a network to it; write a claim in mapper/families/{name}/claims.py, "
        f"or call it a fact in device_profiles/families/{name}.py"
        for key in sorted(idle - NO_CLAIM_YET[name])
    ]
    assert wrong == []
    assert NO_CLAIM_YET[name] <= idle, "read now"
