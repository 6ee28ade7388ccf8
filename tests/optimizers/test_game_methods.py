"""Extragradient, Lookahead and RAPP: a step is an iteration of several gradients."""

from __future__ import annotations

import numpy as np
import pytest
from plain_runs import PlainRun
from small_problems import HESSIAN, LINEAR, START, logistic_gradient, quadratic_gradient

RATE = 0.3  # below 1 / L = 1.14 of the quadratic


def test_extragradient_steps_with_the_gradient_ahead() -> None:
    path = PlainRun("extragradient", START, learning_rate=RATE).follow(logistic_gradient, 40)
    theta = START.copy()
    for after in path:
        ahead = theta - RATE * logistic_gradient(theta)
        np.testing.assert_array_equal(after, theta - RATE * logistic_gradient(ahead))
        theta = after


@pytest.mark.parametrize("k", [1, 4])
def test_lookahead_interpolates_after_k_inner_steps(k: int) -> None:
    run = PlainRun("lookahead", START, learning_rate=RATE, k=k, interpolation=0.3)
    theta = START.copy()
    for _ in range(10):
        fast = theta.copy()
        for _ in range(k):
            fast -= RATE * logistic_gradient(fast)
        theta = 0.7 * theta + 0.3 * fast
        moved = run.follow(logistic_gradient, 1)[-1]
        # the same sum in another order: a rounding of numbers of order 1 an iteration
        np.testing.assert_allclose(moved, theta, rtol=0, atol=1e-14)


def test_lookahead_without_interpolation_is_gradient_descent() -> None:
    ours = PlainRun("lookahead", START, learning_rate=RATE, interpolation=1.0)
    descent = PlainRun("gradient_descent", START, learning_rate=RATE)
    path = ours.follow(quadratic_gradient, 40)
    every_fifth = descent.follow(quadratic_gradient, 200)[4::5]
    # theta + (fast - theta) rounds once every k steps, and the descent contracts
    np.testing.assert_allclose(path, every_fifth, rtol=0, atol=1e-13)


def test_rapp_of_two_inner_steps_is_extragradient() -> None:
    ours = PlainRun("rapp", START, learning_rate=RATE, inner_steps=2.0, interpolation=1.0)
    other = PlainRun("extragradient", START, learning_rate=RATE)
    paths = [run.follow(logistic_gradient, 100) for run in (ours, other)]
    np.testing.assert_allclose(paths[0], paths[1], rtol=0, atol=1e-13)


def test_rapp_approaches_the_relaxed_proximal_point() -> None:
    assert np.linalg.norm(HESSIAN, 2) < 1.0 / RATE
    run = PlainRun("rapp", START, learning_rate=RATE, inner_steps=200.0, interpolation=0.5)
    moved = run.follow(quadratic_gradient, 1)[-1]
    # p = theta - r (H p - b); the inner iteration contracts by r L = 0.26 a step
    point = np.linalg.solve(np.eye(5) + RATE * HESSIAN, START + RATE * LINEAR)
    np.testing.assert_allclose(moved, 0.5 * (START + point), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["extragradient", "lookahead", "rapp"])
def test_finds_the_minimizer_of_a_quadratic(name: str) -> None:
    theta = PlainRun(name, np.zeros(5), learning_rate=RATE).follow(quadratic_gradient, 750)[-1]
    # the slowest, rapp, contracts by 1 - (1 - 1 / (1 + r mu)) / 2 = 0.953 a step, mu = 0.34
    np.testing.assert_allclose(theta, np.linalg.solve(HESSIAN, LINEAR), rtol=0, atol=1e-12)
