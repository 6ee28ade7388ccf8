"""The network objective of claims against NumPy and complex steps."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.claims.simulation import decay_rate, regression, start
from optbench.claims.simulation.network import flat, matrices, network, product
from optbench.errors import UserError

SCALE, DECAY = 0.3, 0.2


def plain_loss(theta, widths, inputs, targets, slope):
    """Return the loss by NumPy; works for complex theta."""
    *hidden, last = matrices(theta, widths)
    output = inputs
    for matrix in hidden:
        output = matrix @ output
        output = np.where(output.real > 0.0, output, slope * output)
    return 0.5 * SCALE * ((last @ output - targets) ** 2).sum() + 0.5 * DECAY * (theta**2).sum()


@pytest.mark.parametrize("by_sample", [False, True])
@pytest.mark.parametrize("slope", [1.0, 0.1, 0.0])
@pytest.mark.parametrize("widths", [(5, 9, 4, 3), (6, 3), (2, 1, 7)])
def test_loss_and_gradient(widths, slope, by_sample) -> None:
    """A complex step has no cancellation: derivatives to rounding, sums of about 100 terms."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.standard_normal((widths[0], 9)), rng.standard_normal((widths[-1], 9))
    instance = network(widths, inputs, targets, SCALE, DECAY, slope, by_sample)
    theta = rng.standard_normal((2, instance.dimension))
    chunk = start(instance, "linear", "gradient_descent", [{"learning_rate": 0.0}] * 2, theta)
    chunk.advance(0)
    for run in range(2):
        expected = plain_loss(theta[run], widths, inputs, targets, slope)
        assert chunk.runs.loss[run] == pytest.approx(expected, rel=1e-13)
        assert np.exp(chunk.records.log_loss[0, run]) == pytest.approx(expected, rel=1e-13)
        steps = theta[run] + 1e-30j * np.eye(instance.dimension)
        slopes = [plain_loss(step, widths, inputs, targets, slope).imag / 1e-30 for step in steps]
        size = np.abs(slopes).max()
        np.testing.assert_allclose(chunk.runs.gradient[run], slopes, rtol=1e-12, atol=1e-14 * size)


def test_weights_and_products() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((5, 4)), rng.standard_normal((2, 5))
    theta = flat([first, second])
    assert np.array_equal(matrices(theta, (4, 5, 2))[1], second)
    np.testing.assert_allclose(product(theta[None], (4, 5, 2))[0], second @ first)


def test_runs_started_together_are_the_runs_alone() -> None:
    rng = np.random.default_rng(0)
    instance = regression(rng.standard_normal((4, 6)), rng.standard_normal(4))
    hypers = [{"learning_rate": 0.01}, {"learning_rate": 0.02}]
    together = start(instance, "diagonal", "gradient_descent", hypers)
    together.advance(50)
    for run, given in enumerate(hypers):
        alone = start(instance, "diagonal", "gradient_descent", [given])
        alone.advance(50)
        assert np.array_equal(alone.runs.w[0], together.runs.w[run])


def test_hyperparameters_must_be_known_and_complete() -> None:
    instance = regression(np.eye(2), np.ones(2))
    with pytest.raises(UserError, match="give learning_rate a value"):
        start(instance, "linear", "gradient_descent")
    with pytest.raises(UserError, match="unknown hyperparameters rate"):
        start(instance, "linear", "gradient_descent", [{"rate": 1.0}])


def test_decay_rate_of_an_exponential() -> None:
    """Exact up to rounding; two records say nothing about a law."""
    times = np.array([0.0, 1.0, 5.0, 7.0])
    assert decay_rate(times, 3.0 - 0.25 * times) == pytest.approx(0.25, rel=1e-14)
    assert np.isnan(decay_rate(times[:2], times[:2]))
