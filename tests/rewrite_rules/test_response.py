"""The membrane-response error against brute-force simulation, and the bound that it promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mapper.emulate.ideal import run
from nir_io.graph import LI, CubaLI, I, Neuron, frozen
from nir_io.semantics import Semantics
from rewrite_rules import response
from rewrite_rules.response import (
    Charge,
    Response,
    compare_responses,
    impulse,
    response_error,
    total,
)
from tests.rewrite_rules.networks import chain

STEP = Semantics(file_dt=1.0, chip_dt=None, reset="zero")
decay = st.floats(0.0, 0.95).filter(lambda d: d == 0.0 or d > 1e-3)
pair = st.tuples(decay, decay)


def neuron(syn_decay: float, mem_decay: float) -> Neuron:
    """A non-spiking neuron of these decays in steps of 1; an I where the membrane keeps all."""
    one = {"name": "n", "shape_in": (1,), "shape_out": (1,)}
    if mem_decay == 1.0:
        return I(**one, r=frozen([1.0]))
    mem = {"r": frozen([1.0 / (1.0 - mem_decay)]), "v_leak": frozen([0.0])}
    if syn_decay == 0.0:
        return LI(**one, tau=frozen([1.0 / (1.0 - mem_decay)]), **mem)
    return CubaLI(
        **one,
        tau_syn=frozen([1.0 / (1.0 - syn_decay)]),
        tau_mem=frozen([1.0 / (1.0 - mem_decay)]),
        w_in=frozen([1.0 / (1.0 - syn_decay)]),
        **mem,
    )


def simulated(syn_decay: float, mem_decay: float, x: NDArray[Any]) -> NDArray[Any]:
    """The membrane (step,) that the ideal network builds up for input x (step,)."""
    syn_decay, mem_decay = sorted((syn_decay, mem_decay))
    if mem_decay == 0.0:
        return x  # forgets within the step: no time constant says so
    graph = chain(neuron(syn_decay, mem_decay))
    return run(graph, STEP, x[None, :, None], record=["n"]).voltages["n"][0, :, 0]


def pulse(steps: int) -> NDArray[Any]:
    return np.eye(1, steps)[0]


@settings(max_examples=40, deadline=None)
@given(a=st.floats(0.001, 0.99), b=st.floats(0.001, 0.99), equal=st.booleans())
def test_the_response_is_what_the_simulator_gives_for_one_spike(
    a: float, b: float, equal: bool
) -> None:
    a = b if equal else a
    found = impulse(np.array([[a, b]]), 0, 60)[0]
    assert np.allclose(found, simulated(a, b, pulse(60)), rtol=1e-9, atol=1e-9)


def test_special_responses_no_synapse_integrator_and_nearly_equal_decays() -> None:
    none = impulse(np.array([[0.0, 0.5], [0.0, 0.0], [0.0, 1.0]]), -1, 4)
    assert np.array_equal(none[0], [0, 1, 0.5, 0.25, 0.125])
    assert np.array_equal(none[1], [0, 1, 0, 0, 0])
    assert np.array_equal(none[2], [0, 1, 1, 1, 1])
    near = impulse(np.array([[0.9, 0.9 + 1e-13]]), 0, 50)
    assert np.allclose(near, (np.arange(50) + 1) * 0.9 ** np.arange(50), rtol=1e-9)
    assert np.allclose(simulated(0.5, 1.0 - 1e-15, pulse(5)), simulated(0.5, 1.0 - 1e-12, pulse(5)))


def by_brute_force(h: tuple[float, float], g: tuple[float, float], steps: int) -> tuple[float, int]:
    """The least error over every lag of equal area, from simulated responses; and its lag."""
    reach = 25
    mine = simulated(*h, pulse(steps))
    other = simulated(*g, pulse(steps + reach))
    best = (np.inf, 0)
    for lag in range(1 - steps, reach):
        n = np.arange(-max(lag, 0), steps)
        left = np.where(n >= 0, mine[np.maximum(n, 0)], 0.0)
        right = np.where(n + lag >= 0, other[np.maximum(n + lag, 0)], 0.0)
        if right.sum() > 0:
            gap = np.abs(left - left.sum() / right.sum() * right).sum() / left.sum()
            best = min(
                best, (float(gap), lag), key=lambda found: found[0] - 1e-12 * (found[1] == 0)
            )
    return best


@settings(max_examples=30, deadline=None)
@given(h=pair, g=pair, steps=st.integers(1, 40))
def test_error_and_lag_are_the_best_of_all_lags(
    h: tuple[float, float], g: tuple[float, float], steps: int
) -> None:
    found = compare_responses(Response(*h), Response(*g), steps)
    assert found is not None
    assert float(found.error) == pytest.approx(by_brute_force(h, g, steps)[0], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    h=pair,
    g=pair,
    gains=st.tuples(st.floats(0.1, 4.0), st.floats(0.1, 4.0)),
    charge=st.sampled_from(["area", "peak"]),
    seed=st.integers(0, 999),
)
def test_membranes_stay_within_the_bound_for_any_input(
    h: tuple[float, float],
    g: tuple[float, float],
    gains: tuple[float, float],
    charge: Charge,
    seed: int,
) -> None:
    """|v_h[t] - gain v_g[t + lag]| <= error * sum|h| * max|x|, at every step of the run."""
    steps = 50
    first, second = Response(*h, gains[0]), Response(*g, gains[1])
    found = compare_responses(first, second, steps, charge=charge)
    area = total(first, steps)
    assert found is not None and area is not None
    lag, rng = int(found.lag), np.random.default_rng(seed)
    length = steps + max(lag, 0)
    trains = (
        rng.integers(0, 4, length).astype(float),
        rng.normal(size=length),
        np.sign(rng.normal(size=length)),
        np.ones(length),
    )
    for x in trains:
        mine = gains[0] * simulated(*h, x)
        other = float(found.gain) * gains[1] * simulated(*g, x)
        late = np.array([other[t + lag] if t + lag >= 0 else 0.0 for t in range(steps)])
        bound = float(found.error) * float(area) * np.abs(x).max()
        assert np.abs(mine[:steps] - late).max() <= bound * (1 + 1e-9) + 1e-9


def test_of_many_lags_the_best_is_found_without_trying_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Time constants of hundreds of steps leave hundreds of lags to choose from."""
    rng = np.random.default_rng(2)
    decays = np.exp(-(10.0 ** -rng.uniform(1.5, 2.6, (12, 4))))
    decays[::3, 0] = 0.0
    h, g = Response(decays[:, 0], decays[:, 1]), Response(decays[:, 2], decays[:, 3])
    for charge in ("area", "peak"):
        found = compare_responses(h, g, 3000, charge=charge)
        with monkeypatch.context() as patch:
            patch.setattr(response, "EVERY", 10**9)
            best = compare_responses(h, g, 3000, charge=charge)
        assert found is not None and best is not None
        assert int(np.abs(best.lag).max()) > response.EVERY
        np.testing.assert_array_equal(found.lag, best.lag)
        np.testing.assert_array_equal(found.error, best.error)


def test_the_bound_is_reached_by_the_worst_input() -> None:
    """Input whose signs follow the difference drives the membranes apart by all of it."""
    h, g, steps = (0.0, 0.9), (0.0, 0.8), 40
    found = compare_responses(Response(*h), Response(*g), steps)
    area = total(Response(*h), steps)
    assert found is not None and area is not None and int(found.lag) == 0
    gap = simulated(*h, pulse(steps)) - float(found.gain) * simulated(*g, pulse(steps))
    x = np.sign(gap[::-1])
    apart = simulated(*h, x)[-1] - float(found.gain) * simulated(*g, x)[-1]
    assert apart == pytest.approx(float(found.error) * float(area))


@settings(max_examples=60, deadline=None)
@given(h=pair, g=pair, steps=st.sampled_from([None, 1, 2, 30]))
def test_the_error_is_zero_just_where_nothing_is_lost(
    h: tuple[float, float], g: tuple[float, float], steps: int | None
) -> None:
    same = response_error(Response(*h), Response(*h), steps)
    assert same is not None and same == 0.0
    swapped = response_error(Response(*h), Response(h[1], h[0]), steps)
    assert swapped is not None and swapped == 0.0  # a cascade of two leaks has no order
    error = response_error(Response(*h), Response(*g), steps)
    assert error is not None and error >= 0.0
    apart = abs(max(h) - max(g)) + abs(min(h) - min(g))
    if apart > 1e-2 and steps in (None, 30):
        assert error > 1e-6


def test_gain_and_lag_of_known_neurons() -> None:
    found = compare_responses(Response(0.0, 0.5, gain=3.0), Response(0.0, 0.5, gain=1.5), None)
    assert found is not None
    assert (float(found.error), int(found.lag), float(found.gain)) == (0.0, 0, 2.0)
    # one step of smear behind a slow membrane: half the charge is a step late
    slow = compare_responses(Response(0.0, 0.99), Response(0.5, 0.99), None)
    assert slow is not None and int(slow.lag) == 1
    assert float(slow.error) < 0.02 and float(slow.gain) == pytest.approx(0.5)
    peak = compare_responses(Response(0.0, 0.9), Response(0.0, 0.8), 50, charge="peak")
    assert peak is not None and float(peak.gain) == 1.0
    # areas 10 and 5, one above the other everywhere
    assert float(peak.error) == pytest.approx(0.5, abs=1e-2)


def test_without_a_run_length_a_neuron_that_never_forgets_has_no_error() -> None:
    integrator, leaky = Response(0.0, 1.0), Response(0.0, 0.9)
    assert response_error(integrator, leaky, None) is None
    assert response_error(leaky, Response(0.0, np.array([0.5, 1.0 - 1e-9])), None) is None
    assert total(integrator, None) is None
    area = total(Response(0.0, 1.0, gain=-2.0), 7)
    assert area is not None and area == 14.0
    errors = [response_error(integrator, leaky, steps) for steps in (1, 10, 100)]
    assert errors[0] == 0.0
    assert errors[1] is not None and errors[2] is not None and errors[1] < errors[2]


def test_no_run_length_is_the_limit_of_long_runs() -> None:
    h, g = Response(0.3, 0.9), Response(0.5, 0.85)
    open_end, long = response_error(h, g, None), response_error(h, g, 5000)
    assert open_end is not None and long is not None
    assert float(open_end) == pytest.approx(float(long), abs=1e-8)


def test_arrays_keep_their_shape_and_equal_neurons_are_compared_once() -> None:
    rng = np.random.default_rng(0)
    decays = rng.uniform(0.5, 0.99, (3, 4))
    decays[:, 1] = decays[0, 0]
    found = compare_responses(Response(0.2, decays), Response(0.0, 0.9), 200)
    assert found is not None
    assert found.error.shape == found.lag.shape == found.gain.shape == (3, 4)
    for at in ((0, 0), (1, 1), (2, 3)):
        one = compare_responses(Response(0.2, float(decays[at])), Response(0.0, 0.9), 200)
        assert one is not None
        assert (float(one.error), int(one.lag)) == (
            pytest.approx(float(found.error[at]), abs=1e-12),
            int(found.lag[at]),
        )
    many = response_error(Response(0.2, np.full((32, 32, 32), 0.9)), Response(0.0, 0.9), None)
    assert many is not None and many.shape == (32, 32, 32) and np.ptp(many) == 0.0
    none = response_error(Response(np.zeros(0), np.zeros(0)), Response(0.5, 0.5), None)
    assert none is not None and none.shape == (0,)


def test_neurons_that_no_input_moves() -> None:
    still = compare_responses(Response(0.0, 0.9, gain=0.0), Response(0.0, 0.5), 10)
    mute = compare_responses(Response(0.0, 0.9), Response(0.0, 0.5, gain=0.0), 10)
    assert still is not None and mute is not None
    assert (float(still.error), float(still.gain)) == (0.0, 0.0)
    assert float(mute.error) == 1.0


def test_impossible_decays_and_runs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"decays from 0.5 to 1.5; expected 0 to 1"):
        response_error(Response(0.5, 1.5), Response(0.5, 0.5), 10)
    with pytest.raises(ValueError, match=r"decays from nan to nan"):
        response_error(Response(0.5, float("nan")), Response(0.5, 0.5), 10)
    with pytest.raises(ValueError, match="a run of 0 steps; expected at least 1"):
        response_error(Response(0.5, 0.5), Response(0.5, 0.5), 0)
