"""The jitted products of small matrices against NumPy, and nothing beside them touched."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from optbench.engine.data import matrices as jitted
from optbench.parametrizations.matrices import as_matrix, multiply

assert jitted  # imported for what it makes known to the compiler

SIZES = (1, 3, 4, 7, 8, 9, 16, 30)
EDGE = 8  # numbers beside the result that must stay as they are


def products(left, right, out, rows, inner, columns):
    """Write left right, left^T right and left right^T one after the other."""
    size = rows * columns
    of_left, of_right = as_matrix(left, rows, inner), as_matrix(right, inner, columns)
    multiply(of_left, of_right, as_matrix(out, rows, columns))
    transposed = as_matrix(left, inner, rows)
    multiply(transposed.T, of_right, as_matrix(out[size:], rows, columns))
    transposed = as_matrix(right, columns, inner)
    multiply(of_left, transposed.T, as_matrix(out[2 * size :], rows, columns))


COMPILED = numba.njit(error_model="numpy", fastmath={"contract"}, _nrt=False)(products)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("inner", SIZES)
def test_products_are_those_of_numpy(rows: int, inner: int) -> None:
    rng = np.random.default_rng(rows * 100 + inner)
    for columns in SIZES:
        left, right = rng.standard_normal(rows * inner), rng.standard_normal(inner * columns)
        found, expected = np.full((2, 3 * rows * columns + EDGE), 7.0)
        COMPILED(left, right, found, rows, inner, columns)
        products(left, right, expected, rows, inner, columns)
        # each of two sums of n products in some order is within n eps sum |a| |b|
        largest = np.abs(left).max() * np.abs(right).max()
        bound = 2 * inner * np.finfo(float).eps * inner * largest
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=bound)
        assert np.all(found[-EDGE:] == 7.0)


def test_a_number_that_is_not_finite_reaches_the_entries_that_contain_it() -> None:
    left, right, found = np.ones(3 * 5), np.ones(5 * 11), np.zeros(3 * 33)
    left[7] = np.nan  # row 1 of three by five
    COMPILED(left, right, found, 3, 5, 11)
    assert np.isnan(found[:33].reshape(3, 11)).any(axis=1).tolist() == [False, True, False]
