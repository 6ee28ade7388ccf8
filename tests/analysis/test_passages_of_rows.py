"""What rows say of passages: first, last, exact or interpolated."""

from __future__ import annotations

import pytest
from searched_cells import REGRESSION, cell, searched

from optbench.analysis.rows import convergence_row
from optbench.targets import TARGET_NAMES


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
