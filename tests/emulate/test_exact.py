"""Products by floating-point hardware are the integers that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapper.emulate.exact import Sparse, correlation, float_for, only, product
from nir_io.errors import BadInput


def slow(x: Any, weight: Any) -> Any:
    return x.astype(object) @ weight.astype(object).T


@given(st.integers(0, 10**6), st.sampled_from([1, 31, 2**13, 2**30]))
def test_a_product_is_exact_up_to_its_peak(seed: int, peak: int) -> None:
    draw = np.random.default_rng(seed)
    weight = draw.integers(-256, 256, (int(draw.integers(1, 9)), int(draw.integers(1, 60))))
    x = draw.integers(-peak, peak + 1, (5, weight.shape[1]))
    assert (product(weight, peak)(x) == slow(x, weight)).all()


def test_the_narrow_type_is_used_up_to_its_limit_and_not_beyond() -> None:
    assert float_for(2**24 - 1) is np.float32
    assert float_for(2**24) is np.float64
    with pytest.raises(BadInput, match=r"exact arithmetic ends at 2\^53"):
        product(np.full((1, 2**10), 2**22), 2**22)


@given(st.integers(0, 10**6))
def test_a_scattered_product_is_the_dense_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(1, 9)), int(draw.integers(1, 12)))
    full = draw.integers(-256, 256, shape) * (draw.random(shape) < 0.4)
    rows, columns = np.nonzero(full)
    sparse = Sparse(rows, columns, full[rows, columns], shape)
    assert np.array_equal(sparse.dense(), full)
    x = draw.integers(-9, 10, (7, shape[1])) * (draw.random((7, shape[1])) < 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mapper.emulate.exact.DENSE", 0)
        patch.setattr("mapper.emulate.exact.CELLS", int(draw.integers(1, 40)))
        assert np.array_equal(product(sparse, 10)(x), x @ full.T)
    big = only(sparse, sparse.weight > 0)
    assert isinstance(big, Sparse)
    assert np.array_equal(big.dense(), np.maximum(full, 0))


@given(st.integers(0, 10**6))
def test_a_correlation_is_a_sum_over_taps(seed: int) -> None:
    draw = np.random.default_rng(seed)
    shape = (*(int(n) for n in draw.integers(3, 7, 2)), int(draw.integers(1, 3)))
    kernel = draw.integers(-128, 128, (*draw.integers(1, 4, 2), shape[2], 2))
    stride = (int(draw.integers(1, 4)), int(draw.integers(1, 4)))
    pads = draw.integers(0, 3, (2, 2))
    padding = ((int(pads[0, 0]), int(pads[0, 1])), (int(pads[1, 0]), int(pads[1, 1])))
    apply, out = correlation(kernel, shape, stride, padding, 5)
    x = draw.integers(-5, 6, (3, *shape)) * (draw.random((3, 1, 1, 1)) < 0.7)
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    expected = np.zeros((3, *out), int)
    for y, x_, f in np.ndindex(*out):
        top, left = y * stride[0], x_ * stride[1]
        seen = padded[:, top : top + kernel.shape[0], left : left + kernel.shape[1]]
        expected[:, y, x_, f] = (seen * kernel[..., f]).sum(axis=(1, 2, 3))
    assert np.array_equal(apply(x.reshape(3, -1)), expected.reshape(3, -1))


def test_a_matrix_by_entries_says_what_is_wrong_with_it() -> None:
    one = np.ones(1, int)
    with pytest.raises(BadInput, match=r"a target lies outside 0\.\.1"):
        Sparse(2 * one, 0 * one, one, (2, 2))
    with pytest.raises(BadInput, match="occurs twice"):
        Sparse(np.zeros(2, int), np.zeros(2, int), np.ones(2, int), (2, 2))
    with pytest.raises(BadInput, match="1 targets, 2 sources"):
        Sparse(one, np.zeros(2, int), one, (2, 2))
    with pytest.raises(BadInput, match="kernel of 3 x 1 with 1 input channels does not fit"):
        correlation(np.ones((3, 1, 1, 1), int), (2, 2, 1), (1, 1), ((0, 0), (0, 0)), 1)
