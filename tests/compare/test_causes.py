"""The chain of causes: each link is what it says, and switching each one is noticed."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper import api
from mapper.emulate import twin as machine
from mapper.verbs.compare.causes import SAYS
from tests.asking import emulate
from tests.compare.networks import Chained, chained, cuba, events, line, same, spikes, weights
from tests.handoff.bundles import convolved, recurrent

DEVICES = ("loihi2", "spinnaker2", "xylo-audio2")
# Xylo's neurons fire several times a step; where the network's do not, membranes rest above 0.
PLAINLY = {"reset": "subtract"}
AS_XYLO = {"reset": "subtract", "spikes": "many"}
LAST = {"loihi2": (), "spinnaker2": (), "xylo-audio2": ("n3", "out")}  # Xylo's outputs fire once
RULE = {"loihi2": PLAINLY, "spinnaker2": PLAINLY, "xylo-audio2": AS_XYLO}


@pytest.mark.parametrize("device", DEVICES)
@given(seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_what_is_exact_loses_nothing(device: str, seed: int) -> None:
    """Weights of few bits and decays on every grid: the twins are the ideal, spike for spike."""
    network = line(
        nir.Linear(weights(6, 5, seed)), cuba(6), nir.Linear(weights(3, 6, seed + 1)), cuba(3)
    )
    chain = chained(network, device, **RULE[device])
    data = events(3, 40, 5, seed=seed)
    ideal = chain.ran("ideal", data)
    for cause in ("update-rule", "rewrites", "order-delay", "time-constants"):
        assert same(ideal, chain.ran(cause, data), but=LAST[device]), cause


@pytest.mark.parametrize("device", DEVICES[:2])
def test_loops_biases_and_delays_leave_the_twins_as_they_are(device: str) -> None:
    chain = chained(recurrent(), device, **RULE[device])
    data = events(4, 60, 5)
    assert same(chain.ran("ideal", data), chain.ran("rewrites", data))
    assert same(chain.ran("ideal", data), chain.ran("order-delay", data), but=LAST[device])


@pytest.mark.parametrize(
    ("device", "options"),
    [("loihi2", {"reset": "subtract"}), ("spinnaker2", {"reset": "subtract"}), ("speck2f", {})],
)
def test_convolutions_and_pools_in_real_numbers(device: str, options: dict[str, str]) -> None:
    if device == "speck2f":
        options = {"semantics": "sinabs"}
    chain = chained(convolved(), device, **options)
    data = events(3, 20, 128, density=0.2)
    assert same(chain.ran("ideal", data), chain.ran("rewrites", data))
    assert same(chain.ran("ideal", data), chain.ran("order-delay", data))


@pytest.mark.parametrize("device", [*DEVICES, "speck2f"])
def test_stored_numbers_are_decoded_as_the_quantizer_meant_them(device: str) -> None:
    """The emulator, at weights that it holds finely, does what the decoded twin does."""
    if device == "speck2f":
        chain, data = (
            chained(convolved(), device, semantics="sinabs"),
            events(6, 20, 128, density=0.2),
        )
    else:
        chain, data = chained(recurrent(), device, **RULE[device]), events(6, 60, 5)
    real, whole = chain.ran("weights", data), chain.ran("saturation", data)
    for name, fired in spikes(real).items():
        off = np.abs(fired.astype(int) - spikes(whole)[name]).sum()
        assert off <= 0.12 * fired.sum(), name


def test_the_last_link_is_the_emulator() -> None:
    chain = chained(recurrent(), "loihi2")
    data = events(4, 60, 5)
    assert same(chain.ran("saturation", data), _emulated(chain, data))
    speck = chained(convolved(), "speck2f", semantics="sinabs")
    data = events(2, 20, 128, density=0.2)
    last = speck.links[-1]
    assert last.cause == "event-order"
    first, second = (run(data) for run in last.runs)
    assert not same(first, second)
    assert same(first, last.runs[0](data))


def _emulated(chain: Chained, data: np.ndarray) -> object:
    return emulate(chain.bundle, data, seed=None)


# Where each cause alone makes the difference: (cause, device, options, network, data).
PLAIN = line(nir.Linear(weights(6, 5, 1)), cuba(6), nir.Linear(weights(3, 6, 2)), cuba(3))
OFF_GRID = line(
    nir.Linear(weights(6, 5, 1)),
    cuba(6, syn=3.3e-3, mem=11e-3),
    nir.Linear(weights(3, 6, 2)),
    cuba(3, syn=3.3e-3, mem=11e-3),
)
ODD = line(
    nir.Linear(weights(6, 5, 1, unit=0.0631)),
    cuba(6),
    nir.Linear(weights(3, 6, 2, unit=0.071)),
    cuba(3),
)
LIF = line(
    nir.Linear(weights(6, 5, 1)),
    nir.LIF(
        tau=np.ones(6) * 8e-3,
        r=np.ones(6) * 8,
        v_leak=np.zeros(6),
        v_threshold=np.ones(6),
        v_reset=np.zeros(6),
    ),
    nir.Linear(weights(3, 6, 2)),
    cuba(3),
)
BIASED = line(
    nir.Affine(weights(6, 5, 1), np.full(6, 1 / 16)),
    cuba(6),
    nir.Affine(weights(3, 6, 2), np.full(3, 1 / 32)),
    cuba(3),
)
CAUSES = [
    ("update-rule", "xylo-audio2", {"reset": "zero", "allow": ("reset-kind",)}, PLAIN),
    ("rewrites", "xylo-audio2", AS_XYLO | {"max_error": 1.0}, LIF),
    ("order-delay", "xylo-audio2", PLAINLY, BIASED),
    ("time-constants", "xylo-audio2", AS_XYLO | {"max_error": 1.0}, OFF_GRID),
    ("weights", "loihi2", {"reset": "subtract", "weight_bits": 3}, ODD),
    ("saturation", "xylo-audio2", AS_XYLO, ODD),
]


@pytest.mark.parametrize(
    ("cause", "device", "options", "network"), CAUSES, ids=lambda v: str(v)[:20]
)
def test_each_cause_is_told_from_the_others(
    cause: str, device: str, options: dict[str, object], network: nir.NIRGraph
) -> None:
    """Where a cause is at work its link differs; those that have nothing to do lose nothing."""
    chain = chained(network, device, **options)
    data = events(5, 80, 5, density=0.4)
    found = {link.cause: link.runs[0](data) for link in chain.links}
    names = list(found)
    but = LAST[device]
    differs = {b: not same(found[a], found[b], but=but) for a, b in pairwise(names)}
    assert differs[cause]
    quiet = {
        "update-rule": ("rewrites", "time-constants"),
        "rewrites": ("update-rule", "order-delay"),
        "order-delay": ("update-rule", "rewrites", "time-constants"),
        "time-constants": ("update-rule", "rewrites", "order-delay"),
        "weights": ("update-rule", "rewrites", "order-delay"),
        "saturation": ("update-rule", "rewrites", "order-delay"),
    }[cause]
    assert not any(differs[other] for other in quiet)


def test_membranes_that_rest_above_0_are_of_the_order_of_operations() -> None:
    chain = chained(recurrent(), "xylo-audio2", reset="subtract")
    data = events(4, 60, 5)
    assert same(chain.ran("ideal", data), chain.ran("rewrites", data))
    assert not same(chain.ran("rewrites", data), chain.ran("order-delay", data))
    real, whole = chain.ran("weights", data), chain.ran("saturation", data)
    for name, fired in spikes(real).items():
        assert abs(int(fired.sum()) - int(spikes(whole)[name].sum())) <= 0.1 * fired.sum()


def test_events_beyond_what_a_chip_takes_are_a_loss_of_its_own() -> None:
    chain = chained(PLAIN, "loihi2", reset="subtract", input_kind="counts:1")
    data = events(4, 60, 5) * 3
    assert not same(chain.ran("ideal", data), chain.ran("update-rule", data))
    assert same(chain.ran("update-rule", data), chain.ran("rewrites", data))


MUTATIONS = [
    (
        "v = of.mem_decay * self._v + self._s + of.leak",
        "v = of.mem_decay * (self._v + self._s) + of.leak",
    ),
    ("self._s = of.syn_decay * self._s + drive", "self._s = of.syn_decay * (self._s + drive)"),
    ("fired = v > of.threshold", "fired = v > of.threshold * 0.9"),
    ("self._v = v - spikes * of.threshold", "self._v = v * 0"),
    ("if self._biased and tick > of.bias_from:", "if self._biased and tick > of.bias_from + 3:"),
    ("            drive = drive + of.bias\n", "            drive = drive\n"),
]


@pytest.mark.parametrize(("old", "new"), MUTATIONS, ids=[old[:30] for old, _ in MUTATIONS])
def test_a_wrong_twin_is_noticed(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliberate mutations of the real-number machine break its equality with the ideal."""
    text = Path(machine.__file__).read_text()
    assert text.count(old) == 1
    module = ModuleType("mutant")
    monkeypatch.setitem(sys.modules, "mutant", module)
    exec(compile(text.replace(old, new), "mutant.py", "exec"), module.__dict__)
    monkeypatch.setattr(machine.Cells, "start", lambda cells, n: module.Running(cells, n))
    chain = chained(recurrent(), "loihi2", reset="subtract")
    data = events(4, 60, 5)
    assert not same(chain.ran("ideal", data), chain.ran("rewrites", data))


def test_parts_sum_to_the_whole_and_are_named() -> None:
    data = events(12, 60, 5)
    found = api.compare(
        recurrent(),
        "xylo-audio2",
        data=(data, np.arange(12) % 3),
        semantics="snntorch",
        file_dt=1e-3,
        reset="zero",
        allow=("reset-kind",),
    )
    facts = found.facts
    causes = facts["causes"]
    assert [part["cause"] for part in causes[1:]] == [
        c for c in SAYS if c not in ("event-order", "all")
    ]
    total = sum(part["change_of_accuracy"]["value"] for part in causes[1:])
    assert total == pytest.approx(facts["difference"]["value"], abs=1e-5)
    assert total == pytest.approx(
        facts["accuracy"]["ran"]["value"] - facts["accuracy"]["ideal"]["value"], abs=1e-5
    )


def test_orders_of_events_are_a_range_and_sum_as_their_mean() -> None:
    data = events(6, 20, 2, 8, 8, density=0.2)
    found = api.compare(
        convolved(), "speck2f", data=(data, np.arange(6) % 3), semantics="sinabs", orders=3
    ).facts
    last = found["causes"][-1]
    assert last["cause"] == "event-order"
    assert last["worst_order"] <= last["accuracy"]["value"] <= last["best_order"]
    total = sum(part["change_of_accuracy"]["value"] for part in found["causes"][1:])
    assert total == pytest.approx(found["difference"]["value"], abs=1e-5)


def test_the_whole_is_the_same_without_the_split() -> None:
    data = (events(12, 60, 5), np.arange(12) % 3)
    options = {"semantics": "snntorch", "file_dt": 1e-3, "reset": "subtract"}
    whole = api.compare(recurrent(), "xylo-audio2", data=data, **options).facts
    quick = api.compare(recurrent(), "xylo-audio2", data=data, split=False, **options).facts
    assert [part["cause"] for part in quick["causes"]] == ["ideal", "all"]
    assert quick["accuracy"] == whole["accuracy"] and quick["difference"] == whole["difference"]
    assert quick["populations"] == whole["populations"]
