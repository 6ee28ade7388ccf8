"""Least squares against numpy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse

from optbench.references import hessian_eigenvalues, least_squares, nearest_minimizer


def data(n, d, seed=0):
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def test_overdetermined():
    X, y = data(40, 5)
    w, squares, *_ = np.linalg.lstsq(X, y)
    reference = least_squares(X, y)
    assert reference.certified and reference.unique
    assert reference.value == pytest.approx(squares[0] / 80, rel=1e-13)
    np.testing.assert_allclose(reference.solution, w, rtol=1e-10)


def test_interpolation_has_loss_exactly_zero():
    X, y = data(5, 40)
    reference = least_squares(X, y)
    assert reference.value == 0.0 and reference.bound == 0.0 and not reference.unique
    np.testing.assert_allclose(reference.solution, np.linalg.pinv(X) @ y, rtol=1e-10)


def test_rank_deficient():
    X, y = data(40, 5)
    X[:, 4] = X[:, 0] - X[:, 1]
    reference = least_squares(X, y)
    assert reference.certified and not reference.unique
    assert reference.value == pytest.approx(np.sum((X @ np.linalg.pinv(X) @ y - y) ** 2) / 80)


def test_nearest_minimizer_is_the_limit_of_gradient_descent():
    X, y = data(5, 12)
    w = start = np.arange(12.0)
    for _ in range(4000):  # contraction at most 1 - 1/cond^2, about 0.96
        w = w - X.T @ (X @ w - y) / np.linalg.norm(X, 2) ** 2
    np.testing.assert_allclose(nearest_minimizer(X, y, start), w, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("n", "d"), [(40, 5), (5, 40)])
def test_hessian_eigenvalues(n, d):
    X, _ = data(n, d)
    values = np.linalg.eigvalsh(X.T @ X / n)
    positive = values[values > 1e-10]
    for matrix in (X, sparse.csr_matrix(X)):
        found = hessian_eigenvalues(matrix)
        assert found.largest == pytest.approx(values[-1], rel=1e-12)
        assert found.smallest_positive == pytest.approx(positive[0], rel=1e-10)


def test_large_sparse_hessian():
    X = sparse.diags_array(np.linspace(1, 3, 4500)).tocsr()
    found = hessian_eigenvalues(X)
    assert found.largest == pytest.approx(9 / 4500, rel=1e-6)
    assert np.isnan(found.smallest_positive)
