"""The exhaustive solver by itself: the documents' figures, and cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from device_profiles.load import load, names
from mapper.oracle.answer import Answer, Feasible, Infeasible
from mapper.oracle.decide import applicable, decide
from mapper.oracle.windows import axes, holds
from mapper.problem.network import extract
from mapper.problem.settings import Settings
from tests.asking import pose
from tests.boundary.build import Net, chain
from tests.boundary.case import HARD, SOFT, Case
from tests.boundary.test_boundary import CASES
from tests.exhaustive import small


@pytest.mark.parametrize("device", names())
def test_the_search_knows_the_documents_limits(device: str) -> None:
    """The boundary cases that are small enough for it: as many as 12 of every device."""
    wrong, asked = [], 0
    for case in CASES:
        if case.device != device or case.expect == "bad input":
            continue
        question = pose(case.net().graph(), load(device), case.semantics, case.settings)
        if applicable(question) is not None:
            continue
        asked += 1
        graph = question.network.graph
        answer = decide(graph, question.profile, case.semantics, case.settings)
        wrong += [f"{case.name}: {answer}"] if not _as_expected(case, answer) else []
    assert not wrong, "\n".join(wrong)
    assert asked >= 12


def _as_expected(case: Case, answer: Answer) -> bool:
    if case.expect != "fits":
        return isinstance(answer, Infeasible)
    if not isinstance(answer, Feasible):
        return False
    told = {"cores": case.cores, "error": case.error, "neurons": case.neurons}
    return all(answer.least(name) == value for name, value in told.items() if value is not None)


def test_a_network_that_is_too_large_is_refused_with_both_numbers() -> None:
    question = pose(chain("LIF", (2, 300)).graph(), load("loihi2"), SOFT, Settings())
    assert applicable(question) == (
        "'n2' has 300 neurons; the exhaustive solver takes at most 128 a population: "
        "use --solver cp-sat"
    )
    question = pose(chain("CubaLIF", (2, 10, 10)).graph(), load("xylo-imu"), SOFT, Settings())
    assert "has 20 neurons; the exhaustive solver numbers at most 16" in (
        applicable(question) or ""
    )
    deep = chain("LIF", (1,) * 9)
    question = pose(deep.graph(), load("spinnaker2"), SOFT, Settings())
    assert "has 8 populations" in (applicable(question) or "")
    wide = chain("LIF", (4000, 100))
    question = pose(wide.graph(), load("loihi2"), SOFT, Settings())
    assert "400000 pairs of source and target" in (applicable(question) or "")


def test_relays_forward_the_pooled_map() -> None:
    """Three consumers that pool by 4: the relay holds 4 x 4, which a small core has room for."""

    def net(pool: int) -> Net:
        net = Net()
        at = net.conv(net.input(1, 16, 16), 1, 1)
        at = net.conv(at, 1, 1)
        pooled = [net.pool(at, pool) if pool > 1 else at for _ in range(3)]
        return net.output(*(net.conv(p, 1, 1) for p in pooled))

    cores = [(16, 256, 1)] * 2 + [(16, 16, 1)] * 4
    profile = small.profile(small.speck(cores))
    for pool, expected in ((4, 6), (1, None)):
        graph = pose(net(pool).graph(), profile, HARD, Settings()).network.graph
        answer = decide(graph, profile, HARD, Settings())
        found = answer.least("cores") if isinstance(answer, Feasible) else None
        assert found == expected


def test_the_least_error_comes_before_the_fewest_cores() -> None:
    """A bias on the membrane saves the core of the bias source, but not the start of a run."""
    net = Net("CubaLIF")
    net.output(net.dense(net.input(1), 2, bias=0.5))
    for cores, expected in ((2, (0, 2)), (1, (1, 1))):
        profile = small.profile(small.loihi2(cores))
        graph = pose(net.graph(), profile, SOFT, Settings()).network.graph
        answer = decide(graph, profile, SOFT, Settings())
        assert isinstance(answer, Feasible)
        assert tuple(value for _, value in answer.objectives) == expected


def test_a_folded_pooling_must_not_see_what_fills_no_window() -> None:
    """5 entries pooled by 2 leave one over; a padded kernel behind would meet it."""

    def windows(pad: int) -> bool:
        net = Net()
        at = net.pool(net.input(1, 5, 5), 2)
        net.output(net.conv(at, 1, 3, pad=pad) if pad else net.conv(at, 1, 2))
        network = extract(net.graph(), HARD)
        pair = axes(network.projections[0], 1)
        assert pair is not None
        return any(
            holds(pair[0], kernel, padding, 2) for kernel in range(1, 9) for padding in range(5)
        )

    assert windows(0)
    assert not windows(1)


def test_latencies_are_chosen_together() -> None:
    """A path of 4 hops meets a direct one of 2: both of its edges may wait, 1 step each."""
    net = Net("LIF")
    source = net.input(1)
    long = net.dense(net.dense(net.dense(source, 1), 1), 1)
    short = net.dense(source, 1)
    meeting = net.dense(long, 1)
    net.join(net.linear(short, 1), meeting)
    net.output(meeting)
    for most, fits in ((1, True), (0, False)):
        profile = small.profile(small.loihi2(9, delay_max=most))
        graph = pose(net.graph(), profile, SOFT, Settings()).network.graph
        assert isinstance(decide(graph, profile, SOFT, Settings()), Feasible) is fits


def test_a_read_out_needs_the_host_or_a_neuron_of_its_own() -> None:
    net = Net("LIF")
    net.output(net.linear(net.dense(net.input(2), 2), 3))
    for host in (True, False):
        settings = replace(Settings(), host=host)
        profile = load("spinnaker2")
        graph = pose(net.graph(), profile, SOFT, settings).network.graph
        assert isinstance(decide(graph, profile, SOFT, settings), Feasible) is host


def test_zero_weights_take_no_row() -> None:
    """Two neurons that hear one source each fit a window that two full rows exceed."""
    window = 256 + 32 + 32
    profile = small.profile(small.spinnaker2(4, sram_window=window))
    for weight, pes in ((np.eye(2), 2), (np.ones((2, 2)), 2), (np.ones((2, 3)), None)):
        net = Net("LIF")
        net.output(net.dense(net.input(weight.shape[1]), 2, weight=weight))
        graph = pose(net.graph(), profile, SOFT, Settings()).network.graph
        answer = decide(graph, profile, SOFT, Settings())
        assert (answer.least("cores") if isinstance(answer, Feasible) else None) == pes
