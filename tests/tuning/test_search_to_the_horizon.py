"""Rates of an optimizer that reads the horizon are compared where it ends, never on the way."""

from __future__ import annotations

from searched_cells import cell, searched

from optbench import Hyper, compare, optimizer
from optbench.choices import Choice
from optbench.study import make_cells

PROBLEM = "linear_regression:data=gaussian,n=12,d=5,seed=3"


@optimizer(reference="a test")
def straight(theta, grad, step, horizon, learning_rate=Hyper(tune="log", degree=-1)):
    for i in range(theta.size):
        theta[i] -= learning_rate * (1.0 - (step - 1.0) / horizon) * grad[i]


def test_every_rate_runs_to_the_horizon() -> None:
    made = cell(PROBLEM, "gradient_descent[schedule=cosine]")
    (own,) = make_cells(made.instances, [Choice(straight, {})], ())
    for each in (made, own):
        found = searched(each, 1000)
        assert {tried.asked for tried in found.tried} == {1000}
        assert all((tried.chunks[0].runs.horizon == 1000).all() for tried in found.tried)
        assert found.winner.score == min(tried.score for tried in found.tried)
    free = searched(cell(PROBLEM, "gradient_descent[schedule=inverse_sqrt]"), 1000)
    assert len({tried.asked for tried in free.tried}) > 1


def test_no_run_goes_on_beyond_its_horizon() -> None:
    rule = "gradient_descent[schedule=linear]"
    found = compare([PROBLEM], [rule], horizon=300, until_verdict=True)
    row = found.bias.iloc[0]
    assert len(found.bias) == 1 and row.optimizer == rule and row.steps <= 300
    assert row.theory == "unknown" and row.condition == ""
