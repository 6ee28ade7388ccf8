"""Logistic minimisers against scikit-learn and gradient descent."""

from __future__ import annotations

import numpy as np
import pytest
from reference_data import load_signed
from sklearn.linear_model import LogisticRegression

from optbench.errors import UserError
from optbench.references import (
    finite_minimizer,
    logistic_decomposition,
    max_margin,
    smoothness_logistic,
)


def partially_separable(seed=4):
    """P5: 8 rows in span(e1, e2) that cannot be separated, 5 separable through (e3, e4)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    plane = rng.standard_normal((4, 2))
    stuck = np.hstack([np.vstack([plane, -plane * rng.uniform(0.5, 2, (4, 1))]), np.zeros((8, 2))])
    free = np.hstack([rng.standard_normal((5, 2)), 1 + rng.uniform(size=(5, 2))])
    return np.vstack([stuck, free])


def test_finite_minimizer_against_sklearn():
    Z = load_signed("sk:iris_1v2|std1")
    y = np.where(np.arange(len(Z)) < 50, 1.0, -1.0)
    # C = 1e10 adds a penalty below 1e-10 of the risk; newton-cholesky stops at a gradient 1e-12.
    model = LogisticRegression(
        C=1e10, fit_intercept=False, solver="newton-cholesky", tol=1e-12, max_iter=1000
    ).fit(y[:, None] * Z, y)
    reference = finite_minimizer(Z)
    np.testing.assert_allclose(reference.solution, model.coef_[0], rtol=1e-5)
    risk = np.logaddexp(0, -Z @ model.coef_[0]).mean()
    assert reference.value == pytest.approx(risk, rel=1e-9)


@pytest.mark.parametrize("key", ["sk:breast_cancer|std", "sk:iris_1v2|raw", "sk:wine_2vrest|std"])
def test_finite_minimizer_is_certified(key):
    Z = load_signed(key)
    reference = finite_minimizer(Z)
    assert reference.gap <= 1e-10 and reference.residual <= 1e-10
    q = reference.dual
    assert q.min() >= 0 and q.max() <= 1
    assert (np.abs(Z.T @ q) <= 1e-12 * (np.abs(Z).T @ q)).all()


def test_separable_data_have_no_minimiser():
    with pytest.raises(UserError, match="no finite minimiser"):
        finite_minimizer(load_signed("sk:iris_0v1|std"))


def test_decomposition():
    Z = partially_separable()
    split = logistic_decomposition(Z)
    np.testing.assert_array_equal(split.separable_rows, np.arange(13) >= 8)
    assert split.direction.certified and split.offset.certified
    # In the complement, span(e3, e4), the problem is an ordinary max margin.
    expected = max_margin(Z[8:, 2:], 2)
    assert split.direction.value == pytest.approx(expected.value, rel=1e-12)
    np.testing.assert_allclose(split.direction.solution[2:], expected.solution, rtol=1e-9)
    np.testing.assert_allclose(split.direction.solution[:2], 0, atol=1e-12)
    alone = finite_minimizer(Z[:8, :2])
    np.testing.assert_allclose(split.offset.solution[:2], alone.solution, rtol=1e-9)
    assert split.offset.value == pytest.approx(alone.value * 8 / 13, rel=1e-12)


def test_gradient_descent_follows_the_decomposition():
    Z = partially_separable()
    split = logistic_decomposition(Z)
    # Far along the direction the risk is its infimum plus exp(-margin): 30 leaves 1e-13.
    w = split.offset.solution + split.direction.solution * 60 / split.direction.value
    assert np.logaddexp(0, -Z @ w).mean() == pytest.approx(split.offset.value, rel=1e-10)
    w = np.zeros(4)
    for _ in range(20000):
        w += Z.T @ (1 / (1 + np.exp(Z @ w))) / len(Z)
    # Ji and Telgarsky: the part in the span approaches the offset like log t / sqrt t at worst.
    assert np.linalg.norm(w[:2] - split.offset.solution[:2]) <= 2e-2
    assert np.logaddexp(0, -Z @ w).mean() >= split.offset.value


def test_decomposition_of_pure_data():
    separable = logistic_decomposition(load_signed("sk:iris_0v1|std"))
    assert separable.offset is None and separable.separable_rows.all()
    stuck = logistic_decomposition(load_signed("sk:iris_1v2|std"))
    assert stuck.direction is None and not stuck.separable_rows.any()


def test_smoothness_bounds_the_hessian():
    Z = load_signed("sk:iris_1v2|std")
    # The Hessian at 0 is Z^T Z / (4 n), the largest anywhere.
    assert smoothness_logistic(Z) == pytest.approx(np.linalg.norm(Z, 2) ** 2 / 400, rel=1e-12)
