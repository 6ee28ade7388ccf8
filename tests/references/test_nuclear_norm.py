"""Least nuclear norms against closed forms; soft-thresholding against proximal gradient."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.optimize import minimize

from optbench.errors import UserError
from optbench.references.nuclear_norm import least_nuclear_norm, nuclear_norm, soft_thresholded


def test_constraints_on_all_entries_of_a_row_have_the_pseudo_inverse_as_solution():
    """W A = B: W A A^+ = B A^+, and a projection increases no singular value."""
    generator = np.random.default_rng(0)
    A, B = generator.standard_normal((5, 3)), generator.standard_normal((4, 3))
    features = np.kron(np.eye(4), A.T)
    reference = least_nuclear_norm(features, B.ravel(), (4, 5))
    expected = B @ np.linalg.pinv(A)
    assert reference.certified
    assert reference.value == pytest.approx(nuclear_norm(expected), rel=1e-9)
    # a gap of 1e-11 in the norm pins the matrix down to about its square root
    np.testing.assert_allclose(reference.solution.reshape(4, 5), expected, atol=1e-5)


def test_the_missing_entry_of_a_two_by_two_matrix():
    """[[a, b], [c, x]]: ||W||_*^2 = ||W||_F^2 + 2 |det W| is least at a root of its derivative.

    For a = 1, b = c = 1/2 the derivative 2 x + 2 sign(x - 1/4) vanishes nowhere: x = 1/4, where
    det W = 0 and the rank is one.
    """
    rows = sparse.csr_array(np.eye(4)[:3])
    reference = least_nuclear_norm(rows, [1.0, 0.5, 0.5], (2, 2))
    np.testing.assert_allclose(reference.solution, [1.0, 0.5, 0.5, 0.25], atol=1e-5)
    assert reference.value == pytest.approx(1.25, rel=1e-9)
    assert reference.certified and reference.residual == 0.0


def test_gaussian_measurements_recover_a_matrix_of_rank_one():
    """60 of 100 are above the 6 r (2 n - r) / 2 of the theory for r = 1, n = 10."""
    generator = np.random.default_rng(3)
    hidden = np.outer(generator.standard_normal(10), generator.standard_normal(10))
    features = generator.standard_normal((60, 100))
    for size in (1e-3, 1.0, 1e6):
        reference = least_nuclear_norm(features, size * features @ hidden.ravel(), (10, 10))
        assert reference.certified
        np.testing.assert_allclose(reference.solution, size * hidden.ravel(), atol=1e-5 * size)


def test_the_bound_is_a_bound():
    """Random feasible matrices have norms above it; the dual point is feasible."""
    generator = np.random.default_rng(4)
    features = generator.standard_normal((8, 12))
    b = generator.standard_normal(8)
    reference = least_nuclear_norm(features, b, (3, 4))
    slope = np.linalg.norm((features.T @ reference.dual).reshape(3, 4), 2)
    assert slope == pytest.approx(1.0, rel=1e-12)
    assert reference.bound == pytest.approx(b @ reference.dual)
    null = np.linalg.svd(features)[2][8:]
    for _ in range(20):
        other = reference.solution + generator.standard_normal(4) @ null
        assert nuclear_norm(other.reshape(3, 4)) > reference.bound


def test_soft_thresholding_beats_scipy():
    """1/2 ||A B - M||^2 + penalty/2 (||A||^2 + ||B||^2) has the same minimum."""
    generator = np.random.default_rng(5)
    M, penalty = generator.standard_normal((3, 4)), 0.7
    reference = soft_thresholded(M, penalty)

    def loss(factors):
        A, B = factors[:9].reshape(3, 3), factors[9:].reshape(3, 4)
        rest = A @ B - M
        gradient = [(rest @ B.T + penalty * A).ravel(), (A.T @ rest + penalty * B).ravel()]
        value = 0.5 * (rest**2).sum() + 0.5 * penalty * (factors**2).sum()
        return value, np.concatenate(gradient)

    found = minimize(loss, generator.standard_normal(21), jac=True, options={"gtol": 1e-10})
    assert found.fun == pytest.approx(reference.value, rel=1e-9)
    A, B = found.x[:9].reshape(3, 3), found.x[9:].reshape(3, 4)
    np.testing.assert_allclose(reference.solution.reshape(3, 4), A @ B, atol=1e-5)
    assert reference.certified


def test_extreme_penalties():
    M = np.random.default_rng(6).standard_normal((3, 4))
    np.testing.assert_allclose(soft_thresholded(M, 0.0).solution, M.ravel(), atol=1e-14)
    assert not soft_thresholded(M, 100.0).solution.any()
    assert soft_thresholded(M, 100.0).gap <= 1e-15


def test_wrong_input_is_one_line():
    with pytest.raises(UserError, match=r"shape \(2, 3\) has another size"):
        least_nuclear_norm(np.eye(4), np.ones(4), (2, 3))
    with pytest.raises(UserError, match="no matrix meets all"):
        least_nuclear_norm(np.ones((2, 4)), [0.0, 1.0], (2, 2))
    with pytest.raises(UserError, match="penalty = -1"):
        soft_thresholded(np.eye(2), -1.0)
