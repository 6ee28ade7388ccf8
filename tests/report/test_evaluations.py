"""What a comparison counts: evaluations of the objective beside steps."""

from __future__ import annotations

import math

import pytest

from optbench import UserError, compare
from optbench.report import render
from optbench.report.convergence_table import convergence_table
from optbench.report.profile_table import profile_shares

NAMES = ["gradient_descent", "extragradient", "stochastic_gradient_descent[batch=4]"]


@pytest.fixture(scope="module")
def found():
    problems = ["linear_regression:data=gaussian,n=8,d=12", "linear_regression:data=gaussian"]
    return compare(problems, NAMES, horizon=400, learning_rates=[0.04])


def test_rows_count_what_their_methods_ask_for(found) -> None:
    """A gradient a step; two; of four rows of n four n-th of one."""
    rows = {8: found.convergence_rows[:3], 20: found.convergence_rows[3:]}
    for n, own in rows.items():
        for row, each in zip(own, (1.0, 2.0, 4.0 / n), strict=True):
            assert row.evaluations == pytest.approx(400 * each, rel=1e-12)
            for target, steps in row.steps_to.items():
                if steps is None:
                    assert row.evaluations_to[target] is None
                else:
                    assert row.evaluations_to[target] == pytest.approx(steps * each, rel=1e-12)
    assert any(row.steps_to["1e-1"] is not None for row in found.convergence_rows)
    for row in found.bias_rows:
        assert row.evaluations is not None and row.steps == 400


def test_tables_show_them_where_they_are_not_the_steps(found) -> None:
    own = found.instances[0].instance_id
    rows = [row for row in found.convergence_rows if row.instance_id == own]
    shown = [column.title for column in convergence_table(found.instances[0], rows).columns]
    assert "evals to 1e-2" in shown
    alone = [column.title for column in convergence_table(found.instances[0], rows[:1]).columns]
    assert not any("evals" in title for title in alone)


def test_profiles_count_by_either(found) -> None:
    rows = found.convergence_rows
    by_steps, by_evaluations = profile_shares(rows), profile_shares(rows, "evaluations")
    for label, shares in by_steps.items():
        assert shares["reached"] == by_evaluations[label]["reached"]
    # with a fifth of the rows a step costs a fifth or half as much: the fewest evaluations
    sampled = NAMES[2]
    assert by_evaluations[sampled]["within_1x"] >= by_steps[sampled]["within_1x"]
    assert by_evaluations["extragradient"]["within_1x"] <= by_steps["extragradient"]["within_1x"]
    assert "fewest evaluations" in " ".join(
        render(found, "markdown", counted="evaluations").split()
    )
    assert ",in_100_evaluations," in render(found, "csv", counted="evaluations")
    with pytest.raises(UserError, match="unknown count 'seconds'; known: steps, evaluations"):
        render(found, counted="seconds")


def test_counts_are_finite(found) -> None:
    assert all(math.isfinite(row.evaluations) for row in found.convergence_rows)
