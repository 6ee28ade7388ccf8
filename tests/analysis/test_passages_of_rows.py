"""What rows say of passages: first, last, exact or interpolated."""

from __future__ import annotations

import numpy as np
import pytest
from searched_cells import REGRESSION, cell, searched
from small_instances import regression

from optbench.analysis.progress import Progress
from optbench.analysis.rows import convergence_row
from optbench.choices import choose_one
from optbench.registry import load_registry
from optbench.status import Status
from optbench.study import make_cells
from optbench.targets import TARGET_NAMES, Passages


def row(made, rates, horizon, seeds=1, best=None):
    search = searched(made, horizon, rates, seeds)
    return convergence_row(made, search, horizon, seeds, {} if best is None else best)


@pytest.fixture(scope="module")
def bursts():
    """Adam whose rate is far too large to rest: it is at 1e-8 early, and bursts ever after."""
    return row(cell("linear_regression:data=gaussian", "adam"), [0.3], 20_000)


def test_a_run_that_bursts_has_reached_a_target_and_left_it_and_does_not_succeed(bursts):
    assert bursts.reached["1e-8"] < 1000
    assert bursts.steps_to["1e-8"] is None
    assert bursts.left_again_at["1e-8"] == 20_000
    assert (bursts.success_rate, bursts.passages) == (0.0, "exact")
    assert bursts.seconds_to["1e-8"] is None


def test_first_passage_is_never_after_the_kept_step(bursts):
    for name in TARGET_NAMES:
        kept, last = bursts.steps_to[name], bursts.left_again_at[name]
        if kept is not None:
            assert bursts.reached[name] <= kept
            assert (last is None) == (kept == bursts.reached[name])
            assert last in (None, kept - 1)


def test_rows_say_what_is_interpolated():
    exact = row(cell(REGRESSION), [0.1], 100)
    sampled = row(cell(REGRESSION, "stochastic_gradient_descent[batch=2]"), [0.01], 100)
    assert (exact.passages, sampled.passages) == ("exact", "interpolated")
    (entry,) = sampled.learning_rates
    assert entry.passages == "interpolated"


def test_an_optimum_from_other_rows_is_not_the_one_that_runs_knew():
    made = cell(REGRESSION)
    best = {made.instance: -1.0}
    assert row(made, [0.1], 100, best=best).passages == "interpolated"
    unknown = row(made, [0.1], 100, best={made.instance: float("nan")})
    assert unknown.passages == ""
    assert set(unknown.reached.values()) == {None}


@pytest.mark.parametrize("seeds", [2, 3, 4, 5])
def test_over_seeds_first_last_and_kept_steps_are_of_one_run(seeds):
    """Medians of each over all seeds contradict each other: left again at 338, kept from 181."""
    made = cell(
        "linear_regression:data=gaussian,n=20,d=5", "stochastic_gradient_descent", seeds=seeds
    )
    rates, told = [0.006, 0.0186, 0.05], 0
    for found in row(made, rates, 500, seeds).learning_rates:
        for name in TARGET_NAMES:
            first, kept = found.reached[name], found.steps_to[name]
            left = found.left_again_at[name]
            if kept is not None:
                assert (left is None) == (first == kept) and left in (None, kept - 1)
                told += left is not None
            assert left is None or first < left
    assert told > 0


def test_the_median_seed_is_that_of_the_kept_steps():
    """By hand: three runs, of which two leave the target again."""
    reached, kept = (np.repeat([x], 5, axis=0).T for x in ([170.0, 20, 90], [181.0, 400, 90]))
    passages = Passages(reached, kept, last=np.full(3, 1_000.0), exact=np.ones(3, bool))
    nothing = np.zeros(0)
    empty = (nothing,) * 5
    went = Progress([], [Status.HORIZON] * 3, *empty, passages, True)
    assert went.steps_to["1e-8"] == 181.0
    assert (went.reached["1e-8"], went.left_again_at["1e-8"]) == (170.0, 180.0)


def test_targets_below_the_rounding_of_the_optimum_are_no_failures():
    """The first gap is 1e-14 of an optimum of 1: a hundredth of it is below its last place."""
    features, targets = np.array([[1.0], [0.0]]), np.array([2e-7, 2.0])
    instance = regression(features, targets, optimal_value=lambda: 1.0, smoothness=lambda: 1.0)
    choice = choose_one(load_registry(), "gradient_descent")
    (made,) = make_cells((instance,), [choice], ())
    found = row(made, [0.9], 300)
    assert found.below_rounding == TARGET_NAMES[1:] and found.steps_to["1e-1"] is not None
    assert (found.success_target, found.success_rate) == ("1e-1", 1.0)
    plain = row(cell(REGRESSION), [0.1], 100)
    assert (plain.below_rounding, plain.success_target) == ((), "1e-8")
