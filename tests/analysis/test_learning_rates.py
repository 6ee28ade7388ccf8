"""Every learning rate of a sweep against closed forms, and against a run of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from searched_cells import REGRESSION, cell, searched

from optbench import compare
from optbench.analysis import rows
from optbench.analysis.learning_rates import learning_rates
from optbench.analysis.selection import INCONCLUSIVE, majority
from optbench.analysis.settling import MOVING
from optbench.status import Status

ISOTROPIC = "quadratic:kappa=1,d=3"  # f(w) = |w - s|^2 / 2 from w = 0
HORIZON = 2_000


def sweep(made, rates, horizon=HORIZON, seeds=1):
    return learning_rates(made, searched(made, horizon, rates, seeds), {})


@pytest.fixture(scope="module")
def isotropic():
    """Return entries by rate; L = 1: rates above 2 diverge."""
    rates = [0.001, 0.01, 0.05, 0.3, 1.7, 1.95, 1.99, 2.01, 2.5, 10.0]
    return {entry.learning_rate: entry for entry in sweep(cell(ISOTROPIC), rates)}


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 1.7, 1.95, 1.99])
def test_steps_to_targets_on_one_eigenvalue(isotropic, rate):
    """f_t = f_0 (1 - rate)^(2 t), counted exactly."""
    for name, steps in isotropic[rate].steps_to.items():
        exact = math.ceil(math.log(float(name)) / (2.0 * math.log(abs(1.0 - rate))))
        if exact <= HORIZON:
            assert steps == exact
        else:
            assert steps is None
    assert isotropic[rate].status in ("horizon", "converged")


def test_what_is_left_is_the_power_of_the_contraction_factor(isotropic):
    """Rounding: 2,000 steps of relative error 1e-16 each."""
    entry = isotropic[0.001]
    left = 2.0 * HORIZON * math.log10(0.999)
    assert entry.log10_left == pytest.approx(left, abs=1e-10)
    solution = cell(ISOTROPIC).instance.targets
    first = 0.5 * solution @ solution
    assert entry.log10_final_suboptimality == pytest.approx(left + math.log10(first), abs=1e-10)
    assert entry.final_suboptimality == pytest.approx(first * 0.999 ** (2 * HORIZON), rel=1e-9)
    assert (entry.success_rate, entry.status) == (0.0, "horizon")


@pytest.mark.parametrize("rate", [2.01, 2.5, 10.0])
def test_rates_above_2_over_l_diverge(isotropic, rate):
    """Even 2.01 does: 1.01^4000 = 2e17, and 1e8 is called divergence."""
    entry = isotropic[rate]
    assert entry.status == "diverged" and entry.success_rate == 0.0
    assert set(entry.steps_to.values()) == {None}
    for key in ("final_suboptimality", "log10_final_suboptimality", "log10_left", "selected"):
        assert getattr(entry, key) is None


def test_the_solution_is_selected_where_the_run_has_arrived(isotropic):
    """|w - s| / |s| = |1 - rate|^t: 0.135 at rate 0.001 after 2,000 steps, 2e-9 at 0.01."""
    assert isotropic[0.001].selected == MOVING
    assert isotropic[0.01].selected == "minimizer"


def test_a_suboptimality_that_underflows_keeps_its_logarithm():
    """Sign descent on one example moves the margin by rate |x|_1 a step.

    The loss log(1 + exp(-m)) is exp(-m) then.
    """
    made = cell("logistic_regression:data=gaussian,n=1,d=2", "sign_descent[decay=0]")
    size = float(np.abs(made.instance.features).sum())
    for entry in sweep(made, [0.1, 5.0]):
        exact = -entry.learning_rate * size * HORIZON / math.log(10.0)
        assert entry.log10_final_suboptimality == pytest.approx(exact, rel=1e-9)
    assert exact < -400 and entry.final_suboptimality == 0.0


@pytest.mark.parametrize(
    ("problem", "optimizer", "seeds"),
    [
        (REGRESSION, "gradient_descent", 3),
        (REGRESSION, "adam", 1),
        ("linear_regression", "gradient_descent", 3),  # real data: seeds vary the start
        ("logistic_regression:data=gaussian,n=6,d=12,seed=11", "sign_descent", 1),
    ],
)
def test_an_entry_says_what_the_rows_of_a_single_rate_say(problem, optimizer, seeds):
    made = cell(problem, optimizer, seeds=seeds)
    rates = [0.003, 0.03, 0.3, 100.0]
    entries = sweep(made, rates, 300, seeds)
    assert [entry.learning_rate for entry in entries] == rates
    for entry in entries:
        alone = searched(made, 300, [entry.learning_rate], seeds)
        row = rows.convergence_row(made, alone, 300, seeds, {})
        for key in ("hyperparameters", "status", "success_rate", "steps_to",
                    "final_suboptimality", "log10_final_suboptimality"):  # fmt: skip
            assert getattr(entry, key) == getattr(row, key), key
        assert entry.selected == rows.bias_row(made, alone, 300, seeds).selected
        assert len(row.learning_rates) == 1


def test_what_is_left_is_the_median_over_the_seeds():
    made = cell(ISOTROPIC, seeds=3)  # three solutions: the same factor to each
    (entry,) = sweep(made, [0.001], 300, 3)
    assert entry.log10_left == pytest.approx(600 * math.log10(0.999), abs=1e-10)


def test_fixed_rates_have_no_list():
    fixed = cell(ISOTROPIC, "gradient_descent[learning_rate=0.1]")
    assert learning_rates(fixed, searched(fixed, 300, [0.1, 0.2]), {}) == ()


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (["l2"], "l2"),
        (["l2", "l1", "l2"], "l2"),
        (["l2", "l1"], INCONCLUSIVE),
        ([None, None], None),
        ([], None),
    ],
)
def test_more_than_half_of_the_seeds_decide(selected, expected):
    assert majority(selected, len(selected)) == expected


def test_seeds_that_diverged_count():
    """The best rate of one seed is above 2 / L of the other two: no median is of that one."""
    found = compare(
        "linear_regression:data=gaussian,n=20,d=50", "gradient_descent",
        learning_rates=[0.33], horizon=500, seeds=3, threads=1,
    )  # fmt: skip
    (bias,), (row,) = found.bias_rows, found.convergence_rows
    (entry,) = row.learning_rates
    assert entry.status is Status.DIVERGED and entry.success_rate == pytest.approx(1 / 3)
    assert bias.selected == entry.selected == INCONCLUSIVE
    assert entry.log10_left is entry.final_loss is entry.log10_final_suboptimality is None
    assert row.final_loss is row.final_suboptimality is None
