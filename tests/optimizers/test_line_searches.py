"""Line searches by trials, against the algorithms of textbooks in NumPy and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from plain_runs import PlainRun
from scipy.optimize import minimize
from small_problems import (
    HESSIAN,
    LINEAR,
    MARGIN_ROWS,
    START,
    logistic_gradient,
    quadratic_gradient,
)

MINIMIZER = np.linalg.solve(HESSIAN, LINEAR)


def quadratic_loss(theta: np.ndarray) -> float:
    return float(0.5 * theta @ HESSIAN @ theta - LINEAR @ theta)


def logistic_loss(theta: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0.0, -MARGIN_ROWS @ theta)))


PROBLEMS = {
    "quadratic": (quadratic_loss, quadratic_gradient),
    "logistic": (logistic_loss, logistic_gradient),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_armijo_follows_the_textbook(problem: str) -> None:
    """Nocedal and Wright 2006, algorithm 3.1 along -g, from twice the last rate."""
    loss, gradient = PROBLEMS[problem]
    run = PlainRun("armijo_gradient_descent", START, decrease=0.1, shrink=0.5)
    path = run.follow(gradient, 30, loss)
    x, rate = START, 0.0
    for moved in path:
        g = gradient(x)
        rate = 2.0 * rate or 1.0 / np.max(np.abs(g))
        while loss(x - rate * g) > loss(x) - 0.1 * rate * (g @ g):
            rate *= 0.5
        x = x - rate * g
        np.testing.assert_allclose(moved, x, rtol=0, atol=1e-11)


def test_armijo_rests_where_rounding_hides_the_fall() -> None:
    run = PlainRun("armijo_gradient_descent", MINIMIZER + 1e-9)
    path = run.follow(quadratic_gradient, 20, quadratic_loss)
    # a fall of 1e-18 is not seen in a loss of order 1; nor does theta wander off
    assert np.max(np.abs(path - MINIMIZER)) <= 1e-7


def dense_direction(gradient: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Nocedal and Wright 2006, equations 6.17 and 7.20: the matrix H, pair by pair."""
    if not pairs:
        return np.asarray(-gradient / np.max(np.abs(gradient)))
    s, y = pairs[-1]
    inverse, unit = (s @ y) / (y @ y) * np.eye(s.size), np.eye(s.size)
    for s, y in pairs[-10:]:
        turned = unit - np.outer(y, s) / (s @ y)
        inverse = turned.T @ inverse @ turned + np.outer(s, s) / (s @ y)
    return np.asarray(-inverse @ gradient)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_lbfgs_follows_the_matrix_of_bfgs(problem: str) -> None:
    """Along it the bisection of Lewis and Overton 2013, algorithm 2.6."""
    loss, gradient = PROBLEMS[problem]
    path = PlainRun("lbfgs", START).follow(gradient, 7, loss)
    x, pairs = START, []
    for moved in path:
        g = gradient(x)
        direction = dense_direction(g, pairs)
        low, high, t = 0.0, np.inf, 1.0
        while True:
            if loss(x + t * direction) > loss(x) + 1e-4 * t * (g @ direction):
                high = t
            elif gradient(x + t * direction) @ direction < 0.9 * (g @ direction):
                low = t
            else:
                break
            t = 0.5 * (low + high) if high < np.inf else 2.0 * low
        pairs.append((t * direction, gradient(x + t * direction) - g))
        x = x + t * direction
        np.testing.assert_allclose(moved, x, rtol=0, atol=1e-9)  # quasi-Newton amplifies rounding


@pytest.mark.parametrize(("size", "condition"), [(50, 1e2), (100, 1e3), (200, 1e4)])
def test_lbfgs_takes_about_as_many_steps_as_that_of_scipy(size: int, condition: float) -> None:
    """Whose line search interpolates: neither is always ahead, by a quarter at most here."""
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.standard_normal((size, size)))[0]
    hessian = turn * np.geomspace(1.0, condition, size) @ turn.T
    linear = generator.standard_normal(size)

    def loss(w: np.ndarray) -> float:
        return float(0.5 * w @ hessian @ w - linear @ w)

    def gradient(w: np.ndarray) -> np.ndarray:
        return np.asarray(hessian @ w - linear)

    goal = 1e-6
    theirs = minimize(
        loss,
        np.zeros(size),
        jac=gradient,
        method="L-BFGS-B",
        options={"maxcor": 10, "gtol": goal, "ftol": 0.0, "maxiter": 10_000, "maxfun": 100_000},
    )
    path = PlainRun("lbfgs", np.zeros(size)).follow(gradient, int(1.5 * theirs.nit), loss)
    near = [np.max(np.abs(gradient(w))) <= goal for w in path]
    assert True in near
    assert 0.75 * theirs.nit <= near.index(True) + 1 <= 1.25 * theirs.nit
