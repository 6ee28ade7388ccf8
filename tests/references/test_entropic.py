"""Entropic linear programs against Clarabel's exponential cones, and far sides against none."""

from __future__ import annotations

from time import process_time

import clarabel
import numpy as np
import pytest
import scipy.sparse as sparse

from optbench.data import GeneralProgram, bundled_program, to_standard_form
from optbench.references import entropic_program, nonnegative_cost, solve_bounded_program

STRENGTH = 0.01  # in units of the largest cost, as of the problem `linear_program`


def by_clarabel(A, b, c, strength):
    """min c.x + strength sum (t - x), t >= x log x, A x = b: an interior-point method.

    t >= x log x is (-t, x, 1) in the exponential cone, x exp(-t / x) <= 1.
    """
    m, n = A.shape
    eye = sparse.eye_array(n).tocsc()
    cones = sparse.block_array([[None, eye], [-eye, None], [sparse.csc_array((n, n)), None]])
    order = np.arange(3 * n).reshape(3, n).T.ravel()  # cone by cone
    rows = sparse.vstack([sparse.hstack([A, sparse.csc_array((m, n))]), cones.tocsr()[order]])
    right = np.concatenate([b, np.tile([0.0, 0.0, 1.0], n)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solver = clarabel.DefaultSolver(
        sparse.csc_array((2 * n, 2 * n)),
        np.concatenate([c / strength - 1.0, np.ones(n)]),
        rows.tocsc(),
        right,
        [clarabel.ZeroConeT(m), *[clarabel.ExponentialConeT()] * n],
        settings,
    )
    solution = solver.solve()
    assert str(solution.status) in ("Solved", "AlmostSolved")
    return np.array(solution.x[:n]), strength * solution.obj_val


def standard(program: GeneralProgram):
    """Standard form, its nonnegative cost and the strength."""
    sides = program.row_lower, program.row_upper, program.col_lower, program.col_upper
    form = to_standard_form(program, solve_bounded_program(program.A, program.c, *sides).solution)
    cost = nonnegative_cost(form.A, form.c)
    return form, cost, STRENGTH * cost.max()


@pytest.mark.parametrize("name", ["afiro", "adlittle", "kb2", "sc50b", "share2b", "blend"])
def test_clarabel_finds_the_same(name: str) -> None:
    form, cost, strength = standard(bundled_program(name))
    found = entropic_program(form.A, form.b, cost, strength)
    assert found.certified
    x, value = by_clarabel(form.A, form.b, cost, strength)
    size = np.abs(cost * x).sum() + strength * x.size
    assert found.value == pytest.approx(value, abs=1e-6 * size)
    # Entropy is strongly convex, strength / max x: a value within 1e-6 leaves x within 1e-3.
    np.testing.assert_allclose(found.solution, x, atol=np.sqrt(2e-6 * size / strength * x.max()))


def example(*, upper: float = np.inf, lower: float = 0.0, side: float = np.inf, need=4.0):
    """min 2 x + 3 y, x + y <= 10, x + 2 y >= need, y <= side."""
    return GeneralProgram(
        name="T",
        sense="minimize",
        c=np.array([2.0, 3.0]),
        offset=0.0,
        A=sparse.csr_array(np.array([[1.0, 1.0], [1.0, 2.0], [0.0, 1.0]])),
        row_lower=np.array([-np.inf, need, -np.inf]),
        row_upper=np.array([10.0, np.inf, side]),
        col_lower=np.array([0.0, lower]),
        col_upper=np.array([np.inf, upper]),
        row_names=("cap", "dem", "far"),
        col_names=("x", "y"),
    )


@pytest.mark.parametrize("kind", ["upper", "side"])
@pytest.mark.parametrize("exponent", range(3, 20))
def test_a_far_side_moves_the_solution_by_its_inverse(kind: str, exponent: int) -> None:
    """The slack of y <= U is s = a (1 - y / U) in its row's units, a between 1/2 and 1.

    The slope of its entropy along y, -(a / U) log s, is then below 1 / U: of that order is the
    change of the exponent of x, in units of y; the rest is the dual's tolerance.
    """
    plain, cost, strength = standard(example())
    alone = plain.recover(entropic_program(plain.A, plain.b, cost, strength).solution)
    form, cost, _ = standard(example(**{kind: 10.0**exponent}))
    found = entropic_program(form.A, form.b, cost, strength)
    assert found.certified
    np.testing.assert_allclose(
        form.recover(found.solution), alone, rtol=4.0 * 10.0**-exponent + 1e-9
    )


@pytest.mark.parametrize("exponent", range(4, 20, 3))
def test_a_far_lower_bound_is_solved_as_clarabel_solves_it(exponent: int) -> None:
    form, cost, strength = standard(example(lower=-(10.0**exponent)))
    found = entropic_program(form.A, form.b, cost, strength)
    assert found.certified
    x, value = by_clarabel(form.A, form.b, cost, strength)
    assert found.value == pytest.approx(value, abs=1e-6 * strength)
    # The optimum 6 at (0, 2), approached to the order of the strength.
    assert form.objective(found.solution) == pytest.approx(6.0, abs=0.2)
    np.testing.assert_allclose(form.recover(found.solution), form.recover(x), atol=1e-3)


def test_rows_of_any_size_are_met_in_their_own_terms() -> None:
    """x0 + x1 = 1 and x2 + x3 = 1e-9: each pair is the softmax of its costs, times its sum."""
    A = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    c, b = np.array([0.3, 0.1, 0.2, 0.4]), np.array([1.0, 1e-9])
    found = entropic_program(A, b, c, 0.05)
    weights = np.exp(-c / 0.05).reshape(2, 2)
    expected = b[:, None] * weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.solution, expected.ravel(), rtol=1e-10)
    assert found.certified


@pytest.mark.exhaustive
def test_a_program_of_the_size_of_fit1d_does_not_take_minutes() -> None:
    """24 dense rows and 1026 boxed variables, 1050 x 2076 in standard form."""
    rng = np.random.Generator(np.random.PCG64(0))
    A, inside = rng.standard_normal((24, 1026)), rng.uniform(0.2, 0.8, 1026)
    program = GeneralProgram(
        name="boxes",
        sense="minimize",
        c=rng.uniform(-1.0, 1.0, 1026),
        offset=0.0,
        A=sparse.csr_array(A),
        row_lower=A @ inside,
        row_upper=A @ inside,
        col_lower=np.zeros(1026),
        col_upper=np.ones(1026),
        row_names=("",) * 24,
        col_names=("",) * 1026,
    )
    began = process_time()
    form, cost, strength = standard(program)
    assert entropic_program(form.A, form.b, cost, strength).certified
    # 35 s where nothing else runs, 66 and 122 with neighbours on two cores
    assert process_time() - began < 200.0
