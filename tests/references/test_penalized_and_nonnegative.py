"""The lasso against coordinate descent, NNLS against its optimality conditions, Sinkhorn's plan."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, lsq_linear
from sklearn.linear_model import Lasso

from optbench.errors import UserError
from optbench.references import entropic_program
from optbench.references.lasso import lasso, lasso_path
from optbench.references.nonnegative_least_squares import nonnegative_least_squares
from optbench.references.transport import entropic_transport

PENALTIES = (8.0, 2.0, 0.5, 0.05)


@pytest.mark.parametrize(("n", "d"), [(20, 6), (10, 30)])
def test_lasso_is_what_coordinate_descent_finds(n, d):
    generator = np.random.default_rng(0)
    X = generator.standard_normal((n, d))
    y = X[:, :3].sum(axis=1) + 0.1 * generator.standard_normal(n)
    for reference, penalty in zip(lasso_path(X, y, PENALTIES), PENALTIES, strict=True):
        model = Lasso(penalty / n, fit_intercept=False, tol=1e-12, max_iter=1_000_000).fit(X, y)
        np.testing.assert_allclose(reference.solution, model.coef_, atol=1e-6)
        assert reference.gap <= 1e-12 and reference.unique
        assert np.abs(X.T @ reference.dual).max() <= penalty * (1 + 1e-12)


def test_lasso_on_orthonormal_columns_soft_thresholds():
    generator = np.random.default_rng(1)
    X = np.linalg.qr(generator.standard_normal((9, 4)))[0]
    y = 3.0 * generator.standard_normal(9)
    z = X.T @ y
    expected = np.sign(z) * np.maximum(np.abs(z) - 0.7, 0.0)
    np.testing.assert_allclose(lasso(X, y, 0.7).solution, expected, atol=1e-13)
    assert not lasso(X, y, 1.001 * np.abs(z).max()).solution.any()


def test_lasso_order_of_penalties_does_not_matter():
    generator = np.random.default_rng(2)
    X, y = generator.standard_normal((8, 5)), generator.standard_normal(8)
    up, down = lasso_path(X, y, [0.1, 1.0]), lasso_path(X, y, [1.0, 0.1])
    for one, other in zip(up, down[::-1], strict=True):
        np.testing.assert_array_equal(one.solution, other.solution)


def test_nonnegative_least_squares_is_what_a_bounded_solver_finds():
    generator = np.random.default_rng(3)
    A, b = generator.standard_normal((30, 10)), generator.standard_normal(30)
    reference = nonnegative_least_squares(A, b)
    found = lsq_linear(A, b, (0.0, np.inf), method="bvls", tol=1e-14)
    np.testing.assert_allclose(reference.solution, found.x, atol=1e-10)
    assert reference.certified and reference.unique
    assert (reference.solution == 0.0).sum() > 2  # the constraint matters here
    slopes = A.T @ (b - A @ reference.solution)
    assert slopes.max() <= 1e-12 and abs(slopes @ reference.solution) <= 1e-12


def test_nonnegative_least_squares_that_fits():
    generator = np.random.default_rng(4)
    A = generator.standard_normal((6, 15))
    reference = nonnegative_least_squares(A, A @ np.abs(generator.standard_normal(15)))
    assert reference.certified and reference.value <= 1e-25 and reference.unique is None


def plan(size: int = 6, seed: int = 0):
    generator = np.random.default_rng(seed)
    sources, sinks = generator.random((size, 2)), generator.random((size, 2))
    return ((sources[:, None] - sinks[None]) ** 2).sum(axis=2)


@pytest.mark.parametrize("strength", [1.0, 0.1])
def test_sinkhorn_is_the_entropic_linear_program(strength):
    """The same problem by damped Newton on the dual, which knows nothing of transport."""
    cost, mass = plan(), np.full(6, 1.0 / 6.0)
    reference = entropic_transport(cost, mass, mass, strength)
    rows, columns = np.kron(np.eye(6), np.ones(6)), np.kron(np.ones(6), np.eye(6))
    other = entropic_program(np.vstack([rows, columns]), np.full(12, 1 / 6), cost.ravel(), strength)
    assert reference.certified and other.certified
    np.testing.assert_allclose(reference.solution, other.solution, atol=1e-10)
    assert reference.value == pytest.approx(other.value, rel=1e-10)


def test_large_and_small_strengths_of_transport():
    """Much entropy: the product of the masses.  Little: the assignment of least cost."""
    rows, columns = np.array([0.2, 0.3, 0.5]), np.array([0.25, 0.25, 0.25, 0.25])
    cost = np.random.default_rng(1).random((3, 4))
    found = entropic_transport(cost, rows, columns, 1e6).solution.reshape(3, 4)
    np.testing.assert_allclose(found, np.outer(rows, columns), atol=1e-6)
    cost, mass = plan(4, seed=1), np.full(4, 0.25)
    best = linear_sum_assignment(cost)
    found = entropic_transport(cost, mass, mass, 0.03).solution.reshape(4, 4)
    # the entropy of a plan of total mass 1 on 16 entries is between 0 and log 16
    assert 0.0 <= (cost * found).sum() - 0.25 * cost[best].sum() <= 0.03 * np.log(16.0)


def test_costs_of_any_size_do_not_overflow():
    cost, mass = 1e6 * plan(), np.full(6, 1.0 / 6.0)
    assert entropic_transport(cost, mass, mass, 1e5).certified


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lasso(np.eye(2), np.ones(2), 0.0), "penalty = 0.0 must be positive"),
        (lambda: lasso(np.eye(2), np.ones(3), 1.0), "y has shape"),
        (lambda: nonnegative_least_squares(np.eye(2), [1.0, np.nan]), "b holds NaN"),
        (lambda: entropic_transport(np.eye(2), [1, 1], [1, 1], -1.0), "strength = -1.0"),
        (lambda: entropic_transport(np.eye(2), [1, 0], [1, 1], 1.0), "must be positive"),
        (lambda: entropic_transport(np.eye(2), [1, 1], [1, 2], 1.0), "sums to 2 but column_mass"),
    ],
)
def test_wrong_input_is_one_line(call, words):
    with pytest.raises(UserError, match=words) as error:
        call()
    assert "\n" not in str(error.value)
