"""Samples of rows for objectives of a plug-in's own: networks, whose gradients no product gives."""

from __future__ import annotations

import numpy as np
import pytest
from small_instances import bits, one_chunk, python

from optbench import UserError
from optbench.check.objective import mean_of_rows
from optbench.check.outcome import Failed
from optbench.engine.oracles.catalogue import missing_oracle
from optbench.instance import Instance
from optbench.parametrizations import parametrization
from optbench.random import integer, seeded
from optbench.registry import load_registry

SGD, SVRG = "stochastic_gradient_descent", "stochastic_variance_reduced_gradient"
NETWORK = load_registry().problem("small_network").build(activation="tanh", n=12, d=3, hidden=4)


def network_gradient(theta: np.ndarray, rows: list[int]) -> np.ndarray:
    """Of the mean of (f(x) - y)^2 / 2 over rows, f(x) = a . tanh(W x) / 2, by matrices."""
    weights, a = theta[:12].reshape(4, 3), theta[12:]
    x, y = NETWORK.features[rows], NETWORK.targets[rows]
    h = np.tanh(x @ weights.T)
    slopes = (h @ a / 2.0 - y) / (2.0 * len(rows))
    return np.concatenate([((slopes[:, None] * (1.0 - h**2) * a).T @ x).ravel(), slopes @ h])


@pytest.mark.parametrize("batch", [1, 5, 300])
def test_steps_are_those_of_the_drawn_rows(batch: int) -> None:
    chunk = one_chunk(NETWORK, SGD, [0.3, 0.6], [4, 9], batch=batch)
    theta = chunk.runs.theta.copy()
    chunk.advance(40)
    for run, (rate, seed) in enumerate([(0.3, 4), (0.6, 9)]):
        rng = seeded(seed)
        for _ in range(40):
            rows = [integer(rng, 12) for _ in range(batch)]
            theta[run] -= rate * network_gradient(theta[run], rows)
    np.testing.assert_allclose(chunk.runs.theta, theta, rtol=1e-11)
    # records hold the whole loss
    h = np.tanh(NETWORK.features @ theta[0, :12].reshape(4, 3).T)
    loss = 0.5 * np.mean((h @ theta[0, 12:] / 2.0 - NETWORK.targets) ** 2)
    assert np.exp(chunk.records.log_loss[-1, 0]) == pytest.approx(loss, rel=1e-11)
    assert chunk.records.evaluations[-1, 0] == pytest.approx(40 * batch / 12)


def test_the_same_rows_are_evaluated_at_the_probe() -> None:
    """Variance-reduced: theta <- theta - rate (g_B(theta) - g_B(snapshot) + g(snapshot))."""
    chunk = one_chunk(NETWORK, SVRG, [0.5], [3], batch=2, epoch=5)
    theta = snapshot = chunk.runs.theta[0].copy()
    chunk.advance(23)
    rng = seeded(3)
    for step in range(23):
        snapshot = theta.copy() if step % 5 == 0 else snapshot
        rows = [integer(rng, 12) for _ in range(2)]
        change = network_gradient(theta, rows) - network_gradient(snapshot, rows)
        theta = theta - 0.5 * (change + network_gradient(snapshot, list(range(12))))
    np.testing.assert_allclose(chunk.runs.theta[0], theta, rtol=1e-11)


def test_the_same_bits_however_cut_and_in_plain_python() -> None:
    batch = one_chunk(NETWORK, SGD, [0.1, 0.2, 0.5], [1, 2, 3], batch=3)
    batch.advance(60)
    alone = one_chunk(NETWORK, SGD, [0.2], [2], batch=3)
    for horizon in (0, 1, 17, 60):
        alone.advance(horizon)
    assert bits(alone) == bits(batch, 1)
    script = (
        "from test_own_samples import *\n"
        "chunk = one_chunk(NETWORK, SGD, [0.2], [2], batch=3)\n"
        "chunk.advance(60)\n"
        "print(*chunk.runs.theta[0].tolist())"
    )
    plain = [float(x) for x in python(script, NUMBA_DISABLE_JIT="1").split()]
    np.testing.assert_allclose(plain, alone.runs.theta[0], rtol=1e-12)


def test_what_needs_more_than_the_rows_is_skipped_with_its_reason() -> None:
    registry, linear = load_registry(), parametrization("linear", NETWORK.dimension)
    reasons = {
        name: missing_oracle(NETWORK, linear, registry.optimizer(name))
        for name in (SGD, SVRG, "saga", "online_natural_gradient")
    }
    assert reasons[SGD] is None and reasons[SVRG] is None
    assert "small_network has an objective of its own" in reasons["saga"]
    assert "small_network has an objective of its own" in reasons["online_natural_gradient"]


def total(w, data, grad):
    """A sum over rows, not their mean."""
    grad[:] = 0.0
    for i in range(data.shape[0]):
        for j in range(w.size):
            grad[j] += data[i, j]
    return 0.0


def test_a_sum_that_says_it_is_a_mean_fails_its_check() -> None:
    wrong = Instance(
        "wrong", np.eye(3), np.ones(3), "other", loss_and_grad=total, mean_of_rows=True
    )
    with pytest.raises(Failed, match=r"the gradient differs by .* from the mean over single rows"):
        mean_of_rows(wrong)


def test_row_losses_need_no_declaration() -> None:
    def row(prediction, target):
        return prediction, 1.0

    with pytest.raises(UserError, match="mean_of_rows is of an objective of the plug-in's own"):
        Instance("wrong", np.eye(3), np.ones(3), "other", row=row, mean_of_rows=True)
