"""Least squares: certified optimum, its minimisers, and the spectrum of the Hessian."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from optbench.references.arrays import (
    Array,
    Matrix,
    Pair,
    as_dense,
    as_matrix,
    as_vector,
    extended_product,
    is_sparse,
    term_sizes,
)
from optbench.references.certificate import Reference, relative_gap
from optbench.references.scaling import graded_qr, rank, row_space, solve_upper

_ROUNDING = 4e-15  # of the size of the terms of y - X w
_REFINEMENTS = 4
_DENSE_GRAM = 4000


class HessianEigenvalues(NamedTuple):
    """Extreme eigenvalues of X^T X / n: the largest and the smallest positive one."""

    largest: float
    smallest_positive: float


def least_squares(X: Matrix, y: ArrayLike) -> Reference:
    """Optimum of ||X w - y||^2 / (2 n) and its minimiser of least L2 norm.

    The dual is max (r.y - ||r||^2 / 2) / n over X^T r = 0, met by the residual r.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)

    Returns
    -------
    Reference
        `value` the optimal loss, exactly 0 when the residual is at rounding level; `dual` the
        residual y - X w, projected on the null space of X^T.  `bound` is lowered by what is left
        of X^T r.
    """
    X = as_matrix(X, "X")
    y = as_vector(y, X.shape[0], "y")
    dense = as_dense(X)
    w, basis = _minimizer(dense, y)
    error = (y - extended_product(dense, w)).astype(np.float64)
    if (np.abs(error) <= _ROUNDING * (np.abs(y) + term_sizes(dense, w))).all():
        dual, value, bound = np.zeros_like(y), 0.0, 0.0
    else:
        dual = error - basis @ (basis.T @ error)
        dual = dual - basis @ (basis.T @ dual)
        value = float(error @ error) / (2 * y.size)
        slope = np.abs(extended_product(dense.T, dual)).astype(np.float64)
        bound = float(dual @ error - dual @ dual / 2.0 - slope @ np.abs(w)) / y.size
    gap, unique = relative_gap(value, bound), basis.shape[1] == dense.shape[1]
    return Reference("l2", "minimizer", "l2", w, value, bound, gap, dual, unique)


def fitted_values(X: Matrix, y: ArrayLike) -> Array:
    """What every minimiser of ||X w - y|| predicts: y itself where X w = y has a solution.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)

    Returns
    -------
    ndarray, shape (n,)
    """
    X = as_matrix(X, "X")
    best = least_squares(X, y)
    if best.value == 0.0:
        return as_vector(y, X.shape[0], "y")
    return np.asarray(extended_product(X, best.solution), dtype=np.float64)


def _minimizer(X: Array, y: Array) -> Pair:
    """The minimiser of least norm, and an orthonormal basis (n, r) of the span of the columns."""
    exponents = np.frexp(np.abs(X).max(axis=0))[1]
    Q, R, pivots = graded_qr(np.ldexp(X, -exponents))
    size = rank(X)
    Q, R, pivots = Q[:, :size], R[:size, :size], pivots[:size]
    w = np.zeros(X.shape[1])
    row_basis = row_space(X) if size < w.size else None
    for _ in range(_REFINEMENTS):
        error = (y - extended_product(X, w)).astype(np.float64)
        step = np.zeros_like(w)
        step[pivots] = np.ldexp(solve_upper(R, Q.T @ error), -exponents[pivots])
        w = w + (step if row_basis is None else row_basis @ (row_basis.T @ step))
    return w, Q


def nearest_minimizer(X: Matrix, y: ArrayLike, start: ArrayLike) -> Array:
    """The minimiser of ||X w - y|| nearest to a point: start + pinv(X) (y - X start).

    Gradient descent from `start` converges to it.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)
    y : array_like, shape (n,)
    start : array_like, shape (d,)

    Returns
    -------
    ndarray, shape (d,)
    """
    X = as_matrix(X, "X")
    y, start = as_vector(y, X.shape[0], "y"), as_vector(start, X.shape[1], "start")
    return start + least_squares(X, y - X @ start).solution


def hessian_eigenvalues(X: Matrix) -> HessianEigenvalues:
    """Largest and smallest positive eigenvalue of the Hessian X^T X / n.

    Parameters
    ----------
    X : array_like or scipy.sparse matrix, shape (n, d)

    Returns
    -------
    HessianEigenvalues
        For sparse data with more than 4000 rows and columns `smallest_positive` is NaN, since it
        would need a dense factorisation. A zero matrix has (0, 0).
    """
    X = as_matrix(X, "X")
    n = X.shape[0]
    if is_sparse(X):
        gram = X.T @ X if X.shape[1] <= n else X @ X.T
        if gram.shape[0] > _DENSE_GRAM:
            from scipy.sparse.linalg import eigsh

            largest = eigsh(gram, k=1, which="LA", return_eigenvectors=False)[0]
            return HessianEigenvalues(float(largest) / n, float("nan"))
        X = as_dense(X)
    singular = np.linalg.svd(X, compute_uv=False)
    positive = singular[singular > singular[0] * max(X.shape) * np.finfo(np.float64).eps]
    if positive.size == 0:
        return HessianEigenvalues(0.0, 0.0)
    return HessianEigenvalues(float(positive[0]) ** 2 / n, float(positive[-1]) ** 2 / n)
