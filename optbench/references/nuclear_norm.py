"""Matrices of least nuclear norm, and soft-thresholded singular values.

Matrices W (k, d) are written row by row, as vectors of k d numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from optbench.errors import UserError
from optbench.references.arrays import Array, Matrix, as_dense, as_matrix, as_vector
from optbench.references.certificate import Reference, relative_gap

_CONSISTENT = 1e-9
_TOLERANCE = 1e-11


def nuclear_norm(matrix: Array) -> float:
    """Sum of the singular values of a matrix (k, d)."""
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def least_nuclear_norm(A: Matrix, b: ArrayLike, shape: tuple[int, int]) -> Reference:
    """Matrix of least nuclear norm under linear constraints.

    min ||W||_* subject to A vec(W) = b; the dual is max b.y subject to ||mat(A^T y)||_2 <= 1, a
    semidefinite program, whose multipliers are W.

    Parameters
    ----------
    A : array_like or scipy.sparse matrix, shape (m, k d)
        One row a constraint on W, row by row.
    b : array_like, shape (m,)
    shape : (int, int)
        k and d.

    Returns
    -------
    Reference
        `value` the nuclear norm, `dual` y with ||mat(A^T y)||_2 = 1, `bound` b.y, `residual` the
        largest abs(A vec(W) - b) relative to the largest abs(b).  `unique` is not decided.

    Raises
    ------
    UserError
        If the shape does not fit A, or A vec(W) = b has no solution beyond rounding.

    References
    ----------
    Recht, Fazel, Parrilo 2010, doi:10.1137/070697835.
    """
    A = as_dense(as_matrix(A, "A"))
    b = as_vector(b, A.shape[0], "b")
    if shape[0] * shape[1] != A.shape[1]:
        raise UserError(f"A has {A.shape[1]} columns: a matrix of shape {shape} has another size")
    inverse = np.linalg.pinv(A)
    size = np.abs(b).max() or 1.0
    if np.abs(A @ (inverse @ b) - b).max() > _CONSISTENT * size:
        raise UserError("A vec(W) = b has no solution: no matrix meets all the constraints")
    w, y = _solve(A, b, shape)
    for _ in range(2):
        w = w + inverse @ (b - A @ w)
    slope = float(np.linalg.norm((A.T @ y).reshape(shape), 2))
    y = y / (slope or 1.0)
    value, bound = nuclear_norm(w.reshape(shape)), float(b @ y)
    return Reference(
        name="nuclear",
        kind="least_norm",
        norm="nuclear",
        solution=w,
        value=value,
        bound=bound,
        gap=relative_gap(value, bound),
        dual=y,
        unique=None,
        residual=float(np.abs(A @ w - b).max() / size),
    )


def _solve(A: Array, b: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Solve the dual with Clarabel: [[I, Y], [Y^T, I]] is semidefinite iff ||Y||_2 <= 1."""
    import clarabel
    import scipy.sparse as sparse

    rows, columns = shape
    side = rows + columns
    # the solver reads the upper triangle column by column, off the diagonal times sqrt(2)
    corner = np.arange(side) * (np.arange(side) + 1) // 2
    places = (corner[rows:] + np.arange(rows)[:, None]).ravel()
    triangle = side * (side + 1) // 2
    entries = np.full(rows * columns, -np.sqrt(2.0))
    chosen = sparse.csr_array(
        (entries, (places, np.arange(rows * columns))), shape=(triangle, rows * columns)
    )
    identity = np.zeros(triangle)
    identity[corner + np.arange(side)] = 1.0
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = _TOLERANCE
    size = np.abs(b).max() or 1.0
    found = clarabel.DefaultSolver(
        sparse.csc_array((b.size, b.size)),
        -b / size,
        sparse.csc_array(chosen @ sparse.csr_array(A.T)),
        identity,
        [clarabel.PSDTriangleConeT(side)],
        settings,
    ).solve()
    return -np.sqrt(2.0) * size * np.array(found.z)[places], np.array(found.x)


def soft_thresholded(target: ArrayLike, penalty: float) -> Reference:
    """Minimiser of 1/2 ||W - M||_F^2 + penalty ||W||_*: singular values (s - penalty)_+.

    The dual is max <N, M> - 1/2 ||N||_F^2 subject to ||N||_2 <= penalty, met by N = M - W.

    Parameters
    ----------
    target : array_like, shape (k, d)
        M.
    penalty : float
        At least 0.

    Returns
    -------
    Reference
        `solution` W row by row, `value` the objective, `dual` N row by row.

    Raises
    ------
    UserError
        If the penalty is negative.

    References
    ----------
    Cai, Candes, Shen 2010, doi:10.1137/080738970.
    """
    if not penalty >= 0.0:
        raise UserError(f"penalty = {penalty} must be at least 0")
    M = as_dense(as_matrix(target, "target"))
    left, singular, right = np.linalg.svd(M, full_matrices=False)
    shrunk = np.maximum(singular - penalty, 0.0)
    W = (left * shrunk) @ right
    N = M - W
    value = float(0.5 * (N**2).sum() + penalty * nuclear_norm(W))
    N = N * min(1.0, penalty / max(float(np.linalg.norm(N, 2)), 1e-300))
    bound = float((N * M).sum() - 0.5 * (N**2).sum())
    return Reference(
        name="soft_thresholded",
        kind="minimizer",
        norm="nuclear",
        solution=W.ravel(),
        value=value,
        bound=bound,
        gap=relative_gap(value, bound, scale=0.5 * float((M**2).sum())),
        dual=N.ravel(),
        unique=True,
    )
