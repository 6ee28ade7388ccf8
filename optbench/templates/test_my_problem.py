"""my_problem keeps the contract, and its objective and optimal value are those of SciPy."""

from pathlib import Path

import numpy as np
from scipy.optimize import least_squares
from scipy.special import pseudo_huber

import optbench
from optbench.check import check

FILE = Path(__file__).with_name("my_problem.py")


def run(horizon):
    return optbench.run(
        "my_problem", "gradient_descent", plugins=[str(FILE)], horizon=horizon, learning_rate=0.3
    )


def test_contract():
    assert [result for result in check(str(FILE)) if result.passed is False] == []


def test_objective():
    result = run(10)
    instance = result.spec.instance
    _, predictors = result.snapshots
    for w, loss in zip(predictors, result.loss, strict=True):
        expected = np.mean(pseudo_huber(1.0, instance.features @ w - instance.targets))
        np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_optimal_value():
    """SciPy's "soft_l1" of r^2 is twice this loss of r."""
    result = run(10_000)
    instance = result.spec.instance
    found = least_squares(
        lambda w: instance.features @ w - instance.targets,
        np.zeros(instance.dimension),
        loss="soft_l1",
        gtol=1e-12,
    )
    # The loss is flat at its minimum: an error of 1e-8 in w is one of 1e-16 in the loss.
    np.testing.assert_allclose(instance.optimum, found.cost / len(instance.targets), rtol=1e-12)
    np.testing.assert_allclose(result.loss[-1], instance.optimum, rtol=1e-12)
    np.testing.assert_allclose(result.w, found.x, atol=1e-6)
