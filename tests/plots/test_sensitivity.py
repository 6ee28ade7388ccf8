"""The figure of learning rates: what is drawn is what the rows say."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from optbench import compare
from optbench.cli import main
from optbench.errors import UserError
from optbench.plots.sensitivity import sensitivity

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"
OPTIMIZERS = ["gradient_descent", "sign_descent"]


@pytest.fixture(scope="module")
def compared():
    return compare(REGRESSION, OPTIMIZERS, horizon=5_000, threads=1, rerun=True)


def lines(axes):
    """Every drawn point with the mark that it has."""
    return [
        (line.get_marker(), line.get_markerfacecolor() == "none", x, y)
        for line in axes.lines
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    ]


def test_every_rate_is_drawn_where_its_row_says(compared):
    above, below = compared.plot("sensitivity").axes
    entries = [(row, e) for row in compared.convergence_rows for e in row.learning_rates]
    for row, entry in entries:
        hollow = entry.steps < row.horizon
        left = max(10.0**entry.log10_left, 1e-9) if entry.log10_left is not None else None
        drawn = [
            y
            for mark, empty, x, y in lines(above)
            if x == entry.learning_rate and empty == hollow and mark not in ("x", "*")
        ]
        assert left is None or any(math.isclose(y, left) for y in drawn)
        kept = entry.steps_to["1e-8"]
        assert kept is None or any(x == entry.learning_rate and y == kept
                                   for _, _, x, y in lines(below))  # fmt: skip
    diverged = sum(entry.status == "diverged" for _, entry in entries)
    assert sum(mark == "x" for mark, *_ in lines(above)) == diverged > 0
    winners = {row.best_learning_rate for row in compared.convergence_rows}
    assert {x for mark, _, x, _ in lines(above) if mark == "*"} == winners


def test_no_line_leads_over_a_rate_that_never_keeps_the_target(compared):
    row = compared.convergence_rows[0]
    entries = [
        replace(row.learning_rates[0], learning_rate=rate, steps=row.horizon, steps_to={"1e-8": at})
        for rate, at in [(0.1, 900.0), (0.2, None), (0.4, 300.0), (0.8, 200.0)]
    ]
    _, below = sensitivity([replace(row, learning_rates=tuple(entries))]).axes
    line = next(line for line in below.lines if line.get_label() == row.optimizer)
    joined = np.isfinite(line.get_ydata())
    assert joined.tolist() == [True, False, True, True]


def test_no_legend_covers_the_data(compared):
    figure = compared.plot("sensitivity")
    figure.canvas.draw()
    (legend,) = figure.legends
    edge = legend.get_window_extent().x0
    assert all(axes.get_window_extent().x1 < edge for axes in figure.axes)
    names = {text.get_text() for text in legend.get_texts()}
    assert names > set(OPTIMIZERS)


def test_the_command_line_writes_the_same_file_twice(tmp_path, capsys):
    for folder in ("one", "two"):
        run = ["compare", REGRESSION, "-o", "gradient_descent", "--horizon", "300", "--quiet"]
        assert main([*run, "--figures", str(tmp_path / folder)]) == 0
    one, two = ((tmp_path / folder / "sensitivity.svg").read_bytes() for folder in ("one", "two"))
    assert one == two
    assert ElementTree.fromstring(one).tag.endswith("svg")


def test_without_a_learning_rate_the_tables_come_all_the_same(tmp_path, capsys):
    run = ["compare", REGRESSION, "-o", "adaptive_gradient_descent", "--horizon", "50", "--quiet"]
    assert main([*run, "--figures", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "Convergence" in told.out and "has a learning rate" in told.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "optimizer", "reason"),
    [
        ("waterfall", "gradient_descent", "unknown kind of figure 'waterfall'; known: sensitivity"),
        ("sensitivity", "adaptive_gradient_descent", "no optimizer .* has a learning rate"),
    ],
)
def test_what_cannot_be_drawn_is_one_clear_line(kind, optimizer, reason):
    found = compare(REGRESSION, optimizer, horizon=50, threads=1)
    with pytest.raises(UserError, match=reason):
        found.plot(kind)
