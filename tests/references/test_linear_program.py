"""Linear programs against Netlib optima and random programs; entropic ones against Sinkhorn."""

from __future__ import annotations

import json
from itertools import pairwise

import highspy
import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_data import shared
from scipy.optimize import linear_sum_assignment

from optbench.errors import UserError
from optbench.references import entropic_program, linear_program_errors, solve_linear_program

NETLIB = ["afiro", "sc50a", "sc50b", "adlittle", "kb2", "blend", "share2b", "recipe"]


def standard_form(path):
    """Rows lower <= A x <= upper and bounds on x as A x = b, x >= 0, with the objective's shift."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.readModel(str(path))
    model = solver.getLp()
    columns = model.a_matrix_
    A = sparse.csc_array(
        (columns.value_, columns.index_, columns.start_), shape=(model.num_row_, model.num_col_)
    )
    low, high = np.array(model.col_lower_), np.array(model.col_upper_)
    cost = np.array(model.col_cost_)
    shift = np.where(np.isfinite(low), low, 0.0)
    free = np.flatnonzero(~np.isfinite(low))
    variables = sparse.hstack([A, -A[:, free]]).tocsr()
    blocks, right = [], []
    sides = ((model.row_lower_, -1.0), (model.row_upper_, 1.0))
    equal = np.isclose(model.row_lower_, model.row_upper_)
    slacks = []
    for side, sign in sides:
        side = np.array(side)
        kept = np.flatnonzero(np.isfinite(side) & (~equal | (sign > 0)))
        blocks.append(variables[kept])
        right.append(side[kept] - A[kept] @ shift)
        slacks.extend(np.where(equal[kept], 0.0, sign))
    bounded = np.flatnonzero(np.isfinite(high))
    chooser = sparse.eye_array(variables.shape[1]).tocsr()[bounded]
    blocks.append(chooser)
    right.append((high - shift)[bounded])
    slacks.extend(np.ones(bounded.size))
    slack = sparse.diags_array(np.array(slacks)).tocsc()[:, np.flatnonzero(slacks)]
    full = sparse.hstack([sparse.vstack(blocks), slack]).tocsr()
    c = np.concatenate([cost, -cost[free], np.zeros(slack.shape[1])])
    return full, np.concatenate(right), c, float(cost @ shift) + model.offset_


def plain_copy(name, folder):
    import gzip

    path = folder / f"{name}.mps"
    path.write_bytes(gzip.decompress((shared() / "lp" / f"{name}.mps.gz").read_bytes()))
    return path


@pytest.mark.parametrize("name", NETLIB)
def test_netlib(name, tmp_path):
    truth = {row["name"]: row for row in json.loads((shared() / "truth/lp.json").read_text())}
    A, b, c, offset = standard_form(plain_copy(name, tmp_path))
    reference = solve_linear_program(A, b, c)
    assert reference.certified
    assert reference.value + offset == pytest.approx(truth[name]["highs"], rel=1e-8)
    errors = linear_program_errors(A, b, c, reference.solution, reference.dual)
    assert max(errors.primal, errors.dual, errors.complementarity) <= 1e-9


def test_netlib_infeasible(tmp_path):
    A, b, c, _ = standard_form(plain_copy("box1", tmp_path))
    with pytest.raises(UserError, match="infeasible"):
        solve_linear_program(A, b, c)


def test_unbounded():
    with pytest.raises(UserError, match="unbounded"):
        solve_linear_program(np.array([[1.0, -1.0]]), [0.0], [-1.0, 0.0])


def transport(costs):
    n = len(costs)
    rows = np.kron(np.eye(n), np.ones(n))
    columns = np.kron(np.ones(n), np.eye(n))
    return np.vstack([rows, columns]), np.full(2 * n, 1 / n), costs.ravel()


def test_assignment():
    costs = np.random.Generator(np.random.PCG64(2)).uniform(size=(12, 12))
    value = costs[linear_sum_assignment(costs)].mean()
    assert solve_linear_program(*transport(costs)).value == pytest.approx(value, rel=1e-12)


def random_program(seed, m=6, d=15):
    """A program with a known optimum: x and s complementary, c = A^T y + s."""
    rng = np.random.Generator(np.random.PCG64(seed))
    A = rng.standard_normal((m, d))
    basic = rng.permutation(d) < m
    x = np.where(basic, rng.uniform(0.1, 1, d), 0)
    y = rng.standard_normal(m)
    c = A.T @ y + np.where(basic, 0, rng.uniform(0.1, 1, d))
    return A, A @ x, c, x


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_random_programs(seed):
    A, b, c, x = random_program(seed)
    reference = solve_linear_program(A, b, c)
    assert reference.certified and reference.unique
    # x solves an m x m Gaussian system, whose condition number seldom reaches 1e5.
    np.testing.assert_allclose(reference.solution, x, atol=1e-8)
    assert reference.value == pytest.approx(c @ x, abs=1e-8)


def test_a_flat_face_is_not_called_unique():
    reference = solve_linear_program(np.array([[1.0, 1.0]]), [1.0], [1.0, 1.0])
    assert reference.value == 1.0
    assert reference.unique is None


def sinkhorn(costs, strength, steps=20000):
    kernel = np.exp(-costs / strength)
    v = np.ones(len(costs))
    for _ in range(steps):
        u = (1 / len(costs)) / (kernel @ v)
        v = (1 / len(costs)) / (kernel.T @ u)
    return u[:, None] * kernel * v


@pytest.mark.parametrize("strength", [1.0, 0.1, 0.02])
def test_entropic_transport_is_sinkhorn(strength):
    costs = np.random.Generator(np.random.PCG64(6)).uniform(size=(6, 6))
    reference = entropic_program(*transport(costs), strength)  # one row is redundant
    assert reference.certified
    # Sinkhorn's plan is exp((f + g - c) / strength) with the same marginals: the same point.
    np.testing.assert_allclose(
        reference.solution.reshape(6, 6), sinkhorn(costs, strength), rtol=1e-7, atol=1e-13
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([10.0, 1.0, 0.1, 1e-2, 1e-4]))
def test_entropic_duality_and_limit(seed, strength):
    A, b, c, x = random_program(seed)
    reference = entropic_program(A, b, c, strength)
    assert reference.certified
    feasible = c @ x + strength * (x[x > 0] * (np.log(x[x > 0]) - 1)).sum()
    size = np.abs(c * reference.solution).sum() + strength
    assert reference.bound <= feasible + 1e-9 * size
    assert c @ reference.solution >= c @ x - 1e-7 * size


def test_entropic_approaches_the_vertex():
    A, b, c, x = random_program(1)
    distances = [
        np.abs(entropic_program(A, b, c, s).solution - x).max() for s in (0.1, 0.03, 0.01, 0.003)
    ]
    # The distance decays like exp(-C / strength).
    assert all(later < 0.5 * earlier for earlier, later in pairwise(distances))
    assert distances[-1] < 1e-8


def test_entropic_wrong_input():
    A, b, c, _ = random_program(0)
    with pytest.raises(UserError, match="must be positive"):
        entropic_program(A, b, c, 0.0)
    with pytest.raises(UserError, match="infeasible"):
        entropic_program(np.ones((1, 2)), [-1.0], [1.0, 1.0], 1.0)
