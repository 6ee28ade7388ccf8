"""The standard form against HiGHS on the original program."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp

from optbench.data import (
    GeneralProgram,
    StandardForm,
    bundled_program,
    bundled_program_names,
    read_linear_program,
    to_standard_form,
)
from optbench.data.linear_programs import BUNDLED
from optbench.errors import UserError


def solve(form: StandardForm) -> OptimizeResult:
    return linprog(form.c, A_eq=form.A, b_eq=form.b, bounds=(0, None), method="highs")


def solve_original(program: GeneralProgram) -> OptimizeResult:
    """HiGHS on the general form, through SciPy; the status says optimal, infeasible, unbounded."""
    sign = 1 if program.sense == "minimize" else -1
    rows = LinearConstraint(program.A, program.row_lower, program.row_upper)
    bounds = Bounds(program.col_lower, program.col_upper)
    return milp(sign * program.c, constraints=rows, bounds=bounds)


def violation(program: GeneralProgram, x: np.ndarray) -> float:
    """Largest violation of a bound or row, relative to 1 + |bound|."""
    values = np.concatenate([x, program.A @ x])
    lower = np.concatenate([program.col_lower, program.row_lower])
    upper = np.concatenate([program.col_upper, program.row_upper])
    below = (lower - values)[np.isfinite(lower)] / (1 + np.abs(lower[np.isfinite(lower)]))
    above = (values - upper)[np.isfinite(upper)] / (1 + np.abs(upper[np.isfinite(upper)]))
    return float(max(below.max(initial=0), above.max(initial=0)))


def program_of(
    c: list[float],
    rows: list[list[float]],
    row_bounds: list[tuple[float, float]],
    col_bounds: list[tuple[float, float]],
    sense: str = "minimize",
    offset: float = 0.0,
) -> GeneralProgram:
    m, n = len(rows), len(c)
    row_lower, row_upper = np.array(row_bounds, dtype=float).reshape(m, 2).T
    col_lower, col_upper = np.array(col_bounds, dtype=float).T
    return GeneralProgram(
        name="p",
        sense=sense,  # type: ignore[arg-type]
        c=np.array(c, dtype=float),
        offset=offset,
        A=sparse.csr_array(np.array(rows, dtype=float).reshape(m, n)),
        row_lower=row_lower,
        row_upper=row_upper,
        col_lower=col_lower,
        col_upper=col_upper,
        row_names=tuple(f"r{i}" for i in range(m)),
        col_names=tuple(f"x{j}" for j in range(n)),
    )


def standard(program: GeneralProgram) -> StandardForm:
    """Return the standard form in the units of the optimum that HiGHS finds."""
    return to_standard_form(program, solve_original(program).x)


@pytest.mark.parametrize("name", bundled_program_names())
def test_published_optima(name: str) -> None:
    """The README's optima have 11 digits; HiGHS's tolerances leave about 1e-9 relative."""
    table = (BUNDLED / "README.md").read_text()
    found = re.search(rf"\| {name} \| \d+ \| \d+ \| (\S+) \|", table)
    assert found is not None
    program = bundled_program(name)
    form = standard(program)
    solution = solve(form)
    assert form.objective(solution.x) == pytest.approx(float(found[1]), rel=1e-8)
    x = form.recover(solution.x)
    assert program.c @ x + program.offset == pytest.approx(float(found[1]), rel=1e-8)
    assert violation(program, x) <= 1e-9
    assert np.diff(form.A.indptr).min() > 0
    assert solve_original(program).fun == pytest.approx(float(found[1]), rel=1e-8)


def test_optima_of_the_truth_file(shared: Path) -> None:
    truth = json.loads((shared / "truth" / "lp.json").read_text())
    optimal = [row for row in truth if row["status"] == "Optimal"]
    assert len(optimal) == 8
    for row in optimal:
        form = standard(read_linear_program(shared / "lp" / f"{row['name']}.mps.gz"))
        value = form.objective(solve(form).x)
        assert value == pytest.approx(row["highs"], rel=1e-8)
        assert value == pytest.approx(row["pub"], rel=1e-8)


def test_assignment_of_the_or_library(shared: Path) -> None:
    """Costs c_ij, every row and column assigned once; the optimum is published."""
    numbers = gzip.decompress((shared / "lp" / "assign100.txt.gz").read_bytes()).split()
    n, costs = int(numbers[0]), np.array(numbers[1:], dtype=float)
    eye, ones = sparse.eye_array(n), np.ones((1, n))
    rows = sparse.vstack([sparse.kron(eye, ones), sparse.kron(ones, eye)]).tocsr()
    program = GeneralProgram(
        name="assign100",
        sense="minimize",
        c=costs,
        offset=0.0,
        A=sparse.csr_array(rows),
        row_lower=np.ones(2 * n),
        row_upper=np.ones(2 * n),
        col_lower=np.zeros(n * n),
        col_upper=np.full(n * n, np.inf),
        row_names=("",) * (2 * n),
        col_names=("",) * (n * n),
    )
    published = re.search(r"assign100\s+(\d+)", (shared / "lp" / "assignopt.txt").read_text())
    assert published is not None
    form = standard(program)
    assert form.A.shape == (2 * n, n * n)  # already in standard form: nothing is added
    assert form.objective(solve(form).x) == pytest.approx(float(published[1]), abs=1e-6)


def test_by_hand() -> None:
    """max x + y + z + 3 with 1 <= x <= 2, y <= 5, z free, w = 4 and x + y + z + w <= 10.

    At x = 2, y = 1, z = 3, w = 4 the largest distance from an origin is 5 - y = 4, the unit:
    x = 1 + 4 p, y = 5 - 4 q, z = 4 r - 4 s.
    """
    inf = np.inf
    program = program_of(
        [1, 1, 1, 0],
        [[1, 1, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0]],
        [(-inf, 10), (4, 4), (-inf, inf)],
        [(1, 2), (-inf, 5), (-inf, inf), (4, 4)],
        sense="maximize",
        offset=3,
    )
    form = to_standard_form(program, np.array([2.0, 1.0, 3.0, 4.0]))
    # Slacks t of the row, over 1, and u of x <= 2, over 1.
    assert form.A.toarray().tolist() == [[1, -1, 1, -1, 1, 0], [1, 0, 0, 0, 0, 1]]
    assert form.b.tolist() == [0, 0.25]
    assert form.c.tolist() == [-4, 4, -4, 4, 0, 0]
    assert form.optimum.tolist() == [0.25, 1, 0.75, 0, 0, 0]
    point = np.array([0.5, 1.0, 2.0, 4.0, 0.0, 0.0])
    assert form.recover(point).tolist() == [3.0, 1.0, -8.0, 4.0]
    assert form.objective(point) == 3.0 + 1.0 - 8.0 + 3.0
    assert form.objective(solve(form).x) == 6 + 3
    assert not form.one_to_one


def test_without_rows_the_bounds_are_rows() -> None:
    form = to_standard_form(
        program_of([1, 2, -1], [], [], [(2, np.inf), (3, np.inf), (-np.inf, -4)]),
        np.array([2.0, 3.0, -4.0]),
    )
    assert form.A.shape == (3, 6)
    assert form.objective(solve(form).x) == pytest.approx(12.0, rel=1e-12)
    assert form.objective(form.optimum) == 12.0
    np.testing.assert_array_equal(form.A @ form.optimum, form.b)


@pytest.mark.parametrize("size", [1e4, 1e6, 1e9, 1e12, 1e15, 1e19])
def test_sides_that_do_not_matter_leave_the_units(size: float) -> None:
    """min 2 x + 3 y, x + y <= 10, x + 2 y >= 4, with a far bound or side of every kind."""
    rows = [[1, 1], [1, 2], [1, -1]]
    kinds = {
        "upper": ((-np.inf, np.inf), (0, size)),
        "lower": ((-np.inf, np.inf), (-size, np.inf)),
        "both": ((-np.inf, np.inf), (-size, size)),
        "row": ((-np.inf, size), (0, np.inf)),
        "range": ((-size, size), (0, np.inf)),
        "one-sided range": ((-size, 3), (0, np.inf)),
    }
    for far, bound in kinds.values():
        sides = [(-np.inf, 10), (4, np.inf), far]
        form = to_standard_form(
            program_of([2, 3], rows, sides, [(0, np.inf), bound]), np.array([0.0, 2.0])
        )
        # Powers of two scale exactly: only x + 0.5 s = 0.75 and the like are rounded.
        np.testing.assert_allclose(form.A @ form.optimum, form.b, rtol=0, atol=2e-16)
        assert form.objective(form.optimum) == 6.0
        assert form.recover(form.optimum).tolist() == [0.0, 2.0]
        assert 1.0 <= form.optimum.max() <= 2.0
        assert max(abs(form.A).max(), np.abs(form.b).max()) <= 1.0


@pytest.mark.parametrize(
    "rows, row_bounds, col_bounds, message",
    [
        ([[1, 1]], [(1, 2)], [(0, 0), (3, 3)], "p: every variable is fixed"),
        ([[0, 0]], [(0, 0)], [(-np.inf, np.inf)] * 2, "p: no variable has a bound or a row"),
    ],
)
def test_nothing_to_optimize_is_one_line(
    rows: list[list[float]],
    row_bounds: list[tuple[float, float]],
    col_bounds: list[tuple[float, float]],
    message: str,
) -> None:
    with pytest.raises(UserError, match=message):
        to_standard_form(program_of([1, 1], rows, row_bounds, col_bounds), np.zeros(2))


INTEGERS = st.integers(-4, 4).map(float)


@st.composite
def bounds(draw: st.DrawFn) -> tuple[float, float]:
    lower = draw(INTEGERS)
    upper = lower + draw(st.integers(0, 5))
    kind = draw(st.sampled_from(["both", "lower", "upper", "none"]))
    return (
        lower if kind in ("both", "lower") else -np.inf,
        upper if kind in ("both", "upper") else np.inf,
    )


@st.composite
def programs(draw: st.DrawFn) -> GeneralProgram:
    m, n = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    vector = st.lists(INTEGERS, min_size=n, max_size=n)
    return program_of(
        draw(vector),
        draw(st.lists(vector, min_size=m, max_size=m)),
        draw(st.lists(bounds(), min_size=m, max_size=m)),
        draw(st.lists(bounds(), min_size=n, max_size=n)),
        draw(st.sampled_from(["minimize", "maximize"])),
        draw(INTEGERS),
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(programs())
def test_random_programs_have_the_same_optimum(program: GeneralProgram) -> None:
    expected = solve_original(program)
    assume(expected.status == 0)
    bounds = [program.col_lower, program.col_upper, program.row_lower, program.row_upper]
    assume(np.any(bounds[0] != bounds[1]) and np.isfinite(np.concatenate(bounds)).any())
    assume(np.isfinite(np.concatenate(bounds[:2])).any() or program.A.nnz > 0)
    form = to_standard_form(program, expected.x)
    solution = solve(form)
    assert solution.status == 0
    # Small integer data: vertices are rationals that simplex reaches to rounding error.
    sign = 1 if program.sense == "minimize" else -1
    optimum = sign * expected.fun + program.offset
    x = form.recover(solution.x)
    assert form.objective(solution.x) == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    assert program.c @ x + program.offset == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    assert violation(program, x) <= 1e-9
    np.testing.assert_allclose(form.recover(form.optimum), expected.x, atol=1e-12)
    np.testing.assert_allclose(form.A @ form.optimum, form.b, atol=1e-12)
