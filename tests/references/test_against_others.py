"""Each reference on inputs that Hypothesis makes, against solvers that we did not write.

Entries are small integers times powers of two, so that copies, zeros, dependent columns and ties
are common; scales differ by 2^6, which the other solvers' tolerances of 1e-7 to 1e-9 still bear.
"""

from __future__ import annotations

import clarabel
import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog, minimize
from scipy.special import expit
from sklearn.linear_model import Lasso

from optbench.errors import UserError
from optbench.references import (
    finite_minimizer,
    fitted_values,
    least_norm,
    least_squares,
    max_margin,
    nonnegative_least_squares,
    rank,
    separability,
    vector_norm,
)
from optbench.references.lasso import lasso

COUNTS = [300, pytest.param(10_000, marks=pytest.mark.exhaustive)]


def on_examples(count, **strategies):
    """Run a check on examples: the same ones each time in the quick suite, new ones in the slow."""

    def run(check):
        quiet = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.nested_given]
        setting = settings(
            max_examples=count,
            deadline=None,
            database=None,
            derandomize=count == COUNTS[0],
            suppress_health_check=quiet,
        )
        setting(given(**strategies)(check))()

    return run


@st.composite
def matrices(draw, rows=6, columns=6):
    shape = draw(st.integers(1, rows)), draw(st.integers(1, columns))
    entries = draw(arrays(np.int64, shape, elements=st.integers(-3, 3)))
    powers = draw(arrays(np.int64, shape[1], elements=st.integers(-3, 3)))
    return entries * 2.0**powers


@st.composite
def systems(draw, rows=6, columns=6):
    X = draw(matrices(rows, columns))
    y = draw(arrays(np.int64, X.shape[0], elements=st.integers(-4, 4)))
    return X, y.astype(float)


def raw_program(*arguments, **options):
    result = linprog(*arguments, method="highs", **options)
    assert result.status == 0, result.status
    return result


@pytest.mark.parametrize("count", COUNTS)
def test_least_squares_is_numpys(count):
    @on_examples(count, system=systems())
    def check(system):
        X, y = system
        w, _, size, _ = np.linalg.lstsq(X, y)
        reference = least_squares(X, y)
        assert rank(X) == size and reference.unique == (size == X.shape[1])
        # The condition of these matrices is below 1e5: twelve digits are left of sixteen less five.
        np.testing.assert_allclose(reference.solution, w, rtol=0, atol=1e-9 * (1 + abs(w).max()))
        residual = X @ w - y
        expected = residual @ residual / (2 * y.size)
        assert reference.value == pytest.approx(expected, rel=1e-9, abs=1e-20 * (1 + y @ y))
        assert reference.certified
        np.testing.assert_allclose(fitted_values(X, y), X @ w, atol=1e-9 * (1 + abs(y).max()))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("p", [1.0, 2.0, np.inf])
def test_least_norm_among_minimisers_is_that_of_the_raw_programs(count, p):
    @on_examples(count, system=systems())
    def check(system):
        X, y = system
        fitted = fitted_values(X, y)
        assume(np.abs(fitted).max() > 1e-9)
        reference = least_norm(X, fitted, p)
        d = X.shape[1]
        if p == 2.0:
            expected = np.linalg.norm(np.linalg.lstsq(X, y)[0])
        elif p == 1.0:
            # X w = fitted through the consistent normal equations, in which rounding of
            # fitted values plays no part
            gram = X.T @ X
            expected = raw_program(np.ones(2 * d), A_eq=np.hstack([gram, -gram]), b_eq=X.T @ y).fun
        else:
            gram = X.T @ X
            box = np.block([[np.eye(d), -np.ones((d, 1))], [-np.eye(d), -np.ones((d, 1))]])
            expected = raw_program(
                np.append(np.zeros(d), 1.0),
                A_ub=box,
                b_ub=np.zeros(2 * d),
                A_eq=np.hstack([gram, np.zeros((d, 1))]),
                b_eq=X.T @ y,
                bounds=(None, None),
            ).fun
        assert reference.certified, reference
        assert reference.value == pytest.approx(expected, rel=1e-5)
        assert reference.bound <= reference.value * (1 + 1e-12)


def conic(hessian, cost, rows, sides):
    """Clarabel's interior point on min 1/2 x.H x + cost.x over rows x >= sides."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    return np.array(
        clarabel.DefaultSolver(
            sparse.csc_matrix(hessian),
            cost,
            sparse.csc_matrix(-rows),
            -sides,
            [clarabel.NonnegativeConeT(len(rows))],
            settings,
        )
        .solve()
        .x
    )


def linear_margin(Z, p):
    """Largest t with Z w >= t and ||w||_p <= 1, p = 1 or inf."""
    n, d = Z.shape
    if p == 1.0:
        rows = np.vstack([np.hstack([-Z, Z, np.ones((n, 1))]), np.append(np.ones(2 * d), 0.0)])
        bounds = [(0, None)] * 2 * d + [(None, None)]
        right = np.append(np.zeros(n), 1.0)
    else:
        rows, right = np.hstack([-Z, np.ones((n, 1))]), np.zeros(n)
        bounds = [(-1, 1)] * d + [(None, None)]
    cost = np.append(np.zeros(rows.shape[1] - 1), -1.0)
    return -raw_program(cost, A_ub=rows, b_ub=right, bounds=bounds).fun


@pytest.mark.parametrize("count", COUNTS)
def test_separable_data_and_its_margins_are_those_of_the_raw_programs(count):
    @on_examples(count, Z=matrices(rows=6, columns=4))
    def check(Z):
        expected = linear_margin(Z, np.inf)
        result = separability(Z)
        # Margins of integers this small are zero or above 1e-4: determinants are integers.
        assert result.separable == (expected > 1e-6)
        if not result.separable:
            with pytest.raises(UserError, match="not linearly separable"):
                max_margin(Z, 2.0)
            return
        for p in (1.0, np.inf):
            reference = max_margin(Z, p)
            assert reference.certified
            assert reference.value == pytest.approx(linear_margin(Z, p), rel=1e-6)
        reference = max_margin(Z, 2.0)
        assert reference.certified
        size = reference.value  # Clarabel's tolerance is absolute: a margin of about 1 suits it
        w = conic(np.eye(Z.shape[1]), np.zeros(Z.shape[1]), Z / size, np.ones(len(Z)))
        assert size / np.linalg.norm(w) == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize("count", COUNTS)
def test_separable_rows_are_those_of_one_program_a_row(count):
    @on_examples(count, Z=matrices(rows=5, columns=3))
    def check(Z):
        result = separability(Z)
        for row, separable in zip(Z, result.separable_rows, strict=True):
            most = -raw_program(-row, A_ub=-Z, b_ub=np.zeros(len(Z)), bounds=(-1, 1)).fun
            assert separable == (most > 1e-6)
        stuck = ~result.separable_rows
        assert (result.weights[stuck] > 0).all() and not result.weights[~stuck].any()


@pytest.mark.parametrize("count", COUNTS)
def test_the_minimiser_of_the_logistic_risk_is_scipys(count):
    @on_examples(count, Z=matrices(rows=8, columns=3))
    def check(Z):
        if separability(Z).separable_rows.any():
            with pytest.raises(UserError, match="separable"):
                finite_minimizer(Z)
            return
        reference = finite_minimizer(Z)
        found = minimize(
            lambda w: np.logaddexp(0, -Z @ w).mean(),
            np.zeros(Z.shape[1]),
            jac=lambda w: -Z.T @ expit(-Z @ w) / len(Z),
            method="BFGS",
            options={"gtol": 1e-10},
        )
        assert reference.certified
        assert reference.value <= found.fun * (1 + 1e-12)
        assert reference.value == pytest.approx(found.fun, rel=1e-8)


@pytest.mark.parametrize("count", COUNTS)
def test_the_lasso_is_what_coordinate_descent_finds(count):
    @on_examples(count, system=systems(), fraction=st.floats(0.01, 1.1))
    def check(system, fraction):
        X, y = system
        largest = np.abs(X.T @ y).max()
        assume(largest > 0)
        penalty = fraction * largest
        reference = lasso(X, y, penalty)
        model = Lasso(penalty / y.size, fit_intercept=False, tol=1e-10, max_iter=100_000)
        w = model.fit(X, y).coef_
        residual = X @ w - y
        value = residual @ residual / 2 + penalty * np.abs(w).sum()
        assert reference.certified
        # Coordinate descent stops at a duality gap of 1e-10 ||y||^2, above the optimum.
        assert value * (1 + 1e-12) >= reference.value >= value - 1e-9 * (y @ y)


@pytest.mark.parametrize("count", COUNTS)
def test_nonnegative_least_squares_is_what_an_interior_point_method_finds(count):
    @on_examples(count, system=systems())
    def check(system):
        A, b = system
        reference = nonnegative_least_squares(A, b)
        d = A.shape[1]
        x = np.maximum(conic(A.T @ A, -A.T @ b, np.eye(d), np.zeros(d)), 0.0)
        value = np.sum((A @ x - b) ** 2) / 2
        assert reference.certified and (reference.solution >= 0).all()
        # Clarabel's gap is below 1e-8 of 1 + |objective|, and its point is never below the optimum.
        assert value * (1 + 1e-12) + 1e-20 >= reference.value >= value - 1e-6 * (1 + b @ b)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, np.inf])
def test_columns_of_all_sizes(count, p):
    """Columns that differ by 2^40, which no other solver bears: the proof is all there is.

    The bound is a bound whatever the solvers did, and what is called certified fits.
    """

    @on_examples(
        count // 3,
        X=arrays(np.int64, (4, 6), elements=st.integers(-3, 3)),
        y=arrays(np.int64, 4, elements=st.integers(-4, 4)),
        powers=arrays(np.int64, 6, elements=st.integers(-20, 20)),
    )
    def check(X, y, powers):
        X = X * 2.0**powers
        fitted = fitted_values(X, y.astype(float))
        assume(np.abs(fitted).max() > 1e-9)
        reference = least_norm(X, fitted, p)
        # Another point that fits, from NumPy on scaled columns: no norm is below the bound.
        other = np.linalg.lstsq(X / 2.0**powers, fitted)[0] / 2.0**powers
        assert vector_norm(other, p) >= reference.bound * (1 - 1e-6)
        if reference.certified:
            error = np.abs(X @ reference.solution - fitted)
            # Coordinates as large as a norm allows cancel: 2^-53 of the terms, and some, is left.
            terms = np.abs(X) @ np.abs(reference.solution)
            assert (error <= 1e-7 * np.abs(fitted).max() + 1e-13 * terms).all()
