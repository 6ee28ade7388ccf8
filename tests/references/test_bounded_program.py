"""Linear programs with bounds against HiGHS on the raw form, Netlib's optima and closed forms."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_data import shared
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array

from optbench.data import read_linear_program
from optbench.errors import UserError
from optbench.references import Reference, solve_bounded_program

INF = np.inf
OPTIMAL = 0


def program(c, rows, row_bounds, col_bounds):
    """Arguments of `solve_bounded_program`."""
    row_lower, row_upper = np.array(row_bounds, dtype=float).reshape(-1, 2).T
    col_lower, col_upper = np.array(col_bounds, dtype=float).T
    matrix = csr_array(np.array(rows, dtype=float).reshape(row_lower.size, len(c)))
    return matrix, np.array(c, dtype=float), row_lower, row_upper, col_lower, col_upper


def highs(A, c, row_lower, row_upper, col_lower, col_upper) -> OptimizeResult:
    """HiGHS on the numbers as they are."""
    rows = LinearConstraint(A, row_lower, row_upper)
    return milp(c, constraints=rows, bounds=Bounds(col_lower, col_upper))


def far(kind: str, size: float, need: float = 4.0):
    """min 2 x + 3 y, x + y <= 10, x + 2 y >= need, with a side or bound that is far away."""
    sides, bound = [(-INF, 10), (need, INF), (-INF, INF)], (0.0, INF)
    if kind == "upper":
        bound = (0.0, size)
    elif kind == "lower":
        bound = (-size, INF)
    elif kind == "row":
        sides[2] = (-INF, size)
    elif kind == "range":
        sides[2] = (-size, size)
    return program([2, 3], [[1, 1], [1, 2], [0, 1]], sides, [(0, INF), bound])


@pytest.mark.parametrize("kind", ["upper", "lower", "row", "range"])
@pytest.mark.parametrize("exponent", range(3, 20))
def test_far_sides_and_bounds_change_nothing(kind: str, exponent: int) -> None:
    given_program = far(kind, 10.0**exponent)
    found = solve_bounded_program(*given_program)
    assert found.certified
    # Numbers of one digit: the vertex (0, 2) is exact, whatever the far number is.
    assert found.solution.tolist() == [0.0, 2.0]
    assert found.value == found.bound == 6.0
    assert highs(*given_program).fun == pytest.approx(6.0, rel=1e-9)


@pytest.mark.parametrize("kind", ["upper", "lower", "row", "range"])
@pytest.mark.parametrize("exponent", range(3, 20))
def test_far_sides_and_bounds_hide_no_contradiction(kind: str, exponent: int) -> None:
    """x + y <= 10 leaves x + 2 y <= 20: 40 cannot be reached."""
    with pytest.raises(UserError, match="infeasible"):
        solve_bounded_program(*far(kind, 10.0**exponent, need=40.0))


@pytest.mark.parametrize("exponent", range(-18, 19, 3))
def test_the_unit_of_the_whole_program_does_not_matter(exponent: int) -> None:
    """Below 1e-7 HiGHS's own tolerance hides the program: 0 is within it of feasible."""
    size = 10.0**exponent
    sides = [(-INF, 10 * size), (4 * size, INF)]
    given_program = program([2, 3], [[1, 1], [1, 2]], sides, [(0, INF), (0, 1e15 * size)])
    found = solve_bounded_program(*given_program)
    assert found.certified
    assert found.value == pytest.approx(6.0 * size, rel=1e-15)
    if exponent > -7:
        assert highs(*given_program).fun == pytest.approx(6.0 * size, rel=1e-9)


@pytest.mark.parametrize("exponent", range(0, 13, 3))
def test_the_units_of_columns_rows_and_costs_do_not_matter(exponent: int) -> None:
    """x in other units, the second row in others, the cost in others still."""
    size = 10.0**exponent
    given_program = program(
        [2 / size / size, 3 / size],
        [[1 / size, 1], [size / size, size * 2]],
        [(-INF, 10), (4 * size, INF)],
        [(0, INF), (0, INF)],
    )
    found = solve_bounded_program(*given_program)
    assert found.certified
    np.testing.assert_allclose(found.value, 6.0 / size, rtol=1e-14)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_an_optimum_at_a_far_bound_is_there(sign: float) -> None:
    found = solve_bounded_program(*program([-sign], [], [], [(-1e15, 1e15)]))
    assert found.solution.tolist() == [sign * 1e15]
    assert found.value == found.bound == -1e15


def test_without_rows() -> None:
    found = solve_bounded_program(*program([1, 2], [], [], [(2, INF), (3, INF)]))
    assert (found.value, found.bound, found.certified) == (8.0, 8.0, True)


@pytest.mark.parametrize(
    "arguments, word",
    [
        (([-1, 0], [[1, -1]], [(0, 0)], [(0, INF)] * 2), "unbounded"),
        (([-1], [], [], [(0, INF)]), "unbounded"),
        (([1], [], [], [(-INF, 5)]), "unbounded"),
        (([-1, 0], [[1, 1]], [(1, INF)], [(0, INF), (0, 1e12)]), "unbounded"),
        (([-1, 0], [[1, 1], [0, 1]], [(1, INF), (5, INF)], [(0, INF), (0, 3)]), "infeasible"),
        (([0, 0], [[1, 1], [1, 1]], [(1, 1), (1.001, 1.001)], [(-INF, INF)] * 2), "infeasible"),
        (([1], [[0]], [(1, 2)], [(0, INF)]), "infeasible"),
    ],
)
def test_no_solution_is_named(arguments, word: str) -> None:
    with pytest.raises(UserError, match=word) as error:
        solve_bounded_program(*program(*arguments))
    assert "\n" not in str(error.value)


def test_two_optima_are_not_called_one() -> None:
    box = [(0, 1), (0, 1)]
    assert solve_bounded_program(*program([1, 1], [[1, 1]], [(1, INF)], box)).unique is None
    assert solve_bounded_program(*program([1, 2], [[1, 1]], [(1, INF)], box)).unique is True
    assert solve_bounded_program(*program([0, 1], [], [], box)).unique is None


def test_netlib() -> None:
    truth = json.loads((shared() / "truth" / "lp.json").read_text())
    optimal = [row for row in truth if row["status"] == "Optimal"]
    assert len(optimal) >= 8
    for row in optimal:
        found = solved(shared() / "lp" / f"{row['name']}.mps.gz")
        assert found.certified
        assert found.value == pytest.approx(row["exact"], rel=1e-12)
        assert found.value == pytest.approx(row["pub"], rel=1e-8)
    with pytest.raises(UserError, match="infeasible"):
        solved(shared() / "lp" / "box1.mps.gz")


def solved(path) -> Reference:
    p = read_linear_program(path)
    assert p.sense == "minimize"
    return solve_bounded_program(p.A, p.c, p.row_lower, p.row_upper, p.col_lower, p.col_upper)


SMALL = st.integers(-4, 4).map(float)


@st.composite
def bounds(draw: st.DrawFn) -> tuple[float, float]:
    """Ends near zero, none, or so far that they seldom matter."""
    lower = draw(SMALL)
    upper = lower + draw(st.integers(0, 5))
    away = 10.0 ** draw(st.integers(2, 14))
    ends = {"both": (lower, upper), "lower": (lower, INF), "upper": (-INF, upper)}
    ends |= {
        "none": (-INF, INF),
        "far": (lower, away),
        "low": (-away, upper),
        "wide": (-away, away),
    }
    return ends[draw(st.sampled_from(sorted(ends)))]


@st.composite
def programs(draw: st.DrawFn):
    m, n = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    vector = st.lists(SMALL, min_size=n, max_size=n)
    return program(
        draw(vector),
        draw(st.lists(vector, min_size=m, max_size=m)),
        draw(st.lists(bounds(), min_size=m, max_size=m)),
        draw(st.lists(bounds(), min_size=n, max_size=n)),
    )


def agrees(arguments) -> None:
    """Compare with HiGHS, whose answers are exact here up to rounding in the largest side."""
    expected = highs(*arguments)
    if expected.status == OPTIMAL:
        found = solve_bounded_program(*arguments)
        assert found.certified
        points = np.abs(expected.x) + np.abs(found.solution)  # of several optima one may be far
        size = 1.0 + float((np.abs(arguments[1]) * points).sum())
        assert found.value == pytest.approx(expected.fun, abs=1e-8 * size)
        return
    # HiGHS may call a program that is both dual and primal infeasible by either name.
    feasible = highs(arguments[0], 0.0 * arguments[1], *arguments[2:]).status == OPTIMAL
    try:
        found = solve_bounded_program(*arguments)
    except UserError as error:
        message = str(error)
    else:  # HiGHS is wrong: numbers of 1 beside 1e11 are within its tolerances of one another
        assert found.certified and largest_violation(*arguments, found.solution) <= 1e-9
        return
    assert ("unbounded" if feasible else "infeasible") in message


def largest_violation(A, c, row_lower, row_upper, col_lower, col_upper, x) -> Fraction:
    """Largest violation of a row relative to its terms, in exact arithmetic; bounds are met."""
    assert np.all((col_lower <= x) & (x <= col_upper))
    worst = Fraction(0)
    for row, lower, upper in zip(A.toarray(), row_lower, row_upper, strict=True):
        terms = [Fraction(a) * Fraction(v) for a, v in zip(row, x, strict=True)]
        missed = max(Fraction(end) for end in (
            *([Fraction(lower) - sum(terms)] if np.isfinite(lower) else []),
            *([sum(terms) - Fraction(upper)] if np.isfinite(upper) else []),
            Fraction(0),
        ))  # fmt: skip
        if missed:
            worst = max(worst, missed / (missed + max(map(abs, terms))))
    return worst


@settings(max_examples=300, deadline=None, derandomize=True)
@given(programs())
def test_highs_on_the_raw_form_agrees(arguments) -> None:
    agrees(arguments)


@pytest.mark.exhaustive
@settings(max_examples=10_000, deadline=None)
@given(programs())
def test_highs_on_the_raw_form_agrees_ten_thousand_times(arguments) -> None:
    agrees(arguments)
