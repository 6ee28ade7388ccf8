"""The game's field, its solution, and who finds it."""

from __future__ import annotations

import numpy as np
import pytest

from optbench import compare
from optbench.check.objective import evaluate
from optbench.errors import UserError
from optbench.registry import load_registry

PROBLEM = load_registry().problem("quadratic_game")


def payoff(x: float, y: float, a: float) -> float:
    """(a / 2) x^2 + x y - (a / 2) y^2 around the solution."""
    x, y = np.array([x, y]) - PROBLEM.build().targets
    return 0.5 * a * x * x + x * y - 0.5 * a * y * y


@pytest.mark.parametrize("a", [0.0, -0.05, 0.5])
def test_field_is_descent_for_one_player_and_ascent_for_the_other(a: float) -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [-0.7, 2.1]])
    runs = evaluate(PROBLEM.build(monotonicity=a), points).runs
    for (x, y), field, loss in zip(points, runs.gradient, runs.loss, strict=True):
        h = 0.5  # central differences of a quadratic are exact
        along_x = (payoff(x + h, y, a) - payoff(x - h, y, a)) / (2.0 * h)
        along_y = (payoff(x, y + h, a) - payoff(x, y - h, a)) / (2.0 * h)
        np.testing.assert_allclose(field, [along_x, -along_y], rtol=0, atol=4e-15)
        assert loss == pytest.approx(0.5 * (along_x**2 + along_y**2), abs=1e-14)


def test_cohypomonotone_as_stated() -> None:
    a = -0.05
    points = np.array([[0.3, -1.2], [2.0, 0.1]])
    field = np.diff(evaluate(PROBLEM.build(monotonicity=a), points).runs.gradient, axis=0)[0]
    rho = field @ np.diff(points, axis=0)[0] / (field @ field)
    assert rho == pytest.approx(a / (1.0 + a * a), rel=1e-13)


def test_lookahead_finds_the_solution_and_descent_ascent_does_not() -> None:
    result = compare(
        ["quadratic_game:monotonicity=-0.05"],
        ["lookahead", "gradient_descent"],
        horizon=10_000,  # each step contracts by 0.994
        learning_rates=[0.1],
        rerun=True,
    )
    found = {row.optimizer: (row.selected, row.status) for row in result.bias_rows}
    assert found == {"lookahead": ("solution", "horizon"), "gradient_descent": (None, "diverged")}


def test_refuses_a_coefficient_out_of_range() -> None:
    with pytest.raises(UserError, match=r"monotonicity=-2 must be in \[-1, 1\]"):
        PROBLEM.build(monotonicity=-2.0)
