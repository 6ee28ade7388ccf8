"""Vectors as wide as registers, in optbench's own kernels only; named tuples by address."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba import types
from small_instances import bits, one_chunk, separable

from optbench.engine.compiler.calls import entry_point
from optbench.engine.compiler.pointers import PointerTo
from optbench.engine.compiler.wide import ATTRIBUTE, HAS_MASKS, MaskedVectors, WideVectors
from optbench.engine.data.panels import add_lanes, clear_rows

MANY = types.void(types.float64[::1], types.float64[::1])


def add(x, out):
    for i in range(x.size):
        out[i] += x[i]


def attributes(dispatcher) -> str:
    (result,) = dispatcher.overloads.values()
    return str(result.library.get_llvm_str())


def test_only_functions_that_ask_for_it_get_wide_vectors() -> None:
    assert ATTRIBUTE in attributes(numba.njit(MANY, pipeline_class=WideVectors)(add))
    assert ATTRIBUTE not in attributes(numba.njit(MANY)(add))


def test_what_is_left_over_is_a_masked_vector() -> None:
    masked = numba.njit(MANY, pipeline_class=MaskedVectors)(add)
    assert "masked.store" not in attributes(numba.njit(MANY, pipeline_class=WideVectors)(add))
    if HAS_MASKS:
        assert "masked.store" in attributes(masked)
    for size in range(40):
        x, out = np.arange(48.0), np.full(48, 0.5)
        masked(x[:size], out[:size])
        assert np.array_equal(out, np.where(np.arange(48) < size, x, 0.0) + 0.5)


class Pair(NamedTuple):
    """Two fields of different types."""

    values: np.ndarray
    factor: float


def test_a_named_tuple_by_address_reads_like_the_tuple() -> None:
    kind = PointerTo(types.NamedTuple([types.float64[:, ::1], types.float64], Pair))

    @numba.njit(types.float64(kind, types.int64))
    def scaled(pair, row):
        pair.values[row, 0] = 7.0
        return pair.factor * pair.values[row].sum() + pair.values.shape[0]

    pair = Pair(np.arange(6.0).reshape(3, 2), 10.0)
    assert entry_point(scaled)(pair, 2) == 10.0 * (7.0 + 5.0) + 3
    assert pair.values[2, 0] == 7.0


def test_lanes_are_added_in_one_order_by_shuffles_and_by_numpy() -> None:
    @numba.njit
    def jitted(sums, out):
        add_lanes(sums, 1, 8, 0.3, out, 0, 0)
        add_lanes(sums, 1, 8, 0.3, out, 1, 8)  # three numbers are left in the row

    sums = np.random.default_rng(0).standard_normal((2, 16, 8))
    added, plain = np.zeros((3, 11)), np.zeros((3, 11))
    jitted(sums, added)
    add_lanes(sums, 1, 8, 0.3, plain, 0, 0)
    add_lanes(sums, 1, 8, 0.3, plain, 1, 8)
    assert np.array_equal(added, plain)
    exact = 0.3 * sums[1, 8:].sum(axis=1)
    np.testing.assert_allclose(added[0, :8], exact, rtol=0, atol=4e-15)  # 8 roundings of sums < 5
    np.testing.assert_array_equal(added[1, 8:], added[0, :3])
    assert not added[0, 8:].any() and not added[1, :8].any() and not added[2].any()


@pytest.mark.parametrize("rows", [0, 1, 7, 8, 9, 15, 16])
def test_rows_that_are_padding_have_no_slope(rows: int) -> None:
    @numba.njit
    def jitted(slopes, rows):
        clear_rows(slopes, 16, rows)

    cleared, plain = np.full(48, np.nan), np.full(48, np.nan)
    jitted(cleared, rows)
    clear_rows(plain, 16, rows)
    kept = np.isnan(cleared)
    assert np.array_equal(kept, np.isnan(plain))
    assert kept[: 16 + rows].all() and kept[32:].all() and not cleared[16 + rows : 32].any()


def test_bits_do_not_depend_on_neighbours_in_other_units() -> None:
    """Normalised steps reach losses below 2^-400 at different times; four runs go together."""
    rates = [0.01, 3.0, 10.0, 30.0, 1.0]
    fixed = {"decay": 0.0}
    batch = one_chunk(separable(), "normalized_gradient_descent", rates, **fixed)
    batch.advance(300)
    assert len(set(batch.runs.exponents[:4])) > 1
    for row, rate in enumerate(rates):
        alone = one_chunk(separable(), "normalized_gradient_descent", [rate], **fixed)
        alone.advance(300)
        assert bits(alone) == bits(batch, row)
