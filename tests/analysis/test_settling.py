"""Verdicts on runs: paths whose limit is known by construction, and real runs taken on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from searched_cells import cell, searched

from optbench.analysis import rows
from optbench.analysis.extrapolation import extrapolated
from optbench.analysis.kinds import kind_of
from optbench.analysis.selection import BETWEEN, INCONCLUSIVE
from optbench.analysis.settling import MOVING, judge
from optbench.registry import load_registry
from optbench.solutions import family_member, solved
from optbench.study import build_instances

STEPS = (1_000, 3_162, 10_000, 31_623, 100_000)
CASE = Path(__file__).parents[1] / "data/cases/36-interp.csv"
ZERO_ROW = CASE.with_name("31-zerorow.csv")
IN_TRANSIT = "logistic_regression:data=gaussian,seed=0"


@pytest.fixture(name="separable", scope="module")
def separable_fixture():
    ((instance,),) = build_instances(load_registry(), IN_TRANSIT, 1)
    return instance


def direction(instance, name):
    found = solved(instance)[name].solution
    return found / np.linalg.norm(found)


def path(instance, limit, start, shares):
    """A path from one direction to another: ``share`` is what is left of the way."""
    return [
        (step, limit + left * (start - limit)) for step, left in zip(STEPS, shares, strict=True)
    ]


def test_a_run_that_approaches_a_reference_and_was_there_has_settled(separable):
    l2, linf = direction(separable, "l2"), direction(separable, "linf")
    left = [0.3 / math.log(step) for step in STEPS]  # the slowest law of implicit bias
    verdict = judge(separable, solved(separable), path(separable, l2, linf, left))
    assert (verdict.selected, verdict.towards, verdict.decided_at) == ("l2", None, None)
    assert verdict.trend["l2"] < 0.95 < verdict.trend["l1"]
    defect = kind_of(separable).defect(
        separable, l2 + left[-1] * (linf - l2), solved(separable)["l2"]
    )
    assert verdict.missing["l2"] == defect


def test_a_run_that_does_not_separate_the_data_yet_moves_to_no_margin(separable):
    """All margins grow while the first rows come over: the one that did most gave its name."""
    l2, linf = direction(separable, "l2"), direction(separable, "linf")
    run = path(separable, 0.3 * linf, 0.3 * linf - l2, (1.6, 1.3, 1.0, 0.8, 0.6))
    assert kind_of(separable).quality(separable, run[-1][1], solved(separable)["l2"]) < 0.0
    verdict = judge(separable, solved(separable), run)
    assert (verdict.selected, verdict.towards) == (INCONCLUSIVE, None)
    assert verdict.open and verdict.reason == "it does not separate the data yet"


def test_a_run_on_its_way_from_one_reference_to_another_is_moving(separable):
    """At l2 to within 5 % for two decades, and away from it: such a run was said to select l2."""
    l2, linf = direction(separable, "l2"), direction(separable, "linf")
    verdict = judge(
        separable, solved(separable), path(separable, linf, l2, (1, 0.99, 0.97, 0.92, 0.8))
    )
    assert (verdict.selected, verdict.nearest, verdict.towards) == (MOVING, "l2", "linf")
    assert verdict.reason is None and verdict.by_distance == ()  # the columns say all
    assert verdict.runner_up == "l2"  # it was once what the run moves to
    assert verdict.trend["linf"] < 1.0 < verdict.trend["l2"]


def test_a_run_that_was_still_at_zero_a_decade_ago_has_no_side_then(separable):
    l2 = direction(separable, "l2")
    verdict = judge(separable, solved(separable), [(1, 0.0 * l2), (10, l2 + 0.1)])
    assert verdict.nearest == "l2" and verdict.selected in (MOVING, INCONCLUSIVE)


def growing(limit, bounded):
    """w = limit * log t + what stays bounded, as gradient descent on separable data."""
    return [(step, math.log(step) * limit + bounded) for step in STEPS]


def test_a_run_that_grows_along_the_reference_to_which_it_moves_has_settled(separable):
    """9 % of the margin are missing for decades to come: it was `moving to l2`."""
    known, l2 = solved(separable), direction(separable, "l2")
    across = np.linalg.svd(separable.features)[2][-1]
    run = growing(l2, 0.456 * math.log(STEPS[-1]) * across)
    verdict = judge(separable, known, run)
    missing = 1.0 - 1.0 / math.sqrt(1.0 + 0.456**2)
    assert verdict.missing["l2"] == pytest.approx(missing, rel=1e-9) and missing > 0.09
    assert (verdict.selected, verdict.towards, verdict.reason) == ("l2", None, None)


def test_a_run_that_grows_along_another_direction_is_moving(separable):
    """Ever closer to l2, from the one side to the other: a longer run passes it."""
    l2 = direction(separable, "l2")
    across = np.linalg.svd(separable.features)[2][-1]
    run = growing(l2 + 0.5 * across, -1.8 * 0.5 * math.log(STEPS[-1]) * across)
    verdict = judge(separable, solved(separable), run)
    assert (verdict.selected, verdict.towards) == (MOVING, "l2")


def test_far_from_its_reference_growth_decides_nothing(separable):
    l2 = direction(separable, "l2")
    across = np.linalg.svd(separable.features)[2][-1]
    run = growing(l2, 0.6 * math.log(STEPS[-1]) * across)
    verdict = judge(separable, solved(separable), run)
    assert verdict.missing["l2"] > 0.1 and (verdict.selected, verdict.towards) == (MOVING, "l2")


def test_of_two_references_approached_alike_none_is_named(separable):
    """Which of both came closer by a larger part, be it by 0.1 % of the margin, was `moving to`."""
    l2, linf = direction(separable, "l2"), direction(separable, "linf")
    known = {name: solved(separable)[name] for name in ("l2", "linf")}
    instance, kind = replace(separable, parametric={}), kind_of(separable)
    across = np.linalg.svd(separable.features)[2][-1]
    assert kind.distance(separable, l2, known["linf"]) > kind.told_apart

    def run(end):
        ways = zip(STEPS, np.linspace(0.0, end, 5), np.linspace(1.0, 0.5, 5), strict=True)
        return [(step, l2 + way * (linf - l2) + left * across) for step, way, left in ways]

    def trends(end):
        _, _, then, _, now = (w for _, w in run(end))
        return [
            kind.shortfall(separable, now, each) / kind.shortfall(separable, then, each)
            for each in known.values()
        ]

    alike = brentq(lambda end: np.subtract(*trends(end)), 0.0, 1.0)
    assert max(trends(alike)) < 0.9  # both come closer by much
    for end in (alike - 0.01, alike + 0.01):
        verdict = judge(instance, known, run(end))
        assert (verdict.selected, verdict.towards) == (INCONCLUSIVE, None)
        assert verdict.open and "as fast to" in verdict.reason
    apart = {judge(instance, known, run(alike + by)).towards for by in (-0.2, 0.2)}
    assert apart == {"l2", "linf"}


def test_a_reference_that_is_passed_is_no_limit(separable):
    """Ever closer to l2, while linf is approached faster and faster."""
    l1, l2, linf = (direction(separable, name) for name in ("l1", "l2", "linf"))
    weights = ((0.30, 0.0), (0.22, 0.01), (0.15, 0.03), (0.08, 0.07), (0.02, 0.14))
    run = [
        (step, (1 - a - b) * l2 + a * l1 + b * linf)
        for step, (a, b) in zip(STEPS, weights, strict=True)
    ]
    verdict = judge(separable, solved(separable), run)
    assert (verdict.selected, verdict.nearest) == (MOVING, "l2")


def test_a_run_that_stays_between_two_references_is_said_to_lie_there(separable):
    l4 = family_member(separable, "lp", 4.0).solution
    verdict = judge(separable, solved(separable), [(step, math.log(step) * l4) for step in STEPS])
    assert (verdict.selected, verdict.effective_p) == (BETWEEN, 4.0)
    assert verdict.reason == "between l2 and linf (effective p 4)"


def test_a_run_that_stays_short_of_its_reference_comes_no_closer(separable):
    """Across the data only the norm grows: 8 % of the margin are missing for ever."""
    l2 = solved(separable)["l2"]
    across = np.linalg.svd(separable.features)[2][-1]
    w = l2.solution + math.sqrt(0.92**-2 - 1.0) * across
    instance = replace(separable, parametric={})
    verdict = judge(instance, {"l2": l2}, [(step, step * w) for step in STEPS])
    assert verdict.selected == INCONCLUSIVE
    assert verdict.reason == ("0.08 short of l2; a verdict needs 0.05; it comes no closer")


def test_a_run_that_comes_closer_slowly_says_so(separable):
    """It was said to come no closer."""
    l2 = solved(separable)["l2"]
    across = np.linalg.svd(separable.features)[2][-1]
    run = [
        (step, l2.solution + math.sqrt((1.0 - short) ** -2 - 1.0) * across)
        for step, short in zip(STEPS, (0.082, 0.0815, 0.081, 0.0805, 0.08), strict=True)
    ]
    verdict = judge(replace(separable, parametric={}), {"l2": l2}, run)
    assert verdict.trend["l2"] == pytest.approx(0.080 / 0.081, rel=1e-6)
    assert verdict.selected == INCONCLUSIVE
    assert verdict.reason.endswith("; it comes closer by less than 5% a decade")


def test_fluctuations_below_a_percent_unsettle_nothing(separable):
    l2, linf = direction(separable, "l2"), direction(separable, "linf")
    left = [0.001, 0.004, 0.001, 0.004, 0.005]
    assert judge(separable, solved(separable), path(separable, l2, linf, left)).selected == "l2"


def test_at_rest_a_run_has_settled_and_without_a_past_it_has_not(separable):
    end = [(77, direction(separable, "l2"))]
    assert judge(separable, solved(separable), end, at_rest="it is at rest").selected == "l2"
    verdict = judge(separable, solved(separable), end)
    assert verdict.selected == INCONCLUSIVE and verdict.open
    assert verdict.reason == "no predictor of a tenth of the steps tells whether it has settled"


@pytest.mark.parametrize(
    ("law", "decided"),
    [
        (lambda t: 3.0 * t**-0.25, 3.0**4 / 0.05**4),
        (lambda t: 1.0 / np.log(t), math.exp(20.0)),
        (lambda t: 0.4 * 0.99999**t, math.log(0.05 / 0.4) / math.log(0.99999)),
    ],
)
def test_the_step_of_a_decision_is_that_of_the_law(law, decided):
    missing = law(np.array(STEPS, float))
    found = extrapolated(STEPS, missing, 0.05)
    if decided > 1000 * STEPS[-1]:
        assert found is None  # so far away nothing is said
    else:
        assert found == pytest.approx(decided, rel=1e-6)


def test_where_no_law_fits_nothing_is_extrapolated():
    assert extrapolated(STEPS, [0.4, 0.4, 0.4, 0.39, 0.1], 0.05) is None  # falls ever faster
    assert extrapolated(STEPS, [0.2, 0.2, 0.2, 0.2, 0.2], 0.05) is None
    assert extrapolated(STEPS, [0.2, 0.1, 0.07, 0.05, 0.04], 0.05) is None  # it is there
    assert extrapolated(STEPS, [0.8, 0.4, 0.2, 0.1, 0.0], 0.05) is None  # and nothing is missing
    assert extrapolated(STEPS[:2], [0.2, 0.1], 0.05) is None


def test_the_solution_of_an_isotropic_quadratic_is_decided_when_the_closed_form_says():
    """|w - s| / |s| = (1 - rate)^t from w = 0."""
    made = cell("quadratic:kappa=1,d=3", "gradient_descent[learning_rate=0.001]")
    row = rows.bias_row(made, searched(made, 2_000), 2_000, 1)
    assert (row.selected, row.towards) == (MOVING, "minimizer")
    assert row.missing["minimizer"] == pytest.approx(0.999**2000, rel=1e-9)
    assert row.trend["minimizer"] == pytest.approx(0.999**1800, rel=1e-9)
    assert row.by_distance == ("minimizer",)
    assert row.decided_at == pytest.approx(math.log(0.05) / math.log(0.999), rel=1e-3)


def test_adam_in_transit_has_no_verdict_and_has_one_when_it_goes_on():
    """This row once said `selects l2`; at 1e7 steps the Linf ratio is 0.996."""
    made = cell(IN_TRANSIT, "adam[eps=0,decay=0.5]")
    row = rows.bias_row(made, searched(made, 100_000), 100_000, 1)
    assert (row.selected, row.towards, row.steps) == (MOVING, "linf", 100_000)
    assert row.decided_at is None or 3e4 < row.decided_at < 3e6


@pytest.fixture(name="interpolated", scope="module")
def interpolated_fixture():
    ((instance,),) = build_instances(
        load_registry(), "linear_regression:data=gaussian,n=5,d=12,seed=0", 1
    )
    return instance


def shrunk(instance, lefts):
    """A path to the least L2 norm: of (1 - left) w* residual and distance are ``left``."""
    solution = solved(instance)["l2"].solution
    return [(step, (1.0 - left) * solution) for step, left in zip(STEPS, lefts, strict=True)]


def test_a_regression_that_does_not_fit_yet_moves_to_what_it_approaches(interpolated):
    """Such a run was INCONCLUSIVE, without a trend."""
    lefts = (0.8, 0.6, 0.4, 0.2, 0.1)
    verdict = judge(interpolated, solved(interpolated), shrunk(interpolated, lefts))
    assert (verdict.selected, verdict.nearest, verdict.towards) == (MOVING, "l2", "l2")
    assert verdict.missing["residual"] == pytest.approx(0.1, rel=1e-9)
    assert verdict.missing["l2"] == pytest.approx(0.1, rel=1e-9)
    assert verdict.trend["residual"] == pytest.approx(0.25, rel=1e-9)
    assert set(verdict.by_distance) == set(solved(interpolated))
    assert verdict.decided_at is None and verdict.effective_p is None and verdict.open


def test_without_coming_closer_a_regression_that_does_not_fit_stays_inconclusive(interpolated):
    verdict = judge(interpolated, solved(interpolated), shrunk(interpolated, [0.1] * 5))
    assert verdict.selected == INCONCLUSIVE and not verdict.open
    assert verdict.reason == "relative residual 0.1; a verdict needs 0.001; it comes no closer"


def test_halfway_to_the_data_no_limit_is_told(interpolated):
    """Of 35 such runs 8 were called moving to where they did not go."""
    run = shrunk(interpolated, (0.9, 0.8, 0.7, 0.6, 0.5))
    known = solved(interpolated)
    l2 = known["l2"].solution
    gaps = [np.linalg.norm(l2 - known[name].solution) for name in ("l1", "linf")]
    assert min(gaps) < 2.0 * 0.5 * np.linalg.norm(l2)
    verdict = judge(interpolated, known, run)
    assert verdict.nearest == "l2" and verdict.trend["l2"] == pytest.approx(0.5 / 0.7, rel=1e-9)
    assert verdict.selected == INCONCLUSIVE and verdict.open
    assert verdict.reason == "relative residual 0.5; a verdict needs 0.001; it fits ever better"


def test_far_from_all_references_none_is_named_but_that_it_fits_better(interpolated):
    """Nearest to l2, while l1 is approached: it would be guessed."""
    known = {name: solved(interpolated)[name] for name in ("l1", "l2")}
    l1, l2 = (each.solution for each in known.values())
    run = [(step, (0.4 + 0.03 * k) * l2 + 0.07 * k * (l1 - l2)) for k, step in enumerate(STEPS)]
    verdict = judge(interpolated, known, run)
    assert verdict.nearest == "l2" and verdict.trend["l1"] < verdict.trend["l2"]
    assert verdict.selected == INCONCLUSIVE and verdict.open
    assert verdict.reason.endswith("; it fits ever better")


def test_on_the_way_to_another_exponent_a_regression_moves_to_no_name(interpolated):
    """Nearest to l1 of the names, it was `moving to l1`, and ended `between`."""
    solution = family_member(interpolated, "lp", 1.25).solution
    lefts = (0.3, 0.2, 0.1, 0.05, 0.01)
    run = [(step, (1.0 - left) * solution) for step, left in zip(STEPS, lefts, strict=True)]
    known = {name: solved(interpolated)[name] for name in ("l1", "linf")}
    gap = np.linalg.norm(known["l1"].solution - known["linf"].solution)
    away = np.linalg.norm(run[-1][1] - known["l1"].solution)
    assert 0.01 * np.linalg.norm(solution) < away < 0.5 * gap
    verdict = judge(interpolated, known, run)
    assert verdict.nearest == "l1" and verdict.selected == INCONCLUSIVE and verdict.open
    ended = judge(interpolated, known, [*run[:-1], (STEPS[-1], solution)], at_rest="it is at rest")
    assert (ended.selected, ended.effective_p) == (BETWEEN, 1.25)


def test_a_run_at_rest_is_nowhere_yet():
    """One large step separates what can be, up to rounding: it was `not there yet`."""
    made = cell(
        f"logistic_regression:data={ZERO_ROW},standardize=false",
        "gradient_descent[learning_rate=65]",
    )
    search = searched(made, 10_000)
    row = rows.bias_row(made, search, 10_000, 1)
    assert (row.status, row.selected) == ("converged", INCONCLUSIVE)
    assert row.reason.endswith("deg from direction; a verdict needs 5 deg; it is at rest")
    assert "yet" not in row.reason


def test_without_a_past_one_that_does_not_fit_says_that_it_does_not(interpolated):
    verdict = judge(interpolated, solved(interpolated), shrunk(interpolated, [0.1] * 5)[-1:])
    assert verdict.reason == "relative residual 0.1; a verdict needs 0.001" and verdict.open


def test_of_a_run_that_fits_since_less_than_a_decade_no_trend_is_told(interpolated):
    """On its way to what fits it comes closer to all: that was called `moving to l2`.

    It ends where no norm is least.
    """
    known = solved(interpolated)
    l2, linf = known["l2"].solution, known["linf"].solution
    across = np.linalg.svd(interpolated.features)[2][-1] * np.linalg.norm(l2)
    end = 0.5 * (l2 + linf) + 0.4 * across
    run = [
        (step, share * end) for step, share in zip(STEPS, (0.2, 0.4, 0.6, 0.9, 1.0), strict=True)
    ]
    verdict = judge(interpolated, known, run)
    assert kind_of(interpolated).misfit(interpolated, known, run[2][1]) == pytest.approx(0.4)
    assert verdict.selected == INCONCLUSIVE and verdict.open and verdict.towards is None
    assert verdict.reason.startswith("it fits since less than a decade")
    assert not verdict.trend and not verdict.by_distance
    excess = np.linalg.norm(end) / np.linalg.norm(l2) - 1.0
    assert verdict.missing["l2"] == pytest.approx(excess, rel=1e-9)


def test_what_was_missing_before_it_fitted_is_part_of_no_law(interpolated):
    """A norm that is too small is no power law: only the predictors that fit are told of."""
    l2 = solved(interpolated)["l2"]
    across = np.linalg.svd(interpolated.features)[2][-1] * np.linalg.norm(l2.solution)
    fitting = [
        (step, l2.solution + math.sqrt((1.0 + 2.0 * step**-0.25) ** 2 - 1.0) * across)
        for step in (*STEPS[:3], 17_783, *STEPS[3:])
    ]
    run = [(step, 0.5 * w) for step, w in fitting[:2]] + fitting[2:]
    verdict = judge(interpolated, {"l2": l2}, run)
    assert (verdict.selected, verdict.towards) == (MOVING, "l2")
    assert verdict.decided_at == pytest.approx((2.0 / 0.05) ** 4, rel=1e-6)


def test_a_run_that_has_just_reached_its_reference_has_settled(interpolated):
    """Linear convergence arrives within a decade: that it did not fit before is no doubt then."""
    run = shrunk(interpolated, (0.8, 0.6, 0.4, 1e-3, 1e-6))
    verdict = judge(interpolated, solved(interpolated), run)
    assert (verdict.selected, verdict.missing["l2"]) == ("l2", pytest.approx(1e-6, rel=1e-6))


def test_a_run_at_its_reference_does_not_move_to_another_optimum_of_that_norm():
    """Of least L1 norm to rounding, it moved on among the least ones: `moving to l1`."""
    made = cell(f"linear_regression:data={CASE},standardize=false", "p_norm_mirror_descent[p=1.01]")
    row = rows.bias_row(made, searched(made, 10_000), 10_000, 1)
    assert row.missing["l1"] < 1e-9 and (row.selected, row.towards) == ("l1", None)


def test_a_run_that_is_still_zero_to_rounding_says_so():
    """The mirror map of p = 1.01 takes the 100th power: such a row was blank."""
    made = cell(IN_TRANSIT, "normalized_mirror_descent[p=1.01,learning_rate=1e-12]")
    row = rows.bias_row(made, searched(made, 1_000), 1_000, 1)
    assert (row.selected, row.reason) == (INCONCLUSIVE, "w is still 0 to rounding")
    assert not row.measures and not rows.settled(made, searched(made, 1_000).runs[0], 1e-12)
