"""Schedule-free methods against the paper's formulas in NumPy, and against optax."""

from __future__ import annotations

import numpy as np
import pytest
from plain_runs import PlainRun
from small_problems import START, logistic_gradient, quadratic_gradient

STEPS = 100
SGD = {"learning_rate": 0.1, "momentum": 0.9}
ADAMW = {"learning_rate": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 0.02, "weight_decay": 0.3}
GRADIENTS = {"quadratic": quadratic_gradient, "logistic": logistic_gradient}


def both(name, gradient, **hypers) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """Where gradients are taken and what is measured, after each step."""
    run, theta, output = PlainRun(name, START, **hypers), [], []
    for _ in range(STEPS):
        theta.append(run.step(gradient(run.theta)))
        output.append(run.output.copy())
    return np.array(theta), np.array(output)


def assert_close(ours, theirs) -> None:  # type: ignore[no-untyped-def]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-11)  # 100 roundings of 1e-16


@pytest.mark.parametrize("problem", GRADIENTS)
def test_sgd_measures_the_mean_of_its_base_iterates(problem: str) -> None:
    """Equations 1 to 3 of arXiv:2405.15682; x by its definition, the mean of all z."""
    gradient = GRADIENTS[problem]
    theta, output = both("schedule_free_sgd", gradient, **SGD)
    base, y = [START], START
    for t in range(STEPS):
        base.append(base[-1] - 0.1 * gradient(y))
        x = np.mean(base[1:], axis=0)
        y = 0.1 * base[-1] + 0.9 * x
        assert_close(output[t], x)
        assert_close(theta[t], y)


@pytest.mark.parametrize("problem", GRADIENTS)
def test_adamw_follows_the_pseudo_code(problem: str) -> None:
    """Algorithm 1 of arXiv:2405.15682 without warm-up."""
    gradient = GRADIENTS[problem]
    theta, output = both("schedule_free_adamw", gradient, **ADAMW)
    z = x = y = START
    v = np.zeros(START.size)
    for t in range(1, STEPS + 1):
        g = gradient(y)
        v = 0.95 * v + 0.05 * g**2
        v_hat = v / (1.0 - 0.95**t)
        z = z - 0.02 * g / (np.sqrt(v_hat) + 0.02) - 0.02 * 0.3 * y
        x = (1.0 - 1.0 / t) * x + z / t
        y = 0.2 * z + 0.8 * x
        assert_close(output[t - 1], x)
        assert_close(theta[t - 1], y)


@pytest.mark.parametrize("problem", GRADIENTS)
@pytest.mark.parametrize("name", ["schedule_free_sgd", "schedule_free_adamw"])
def test_follows_optax(name: str, problem: str) -> None:
    pytest.importorskip("torch")  # counterparts needs it
    optax = pytest.importorskip("optax")
    from counterparts import optax_path
    from optax import contrib

    if name == "schedule_free_sgd":
        rule, ours = contrib.schedule_free_sgd(0.1, b1=0.9), SGD
    else:
        ours = ADAMW
        # its bias correction is where ours is; optax.contrib's own AdamW has eps_root
        rule = contrib.schedule_free_adamw(0.02, b1=0.8, b2=0.95, eps=0.02, weight_decay=0.3)
    assert optax
    path = optax_path(rule, problem, tuple(range(1, STEPS + 1)), False)
    assert_close(both(name, GRADIENTS[problem], **ours)[0], list(path.values()))
