"""Reduced-rank regression against Eckart and Young, least squares, and SciPy's minimiser."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression

from optbench.errors import UserError
from optbench.references.reduced_rank import reduced_rank


def data(n: int = 15, d: int = 4, k: int = 3):
    generator = np.random.default_rng(0)
    return generator.standard_normal((n, d)), generator.standard_normal((n, k))


@pytest.mark.parametrize("rank", [1, 2])
def test_no_factorization_of_that_rank_is_better(rank):
    """min over A (k, r), B (r, d) of 1/2 ||X (A B)^T - Y||^2 by BFGS from several starts."""
    X, Y = data()
    reference = reduced_rank(X, Y, rank)
    size = 3 * rank

    def loss(factors):
        A, B = factors[:size].reshape(3, rank), factors[size:].reshape(rank, 4)
        rest = X @ (A @ B).T - Y
        slope = rest.T @ X
        gradient = np.concatenate([(slope @ B.T).ravel(), (A.T @ slope).ravel()])
        return 0.5 * (rest**2).sum(), gradient

    starts = np.random.default_rng(1).standard_normal((5, 7 * rank))
    found = [minimize(loss, start, jac=True, options={"gtol": 1e-10}).fun for start in starts]
    assert min(found) == pytest.approx(reference.value, rel=1e-9)
    assert reference.certified and reference.unique
    assert np.linalg.matrix_rank(reference.solution.reshape(3, 4)) == rank


def test_without_a_bound_on_the_rank_it_is_least_squares():
    X, Y = data()
    fitted = LinearRegression(fit_intercept=False).fit(X, Y).coef_
    for rank in (3, 9):
        np.testing.assert_allclose(reduced_rank(X, Y, rank).solution, fitted.ravel(), atol=1e-12)


def test_on_whitened_inputs_it_is_the_truncated_svd():
    target = np.random.default_rng(2).standard_normal((3, 5))
    left, values, right = np.linalg.svd(target, full_matrices=False)
    for rank in range(4):
        expected = (left[:, :rank] * values[:rank]) @ right[:rank]
        reference = reduced_rank(np.eye(5), target.T, rank)
        np.testing.assert_allclose(reference.solution.reshape(3, 5), expected, atol=1e-13)
        assert reference.value == pytest.approx(0.5 * (values[rank:] ** 2).sum(), rel=1e-12)


def test_with_fewer_samples_it_has_the_least_norm_and_says_that_there_are_others():
    X, Y = data(n=3)
    reference = reduced_rank(X, Y, 3)
    expected = (np.linalg.pinv(X) @ Y).T
    np.testing.assert_allclose(reference.solution.reshape(3, 4), expected, atol=1e-12)
    assert reference.value == reference.bound == 0.0 and not reference.unique


def test_equal_singular_values_have_no_unique_solution():
    assert not reduced_rank(np.eye(2), np.eye(2), 1).unique


def test_wrong_input_is_one_line():
    X, Y = data()
    with pytest.raises(UserError, match="Y has 14 rows: 15 are needed"):
        reduced_rank(X, Y[1:], 1)
    with pytest.raises(UserError, match="rank = -1"):
        reduced_rank(X, Y, -1)
