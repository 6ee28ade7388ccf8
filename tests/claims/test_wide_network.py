"""The vectorised network objective against NumPy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.claims.simulation import start
from optbench.claims.simulation.network import matrices
from optbench.claims.simulation.wide_network import wide_network

WIDTHS = (5, 9, 4, 3)
SCALE = 0.3


def loss(theta, inputs, targets, slope):
    """scale/2 ||f(A) - B||^2; works for complex theta."""
    *hidden, last = matrices(theta, WIDTHS)
    output = inputs
    for matrix in hidden:
        output = matrix @ output
        output = np.where(output.real > 0.0, output, slope * output)
    return 0.5 * SCALE * ((last @ output - targets) ** 2).sum()


@pytest.mark.parametrize("slope", [1.0, 0.1, 0.0])
def test_loss_and_gradient(slope):
    """A complex step has no cancellation: derivatives to rounding, sums of about 100 terms."""
    generator = np.random.Generator(np.random.PCG64(0))
    inputs, targets = generator.standard_normal((5, 7)), generator.standard_normal((3, 7))
    theta = generator.standard_normal(5 * 9 + 9 * 4 + 4 * 3)
    instance, layers = wide_network(WIDTHS, inputs, targets, SCALE, slope)
    chunk = start(instance, layers, "gradient_descent", [{"learning_rate": 0.0}], theta)
    chunk.advance(0)
    steps = theta + 1e-30j * np.eye(theta.size)
    expected = [loss(step, inputs, targets, slope).imag / 1e-30 for step in steps]
    assert chunk.runs.loss[0] == pytest.approx(loss(theta, inputs, targets, slope), rel=1e-13)
    size = np.abs(expected).max()
    np.testing.assert_allclose(chunk.runs.gradient[0], expected, rtol=1e-12, atol=1e-14 * size)
