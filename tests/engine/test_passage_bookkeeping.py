"""Passages of any trace, with the loop's functions as plain Python."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from small_instances import of_trace, separable

from optbench.engine import passages
from optbench.losses import exponential_loss, logistic_loss
from optbench.targets import RELATIVE_TARGETS

TARGETS = np.array(RELATIVE_TARGETS)


def fresh(
    loss: float,
    optimum: float = 0.0,
    reach: float = 0.0,
    smoothness: float = math.inf,
    anchored: int = 0,
):
    """A run at its start, without an engine."""
    fields = passages.no_passages(1, optimum, reach, smoothness, anchored)
    runs = SimpleNamespace(
        **fields,
        loss=np.array([loss]),
        exponents=np.zeros(1, np.int64),
        needs_loss=np.zeros(1, bool),
        status=np.zeros(1, np.int64),
        w=np.zeros((1, anchored)),
        gradient_w=np.zeros((1, anchored)),
    )
    passages.begin(runs)
    return runs


numbers = st.floats(-30.0, 3.0).map(lambda power: 10.0**power)
losses = st.one_of(numbers, st.sampled_from([0.0, math.nan, math.inf, *RELATIVE_TARGETS]))


@given(st.lists(losses, max_size=30), st.lists(st.integers(-2, 2), min_size=30, max_size=30))
def test_any_trace_in_any_units(trace, moves):
    runs = fresh(1.0)
    for step, (loss, move) in enumerate(zip(trace, moves, strict=False), start=1):
        runs.exponents[0] += move
        passages.set_band(0, runs)
        runs.loss[0] = loss * 2.0 ** float(runs.exponents[0])
        passages.follow(step, 0, runs)
    found = passages.passages(runs, np.array([len(trace)]))
    reached, kept = of_trace(np.array([1.0, *trace]))
    np.testing.assert_array_equal(found.reached[0], reached)
    np.testing.assert_array_equal(found.kept[0], kept)
    assert (found.reached <= found.kept).all()
    again = np.isfinite(found.reached) & (found.kept > found.reached)
    assert np.array_equal(~np.isnan(found.left), again)


@given(st.floats(0.0, 10.0), st.floats(1e-12, 10.0), st.lists(st.floats(-0.1, 3.0), max_size=20))
def test_any_optimum(optimum, gap, trace):
    runs = fresh(optimum + gap, optimum)
    for step, share in enumerate(trace, start=1):
        runs.loss[0] = optimum + share * gap
        passages.follow(step, 0, runs)
    found = passages.passages(runs, np.array([len(trace)]))
    every = np.array([optimum + gap, *(optimum + share * gap for share in trace)])
    goals = optimum + TARGETS * (every[0] - optimum)
    resolved = goals - optimum > 1e-14 * optimum  # what is nearer to the optimum is rounding
    for k in np.flatnonzero(resolved):
        below = every <= goals[k]
        first = np.flatnonzero(below)[0] if below.any() else np.inf
        assert found.reached[0, k] == first
    unresolved = TARGETS * (every[0] - optimum) < 4 * np.finfo(float).eps * optimum
    assert np.isinf(found.reached[0, unresolved]).all()


@pytest.mark.parametrize("row", [logistic_loss, exponential_loss])
@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=1, max_size=40))
def test_a_loss_is_asked_for_before_it_can_pass_a_target(row, walk):
    x = np.array([[1.0, 0.2], [0.3, -0.8]])
    w = np.zeros((len(walk) + 1, 2))
    w[1:] = np.cumsum(walk, axis=0)
    trace = [sum(row(float(z), 1.0)[0] for z in x @ each) for each in w]
    runs = fresh(trace[0], reach=math.sqrt(1.04), anchored=2)
    for step in range(1, len(trace)):
        runs.w[0] = w[step]
        passages.ask_for_losses(runs)
        if runs.needs_loss[0]:
            runs.loss[0] = trace[step]
            passages.follow(step, 0, runs)
    found = passages.passages(runs, np.array([len(walk)]))
    np.testing.assert_array_equal((found.reached[0], found.kept[0]), of_trace(np.array(trace)))


def mean_logistic(w, x):
    """Mean logistic loss of labels that are all 1, and its gradient."""
    margin = x @ w
    return np.mean(np.logaddexp(0.0, -margin)), -x.T @ (1.0 / (1.0 + np.exp(margin))) / len(x)


def test_gradient_descent_on_separable_data_asks_for_few_losses():
    instance = separable(optimal_value=float, steepness=1.0)
    x, w, asked = instance.features, np.zeros(12), 0
    runs = fresh(math.log(2.0), reach=instance.reach, anchored=12)
    for step in range(1, 2001):
        w = w - 0.5 * mean_logistic(w, x)[1]
        runs.w[0] = w
        passages.ask_for_losses(runs)
        if runs.needs_loss[0]:
            asked += 1
            runs.loss[0] = mean_logistic(w, x)[0]
            passages.follow(step, 0, runs)
    assert runs.level[0] > 0
    assert asked < 200


@pytest.mark.parametrize(("momentum", "most"), [(0.0, 0.15), (0.9, 0.2)])
def test_few_losses_are_asked_for_where_the_optimum_is_not_0(momentum, most):
    """There the gap is small against the loss, whose logarithm tells of no step that it is safe.

    All steps of gradient descent asked for it.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 10)) * np.geomspace(1.0, 0.05, 10)
    x *= np.sign(x[:, :1] + x[:, 1:2] * x[:, 2:3] + rng.standard_normal((200, 1)))
    best = minimize(mean_logistic, np.zeros(10), (x,), jac=True, method="BFGS", tol=1e-15)
    smoothness, optimum = np.linalg.norm(x, 2) ** 2 / 800, float(best.fun)
    reach = math.sqrt(float((x**2).sum(axis=1).max()))
    w, velocity, asked, trace = np.zeros(10), np.zeros(10), 0, [math.log(2.0)]
    runs = fresh(trace[0], optimum, reach, smoothness, anchored=10)
    for step in range(1, 2001):
        velocity = momentum * velocity + mean_logistic(w, x)[1]
        w = w - (0.5 if momentum else 1.0) / smoothness * velocity
        loss, gradient = mean_logistic(w, x)
        trace.append(loss)
        runs.w[0] = w
        passages.ask_for_losses(runs)
        if runs.needs_loss[0]:
            asked += 1
            runs.loss[0], runs.gradient_w[0] = loss, gradient
            passages.follow(step, 0, runs)
    found = passages.passages(runs, np.array([2000]))
    every = of_trace(np.array(trace) - optimum)
    np.testing.assert_array_equal((found.reached[0], found.kept[0]), every)
    assert np.isfinite(found.reached[0, 2])
    assert asked < most * 2000
