"""Least norm interpolants against closed forms, scipy, and each other."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog, minimize

from optbench.errors import UserError
from optbench.references import (
    hypentropy,
    hypentropy_potential,
    least_bregman,
    least_norm,
    vector_norm,
)


def system(seed=0, n=6, d=15):
    rng = np.random.Generator(np.random.PCG64(seed))
    X = rng.standard_normal((n, d))
    return X, X[:, 0] - 2 * X[:, 1] + 0.1 * rng.standard_normal(n)


def test_l2_is_the_pseudo_inverse():
    X, y = system()
    np.testing.assert_allclose(least_norm(X, y, 2).solution, np.linalg.pinv(X) @ y, rtol=1e-10)


def test_l1_and_linf_against_linprog():
    X, y = system()
    l1 = linprog(np.ones(30), A_eq=np.hstack([X, -X]), b_eq=y).fun
    assert least_norm(X, y, 1).value == pytest.approx(l1, rel=1e-9)
    # Linf in the other formulation: least s with -s <= w <= s.
    box = np.block([[np.eye(15), -np.ones((15, 1))], [-np.eye(15), -np.ones((15, 1))]])
    linf = linprog(
        np.append(np.zeros(15), 1.0),
        A_ub=box,
        b_ub=np.zeros(30),
        A_eq=np.hstack([X, np.zeros((6, 1))]),
        b_eq=y,
        bounds=(None, None),
    ).fun
    assert least_norm(X, y, np.inf).value == pytest.approx(linf, rel=1e-9)


@pytest.mark.parametrize("p", [1.1, 1.5, 3.0, 10.0])
def test_smooth_norms_against_scipy(p):
    X, y = system()
    null = np.linalg.svd(X)[2][6:].T
    start = np.linalg.pinv(X) @ y
    found = minimize(
        lambda t: vector_norm(start + null @ t, p), np.zeros(9), method="BFGS", tol=1e-9
    )
    reference = least_norm(X, y, p)
    assert reference.gap <= 1e-12
    # BFGS with finite differences ends within about 1e-7 of the minimum, never below it.
    assert found.fun == pytest.approx(reference.value, rel=1e-6)
    assert found.fun >= reference.value * (1 - 1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.0, 1.2, 1.7, 2.0, 3.0, 8.0, np.inf]))
def test_weak_duality(seed, p):
    X, y = system(seed)
    reference = least_norm(X, y, p)
    assert reference.certified
    assert reference.bound <= reference.value * (1 + 1e-12)
    null = np.linalg.svd(X)[2][6:]
    for t in np.random.Generator(np.random.PCG64(seed)).standard_normal((10, 9)):
        assert vector_norm(reference.solution + t @ null, p) >= reference.bound * (1 - 1e-12)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, np.inf])
def test_dependent_rows_and_sparse_data(p):
    X, y = system()
    full = least_norm(X, y, p)
    double = sparse.csr_matrix(np.vstack([X, X[0] + X[1]]))
    same = least_norm(double, np.append(y, y[0] + y[1]), p)
    assert same.certified
    assert same.value == pytest.approx(full.value, rel=1e-10)


def test_uniqueness():
    assert least_norm(np.array([[1.0, 1.0]]), [1.0], 1).unique is False
    assert least_norm(np.array([[2.0, 1.0]]), [1.0], 1).unique is True
    assert least_norm(np.array([[1.0, 0.0]]), [1.0], np.inf).unique is False
    assert least_norm(np.array([[2.0, 1.0]]), [1.0], np.inf).unique is True


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, np.inf])
def test_zero_target(p):
    reference = least_norm(system()[0], np.zeros(6), p)
    assert reference.value == reference.bound == 0.0
    assert reference.certified


def test_inconsistent_system():
    with pytest.raises(UserError, match="no solution"):
        least_norm(np.ones((2, 3)), [1.0, 2.0], 2)


def test_bregman_is_the_closed_form():
    X, y = system()
    root = np.random.Generator(np.random.PCG64(5)).standard_normal((15, 15))
    P = root @ root.T
    expected = P @ X.T @ np.linalg.solve(X @ P @ X.T, y)
    np.testing.assert_allclose(least_bregman(X, y, P).solution, expected, rtol=1e-8, atol=1e-10)
    singular = np.diag([1.0] * 8 + [0.0] * 7)
    np.testing.assert_allclose(
        least_bregman(X, y, singular).solution[:8], np.linalg.pinv(X[:, :8]) @ y, rtol=1e-8
    )
    with pytest.raises(UserError, match="no solution"):
        least_bregman(X, y, np.diag([1.0] * 2 + [0.0] * 13))


@pytest.mark.parametrize("scale", [1e4, 1.0, 1e-2, 1e-4, 1e-8, 1e-12])
def test_hypentropy_is_certified_and_stationary(scale):
    X, y = system()
    reference = hypentropy(X, y, scale)
    assert reference.certified
    # Stationarity: grad Q(w) = arcsinh(w / 2 scale) lies in the row space of X.
    gradient = np.arcsinh(reference.solution / (2 * scale))
    off = gradient - np.linalg.pinv(X) @ (X @ gradient)
    assert np.abs(off).max() <= 1e-9 * np.abs(gradient).max()


def test_hypentropy_of_large_scale_is_l2():
    X, y = system()
    # For a large scale Q = |w|^2 / (4 scale) (1 + O(w^2 / scale^2)).
    np.testing.assert_allclose(
        hypentropy(X, y, 1e5).solution, least_norm(X, y, 2).solution, rtol=1e-7
    )


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.7])
def test_hypentropy_approaches_l1_at_the_rate_of_the_null_space_constant(ratio):
    # One equation w_1 + ratio w_2 = 1: the L1 solution is (1, 0), its multiplier nu = 1 and the
    # null-space constant rho = ratio. Matt and Stoeger 2025, arXiv:2506.01143: the distance is of
    # order scale^(1 - rho), up to a relative scale^(1 - rho) <= 1e-3 here.
    X = np.array([[1.0, ratio]])
    scales = [1e-10, 1e-12]
    distance = [np.abs(hypentropy(X, [1.0], s).solution - [1.0, 0.0]).sum() for s in scales]
    assert np.log10(distance[0] / distance[1]) / 2 == pytest.approx(1 - ratio, abs=2e-3)


@pytest.mark.parametrize("scale", [1e3, 1.0, 1e-3, 1e-6, 1e-12])
def test_hypentropy_of_one_equation_is_a_scalar_root(scale):
    x, y = np.array([1.0, -0.8, 0.3]), 2.0
    nu = brentq(lambda nu: 2 * scale * x @ np.sinh(nu * x) - y, 0, 60, xtol=1e-15, rtol=1e-15)
    found = hypentropy(x[None], [y], scale)
    np.testing.assert_allclose(found.solution, 2 * scale * np.sinh(nu * x), rtol=1e-11)


def test_hypentropy_potential_formula():
    w, scale = np.array([0.3, -2.0, 0.0]), 0.1
    z = w / scale
    expected = scale * (2 - np.sqrt(4 + z**2) + z * np.arcsinh(z / 2)).sum()
    assert hypentropy_potential(w, scale) == pytest.approx(expected, rel=1e-13)


def test_hypentropy_refuses_a_negative_scale():
    with pytest.raises(UserError, match="must be positive"):
        hypentropy(*system(), -1.0)
