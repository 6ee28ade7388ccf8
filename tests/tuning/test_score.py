"""What makes a rate better than another, against the runs' own numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from small_instances import one_chunk, regression

from optbench.instance import Instance
from optbench.targets import log_suboptimality
from optbench.tuning.score import LOST, Score, least_kept, over_seeds, score


def quadratic(smallest: float, largest: float) -> Instance:
    """1/2 w^T diag(smallest, largest) w around (1, 1), whose critical rate is 2 / largest."""
    features = np.diag(np.sqrt([smallest, largest]))
    instance = regression(
        features, features.sum(axis=1), optimal_value=float, smoothness=lambda: largest / 2.0
    )
    assert instance.scale == 0.5
    return instance


def test_runs_that_keep_the_target_come_before_those_that_do_not():
    instance = quadratic(0.25, 1.0)
    chunk = one_chunk(instance, "gradient_descent", [1e-3, 0.3, 2.0, 100.0])
    chunk.advance(300)
    slow, middle, fast, lost = score(instance, chunk)
    assert fast < middle < slow < lost
    assert fast.kept < middle.kept < slow.kept == lost.kept == math.inf
    assert [each.lost for each in (slow, middle, fast, lost)] == [0, 0, 0, 1]
    # the loss is the sum over both modes of curvature (1 - rate curvature / 2)^(2 t) / 4
    modes = np.array([0.25, 1.0])
    left = (modes * (1.0 - 1e-3 * modes / 2.0) ** 600).sum() / modes.sum()
    assert slow.gap == pytest.approx(math.log(left), rel=1e-9)


def test_a_target_that_is_left_again_does_not_count():
    """Heavy ball on one mode oscillates: it is at 1e-8 long before it stays there."""
    instance = quadratic(1.0, 1.0)
    chunk = one_chunk(instance, "heavy_ball", [0.5], momentum=0.9)
    chunk.advance(1_000, steps=np.arange(1_001))
    gaps = chunk.records.loss[:, 0] / chunk.records.loss[0, 0]
    above = np.flatnonzero(gaps > 1e-8)
    (found,) = score(instance, chunk)
    assert found.kept == above[-1] + 1 > np.flatnonzero(gaps <= 1e-8)[0]
    assert least_kept(instance, chunk) == [found.kept]


def test_a_target_that_was_left_counts_only_after_a_while_but_bounds_what_can_follow():
    """A run that goes on may keep it from the step at which it has just come back."""
    instance = quadratic(1.0, 1.0)
    made = [one_chunk(instance, "heavy_ball", [0.5], momentum=0.9) for _ in range(2)]
    made[0].advance(1_000, steps=np.arange(1_001))
    (whole,) = score(instance, made[0])
    soon = round(whole.kept) + 3
    made[1].advance(soon, steps=np.arange(soon + 1))
    (found,) = score(instance, made[1])
    assert found.kept == math.inf and least_kept(instance, made[1]) == [whole.kept]


def test_no_continuation_keeps_a_target_earlier_than_its_bound():
    instance = quadratic(1.0, 1.0)
    chunk = one_chunk(instance, "heavy_ball", [0.5], momentum=0.9)
    bounds = []
    for step in range(10, 400, 10):
        chunk.advance(step)
        bounds += least_kept(instance, chunk)
    (found,) = score(instance, chunk)
    assert np.all(np.diff(bounds) >= 0.0) and bounds[-1] <= found.kept


def test_a_rate_that_loses_one_seed_is_behind_every_rate_that_loses_none():
    fast, slow = Score(0, 10.0, 0, -40.0, 10.0), Score(0, math.inf, 5, -1.0, math.inf)
    assert over_seeds([fast, LOST, fast]) == (1, *fast[1:])
    assert over_seeds([slow, slow, slow]) < over_seeds([fast, LOST, fast])
    assert over_seeds([fast, slow]).kept == math.inf  # half of the seeds is no median


def test_each_number_tells_apart_what_is_equal_in_those_before_it():
    order = [
        Score(0, 10.0, 0, -30.0, 10.0),
        Score(0, 10.0, 0, -20.0, 10.0),
        Score(0, 11.0, 0, -90.0, 11.0),
        Score(0, math.inf, 1, -1.0, 900.0),
        Score(0, math.inf, 2, -9.0, 5.0),
        Score(0, math.inf, 2, -9.0, 6.0),
        LOST,
    ]
    assert sorted(reversed(order)) == order


@pytest.mark.parametrize("horizon", [1_000, 1_001])
def test_whether_the_horizon_is_even_does_not_decide(horizon):
    """Signs with the step 0.9995 on a square around 1 go to 0.9995, 1.999, 0.9995, ...: every other
    gap is 2.5e-7, and the steps between are back at 1.  With 0.0076 they stay within that of 1."""
    instance = quadratic(1.0, 1.0)
    chunk = one_chunk(instance, "sign_descent", [0.0076, 0.9995], decay=0.0)
    chunk.advance(horizon, steps=np.arange(horizon + 1))
    small, large = score(instance, chunk)
    assert (small.missed, large.missed) == (2, 5) and small < large
    gaps = chunk.records.loss[:, 0] / chunk.records.loss[0, 0]
    assert small.since == np.flatnonzero(gaps > 1e-4)[-1] + 1


def test_gaps_that_are_both_rounding_are_told_apart_by_the_steps():
    """The optimum is 1, the first gap 1e-14, 45 units of the last place of the loss: 1e-1 of it
    is the only target that is above rounding, and where both end the slower one was first."""
    features = np.array([[1.0], [0.0]])
    targets = np.array([2e-7, 2.0])  # the loss is a quarter of the sum of squares
    instance = regression(features, targets, optimal_value=lambda: 1.0, smoothness=lambda: 1.0)
    chunk = one_chunk(instance, "gradient_descent", [0.05, 0.9])
    chunk.advance(3_000)
    slow, fast = score(instance, chunk)
    assert slow.gap == fast.gap and slow.missed == fast.missed
    assert fast.since < slow.since < math.inf and fast < slow


@pytest.mark.parametrize(("lower", "higher"), [(-5.0, -2.0), (-2.0, 1e-9), (1e-9, 3.0)])
def test_without_an_optimum_lower_losses_are_better_also_below_zero(lower, higher):
    made = [one_chunk(quadratic(1.0, 1.0), "gradient_descent", [0.1]) for _ in range(2)]
    unknown = regression(np.eye(2), np.ones(2), optimal_value=lambda: math.nan)
    for chunk, loss in zip(made, (lower, higher), strict=True):
        chunk.advance(1)
        chunk.records.loss[-1] = loss
        with np.errstate(invalid="ignore"):
            chunk.records.log_loss[-1] = np.log(loss)
    assert score(unknown, made[0])[0] < score(unknown, made[1])[0]


def test_the_gap_is_above_a_known_optimum_and_floored_at_rounding():
    instance = regression(np.eye(2), np.zeros(2), optimal_value=lambda: 0.5)
    loss = np.array([1.5, 0.5, np.nan])
    gaps = log_suboptimality(np.log(loss), loss, instance.optimum)
    assert gaps[0] == pytest.approx(0.0, abs=1e-15)
    assert gaps[1] == pytest.approx(math.log(2.0 * np.finfo(float).eps))
    assert np.isnan(gaps[2])
    zero = regression(np.eye(2), np.zeros(2), optimal_value=float)
    below = np.array([-1e6])  # far below the smallest float64
    assert log_suboptimality(below, np.zeros(1), zero.optimum)[0] == -1e6
