"""A wrong solution is never certified: each certificate is shown points moved off the solution."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from optbench.references import (
    finite_minimizer,
    hypentropy,
    least_norm,
    least_squares,
    max_margin,
    nonnegative_least_squares,
    separability,
    vector_norm,
)
from optbench.references.certificate import violation
from optbench.references.exact import positive_products
from optbench.references.lasso import lasso

MOVES = [1e-1, 1e-2, 1e-3]  # an objective changes by their square, far above 1e-8


def module(name):
    return importlib.import_module(f"optbench.references.{name}")


def data(n=6, d=9, seed=0):
    generator = np.random.Generator(np.random.PCG64(seed))
    return generator.standard_normal((n, d)), generator.standard_normal(n), generator


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, np.inf])
def test_interpolants(p, move):
    X, y, generator = data()
    best = least_norm(X, y, p)
    certify = module("least_norm")._certify
    assert certify(X, y, best.solution, best.dual, p).certified
    off = generator.standard_normal(9)
    assert not certify(X, y, best.solution + move * off, best.dual, p).certified  # does not fit
    along = off - np.linalg.pinv(X) @ (X @ off)
    for sign in (1, -1):  # fits, and is longer
        moved = best.solution + sign * move * along
        found = certify(X, y, moved, best.dual, p)
        assert found.certified == (vector_norm(moved, p) <= best.value * (1 + 1e-8))
    assert not certify(X, y, 0.9 * best.solution, best.dual, p).certified  # shorter, does not fit
    wrong = certify(X, y, best.solution, best.dual + move * generator.standard_normal(6), p)
    assert wrong.bound <= best.value * (1 + 1e-12)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0, np.inf])
def test_margins(p):
    Z, _, generator = data()
    best = max_margin(Z, p)
    certify = module("margin")._certify
    assert certify(Z, best.solution, best.dual, p).certified
    for move in MOVES:
        found = certify(Z, best.solution + move * generator.standard_normal(9), best.dual, p)
        assert not found.certified and found.value < best.value
        weights = best.dual + move * generator.random(6)
        assert certify(Z, best.solution, weights, p).bound >= best.value * (1 - 1e-12)
    assert not certify(Z, -best.solution, best.dual, p).certified
    assert not certify(Z, np.zeros(9), best.dual, p).certified


@pytest.mark.parametrize("move", MOVES)
def test_minimizers_of_squares(move, monkeypatch):
    X, y, generator = data(20, 4)
    solve = module("least_squares")._minimizer
    off = move * generator.standard_normal(4)

    def wrong(X, y):
        w, basis = solve(X, y)
        return w + off, basis

    assert least_squares(X, y).certified
    monkeypatch.setattr(module("least_squares"), "_minimizer", wrong)
    found = least_squares(X, y)
    assert not found.certified and found.bound <= found.value


def test_a_loss_is_zero_only_at_rounding(monkeypatch):
    """Solvable systems have the value 0; what misses by 1e-10 has not."""
    X, y, _ = data(5, 5)
    assert least_squares(X, y).value == 0.0
    solve = module("least_squares")._minimizer
    monkeypatch.setattr(
        module("least_squares"), "_minimizer", lambda X, y: (solve(X, y)[0] + 1e-10, solve(X, y)[1])
    )
    found = least_squares(X, y)
    assert found.value > 0.0 and not found.certified


@pytest.mark.parametrize("move", MOVES)
def test_lasso(move):
    X, y, generator = data(12, 5)
    best = lasso(X, y, 0.5)
    certify = module("lasso")._certify
    for off in generator.standard_normal((5, 5)):
        w = best.solution + move * off
        found = certify(X, y, w, y - X @ w, 0.5)
        assert not found.certified and found.bound <= best.value * (1 + 1e-12)
        other = certify(X, y, best.solution, best.dual + move * generator.standard_normal(12), 0.5)
        assert other.bound <= best.value * (1 + 1e-12)


@pytest.mark.parametrize("move", MOVES)
def test_logistic(move):
    generator = np.random.Generator(np.random.PCG64(1))
    half = generator.standard_normal((10, 3))
    Z = np.vstack([half, -half * generator.uniform(0.5, 2.0, (10, 1))])
    best = finite_minimizer(Z)
    certify = module("logistic")._certify
    assert best.certified and certify(Z, Z, best.solution, 20).certified
    assert not certify(Z, Z, best.solution + move * generator.standard_normal(3), 20).certified


@pytest.mark.parametrize("move", MOVES)
def test_hypentropy(move):
    X, y, generator = data()
    best = hypentropy(X, y, 0.1)
    certify = module("hypentropy")._certify
    assert best.certified
    found = certify(X, y, best.dual * (1 + move * generator.standard_normal(6)), 0.1)
    assert not found.certified


@pytest.mark.parametrize("move", MOVES)
def test_nonnegative_least_squares(move, monkeypatch):
    A, b, generator = data(12, 4)
    assert nonnegative_least_squares(A, b).certified
    solve = module("nonnegative_least_squares").least_squares
    off = move * generator.random(12)

    def wrong(A, b):
        from dataclasses import replace

        found = solve(A, b)
        return replace(found, solution=found.solution * (1 + move) + off[: found.solution.size])

    monkeypatch.setattr(module("nonnegative_least_squares"), "least_squares", wrong)
    assert not nonnegative_least_squares(A, b).certified


def test_a_row_that_is_not_met_counts_by_its_own_size():
    """An error of 1 beside sides of 1e12 is not 1e-12."""
    A, b = np.diag([1e12, 1.0]), np.array([1e12, 1.0])
    assert violation(A, b, np.array([1.0, 1.0])) == 0.0
    assert violation(A, b, np.array([1.0, 2.0])) == 1.0


def test_a_wrong_split_is_not_believed(monkeypatch):
    """Weights and directions of a solver that is wrong are refused: nothing is decided."""
    from optbench.errors import UserError

    Z = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    assert separability(Z).separable_rows.tolist() == [False, False, True]
    lies = [
        (np.zeros(3), np.array([1.0, 1.0])),  # all rows can be separated
        (np.ones(3), np.zeros(2)),  # none can
        (np.array([0.0, 1.0, 0.0]), np.array([0.0, 1.0])),
    ]
    for lie in lies:
        for solver in ("_highs", "_clarabel"):
            monkeypatch.setattr(module("separability"), solver, lambda M, lie=lie: lie)
        with pytest.raises(UserError, match="neither a separating direction nor a proof"):
            separability(Z)


def test_signs_are_those_of_fractions():
    """1 + 2^-60 - 1 is positive, and the sum of any two doubles of opposite sign is not."""
    Z = np.array([[1.0, 2.0**-60, -1.0], [1.0, 0.0, -1.0], [1.0, -(2.0**-60), -1.0], [0, 0, 0]])
    assert positive_products(Z, np.ones(3)).tolist() == [True, False, False, False]
    tiny = np.array([[1e-200, -1e-200], [1e-200, 0.0]])
    assert positive_products(tiny, np.full(2, 1e-200)).tolist() == [False, True]
