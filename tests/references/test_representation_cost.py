"""Penalised least squares: certified, against scikit-learn and a scalar equation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.linear_model import Lasso

from optbench import UserError
from optbench.references.representation_cost import (
    circular_cost,
    diagonal_cost,
    fully_connected_cost,
    group_cost,
    k_support_cost,
    k_support_norm,
    penalized_least_squares,
)

COSTS = {
    "fully connected": fully_connected_cost(10),
    "diagonal": diagonal_cost(10),
    "groups of two": group_cost([2] * 5),
    "groups": group_cost([1, 4, 2, 3]),
    "1-support": k_support_cost(1),
    "2-support": k_support_cost(2),
    "7-support": k_support_cost(7),
    "circular": circular_cost(),
}


def data(rows: int = 5):
    generator = np.random.Generator(np.random.PCG64(6))
    return generator.standard_normal((rows, 10)), generator.standard_normal(rows)


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize(("rows", "decay"), [(5, 0.1), (5, 1e-3), (30, 1.0)])
def test_the_duality_gap_closes(name: str, rows: int, decay: float) -> None:
    X, y = data(rows)
    found = penalized_least_squares(X, y, decay, COSTS[name])
    assert found.certified
    # the certificate, taken apart: a dual point inside its ball, and both values
    assert COSTS[name].dual_norm(X.T @ found.dual) <= decay * (1.0 + 1e-12)
    assert found.bound == pytest.approx(y @ found.dual - 0.5 * found.dual @ found.dual, rel=1e-12)
    residual = X @ found.solution - y
    value = 0.5 * residual @ residual + decay * COSTS[name].norm(found.solution)
    assert found.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("name", COSTS)
def test_a_norm_and_its_dual(name: str) -> None:
    """z.w <= N(w) N*(z), without which a bound would prove nothing."""
    rng, cost = np.random.default_rng(0), COSTS[name]
    for _ in range(200):
        w = rng.standard_normal(10) * rng.integers(0, 2, 10)
        z = rng.standard_normal(10)
        assert z @ w <= cost.norm(w) * cost.dual_norm(z) * (1.0 + 1e-12)
        assert cost.norm(-3.0 * w) == pytest.approx(3.0 * cost.norm(w), rel=1e-12)


def test_the_lasso() -> None:
    X, y = data()
    lasso = Lasso(alpha=0.1 / 5, fit_intercept=False, tol=1e-14, max_iter=1_000_000).fit(X, y)
    for cost in (COSTS["diagonal"], COSTS["1-support"]):
        found = penalized_least_squares(X, y, 0.1, cost).solution
        np.testing.assert_allclose(found, lasso.coef_, atol=1e-8)


def test_the_l2_norm() -> None:
    """w = X^T (X X^T + m I)^-1 y with m ||w|| = decay."""
    X, y = data()

    def ridge(m):
        return X.T @ np.linalg.solve(X @ X.T + m * np.eye(5), y)

    m = brentq(lambda m: m * np.linalg.norm(ridge(m)) - 0.1, 1e-6, 1e3, xtol=1e-15, rtol=1e-15)
    for cost in (COSTS["fully connected"], k_support_cost(10)):
        found = penalized_least_squares(X, y, 0.1, cost).solution
        # a gap of 1e-11 leaves w uncertain by its root
        np.testing.assert_allclose(found, ridge(m), atol=1e-6)


def test_a_heavy_decay_leaves_nothing() -> None:
    X, y = data()
    for cost in COSTS.values():
        heavy = 1.01 * cost.dual_norm(X.T @ y)
        found = penalized_least_squares(X, y, heavy, cost)
        assert np.abs(found.solution).max() < 1e-6
        light = penalized_least_squares(X, y, heavy / 1.1, cost)
        assert np.abs(light.solution).max() > 1e-3


def test_the_k_support_norm_at_its_ends_and_of_sparse_vectors() -> None:
    w = np.array([3.0, -1.0, 0.0, 2.0, -0.5])
    assert k_support_norm(w, 1) == pytest.approx(6.5, rel=1e-15)
    assert k_support_norm(w, 5) == pytest.approx(np.linalg.norm(w), rel=1e-15)
    sparse = np.array([0.0, 3.0, 0.0, -4.0, 0.0])
    for k in (2, 3, 4):  # on k-sparse vectors it is the length
        assert k_support_norm(sparse, k) == pytest.approx(5.0, rel=1e-15)
    assert k_support_norm(np.ones(6), 3) == pytest.approx(6 / np.sqrt(3), rel=1e-15)
    assert k_support_norm(np.zeros(4), 2) == 0.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X, y: penalized_least_squares(X, y, 0.0, circular_cost()), "decay = 0 must be"),
        (lambda X, y: penalized_least_squares(X, y, 1.0, group_cost([3] * 3)), "do not make up"),
        (lambda X, y: penalized_least_squares(X, y[1:], 1.0, circular_cost()), "targets has shape"),
        (lambda X, y: k_support_norm(y, 6), "k = 6 is not the size of a support"),
        (lambda X, y: penalized_least_squares(X, y, 1.0, k_support_cost(11)), "k = 11 is not"),
    ],
)
def test_wrong_input_is_one_line(call, words: str) -> None:
    with pytest.raises(UserError, match=words):
        call(*data())
