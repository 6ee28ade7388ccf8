"""Products, Newton-Schulz, QR and roots, compiled and as plain Python, against LAPACK and SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from optbench import linear_algebra
from optbench.engine.compiler import helpers
from optbench.engine.data import matrices
from optbench.linear_algebra import CUBIC, MUON

assert helpers and matrices  # make the functions known to the compiler
EPS = np.finfo(float).eps
BOTH = ("compiled", "plain")
SIZES = st.integers(1, 40)


def jitted(function: Callable[..., object]) -> Callable[..., object]:
    """Compile a caller as kernels are compiled: nothing can be allocated."""
    return numba.njit(_nrt=False, error_model="numpy")(function)


def product(a, b, out):
    linear_algebra.multiply(a, b, out)


def transposed_left(a, b, out):
    linear_algebra.multiply(a.T, b, out)


def transposed_right(a, b, out):
    linear_algebra.multiply(a, b.T, out)


def muon(a, work):
    linear_algebra.orthogonalize(a, work)


def cubic(a, work):
    linear_algebra.orthogonalize(a, work, 60, CUBIC)


def polar(a, work):
    linear_algebra.polar(a, work)


def qr(a, q):
    linear_algebra.qr(a, q)


def inverse_root(a, p, out, vectors, eps):
    linear_algebra.inverse_root(a, p, out, vectors, eps)


def norm(a):
    return linear_algebra.frobenius_norm(a)


PLAIN = (product, transposed_left, transposed_right, muon, cubic, polar, qr, inverse_root, norm)
CALLS = {
    "plain": {f.__name__: f for f in PLAIN},
    "compiled": {f.__name__: jitted(f) for f in PLAIN},
}


def matrix(rows: int, columns: int, condition: float = 10.0, seed: int = 0) -> np.ndarray:
    """Return a matrix whose singular values are spread evenly over a condition number."""
    generator = np.random.default_rng([rows, columns, seed])
    u, _, v = np.linalg.svd(generator.standard_normal((rows, columns)), full_matrices=False)
    return np.ascontiguousarray((u * np.geomspace(1.0, 1.0 / condition, min(rows, columns))) @ v)


def exact_polar(a: np.ndarray) -> np.ndarray:
    u, _, v = np.linalg.svd(a, full_matrices=False)
    return u @ v


@pytest.mark.parametrize("how", BOTH)
@settings(deadline=None, max_examples=30)
@given(rows=SIZES, inner=SIZES, columns=SIZES)
def test_products(how: str, rows: int, inner: int, columns: int) -> None:
    generator = np.random.default_rng([rows, inner, columns])
    a, b = generator.standard_normal((rows, inner)), generator.standard_normal((inner, columns))
    # the rounding of sums of so many products, in any order, of two computations
    error = 2 * inner * EPS * (np.abs(a) @ np.abs(b))
    pairs = {
        "product": (a, b),
        "transposed_left": (np.ascontiguousarray(a.T), b),
        "transposed_right": (a, np.ascontiguousarray(b.T)),
    }
    for name, factors in pairs.items():
        out = np.full((rows, columns), np.nan)
        CALLS[how][name](*factors, out)
        assert np.all(np.abs(out - a @ b) <= error), name
    np.testing.assert_allclose(CALLS[how]["norm"](a), np.linalg.norm(a), rtol=a.size * EPS)


def test_no_number_beside_the_product_is_written() -> None:
    memory = np.full(5 * 7 + 16, 123.0)
    out = memory[8:-8].reshape(5, 7)
    CALLS["compiled"]["product"](matrix(5, 3), matrix(3, 7), out)
    assert np.all(memory[:8] == 123.0) and np.all(memory[-8:] == 123.0)


@pytest.mark.parametrize("how", BOTH)
@pytest.mark.parametrize("call", ["product", "transposed_left", "transposed_right"])
def test_shapes_that_do_not_fit_are_refused(how: str, call: str) -> None:
    for shapes in (((3, 4), (5, 2), (3, 2)), ((3, 4), (4, 2), (2, 3)), ((4, 4), (4, 4), (4, 3))):
        arrays = [np.zeros(shape) for shape in shapes]
        with pytest.raises(ValueError, match="multiply: shapes must be"):
            CALLS[how][call](*arrays)


@pytest.mark.parametrize("how", BOTH)
def test_other_shapes_that_do_not_fit_are_refused(how: str) -> None:
    square, wide = np.zeros((3, 3)), np.zeros((3, 4))
    with pytest.raises(ValueError, match="work must be"):
        CALLS[how]["muon"](wide, np.zeros((3, 11)))
    with pytest.raises(ValueError, match="work must be"):
        CALLS[how]["polar"](wide, np.zeros((2, 12)))
    with pytest.raises(ValueError, match="qr: shapes must be"):
        CALLS[how]["qr"](wide, wide.copy())
    with pytest.raises(ValueError, match=r"both matrices must be \(n, n\)"):
        CALLS[how]["inverse_root"](square, 4.0, wide, square.copy(), 0.0)


@pytest.mark.parametrize("how", BOTH)
@settings(deadline=None, max_examples=15)
@given(rows=SIZES, columns=SIZES)
def test_five_steps_of_muon_map_singular_values_by_its_polynomial(
    how: str, rows: int, columns: int
) -> None:
    a = matrix(rows, columns)
    u, values, v = np.linalg.svd(a, full_matrices=False)
    values = values / np.linalg.norm(values)
    for _ in range(5):
        values = values * (MUON[0] + MUON[1] * values**2 + MUON[2] * values**4)
    found = a.copy()
    CALLS[how]["muon"](found, np.full((3, a.size), np.nan))
    # a step makes errors of small singular values 3.4445 times as large at most
    error = MUON[0] ** 5 * 10 * min(rows, columns) * EPS
    np.testing.assert_allclose(found, (u * values) @ v, rtol=0, atol=error)
    assert np.all(values < 1.3)  # and bring them near to 1: what the coefficients are for


@pytest.mark.parametrize("how", BOTH)
@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
@settings(deadline=None, max_examples=15)
@given(rows=SIZES, columns=SIZES, condition=st.sampled_from([1.0, 1e2, 1e4, 1e6]))
def test_polar_factor(how: str, scale: float, rows: int, columns: int, condition: float) -> None:
    a = scale * matrix(rows, columns, condition)
    found = a.copy()
    CALLS[how]["polar"](found, np.full((3, a.size + 1), np.nan))
    # rounding of a changes its polar factor by 2 / (smallest singular values) times as much
    error = 20 * min(rows, columns) * EPS * condition
    np.testing.assert_allclose(found, exact_polar(a), rtol=0, atol=error)


@pytest.mark.parametrize("how", BOTH)
def test_polar_factor_of_a_singular_matrix_has_its_rank(how: str) -> None:
    a = matrix(9, 4, 3.0) @ matrix(4, 7, 3.0, 1)
    u, _, v = np.linalg.svd(a, full_matrices=False)
    found = a.copy()
    CALLS[how]["polar"](found, np.zeros((3, a.size)))
    np.testing.assert_allclose(found, u[:, :4] @ v[:4], rtol=0, atol=1e-12)
    zero = np.zeros((4, 3))
    CALLS[how]["polar"](zero, np.zeros((3, 12)))
    CALLS[how]["muon"](zero, np.zeros((3, 12)))
    assert not zero.any()


def test_the_cubic_coefficients_converge_to_the_polar_factor() -> None:
    a = matrix(12, 30, 1e3)
    found = a.copy()
    CALLS["compiled"]["cubic"](found, np.zeros((3, a.size)))
    np.testing.assert_allclose(found, exact_polar(a), rtol=0, atol=20 * 12 * EPS * 1e3)


@pytest.mark.parametrize("how", BOTH)
@settings(deadline=None, max_examples=15)
@given(columns=SIZES, more=st.integers(0, 20), condition=st.sampled_from([1.0, 1e3, 1e9]))
def test_qr(how: str, columns: int, more: int, condition: float) -> None:
    a = matrix(columns + more, columns, condition)
    triangle, q = a.copy(), np.full(a.shape, np.nan)
    CALLS[how]["qr"](triangle, q)
    r = np.triu(triangle[:columns])
    size = 10 * (columns + more) * EPS  # Householder's QR is backward stable
    np.testing.assert_allclose(q.T @ q, np.eye(columns), rtol=0, atol=size)
    np.testing.assert_allclose(q @ r, a, rtol=0, atol=size)
    expected, _ = np.linalg.qr(a)  # of the same signs
    np.testing.assert_allclose(q, expected, rtol=0, atol=2 * size * condition)


@pytest.mark.parametrize("how", BOTH)
def test_qr_of_columns_that_depend_on_each_other(how: str) -> None:
    a = np.column_stack([np.zeros(5), np.ones(5), np.ones(5), np.arange(5.0) * 1e-200])
    triangle, q = a.copy(), np.zeros(a.shape)
    CALLS[how]["qr"](triangle, q)
    np.testing.assert_allclose(q.T @ q, np.eye(4), rtol=0, atol=50 * EPS)
    np.testing.assert_allclose(q @ np.triu(triangle[:4]), a, rtol=0, atol=50 * EPS)


@pytest.mark.parametrize("how", BOTH)
@settings(deadline=None, max_examples=15)
@given(
    size=st.integers(1, 25),
    p=st.sampled_from([1.0, 2.0, 4.0]),
    condition=st.sampled_from([1.0, 1e2, 1e5]),
    eps=st.sampled_from([0.0, 1e-3]),
)
def test_inverse_roots(how: str, size: int, p: float, condition: float, eps: float) -> None:
    root = matrix(size, size, condition**0.5)
    a = root @ root.T
    a = 0.5 * (a + a.T)
    out, vectors = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    CALLS[how]["inverse_root"](a, p, out, vectors, eps)
    whole = a + eps * np.eye(size)
    expected = linalg.fractional_matrix_power(whole, -1.0 / p)
    # rounding moves the smallest eigenvalue by condition times rounding, relatively
    error = 50 * size * EPS * np.linalg.cond(whole) * np.linalg.norm(expected, 2)
    np.testing.assert_allclose(out, expected, rtol=0, atol=error)
    np.testing.assert_array_equal(out, out.T)


@pytest.mark.parametrize("how", BOTH)
def test_without_eps_the_root_is_that_of_the_pseudo_inverse(how: str) -> None:
    thin = matrix(6, 2, 4.0)
    a = thin @ thin.T
    a = 0.5 * (a + a.T)
    out = np.zeros((6, 6))
    CALLS[how]["inverse_root"](a, 2.0, out, np.zeros((6, 6)), 0.0)
    np.testing.assert_allclose(out @ out, np.linalg.pinv(a, rcond=1e-9), rtol=0, atol=1e-11)
