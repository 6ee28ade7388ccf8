"""The figure of learning rates: what is drawn is what the rows say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from optbench import compare
from optbench.errors import UserError
from optbench.plots import draw

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"


def lines(axes):
    """Every drawn point with the mark that it has."""
    return [
        (line.get_marker(), line.get_markerfacecolor() == "none", x, y)
        for line in axes.lines
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def test_every_rate_is_drawn_where_its_row_says(compared):
    axes = compared.plot("sensitivity").axes
    for place, facts in enumerate(compared.instances):
        above, below = axes[place], axes[place + len(compared.instances)]
        rows = [r for r in compared.convergence_rows if r.instance_id == facts.instance_id]
        entries = [(row, entry) for row in rows for entry in row.learning_rates]
        for row, entry in entries:
            hollow = entry.steps < row.horizon
            left = max(10.0**entry.log10_left, 1e-9) if entry.log10_left is not None else None
            drawn = [
                y
                for mark, empty, x, y in lines(above)
                if x == entry.learning_rate and empty == hollow and mark not in ("x", "*")
            ]
            assert left is None or any(math.isclose(y, left) for y in drawn)
            kept = entry.steps_to[row.success_target]
            assert kept is None or any(x == entry.learning_rate and y == kept
                                       for _, _, x, y in lines(below))  # fmt: skip
        diverged = sum(entry.status == "diverged" for _, entry in entries)
        assert sum(mark == "x" for mark, *_ in lines(above)) == diverged
        winners = {row.best_learning_rate for row in rows}
        assert {x for mark, _, x, _ in lines(above) if mark == "*"} == winners


def test_no_line_leads_over_a_rate_that_never_keeps_the_target(compared):
    row = compared.convergence_rows[0]
    entries = [
        replace(
            row.learning_rates[0],
            learning_rate=rate,
            steps=row.horizon,
            steps_to={row.success_target: at},
        )
        for rate, at in [(0.1, 900.0), (0.2, None), (0.4, 300.0), (0.8, 200.0)]
    ]
    made = replace(compared, convergence_rows=[replace(row, learning_rates=tuple(entries))])
    _, below = draw(made, "sensitivity").figure.axes
    line = next(line for line in below.lines if line.get_label() == row.optimizer)
    joined = np.isfinite(line.get_ydata())
    assert joined.tolist() == [True, False, True, True]


def test_without_a_learning_rate_there_is_nothing_to_show():
    found = compare(REGRESSION, "adaptive_gradient_descent", horizon=50, threads=1)
    with pytest.raises(UserError, match=r"no optimizer .* has a learning rate"):
        found.plot("sensitivity")
