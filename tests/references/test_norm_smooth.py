"""The two ways to a least p-norm, along a path of exponents and by a conic program."""

from __future__ import annotations

import numpy as np
import pytest

from optbench.references import least_norm, max_margin, norm_smooth, vector_norm

EXPONENTS = [1.05, 1.1, 1.5, 2.0, 3.0, 10.0, 40.0]


def no_cone(*_):
    raise AssertionError("the path needs no conic program")


def wide(n=20, d=300, seed=0):
    return np.random.Generator(np.random.PCG64(seed)).standard_normal((n, d))


def apart(n=5, each=100):
    """Rows without common columns: a program of one row for each."""
    rows = np.random.Generator(np.random.PCG64(1)).standard_normal((n, each))
    return rows, np.block([[row * (i == j) for j in range(n)] for i, row in enumerate(rows)])


@pytest.mark.parametrize("p", EXPONENTS)
def test_rows_apart_have_a_closed_form(p, monkeypatch):
    """Least ||w||_p with a.w = b is abs(b) / ||a||_q (Hoelder); p-th powers of blocks add up."""
    monkeypatch.setattr(norm_smooth, "solve_cone", no_cone)
    rows, A = apart()
    sizes = np.array([vector_norm(row, p / (p - 1.0)) for row in rows])
    b = np.array([1.0, -2.0, 3.0, 0.5, 1e-3])
    assert least_norm(A, b, p).value == pytest.approx(vector_norm(b / sizes, p), rel=1e-13)
    margin = 1.0 / vector_norm(1.0 / sizes, p)
    assert max_margin(A, p).value == pytest.approx(margin, rel=1e-13)


@pytest.mark.parametrize("p", EXPONENTS[:-1])
def test_the_path_and_the_conic_program_agree(p, monkeypatch):
    A, b = wide(), wide(1, 20, 2)[0]
    found = []
    for left_out in ("solve_cone", "_follow"):
        with monkeypatch.context() as patch:
            if left_out == "_follow":
                patch.setattr(norm_smooth, "_follow", lambda *_: (None, np.inf))
                patch.setattr(norm_smooth, "solve_quadratic", lambda *_: None)
            else:
                patch.setattr(norm_smooth, "solve_cone", no_cone)
            found.append((least_norm(A, b, p), max_margin(A, p)))
    for one, other in zip(*found, strict=True):
        assert one.certified
        assert other.certified
        # either is within its gap of the optimum
        assert one.value == pytest.approx(other.value, rel=one.gap + other.gap + 1e-12)
        # the norm is strictly convex, but flat near the optimum where p is far from 2
        assert np.abs(one.solution - other.solution).max() < 1e-4 * np.abs(one.solution).max()


@pytest.mark.parametrize("p", [1.1, 2.0, 6.0])
def test_tall_data_of_rows_of_all_sizes(p):
    """Rows of sizes 1e-4 to 1e4."""
    rng = np.random.Generator(np.random.PCG64(53))
    A = rng.standard_normal((45, 2)) * 10.0 ** rng.uniform(-4, 4, (45, 1))
    A *= np.sign(A @ [1.0, 0.3])[:, None]
    assert max_margin(A, p).certified


def test_a_point_of_zeros_on_the_way_is_no_error():
    """Columns that differ by 2^26, where the path's coordinates vanish in double precision."""
    X = np.array([[0.0, *5 * [-(2.0**20)]], [-(2.0**-6), *5 * [-(2.0**20)]]])
    reference = least_norm(X, [1.0, 0.0], 1.5)
    w = reference.solution  # x_1 = 2^6; the others sum to -2^-20
    assert w[0] == pytest.approx(64.0, rel=1e-6) and reference.bound <= reference.value * (1 + 1e-9)
