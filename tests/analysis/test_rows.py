"""Rows of the tables from runs: medians, verdicts of several seeds, statuses, steps to targets."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from searched_cells import cell, searched

import optbench
from optbench import UserError
from optbench.analysis import progress, rows, theory
from optbench.analysis.effective_p import EffectiveP
from optbench.analysis.selection import INCONCLUSIVE
from optbench.analysis.settling import MOVING, Verdict
from optbench.analysis.traces import traces_of
from optbench.solutions import family_member, solved
from optbench.status import Status, worst
from optbench.tuning.grid import flow_rate, natural_rate

BADLY_SCALED = Path(__file__).parents[1] / "data/cases/33-badscale.csv"
SEPARABLE = "logistic_regression:data=gaussian,n=6,d=12,seed=11"
PARTLY = "logistic_regression:data=partly_separable"
TRANSPORT = "linear_program:data=transport,m=3"


@pytest.mark.parametrize(
    ("optimizer", "parameters", "expected"),
    [
        ("gradient_descent", "linear", "l2"),
        ("p_norm_mirror_descent[p=1.5]", "linear", "l1.5"),
        ("p_norm_mirror_descent", "linear", "l3"),
        ("hypentropy", "linear", "hypentropy"),
        ("natural_gradient", "linear", "l2"),
        ("adam", "linear", "unknown"),
        ("gradient_descent[learning_rate=1e-4]", "diagonal", "hypentropy"),
        ("gradient_descent[learning_rate=1e-4]", "diagonal:depth=3", "unknown"),
        ("adam[learning_rate=1e-4]", "diagonal", "unknown"),  # the theorem is about gradient flow
    ],
)
def test_theory_is_about_optimizer_and_parametrization(optimizer, parameters, expected):
    made = cell(optimizer=optimizer, parameters=[parameters])
    rate = made.choice.fixed.get("learning_rate")
    assert theory.theory_name(replace(made, choice=unfixed(made.choice)), rate) == expected


def unfixed(choice):
    """The same optimizer with its rate to be tuned."""
    others = {key: value for key, value in choice.fixed.items() if key != "learning_rate"}
    return replace(choice, fixed=others)


@pytest.mark.parametrize(
    ("problem", "optimizer", "expected"),
    [
        (SEPARABLE, "adam", "l2"),
        (SEPARABLE, "adam[eps=0]", "unknown"),  # its theorem asks for a falling rate
        (SEPARABLE, "adam[eps=0,decay=0.5]", "linf"),
        (SEPARABLE, "sign_descent[decay=0]", "unknown"),
        (SEPARABLE, "steepest_descent[p=2]", "l2"),
        (SEPARABLE, "steepest_descent[p=1.5]", "l1.5"),
        (PARTLY, "gradient_descent", "direction"),
        (PARTLY, "heavy_ball", "unknown"),
        # without momentum both are gradient descent
        (SEPARABLE, "nesterov", "unknown"),
        (SEPARABLE, "nesterov[momentum=0]", "l2"),
        (PARTLY, "nesterov[momentum=0]", "direction"),
        (PARTLY, "heavy_ball[momentum=0]", "direction"),
        (PARTLY, "adam[eps=0,decay=0.5]", "unknown"),  # no largest Linf margin exists there
        ("quadratic", "sign_descent", "minimizer"),
        ("quadratic", "adamw", "unknown"),  # at rest where the penalty balances the gradient
        ("quadratic", "nero", "unknown"),
    ],
)
def test_theory_is_quoted_where_its_conditions_hold(problem, optimizer, expected):
    made = cell(problem, optimizer)
    assert theory.theory_name(made, 0.1) == expected
    if expected != "unknown":
        assert expected in theory.candidates(made, made.instance, 0.1)


def test_a_solution_that_an_instance_does_not_have_is_no_theory_of_it():
    """On columns 1e-6 ... 1e6 the Fisher matrix is singular to rounding: no such margin exists."""
    made = cell(f"logistic_regression:data={BADLY_SCALED},standardize=false", "natural_gradient")
    with pytest.raises(UserError):
        family_member(made.instance, "fisher", math.nan)
    told = theory.predicted(made, 0.1)
    assert told.name == "unknown" and told.reason.startswith("no fisher solution")
    row = rows.bias_row(made, searched(made, 100, [1e-12]), 100, 1)
    assert row.theory == "unknown" and row.theory_reason == told.reason


@pytest.mark.parametrize(
    ("optimizer", "parameters", "expected"),
    [
        ("hypentropy", "linear", "l1"),
        ("hypentropy[scale=3]", "linear", "unknown"),
        ("gradient_descent", "diagonal", "l1"),
        ("gradient_descent", "diagonal:scale=3", "unknown"),
        ("gradient_descent", "hadamard:scale=6", "unknown"),
    ],
)
def test_l1_is_quoted_where_w_is_far_above_the_scale(optimizer, parameters, expected):
    """Near zero these potentials are the squared L2 norm over the scale: there it is l2."""
    made = cell(SEPARABLE, optimizer, [parameters])
    row = rows.bias_row(made, searched(made, 10_000, [0.01]), 10_000, 1)
    assert row.theory == expected
    assert theory.theory_name(made, 0.01) == "l1"  # in the limit
    assert ("in the limit" in row.theory_reason) == (expected == "unknown")
    if expected == "unknown":
        assert row.measures["margin_ratio_l2"] > row.measures["margin_ratio_l1"]


def test_a_member_of_a_family_that_is_another_reference_has_its_name():
    """The hypentropy of a scale of 1e-30 is the L1 norm to rounding: not a second reference."""
    made = cell(optimizer="hypentropy[scale=1e-30]")
    assert theory.theory_name(made, 0.1) in theory.candidates(made, made.instance, 0.1)


def test_small_steps_follow_the_flow_of_a_parametrization_large_ones_do_not():
    made = cell(TRANSPORT)
    small = flow_rate(made)
    assert 0.0 < small <= 0.2 * natural_rate(made)
    assert theory.theory_name(made, small) == "entropic"
    assert theory.theory_name(made, 1.1 * small) == "unknown"
    assert theory.theory_name(made) == "unknown"
    fixed = cell(TRANSPORT, f"gradient_descent[learning_rate={small:.17g}]")
    assert theory.theory_name(fixed) == "entropic"
    fixed = cell(TRANSPORT, f"gradient_descent[learning_rate={2 * small:.17g}]")
    assert theory.theory_name(fixed) == "unknown"
    assert theory.theory_name(cell(TRANSPORT, "normalized_gradient_descent"), 1e-9) == "unknown"
    separable = cell(SEPARABLE, parameters=["diagonal"])  # the tail decides, whatever the rate
    assert theory.theory_name(separable, 10.0 * natural_rate(separable)) == "l1"


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["transport", "transport,m=10,seed=2", "afiro", "random"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "heavy_ball", "nesterov"])
def test_the_small_rate_is_small_enough(problem, optimizer):
    """The limit is within 4 % of the entropic solution; random costs make w start at e^-17."""
    made = cell(f"linear_program:data={problem}", optimizer)
    run = optbench.run(made.instance, optimizer, horizon=500_000, learning_rate=flow_rate(made))
    entropic = solved(made.instance)["entropic"].solution
    assert np.linalg.norm(run.w - entropic) < 0.04 * np.linalg.norm(entropic)


def test_what_can_say_nothing_says_why_and_still_has_a_law_of_convergence():
    made = cell(optimizer="normalized_mirror_descent")
    found = searched(made, 500)
    row = rows.bias_row(made, found, 500, 1)
    assert row.status == Status.SKIPPED and row.selected is None and not row.measures
    assert row.reason.startswith("selects nothing on regression")
    assert rows.cut_short(row, Status.TIMEOUT) is row
    law = rows.convergence_row(made, found, 500, 1, {})
    assert law.status == Status.HORIZON and law.final_loss > 0.0
    assert theory.nothing_to_say(cell(SEPARABLE, "normalized_mirror_descent")) is None


def test_without_a_theorem_a_linear_program_is_told_of_when_it_is_named():
    named = cell(TRANSPORT, "adam")
    assert theory.nothing_to_say(named) is None
    by_default = replace(named, choice=replace(named.choice, named=False))
    assert "named with -o" in theory.nothing_to_say(by_default)
    regression = cell(optimizer="adam")
    by_default = replace(regression, choice=replace(regression.choice, named=False))
    assert theory.nothing_to_say(by_default) is None  # its norms are those of anybody
    flow = cell(TRANSPORT, "heavy_ball")
    assert theory.nothing_to_say(replace(flow, choice=replace(flow.choice, named=False))) is None


def test_the_predicted_reference_joins_the_candidates():
    """hypentropy(scale^2) for the diagonal network, the l1.5 interpolant for p = 1.5."""
    made = cell(parameters=["diagonal:scale=0.2"])
    extra = theory.candidates(made, made.instance, 1e-4)["hypentropy"]
    expected = family_member(made.instance, "hypentropy", 0.04)
    np.testing.assert_allclose(extra.solution, expected.solution, rtol=1e-10)
    made = cell(optimizer="p_norm_mirror_descent[p=1.5]")
    assert set(theory.candidates(made, made.instance)) == {"l1", "l2", "linf", "l1.5"}
    made = cell(optimizer="p_norm_mirror_descent[p=2]")  # is l2, and named so
    assert set(theory.candidates(made, made.instance)) == {"l1", "l2", "linf"}


def test_statuses_of_several_seeds():
    horizon, converged, diverged = Status.HORIZON, Status.CONVERGED, Status.DIVERGED
    assert worst([horizon, converged, diverged]) == diverged
    assert worst([converged, horizon]) == horizon
    assert progress.why([horizon, converged], [10, 10]) is None
    assert progress.why([diverged], [1234]) == "diverged at step 1,234"
    reason = progress.why([horizon, diverged, diverged], [9, 7, 5])
    assert reason == "diverged at step 5 (2 of 3 seeds)"
    assert progress.why([Status.TIMEOUT], [5]) == "stopped by the time limit at step 5"


def verdict(selected, reason=None, **more):
    return Verdict(selected, runner_up="other", separation=1.0, reason=reason, **more)


@pytest.mark.parametrize(
    ("verdicts", "selected", "reason"),
    [
        ([verdict("l2"), verdict("l2")], "l2", None),
        (
            [verdict("l2"), verdict("l1"), verdict("l2")],
            "l2",
            "not all seeds agree: l2 2x, l1 1x",
        ),
        ([verdict("l2"), verdict("l1")], INCONCLUSIVE, "seeds disagree: l2 1x, l1 1x"),
        ([verdict(INCONCLUSIVE, "not there yet")], INCONCLUSIVE, "not there yet"),
        ([verdict(None, "no reference")], None, "no reference"),
    ],
)
def test_the_verdict_needs_more_than_half_of_the_seeds(verdicts, selected, reason):
    row = rows.with_verdict(rows.empty_bias(cell(), 1_000, len(verdicts)), verdicts)
    assert row.selected == selected and row.reason == reason


def test_of_moving_seeds_the_one_in_the_middle_is_told_and_medians_of_all():
    told = [
        verdict(
            MOVING,
            f"at {step}",
            towards="linf",
            decided_at=step,
            missing={"linf": 0.1 * k},
            trend={"linf": 0.5 + 0.1 * k},
            effective={"lp": EffectiveP(float(p), (p - 1.0, p + 1.0))},
        )
        for k, (step, p) in enumerate([(1e7, 6), (None, 3), (1e6, 4)], start=1)
    ]
    row = rows.with_verdict(rows.empty_bias(cell(), 1_000, 3), told)
    assert (row.selected, row.towards, row.decided_at) == (MOVING, "linf", 1e7)
    assert row.reason == "at 10000000.0"
    assert row.missing == {"linf": pytest.approx(0.2)} and row.trend == {"linf": pytest.approx(0.7)}
    assert (row.effective_p, row.effective_p_interval) == (4.0, (3.0, 5.0))


def test_steps_to_targets_are_those_of_the_spectral_solution():
    """GD on a quadratic: w_k - w* = (I - rate H)^k (w_0 - w*), counted here step by step.

    Between records the step is interpolated: two records are a tenth of a decade apart.
    """
    made = cell(optimizer="gradient_descent[learning_rate=0.05]")
    X, y = made.instance.features, made.instance.targets
    row = rows.convergence_row(made, searched(made, 10_000), 10_000, 1, {})
    w, losses = np.zeros(12), []
    for _ in range(3_000):
        residual = X @ w - y
        losses.append(residual @ residual / 10.0)
        w = w - 0.05 * X.T @ residual / 5.0
    losses = np.array(losses)
    for name in ("1e-1", "1e-2", "1e-4", "1e-6", "1e-8"):
        exact = int(np.argmax(losses <= float(name) * losses[0]))
        assert row.steps_to[name] == pytest.approx(exact, rel=0.1, abs=1.0)
        assert row.steps_by_seed[name] == (row.steps_to[name],)
    assert row.success_rate == 1.0
    eigenvalue = np.linalg.eigvalsh(X @ X.T / 5.0)[0]
    assert row.rate.law == "linear"
    assert row.rate.value == pytest.approx((1.0 - 0.05 * eigenvalue) ** 2, rel=1e-3)
    low, high = row.rate.window
    assert 0 < low < high <= 10_000


def test_targets_that_were_not_reached_are_null():
    made = cell(optimizer="gradient_descent[learning_rate=1e-6]")
    row = rows.convergence_row(made, searched(made), 1_000, 1, {})
    assert set(row.steps_to.values()) == {None}
    assert row.success_rate == 0.0
    at_zero = 0.5 * np.mean(made.instance.targets**2)
    assert 0.9 * at_zero < row.final_suboptimality < at_zero


def test_a_diverged_cell_has_a_reason_and_no_numbers():
    made = cell()
    found = searched(made, rates=[1e3])
    first = rows.bias_row(made, found, 1_000, 1)
    second = rows.convergence_row(made, found, 1_000, 1, {})
    for row in (first, second):
        assert row.status == "diverged"
        assert row.reason.startswith("diverged at step")
    assert first.selected is None and first.measures == {}
    assert second.final_suboptimality is None and second.ns_per_step is None
    assert second.rate.law is None
    assert second.hyperparameters == {"learning_rate": 1e3}


def test_medians_and_intervals_over_seeds_are_those_of_the_single_runs():
    made = cell("linear_regression:data=gaussian,n=5,d=12,seed=3", seeds=3)
    found = searched(made, seeds=3, rates=[0.05])
    row = rows.bias_row(made, found, 1_000, 3)
    finals = []
    for instance, chunk in zip(made.instances, found.runs[0], strict=True):
        w = chunk.runs.w[0]
        finals.append(np.linalg.norm(instance.features @ w - instance.targets)
                      / np.linalg.norm(instance.targets))  # fmt: skip
    assert row.measures["residual"] == pytest.approx(np.median(finals), rel=1e-12)
    low, high = row.intervals["residual"]
    assert min(finals) <= low <= row.measures["residual"] <= high <= max(finals)


def test_a_trace_is_the_gap_of_every_seed():
    made = cell(seeds=2)
    found = searched(made, seeds=2, rates=[0.05])
    (trace,) = traces_of(made, found, {})
    assert trace.log_gap.shape == (trace.steps.size, 2)
    for column, instance in enumerate(made.instances):
        start = 0.5 * np.mean(instance.targets**2)
        assert trace.log_gap[0, column] == pytest.approx(math.log(start), rel=1e-10)


def test_2_over_l_is_told_only_where_it_applies():
    made = cell()
    assert theory.theory_rate(made) == pytest.approx(2.0 / made.instance.curvature)
    assert theory.theory_rate(cell(optimizer="adam")) is None
    assert theory.theory_rate(cell(parameters=["diagonal"])) is None
    for name in ("natural_gradient", "stochastic_gradient_descent"):
        assert theory.theory_rate(cell(optimizer=name)) is None
    assert theory.theory_rate(cell("linear_program:data=random")) is None


def test_no_effective_p_before_the_data_is_fitted():
    """A small w has a small norm, whatever its geometry."""
    made = cell(optimizer="gradient_descent[learning_rate=1e-6]")
    row = rows.bias_row(made, searched(made), 1_000, 1)
    assert row.reason.startswith("relative residual")
    assert (row.effective_p, row.effective_p_interval) == (None, None)


def test_an_interval_whose_end_some_seeds_never_reach_is_open(monkeypatch):
    made = cell(optimizer="gradient_descent[learning_rate=0.05]", seeds=3)
    found = searched(made, seeds=3)
    monkeypatch.setattr(rows, "median_interval", lambda _: (10.0, 5.0, math.inf))
    row = rows.convergence_row(made, found, 1_000, 3, {})
    assert row.intervals["1e-8"] == (5.0, math.inf)


def test_an_optimum_that_is_large_against_the_first_gap_has_its_rounding_as_floor(tmp_path):
    """The features explain 1e-12 of the loss: its rounding is met at 1e-3 of the first gap.

    The columns are orthogonal, so that a step multiplies the gap by (1 - 0.8)^2 = 0.04: after
    three steps it is below the rounding of the loss, 4 eps, and stays there.
    """
    columns = np.linalg.qr(np.random.default_rng(0).standard_normal((200, 4)))[0]
    rest = np.random.default_rng(1).standard_normal(200)
    rest -= columns @ (columns.T @ rest)
    targets = rest * math.sqrt(200.0) / np.linalg.norm(rest) + columns @ np.full(4, 1e-5)
    file = tmp_path / "noise.csv"
    table = np.column_stack([math.sqrt(200.0) * columns, targets])
    np.savetxt(file, table, delimiter=",", header="a,b,c,d,y", comments="", fmt="%.17g")
    problem = f"linear_regression:data={file},target=y,standardize=false"
    result = optbench.compare(problem, "gradient_descent", horizon=1000, learning_rates=[0.8])
    law = result.convergence_rows[0].rate
    assert law.law is None
    assert law.text.startswith("at rounding floor")


def test_the_law_of_a_square_with_optimum_0_is_read_below_1e_14_of_the_first_gap(tmp_path):
    """Two rows and weights of their own, curvatures 1 and 0.01: factors 0.5^2 and 0.995^2.

    The slow one starts with 1e-16 of the gap, which has the fast factor above that only.
    """
    file = tmp_path / "two_modes.csv"
    table = np.array([[math.sqrt(2.0), 0.0, 1.0], [0.0, math.sqrt(0.02), 1e-8]])
    np.savetxt(file, table, delimiter=",", header="a,b,y", comments="", fmt="%.17g")
    problem = f"linear_regression:data={file},target=y,standardize=false"
    result = optbench.compare(problem, "gradient_descent", horizon=3000, learning_rates=[0.5])
    law = result.convergence_rows[0].rate
    assert law.laws == ("linear",), law.text
    assert law.low <= 0.995**2 <= law.high


def test_what_a_schedule_ended_is_told_so_and_moves_nowhere():
    """At a rate of 0 no further step would be taken: towards what it moved says nothing."""
    optimizers = ["adam[schedule=cosine]", "adam", "gradient_descent[schedule=inverse_sqrt]"]
    problem = SEPARABLE
    result = optbench.compare(problem, optimizers=optimizers, horizon=300, seeds=1)
    rows = {row.optimizer: row for row in result.bias_rows if not row.as_theorem_asks}
    ended, *others = (rows[name] for name in optimizers)
    assert ended.selected == "INCONCLUSIVE" and ended.reason.endswith("; its schedule has ended")
    assert [row.selected for row in others] == ["moving", "moving"]
    assert [row.schedule for row in rows.values()] == ["cosine", "constant", "inverse_sqrt"]
    documents = result.to_dict()["bias"]
    assert [row["schedule"] for row in documents] == [row.schedule for row in result.bias_rows]
