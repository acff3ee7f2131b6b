"""What holds for every network: scales, orders and signs do not matter, and errors are as stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.quantize.hand import ONLY, Sheet, integers, layer

FEW = settings(max_examples=6, deadline=None, derandomize=True, database=None)
CHIPS = ("loihi2", "spinnaker2", "speck2f", "xylo-audio3", "xylo-imu")
KIND = {"loihi2": "LIF", "spinnaker2": "LIF", "speck2f": "IF"}
OUT, IN = 5, 4
SEEDS = st.integers(0, 10**6)


def drawn(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and biases of a layer."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 0.4, (OUT, IN)), rng.normal(0.0, 0.05, OUT)


def sheet(device: str, weight: NDArray[Any], bias: NDArray[Any], **params: Any) -> Sheet:
    """The layer on the device, with decays that each has."""
    kind = KIND.get(device, "CubaLIF")
    decays = {"CubaLIF": {"tau_syn": 2.0, "tau_mem": 8.0}, "LIF": {"tau": 8.0}}.get(kind, {})
    return integers(
        layer(weight, kind, bias=bias, **decays, **params), device, reset="subtract", spikes="many"
    )


def kernel(device: str) -> tuple[str, str]:
    """Where the weights stand."""
    return ("n2", "kernel") if device.startswith("speck") else (ONLY, "weight")


def stored(device: str, found: Sheet) -> NDArray[np.float64]:
    """(out, in) integers; of both synapses."""
    name, key = kernel(device)
    total = found.array(name, key).reshape(OUT, IN).astype(np.float64)
    rows = found.quantized.projections[name].params if name in found.quantized.projections else {}
    return total + found.array(name, "weight_2") if "weight_2" in rows else total


@pytest.mark.parametrize("device", CHIPS)
@given(SEEDS, st.sampled_from((-3, -1, 2, 5)))
@FEW
def test_weights_biases_and_thresholds_times_a_power_of_two_are_the_same_integers(
    device: str, seed: int, power: int
) -> None:
    weight, bias = drawn(seed)
    by = 2.0**power
    one = sheet(device, weight, bias)
    other = sheet(device, weight * by, bias * by, v_threshold=by)
    assert list(one.quantized.arrays.values) == list(other.quantized.arrays.values)
    for ref, array in one.quantized.arrays.values.items():
        assert np.array_equal(array, other.quantized.arrays.values[ref]), ref
    assert one.quantized.arrays.rows == other.quantized.arrays.rows


@pytest.mark.parametrize("device", CHIPS)
@given(SEEDS, st.permutations(range(OUT)))
@FEW
def test_the_order_of_neurons_does_not_matter(device: str, seed: int, order: list[int]) -> None:
    weight, bias = drawn(seed)
    one, other = sheet(device, weight, bias), sheet(device, weight[order], bias[order])
    assert np.array_equal(stored(device, one)[order], stored(device, other))
    for key, what in one.quantized.populations["n2"].params.items():
        if isinstance(what, str) and key not in ("kernel", "hidden_ids", "output_ids"):
            assert np.array_equal(one.array("n2", key)[order], other.array("n2", key)), key


@pytest.mark.parametrize("device", CHIPS)
@given(SEEDS)
@FEW
def test_weights_of_the_other_sign_are_integers_of_the_other_sign(device: str, seed: int) -> None:
    """Halves round to even on both sides; only a clipped weight may be -128."""
    weight, bias = drawn(seed)
    one, other = sheet(device, weight, bias), sheet(device, -weight, -bias)
    most = {"loihi2": 254, "xylo-audio3": 254}.get(device, 127)
    a, b = (np.clip(stored(device, found), -most, most) for found in (one, other))
    assert np.array_equal(a, -b)
    assert one.scale("n2") == other.scale("n2")


def meant(device: str, found: Sheet) -> NDArray[np.float64]:
    """What one unit of a weight is in thresholds, for each neuron, by the chip's arithmetic."""
    if device == "loihi2":  # w 2^(e + 6) of S; a LIF of tau 8 loses 512 / 4096, exactly
        return np.full(OUT, 2.0 ** (found.of(ONLY, "exponent") + 6) / found.scale("n2"))
    if device.startswith("xylo"):  # the current halves before it is used
        shift = found.quantized.pools["weight_shift_in"]
        return 2.0**shift / 2.0 / np.array(found.scale("n2"))
    return np.full(OUT, 1.0 / found.scale("n2"))


@pytest.mark.parametrize("device", CHIPS)
@given(SEEDS)
@FEW
def test_the_stated_error_is_that_of_the_integers(device: str, seed: int) -> None:
    weight, bias = drawn(seed)
    found = sheet(device, weight, bias)
    off = stored(device, found) * meant(device, found)[:, None] - weight
    told = found.error(*kernel(device))
    assert told["max"] == pytest.approx(np.abs(off).max(), rel=2e-5, abs=1e-12)
    assert told["rms"] == pytest.approx(np.sqrt(np.mean(off**2)), rel=2e-5, abs=1e-12)
