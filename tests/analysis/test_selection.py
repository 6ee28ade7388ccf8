"""Verdicts on predictors whose nearest reference is known by construction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optbench.analysis import instances
from optbench.analysis.effective_p import UNTOLD, EffectiveP, effective_p
from optbench.analysis.instances import describe
from optbench.analysis.kinds import kind_of
from optbench.analysis.kinds.distances import angle
from optbench.analysis.selection import (
    BETWEEN,
    INCONCLUSIVE,
    _side,
    distances,
    select,
    separations,
    side,
)
from optbench.registry import load_registry
from optbench.solutions import EFFECTIVE_P, family_member, norm_grid, solved
from optbench.study import build_instances

REGRESSION = "linear_regression:data=gaussian,n=5,d=12,seed=3"


def build(text):
    ((instance,),) = build_instances(load_registry(), text, 1)
    return instance


@pytest.fixture(name="separable", scope="module")
def separable_fixture():
    return build("logistic_regression:data=gaussian,n=6,d=12,seed=11")


def between(instance, a, b, share):
    """A predictor ``share`` of the way from one reference's direction to another's."""
    u, v = (solved(instance)[name].solution for name in (a, b))
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    arc = np.radians(angle(u, v))
    return (np.sin((1 - share) * arc) * u + np.sin(share * arc) * v) / np.sin(arc)


def test_each_reference_selects_itself_at_any_length(separable):
    for name, reference in solved(separable).items():
        for length in (1e-6, 1.0, 1e9):
            verdict = select(separable, solved(separable), length * reference.solution)
            assert verdict.selected == name and verdict.reason is None
            others = [angle(reference.solution, solved(separable)[o].solution)
                      for o in solved(separable) if o != name]  # fmt: skip
            assert verdict.separation == pytest.approx(min(others), rel=1e-9)


def test_on_the_way_between_two_references_no_name_is_given(separable):
    """The nearer one was once named, up to the middle."""
    for share in (0.4, 0.5, 0.6):
        verdict = select(separable, solved(separable), between(separable, "l2", "linf", share))
        assert verdict.selected in (BETWEEN, INCONCLUSIVE)
        assert 2.0 < verdict.effective_p < np.inf
    verdict = select(separable, solved(separable), between(separable, "l2", "linf", 0.02))
    assert (verdict.selected, verdict.runner_up) == ("l2", "linf")


def test_less_than_half_the_way_is_the_side_of_a_reference_that_no_norm_defines(separable):
    l2, linf = (replace(solved(separable)[name], norm=None) for name in ("l2", "linf"))
    near, middle = (between(separable, "l2", "linf", share) for share in (0.4, 0.6))
    assert side(separable, {"a": l2, "b": linf}, near).selected == "a"
    assert side(separable, {"a": l2, "b": linf}, middle).selected == "b"
    far = select(separable, {"a": l2, "b": linf}, near)
    away = angle(near, l2.solution)
    assert far.selected == INCONCLUSIVE and far.nearest == "a"
    assert far.reason == f"{away:.2g} deg from a; a verdict needs 5 deg"


@pytest.mark.parametrize(("length", "close"), [(0.1, True), (0.32, True), (0.34, False)])
def test_a_verdict_needs_95_percent_of_the_largest_margin(separable, length, close):
    """Across the data no margin changes and the norm grows: the ratio is (1 + length^2)^-1/2."""
    assert (1.0 / np.sqrt(1.0 + length**2) >= 0.95) == close
    l2 = solved(separable)["l2"]
    w = l2.solution + length * np.linalg.svd(separable.features)[2][-1]
    verdict = select(replace(separable, parametric={}), {"l2": l2}, w)
    assert verdict.selected == ("l2" if close else INCONCLUSIVE)
    assert close or verdict.reason == "0.053 short of l2; a verdict needs 0.05"


@pytest.mark.parametrize(("length", "close"), [(0.1, True), (0.319, True), (0.321, False)])
def test_a_verdict_needs_a_norm_at_most_5_percent_above_the_least(length, close):
    """In the null space of the data: the excess is (1 + length^2)^1/2 - 1."""
    assert (np.sqrt(1.0 + length**2) <= 1.05) == close
    instance = build(REGRESSION)
    l2 = solved(instance)["l2"]
    w = l2.solution + length * l2.value * np.linalg.svd(instance.features)[2][-1]
    verdict = select(replace(instance, parametric={}), {"l2": l2}, w)
    assert verdict.selected == ("l2" if close else INCONCLUSIVE)


def test_far_from_everything_is_inconclusive_and_says_how_far(separable):
    verdict = select(separable, solved(separable), -solved(separable)["l2"].solution)
    assert verdict.selected == INCONCLUSIVE
    assert "deg from" in verdict.reason and "half the way to" in verdict.reason


def test_the_right_margin_selects_where_directions_are_not_unique(separable):
    """Half the coordinates of the data are zero: they are free in w up to the largest one."""
    features = np.hstack([separable.features, np.zeros((6, 12))])
    instance = replace(separable, features=features, name="padded", parametric={})
    padded = {
        name: replace(reference, solution=np.concatenate([reference.solution, np.zeros(12)]))
        for name, reference in solved(separable).items()
    }
    linf = padded["linf"].solution
    w = linf + np.concatenate([np.zeros(12), np.full(12, np.abs(linf).max())])
    assert angle(w, linf) > 40.0  # farther than half the way to any reference, of the same margin
    assert select(instance, padded, w).selected == "linf"


def test_references_that_coincide_are_not_told_apart(separable):
    l2 = solved(separable)["l2"]
    verdict = select(separable, {"l2": l2, "fisher": l2}, l2.solution)
    assert verdict.selected == INCONCLUSIVE
    assert verdict.reason.startswith("l2 and fisher are only")
    # A third one, well apart, is still recognised.
    third = solved(separable)["l1"]
    three = {"l2": l2, "fisher": l2, "l1": third}
    assert select(separable, three, third.solution).selected == "l1"


def test_a_predictor_at_a_point_tells_it_from_a_twin():
    """The best matrix of rank 3 is 1 % from the minimizer, that a run finds to 1e-15."""
    instance = build("matrix_regression")
    known = solved(instance)
    gaps = distances(instance, known["minimizer"].solution, {"rank3": known["rank3"]})
    assert 0.002 < gaps["rank3"] < 0.02
    at, other = known["minimizer"].solution, known["rank3"].solution
    for name, w in (("minimizer", at), ("rank3", other)):
        assert select(instance, known, w).selected == name
    assert select(instance, known, at + 0.09 * (other - at)).selected == "minimizer"
    unclear = select(instance, known, at + 0.11 * (other - at))
    assert unclear.selected == INCONCLUSIVE and "apart here" in unclear.reason


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (0.0, "w is still 0 to rounding"),
        (np.nan, "w is not finite"),
        (np.inf, "w is not finite"),
    ],
)
def test_no_predictor_no_verdict(separable, bad, reason):
    verdict = select(separable, solved(separable), np.full(12, bad))
    assert verdict.selected == INCONCLUSIVE
    assert verdict.reason == reason


def test_no_reference_no_verdict(separable):
    verdict = select(separable, {}, np.ones(12))
    assert verdict.selected is None and verdict.reason == "no reference solution is known here"


def test_a_regression_that_does_not_interpolate_has_selected_nothing():
    instance = build(REGRESSION)
    w = solved(instance)["l2"].solution
    assert select(instance, solved(instance), w).selected == "l2"
    verdict = select(instance, solved(instance), 0.99 * w)  # relative residual 0.01
    assert verdict.selected == INCONCLUSIVE
    assert verdict.reason == "relative residual 0.01; a verdict needs 0.001"


def test_a_single_reference_needs_to_be_close():
    instance = build("linear_regression:data=gaussian,n=60,d=4")
    w = solved(instance)["minimizer"].solution
    assert select(instance, solved(instance), 1.01 * w).selected == "minimizer"
    far = select(instance, solved(instance), 2.0 * w)
    assert far.selected == INCONCLUSIVE and far.reason == ("1 from minimizer; a verdict needs 0.05")


def test_separations_are_the_angles_between_references(separable):
    table = separations(separable, solved(separable))
    assert set(table) == {"l1-l2", "l1-linf", "l2-linf"}
    for pair, degrees in table.items():
        a, b = (solved(separable)[name].solution for name in pair.split("-"))
        cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert degrees == pytest.approx(np.degrees(np.arccos(cosine)), rel=1e-9)
    assert min(table.values()) > 15.0  # degrees: the reason to choose this instance


def test_distances_in_regression_are_relative():
    instance = build(REGRESSION)
    w = solved(instance)["l1"].solution
    found = distances(instance, w, solved(instance))
    l2 = solved(instance)["l2"].solution
    assert found["l1"] == 0.0
    assert found["l2"] == pytest.approx(np.linalg.norm(w - l2) / np.linalg.norm(l2), rel=1e-12)


@pytest.mark.parametrize("text", ["logistic_regression:data=gaussian,n=6,d=12,seed=11", REGRESSION])
def test_each_lp_solution_has_its_own_effective_p(text):
    instance = build(text)
    for index, p in enumerate(EFFECTIVE_P):
        w = family_member(instance, "lp", p).solution
        found, (low, high), _ = effective_p(instance, norm_grid(instance), w)
        if found != p:  # the same solution here, which goes by the name l1
            kind, l1 = kind_of(instance), norm_grid(instance)[1.0]
            assert found == 1.0 and kind.distance(instance, w, l1) < kind.told_apart
            continue
        assert low == EFFECTIVE_P[max(index - 1, 0)]
        assert high == EFFECTIVE_P[min(index + 1, len(EFFECTIVE_P) - 1)]


AUDITED = (
    "logistic_regression:data=gaussian,seed=0",
    "logistic_regression:data=gaussian,n=20,d=30,seed=0",
    "linear_regression:data=gaussian,n=5,d=12,seed=0",
)


@pytest.mark.parametrize("text", AUDITED)
def test_no_solution_of_another_norm_gets_the_name_of_l1_l2_or_linf(text):
    """Exact directions and interpolants: 42 of 45 once got the name of another norm."""
    wrong, named = [], 0
    for instance in build_instances(load_registry(), text, 3)[0]:
        for name, reference in solved(instance).items():
            assert select(instance, solved(instance), reference.solution).selected == name
        for p in (1.1, 1.25, 1.5, 3.0, 4.0, 6.0, 8.0):
            own = family_member(instance, "lp", p)
            verdict = select(instance, solved(instance), own.solution)
            named += verdict.selected == BETWEEN
            if verdict.selected != BETWEEN:  # right where the two solutions are the same one
                kind = kind_of(instance)
                apart = kind.distance(instance, own.solution, solved(instance)[verdict.selected])
                wrong += [(p, verdict)] if apart > kind.told_apart else []
            assert verdict.effective_p in (p, 6.0, 10.0, 1.0)
    assert not wrong and named >= 18


def test_the_solution_of_a_norm_that_theory_names_is_a_reference_like_any_other(separable):
    l3 = family_member(separable, "lp", 3.0)
    assert select(separable, solved(separable), l3.solution).selected == BETWEEN
    known = {**solved(separable), "l3": l3}
    assert select(separable, known, l3.solution).selected == "l3"
    odd = family_member(separable, "lp", 2.7)  # beside the grid of exponents
    verdict = select(separable, {**solved(separable), "l2.7": odd}, odd.solution)
    assert (verdict.selected, verdict.effective_p) == ("l2.7", 2.7)


def test_no_effective_p_without_a_margin(separable):
    w = -solved(separable)["l2"].solution
    assert effective_p(separable, norm_grid(separable), w) == UNTOLD
    assert effective_p(separable, {}, w) == UNTOLD
    assert effective_p(separable, norm_grid(separable), np.zeros(12)) == UNTOLD


def flat(separable, second):
    """One row x = (1, second): largest margins are dual norms of x, for p = 1 in the direction e1.

    That of exponent p lies along x ** (q - 1), q = p / (p - 1).
    """
    x = np.array([1.0, second])
    instance = replace(separable, features=x[None], targets=np.ones(1), parametric={})
    l2 = solved(separable)["l2"]
    grid = {1.0: replace(l2, norm="l1", value=1.0, solution=np.array([1.0, 0.0]))}
    for p in (1.1, 2.0):
        q = p / (p - 1.0)
        value = float(np.sum(x**q) ** (1.0 / q))
        grid[p] = replace(l2, norm=f"l{p:g}", value=value, solution=x ** (q - 1.0))
    return instance, grid


def test_where_an_optimum_is_flat_margins_decide_the_exponent(separable):
    """The nearest solution of margins within 1 % once did, here 1.1 at 0.992 beside 0.9997."""
    instance, grid = flat(separable, 0.999)
    w = np.array([0.7, 0.3])
    kind = kind_of(instance)
    assert kind.quality(instance, w, grid[1.0]) == pytest.approx(0.9997, rel=1e-9)
    assert kind.quality(instance, w, grid[1.1]) > 0.99 * 0.9997
    assert angle(w, grid[1.1].solution) < angle(w, grid[1.0].solution)
    assert effective_p(instance, grid, w)[0] == 1.0


def test_exponents_that_a_flat_optimum_does_not_tell_apart_agree(separable):
    """Of the L1 margin 4.9e-4 are missing, of L1.1 less: the row said `moving to l1` for ever."""
    instance, grid = flat(separable, 0.999)
    w = np.array([0.51, 0.49])
    kind = kind_of(instance)
    short = 1.0 - kind.quality(instance, w, grid[1.0])
    assert short == pytest.approx(4.9e-4, rel=1e-9)
    assert 1.0 - kind.quality(instance, w, grid[1.1]) < short
    known = {"l1": grid[1.0], "l2": grid.pop(2.0)}
    found = effective_p(instance, grid, w)
    assert (found.p, found.plateau) == (1.1, (1.0, 1.1))
    assert _side(instance, known, w, {"lp": found}).selected == "l1"


def test_exponents_whose_optima_differ_by_more_do_not_agree(separable):
    """The solution of exponent 1.1 has 97 % of the largest L1 margin: that is told."""
    instance, grid = flat(separable, 0.92)
    w = grid[1.1].solution
    assert kind_of(instance).quality(instance, w, grid[1.0]) < 0.995
    assert effective_p(instance, grid, w).plateau == (1.1,)


def test_the_nearest_norm_is_the_one_to_which_least_is_missing(separable):
    """Of l1 2 % are missing, of l2 6 %, while the angle to l2 is the smaller one."""
    instance, grid = flat(separable, 0.92)
    known = {"l1": grid[1.0], "l2": grid[2.0]}
    w = grid[1.1].solution
    assert angle(w, known["l2"].solution) < angle(w, known["l1"].solution)
    verdict = _side(instance, known, w, {"lp": EffectiveP(1.1, (1.0, 2.0), (1.1,))})
    assert (verdict.selected, verdict.nearest, verdict.runner_up) == (INCONCLUSIVE, "l1", "l2")


def test_a_reference_that_is_not_certified_decides_no_verdict(separable):
    """Neither as what is selected, nor as a rival that keeps others from being selected."""
    doubtful = {name: replace(each, gap=1e-3) for name, each in solved(separable).items()}
    l2, linf = (solved(separable)[name] for name in ("l2", "linf"))
    one = solved(separable) | {"l2": doubtful["l2"]}
    verdict = select(separable, one, l2.solution)
    assert verdict.selected != "l2" and verdict.runner_up != "l2"
    assert "l2" not in str(verdict.reason)
    at_rival = select(separable, solved(separable) | {"l2": doubtful["l2"]}, linf.solution)
    others = [angle(linf.solution, solved(separable)["l1"].solution)]
    assert at_rival.selected == "linf"
    assert at_rival.separation == pytest.approx(min(others), rel=1e-9)


def test_without_any_certified_reference_there_is_no_verdict_and_the_gaps_are_told(separable):
    doubtful = {"l2": replace(solved(separable)["l2"], gap=0.397)}
    verdict = select(separable, doubtful, solved(separable)["l2"].solution)
    assert (verdict.selected, verdict.runner_up, verdict.separation) == (None, None, None)
    assert verdict.reason == "no reference solution is certified here: l2 (gap 0.4)"


def test_least_norm_solutions_that_leave_a_residual_are_selected_where_runs_predict_the_same():
    """More rows than rank: the least-squares minimizers do not interpolate, and are many."""
    generator = np.random.default_rng(5)
    features = generator.standard_normal((9, 3)) @ generator.standard_normal((3, 7))
    targets = generator.standard_normal(9)
    least = np.linalg.pinv(features) @ targets
    instance = build(REGRESSION)
    l2 = replace(solved(instance)["l2"], solution=least, value=float(np.linalg.norm(least)))
    instance = replace(instance, features=features, targets=targets, parametric={})
    assert np.linalg.norm(features @ least - targets) > 0.1 * np.linalg.norm(targets)
    assert select(instance, {"l2": l2}, least).selected == "l2"
    verdict = select(instance, {"l2": l2}, 0.99 * least)
    share = 0.01 * np.linalg.norm(features @ least) / np.linalg.norm(targets)
    assert verdict.reason == f"relative residual {share:.2g}; a verdict needs 0.001"


def test_the_facts_say_which_exponents_are_not_certified(separable, monkeypatch):
    assert describe(separable, {}).missing_p == ()
    certified = {p: 1.0 for p in EFFECTIVE_P if p != 3.0}
    monkeypatch.setattr(instances, "norm_grid", lambda instance, family: certified)
    assert describe(separable, {}).missing_p == (3.0,)
    assert describe(build("linear_program:data=random"), {}).missing_p == ()
