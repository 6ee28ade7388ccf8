"""my_optimizer keeps the contract, and its path is that of the formula."""

from pathlib import Path

import numpy as np

import optbench
from optbench.check import check

FILE = Path(__file__).with_name("my_optimizer.py")


def test_contract():
    assert [result for result in check(str(FILE)) if result.passed is False] == []


def test_closed_form():
    """On a quadratic, steps are powers of a matrix, which NumPy takes without any optimizer.

    With H = X^T X / n and the minimizer m, (theta - m, v) becomes M (theta - m, v) with
    M = [[I - learning_rate H, -learning_rate momentum I], [H, momentum I]].
    """
    learning_rate, momentum, steps = 0.1, 0.8, 50
    generator = np.random.default_rng(0)
    features, targets = generator.standard_normal((30, 4)), generator.standard_normal(30)
    instance = optbench.Instance(
        problem="least_squares",
        features=features,
        targets=targets,
        kind="regression",
        row=squared_error,
        scale=1.0 / 30,
    )
    result = optbench.run(
        instance,
        "my_optimizer",
        plugins=[str(FILE)],
        horizon=steps,
        learning_rate=learning_rate,
        momentum=momentum,
    )
    hessian, eye = features.T @ features / 30, np.eye(4)
    minimizer = np.linalg.lstsq(features, targets, rcond=None)[0]
    matrix = np.block(
        [
            [eye - learning_rate * hessian, -learning_rate * momentum * eye],
            [hessian, momentum * eye],
        ]
    )
    power = np.linalg.matrix_power(matrix, steps)
    expected = minimizer + (power @ np.concatenate([-minimizer, np.zeros(4)]))[:4]
    # Fifty steps of a contraction: rounding errors of 1e-16 add up to no more than 1e-13.
    np.testing.assert_allclose(result.w, expected, rtol=0, atol=1e-12)


def squared_error(prediction, target):
    """Loss of a row and its slope: the objective is their mean."""
    residual = prediction - target
    return 0.5 * residual * residual, residual
