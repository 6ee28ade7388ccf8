"""The committee machine's error, gradient and Fisher matrix against quadrature and differences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import erf

from optbench.claims.simulation import start
from optbench.claims.simulation.committee import SPACE, UNITS, committee

NODES = 24  # of Gauss-Hermite in each of four directions: erf of short weights is smooth
THETA = 0.5 * np.random.Generator(np.random.PCG64(1)).standard_normal(UNITS * SPACE)


def quadrature() -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights for a standard Gaussian in R^4."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    points = np.array(list(product(nodes, repeat=SPACE)))
    return points, np.prod(list(product(weights / weights.sum(), repeat=SPACE)), axis=1)


def step(natural: bool) -> tuple[float, np.ndarray]:
    """Return the error at THETA and what one step of rate 1 subtracts from it."""
    chunk = start(committee(natural), "linear", "gradient_descent", [{"learning_rate": 1.0}], THETA)
    chunk.advance(1, steps=np.array([0, 1]))
    return float(chunk.records.loss[0, 0]), THETA - chunk.records.snapshots[1, 0]


def test_error_gradient_and_natural_gradient() -> None:
    points, weights = quadrature()
    inside = points @ THETA.reshape(UNITS, SPACE).T
    outputs = erf(inside / np.sqrt(2.0)).sum(axis=1)
    residual = outputs - erf(points[:, :UNITS] / np.sqrt(2.0)).sum(axis=1)
    slopes = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * inside**2)
    jacobian = (slopes[:, :, None] * points[:, None]).reshape(len(points), -1)
    gradient = (weights * residual) @ jacobian
    fisher = jacobian.T @ (weights[:, None] * jacobian)
    error, moved = step(natural=False)
    assert error == pytest.approx(0.5 * weights @ residual**2, rel=1e-4)
    assert moved == pytest.approx(gradient, abs=1e-4)
    assert step(natural=True)[1] == pytest.approx(np.linalg.solve(fisher, gradient), rel=1e-2)
