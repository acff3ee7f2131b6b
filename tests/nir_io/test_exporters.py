"""Which framework wrote a file, and with which time step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nir_io.exporters import recognise
from nir_io.graph import Flatten, Graph, Input, Linear, Node, Output, frozen, make_graph
from tests.nir_io.nets import COUNT, affine, make_cuba, make_if, make_lif, net, numbered, shaped

BETA = np.array([0.5, 0.8, 0.9])


def framework(graph: Graph) -> str | None:
    found = recognise(graph)
    return found.framework if found else None


def test_snntorch_is_told_by_r_and_w_in() -> None:
    tau = (1e-4 / (1 - BETA)).astype(np.float32)
    plain = net(make_lif(tau=tau, r=(tau / np.float32(1e-4))))
    found = recognise(plain)
    assert found is not None and found.framework == "snntorch"
    assert found.settings["file_dt"] == 1e-4 and "reset" not in found.settings
    cuba = net(make_cuba("n", tau, tau, r=tau / 1e-4, w_in=tau / 1e-4))
    assert framework(cuba) == "snntorch"
    assert framework(net(make_cuba("n", tau, tau, r=tau / 1e-4, w_in=2))) is None
    assert framework(net(make_lif(tau=tau, r=tau / 1e-3))) is None
    assert framework(net(make_lif(tau=tau, r=tau / 1e-4), make_if("m"))) is None


@settings(deadline=None, max_examples=40)
@given(
    dt=st.sampled_from([1e-4, 5e-4, 1e-3, 1e-2]),
    ratio=st.lists(st.floats(1.0, 300.0), min_size=COUNT, max_size=COUNT),
)
def test_rockpool_tells_its_step_by_r(dt: float, ratio: list[float]) -> None:
    tau = dt * np.array(ratio)
    r = tau * np.exp(-dt / tau) / dt
    nodes = (
        Input(**shaped("input")),
        Linear(weight=frozen(np.eye(COUNT)), **shaped("0_LinearTorch")),
        make_cuba("1_LIFTorch", 2 * dt, tau.astype(np.float32), r=r.astype(np.float32)),
        Output(**shaped("output")),
    )
    edges = [(a.name, b.name) for a, b in pairwise(nodes)]
    found = recognise(make_graph(nodes, edges))
    assert found is not None and found.framework == "rockpool"
    assert found.settings["file_dt"] == pytest.approx(dt, rel=1e-3)
    assert found.settings["reset"] == "subtract"


def test_spikingjelly_is_told_by_names_and_its_step_by_r() -> None:
    def chain(*nodes: Node) -> Graph:
        ends = [Input(**shaped("input_1")), *nodes, Output(**shaped("output"))]
        return make_graph(tuple(ends), [(a.name, b.name) for a, b in pairwise(ends)])

    found = recognise(chain(make_lif("_0", tau=2e-3), make_if("_1", r=1e3)))
    assert found is not None and found.framework == "spikingjelly"
    assert found.settings["file_dt"] == 1e-3 and found.settings["integrator"] == "per-time"
    found = recognise(chain(make_lif("_0", tau=2e-4)))
    assert found is not None and found.settings["file_dt"] == 1e-4
    assert framework(chain(make_lif("_0", tau=2e-4), make_if("n"))) is None


def test_sinabs_and_norse_are_told_by_numbers_and_the_size_of_tau() -> None:
    def flat(name: str) -> Node:
        return Flatten(start_dim=0, end_dim=0, **shaped(name))

    assert framework(numbered(affine, lambda name: make_lif(name, tau=20))) == "sinabs"
    assert framework(numbered(flat, affine, make_if)) == "sinabs"
    assert framework(numbered(affine, make_if)) is None  # either could have written it
    assert framework(numbered(affine, lambda name: make_lif(name, r=2))) is None
    assert framework(numbered(affine, lambda name: make_lif(name, tau=20, reset=0.1))) is None
    found = recognise(numbered(affine, lambda name: make_lif(name, tau=0.02)))
    assert found is not None and found.framework == "norse" and "file_dt" not in found.settings
    found = recognise(numbered(affine, lambda name: make_lif(name, tau=1e-5)))
    assert found is not None and found.settings["file_dt"] == 1e-6
    assert framework(net(make_lif(tau=20))) is None
