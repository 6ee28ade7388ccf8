"""Times in the rows: in turn with the baseline, of one session an instance, with their date."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from searched_cells import cell, searched

from optbench import compare
from optbench.analysis import comparison, costs, rows
from optbench.analysis.costs import Costs
from optbench.registry import load_registry
from optbench.timing import StepTime

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
BASELINE = load_registry().baseline


def timed(made, baseline=BASELINE):
    found = searched(made, rates=[0.01])
    row = rows.convergence_row(made, found, 1_000, 1, {})
    return Costs(baseline, "2026-01-02T03:04:05+00:00").timed(made, row)


def test_a_row_has_its_time_its_cost_and_their_date():
    row = timed(cell(optimizer="adam"))
    low, high = row.relative_cost_interval
    assert 1.0 < low <= row.relative_cost <= high  # a square root more for each coordinate
    assert (row.baseline, row.timed_on) == ("gradient_descent", "2026-01-02T03:04:05+00:00")
    for name, steps in row.steps_to.items():
        expected = None if steps is None else pytest.approx(steps * row.ns_per_step * 1e-9)
        assert row.seconds_to[name] == expected


def test_the_baseline_costs_once_itself_and_any_optimizer_may_be_it():
    row = timed(cell())
    assert (row.relative_cost, row.relative_cost_interval) == (1.0, None)
    adam = cell(optimizer="adam")
    row = timed(cell(), replace(adam.choice.optimizer, baseline=True))
    assert row.baseline == "adam" and 0.0 < row.relative_cost < 1.0
    row = timed(cell(), None)
    assert row.ns_per_step > 0.0 and (row.relative_cost, row.baseline) == (None, None)


def test_a_run_that_diverges_is_not_timed():
    made = cell()
    row = rows.convergence_row(made, searched(made, rates=[1e3]), 1_000, 1, {})
    assert Costs(BASELINE).timed(made, row) == row and row.timed_on is None


def test_the_baseline_of_a_comparison_is_that_of_the_user(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        '"""A test."""\nfrom optbench import Hyper, optimizer\n'
        '@optimizer(reference="a test", baseline=True)\n'
        'def mine(theta, grad, rate=Hyper(tune="log")):\n'
        "    for i in range(theta.size):\n        theta[i] -= rate * grad[i]\n"
    )
    result = compare(REGRESSION, ["adam"], horizon=300, plugins=[str(file)], rerun=True)
    assert result.convergence_rows[0].baseline == "mine"
    assert load_registry().baseline.name == "gradient_descent"


@pytest.fixture(name="clock")
def fake_clock(monkeypatch):
    """Sessions of known dates, each on a machine three times slower than that of the last one."""
    session = {"now": 0}

    def step_time(own, baseline=None):
        slow = 3.0 ** session["now"]
        ratio = math.nan if baseline is None else 1.5
        return StepTime(20.0 * slow, ratio, (1.4, 1.6))

    monkeypatch.setattr(costs, "step_time", step_time)
    monkeypatch.setattr(comparison, "Costs", lambda base: Costs(base, f"day {session['now']}"))
    return session


def told(*optimizers, horizon):
    result = compare(REGRESSION, list(optimizers), horizon=horizon, learning_rates=[0.01])
    return [(r.ns_per_step, r.relative_cost, r.timed_on) for r in result.convergence_rows]


def test_a_stored_time_is_never_beside_a_fresh_one(clock):
    """A row that is read back is timed again with what is new; alone it keeps time and date."""
    horizon = 301  # of this test alone
    first = told("adam", horizon=horizon)
    assert first == [(20.0, 1.5, "day 0")]
    clock["now"] = 1
    assert told("adam", horizon=horizon) == first
    both = told("adam", "gradient_descent", horizon=horizon)
    assert both == [(60.0, 1.5, "day 1"), (60.0, 1.0, "day 1")]
    clock["now"] = 2  # and that is what was kept
    assert told("adam", "gradient_descent", horizon=horizon) == both


def test_stored_times_of_two_days_are_measured_again(clock):
    horizon = 302
    told("adam", horizon=horizon)
    clock["now"] = 1
    told("gradient_descent", horizon=horizon)
    clock["now"] = 2
    both = told("adam", "gradient_descent", horizon=horizon)
    assert both == [(180.0, 1.5, "day 2"), (180.0, 1.0, "day 2")]


def test_times_of_an_instance_do_not_touch_those_of_another(clock):
    options = {"horizon": 303, "learning_rates": [0.01]}
    compare(REGRESSION, ["adam"], **options)
    clock["now"] = 1
    result = compare([REGRESSION, REGRESSION.replace("seed=3", "seed=4")], ["adam"], **options)
    assert [row.timed_on for row in result.convergence_rows] == ["day 0", "day 1"]
    assert not np.isnan([row.seconds_to["1e-1"] for row in result.convergence_rows]).any()
