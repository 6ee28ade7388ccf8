"""Automatic gradient descent: what the paper's update implies in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plain_runs import PlainRun
from small_problems import LAYERS, MARGIN_ROWS, NETWORK_START, network_gradient

AGD = "automatic_gradient_descent"


def chain(depth: int) -> np.ndarray:
    """``depth`` matrices of one number each."""
    return np.array([(k, 1, 1) for k in range(depth)])


def chain_gradient(theta: np.ndarray) -> np.ndarray:
    """Gradient of 0.5 (prod theta - 1)^2."""
    others = [np.prod(np.delete(theta, k)) for k in range(theta.size)]
    return np.array(others) * (float(np.prod(theta)) - 1.0)


def steps_to_half(depth: int, size: float) -> int:
    run = PlainRun(AGD, np.full(depth, size), chain(depth))
    while np.prod(run.theta) < 0.5:
        run.step(chain_gradient(run.theta))
    return run.steps


def test_one_matrix_is_gradient_descent_with_rate_eta_over_summary() -> None:
    rows, columns = 2, 3
    theta, gradient = np.linspace(-1.0, 1.0, 6), np.sin(np.arange(6.0))
    moved = PlainRun(AGD, theta, np.array([(0, rows, columns)])).step(gradient)
    scale = math.sqrt(rows / columns)
    summary = scale * float(np.linalg.norm(gradient))
    eta = math.log(0.5 * (1.0 + math.sqrt(1.0 + 4.0 * summary)))
    np.testing.assert_allclose(moved, theta - scale**2 * eta / summary * gradient, rtol=1e-14)


def test_keeps_its_digits_for_small_gradients() -> None:
    gradient = 1e-13 * np.ones(6)
    moved = PlainRun(AGD, np.zeros(6), np.array([(0, 2, 3)])).step(gradient)
    # eta = G - 1.5 G^2 + ...: the step is (rows / columns) g up to a relative 1.5 G = 3e-13
    np.testing.assert_allclose(moved, -2.0 / 3.0 * gradient, rtol=1e-12)


def test_from_zero_one_matrix_finds_the_least_norm_solution() -> None:
    rows = MARGIN_ROWS[:3] * math.sqrt(5.0) / np.linalg.norm(MARGIN_ROWS[:3], axis=1)[:, None]
    target = np.array([1.0, -2.0, 0.5])
    run = PlainRun(AGD, np.zeros(5), np.array([(0, 1, 5)]))
    theta = run.follow(lambda w: rows.T @ (rows @ w - target) / 3.0, 2000)[-1]
    np.testing.assert_allclose(theta, np.linalg.pinv(rows) @ target, rtol=0, atol=1e-10)


def test_every_matrix_moves_eta_over_depth_in_its_own_norm() -> None:
    gradient = network_gradient(NETWORK_START)
    gain = 0.5
    moved = PlainRun(AGD, NETWORK_START, LAYERS, gain=gain).step(gradient) - NETWORK_START
    parts = [(slice(o, o + r * c), math.sqrt(r / c)) for o, r, c in LAYERS]
    summary = sum(s * float(np.linalg.norm(gradient[part])) for part, s in parts) / len(parts)
    eta = math.log(0.5 * (1.0 + math.sqrt(1.0 + 4.0 * summary)))
    for part, scale in parts:
        length = float(np.linalg.norm(moved[part]))
        assert length == pytest.approx(gain * eta / len(parts) * scale, rel=1e-13)
        cosine = moved[part] @ gradient[part] / (length * np.linalg.norm(gradient[part]))
        assert cosine == pytest.approx(-1.0, abs=1e-14)


def test_a_matrix_without_gradient_stays() -> None:
    gradient = network_gradient(NETWORK_START)
    offset = int(LAYERS[1, 0])
    gradient[:offset] = 0.0
    moved = PlainRun(AGD, NETWORK_START, LAYERS).step(gradient)
    assert np.array_equal(moved[:offset], NETWORK_START[:offset])
    assert np.all(moved[offset:] != NETWORK_START[offset:])


def test_scalar_chain_conserves_differences_of_absolute_values() -> None:
    start = np.array([0.3, -0.7, 1.1, -0.2])
    run = PlainRun(AGD, start, chain(4))
    path = np.abs(run.follow(chain_gradient, 500))
    differences = path[:, 1:] - path[:, :1]
    # exact in real numbers; 500 steps of one rounding each
    np.testing.assert_allclose(
        differences, np.broadcast_to(np.abs(start)[1:] - np.abs(start)[0], (500, 3)), atol=1e-12
    )
    assert abs(np.prod(run.theta) - 1.0) < 1e-6


def test_scalar_chain_leaves_the_saddle_like_gradient_descent() -> None:
    # depth 2, near 0: G = eps, so that w grows by eta / 2 = w / 2 a step, ln 10 / ln 1.5 a decade
    per_decade = (steps_to_half(2, 1e-9) - steps_to_half(2, 1e-3)) / 6.0
    assert per_decade == pytest.approx(math.log(10.0) / math.log(1.5), abs=1.0 / 6.0 + 1e-9)
    # depth 3, near 0: w' = w^2 / 3, which takes 3 / eps steps
    assert steps_to_half(3, 1e-3) == pytest.approx(3000, rel=0.05)
