"""Steepest descent in L_p norms, its relatives and loss normalization: formulas and margins."""

from __future__ import annotations

import numpy as np
import pytest
from plain_runs import PlainRun
from scipy.optimize import linprog, minimize
from small_problems import MARGIN_ROWS, START, logistic_gradient, quadratic_gradient

from optbench.claims.simulation import classification, log_slope, start

GRADIENTS = np.sin(np.arange(1.0, 251.0) ** 2).reshape(50, 5)
ROWS = np.random.Generator(np.random.PCG64(11)).standard_normal((6, 12))


def logistic_loss(theta: np.ndarray) -> float:
    return float(np.mean(np.log1p(np.exp(-MARGIN_ROWS @ theta))))


def largest_margin(p: float) -> float:
    """Largest margin of ROWS in L_p, from the dual max 1.a - ||Z^T a||_q^q / q, a >= 0."""
    q = p / (p - 1.0)

    def primal(a: np.ndarray) -> np.ndarray:
        z = ROWS.T @ a
        return np.asarray(np.sign(z) * np.abs(z) ** (q - 1.0))

    def objective(a: np.ndarray) -> tuple[float, np.ndarray]:
        value = np.sum(np.abs(ROWS.T @ a) ** q) / q - np.sum(a)
        return float(value), ROWS @ primal(a) - 1.0

    options = {"ftol": 1e-16, "gtol": 1e-12, "maxiter": 10_000, "maxfun": 100_000}
    found = minimize(
        objective, np.full(6, 0.1), jac=True, bounds=[(0.0, None)] * 6, options=options
    )
    w = primal(found.x)
    return float(np.min(ROWS @ w) / np.linalg.norm(w, p))


@pytest.mark.parametrize("p", [1.2, 2.0, 3.0, 7.0])
def test_steepest_descent_takes_the_best_direction_of_unit_length(p: float) -> None:
    q = p / (p - 1.0)
    run = PlainRun("steepest_descent", START, learning_rate=0.3, decay=0.4, p=p)
    theta = START
    for t, gradient in enumerate(GRADIENTS, start=1):
        moved = run.step(gradient)
        step, theta = moved - theta, moved
        length = 0.3 * t**-0.4
        assert np.linalg.norm(step, p) == pytest.approx(length, rel=1e-12)
        # Hoelder's inequality is an equality in the steepest direction alone
        steepest = -length * np.linalg.norm(gradient, q)
        assert gradient @ step == pytest.approx(steepest, rel=1e-12)


def test_steepest_descent_in_the_euclidean_norm_is_normalized_gradient_descent() -> None:
    hypers = {"learning_rate": 0.1, "decay": 0.7}
    ours = PlainRun("steepest_descent", START, p=2.0, **hypers)
    known = PlainRun("normalized_gradient_descent", START, **hypers)
    expected = known.follow(logistic_gradient, 200)
    np.testing.assert_allclose(ours.follow(logistic_gradient, 200), expected, rtol=0, atol=1e-12)


def test_greedy_coordinate_descent_moves_the_largest_entry_by_its_size() -> None:
    run, theta = PlainRun("greedy_coordinate_descent", START, learning_rate=0.3), START.copy()
    for gradient in GRADIENTS:
        k = np.argmax(np.abs(gradient))
        theta[k] -= 0.3 * gradient[k]
        np.testing.assert_allclose(run.step(gradient), theta, rtol=0, atol=1e-15)


def test_loss_normalized_gradient_descent_is_mirror_descent_with_p_2() -> None:
    ours = PlainRun("loss_normalized_gradient_descent", START, learning_rate=0.05)
    mirror = PlainRun("normalized_mirror_descent", START, learning_rate=0.05, p=2.0)
    expected = mirror.follow(logistic_gradient, 300, logistic_loss)
    path = ours.follow(logistic_gradient, 300, logistic_loss)
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("q", "name"), [(1.0, "sign_descent"), (2.0, "gradient_descent")])
def test_power_flow_lies_between_sign_and_gradient_descent(q: float, name: str) -> None:
    ours = PlainRun("power_flow", START, learning_rate=0.01, q=q)
    known = PlainRun(
        name, START, learning_rate=0.01, **({"decay": 0.0} if name == "sign_descent" else {})
    )
    expected = known.follow(quadratic_gradient, 100)
    np.testing.assert_allclose(ours.follow(quadratic_gradient, 100), expected, rtol=0, atol=1e-13)


def test_power_flow_takes_powers_of_the_gradient_in_its_unit() -> None:
    run = PlainRun("power_flow", START, learning_rate=0.2, q=1.4, unit=5.0)
    expected = START - 0.2 * np.sign(GRADIENTS[0]) * (np.abs(GRADIENTS[0]) / 5.0) ** 0.4
    np.testing.assert_allclose(run.step(GRADIENTS[0]), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "p", "hypers", "slope"),
    [
        ("loss_normalized_gradient_descent", 2.0, {"learning_rate": 0.1}, -1.0),
        ("steepest_descent", 1.5, {"learning_rate": 0.1, "p": 1.5}, -0.5),
        ("steepest_descent", 3.0, {"learning_rate": 0.1, "p": 3.0}, -0.5),
    ],
)
def test_margin_gap_falls_as_the_theorems_say(
    name: str, p: float, hypers: dict[str, float], slope: float
) -> None:
    chunk = start(classification(ROWS, "exponential"), "linear", name, [hypers])
    steps = np.unique(np.geomspace(1, 300_000, 60).astype(int))
    chunk.advance(300_000, steps=steps)
    w = chunk.records.snapshots[1:, 0]
    margins = np.min(w @ ROWS.T, axis=1) / np.linalg.norm(w, p, axis=1)
    gaps = 1.0 - margins / largest_margin(p)
    assert 0.0 < gaps[-1] < 5e-3
    # Ji, Telgarsky 2021: O(1 / t).  Rates t^-1/2: the sum of steps after which the loss falls
    # like its exponential is of order sqrt t, and log t / sqrt t is at most 0.08 steeper here
    late = steps >= 10_000
    assert log_slope(steps[late], gaps[late]) == pytest.approx(slope, abs=0.08)


@pytest.mark.parametrize("decay", [0.3, 0.5])
def test_rmsprop_finds_the_largest_margin_in_linf(decay: float) -> None:
    hypers = {"learning_rate": 0.1, "decay": decay, "eps": 0.0}
    chunk = start(classification(ROWS, "exponential"), "linear", "rmsprop", [hypers])
    chunk.advance(300_000)
    w = chunk.runs.w[0]
    bound = np.hstack([-ROWS, np.ones((6, 1))])
    box = [(-1.0, 1.0)] * 12 + [(0.0, None)]
    largest = -linprog(-np.eye(13)[12], bound, np.zeros(6), bounds=box).fun
    margin = np.min(ROWS @ w)
    assert 1.0 - margin / np.max(np.abs(w)) / largest < 0.05
    assert 1.0 - margin / np.linalg.norm(w) / largest_margin(2.0) > 0.1
