"""ECDF and performance profiles against hand-computed tables, scipy's ECDF and their promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from optbench.analysis.profiles import performance_profile, runtime_ecdf, sentence
from optbench.errors import UserError

NEVER = math.inf

# Ratios by hand: A 1, 2, 1, -; B 2, 1, 1, -; C 4, 1, -, -.   The last pair is solved by nobody.
HAND = {
    "A": [1.0, 20.0, 5.0, NEVER],
    "B": [2.0, 10.0, 5.0, NEVER],
    "C": [4.0, 10.0, NEVER, NEVER],
}


def test_performance_profile_by_hand() -> None:
    x, curves = performance_profile(HAND)
    assert x.tolist() == [1.0, 2.0, 4.0]
    assert curves["A"].tolist() == [0.5, 0.75, 0.75]
    assert curves["B"].tolist() == [0.5, 0.75, 0.75]
    assert curves["C"].tolist() == [0.25, 0.25, 0.5]


def test_ecdf_by_hand() -> None:
    x, curves = runtime_ecdf(HAND)
    assert x.tolist() == [1.0, 2.0, 4.0, 5.0, 10.0, 20.0]
    assert curves["A"].tolist() == [0.25, 0.25, 0.25, 0.5, 0.5, 0.75]
    assert curves["C"].tolist() == [0.0, 0.0, 0.25, 0.25, 0.5, 0.5]


def test_ecdf_is_scipy_ecdf_where_everything_is_solved() -> None:
    costs = np.random.default_rng(2).geometric(0.05, size=60).astype(float)
    x, curves = runtime_ecdf({"gd": costs})
    theirs = stats.ecdf(costs).cdf
    assert np.array_equal(x, theirs.quantiles)
    assert np.allclose(curves["gd"], theirs.probabilities, rtol=0, atol=1e-15)


cost = st.one_of(st.integers(1, 50).map(float), st.just(NEVER), st.just(math.nan))
tables = st.integers(1, 8).flatmap(
    lambda pairs: st.dictionaries(
        st.sampled_from(["gd", "adam", "lion", "muon"]),
        st.lists(cost, min_size=pairs, max_size=pairs),
        min_size=1,
    )
)


@given(tables)
def test_curves_are_distribution_functions(table) -> None:
    for x, curves in (runtime_ecdf(table), performance_profile(table)):
        assert (np.diff(x) > 0).all()
        assert list(curves) == list(table)
        for name, curve in curves.items():
            assert curve.shape == x.shape
            assert ((curve >= 0) & (curve <= 1)).all()
            assert (np.diff(curve) >= 0).all()
            if x.size:
                assert curve[-1] == np.isfinite(table[name]).mean()


@given(tables)
def test_profile_starts_with_the_share_of_wins(table) -> None:
    x, curves = performance_profile(table)
    costs = np.where(np.isnan(list(table.values())), NEVER, list(table.values()))
    solvable = np.isfinite(costs).any(axis=0).mean()
    assert x[0] == 1.0
    # Every solvable pair has a winner, and ties have several.
    assert sum(curve[0] for curve in curves.values()) >= solvable - 1e-12


def test_profile_does_not_depend_on_the_unit() -> None:
    seconds = {name: np.array(row) * 0.125 for name, row in HAND.items()}
    x, curves = performance_profile(HAND)
    other_x, other = performance_profile(seconds)
    assert np.array_equal(x, other_x)
    assert all(np.array_equal(curves[name], other[name]) for name in HAND)


@pytest.mark.filterwarnings("error")
def test_best_cost_of_zero_divides_nothing() -> None:
    x, curves = performance_profile({"A": [0.0, 3.0], "B": [5.0, 3.0]})
    assert x.tolist() == [1.0]
    assert curves["A"].tolist() == [1.0]
    assert curves["B"].tolist() == [0.5]


def test_nobody_solves_anything() -> None:
    table = {"A": [NEVER, math.nan], "B": [NEVER, NEVER]}
    assert runtime_ecdf(table)[0].size == 0
    x, curves = performance_profile(table)
    assert x.tolist() == [1.0] and curves["A"].tolist() == [0.0]
    assert sentence(table) == "No optimizer solves any of the 2 (problem, target) pairs."


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            {"gd": [9.0, 9.0, 9.0], "adam": [1.0, 1.0, NEVER]},
            (
                "gd solves the most (3 of the 3 (problem, target) pairs); adam is the fastest most "
                "often (2, ties counted for all)."
            ),
        ),
        (
            HAND,
            (
                "A and B solve the most (3 of the 4 (problem, target) pairs each); A and B are the "
                "fastest most often (2 each, ties counted for all)."
            ),
        ),
        (
            {"a": [1.0], "b": [1.0], "c": [1.0]},
            (
                "all 3 optimizers solve the most (1 of the 1 (problem, target) pairs each); all 3 "
                "optimizers are the fastest most often (1 each, ties counted for all)."
            ),
        ),
        (
            {"gd": [4.0, NEVER]},
            (
                "gd solves 1 of the 2 (problem, target) pairs, "
                "with no other optimizer to compare it to."
            ),
        ),
    ],
)
def test_sentence(table, expected: str) -> None:
    assert sentence(table) == expected


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "at least one optimizer"),
        ({"A": []}, "at least one"),
        ({"A": [1.0], "B": [1.0, 2.0]}, "'B' have shape"),
        ({"A": [-1.0]}, "negative"),
    ],
)
def test_wrong_input_is_one_clear_line(table, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        performance_profile(table)
    assert "\n" not in str(caught.value)
