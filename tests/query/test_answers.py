"""Each query's values, held to something that was not asked by the same way."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from device_profiles.load import load, names
from mapper import api
from mapper.problem.settings import Settings
from mapper.solving.outcome import Impossible, Placed
from mapper.verbs.answer import answer as checked
from mapper.verbs.deliver import deliver
from mapper.verbs.query import answer
from mapper.verbs.query.support import PRIMITIVES
from mapper.verbs.query.training import training
from mapper.verbs.query.why import explain_node
from nir_io.errors import BadInput
from nir_io.graph import CubaLIF, Input, Linear, Output, frozen, make_graph
from nir_io.semantics import Semantics
from tests.asking import decide, pose
from tests.query.conftest import Ask
from tests.query.questions import decided


def test_all_placements_are_those_that_counting_gives(ask_of: Ask) -> None:
    asked = ask_of("cnn_if", "speck2f")
    found = answer.placements(asked).value
    cores = {core.name: len(core.ids) for core in asked.profile.cores}
    names_ = list(found.found[0].plans)
    ways = 0
    for classes in product(cores, repeat=len(names_)):  # every layer fits every core, whole
        ways += all(classes.count(name) <= cores[name] for name in cores)
    assert found.best_all and found.best == ways == 216
    told = {tuple(sorted(one.cores)) for one in found.found[: found.best]}
    assert len(told) == ways
    assert all(sum(n for _, _, n in one) == len(names_) for one in told)


def test_a_small_network_has_all_its_placements_and_a_refused_one_none(ask_of: Ask) -> None:
    small = answer.placements(ask_of("mlp_lif", "xylo-audio2")).value
    assert small.all and [dict(one.score)["neurons"] for one in small.found] == [51, 54]
    none = answer.placements(ask_of("mlp_lif", "speck2f"))
    assert (none.value.found, none.value.all, none.exit_code) == ((), True, 1)


def test_headroom_is_what_the_checker_counted(ask_of: Ask) -> None:
    asked = ask_of("cnn_if", "speck2f")
    rooms = {room.limit: room for room in answer.headroom(asked).value}
    usage = checked(asked, whole=False).checked
    assert usage is not None
    assert {name for core in usage.usage for name in core.resources} >= {"kernel_words"}
    for resource, limit in (("kernel_words", "kernel_memory"), ("neuron_words", "neuron_memory")):
        uses = [core.resources[resource] for core in usage.usage]
        assert rooms[limit].share == max(use.used / use.available for use in uses)
    assert rooms["cores_per_chip"].demanded == 4
    assert rooms["kernel_memory"].most == ("'10'",)


def test_what_a_refused_network_needs_at_least_is_told(ask_of: Ask) -> None:
    rooms = answer.headroom(ask_of("cnn_if_deep", "speck2f")).value
    tightest = rooms[0]
    assert tightest.least and tightest.share > 1
    assert tightest.limit == "cores_per_chip"


def test_a_population_may_stand_where_some_placement_has_it(ask_of: Ask) -> None:
    asked = ask_of("residual_if", "speck2f")
    found = answer.placements(asked).value
    stands = {(of, where) for one in found.found for of, where, _ in one.cores}
    for core in asked.profile.cores[:2]:
        told = answer.why_not(asked, str(core.ids[0])).value
        for name, says in told.rows:
            could = says.startswith("could stand")
            if could and (name, core.name) not in stands:
                assert not found.all, f"{name} in class {core.name}"
            if not could:
                assert (name, core.name) not in stands


def test_a_node_is_explained_by_where_it_went(ask_of: Ask) -> None:
    asked = ask_of("cnn_if", "speck2f")
    told = answer.explained(asked, "4").value
    rows = dict(told.rows)
    assert told.says == "'4' is in population '6'"
    assert rows["node"].startswith("SumPool2d")
    result = checked(asked, whole=False)
    assert isinstance(result.outcome, Placed)
    cores = {s.core for s in result.outcome.slices if s.population == "6"}
    assert rows["core"] == f"on core {cores.pop()}"
    with pytest.raises(BadInput, match="there is no node 'nix'"):
        answer.explained(asked, "nix")


def test_every_node_of_every_example_is_explained(ask_of: Ask) -> None:
    for name, device in (("residual_if", "speck2f"), ("srnn_cuba", "loihi2")):
        result = checked(ask_of(name, device), whole=False)
        for node in result.graph.nodes:
            told = explain_node(result, node)
            assert told.rows and "left out" not in told.says, node


def test_a_rule_says_whether_it_is_used_and_else_why_not(ask_of: Ask) -> None:
    asked = ask_of("mlp_lif", "speck2f")
    refused = answer.why_not(asked, "lif-to-if").value
    assert refused.says == "'lif-to-if' is not used"
    assert all("needs --allow" in says or "lif-to-if" in says for _, says in refused.rows)
    allowed = ask_of("mlp_lif", "speck2f", allow=("lif-to-if",))
    assert answer.why_not(allowed, "lif-to-if").value.says == "'lif-to-if' is used"
    idle = answer.why_not(asked, "split-pool").value
    assert "nothing to say here" in idle.says and not idle.rows


def test_the_largest_size_is_what_with_applies(ask_of: Ask) -> None:
    found = answer.varied(ask_of("cnn_if_heavy", "speck2f"), "channels@3").value
    assert (found.now, found.fits_now, found.largest, found.beyond) == (128, False, 64, 65)
    assert found.proven and found.binding
    fits = ask_of("cnn_if_heavy", "speck2f", changes=("channels@3=64",))
    assert isinstance(decided(fits), Placed)
    assert isinstance(
        decided(ask_of("cnn_if_heavy", "speck2f", changes=("channels@3=65",))), Impossible
    )


def test_the_size_of_a_map_is_never_called_the_largest_for_certain(ask_of: Ask) -> None:
    """Strides round the sides of a map: what fits need not be one interval."""
    found = answer.varied(ask_of("cnn_if", "speck2f"), "input@input")
    assert found.value.fits_now and found.value.largest >= found.value.now
    assert not found.value.proven
    assert "a size beyond one that fails may fit again" in " ".join(found.text.split())


def test_bits_are_varied_up_to_what_the_chip_stores(ask_of: Ask) -> None:
    found = answer.varied(ask_of("mlp_lif", "loihi2"), "weight_bits").value
    assert (found.largest, found.beyond, found.proven) == (8, None, True)
    assert "stores at most 8 bits" in found.because


def test_bundles_differ_in_what_was_changed(ask_of: Ask, tmp_path: Path) -> None:
    for name, options in (("one", {}), ("two", {"changes": ("channels@3=8",)})):
        asked = ask_of("cnn_if", "speck2f", **options)
        deliver(asked, checked(asked, whole=True), tmp_path / name)
    assert answer.diff(tmp_path / "one", tmp_path / "one").value == ()
    found = answer.diff(tmp_path / "one", tmp_path / "two")
    assert found.exit_code == 1
    rows = {row.what: row for row in found.value}
    assert rows["population '3': shape"].second == "8, 16, 16"
    assert json.loads(json.dumps(dict(found.facts)))["answer"]
    whole = json.loads((tmp_path / "two" / "manifest.json").read_text())
    assert rows["model fingerprint"].second == whole["model"]["fingerprint"]


@pytest.fixture(scope="module")
def table() -> dict[tuple[str, str], str]:
    """The verdict for each primitive and device."""
    return {(row.primitive, row.device): row.verdict for row in api.support().value}


def test_all_17_primitives_are_tried_on_every_device(table: dict[tuple[str, str], str]) -> None:
    assert len(PRIMITIVES) == 17
    assert set(table) == set(product(PRIMITIVES, names()))


def test_what_a_profile_lists_is_native(table: dict[tuple[str, str], str]) -> None:
    for device in names():
        lists = load(device).lists
        for kind in map(str, lists["neuron_models"].values):
            assert table[kind, device] == "native"
        others = {"IF", "LIF", "CubaLIF"} - set(map(str, lists["neuron_models"].values))
        assert all(table[kind, device] in ("exact", "approximate", "no") for kind in others)


def test_decays_that_training_lists_map_exactly_and_others_do_not() -> None:
    profile = load("xylo-audio2")
    rows = {row.name: row for row in training(profile)}
    legal = [int(part) for part in rows["tau_mem / dt"].value.split(", ")[:3]]
    settings = Settings(exact=True)
    for steps, fits in ((legal[0], True), (legal[2], True), (3, False), (6, False)):
        question = pose(_cuba(float(steps)), profile, _soft(), settings)
        assert isinstance(decide(question), Placed) == fits, steps


def _soft() -> Semantics:
    return Semantics(file_dt=1.0, chip_dt=1e-3, reset="subtract", comparison=">=")


def _cuba(tau: float):
    one, none = frozen(np.ones(2)), frozen(np.zeros(2))
    shape = {"shape_in": (2,), "shape_out": (2,)}
    neuron = CubaLIF(
        name="n",
        tau_syn=one * 4,
        tau_mem=one * tau,
        r=one,
        v_leak=none,
        w_in=one,
        v_threshold=one,
        v_reset=none,
        **shape,
    )
    nodes = (
        Input(name="in", **shape),
        Linear(name="w", weight=frozen(np.ones((2, 2))), **shape),
        neuron,
        Output(name="out", **shape),
    )
    return make_graph(nodes, [("in", "w"), ("w", "n"), ("n", "out")])


def test_every_device_says_what_to_train_within() -> None:
    for name in names():
        rows = training(load(name))
        topics = {row.topic for row in rows}
        assert {"Neurons", "Time constants", "Weights"} <= topics
        assert all(row.says and row.source for row in rows), name


def test_sides_of_kernels_and_their_weights_are_told_apart() -> None:
    found = {
        (row.topic, row.name): row.value
        for name in ("speck2f", "spinnaker2")
        for row in training(load(name))
    }
    assert found["Layers", "kernel_max"] == "16 pixels"
    assert found["Weights", "kernel_max"] == "127 LSB"


def test_what_a_query_makes_is_bounded(ask_of: Ask) -> None:
    asked = ask_of("srnn_cuba", "loihi2")
    roomy = {
        name: replace(number, value=10**9)
        for name, number in asked.profile.cores[0].limits.items()
        if number.kind == "limit"
    }
    core = replace(asked.profile.cores[0], limits={**asked.profile.cores[0].limits, **roomy})
    found = answer.varied(
        replace(asked, profile=replace(asked.profile, cores=(core,))), "neurons@hidden"
    )
    assert not found.value.proven
    assert "are not tried" in found.value.because
    assert "is open" in found.text
