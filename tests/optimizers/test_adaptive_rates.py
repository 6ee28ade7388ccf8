"""Rules that choose their step themselves, against plain formulas and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from plain_runs import PlainRun
from small_problems import (
    HESSIAN,
    LINEAR,
    START,
    WIDE_ROWS,
    WIDE_TARGETS,
    least_squares_gradient,
    least_squares_loss,
    logistic_gradient,
)
from small_problems import quadratic_gradient as gradient

MINIMIZER = np.linalg.solve(HESSIAN, LINEAR)
LEAST_NORM = np.linalg.pinv(WIDE_ROWS) @ WIDE_TARGETS  # 3 equations for 5 unknowns


def gap(theta: np.ndarray) -> float:
    """The quadratic above its minimum, free of cancellation."""
    return float(0.5 * (theta - MINIMIZER) @ HESSIAN @ (theta - MINIMIZER))


def test_adaptive_gradient_descent_follows_its_formula() -> None:
    initial = 1e-3
    path = PlainRun("adaptive_gradient_descent", START, initial_rate=initial).follow(gradient, 20)
    before, theta = START, START - initial * gradient(START)
    last, growth = initial, np.inf
    for k in range(1, 20):
        np.testing.assert_allclose(path[k - 1], theta, rtol=0, atol=1e-12)
        change = np.linalg.norm(gradient(theta) - gradient(before))
        curvature = np.linalg.norm(theta - before) / (2.0 * change)
        rate = min(np.sqrt(1.0 + growth) * last, curvature)
        before, theta = theta, theta - rate * gradient(theta)
        last, growth = rate, rate / last


def test_adaptive_gradient_descent_converges_without_a_rate() -> None:
    for scale in (1e-3, 1.0, 1e3):  # of the objective
        run = PlainRun("adaptive_gradient_descent", START)
        theta = run.follow(lambda w, scale=scale: scale * gradient(w), 500)[-1]
        np.testing.assert_allclose(theta, MINIMIZER, rtol=0, atol=1e-10)


def test_adaptive_gradient_descent_grows_where_there_is_no_curvature() -> None:
    slope = np.array([1.0, -2.0, 0.5])
    run = PlainRun("adaptive_gradient_descent", np.zeros(3), initial_rate=0.1)
    steps = np.diff(np.vstack([np.zeros(3), [run.step(slope) for _ in range(4)]]), axis=0)
    # no bound at all for the second rate: it keeps the first; then sqrt(1 + 1), sqrt(1 + sqrt 2)
    rates = [0.1, 0.1, 0.1 * np.sqrt(2.0), 0.1 * np.sqrt(2.0) * np.sqrt(1.0 + np.sqrt(2.0))]
    np.testing.assert_allclose(steps, -np.outer(rates, slope), rtol=1e-13)


def test_polyak_step_with_relaxation_2_ends_nearest_to_the_minimizer() -> None:
    theta = START
    run = PlainRun("polyak_step", START, relaxation=2.0)
    for _ in range(20):
        direction = gradient(theta)
        # 2 (loss - minimum) = (theta - theta*) . g: the orthogonal projection of theta* on the ray
        nearest = (theta - MINIMIZER) @ direction / (direction @ direction)
        expected = theta - nearest * direction
        theta = run.step(direction, gap(theta))
        np.testing.assert_allclose(theta, expected, rtol=0, atol=1e-13)


def test_polyak_step_solves_an_isotropic_quadratic_in_one_step() -> None:
    run = PlainRun("polyak_step", START, relaxation=2.0)
    moved = run.step(3.0 * (START - 1.0), 1.5 * float(np.sum((START - 1.0) ** 2)))
    np.testing.assert_allclose(moved, np.ones(5), rtol=1e-14)


@pytest.mark.parametrize("relaxation", [1.0, 2.0])
def test_polyak_step_never_moves_away_from_the_minimizer(relaxation: float) -> None:
    run = PlainRun("polyak_step", START, relaxation=relaxation)
    path = np.vstack([START, run.follow(gradient, 300, gap)])
    distances = np.linalg.norm(path - MINIMIZER, axis=1)
    assert np.all(np.diff(distances) <= 1e-14)  # Fejer monotone for 0 < relaxation <= 2
    assert distances[-1] < 1e-6 * distances[0]


def test_polyak_step_keeps_still_when_rounding_puts_the_loss_below_its_optimum() -> None:
    run = PlainRun("polyak_step", START)
    assert np.array_equal(run.step(np.ones(5), -1e-17), START)


def test_hypergradient_without_its_levels_is_gradient_descent() -> None:
    run = PlainRun("hypergradient", START, learning_rate=0.2, kappa=0.0, kappa2=0.0)
    descent = PlainRun("gradient_descent", START, learning_rate=0.2)
    assert np.array_equal(run.follow(gradient, 100), descent.follow(gradient, 100))


@pytest.mark.parametrize("kappa2", [0.0, 1e-3])
def test_hypergradient_follows_its_formula(kappa2: float) -> None:
    hypers = {"learning_rate": 0.01, "kappa": 2e-3, "kappa2": kappa2}
    path = PlainRun("hypergradient", START, **hypers).follow(gradient, 20)
    theta, rate, rate2 = START, 0.01, 2e-3
    gradients: list[np.ndarray] = []
    for t in range(20):
        gradients.append(gradient(theta))
        products = [a @ b for a, b in zip(gradients[1:], gradients, strict=False)]
        rate2 += kappa2 * (products[-1] * products[-2] if t > 1 else 0.0)
        rate += rate2 * (products[-1] if t > 0 else 0.0)
        theta = theta - rate * gradients[-1]
        np.testing.assert_allclose(path[t], theta, rtol=0, atol=1e-13)


def test_hypergradient_is_the_derivative_of_the_loss_in_the_rate() -> None:
    def loss_after_two_steps(rate: float) -> float:
        theta = START - 0.05 * gradient(START)
        return gap(theta - rate * gradient(theta))

    kappa, rate = 1e-3, 0.05
    run = PlainRun("hypergradient", START, learning_rate=rate, kappa=kappa, kappa2=0.0)
    run.follow(gradient, 3)
    # of the second step; the first update of the rate, before it, is taken off
    first = kappa * gradient(START) @ gradient(START - rate * gradient(START))
    moved = run.slots["rate"][0] - rate - first
    at = rate + first
    slope = (loss_after_two_steps(at + 1e-5) - loss_after_two_steps(at - 1e-5)) / 2e-5
    assert moved == pytest.approx(-kappa * slope, rel=1e-9)


def test_full_matrix_adagrad_takes_the_inverse_root() -> None:
    path = PlainRun("full_matrix_adagrad", START, learning_rate=0.3).follow(logistic_gradient, 30)
    theta, total = START, np.zeros((5, 5))
    for t in range(30):
        slope = logistic_gradient(theta)
        total += np.outer(slope, slope)
        values, vectors = np.linalg.eigh(total)
        kept = values > 1e-12 * values[-1]
        theta = (
            theta - 0.3 * (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T @ slope
        )
        # forming G costs eps of its largest eigenvalue: 2e-16 / 1e-6 of a step in a direction that
        # is new by 1e-3
        np.testing.assert_allclose(path[t], theta, rtol=0, atol=1e-9)


def test_full_matrix_adagrad_commutes_with_rotations() -> None:
    turn = np.linalg.qr(HESSIAN + np.triu(np.ones((5, 5))))[0]
    plain = PlainRun("full_matrix_adagrad", START).follow(logistic_gradient, 40)
    turned = PlainRun("full_matrix_adagrad", turn @ START)
    path = turned.follow(lambda w: turn @ logistic_gradient(turn.T @ w), 40)
    # G is nearly singular at first: rounding is amplified by the root of its condition, 1e3
    np.testing.assert_allclose(path @ turn, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "hypers"),
    [
        ("full_matrix_adagrad", {"learning_rate": 0.5}),
        ("adaptive_gradient_descent", {}),
        ("polyak_step", {}),
        ("hypergradient", {"learning_rate": 0.02, "kappa": 1e-4}),
    ],
)
def test_from_zero_they_find_the_least_norm_solution(name: str, hypers: dict[str, float]) -> None:
    run = PlainRun(name, np.zeros(5), **hypers)
    theta = run.follow(least_squares_gradient, 3000, least_squares_loss)[-1]
    np.testing.assert_allclose(theta, LEAST_NORM, rtol=0, atol=1e-9)


def test_nero_turns_a_balanced_neuron_by_at_most_its_rate() -> None:
    rows, columns, rate = 3, 4, 0.02
    w = np.sin(np.arange(12.0) ** 2).reshape(rows, columns)
    w -= w.mean(axis=1, keepdims=True)
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    slope = np.cos(np.arange(12.0) ** 2).reshape(rows, columns)
    run = PlainRun("nero", w.ravel(), np.array([(0, rows, columns)]), learning_rate=rate)
    moved = run.step(slope.ravel()).reshape(rows, columns)
    expected = w - rate * slope / np.linalg.norm(slope, axis=1, keepdims=True)
    expected -= expected.mean(axis=1, keepdims=True)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(moved, expected, rtol=0, atol=1e-15)
    angles = np.arccos(np.sum(moved * w, axis=1))
    assert np.all(angles <= np.arctan(rate) + 1e-8) and np.all(angles > 0.0)


def test_nero_averages_squared_norms_of_neurons_and_keeps_them_balanced() -> None:
    layers, beta = np.array([(0, 2, 3), (6, 1, 2)]), 0.9
    theta = np.sin(np.arange(8.0))
    run = PlainRun("nero", theta, layers, learning_rate=0.1, beta=beta)
    parts, averages = [slice(0, 3), slice(3, 6), slice(6, 8)], np.zeros(3)
    for t in range(1, 21):
        slope = np.cos(np.arange(8.0) * t)
        for k, part in enumerate(parts):
            averages[k] = beta * averages[k] + (1.0 - beta) * slope[part] @ slope[part]
            neuron = theta[part] - 0.1 * slope[part] / np.sqrt(averages[k] / (1.0 - beta**t))
            neuron = neuron - neuron.mean()
            theta[part] = neuron / np.linalg.norm(neuron)
        np.testing.assert_allclose(run.step(slope), theta, rtol=0, atol=1e-13)
