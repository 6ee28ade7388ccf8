"""Each rule against a formula, and against the other rules in their common special cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from plain_runs import PlainRun
from small_problems import (
    HESSIAN,
    LINEAR,
    MARGIN_ROWS,
    START,
    logistic_gradient,
    quadratic_gradient,
)

GRADIENTS = np.sin(np.arange(1.0, 251.0) ** 2).reshape(50, 5)


def logistic_loss(theta: np.ndarray) -> float:
    return float(np.mean(np.log1p(np.exp(-MARGIN_ROWS @ theta))))


def test_exponentiated_gradient_multiplies() -> None:
    theta, gradient = np.array([0.5, 2.0, 3.0]), np.array([1.0, -2.0, 0.0])
    moved = PlainRun("exponentiated_gradient", theta, learning_rate=0.25).step(gradient)
    expected = [0.5 * math.exp(-0.25), 2.0 * math.exp(0.5), 3.0]
    np.testing.assert_allclose(moved, expected, rtol=4e-16)


def test_exponentiated_gradient_survives_huge_steps() -> None:
    run = PlainRun("exponentiated_gradient", np.array([1e-300, 1.0]), learning_rate=1.0)
    assert run.step(np.array([1e5, 0.0]))[0] == 0.0
    assert np.array_equal(run.step(np.array([-1e5, 0.0])), [0.0, 1.0])


def test_exponentiated_gradient_finds_the_nearest_point_in_relative_entropy() -> None:
    rows = np.abs(MARGIN_ROWS[:2])
    target = rows @ np.array([0.2, 1.0, 0.1, 0.7, 0.4])
    run = PlainRun("exponentiated_gradient", np.full(5, 0.5), learning_rate=0.2)
    theta = run.follow(lambda w: rows.T @ (rows @ w - target), 3000)[-1]
    # KKT of min KL(theta, theta_0) subject to rows theta = target: dual in the row space
    dual = np.log(theta / 0.5)
    multipliers = np.linalg.lstsq(rows.T, dual, rcond=None)[0]
    np.testing.assert_allclose(rows @ theta, target, atol=1e-12)
    np.testing.assert_allclose(rows.T @ multipliers, dual, atol=1e-12)


def test_hypentropy_is_exponentiated_gradient_on_two_halves() -> None:
    scale, rate = 0.3, 0.2
    root = np.sqrt(START**2 + 4.0 * scale**2)
    u, v = (root + START) / 2.0, (root - START) / 2.0  # u - v = theta, u v = scale^2
    run = PlainRun("hypentropy", START, learning_rate=rate, scale=scale)
    for gradient in GRADIENTS:
        u, v = u * np.exp(-rate * gradient), v * np.exp(rate * gradient)
        np.testing.assert_allclose(run.step(gradient), u - v, rtol=0, atol=1e-13)


def test_hypentropy_of_small_scale_is_exponentiated_gradient() -> None:
    start = np.abs(START)
    paths = [
        PlainRun(name, start, learning_rate=0.05, **scale).follow(quadratic_gradient, 40)
        for name, scale in (("hypentropy", {"scale": 1e-10}), ("exponentiated_gradient", {}))
    ]
    # theta = u - scale^2 / u, so they differ by about scale^2 / theta = 1e-20 / theta a step;
    # z = log(theta / scale) of size 23 rounds theta by 23 eps
    np.testing.assert_allclose(paths[0], paths[1], rtol=1e-12)


def test_hypentropy_of_large_scale_is_gradient_descent() -> None:
    scale = 1e4
    hypentropy = PlainRun("hypentropy", START, learning_rate=0.1 / (2 * scale), scale=scale)
    descent = PlainRun("gradient_descent", START, learning_rate=0.1)
    ours = hypentropy.follow(quadratic_gradient, 100)
    # sinh z = z (1 + z^2 / 6) with z = theta / (2 scale) < 2e-4
    np.testing.assert_allclose(ours, descent.follow(quadratic_gradient, 100), rtol=0, atol=2e-8)


def test_mirror_descent_with_p_2_is_gradient_descent() -> None:
    mirror = PlainRun("p_norm_mirror_descent", START, learning_rate=0.2, p=2.0)
    descent = PlainRun("gradient_descent", START, learning_rate=0.2)
    ours = mirror.follow(logistic_gradient, 300)
    np.testing.assert_allclose(ours, descent.follow(logistic_gradient, 300), rtol=0, atol=1e-12)


@pytest.mark.parametrize("p", [1.1, 1.5, 3.0, 6.0])
def test_mirror_descent_moves_the_gradient_of_its_potential(p: float) -> None:
    def dual(theta: np.ndarray) -> np.ndarray:
        return np.asarray(np.sign(theta) * np.abs(theta) ** (p - 1.0))

    run = PlainRun("p_norm_mirror_descent", START, learning_rate=0.01, p=p)
    path = run.follow(quadratic_gradient, 20)
    expected = dual(START) - 0.01 * sum(
        quadratic_gradient(theta) for theta in np.vstack([START, path[:-1]])
    )
    np.testing.assert_allclose(dual(path[-1]), expected, rtol=0, atol=1e-13)


def test_normalized_mirror_descent_divides_by_the_loss() -> None:
    run = PlainRun("normalized_mirror_descent", np.zeros(5), learning_rate=0.05, p=3.0)
    path = run.follow(logistic_gradient, 30, logistic_loss)
    raw = PlainRun("p_norm_mirror_descent", np.zeros(5), learning_rate=0.05, p=3.0)
    expected = raw.follow(lambda w: logistic_gradient(w) / logistic_loss(w), 30)
    np.testing.assert_allclose(path, expected, rtol=1e-13)


def test_natural_gradient_is_newton_on_a_quadratic() -> None:
    inverse = np.linalg.inv(HESSIAN)
    run = PlainRun("natural_gradient", START, None, inverse, learning_rate=1.0)
    moved = run.step(quadratic_gradient(START))
    np.testing.assert_allclose(moved, np.linalg.solve(HESSIAN, LINEAR), rtol=1e-13)


def test_natural_gradient_selects_the_least_norm_in_its_metric() -> None:
    rows, target = MARGIN_ROWS[:3], np.array([1.0, -2.0, 0.5])
    inverse = np.linalg.inv(HESSIAN)
    run = PlainRun("natural_gradient", np.zeros(5), None, inverse, learning_rate=0.05)
    theta = run.follow(lambda w: rows.T @ (rows @ w - target), 3000)[-1]
    # min theta^T H theta subject to rows theta = target
    expected = inverse @ rows.T @ np.linalg.solve(rows @ inverse @ rows.T, target)
    np.testing.assert_allclose(theta, expected, rtol=0, atol=1e-12)


def test_online_natural_gradient_is_ridge_regression_on_the_rows_so_far() -> None:
    targets = np.sin(np.arange(1.0, 51.0))
    run = PlainRun("online_natural_gradient", np.zeros(5), prior=100.0)
    for t, (row, target) in enumerate(zip(GRADIENTS, targets, strict=True), start=1):
        theta = run.step((row @ run.theta - target) * row, row=row)
        seen = GRADIENTS[:t]
        expected = np.linalg.solve(seen.T @ seen + np.eye(5) / 100.0, seen.T @ targets[:t])
        # roundings of P, of size 100, meet residuals of size 1
        np.testing.assert_allclose(theta, expected, rtol=0, atol=1e-11)


def test_coordinate_descent_moves_the_largest_entry() -> None:
    theta = START.copy()
    run = PlainRun("coordinate_descent", START, learning_rate=0.3, decay=0.5)
    for t, gradient in enumerate(GRADIENTS, start=1):
        k = np.argmax(np.abs(gradient))
        theta[k] -= 0.3 / math.sqrt(t) * np.sign(gradient[k])
        np.testing.assert_allclose(run.step(gradient), theta, rtol=0, atol=1e-15)


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    ("name", "order"),
    [("normalized_gradient_descent", 2), ("sign_descent", np.inf), ("coordinate_descent", 1)],
)
def test_prescribed_step_lengths(name: str, order: float, decay: float) -> None:
    run = PlainRun(name, START, learning_rate=0.3, decay=decay)
    path = np.vstack([START, [run.step(gradient) for gradient in GRADIENTS]])
    lengths = np.linalg.norm(np.diff(path, axis=0), ord=order, axis=1)
    np.testing.assert_allclose(lengths, 0.3 * np.arange(1, 51) ** -decay, rtol=0, atol=1e-15)


def test_adam_starts_with_a_sign_step() -> None:
    moved = PlainRun("adam", START, learning_rate=0.1, eps=0.0).step(GRADIENTS[0])
    np.testing.assert_allclose(moved, START - 0.1 * np.sign(GRADIENTS[0]), rtol=0, atol=1e-15)


def test_adam_without_memory_is_sign_descent() -> None:
    hypers = {"learning_rate": 0.1, "decay": 0.7}
    adam = PlainRun("adam", START, beta1=0.0, beta2=0.0, eps=0.0, bias_correction=0.0, **hypers)
    sign = PlainRun("sign_descent", START, **hypers)
    for gradient in GRADIENTS:
        np.testing.assert_allclose(adam.step(gradient), sign.step(gradient), rtol=0, atol=1e-14)


def test_adam_without_bias_correction_starts_at_its_small_averages() -> None:
    run = PlainRun("adam", START, learning_rate=0.1, beta2=0.99, eps=0.0, bias_correction=0.0)
    moved = run.step(GRADIENTS[0])
    # (1 - beta1) g / sqrt((1 - beta2) g^2) = 0.1 / 0.1
    np.testing.assert_allclose(moved, START - 0.1 * np.sign(GRADIENTS[0]), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["heavy_ball", "nesterov"])
def test_without_momentum_they_are_gradient_descent(name: str) -> None:
    ours = PlainRun(name, START, learning_rate=0.2, momentum=0.0).follow(quadratic_gradient, 50)
    descent = PlainRun("gradient_descent", START, learning_rate=0.2)
    assert np.array_equal(ours, descent.follow(quadratic_gradient, 50))


def test_heavy_ball_contracts_at_polyaks_rate() -> None:
    curvatures = np.linspace(1.0, 100.0, 5)
    low, high = math.sqrt(curvatures[0]), math.sqrt(curvatures[-1])
    rate, momentum = 4.0 / (low + high) ** 2, ((high - low) / (high + low)) ** 2
    run = PlainRun("heavy_ball", START, learning_rate=rate, momentum=momentum)
    sizes = np.linalg.norm(run.follow(lambda w: curvatures * w, 130), axis=1)
    # sqrt(momentum)^t, times t for the double roots at both ends of the spectrum
    measured = (sizes[-1] / sizes[64]) ** (1.0 / 65.0)
    assert math.sqrt(momentum) < measured < math.sqrt(momentum) * 2.0 ** (1.2 / 65.0)
