"""The standard form against HiGHS on the original program."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, linprog, milp

from optbench.data import (
    GeneralProgram,
    StandardForm,
    bundled_program,
    bundled_program_names,
    read_mps,
    to_standard_form,
)
from optbench.data.linear_programs import BUNDLED
from optbench.errors import UserError

INFEASIBLE = 2


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


@pytest.mark.parametrize("name", bundled_program_names())
def test_published_optima(name: str) -> None:
    """The README's optima have 11 digits; HiGHS's tolerances leave about 1e-9 relative."""
    table = (BUNDLED / "README.md").read_text()
    found = re.search(rf"\| {name} \| \d+ \| \d+ \| (\S+) \|", table)
    assert found is not None
    program = bundled_program(name)
    form = to_standard_form(program)
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
        form = to_standard_form(read_mps(shared / "lp" / f"{row['name']}.mps.gz"))
        value = form.objective(solve(form).x)
        assert value == pytest.approx(row["highs"], rel=1e-8)
        assert value == pytest.approx(row["pub"], rel=1e-8)


def test_box1_stays_infeasible(shared: Path) -> None:
    form = to_standard_form(read_mps(shared / "lp" / "box1.mps.gz"))
    assert solve(form).status == INFEASIBLE


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
    form = to_standard_form(program)
    assert form.A.shape == (2 * n, n * n)  # already in standard form: nothing is added
    assert form.objective(solve(form).x) == pytest.approx(float(published[1]), abs=1e-6)


def test_by_hand() -> None:
    """max x + y + z + 3 with 1 <= x <= 2, y <= 5, z free, w = 4 and x + y + z + w <= 10."""
    inf = np.inf
    program = program_of(
        [1, 1, 1, 0],
        [[1, 1, 1, 1], [0, 0, 0, 1], [1, 0, 0, 0]],
        [(-inf, 10), (4, 4), (-inf, inf)],
        [(1, 2), (-inf, 5), (-inf, inf), (4, 4)],
        sense="maximize",
        offset=3,
    )
    form = to_standard_form(program)
    # x = 1 + p, y = 5 - q, z = r - s, w = 4; slacks t of the row and u of the upper bound.
    assert form.A.toarray().tolist() == [[1, -1, 1, -1, 1, 0], [1, 0, 0, 0, 0, 1]]
    assert form.b.tolist() == [0, 1]
    assert form.c.tolist() == [-1, 1, -1, 1, 0, 0]
    point = np.array([0.5, 1.0, 2.0, 4.0, 0.0, 0.0])
    assert form.recover(point).tolist() == [1.5, 4.0, -2.0, 4.0]
    assert form.objective(point) == 1.5 + 4.0 - 2.0 + 3.0
    assert form.objective(solve(form).x) == 6 + 3


def test_no_rows_at_all() -> None:
    form = to_standard_form(program_of([1, 2], [], [], [(0, np.inf), (0, np.inf)]))
    assert form.A.shape == (0, 2)
    assert form.objective(np.zeros(2)) == 0


@pytest.mark.parametrize(
    "rows, row_bounds, col_bounds, message",
    [
        ([[0, 1]], [(1, 2)], [(0, 1), (3, 3)], r"p: row r0 has the constant value 3 outside .*"),
        ([[0, 0]], [(1, np.inf)], [(0, 1), (3, 3)], "constant value 0 outside .*infeasible"),
        ([[1, 1]], [(1, 2)], [(0, 0), (3, 3)], "p: every variable is fixed"),
    ],
)
def test_contradiction_is_one_line(
    rows: list[list[float]],
    row_bounds: list[tuple[float, float]],
    col_bounds: list[tuple[float, float]],
    message: str,
) -> None:
    with pytest.raises(UserError, match=message):
        to_standard_form(program_of([1, 1], rows, row_bounds, col_bounds))


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
    try:
        form = to_standard_form(program)
    except UserError as error:
        all_fixed = "every variable is fixed" in str(error)
        assert all_fixed or expected.status == INFEASIBLE
        return
    solution = solve(form)
    assert (solution.status == 0) == (expected.status == 0)
    if expected.status != 0:
        # HiGHS may call a program that is both dual and primal infeasible by either name.
        return
    # Small integer data: vertices are rationals that simplex reaches to rounding error.
    sign = 1 if program.sense == "minimize" else -1
    optimum = sign * expected.fun + program.offset
    x = form.recover(solution.x)
    assert form.objective(solution.x) == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    assert program.c @ x + program.offset == pytest.approx(optimum, rel=1e-8, abs=1e-8)
    assert violation(program, x) <= 1e-9
