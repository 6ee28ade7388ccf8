"""Least L1 and Linf norm under A w = b or A w >= b, as linear programs (HiGHS)."""

from __future__ import annotations

import numpy as np

from optbench.references.arrays import Array, Matrix, Pair, as_dense, extended_product, is_sparse
from optbench.references.certificate import dual_exponent, vector_norm
from optbench.references.scaling import equilibrate, rescale

HIGHS_OPTIONS = {
    "primal_feasibility_tolerance": 1e-10,
    "dual_feasibility_tolerance": 1e-10,
}


def solve_norm_linear(A: Matrix, b: Array, p: float, inequality: bool) -> list[Pair]:
    """Minimise ||w||_p for p = 1 or inf subject to A w = b, or A w >= b.

    Parameters
    ----------
    A : ndarray or csr_array, shape (n, d)
    b : ndarray, shape (n,)
    p : float
        1 or inf.
    inequality : bool
        Whether the constraint is A w >= b.

    Returns
    -------
    list of (w, multipliers)
        The solver's point and the same vertex polished to rounding, arrays of shape (d,) and (n,);
        empty if the constraints cannot be met.
    """
    size = abs(A).max()
    pair = _solve(A / size, b, p, inequality, np.ones(A.shape[1]))
    if pair is None:
        return []
    pair = pair[0] / size, pair[1] / vector_norm(A.T @ pair[1], dual_exponent(p))
    return [pair, polish_vertex(A, b, *pair, p, inequality)]


def solve_norm_scaled(A: Matrix, b: Array, p: float, inequality: bool) -> list[Pair]:
    """As `solve_norm_linear`, with rows and columns of one size to the solver.

    Parameters
    ----------
    A, b, p, inequality
        As in `solve_norm_linear`.

    Returns
    -------
    list of (w, multipliers)
    """
    scaled = equilibrate(A)
    right = np.ldexp(b, scaled.rows)
    reach = np.ldexp(1.0, scaled.columns.max() - scaled.columns)
    pair = _solve(scaled.matrix, right, p, inequality, reach)
    if pair is None:
        return []
    inside = np.ldexp(pair[0], scaled.columns), pair[1]
    rows = rescale(A, scaled.rows, np.zeros_like(scaled.columns))
    polished = polish_vertex(rows, right, *inside, p, inequality)
    return [(w, np.ldexp(weights, scaled.rows)) for w, weights in (inside, polished)]


def _solve(A: Matrix, b: Array, p: float, inequality: bool, reach: Array) -> Pair | None:
    """w = u / t where t is largest with A u - b t >= 0 (= 0) and ||u / reach|| <= 1.

    For L1, u = x[:d] - x[d:] with x >= 0 of weighted sum at most 1; for Linf, u is in a box.
    u = 0, t = 0 is feasible, so HiGHS never has to prove infeasibility, which can take it long.
    """
    from scipy.optimize import linprog

    n, d = A.shape
    right = b / np.abs(b).max()  # t is then comparable with the entries of u
    if np.isinf(p):
        rows = _beside([A, -right[:, None]])
        bounds = [(-size, size) for size in reach]
        ball, radius = np.zeros((0, d + 1)), []
    else:
        rows = _beside([A, -A, -right[:, None]])
        bounds = [(0.0, None)] * 2 * d
        ball, radius = np.concatenate([1.0 / reach, 1.0 / reach, [0.0]])[None], [1.0]
    result = linprog(
        np.append(np.zeros(len(bounds)), -1.0),
        A_ub=_above([-rows, ball]) if inequality else ball,
        b_ub=np.concatenate([np.zeros(n), radius]) if inequality else radius,
        A_eq=None if inequality else rows,
        b_eq=None if inequality else np.zeros(n),
        bounds=[*bounds, (None, None)],
        method="highs",
        options=HIGHS_OPTIONS,
    )
    if result.status != 0 or result.x[-1] <= 0.0:
        return None
    u = result.x[:d] if np.isinf(p) else result.x[:d] - result.x[d:-1]
    multipliers = -result.ineqlin.marginals[:n] if inequality else result.eqlin.marginals
    return u / result.x[-1] * np.abs(b).max(), multipliers


def _beside(blocks: list[Matrix]) -> Matrix:
    if is_sparse(blocks[0]):
        import scipy.sparse as sparse

        return sparse.hstack([sparse.csr_array(block) for block in blocks], format="csr")
    return np.hstack(blocks)


def _above(blocks: list[Matrix]) -> Matrix:
    if is_sparse(blocks[0]):
        import scipy.sparse as sparse

        return sparse.vstack([sparse.csr_array(block) for block in blocks], format="csr")
    return np.vstack(blocks)


def polish_vertex(
    A: Matrix, b: Array, w: Array, multipliers: Array, p: float, inequality: bool
) -> Pair:
    """Solve the equations active at a vertex again, with residuals in extended precision.

    On the optimal face w = E x. L1: E selects the non-zeros and their costs are the signs. Linf:
    E selects the entries inside the box, of cost 0, and joins the others, with their signs, into
    one column of cost 1. With S the rows of non-zero multiplier and M = A_S E, the vertex solves
    M x = b_S and its multipliers solve M^T a = cost.

    Parameters
    ----------
    A, b, p, inequality
        As in `solve_norm_linear`.
    w : ndarray, shape (d,)
    multipliers : ndarray, shape (n,)

    Returns
    -------
    (w, multipliers)
        Corrected copies.
    """
    size = np.abs(w).max()
    rows = np.abs(multipliers) > 1e-12 * np.abs(multipliers).max()
    if not inequality:
        rows[:] = True
    if np.isinf(p):
        inside = np.abs(w) < size * (1.0 - 1e-9)
        free, cost = np.flatnonzero(inside), np.append(np.zeros(inside.sum()), 1.0)
        joined = np.where(inside, 0.0, np.sign(w))
        x = np.append(w[free], size)
    else:
        free = np.flatnonzero(np.abs(w) > 1e-12 * size)
        x, cost, joined = w[free], np.sign(w[free]), None
    active = as_dense(A[rows])
    M = active[:, free]
    if joined is not None:
        M = np.column_stack([M, active @ joined])
    x = _refine(M, b[rows], x)
    refined = multipliers.copy()
    refined[rows] = _refine(M.T, cost, multipliers[rows])
    polished = np.zeros_like(w) if joined is None else joined * x[-1]
    polished[free] = x[: free.size]
    return polished, refined


def _refine(M: Array, right: Array, x: Array) -> Array:
    """Iterative refinement of M x = right; columns are scaled since data columns may differ."""
    scale = np.abs(M).max(axis=0)
    scale[scale == 0.0] = 1.0
    inverse = np.linalg.pinv(M / scale, rcond=1e-13)
    for _ in range(3):
        residual = right - extended_product(M, x)
        x = x + (inverse @ residual.astype(np.float64)) / scale
    return x
